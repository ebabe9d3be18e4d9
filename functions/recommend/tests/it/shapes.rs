//! The answers and the log as others read them. Identifiers and numbers that differ from machine to machine are replaced.

use serde_json::{Value, json};
use vitrine_domain::Action;

use crate::support::{Stack, device};

/// Replaces what is different every time.
fn settle(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(settle),
        Value::Object(members) => {
            for (name, member) in members {
                match name.as_str() {
                    "decision_id" | "cursor" | "seed" | "body_hash" | "history_hash" | "last_change" | "z" | "x"
                    | "h"
                        if member.is_string() =>
                    {
                        *member = format!("[{name}]").into();
                    }
                    "score" | "amount" | "share" => *member = 0.into(),
                    _ => settle(member),
                }
            }
        }
        _ => {}
    }
}

fn settled(value: &Value) -> Value {
    let mut value = value.clone();
    settle(&mut value);
    value
}

#[tokio::test]
async fn the_shapes_of_answers() {
    let stack = Stack::start().await;
    stack.does(&device("anna"), Action::View, 6).await;
    stack
        .set_rule(json!({"id": "first", "name": "Summer", "effect": {"kind": "pin", "product": "p40", "slot": 1}}))
        .await;
    let question = json!({"anonymous_id": "anna", "limit": 2, "category": "Aisle 0"});
    let recommendation = stack.post("server", "/v1/recommendations/recently-viewed", question).await.ok();
    insta::assert_json_snapshot!("recommendation", settled(&recommendation.body));
    let address = format!("/v1/decisions/{}", recommendation.body["decision_id"].as_str().unwrap());
    insta::assert_json_snapshot!("decision", settled(&stack.get("server", &address).await.ok().body));
    let found = stack.table.recent_decisions(&stack.shop, &device("anna"), 1, None).await.unwrap();
    insta::assert_json_snapshot!("logged", settled(&serde_json::from_str(found[0].1.get()).unwrap()));

    let rank = json!({"history": [{"product_id": "p06", "action": "view", "timestamp": 1}], "items": ["p06", "none"], "filter": "price > 100"});
    insta::assert_json_snapshot!("ranked", settled(&stack.post("browser", "/v1/rank", rank).await.ok().body));
    let preview = json!({"limit": 1, "rules": []});
    let preview = stack.post("server", "/v1/recommendations/recently-viewed/preview", preview).await.ok();
    insta::assert_json_snapshot!("preview", settled(&preview.body));
}
