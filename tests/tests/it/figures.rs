//! What one machine tells of itself at `/metrics`, and how a shop fares whose vector server is away.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde_json::{Value, json};
use vitrine_local::Options;
use vitrine_runtime::{Limits, Rate, VectorServer};
use vitrine_tests::{Ground, catalogue, ids};

const DOCUMENTED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/runtime/src/metrics.rs"));

/// The names in the table at the head of `vitrine_runtime::metrics`.
fn documented() -> BTreeSet<&'static str> {
    let rows = DOCUMENTED.lines().filter_map(|line| line.strip_prefix("//! | `"));
    let names = rows.filter_map(|row| row.split_once(" |")).flat_map(|(names, _)| names.split(", "));
    names.map(|name| name.trim_matches('`')).collect()
}

/// The names of what was counted.
async fn counted(ground: &Ground) -> Result<BTreeSet<String>> {
    let text = reqwest::get(format!("{}/metrics", ground.stack.url())).await?.text().await?;
    Ok(text.lines().filter_map(|line| Some(line.strip_prefix("# TYPE ")?.split_once(' ')?.0.to_owned())).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_is_there_by_its_name_and_a_shop_without_its_vector_server_is_served() -> Result<()> {
    let wide = Rate { per_second: 1_000_000, burst: 1_000_000 };
    let away = VectorServer {
        url: "http://127.0.0.1:9".to_owned(),
        api_key: None,
        prefix: "vitrine-away".to_owned(),
        visitors: 10,
    };
    let ground = Ground::start_with(|options| Options {
        limits: Limits { key: wide, visitor: Rate { per_second: 1, burst: 20 } },
        vectors: Some(away),
        ..options
    });
    let ground = ground.await?;
    let shop = ground.shop("counted").await?;
    shop.stock(&catalogue(&["tea", "cups", "plates"], 12)).await?;
    for person in 0..30 {
        for step in 0..8 {
            let category = ["tea", "cups", "plates"][(person + step / 4) % 3];
            shop.view(&format!("person-{person}"), &format!("{category}-{}", (person + step * 5) % 12)).await?;
        }
    }
    let event = json!({"event": "Product Viewed", "properties": {"product_id": "tea-1"}});
    let (status, _) = shop.call(&shop.browser, Method::POST, "/v1/t", Some(event)).await?;
    assert_eq!(status, 422, "an event of nobody is refused");
    let crawler = json!({
        "event": "Product Viewed", "anonymousId": "crawler", "properties": {"product_id": "tea-1"},
        "context": {"userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
    });
    shop.ok(&shop.browser, Method::POST, "/v1/t", Some(crawler)).await?;
    let flood: Vec<Value> = (0..21)
        .map(|number| json!({"type": "page", "anonymousId": "flood", "messageId": format!("flood-{number}")}))
        .collect();
    // What no bucket can hold is taken out of a full one; the next time it is empty.
    shop.ok(&shop.browser, Method::POST, "/v1/batch", Some(json!({"batch": flood}))).await?;
    let (status, _) = shop.call(&shop.browser, Method::POST, "/v1/batch", Some(json!({"batch": flood}))).await?;
    assert_eq!(status, 429);
    ground.stack.poller.caught_up().await;

    // The model is published without the server, and says so; what it would carry is searched here.
    let result = shop.retrain().await?;
    assert_eq!(result["outcome"], "published", "{result}");
    assert!(result["uncarried"].is_string(), "{result}");
    // A model looks at what changed ten seconds before its training and later by itself: of a shop just stocked, at everything.
    let by_itself = async {
        for person in 0.. {
            let visitor = format!("later-{person}");
            shop.view(&visitor, "tea-1").await?;
            shop.retrain().await?;
            let answer = shop.recommend("home", json!({"anonymous_id": visitor, "limit": 5})).await?;
            if answer["degraded"] == "index" {
                return Ok(answer);
            }
        }
        anyhow::bail!("never by the new model")
    };
    let answer =
        tokio::time::timeout(Duration::from_secs(60), by_itself).await.context("no list by the new model")??;
    assert_eq!(ids(&answer).len(), 5);

    let counted = counted(&ground).await?;
    let counted: BTreeSet<&str> = counted.iter().map(String::as_str).collect();
    assert_eq!(counted, documented());
    ground.stop().await;
    Ok(())
}
