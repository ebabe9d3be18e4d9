//! The recommendation after an event knows the event.

use anyhow::Result;
use serde_json::json;
use vitrine_local::Options;
use vitrine_tests::{Ground, catalogue, ids};

/// A trained shop in which people look at products of one category at a time.
async fn trained(ground: &Ground) -> Result<vitrine_tests::Shop> {
    let shop = ground.shop("real-time").await?;
    shop.stock(&catalogue(&["tea", "coffee", "cups", "plates"], 12)).await?;
    for visitor in 0..24 {
        let category = ["tea", "coffee", "cups", "plates"][visitor % 4];
        for step in 0..6 {
            shop.view(&format!("learner-{visitor}"), &format!("{category}-{}", (visitor + step * 5) % 12)).await?;
        }
    }
    ground.stack.poller.caught_up().await;
    shop.retrain().await?;
    Ok(shop)
}

/// Products of a category among the first three: no more of one category stand on the home page.
fn of(answer: &serde_json::Value, category: &str) -> usize {
    ids(answer).iter().take(3).filter(|id| id.starts_with(category)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_answer_knows_the_last_event_with_the_poller_stopped() -> Result<()> {
    // The stack that learned, stopped; then the same one without a reader of the stream.
    let ground = Ground::start().await?;
    let shop = trained(&ground).await?;
    let question = json!({"anonymous_id": "newcomer", "limit": 8});
    // What a newcomer sees is popular; the category looked at afterwards is the one that stands there least.
    let before = shop.recommend("home", question.clone()).await?;
    assert_eq!(before["basis"], "popularity");
    ground.stack.poller.pause();
    let category = ["tea", "coffee", "cups", "plates"].into_iter().min_by_key(|c| of(&before, c)).unwrap_or("tea");
    for n in [1, 4, 7] {
        shop.view("newcomer", &format!("{category}-{n}")).await?;
        let after = shop.recommend("home", question.clone()).await?;
        assert_eq!(after["basis"], "history", "{after}");
        let recent = shop.recommend("recently-viewed", json!({"anonymous_id": "newcomer"})).await?;
        assert_eq!(ids(&recent)[0], format!("{category}-{n}"));
    }
    let after = shop.recommend("home", question).await?;
    assert_eq!((of(&before, category), of(&after, category)), (0, 3), "before {before}\nafter {after}");
    assert!(!ids(&after).contains(&format!("{category}-7")), "what was just looked at is not repeated");
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_unfolded_events_are_all_known() -> Result<()> {
    let ground = Ground::start_with(|options| Options { poll: false, ..options }).await?;
    let shop = ground.shop("behind").await?;
    shop.stock(&catalogue(&["tea"], 40)).await?;
    for n in 0..40 {
        shop.view("busy", &format!("tea-{n}")).await?;
    }
    let recent = shop.recommend("recently-viewed", json!({"anonymous_id": "busy", "limit": 40})).await?;
    let expected: Vec<String> = (0..40).rev().map(|n| format!("tea-{n}")).collect();
    assert_eq!(ids(&recent), expected);
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_placement_answers_everybody_sensibly() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = trained(&ground).await?;
    shop.view("somebody", "tea-1").await?;
    let placements = [
        "home",
        "feed",
        "category",
        "product-similar",
        "product-bought-together",
        "basket",
        "recently-viewed",
        "trending",
    ];
    for placement in placements {
        for question in [
            json!({}),
            json!({"anonymous_id": "nobody"}),
            json!({"anonymous_id": "somebody", "product_id": "tea-2", "basket": ["tea-3"]}),
            json!({"product_id": "unheard-of", "basket": ["unheard-of"]}),
        ] {
            let answer = shop.recommend(placement, question.clone()).await?;
            let unknown_to_shop = placement == "recently-viewed" && question["anonymous_id"] != "somebody";
            assert_eq!(ids(&answer).is_empty(), unknown_to_shop, "{placement} {question} {answer}");
            assert!(answer["decision_id"].as_str().is_some_and(|id| id.len() > 40));
            for item in answer["items"].as_array().into_iter().flatten() {
                assert!(!item["reasons"].as_array().is_none_or(Vec::is_empty), "{placement} {item}");
                assert_eq!(item["product"]["id"], item["product_id"]);
                assert!(!question["basket"].as_array().is_some_and(|b| b.contains(&item["product_id"])));
                assert_ne!(question["product_id"], item["product_id"]);
            }
        }
    }
    let empty = ground.shop("empty").await?;
    let answer = empty.recommend("home", json!({"anonymous_id": "somebody"})).await?;
    assert_eq!((answer["basis"].as_str(), ids(&answer).len()), (Some("empty"), 0));
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_goes_on_without_repeating_itself() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = trained(&ground).await?;
    let mut seen = Vec::new();
    let mut cursor = serde_json::Value::Null;
    for page in 0.. {
        let answer = shop.recommend("feed", json!({"anonymous_id": "scroller", "limit": 7, "cursor": cursor})).await?;
        seen.extend(ids(&answer));
        // A click between pages must not bring anything back.
        shop.view("scroller", &ids(&answer)[0]).await?;
        cursor = answer["cursor"].clone();
        if cursor.is_null() {
            assert_eq!(page, 48 / 7);
            break;
        }
    }
    let unique: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), unique.len()), (48, 48));
    ground.stop().await;
    Ok(())
}
