//! Placements and privacy, and what happens when two people change them at once.

use serde_json::json;
use vitrine_domain::{Placement, Purpose, Purposes};

use super::*;

fn names(body: &Value) -> Vec<(&str, u64)> {
    let placements = body["placements"].as_array().unwrap();
    placements.iter().map(|p| (p["name"].as_str().unwrap(), p["version"].as_u64().unwrap())).collect()
}

#[tokio::test]
async fn placements_as_shipped_changed_and_new() {
    let stack = Stack::start().await;
    let shipped = stack.get("/v1/placements").await.body;
    let mut expected: Vec<String> = Placement::shipped().into_iter().map(|placement| placement.name).collect();
    expected.sort();
    assert_eq!(names(&shipped), expected.iter().map(|name| (name.as_str(), 0)).collect::<Vec<_>>());
    let home = &shipped["placements"].as_array().unwrap()[expected.binary_search(&"home".to_owned()).unwrap()];

    // What is read can be sent back as it is, with a change.
    let mut wanted = home.clone();
    wanted["limit"] = json!(7);
    let changed = stack.put("/v1/placements/home", None, &wanted).await;
    assert_eq!(changed.status, StatusCode::OK);
    (wanted["version"], wanted["written"]) = (json!(1), json!(NOW.to_rfc3339()));
    wanted["author"] = changed.body["author"].clone();
    assert_eq!((changed.header("etag"), &changed.body, wanted["author"].is_string()), ("\"1\"", &wanted, true));

    let teaser = json!({"strategy": "trending", "limit": 3});
    let new = stack.put("/v1/placements/teaser-2", None, &teaser).await.body;
    let filled = json!({"name": "teaser-2", "strategy": "trending", "fallback": null, "limit": 3, "viewed": "allow", "bought": "allow",
        "per_category": 0, "per_brand": 0, "diversity": 0.0, "novelty": 0.0, "rotation": null, "skips": null, "objective": "clicks",
        "exploration": {"kind": "none"}, "filter": null, "blend": {}, "layout": null, "author": new["author"],
        "written": NOW.to_rfc3339(), "version": 1});
    assert_eq!(new, filled);
    let again = stack.put("/v1/placements/teaser-2", None, &new).await;
    assert_eq!((again.status, &again.body["version"]), (StatusCode::OK, &json!(2)), "what was read can be sent back");
    let all = stack.get("/v1/placements").await.body;
    assert!(names(&all).contains(&("home", 1)) && names(&all).contains(&("teaser-2", 2)));
    assert_eq!(names(&all).len(), expected.len() + 1);

    // In the table it is what recommendations read.
    let stored = stack.context.table.settings::<Placement>(&shop("demo"), "placement").await.unwrap();
    let home = stored.iter().find(|setting| setting.id == "home").unwrap();
    assert_eq!((home.value.name.as_str(), home.value.limit), ("home", 7));
    let theirs = stack.call("other-server", Method::GET, "/v1/placements", None, None).await.body;
    assert_eq!(theirs, shipped);
}

