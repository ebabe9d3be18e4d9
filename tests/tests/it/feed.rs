//! The inspirational feed: it learns from one page for the next, never repeats itself, and mixes content in.

use std::collections::BTreeSet;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use vitrine_tests::{Ground, Shop, catalogue, ids};

const CATEGORIES: [&str; 5] = ["tea", "coffee", "cups", "plates", "spoons"];
/// Products of a page.
const PAGE: usize = 10;

/// A trained shop in which people look at products of one category at a time, with stories that its feed mixes in.
async fn trained(ground: &Ground, name: &str) -> Result<Shop> {
    let shop = ground.shop(name).await?;
    shop.stock(&catalogue(&CATEGORIES, 24)).await?;
    let story = |n: usize| json!({"id": format!("story-{n}"), "kind": "content", "title": format!("Story {n} of tea"), "category": ["Stories"]});
    shop.stock(&(0..12).map(story).collect::<Vec<Value>>().into()).await?;
    for rule in include_str!("../../../samples/rules/content-in-the-feed.ndjson").lines() {
        let rule: Value = serde_json::from_str(rule)?;
        let path = format!("/v1/rules/{}", rule["id"].as_str().unwrap_or_default());
        shop.ok(&shop.server, Method::PUT, &path, Some(rule)).await?;
    }
    for visitor in 0..60 {
        let category = CATEGORIES[visitor % CATEGORIES.len()];
        for step in 0..8 {
            shop.view(&format!("learner-{visitor}"), &format!("{category}-{}", (visitor + step * 5) % 24)).await?;
        }
    }
    ground.stack.poller.caught_up().await;
    shop.retrain().await?;
    Ok(shop)
}

fn of(ids: &[String], category: &str) -> usize {
    ids.iter().filter(|id| id.starts_with(category)).count()
}

/// A page of somebody's list.
async fn page(shop: &Shop, placement: &str, visitor: &str, cursor: &Value) -> Result<Value> {
    shop.recommend(placement, json!({"anonymous_id": visitor, "limit": PAGE, "cursor": cursor})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_pages_of_the_feed_repeat_nothing_and_hold_content() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = trained(&ground, "endless").await?;
    let (mut cursor, mut met, mut stories) = (Value::Null, BTreeSet::new(), 0);
    for number in 0..10 {
        let answer = page(&shop, "feed", "scroller", &cursor).await?;
        let shown = ids(&answer);
        assert_eq!(shown.len(), PAGE, "page {number}");
        stories += of(&shown, "story");
        // Somebody pauses here, passes by there, and opens nothing.
        let dwelled = json!({"products": [{"product_id": shown[number % PAGE], "dwell_ms": 3_000}]});
        shop.track("scroller", "Product Dwelled", dwelled).await?;
        for id in shown {
            assert!(met.insert(id.clone()), "{id} came again on page {number}");
        }
        cursor = answer["cursor"].clone();
    }
    assert!(stories >= 8, "{stories} stories in ten pages");
    for placement in ["home", "trending", "category"] {
        let answer = shop.recommend(placement, json!({"anonymous_id": "scroller", "limit": 40})).await?;
        assert_eq!(of(&ids(&answer), "story"), 0, "{placement}");
    }
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_page_knows_what_was_dwelled_on_and_what_was_passed_over() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = trained(&ground, "learning").await?;
    // The feed as it is shipped, but for its bound on categories; and the same without an ear for what is passed over.
    let all = shop.ok(&shop.server, Method::GET, "/v1/placements", None).await?;
    let feed =
        all["placements"].as_array().into_iter().flatten().find(|placement| placement["name"] == "feed").cloned();
    let mut feed = feed.unwrap_or_default();
    assert_eq!(feed["skips"]["after"], 3);
    feed["per_category"] = 0.into();
    shop.ok(&shop.server, Method::PUT, "/v1/placements/feed", Some(feed.clone())).await?;
    (feed["name"], feed["skips"]) = ("deaf".into(), Value::Null);
    shop.ok(&shop.server, Method::PUT, "/v1/placements/deaf", Some(feed)).await?;
    ground.stack.poller.pause();
    // All begin alike, some minutes after they looked at two categories. Then one pauses at the second one.
    let earlier = ground.stack.context.clock.now().plus(-120_000).to_rfc3339();
    let mut seconds = Vec::new();
    for (visitor, placement) in [("unheard", "deaf"), ("passing", "feed"), ("pausing", "feed")] {
        for product in ["cups-1", "plates-1"] {
            let view = json!({"event": "Product Viewed", "anonymousId": visitor, "messageId": product, "timestamp": earlier,
                "properties": {"product_id": product}});
            shop.ok(&shop.browser, Method::POST, "/v1/t", Some(view)).await?;
        }
        let first = page(&shop, placement, visitor, &Value::Null).await?;
        if visitor == "pausing" {
            let shown = ids(&first);
            let plates = shown.iter().filter(|id| id.starts_with("plates"));
            let products: Vec<Value> = plates.map(|id| json!({"product_id": id, "dwell_ms": 2_500})).collect();
            assert!(!products.is_empty(), "{first}");
            let dwelled = json!({"products": products, "decision_id": first["decision_id"]});
            shop.track(visitor, "Product Dwelled", dwelled).await?;
        }
        let second = page(&shop, placement, visitor, &first["cursor"]).await?;
        let decision = second["decision_id"].as_str().unwrap_or_default();
        let again =
            shop.ok(&shop.server, Method::POST, &format!("/v1/decisions/{decision}/replay"), Some(json!({}))).await?;
        assert_eq!(again, second, "made again");
        seconds.push(second);
    }
    let [unheard, passing, pausing] = &seconds[..] else { anyhow::bail!("three pages") };
    let known = |answer: &Value| of(&ids(answer), "cups") + of(&ids(answer), "plates");
    assert!(known(passing) < known(unheard), "{passing}\n{unheard}");
    assert!(of(&ids(pausing), "plates") > of(&ids(passing), "plates"), "{passing}\n{pausing}");
    assert!(pausing["items"].to_string().contains("Because you paused at plates"), "{pausing}");
    ground.stop().await;
    Ok(())
}
