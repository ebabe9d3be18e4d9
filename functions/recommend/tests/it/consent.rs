//! Who may not be personalised for sees a shop like everybody, and nothing is kept under their name.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use vitrine_domain::{Action, Visitor};
use vitrine_store::erasures::Until;

use crate::support::{Answer, Stack, device, is_identical};

/// What is asked of `anna`, and whether her history was followed and the decision kept under her name.
async fn follows(stack: &Stack, headers: &[(&'static str, &'static str)], visitor: &Visitor) -> (bool, bool) {
    stack.proxy.seen();
    let mut request = Request::builder().method(Method::POST).uri("/v1/recommendations/recently-viewed");
    for (name, value) in
        headers.iter().chain(&[("authorization", "Bearer browser"), ("content-type", "application/json")])
    {
        request = request.header(*name, *value);
    }
    let body = json!({"anonymous_id": visitor.id()}).to_string();
    let answer: Answer = stack.send(&stack.router, request.body(Body::from(body)).unwrap()).await.ok();
    let name = format!("#V#{visitor}\"");
    let kept = |(operation, body): &(String, String)| operation.starts_with("Put") && body.contains(&name);
    let written = stack.proxy.seen().iter().any(kept);
    is_identical(stack, &answer).await;
    (!answer.ids().is_empty(), written)
}

#[tokio::test]
async fn a_browser_that_asks_not_to_be_tracked_is_nobody() {
    let stack = Stack::start().await;
    let anna = device("anna");
    stack.does(&anna, Action::View, 6).await;
    assert_eq!(follows(&stack, &[], &anna).await, (true, true));
    assert_eq!(follows(&stack, &[("sec-gpc", "1")], &anna).await, (false, false));
    assert_eq!(follows(&stack, &[("sec-gpc", "0")], &anna).await, (true, true));
}

#[tokio::test]
async fn a_refusal_is_remembered_until_it_is_taken_back() {
    let stack = Stack::start().await;
    let (anna, key, now) = (device("anna"), stack.context.tombstone_key(), stack.now());
    stack.does(&anna, Action::View, 6).await;
    assert_eq!(follows(&stack, &[], &anna).await, (true, true));
    stack.table.note_refusal(&key, &stack.shop, &anna, true, now).await.unwrap();
    stack.later(31_000);
    assert_eq!(follows(&stack, &[], &anna).await, (false, false));
    stack.table.note_refusal(&key, &stack.shop, &anna, false, now).await.unwrap();
    stack.later(31_000);
    stack.does(&anna, Action::View, 7).await;
    assert_eq!(follows(&stack, &[], &anna).await, (true, true));
}

#[tokio::test]
async fn nothing_is_written_under_the_name_of_the_erased() {
    let stack = Stack::start().await;
    let (anna, key) = (device("anna"), stack.context.tombstone_key());
    stack.table.erase(&key, &stack.shop, &anna, Until::Ever, stack.now()).await.unwrap();
    assert_eq!(follows(&stack, &[], &anna).await, (false, false));
}

#[tokio::test]
async fn where_the_setting_grants_nothing_only_those_are_known_who_agreed() {
    let stack = Stack::start().await;
    let (anna, bert) = (device("anna"), device("bert"));
    let setting: Value = json!({"default_purposes": ["measure"]});
    stack.table.put_setting(&stack.shop, "shop", "privacy", &setting, 0).await.unwrap();
    stack.does(&anna, Action::View, 6).await;
    assert_eq!(follows(&stack, &[], &anna).await, (true, true), "what is held was agreed to");
    assert_eq!(follows(&stack, &[], &bert).await, (false, false));
}
