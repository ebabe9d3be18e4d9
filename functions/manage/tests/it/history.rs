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
async fn every_setting_of_a_shop_has_an_author_a_time_and_an_undo() {
    let stack = Stack::start().await;
    for (name, first, second, member) in [
        ("hold-out", json!({"share": 0.1}), json!({"share": 0.2}), "share"),
        (
            "attribution",
            json!({"click_days": 3.0, "view_days": 0.0}),
            json!({"click_days": 4.0, "view_days": 0.0}),
            "click_days",
        ),
        ("privacy", json!({"default_purposes": ["measure"]}), json!({"default_purposes": []}), "default_purposes"),
        ("training", json!({"keep": 4}), json!({"keep": 5}), "keep"),
    ] {
        let path = format!("/v1/settings/{name}");
        let (history, undo) = (format!("{path}/history"), format!("{path}/undo"));
        let shipped = stack.get(&path).await.body;
        assert_eq!(stack.get(&history).await.problem(), (404, "not-found"), "{name} is as shipped");
        stack.put(&path, Some("\"0\""), &first).await;
        let changed = stack.put(&path, Some("\"1\""), &second).await;
        assert_eq!(changed.status, StatusCode::OK, "{name}: {}", changed.body);
        let states = stack.get(&history).await.body["states"].clone();
        let told = states.as_array().unwrap().iter().map(|state| (&state["version"], &state["value"][member]));
        let expected = [(&json!(2), &second[member]), (&json!(1), &first[member]), (&Value::Null, &Value::Null)];
        assert_eq!(told.collect::<Vec<_>>(), expected, "{name}");
        assert_eq!((&states[0]["author"], &states[0]["written"]), (&changed.body["author"], &changed.body["written"]));
        assert_eq!(states[0]["value"], changed.body, "{name} is told as its own address tells it");
        assert!(changed.body["author"].is_string() && changed.body["written"] == NOW.to_rfc3339(), "{name}");

        let stale = stack.call("demo-server", Method::POST, &undo, Some("\"1\""), None).await;
        assert_eq!(stale.problem(), (412, "precondition-failed"), "{name}");
        let undone = stack.call("demo-server", Method::POST, &undo, Some("\"2\""), None).await;
        assert_eq!((undone.status, &undone.body["value"][member]), (StatusCode::OK, &first[member]), "{name}");
        let now = stack.get(&path).await.body;
        assert_eq!((&now[member], &now["version"]), (&first[member], &json!(3)), "{name}");
        let at_first = stack.post(&format!("{undo}?revision=0"), &Value::Null).await;
        assert_eq!((at_first.status, &at_first.body["value"]), (StatusCode::OK, &Value::Null), "{name}");
        assert_eq!(stack.get(&path).await.body, shipped, "{name}");
        let back = stack.post(&undo, &Value::Null).await;
        assert_eq!((back.status, &back.body["value"][member]), (StatusCode::OK, &first[member]), "{name}");
    }
}

#[tokio::test]
async fn a_hold_out_that_comes_back_counts_from_its_return() {
    let stack = Stack::start().await;
    let (path, undo) = ("/v1/settings/hold-out", "/v1/settings/hold-out/undo");
    let minute = || stack.context.clock.advance(std::time::Duration::from_secs(60));
    let at = |minutes: i64| json!(NOW.plus(minutes * 60_000).to_rfc3339());
    stack.put(path, None, &json!({"share": 0.1})).await;
    minute();
    stack.put(path, Some("\"1\""), &json!({"share": 0.2})).await;
    minute();
    // Those between a tenth and a fifth were held out meanwhile, and are served now: what they did says nothing of either.
    let undone = stack.post(undo, &Value::Null).await.body;
    assert_eq!((&undone["value"]["share"], &undone["value"]["since"]), (&json!(0.1), &at(2)));
    assert_eq!(stack.get(path).await.body["since"], at(2));
    // A change that held out the same ones goes on when it is undone.
    minute();
    stack.put(path, Some("\"3\""), &json!({"share": 0.1})).await;
    assert_eq!(stack.post(undo, &Value::Null).await.body["value"]["since"], at(2));
    // And from nobody on it begins.
    stack.post(&format!("{undo}?revision=0"), &Value::Null).await;
    minute();
    assert_eq!(stack.post(undo, &Value::Null).await.body["value"]["since"], at(4));
}

#[tokio::test]
async fn what_was_removed_is_listed_until_it_is_back() {
    let stack = Stack::start().await;
    let removed = async |kind: &str| stack.get(&format!("/v1/removed/{kind}")).await.body["removed"].clone();
    let ids = |removed: &Value| -> Vec<String> {
        removed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    for kind in ["settings", "keys"] {
        assert_eq!(stack.get(&format!("/v1/removed/{kind}")).await.problem(), (404, "not-found"), "{kind}");
    }
    for id in ["a", "b", "c"] {
        stack.put(&format!("/v1/rules/{id}"), None, &pin(1)).await;
    }
    stack.put("/v1/rules/a", Some("\"1\""), &pin(2)).await;
    for id in ["a", "b"] {
        assert_eq!(stack.delete(&format!("/v1/rules/{id}"), None).await.status, StatusCode::NO_CONTENT);
    }
    let gone = removed("rules").await;
    assert_eq!(ids(&gone), ["b", "a"], "the last one first, and nothing that is there");
    let [was, now] = [&gone[1]["was"], &gone[1]["now"]];
    assert_eq!((&was["value"]["effect"]["slot"], &was["version"], &now["value"]), (&json!(2), &json!(2), &Value::Null));
    assert_eq!((now["author"].is_string(), &now["written"]), (true, &json!(NOW.to_rfc3339())));
    stack.post(&format!("/v1/rules/a/undo?revision={}", was["revision"]), &Value::Null).await;
    assert_eq!(stack.get("/v1/rules/a").await.body["effect"]["slot"], 2);
    assert_eq!(ids(&removed("rules").await), ["b"]);
    let theirs = stack.call("other-server", Method::GET, "/v1/removed/rules", None, None).await;
    assert_eq!(theirs.body, json!({"removed": []}), "another shop's rules are nobody's business");

    // A segment as shipped is remembered as removed; a placement as shipped is back as such.
    stack.delete("/v1/segments/deal-hunters", None).await;
    let gone = removed("segments").await;
    let [was, now] = [&gone[0]["was"], &gone[0]["now"]];
    assert_eq!(
        (ids(&gone), &was["revision"], &now["version"]),
        (vec!["deal-hunters".to_owned()], &json!(0), &json!(1))
    );
    let undo = "/v1/segments/deal-hunters/undo?revision=0";
    let back = stack.call("demo-server", Method::POST, undo, Some("\"1\""), None).await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.body);
    assert_eq!(
        (removed("segments").await, stack.get("/v1/segments/deal-hunters").await.status),
        (json!([]), StatusCode::OK)
    );
    for name in ["home", "teaser"] {
        stack.put(&format!("/v1/placements/{name}"), None, &json!({"strategy": "trending", "limit": 3})).await;
        stack.delete(&format!("/v1/placements/{name}"), None).await;
    }
    assert_eq!(ids(&removed("placements").await), ["teaser"]);
    assert_eq!(removed("experiments").await, json!([]));
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
