//! Degraded, never down.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitrine_domain::Action;

use crate::proxy::Fault;
use crate::support::{ARTIFACTS, Stack, device, is_identical, product};

const ANNA: &str = "S#demo#V#a:anna";

/// A shop that has answered before, and somebody who has looked at something.
async fn warm() -> Stack {
    let stack = Stack::start().await;
    stack.does(&device("anna"), Action::View, 6).await;
    stack.recommend("category", json!({"anonymous_id": "anna"})).await;
    stack
}

fn word(answer: &Value) -> &str {
    answer["degraded"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn without_the_visitor_what_others_want_is_shown_in_time() {
    for fault in [Fault::Hangs, Fault::Fails] {
        let stack = warm().await;
        stack.proxy.breaks("Query", ANNA, fault);
        let began = Instant::now();
        let answer = stack.recommend("category", json!({"anonymous_id": "anna"})).await;
        assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
        assert_eq!((word(&answer.body), &answer.body["basis"]), ("profile", &json!("popularity")));
        assert!(!answer.ids().is_empty());
        stack.proxy.mends();
        is_identical(&stack, &answer).await;
        let answer = stack.recommend("category", json!({"anonymous_id": "anna"})).await;
        assert_eq!((word(&answer.body), &answer.body["basis"]), ("", &json!("history")));
    }
}

#[tokio::test]
async fn a_shop_without_a_model_shows_what_it_has() {
    let stack = Stack::untrained().await;
    stack.sell(&[product(1, ""), product(2, "")]).await;
    let answer = stack.recommend("home", json!({"anonymous_id": "anna"})).await;
    assert_eq!((word(&answer.body), answer.ids().len(), &answer.body["model"]), ("no_model", 2, &Value::Null));
    is_identical(&stack, &answer).await;
}

#[tokio::test]
async fn settings_that_cannot_be_read_are_the_last_known_ones() {
    for fault in [Fault::Hangs, Fault::Fails] {
        let stack = Stack::start().await;
        stack.set_rule(json!({"id": "pin", "effect": {"kind": "pin", "product": "p41", "slot": 1}})).await;
        stack.recommend("category", json!({})).await;
        stack.proxy.breaks("Query", "S#demo#C", fault);
        stack.later(1_000);
        let answer = stack.recommend("category", json!({"anonymous_id": "anna"})).await;
        assert_eq!((word(&answer.body), answer.ids()[0].as_str()), ("settings", "p41"));
    }
}

#[tokio::test]
async fn a_catalogue_that_cannot_be_read_is_as_it_was_and_with_the_visitor_gone_too_there_is_no_answer() {
    for fault in [Fault::Hangs, Fault::Fails] {
        let stack = warm().await;
        stack.proxy.breaks("Query", "S#demo#X", fault);
        stack.later(1_000);
        let answer = stack.recommend("category", json!({"anonymous_id": "anna"})).await;
        assert_eq!((word(&answer.body), &answer.body["basis"]), ("catalogue", &json!("history")));
        stack.proxy.breaks("", "", fault);
        stack.later(1_000);
        let began = Instant::now();
        let down = stack.post("browser", "/v1/recommendations/category", json!({"anonymous_id": "anna"})).await;
        assert_eq!((down.problem(), down.header("retry-after")), ((503, "unavailable", ""), "1"));
        assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
        stack.proxy.mends();
        stack.later(1_000);
        let answer = stack.recommend("category", json!({"anonymous_id": "anna"})).await;
        assert_eq!(word(&answer.body), "");
    }
}

#[tokio::test]
async fn a_function_that_starts_without_a_table_says_so() {
    let mut stack = Stack::start().await;
    stack.recommend("home", json!({})).await;
    stack.router = stack.restarted();
    stack.get("browser", "/v1/categories").await;
    stack.router = stack.restarted();
    stack.proxy.breaks("Query", "", Fault::Hangs);
    stack.proxy.breaks("GetItem", "S#demo#M", Fault::Hangs);
    let ask = || stack.post("browser", "/v1/recommendations/category", json!({"anonymous_id": "anna"}));
    let down = ask().await;
    assert_eq!((down.problem(), down.header("retry-after")), ((503, "unavailable", ""), "1"));
    // Nor can it say whose the key is.
    stack.proxy.breaks("", "", Fault::Hangs);
    let down = ask().await;
    assert_eq!((down.problem(), down.header("retry-after")), ((503, "unavailable", ""), "1"));
}

#[tokio::test]
async fn a_decision_that_cannot_be_written_is_not_waited_for() {
    for fault in [Fault::Hangs, Fault::Fails] {
        let stack = warm().await;
        stack.proxy.breaks("PutItem", "\"D#", fault);
        stack.proxy.breaks("BatchWriteItem", "\"D#", fault);
        let began = Instant::now();
        let answer = stack.recommend("feed", json!({"anonymous_id": "anna", "limit": 5})).await;
        assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
        assert_eq!((word(&answer.body), &answer.body["decision_id"]), ("log", &Value::Null));
        let page = json!({"anonymous_id": "anna", "placements": [{"placement": "home"}, {"placement": "feed"}]});
        let page = stack.post("browser", "/v1/recommendations", page).await.ok();
        assert!(page.body["placements"].as_array().unwrap().iter().all(|list| word(list) == "log"));
        stack.proxy.mends();
        // The next page knows what stood on the one that was not logged, and can be made again.
        let next = json!({"anonymous_id": "anna", "limit": 5, "cursor": answer.body["cursor"]});
        let next = stack.recommend("feed", next).await;
        assert!(next.ids().iter().all(|id| !answer.ids().contains(id)));
        let third =
            stack.recommend("feed", json!({"anonymous_id": "anna", "limit": 5, "cursor": next.body["cursor"]})).await;
        for logged in [next, third] {
            is_identical(&stack, &logged).await;
        }
    }
}

#[tokio::test]
async fn a_model_that_cannot_be_opened_leaves_the_one_before_in_place() {
    let mut stack = warm().await;
    stack.publish("broken", b"no artifact").await;
    stack.sell(&[product(6, " repriced")]).await;
    stack.later(1_000);
    let answer = stack.recommend("category", json!({"anonymous_id": "anna", "limit": 48})).await;
    assert_eq!((&answer.body["model"], word(&answer.body)), (&json!("v1"), ""));
    assert!(answer.body.to_string().contains("Article 6 repriced"), "what changes is still seen");
    // A function that has no other shows the catalogue.
    stack.router = stack.restarted();
    let answer = stack.recommend("category", json!({"anonymous_id": "anna", "limit": 48})).await;
    assert_eq!((&answer.body["model"], word(&answer.body), answer.ids().len()), (&Value::Null, "no_model", 48));
    stack.publish("v2", &ARTIFACTS[1]).await;
    stack.later(31_000);
    assert_eq!(stack.recommend("category", json!({})).await.body["model"], "v2");
}
