//! What other rules would change.

use serde_json::{Value, json};

use crate::support::{Stack, ids};

#[tokio::test]
async fn both_lists_and_what_moved_are_told_and_nothing_is_stored() {
    let stack = Stack::start().await;
    stack.set_rule(json!({"id": "kept", "effect": {"kind": "hide", "filter": "id = \"p00\""}})).await;
    stack.later(1_000);
    stack.recommend("home", json!({})).await;
    stack.proxy.seen();
    let path = "/v1/recommendations/trending/preview";
    let rule = json!({"id": "pin", "effect": {"kind": "pin", "product": "p40", "slot": 2}});
    let answer = stack.post("server", path, json!({"anonymous_id": "anna", "limit": 5, "rule": rule})).await.ok();
    let (before, after) = (ids(&answer.body["before"]), ids(&answer.body["after"]));
    assert_eq!((after[1].as_str(), after[0] == before[0], after[2] == before[1]), ("p40", true, true));
    assert_eq!(answer.body["after"]["rules"], json!(["kept", "pin"]));
    assert_eq!(answer.body["before"]["decision_id"], Value::Null);
    let moved = answer.body["moved"].as_array().unwrap();
    assert_eq!(moved[0], json!({"product_id": "p40", "from": null, "to": 2}));
    assert_eq!(moved.last().unwrap(), &json!({"product_id": before[4], "from": 5, "to": null}));
    let all =
        stack.post("server", path, json!({"rules": [], "limit": 48, "placement": {"per_category": 0}})).await.ok();
    assert_eq!((ids(&all.body["before"]).len(), ids(&all.body["after"]).len()), (47, 48));
    let skips = json!({"limit": 5, "placement": {"skips": {"keep": 0.5, "after": 2}}});
    assert_eq!(ids(&stack.post("server", path, skips).await.ok().body["after"]), before);
    assert!(!stack.proxy.seen().iter().any(|(operation, _)| operation.contains("Put") || operation.contains("Write")));
    assert_eq!(stack.recommend("trending", json!({"limit": 5})).await.ids(), before);
}

#[tokio::test]
async fn faults_of_rules_and_placements_are_named_with_their_places() {
    let stack = Stack::start().await;
    let path = "/v1/recommendations/home/preview";
    assert_eq!(stack.post("browser", path, json!({})).await.problem(), (403, "key-not-sufficient", ""));
    let pin = |slot: usize| json!({"id": "pin", "effect": {"kind": "pin", "product": "p40", "slot": slot}});
    for (question, expected) in [
        (json!({"rule": pin(0)}), (422, "invalid-rule", "/rule/effect/slot")),
        (json!({"rules": [pin(1), pin(2)]}), (422, "invalid-rule", "/rules/1/id")),
        (json!({"rules": [{"id": "x"}]}), (422, "invalid-rule", "/rules/0")),
        (
            json!({"rule": {"id": "h", "effect": {"kind": "hide", "filter": "price <"}}}),
            (422, "invalid-rule", "/rule/effect/filter"),
        ),
        (
            json!({"rule": {"id": "h", "when": {"from": "soon"}, "effect": {"kind": "hide", "filter": "price < 1"}}}),
            (422, "invalid-rule", "/rule/when/from"),
        ),
        (json!({"placement": {"limit": 0}}), (422, "invalid-placement", "/placement/limit")),
        (json!({"placement": {"colour": 0}}), (422, "invalid-placement", "/placement/colour")),
        (
            json!({"placement": {"rotation": {"keep": 2, "hours": 1}}}),
            (422, "invalid-placement", "/placement/rotation/keep"),
        ),
        (
            json!({"placement": {"skips": {"keep": 0.5, "after": 0}}}),
            (422, "invalid-placement", "/placement/skips/after"),
        ),
        (json!({"placement": {"diversity": 2}}), (422, "invalid-placement", "/placement/diversity")),
        (json!({"filter": "price <"}), (422, "invalid-filter", "filter")),
    ] {
        assert_eq!(stack.post("server", path, question.clone()).await.problem(), expected, "{question}");
    }
}
