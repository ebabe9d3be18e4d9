//! A page in one call, a list in the best order, and decisions made again after the stack has gone on.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde_json::{Value, json};
use vitrine_local::client;
use vitrine_tests::{Ground, catalogue, ids};

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_made_again_after_events_prices_rules_and_trainings() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("again").await?;
    shop.stock(&catalogue(&["tea", "coffee", "cups"], 12)).await?;
    for visitor in 0..12 {
        for step in 0..5 {
            let category = ["tea", "coffee", "cups"][visitor % 3];
            shop.view(&format!("learner-{visitor}"), &format!("{category}-{}", (visitor + step * 5) % 12)).await?;
        }
    }
    ground.stack.poller.caught_up().await;
    shop.retrain().await?;
    for n in [1, 4] {
        shop.view("somebody", &format!("tea-{n}")).await?;
    }
    let page = json!({"anonymous_id": "somebody", "language": "fr", "placements": [
        {"placement": "home", "limit": 5}, {"placement": "trending", "limit": 5}, {"placement": "feed", "limit": 5},
    ]});
    let page = shop.ok(&shop.browser, Method::POST, "/v1/recommendations", Some(page)).await?;
    let mut answers: Vec<Value> = page["placements"].as_array().context("no page")?.clone();
    let all: Vec<String> = answers.iter().flat_map(ids).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 15, "{all:?}");
    let rank = json!({"anonymous_id": "somebody", "items": ["cups-1", "tea-7", "tea-2", "nothing"]});
    answers.push(shop.ok(&shop.browser, Method::POST, "/v1/rank", Some(rank)).await?);
    answers.push(
        shop.recommend("feed", json!({"anonymous_id": "somebody", "cursor": answers[2]["cursor"], "limit": 6})).await?,
    );

    shop.view("somebody", "coffee-3").await?;
    ground.stack.poller.caught_up().await;
    shop.ok(&shop.server, Method::PATCH, "/v1/products/tea-7", Some(json!({"price": 99.0}))).await?;
    let pin = json!({"effect": {"kind": "pin", "product": "cups-11", "slot": 1}});
    shop.ok(&shop.server, Method::PUT, "/v1/rules/pin", Some(pin)).await?;
    shop.retrain().await?;
    tokio::time::sleep(std::time::Duration::from_millis(1050)).await;
    let now = shop.recommend("home", json!({"anonymous_id": "somebody"})).await?;
    assert_eq!(ids(&now)[0], "cups-11");
    for answer in &answers {
        let decision = answer["decision_id"].as_str().context("not logged")?;
        let replayed = client::replay(&ground.stack.url(), &shop.server, decision).await?;
        assert!(replayed.is_identical(), "{}\n{answer}\n{}", replayed.verdict, replayed.answer);
        assert_eq!(&replayed.answer, answer);
        assert!(replayed.told().contains(&ids(answer)[0]));
        let logged = shop.ok(&shop.server, Method::GET, &format!("/v1/decisions/{decision}"), None).await?;
        assert_eq!(ids(&logged), ids(answer));
    }
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_would_change_is_seen_before_it_is_saved() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("dry").await?;
    shop.stock(&catalogue(&["tea"], 6)).await?;
    shop.retrain().await?;
    let hide = json!({"rule": {"id": "hide", "effect": {"kind": "hide", "filter": "colour = \"red\""}}});
    let path = "/v1/recommendations/trending/preview";
    let preview = shop.ok(&shop.server, Method::POST, path, Some(hide)).await?;
    assert_eq!((ids(&preview["before"]).len(), ids(&preview["after"]).len()), (6, 3));
    assert_eq!(ids(&shop.recommend("trending", json!({})).await?), ids(&preview["before"]));
    let (status, _) = shop.call(&shop.browser, Method::POST, path, Some(json!({}))).await?;
    assert_eq!(status, 403);
    ground.stop().await;
    Ok(())
}
