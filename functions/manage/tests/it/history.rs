//! What settings were, and making them that again.

use serde_json::json;
use vitrine_domain::{Exploration, Placement, Strategy};

use super::*;

fn pin(slot: usize) -> Value {
    json!({"effect": {"kind": "pin", "product": "p", "slot": slot}})
}

/// Version, author and slot of each state.
fn told(answer: &Answer) -> Vec<(Option<u64>, Option<u64>)> {
    let states = answer.body["states"].as_array().unwrap_or_else(|| panic!("{}", answer.body));
    states.iter().map(|state| (state["version"].as_u64(), state["value"]["effect"]["slot"].as_u64())).collect()
}

#[tokio::test]
async fn a_rule_is_made_again_what_it_was_even_after_it_was_removed() {
    let stack = Stack::start().await;
    let (path, history, undo) = ("/v1/rules/a", "/v1/rules/a/history", "/v1/rules/a/undo");
    for path in [history, "/v1/rules/a%23b/history", "/v1/keys/a/history", "/v1/settings/a/history"] {
        assert_eq!(stack.get(path).await.problem(), (404, "not-found"), "{path}");
    }
    assert_eq!(stack.post(undo, &Value::Null).await.problem(), (404, "not-found"));
    stack.put(path, None, &pin(1)).await;
    stack.put(path, Some("\"1\""), &pin(2)).await;
    let of_two = stack.get(history).await;
    assert_eq!(told(&of_two), [(Some(2), Some(2)), (Some(1), Some(1)), (None, None)]);
    let key = stack.get("/v1/keys").await.body["keys"].clone();
    let server = key.as_array().unwrap().iter().find(|key| key["kind"] == "server").unwrap()["id"].clone();
    assert_eq!(of_two.body["states"][0]["author"], server);
    assert_eq!(of_two.body["states"][0]["written"], "2026-11-22T14:40:00.000Z");
    assert_eq!(of_two.body["states"][0]["value"]["effect"], json!({"kind": "pin", "product": "p", "slot": 2}));

    let stale = stack.call("demo-server", Method::POST, undo, Some("\"1\""), None).await;
    assert_eq!(stale.problem(), (412, "precondition-failed"));
    let undone = stack.call("demo-server", Method::POST, undo, Some("\"2\""), None).await;
    assert_eq!((undone.status, &undone.body["value"]["effect"]["slot"]), (StatusCode::OK, &json!(1)));
    assert_eq!(stack.get(path).await.header("etag"), "\"3\"");
    // Undone twice it is as before.
    stack.post(undo, &Value::Null).await;
    assert_eq!(stack.get(path).await.body["effect"]["slot"], 2);
    assert_eq!(stack.delete(path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stack.post(undo, &Value::Null).await.body["version"], 1);
    assert_eq!(stack.get(path).await.body["effect"]["slot"], 2);
    let all = stack.get(history).await;
    let revisions: Vec<u64> =
        all.body["states"].as_array().unwrap().iter().map(|state| state["revision"].as_u64().unwrap()).collect();
    assert_eq!(revisions, [6, 5, 4, 3, 2, 1, 0]);
    // The first one of all, and then that there was none.
    let first = stack.post(&format!("{undo}?revision=1"), &Value::Null).await;
    assert_eq!(first.body["value"]["effect"]["slot"], 1);
    assert_eq!(stack.post(&format!("{undo}?revision=99"), &Value::Null).await.problem(), (404, "not-found"));
    assert_eq!(stack.post(&format!("{undo}?revision=0"), &Value::Null).await.body["version"], Value::Null);
    assert_eq!(stack.get(path).await.problem(), (404, "not-found"));
    assert_eq!(stack.get("/v1/rules").await.body["revision"], 8);
    let theirs = stack.call("other-server", Method::GET, history, None, None).await;
    assert_eq!(theirs.problem(), (404, "not-found"), "another shop's history is nobody's business");
}

#[tokio::test]
async fn a_placement_goes_back_to_how_it_was_shipped() {
    let stack = Stack::start().await;
    let shipped = stack.get("/v1/placements").await.body;
    let changed = json!({"strategy": "trending", "limit": 3});
    stack.put("/v1/placements/home", None, &changed).await;
    let history = stack.get("/v1/placements/home/history").await.body;
    assert_eq!((&history["states"][0]["value"]["limit"], &history["states"][1]["value"]), (&json!(3), &Value::Null));
    let undone = stack.post("/v1/placements/home/undo", &Value::Null).await;
    assert_eq!((undone.status, &undone.body["value"]), (StatusCode::OK, &Value::Null));
    assert_eq!(stack.get("/v1/placements").await.body, shipped);
}

#[tokio::test]
async fn there_is_no_room_for_what_comes_back_where_others_have_taken_it() {
    let stack = Stack::start().await;
    stack.put("/v1/placements/first", None, &json!({"strategy": "trending", "limit": 3})).await;
    let table = &stack.context.table;
    table.remove_setting(&shop("demo"), "placement", "first", None, "").await.unwrap();
    let placement = Placement { exploration: Exploration::None, ..Placement::new("p", Strategy::Trending, 3) };
    for n in 0..200 {
        table.put_setting(&shop("demo"), "placement", &format!("p{n}"), &placement, 0).await.unwrap();
    }
    // Its own removal is the last of its changes, however many others there were.
    assert_eq!(stack.post("/v1/placements/first/undo", &Value::Null).await.problem(), (422, "too-many"));
}
