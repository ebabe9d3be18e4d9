//! One profile for one person, and who may see it.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use vitrine_domain::time::HOUR;
use vitrine_http::auth::sign_user_token;
use vitrine_tests::{Ground, Shop, catalogue, ids};

async fn identify(shop: &Shop, anonymous_id: &str, user_id: &str) -> Result<()> {
    let body = json!({"type": "identify", "anonymousId": anonymous_id, "userId": user_id, "traits": {"tier": "gold"}});
    shop.ok(&shop.browser, Method::POST, "/v1/i", Some(body)).await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_visit_before_the_log_in_joins_the_person_who_logged_in() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("identity").await?;
    shop.stock(&catalogue(&["tea"], 8)).await?;
    shop.view("phone", "tea-1").await?;
    shop.view("laptop", "tea-2").await?;
    identify(&shop, "phone", "anna").await?;
    identify(&shop, "laptop", "anna").await?;
    let at_the_till = json!({"type": "track", "event": "Order Completed", "userId": "anna", "channel": "store",
        "properties": {"order_id": "o1", "total": 9.5, "currency": "EUR", "products": [{"product_id": "tea-3", "price": 9.5}]}});
    shop.ok(&shop.server, Method::POST, "/v1/track", Some(at_the_till)).await?;
    let visitor = shop
        .eventually("/v1/visitors/anna", |v| {
            let counts = &v["profile"]["state"]["counts"];
            counts["view"] == 2 && counts["identify"] == 2 && counts["order"] == 1
        })
        .await?;
    assert_eq!(visitor["profile"]["state"]["traits"]["tier"], "gold");
    assert_eq!(visitor["visitor"], "u:anna");
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_key_reads_nothing_of_a_known_user_without_their_token() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("private").await?;
    shop.stock(&catalogue(&["tea"], 8)).await?;
    identify(&shop, "annas-phone", "anna").await?;
    let view =
        json!({"type": "track", "event": "Product Viewed", "userId": "anna", "properties": {"product_id": "tea-5"}});
    shop.ok(&shop.browser, Method::POST, "/v1/t", Some(view)).await?;
    ground.stack.poller.caught_up().await;
    let question = json!({"visitor_id": "anna"});
    let path = "/v1/recommendations/recently-viewed";
    let (status, _) = shop.call(&shop.browser, Method::POST, path, Some(question.clone())).await?;
    assert_eq!(status, 404);
    // A stranger who says they are Anna feeds her profile and reads nothing of it.
    identify(&shop, "strangers-phone", "anna").await?;
    let stranger = shop.recommend("recently-viewed", json!({"anonymous_id": "strangers-phone"})).await?;
    assert!(ids(&stranger).is_empty(), "{stranger}");
    let (status, _) = shop.call(&shop.browser, Method::GET, "/v1/visitors/anna", None).await?;
    assert_eq!(status, 403);

    let expiry = ground.stack.context.clock.now().plus(HOUR);
    let token = sign_user_token(&shop.server, "anna", expiry).unwrap_or_default();
    let with_token = |token: String| {
        let request = reqwest::Client::new().post(format!("{}{path}", ground.stack.url()));
        request.basic_auth(&shop.browser, Some("")).header("x-vitrine-user", token).json(&question).send()
    };
    let answer: serde_json::Value = with_token(token.clone()).await?.json().await?;
    assert_eq!(ids(&answer), ["tea-5"]);
    assert_eq!(with_token(token.replace("v1.", "v1.0")).await?.status(), 401);
    let expired = sign_user_token(&shop.server, "anna", expiry.plus(-2 * HOUR)).unwrap_or_default();
    assert_eq!(with_token(expired).await?.status(), 401);
    let of_server = shop.ok(&shop.server, Method::POST, path, Some(question.clone())).await?;
    assert_eq!(ids(&of_server), ["tea-5"]);
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_token_that_is_no_text_is_refused_and_not_overlooked() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("odd-token").await?;
    let request = reqwest::Client::new().get(format!("{}/v1/categories", ground.stack.url()));
    let token = reqwest::header::HeaderValue::from_bytes(b"v1.\xff.YQ.9.YQ")?;
    let answer = request.basic_auth(&shop.browser, Some("")).header("x-vitrine-user", token).send().await?;
    assert_eq!(answer.status(), 401);
    ground.stop().await;
    Ok(())
}
