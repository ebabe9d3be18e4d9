//! Rules: what is taken and refused, the conflicts they get into, and who may change them.

use serde_json::json;
use vitrine_domain::rule::{MAX_RULES, Rule};
use vitrine_domain::{Product, ProductId};

use super::*;

fn product(id: &str, brand: &str) -> Product {
    Product { brand: Some(brand.to_owned()), ..Product::new(ProductId::new(id).unwrap(), id) }
}

fn pin(product: &str, slot: usize) -> Value {
    json!({"effect": {"kind": "pin", "product": product, "slot": slot}})
}

/// Kind and other rule of each conflict.
fn conflicts(rule: &Value) -> Vec<(&str, &str)> {
    let conflicts = rule["conflicts"].as_array().unwrap_or_else(|| panic!("{rule}"));
    conflicts.iter().map(|c| (c["kind"].as_str().unwrap(), c["with"].as_str().unwrap())).collect()
}

async fn delete(stack: &Stack, id: &str, if_match: Option<&str>) -> Answer {
    stack.delete(&format!("/v1/rules/{id}"), if_match).await
}

#[tokio::test]
async fn a_rule_is_made_read_changed_and_removed() {
    let stack = Stack::start().await;
    assert_eq!(stack.get("/v1/rules").await.body, json!({"rules": [], "revision": 0}));
    let wanted = json!({
        "name": "Week of pasta",
        "priority": 5,
        "when": {
            "placements": ["home"],
            "segments": ["gold"],
            "categories": ["Grocery"],
            "from": "2026-11-27T01:00:00+01:00",
            "until": "2026-11-30",
            "visitor": {"attribute": "orders", "op": ">", "value": 3},
        },
        "effect": {"kind": "boost", "filter": "category=\"Pasta\" AND price<5", "factor": 1.2},
    });
    let made = stack.put("/v1/rules/pasta", None, &wanted).await;
    let author = &made.body["author"];
    assert!(author.as_str().is_some_and(|author| !author.is_empty()), "{}", made.body);
    let expected = json!({
        "id": "pasta",
        "name": "Week of pasta",
        "enabled": true,
        "priority": 5,
        "when": {
            "placements": ["home"],
            "segments": ["gold"],
            "categories": ["Grocery"],
            "from": "2026-11-27T00:00:00.000Z",
            "until": "2026-11-30T00:00:00.000Z",
            "visitor": "orders > 3",
        },
        "effect": {"kind": "boost", "filter": "category = \"Pasta\" and price < 5", "factor": 1.2},
        "conflicts": [],
        // The shop's own server may say that customers are in it.
        "warnings": [{
            "kind": "unknown_segment",
            "pointer": "/when/segments/0",
            "text": "the shop has no segment gold; only customers of whom an import or event says it are in it",
        }],
        "author": author,
        "written": NOW.to_rfc3339(),
        "version": 1,
        "revision": 1,
    });
    assert_eq!((made.status, made.header("etag"), &made.body), (StatusCode::OK, "\"1\"", &expected));
    let read = stack.get("/v1/rules/pasta").await;
    assert_eq!((read.header("etag"), &read.body), ("\"1\"", &expected));

    // What was read can be sent back as it is, with a change.
    let mut changed = read.body;
    changed["enabled"] = json!(false);
    let changed = stack.put("/v1/rules/pasta", None, &changed).await.body;
    assert_eq!((&changed["enabled"], &changed["version"], &changed["revision"]), (&json!(false), &json!(2), &json!(2)));
    assert_eq!(changed["when"], expected["when"]);

    // In the table it is what recommendations read.
    let stored = stack.context.table.settings::<Rule>(&shop("demo"), "rule").await.unwrap().remove(0);
    assert_eq!((stored.id.as_str(), stored.value.id.as_str(), stored.value.enabled), ("pasta", "pasta", false));

    let all = stack.get("/v1/rules").await.body;
    assert_eq!((all["rules"].as_array().unwrap().len(), &all["revision"]), (1, &json!(2)));
    assert!(all["rules"][0].get("revision").is_none());
    assert_eq!(delete(&stack, "pasta", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(delete(&stack, "pasta", None).await.problem(), (404, "not-found"));
    assert_eq!(stack.get("/v1/rules/pasta").await.problem(), (404, "not-found"));
    assert_eq!(stack.get("/v1/rules").await.body, json!({"rules": [], "revision": 3}));
}

#[tokio::test]
async fn every_effect_is_shown_as_it_was_sent() {
    let stack = Stack::start().await;
    for (n, effect) in [
        json!({"kind": "pin", "product": "a b", "slot": 3}),
        json!({"kind": "boost", "filter": "stock > 10", "factor": 2.0}),
        json!({"kind": "bury", "filter": "brand in [\"Acme\"]", "factor": 100.0}),
        json!({"kind": "hide", "filter": "not (colour is missing)"}),
        json!({"kind": "include_only", "filter": "price <= context.price"}),
        json!({"kind": "at_most", "attribute": "brand", "count": 2}),
        json!({"kind": "share", "filter": "margin > 0.3", "share": 0.25}),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"effect": effect});
        let made = stack.put(&format!("/v1/rules/r{n}"), None, &body).await;
        assert_eq!((made.status, &made.body["effect"]), (StatusCode::OK, &effect), "{:?}", made.body);
    }
    assert_eq!(stack.get("/v1/rules").await.body["rules"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn rules_are_listed_in_the_order_in_which_they_act() {
    let stack = Stack::start().await;
    for (id, priority) in [("b", 0), ("a", 0), ("z", 9), ("m", -1)] {
        let body = json!({"priority": priority, "effect": {"kind": "hide", "filter": "stock = 0"}});
        assert_eq!(stack.put(&format!("/v1/rules/{id}"), None, &body).await.status, StatusCode::OK);
    }
    let all = stack.get("/v1/rules").await.body;
    let ids: Vec<&str> = all["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["z", "a", "b", "m"]);
}

#[tokio::test]
async fn a_conflict_is_told_by_whoever_is_saved_last_and_listed_for_both() {
    let stack = Stack::start().await;
    let table = &stack.context.table;
    table.upsert_products(&shop("demo"), &[product("p", "Acme"), product("q", "Umbrella")], &|| NOW).await.unwrap();
    let hide = json!({"effect": {"kind": "hide", "filter": "brand = \"Acme\""}});
    assert_eq!(conflicts(&stack.put("/v1/rules/no-acme", None, &hide).await.body), []);
    let pinned = stack.put("/v1/rules/p-first", None, &pin("p", 1)).await.body;
    assert_eq!(conflicts(&pinned), [("pinned_and_hidden", "no-acme")]);
    assert!(pinned["conflicts"][0]["text"].as_str().unwrap().contains("not shown"), "{pinned}");
    assert_eq!(pinned["warnings"], json!([]));
    // The same the other way round: the rule that was there is changed.
    let again = stack.put("/v1/rules/no-acme", Some("\"1\""), &hide).await.body;
    assert_eq!(conflicts(&again), [("pinned_and_hidden", "p-first")]);
    // Another product is not hidden, but stands in the same slot.
    let other = stack.put("/v1/rules/q-first", None, &pin("q", 1)).await.body;
    assert_eq!(conflicts(&other), [("same_slot", "p-first")]);

    let all = stack.get("/v1/rules").await.body;
    let listed: Vec<_> =
        all["rules"].as_array().unwrap().iter().map(|rule| (rule["id"].as_str().unwrap(), conflicts(rule))).collect();
    assert_eq!(
        listed,
        [
            ("no-acme", vec![("pinned_and_hidden", "p-first")]),
            ("p-first", vec![("pinned_and_hidden", "no-acme"), ("same_slot", "q-first")]),
            ("q-first", vec![("same_slot", "p-first")]),
        ]
    );
    assert_eq!(conflicts(&stack.get("/v1/rules/q-first").await.body), [("same_slot", "p-first")]);
    // A rule that is paused or gone is in nobody's way; what it will meet when it acts again it tells.
    let mut paused = hide.clone();
    (paused["enabled"], paused["version"]) = (json!(false), json!(2));
    assert_eq!(
        conflicts(&stack.put("/v1/rules/no-acme", None, &paused).await.body),
        [("pinned_and_hidden", "p-first")]
    );
    assert_eq!(conflicts(&stack.get("/v1/rules/p-first").await.body), [("same_slot", "q-first")]);
    assert_eq!(delete(&stack, "q-first", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(conflicts(&stack.get("/v1/rules/p-first").await.body), []);
}

#[tokio::test]
async fn what_a_rule_names_and_the_shop_does_not_have_is_a_warning() {
    let stack = Stack::start().await;
    let mut body = pin("nowhere", 1);
    body["when"] = json!({"placements": ["home", "teaser"], "segments": ["deal-hunters", "regulars"]});
    let made = stack.put("/v1/rules/a", None, &body).await;
    assert_eq!(made.status, StatusCode::OK);
    let warnings = made.body["warnings"].as_array().unwrap().clone();
    let warnings: Vec<_> =
        warnings.iter().map(|w| (w["kind"].as_str().unwrap(), w["pointer"].as_str().unwrap())).collect();
    let expected = [
        ("unknown_product", "/effect/product"),
        ("unknown_placement", "/when/placements/1"),
        ("unknown_segment", "/when/segments/1"),
    ];
    assert_eq!(warnings, expected);
    assert_eq!(stack.get("/v1/rules").await.body["rules"][0]["warnings"], made.body["warnings"]);

    let teaser = json!({"strategy": "trending", "limit": 3});
    assert_eq!(stack.put("/v1/placements/teaser", None, &teaser).await.status, StatusCode::OK);
    stack.context.table.upsert_products(&shop("demo"), &[product("nowhere", "Acme")], &|| NOW).await.unwrap();
    let regulars = json!({"name": "Regulars", "filter": "orders >= 2"});
    assert_eq!(stack.put("/v1/segments/regulars", None, &regulars).await.status, StatusCode::OK);
    assert_eq!(stack.get("/v1/rules/a").await.body["warnings"], json!([]));
    // One that every shop begins with, and that this one removed.
    assert_eq!(stack.delete("/v1/segments/deal-hunters", None).await.status, StatusCode::NO_CONTENT);
    let warnings = &stack.get("/v1/rules/a").await.body["warnings"];
    assert_eq!(
        (&warnings[0]["kind"], &warnings[0]["pointer"]),
        (&json!("unknown_segment"), &json!("/when/segments/0"))
    );
}

#[tokio::test]
async fn a_rule_that_is_none_is_refused_with_every_reason() {
    let stack = Stack::start().await;
    let faults = async |id: &str, body: Value| {
        let answer = stack.put(&format!("/v1/rules/{id}"), None, &body).await;
        assert_eq!(answer.problem(), (422, "invalid-rule"), "{id} {body} {:?}", answer.body);
        let errors = answer.body["errors"].as_array().unwrap().clone();
        errors.iter().map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    for id in ["Pasta", "-a", "a%23b", &"a".repeat(41)] {
        assert_eq!(faults(id, pin("a", 1)).await, "id", "{id}");
    }
    let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    let wrong = json!({
        "id": "b",
        "name": "n".repeat(201),
        "when": {"placements": [""], "segments": many, "from": "2026-11-27", "until": "2026-11-26",
            "visitor": "price < context.price"},
        "effect": {"kind": "boost", "filter": "price <", "factor": 1.0},
    });
    let expected = "/id /effect/filter /name /when/placements /when/segments /when/until /when/visitor /effect/factor";
    assert_eq!(faults("a", wrong).await, expected);
    let times = json!({"when": {"from": "tomorrow", "until": "now", "visitor": "=="}, "effect": pin("a", 0)["effect"]});
    assert_eq!(faults("a", times).await, "/when/from /when/until /when/visitor /effect/slot");
    assert_eq!(faults("a", pin("", 101)).await, "/effect/product");
    for (effect, expected) in [
        (json!({"kind": "bury", "filter": "stock = 0", "factor": 101}), "/effect/factor"),
        (json!({"kind": "share", "filter": "stock = 0", "share": 0}), "/effect/share"),
        (json!({"kind": "share", "filter": "stock = 0", "share": 1.1}), "/effect/share"),
        (json!({"kind": "at_most", "attribute": "", "count": 0}), "/effect/count /effect/attribute"),
        (json!({"kind": "hide", "filter": {"attribute": "brand"}}), "/effect/filter"),
        (json!({"kind": "include_only", "filter": 5}), "/effect/filter"),
    ] {
        assert_eq!(faults("a", json!({"effect": effect})).await, expected, "{effect}");
    }
    for unreadable in [
        json!({}),
        json!({"effect": {"kind": "magic"}}),
        json!({"effect": {"kind": "pin", "product": "a"}}),
        json!({"effect": {"kind": "pin", "product": "a", "slot": 1, "slots": 2}}),
        json!({"effect": {"kind": "hide", "filter": "stock = 0"}, "then": {}}),
        json!({"effect": {"kind": "hide", "filter": "stock = 0"}, "when": {"placement": "home"}}),
    ] {
        let answer = stack.put("/v1/rules/a", None, &unreadable).await;
        assert_eq!(answer.problem(), (422, "unexpected-shape"), "{unreadable}");
    }
    assert_eq!(stack.get("/v1/rules").await.body, json!({"rules": [], "revision": 0}));
}

#[tokio::test]
async fn a_rule_is_changed_and_removed_only_as_it_was_seen() {
    let stack = Stack::start().await;
    let path = "/v1/rules/a";
    let at = |slot: usize, version: u64| {
        let mut body = pin("p", slot);
        body["version"] = json!(version);
        body
    };
    assert_eq!(stack.put(path, None, &at(1, 1)).await.problem(), (409, "conflict"));
    assert_eq!(stack.put(path, None, &at(1, 0)).await.status, StatusCode::OK);
    assert_eq!(stack.put(path, None, &at(2, 0)).await.problem(), (409, "conflict"));
    assert_eq!(stack.put(path, None, &pin("p", 2)).await.problem(), (428, "precondition-required"));
    assert_eq!(stack.put(path, Some("\"2\""), &pin("p", 2)).await.problem(), (412, "precondition-failed"));
    assert_eq!(stack.put(path, Some("\"1\""), &pin("p", 2)).await.header("etag"), "\"2\"");
    let third = pin("p", 3);
    let puts = (0..4).map(|_| stack.put(path, Some("\"2\""), &third));
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(puts).await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412]);

    for stale in ["\"2\"", "\"abc\""] {
        assert_eq!(delete(&stack, "a", Some(stale)).await.problem(), (412, "precondition-failed"), "{stale}");
    }
    assert_eq!(delete(&stack, "a", Some("\"3\"")).await.status, StatusCode::NO_CONTENT);
    for condition in [None, Some("*"), Some("\"3\"")] {
        assert_eq!(delete(&stack, "a", condition).await.problem(), (404, "not-found"), "{condition:?}");
    }
}

#[tokio::test]
async fn different_rules_saved_at_once_are_all_saved() {
    let stack = Stack::start().await;
    let puts = (1..=6).map(|n| {
        let stack = &stack;
        async move { stack.put(&format!("/v1/rules/r{n}"), None, &pin("p", n)).await }
    });
    let answers = futures_util::future::join_all(puts).await;
    let mut revisions: Vec<u64> = answers.iter().map(|answer| answer.body["revision"].as_u64().unwrap()).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, [1, 2, 3, 4, 5, 6]);
    assert_eq!(stack.get("/v1/rules").await.body["revision"], 6);
}

#[tokio::test]
async fn one_shop_never_sees_nor_touches_the_rules_of_another() {
    let stack = Stack::start().await;
    assert_eq!(stack.put("/v1/rules/a", None, &pin("p", 1)).await.status, StatusCode::OK);
    let theirs = stack.call("other-server", Method::GET, "/v1/rules", None, None).await.body;
    assert_eq!(theirs, json!({"rules": [], "revision": 0}));
    for method in [Method::GET, Method::DELETE] {
        let answer = stack.call("other-server", method.clone(), "/v1/rules/a", None, None).await;
        assert_eq!(answer.problem(), (404, "not-found"), "{method}");
    }
    let made = stack.call("other-server", Method::PUT, "/v1/rules/a", None, Some(&pin("p", 1))).await;
    assert_eq!((&made.body["version"], conflicts(&made.body)), (&json!(1), vec![]));
    assert_eq!(stack.get("/v1/rules/a").await.body["version"], 1);
}

#[tokio::test]
async fn a_shop_has_a_bounded_number_of_rules() {
    let stack = Stack::start().await;
    let rule: Rule =
        serde_json::from_value(json!({"id": "r", "effect": {"kind": "hide", "filter": "stock = 0"}})).unwrap();
    for n in 0..MAX_RULES {
        let rule = Rule { id: format!("r{n}"), ..rule.clone() };
        stack.context.table.put_setting(&shop("demo"), "rule", &rule.id, &rule, 0).await.unwrap();
    }
    assert_eq!(stack.put("/v1/rules/more", None, &pin("p", 1)).await.problem(), (422, "too-many-rules"));
    assert_eq!(stack.put("/v1/rules/r7", Some("\"1\""), &pin("p", 1)).await.status, StatusCode::OK);
}
