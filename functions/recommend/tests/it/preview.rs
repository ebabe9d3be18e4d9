//! What other rules would change.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use vitrine_domain::{Action, Placement, Strategy};

use crate::support::{Stack, device, ids};

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
async fn a_rotation_that_a_placement_does_not_have_yet_knows_what_was_shown() {
    let stack = Stack::start().await.patient();
    stack.set_placement(&Placement::new("still", Strategy::Personal, 6)).await;
    stack.does(&device("anna"), Action::View, 6).await;
    let anna = json!({"anonymous_id": "anna"});
    let mut shown = Vec::new();
    for _ in 0..2 {
        stack.later(2_000);
        shown = stack.recommend("still", anna.clone()).await.ids();
    }
    stack.later(2_000);
    let rotates = json!({"anonymous_id": "anna", "placement": {"rotation": {"keep": 0.2, "hours": 12}}});
    let rotated = stack.post("server", "/v1/recommendations/still/preview", rotates).await.ok();
    assert_eq!(ids(&rotated.body["before"]), shown);
    assert!(ids(&rotated.body["after"]).iter().any(|id| !shown.contains(id)), "{}", rotated.body);
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

/// Rules of every kind and condition, by what is asked for where they act.
fn rules() -> Vec<(&'static str, Value, Value)> {
    let rule = |when: Value, effect: Value| json!({"id": "tried", "when": when, "effect": effect});
    let cheap = "price < 20";
    let boost = || json!({"kind": "boost", "filter": cheap, "factor": 50.0});
    let pin = |slot: usize| json!({"kind": "pin", "product": "p40", "slot": slot});
    vec![
        ("home", json!({}), rule(json!({}), pin(12))),
        ("home", json!({}), rule(json!({"segments": ["strangers"]}), pin(1))),
        ("home", json!({}), rule(json!({"visitor": "views_30d >= 1"}), pin(1))),
        ("home", json!({}), rule(json!({"placements": ["home", "feed"]}), boost())),
        ("trending", json!({}), rule(json!({}), json!({"kind": "bury", "filter": "price > 20", "factor": 50.0}))),
        ("trending", json!({}), rule(json!({}), json!({"kind": "share", "filter": cheap, "share": 0.5}))),
        ("feed", json!({}), rule(json!({}), json!({"kind": "at_most", "attribute": "brand", "count": 1}))),
        (
            "category",
            json!({"category": "Aisle 3"}),
            rule(json!({"categories": ["Aisle 3"]}), json!({"kind": "hide", "filter": cheap})),
        ),
        ("product-similar", json!({"product_id": "p09"}), rule(json!({"categories": ["Aisle 3"]}), pin(2))),
        (
            "basket",
            json!({"basket": ["p03", "p09"]}),
            rule(json!({}), json!({"kind": "include_only", "filter": cheap})),
        ),
        (
            "home",
            json!({}),
            rule(
                json!({"segments": ["strangers"]}),
                json!({"kind": "content", "slot": "hero", "payload": {"title": "Welcome"}}),
            ),
        ),
    ]
}

#[tokio::test]
async fn what_a_preview_shows_is_what_is_decided_once_the_rule_is_in_force() {
    let stack = Stack::start().await.patient();
    stack.set("segment", "strangers", json!({"id": "strangers", "filter": "orders = 0"})).await;
    let regular = device("regular");
    for (action, number) in [(Action::View, 3), (Action::Order, 9), (Action::View, 15)] {
        stack.does(&regular, action, number).await;
    }
    // After half a day a placement has forgotten what it showed, and the settings are read again.
    let forgets = || stack.later(13 * 3_600_000);
    forgets();
    let with = |page: &Value, more: Value| {
        let mut question = page.clone();
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        question
    };
    let what = |list: &Value| (ids(list), list["content"].clone(), list["rules"].clone());
    let mut acted = BTreeMap::new();
    for (at, (placement, page, rule)) in rules().into_iter().enumerate() {
        // Of two strangers nothing is known, so one sees what the other would.
        for (previewed, served) in
            [("regular".to_owned(), "regular".to_owned()), (format!("one-{at}"), format!("two-{at}"))]
        {
            let path = format!("/v1/recommendations/{placement}");
            let tried = with(&page, json!({"anonymous_id": previewed, "rule": rule}));
            let seen = stack.post("server", &format!("{path}/preview"), tried).await.ok().body;
            let question = with(&page, json!({"anonymous_id": served}));
            let before = stack.post("server", &path, question.clone()).await.ok().body;
            assert_eq!(what(&seen["before"]), what(&before), "{placement} {served}: {rule}");
            stack.set_rule(rule.clone()).await;
            forgets();
            let decided = stack.post("server", &path, question).await.ok().body;
            assert_eq!(what(&seen["after"]), what(&decided), "{placement} {served}: {rule}");
            acted.insert((at, served == "regular"), decided["rules"] == json!(["tried"]));
            stack.set_rule(with(&rule, json!({"enabled": false}))).await;
            forgets();
        }
    }
    let idle: Vec<_> = acted.iter().filter(|(_, acts)| !**acts).map(|(of, _)| *of).collect();
    assert_eq!(idle, [(1, true), (2, false), (10, true)], "those that are not for everybody");
}

#[tokio::test]
async fn whoever_is_taken_to_be_in_a_segment_is_shown_what_is_shown_there() {
    let stack = Stack::start().await.patient();
    stack.set("segment", "regulars", json!({"id": "regulars", "filter": "orders >= 2"})).await;
    let pin = json!({"id": "pin", "when": {"segments": ["regulars"]}, "effect": {"kind": "pin", "product": "p40", "slot": 1}});
    let path = "/v1/recommendations/trending/preview";
    let moved = async |more: Value| {
        let mut question = json!({"anonymous_id": "stranger", "limit": 5, "rule": pin});
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = stack.post("server", path, question).await.ok();
        (ids(&answer.body["before"])[0] == "p40", ids(&answer.body["after"])[0] == "p40")
    };
    assert_eq!(moved(json!({})).await, (false, false));
    assert_eq!(moved(json!({"segments": ["regulars"]})).await, (false, true));
    assert_eq!(moved(json!({"segments": ["others"]})).await, (false, false));
    let many: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
    let refused = stack.post("server", path, json!({"segments": many})).await;
    assert_eq!(refused.problem(), (422, "invalid-question", "/segments"));
}

#[tokio::test]
async fn a_placement_that_is_not_there_yet_is_shown_as_it_would_be() {
    let stack = Stack::start().await;
    let path = "/v1/recommendations/summer/preview";
    assert_eq!(stack.post("server", path, json!({})).await.problem().0, 404);
    let placement = json!({"strategy": "trending", "limit": 3});
    let answer = stack.post("server", path, json!({"placement": placement})).await.ok();
    let after = ids(&answer.body["after"]);
    assert_eq!((&answer.body["before"], after.len()), (&Value::Null, 3));
    assert_eq!(answer.body["moved"][2], json!({"product_id": after[2], "from": null, "to": 3}));
}
