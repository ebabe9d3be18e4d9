//! Robots are marked, and nothing is learned from them.
#![allow(clippy::print_stdout, reason = "figures for --nocapture")]

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use vitrine_tests::{Ground, Shop, catalogue, ids};

const GOOGLE: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

/// Views of a product that came in this second, one event a second or all at once.
async fn views(shop: &Shop, visitor: &str, product: &str, times: usize, agent: Option<&str>) -> Result<()> {
    let start = vitrine_runtime::Clock::system().now().plus(-60_000);
    let view = |n: usize| {
        let mut event = json!({
            "type": "track", "event": "Product Viewed", "anonymousId": visitor, "messageId": format!("{visitor}-{n}"),
            "timestamp": start.plus(n as i64 * 10).to_rfc3339(), "properties": {"product_id": product},
        });
        if let Some(agent) = agent {
            event["context"] = json!({"userAgent": agent});
        }
        event
    };
    let batch: Vec<Value> = (0..times).map(view).collect();
    shop.ok(&shop.browser, Method::POST, "/v1/batch", Some(json!({"batch": batch}))).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn declared_and_behaving_robots_are_marked_and_teach_nothing() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("robots").await?;
    shop.stock(&catalogue(&["tea"], 6)).await?;
    for person in 0..30 {
        views(&shop, &format!("person-{person}"), &format!("tea-{}", person % 3), 2, None).await?;
    }
    // Forty crawlers for one product, and a program that hides what it is for another.
    for robot in 0..40 {
        views(&shop, &format!("crawler-{robot}"), "tea-4", 1, Some(GOOGLE)).await?;
    }
    views(&shop, "hidden", "tea-5", 200, None).await?;
    ground.stack.poller.caught_up().await;
    let marked = async |visitor: &str| {
        let held = shop.ok(&shop.server, Method::GET, &format!("/v1/visitors/a:{visitor}"), None).await?;
        Ok::<_, anyhow::Error>(held["profile"]["state"]["robot"] == true)
    };
    assert!(marked("crawler-0").await? && marked("hidden").await?);
    assert!(!marked("person-0").await?);

    let result = shop.retrain().await?;
    assert_eq!(result["read"]["robots"], 240, "{result}");
    assert_eq!(result["read"]["events"], 300, "{result}");
    let results = shop.ok(&shop.server, Method::GET, "/v1/results", None).await?;
    assert_eq!((&results["robots"], &results["people"]), (&json!(41), &json!(30)), "{results}");
    println!(
        "figure: 240 events of 41 robots marked: 0 learned from, 0 in results; 60 events of 30 people learned from"
    );
    tokio::time::sleep(std::time::Duration::from_millis(1050)).await;
    let liked = ids(&shop.recommend("home", json!({"anonymous_id": "new", "limit": 3})).await?);
    assert!(["tea-4", "tea-5"].iter().all(|robots| !liked.iter().any(|id| id == robots)), "{liked:?}");
    // A robot is served like everybody.
    assert!(!ids(&shop.recommend("home", json!({"anonymous_id": "hidden"})).await?).is_empty());
    ground.stop().await;
    Ok(())
}
