//! Answered means durable, and an event counts once however often and by whichever way it comes.

use std::time::Duration;

use serde_json::json;
use vitrine_domain::time::{DAY, HOUR};

use crate::harness::{NOW, POISON, Stack, anonymous, known, page, request, send};

const A_WHILE: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_retry_counts_once() {
    let stack = Stack::start().await;
    let batch = json!({"batch": [page("1", json!({})), page("2", json!({})), page("3", json!({}))]});
    for _ in 0..3 {
        stack.post("/v1/batch", &batch).await.assert_success();
        stack.clock.advance(A_WHILE);
    }
    // A retry that is batched otherwise, to another process, at the same time.
    let single = request("/v1/page", "demo", page("2", json!({})).to_string());
    let (again, alone) = tokio::join!(stack.post("/v1/batch", &batch), send(stack.restarted(), single));
    again.assert_success();
    alone.assert_success();
    let events = stack.events(&anonymous("a")).await;
    assert_eq!(events.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert!(events.iter().all(|e| e.received == NOW), "the first copy is the one that is kept");
}

#[tokio::test]
async fn without_a_timestamp_the_first_receipt_is_the_time_and_a_retry_counts_once() {
    let stack = Stack::start().await;
    let timeless = [
        page("missing", json!({"timestamp": null})),
        page("unreadable", json!({"timestamp": "yesterday"})),
        page("too-old", json!({"timestamp": NOW.plus(-761 * DAY).to_rfc3339()})),
        page("too-new", json!({"timestamp": NOW.plus(DAY + HOUR / 2).to_rfc3339()})),
    ];
    for _ in 0..4 {
        stack.batch(&timeless).await.assert_success();
        stack.clock.advance(A_WHILE);
    }
    send(stack.restarted(), request("/v1/page", "demo", timeless[0].to_string())).await.assert_success();
    let events = stack.events(&anonymous("a")).await;
    assert_eq!(events.len(), 4, "the last one is within the window by now, and is still the same event");
    assert!(events.iter().all(|e| e.time == NOW && e.skew == 0));
}

#[tokio::test]
async fn an_old_event_that_leaves_the_window_between_two_attempts_counts_once() {
    let stack = Stack::start().await;
    let old = page("old", json!({"timestamp": NOW.plus(-760 * DAY + HOUR / 2).to_rfc3339()}));
    for _ in 0..2 {
        stack.batch(std::slice::from_ref(&old)).await.assert_success();
        stack.clock.advance(A_WHILE);
    }
    let events = stack.events(&anonymous("a")).await;
    assert_eq!(events.iter().map(|e| e.time).collect::<Vec<_>>(), [NOW.plus(-760 * DAY + HOUR / 2)]);
}

#[tokio::test]
async fn without_a_message_id_equal_events_are_one() {
    let stack = Stack::start().await;
    let event = json!({"type": "track", "anonymousId": "a", "event": "Product Viewed", "properties": {"id": "1"}});
    let mut later = event.clone();
    later["sentAt"] = NOW.plus(HOUR).to_rfc3339().into();
    for event in [&event, &later] {
        stack.post("/v1/track", event).await.assert_success();
        stack.clock.advance(A_WHILE);
    }
    let mut other = event;
    other["properties"]["id"] = "2".into();
    stack.post("/v1/track", &other).await.assert_success();
    let products: Vec<String> =
        stack.events(&anonymous("a")).await.iter().map(|e| e.lines[0].product.to_string()).collect();
    assert_eq!(products, ["1", "2"]);
}

#[tokio::test]
async fn what_a_batch_holds_twice_counts_once() {
    let stack = Stack::start().await;
    let (own, timeless) = (page("own", json!({})), page("timeless", json!({"timestamp": null})));
    let answer = stack.batch(&[own.clone(), timeless.clone(), own, timeless.clone(), timeless]).await;
    answer.assert_success();
    assert_eq!(stack.ids(&anonymous("a")).await, ["own", "timeless"]);
}

#[tokio::test]
async fn the_same_message_id_of_two_visitors_is_two_events() {
    let stack = Stack::start().await;
    stack.batch(&[page("m", json!({})), page("m", json!({"anonymousId": "b"}))]).await.assert_success();
    assert_eq!((stack.ids(&anonymous("a")).await.len(), stack.ids(&anonymous("b")).await.len()), (1, 1));
}

#[tokio::test]
async fn the_answer_comes_when_devices_and_users_are_linked() {
    let stack = Stack::start().await;
    stack.batch(&[page("0", json!({}))]).await.assert_success();
    assert!(stack.links(&anonymous("a")).await.is_empty());

    let identify = page("1", json!({"type": "identify", "userId": 42}));
    stack.post("/v1/identify", &identify).await.assert_success();
    assert_eq!(stack.links(&anonymous("a")).await, [("u:42".to_owned(), 0)]);
    assert_eq!(stack.links(&known("42")).await, [("a:a".to_owned(), 0)]);

    // Any event that names both does, and the earliest stays, whatever comes first.
    let earlier = page("2", json!({"userId": 42, "timestamp": NOW.plus(-HOUR).to_rfc3339()}));
    let later = page("3", json!({"userId": 42, "timestamp": NOW.plus(HOUR).to_rfc3339()}));
    stack.batch(&[later, earlier]).await.assert_success();
    assert_eq!(stack.links(&anonymous("a")).await, [("u:42".to_owned(), -HOUR)]);

    let alias = json!({"type": "alias", "messageId": "4", "previousId": "before", "userId": "42"});
    stack.post("/v1/alias", &alias).await.assert_success();
    assert_eq!(stack.links(&anonymous("before")).await, [("u:42".to_owned(), 0)]);
    assert_eq!(stack.links(&known("42")).await, [("a:a".to_owned(), -HOUR), ("a:before".to_owned(), 0)]);
    // Events stay where the client put them.
    assert_eq!(stack.ids(&anonymous("a")).await, ["0"]);
    assert_eq!(stack.ids(&known("42")).await, ["2", "1", "4", "3"]);
}

#[tokio::test]
async fn a_table_that_fails_for_one_event_fails_the_request_and_keeps_the_others() {
    let stack = Stack::start().await;
    let batch = json!({"batch": [
        page("1", json!({})), page(POISON, json!({})), page("2", json!({"timestamp": null})),
        page("3", json!({"userId": "u"})), page("4", json!({"anonymousId": null})),
    ]});
    stack.fail(true);
    let answer = stack.post("/v1/batch", &batch).await;
    assert_eq!(answer.code(), (503, "unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(stack.ids(&anonymous("a")).await, ["1", "2"], "what could be written is written");

    stack.fail(false);
    stack.clock.advance(A_WHILE);
    let answer = stack.post("/v1/batch", &batch).await;
    assert_eq!((answer.status.as_u16(), answer.json()["rejected"][0]["index"].as_u64()), (200, Some(4)));
    assert_eq!(stack.ids(&anonymous("a")).await, ["1", "2", POISON]);
    assert_eq!(stack.ids(&known("u")).await, ["3"]);
}

/// Nothing tells a count from its repetition, so it comes after everything that makes the client send again.
#[tokio::test]
async fn what_is_only_counted_counts_once_however_often_the_rest_of_the_batch_fails() {
    let stack = Stack::start().await;
    let refuses = json!({"consent": {"categoryPreferences": {"personalise": false}}});
    let batch = json!({"batch": [page(POISON, json!({})), page("1", json!({"anonymousId": "b", "context": refuses}))]});
    stack.fail(true);
    for _ in 0..2 {
        assert_eq!(stack.post("/v1/batch", &batch).await.code().0, 503);
        assert_eq!(stack.counts("page").await, 0);
    }
    stack.fail(false);
    stack.post("/v1/batch", &batch).await.assert_success();
    assert_eq!((stack.counts("page").await, stack.ids(&anonymous("a")).await.len()), (1, 1));
}

#[tokio::test]
async fn a_link_that_could_not_be_written_is_not_remembered_as_written() {
    let stack = Stack::start().await;
    let event = page("m", json!({"userId": POISON}));
    stack.fail(true);
    assert_eq!(stack.post("/v1/page", &event).await.code().0, 503);
    stack.fail(false);
    stack.post("/v1/page", &event).await.assert_success();
    assert_eq!(stack.links(&known(POISON)).await.len(), 1);
}

#[tokio::test]
async fn what_a_busy_table_refuses_is_tried_again_within_the_request() {
    let stack = Stack::start().await;
    let id = |n: u32| if n.is_multiple_of(20) { format!("{POISON}-{n}") } else { n.to_string() };
    let events: Vec<_> = (0..40).map(|n| page(&id(n), json!({}))).collect();
    // More than the SDK's own three attempts at two events.
    stack.refuse(7);
    stack.batch(&events).await.assert_success();
    assert_eq!(stack.ids(&anonymous("a")).await.len(), 40);
}
