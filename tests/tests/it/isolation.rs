//! Two shops in one stack never meet.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use vitrine_local::{Options, Stack, shops};
use vitrine_store::api_keys::KeyKind;
use vitrine_tests::{Ground, catalogue, ids};

#[tokio::test(flavor = "multi_thread")]
async fn two_shops_with_the_same_names_for_everything_never_meet() -> Result<()> {
    let ground = Ground::start().await?;
    let (one, two) = (ground.shop("shop").await?, ground.shop("shop-2").await?);
    one.stock(&catalogue(&["tea"], 6)).await?;
    two.stock(&catalogue(&["cups"], 6)).await?;
    for n in 0..3 {
        one.view("same-visitor", &format!("tea-{n}")).await?;
    }
    ground.stack.poller.caught_up().await;
    one.retrain().await?;
    two.retrain().await?;
    for placement in ["home", "feed", "trending", "recently-viewed", "product-similar"] {
        let question = json!({"anonymous_id": "same-visitor", "product_id": "tea-0", "limit": 50});
        let of_two = two.recommend(placement, question.clone()).await?;
        assert!(ids(&of_two).iter().all(|id| id.starts_with("cups")), "{placement} {of_two}");
        let of_one = one.recommend(placement, question).await?;
        assert!(ids(&of_one).iter().all(|id| id.starts_with("tea")), "{placement} {of_one}");
    }
    for path in ["/v1/visitors/a:same-visitor", "/v1/products/tea-1"] {
        assert_eq!(one.call(&one.server, Method::GET, path, None).await?.0, 200, "{path}");
        assert_eq!(two.call(&two.server, Method::GET, path, None).await?.0, 404, "{path}");
    }
    let (status, problem) = one.call("nobodys-key", Method::GET, "/v1/categories", None).await?;
    assert_eq!(status, 401);
    assert!(problem["request_id"].is_string() && problem["code"] == "unknown-key", "{problem}");
    // The other shop's cursor belongs to nothing here.
    let page = one.recommend("feed", json!({"limit": 2})).await?;
    let body = json!({"limit": 2, "cursor": page["cursor"]});
    let (status, _) = two.call(&two.browser, Method::POST, "/v1/recommendations/feed", Some(body)).await?;
    assert!(status == 410 || status == 422, "{status}");
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_product_costs_the_shop_is_for_server_keys_alone() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("margins").await?;
    let tea = json!({"id": "tea", "title": "Tea", "category": ["All"], "price": 3.0, "cost": 1.23, "currency": "EUR"});
    shop.stock(&tea).await?;
    for trained in [false, true] {
        if trained {
            shop.retrain().await?;
            tokio::time::sleep(std::time::Duration::from_millis(1050)).await;
        }
        for path in ["/v1/recommendations/home", "/v1/products", "/v1/products/tea"] {
            let answer = shop.ok(&shop.browser, Method::GET, path, None).await?.to_string();
            assert!(answer.contains("Tea") && !answer.contains("cost"), "{path} {answer}");
        }
        let (status, _) = shop.call(&shop.browser, Method::GET, "/v1/products?filter=cost%20%3E%201", None).await?;
        assert_eq!(status, 422, "nor can it be guessed with filters");
        let own = shop.ok(&shop.server, Method::GET, "/v1/products/tea", None).await?;
        assert_eq!(own["cost"], 1.23);
    }
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_the_sample_shop_is_not_served_to_a_network() -> Result<()> {
    let folder = tempfile::TempDir::new()?;
    let stack = Stack::start(Options::bare(folder.path())).await?;
    let (table, now) = (stack.context.table.clone(), stack.context.clock.now());
    table.put_api_key(shops::SAMPLE_KEY, &vitrine_domain::Shop::new("demo")?, KeyKind::Server, now).await?;
    stack.stop().await;
    let everywhere = Options { host: [0, 0, 0, 0].into(), ..Options::bare(folder.path()) };
    let refused = Stack::start(everywhere).await.map(|_| ());
    assert!(refused.is_err_and(|error| error.to_string().contains("whose keys everybody knows")));
    Stack::start(Options::bare(folder.path())).await?.stop().await;
    Ok(())
}