#[tokio::test]
async fn a_placement_that_is_removed_is_gone_or_as_shipped() {
    let stack = Stack::start().await;
    let shipped = stack.get("/v1/placements").await.body;
    let remove =
        async |name: &str, version: Option<&str>| stack.delete(&format!("/v1/placements/{name}"), version).await;
    for name in ["home", "teaser", "no%20such", &"x".repeat(5000)] {
        assert_eq!(remove(name, None).await.problem(), (404, "not-found"), "{name}");
    }
    for name in ["home", "teaser"] {
        stack.put(&format!("/v1/placements/{name}"), None, &json!({"strategy": "trending", "limit": 3})).await;
        assert_eq!(remove(name, Some("\"2\"")).await.problem(), (412, "precondition-failed"));
        assert_eq!(remove(name, Some("\"1\"")).await.status, StatusCode::NO_CONTENT);
        let undone = stack.post(&format!("/v1/placements/{name}/undo"), &Value::Null).await;
        assert_eq!((undone.status, &undone.body["value"]["limit"]), (StatusCode::OK, &json!(3)), "{}", undone.body);
        assert_eq!(remove(name, None).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(stack.get("/v1/placements").await.body, shipped);
}

#[tokio::test]
async fn a_placement_is_written_only_over_what_was_seen() {
    let stack = Stack::start().await;
    let limit = |limit: u32, version: Option<u64>| json!({"strategy": "similar", "limit": limit, "version": version});
    let path = "/v1/placements/home";
    assert_eq!(stack.put(path, None, &limit(1, Some(1))).await.problem(), (409, "conflict"));
    assert_eq!(stack.put(path, Some("\"0\""), &limit(1, None)).await.status, StatusCode::OK);
    assert_eq!(stack.put(path, None, &limit(2, None)).await.problem(), (428, "precondition-required"));
    assert_eq!(stack.put(path, None, &limit(2, Some(0))).await.problem(), (409, "conflict"));
    assert_eq!(stack.put(path, Some("\"2\""), &limit(2, None)).await.problem(), (412, "precondition-failed"));
    assert_eq!(stack.put(path, Some("\"1\""), &limit(2, None)).await.header("etag"), "\"2\"");
    assert_eq!(stack.put(path, Some("*"), &limit(3, None)).await.header("etag"), "\"3\"");
    assert_eq!(stack.put(path, None, &limit(4, Some(3))).await.header("etag"), "\"4\"");
    let home = stack.context.table.settings::<Placement>(&shop("demo"), "placement").await.unwrap().remove(0);
    assert_eq!((home.version, home.value.limit), (4, 4));
}

#[tokio::test]
async fn what_was_shipped_is_there_to_be_replaced() {
    let stack = Stack::start().await;
    let placement = json!({"strategy": "trending", "limit": 3});
    assert_eq!(stack.put("/v1/placements/home", Some("*"), &placement).await.header("etag"), "\"1\"");
    assert_eq!(stack.put("/v1/placements/own", Some("*"), &placement).await.problem(), (412, "precondition-failed"));
    let read = stack.get("/v1/segments/deal-hunters").await.body;
    assert_eq!(read["version"], 0, "{read}");
    assert_eq!(stack.put("/v1/segments/deal-hunters", Some("*"), &read).await.header("etag"), "\"1\"");
    let own = json!({"name": "Own", "filter": "orders > 3"});
    assert_eq!(stack.put("/v1/segments/own", Some("*"), &own).await.problem(), (412, "precondition-failed"));
    let attribution = stack.get("/v1/settings/attribution").await.body;
    assert_eq!(stack.put("/v1/settings/attribution", Some("*"), &attribution).await.header("etag"), "\"1\"");
}

#[tokio::test]
async fn of_changes_made_at_once_one_wins() {
    let stack = Stack::start().await;
    let body = json!({"strategy": "similar", "limit": 5, "version": 0});
    let puts = (0..8).map(|_| stack.put("/v1/placements/home", None, &body));
    let answers = futures_util::future::join_all(puts).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn a_placement_that_is_none_is_refused_with_every_reason() {
    let stack = Stack::start().await;
    let faults = async |name: &str, body: Value| {
        let answer = stack.put(&format!("/v1/placements/{name}"), None, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {body}");
        let errors = answer.body["errors"].as_array().unwrap().clone();
        errors.iter().map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let fine = json!({"strategy": "personal", "limit": 100});
    assert_eq!(faults("Home", fine.clone()).await, "name");
    assert_eq!(faults("-a", fine.clone()).await, "name");
    assert_eq!(faults("a%23b", fine.clone()).await, "name");
    assert_eq!(faults(&"a".repeat(41), fine).await, "name");
    let wrong = json!({"name": "b", "strategy": "personal", "limit": 0, "per_category": 101});
    assert_eq!(faults("a", wrong).await, "/name /limit /per_category");
    assert_eq!(faults("a", json!({"strategy": "personal", "limit": 101})).await, "/limit");
    let wrong = json!({"strategy": "personal", "limit": 5, "per_brand": 101, "diversity": 1.1, "novelty": -0.1,
        "rotation": {"keep": 2, "hours": 0}, "skips": {"keep": -1, "after": 0}, "exploration": {"kind": "share", "share": 1.5}, "filter": "price <",
        "blend": {"popularity": 101}, "layout": "x".repeat(16_384)});
    let expected =
        "/per_brand /diversity /novelty /rotation/keep /rotation/hours /skips/keep /skips/after /blend /layout /exploration/share /filter".to_owned();
    assert_eq!(faults("a", wrong).await, expected);
    for (member, value, place) in [
        ("rotation", json!({"keep": 0.5, "hours": 8761}), "/rotation/hours"),
        ("exploration", json!({"kind": "softmax", "temperature": 0}), "/exploration/temperature"),
        ("exploration", json!({"kind": "softmax", "temperature": 10.1}), "/exploration/temperature"),
        ("fallback", json!("personal"), "/fallback"),
        ("filter", json!(""), "/filter"),
        ("filter", json!({"and": [{"or": 5}]}), "/filter"),
    ] {
        let mut body = json!({"strategy": "personal", "limit": 5});
        body[member] = value;
        assert_eq!(faults("a", body.clone()).await, place, "{body}");
    }
    for unreadable in [
        json!({"strategy": "personal", "limit": 5, "exploration": {"kind": "dice"}}),
        json!({"strategy": "personal", "limit": 5, "exploration": {"kind": "share", "share": 0.1, "more": 1}}),
        json!({"strategy": "personal", "limit": 5, "rotation": {"keep": 0.1}}),
        json!({"strategy": "personal", "limit": 5, "objective": "fame"}),
        json!({"strategy": "magic", "limit": 5}),
        json!({"strategy": "personal"}),
        json!({"strategy": "personal", "limit": -1}),
        json!({"strategy": "personal", "limit": 5, "limits": 6}),
    ] {
        let answer = stack.put("/v1/placements/a", None, &unreadable).await;
        assert_eq!(answer.problem(), (422, "unexpected-shape"), "{unreadable}");
    }
    assert!(stack.context.table.settings::<Placement>(&shop("demo"), "placement").await.unwrap().is_empty());
    let longest = format!("/v1/placements/{}", "a".repeat(40));
    assert_eq!(stack.put(&longest, None, &json!({"strategy": "basket", "limit": 1})).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_a_placement_asks_of_its_order_is_kept_and_shown() {
    let stack = Stack::start().await;
    let mut wanted = json!({"strategy": "personal", "fallback": "trending", "limit": 10, "viewed": "prefer", "bought": "hide", "per_category": 4,
        "per_brand": 2, "diversity": 0.25, "novelty": 0.1, "rotation": {"keep": 0.9, "hours": 8760.0},
        "skips": {"keep": 0.75, "after": 4}, "objective": "margin", "exploration": {"kind": "softmax", "temperature": 0.05},
        "filter": "price <= context.price and not (colour is missing)",
        "blend": {"encoder": 0.5, "popularity": 2.0}, "layout": {"columns": 3}});
    let made = stack.put("/v1/placements/a", None, &wanted).await;
    (wanted["name"], wanted["version"], wanted["written"]) = (json!("a"), json!(1), json!(NOW.to_rfc3339()));
    wanted["author"] = made.body["author"].clone();
    assert_eq!((made.status, &made.body), (StatusCode::OK, &wanted));
    let all = stack.get("/v1/placements").await.body;
    assert_eq!(all["placements"].as_array().unwrap().iter().find(|placement| placement["name"] == "a"), Some(&wanted));
    let stored = stack.context.table.settings::<Placement>(&shop("demo"), "placement").await.unwrap().remove(0).value;
    assert_eq!(stored.filter, Some(vitrine_domain::Filter::parse(wanted["filter"].as_str().unwrap()).unwrap()));
    assert_eq!((stored.per_brand, stored.diversity, stored.rotation.unwrap().keep), (2, 0.25, 0.9));

    // JSON is taken as well, and a filter that is not named again is gone.
    let filter = json!({"attribute": "brand", "op": "=", "value": "Acme"});
    let body = json!({"strategy": "personal", "limit": 10, "exploration": {"kind": "share", "share": 0.05},
        "filter": filter, "version": 1});
    let changed = stack.put("/v1/placements/a", None, &body).await.body;
    assert_eq!((&changed["filter"], &changed["exploration"]), (&json!("brand = \"Acme\""), &body["exploration"]));
    assert_eq!(changed["rotation"], Value::Null);
    let body = json!({"strategy": "personal", "limit": 10, "rotation": null, "filter": null});
    assert_eq!(stack.put("/v1/placements/a", Some("*"), &body).await.body["filter"], Value::Null);
}

#[tokio::test]
async fn a_shop_has_a_bounded_number_of_placements() {
    let stack = Stack::start().await;
    let mut placement = Placement::shipped().remove(0);
    for n in 0..200 {
        placement.name = format!("p{n}");
        stack.context.table.put_setting(&shop("demo"), "placement", &placement.name, &placement, 0).await.unwrap();
    }
    let body = json!({"strategy": "basket", "limit": 1});
    assert_eq!(stack.put("/v1/placements/more", None, &body).await.problem(), (422, "too-many-placements"));
    assert_eq!(stack.put("/v1/placements/p7", Some("\"1\""), &body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_privacy_setting_is_what_events_are_written_with() {
    let stack = Stack::start().await;
    let path = "/v1/settings/privacy";
    let everything = json!(["measure", "personalise", "experiment", "market"]);
    let shipped = stack.get(path).await;
    assert_eq!(shipped.body, json!({"default_purposes": everything, "version": 0}));
    assert_eq!(shipped.header("etag"), "\"0\"");
    let granted = async |shop: &Shop| stack.context.table.default_purposes(shop).await.unwrap();
    assert_eq!(granted(&shop("demo")).await, Purposes::ALL);

    let wanted = json!({"default_purposes": ["personalise", "measure", "measure"], "version": 0});
    let put = stack.put(path, None, &wanted).await;
    assert_eq!(put.setting(), json!({"default_purposes": ["measure", "personalise"], "version": 1}));
    assert_eq!((put.body["author"].is_string(), &put.body["written"]), (true, &json!(NOW.to_rfc3339())));
    assert_eq!(stack.get(path).await.body, put.body);
    let both = Purposes::NONE.with(Purpose::Measure).with(Purpose::Personalise);
    assert_eq!(granted(&shop("demo")).await, both);
    assert_eq!(granted(&shop("other")).await, Purposes::ALL);

    assert_eq!(stack.put(path, None, &wanted).await.problem(), (409, "conflict"));
    let none = json!({"default_purposes": []});
    assert_eq!(stack.put(path, None, &none).await.problem(), (428, "precondition-required"));
    assert_eq!(stack.put(path, Some("\"1\""), &none).await.status, StatusCode::OK);
    assert_eq!(granted(&shop("demo")).await, Purposes::NONE);
    for unreadable in
        [json!({"default_purposes": ["everything"]}), json!({}), json!({"default_purposes": [], "more": 1})]
    {
        assert_eq!(stack.put(path, Some("*"), &unreadable).await.problem(), (422, "unexpected-shape"));
    }
}

#[tokio::test]
async fn a_privacy_setting_that_cannot_be_read_is_shown_as_what_it_grants() {
    let stack = Stack::start().await;
    stack.context.table.put_setting(&shop("demo"), "shop", "privacy", &json!({"old": "shape"}), 0).await.unwrap();
    let path = "/v1/settings/privacy";
    assert_eq!(stack.get(path).await.setting(), json!({"default_purposes": [], "version": 1}));
    let mended = stack.put(path, Some("\"1\""), &json!({"default_purposes": ["measure"]})).await;
    assert_eq!(mended.body["version"], 2);
}

#[tokio::test]
async fn the_training_setting_names_only_what_it_changes() {
    let stack = Stack::start().await;
    let path = "/v1/settings/training";
    let shipped = stack.get(path).await.body;
    let expected = json!({"keep": 3, "gate": true, "gate_cases": 50, "warm": false, "actions": 20_000_000,
        "memory_mb": 16_000, "threads": 0, "version": 0});
    assert_eq!(shipped, expected);
    let changed = stack.put(path, None, &json!({"keep": 5, "warm": true})).await;
    assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, "\"1\""));
    let mut wanted = shipped;
    (wanted["keep"], wanted["warm"], wanted["version"]) = (json!(5), json!(true), json!(1));
    assert_eq!(stack.get(path).await.setting(), wanted);
    let stored = stack.context.table.training(&shop("demo")).await.unwrap();
    assert_eq!((stored.keep, stored.warm, stored.gate), (5, true, true));
    assert_eq!(stack.put(path, None, &json!({})).await.problem(), (428, "precondition-required"));
    let wrong = stack.put(path, Some("\"1\""), &json!({"keep": 0, "gate_cases": 1})).await;
    assert_eq!(wrong.problem(), (422, "invalid-training"));
    let places: Vec<&str> =
        wrong.body["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(places, ["/keep", "/gate_cases"]);
    assert_eq!(stack.put(path, Some("\"1\""), &json!({"kep": 1})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    // The other setting of the same kind is left alone.
    assert_eq!(stack.get("/v1/settings/privacy").await.body["version"], 0);
    assert_eq!(stack.put(path, Some("\"1\""), &json!({})).await.body["keep"], 3);
}
