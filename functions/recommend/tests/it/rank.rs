//! Ranking a list.

use serde_json::{Value, json};
use vitrine_domain::{Action, Availability, Product};

use crate::support::{Stack, device, is_identical, product};

#[tokio::test]
async fn a_list_is_ordered_and_what_is_left_out_is_told() {
    let stack = Stack::start().await;
    stack.does(&device("anna"), Action::View, 6).await;
    stack.sell(&[Product { availability: Availability::OutOfStock, ..product(3, "") }]).await;
    stack.later(1_000);
    let items = ["p01", "none", "p12", "p03", "p18", "p02"];
    let question = json!({"anonymous_id": "anna", "items": items, "filter": "price > 2"});
    let answer = stack.post("browser", "/v1/rank", question.clone()).await.ok();
    assert_eq!(answer.body["placement"], "rank");
    let first: Vec<String> = answer.ids().into_iter().take(2).collect();
    assert!(
        first.contains(&"p12".to_owned()) && first.contains(&"p18".to_owned()),
        "what shares an aisle comes first: {first:?}"
    );
    assert_eq!((answer.ids().len(), &answer.body["cursor"]), (3, &Value::Null));
    assert_eq!(answer.body["items"][0].get("product"), None);
    assert!(answer.body["items"][0]["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()));
    let left_out = json!([
        {"product_id": "none", "why": "unknown"},
        {"product_id": "p01", "why": "filtered"},
        {"product_id": "p03", "why": "not_available"},
    ]);
    // p01 costs exactly 2.
    assert_eq!(answer.body["left_out"], left_out);
    is_identical(&stack, &answer).await;

    let mut cut = question;
    cut["limit"] = json!(1);
    let answer = stack.post("browser", "/v1/rank", cut).await.ok();
    assert_eq!((answer.ids(), &answer.body["left_out"]), (vec![first[0].clone()], &left_out));
    is_identical(&stack, &answer).await;
}

#[tokio::test]
async fn rules_for_the_place_of_ranking_act_and_bounds_hold() {
    let stack = Stack::start().await;
    stack.set_rule(json!({"id": "top", "when": {"placements": ["rank"]}, "effect": {"kind": "pin", "product": "p05", "slot": 1}})).await;
    stack.set_rule(json!({"id": "home", "when": {"placements": ["home"]}, "effect": {"kind": "hide", "filter": "id = \"p05\""}})).await;
    let answer = stack.post("browser", "/v1/rank", json!({"items": ["p01", "p05", "p07"]})).await.ok();
    assert_eq!((answer.ids()[0].as_str(), &answer.body["rules"]), ("p05", &json!(["top"])));
    let home = stack.post("browser", "/v1/rank", json!({"items": ["p01", "p05"], "placement": "home"})).await.ok();
    assert_eq!(home.ids(), ["p01"]);
    // A slot that the list does not reach: the product closes it.
    stack.set_rule(json!({"id": "low", "effect": {"kind": "pin", "product": "p01", "slot": 10}})).await;
    stack.later(1_100);
    let answer = stack.post("browser", "/v1/rank", json!({"items": ["p01", "p02", "p03"]})).await.ok();
    assert_eq!((answer.ids().len(), answer.ids()[2].as_str(), &answer.body["left_out"]), (3, "p01", &json!([])));
    is_identical(&stack, &answer).await;
    let many = vec!["p01"; 1001];
    for (question, expected) in [
        (json!({"items": []}), (422, "invalid-items", "/items")),
        (json!({"items": many}), (422, "invalid-items", "/items")),
        (json!({"items": ["p01", ""]}), (422, "invalid-identifier", "/items/1")),
        (json!({"items": ["p01"], "limit": 0}), (422, "invalid-limit", "/limit")),
        (json!({"items": ["p01"], "filter": "price <"}), (422, "invalid-filter", "/filter")),
        (json!({"items": ["p01"], "placement": "nowhere"}), (404, "not-found", "/placement")),
    ] {
        assert_eq!(stack.post("browser", "/v1/rank", question).await.problem(), expected);
    }
}
