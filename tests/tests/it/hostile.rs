//! What the hostile requests of `tests/hostile` found, and must not find again.

use anyhow::Result;
use reqwest::Method;
use reqwest::header::LOCATION;
use vitrine_tests::Ground;

#[tokio::test(flavor = "multi_thread")]
async fn names_that_no_key_of_the_table_can_hold_are_unknown() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("long-names").await?;
    let long = "A".repeat(5000);
    for (method, path) in [(Method::DELETE, "rules"), (Method::GET, "rules"), (Method::GET, "jobs")] {
        let (status, problem) = shop.call(&shop.server, method.clone(), &format!("/v1/{path}/{long}"), None).await?;
        assert_eq!(status, 404, "{method} {path} {problem}");
    }
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_the_shop_with_line_ends_in_it_is_no_header_of_its_own() -> Result<()> {
    let ground = Ground::start().await?;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let answer = client.get(format!("{}/shop/a%0d%0aX-Injected:1/b", ground.stack.url())).send().await?;
    assert_eq!(answer.status(), 307);
    assert_eq!(answer.headers()[LOCATION], "/#/a%0d%0aX-Injected:1/b");
    assert!(!answer.headers().contains_key("x-injected"));
    ground.stop().await;
    Ok(())
}
