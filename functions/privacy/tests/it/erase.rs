//! Erasing and taking along.

use http::{Method, StatusCode};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use vitrine_domain::{Action, Millis};
use vitrine_store::decisions::DecisionKey;

use crate::support::{NOW, Stack, device, event, user};

async fn erase(stack: &Stack, id: &str) -> Value {
    let (status, receipt) = stack.call(Method::DELETE, &format!("/v1/visitors/{id}"), Some("server")).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{receipt}");
    receipt
}

/// How much an erasure touched in a place.
fn touched(receipt: &Value, name: &str) -> u64 {
    let places = receipt["places"].as_array().unwrap();
    places.iter().find(|place| place["place"] == name).unwrap()["count"].as_u64().unwrap()
}

#[tokio::test]
async fn a_customer_goes_with_their_own_devices_and_leaves_others_what_is_theirs() {
    let stack = Stack::start().await;
    let (anna, bert, phone, tablet) = (user("anna"), user("bert"), device("phone"), device("tablet"));
    for (of, whose, minutes) in [(&phone, &anna, 60), (&tablet, &bert, 50), (&tablet, &anna, 30)] {
        stack.table().link(&stack.shop, of, whose, NOW.plus(-minutes * 60_000)).await.unwrap();
    }
    let hers = [event(&anna, 5, Action::Order), event(&phone, 80, Action::View), event(&tablet, 40, Action::View)];
    let his = [event(&bert, 6, Action::Order), event(&tablet, 55, Action::View)];
    stack.put(&[&hers[..], &his[..]].concat()).await;
    stack.save(&anna, &hers).await;
    stack.save(&bert, &his).await;
    let decision = DecisionKey { visitor: Some(phone.clone()), time: NOW, nonce: "abc".to_owned() };
    let document = RawValue::from_string(r#"{"i":[]}"#.to_owned()).unwrap();
    stack.table().put_decision(&stack.shop, &decision, &document).await.unwrap();

    let receipt = erase(&stack, "u:anna").await;
    assert_eq!((receipt["completed"].clone(), receipt["signature"].clone()), (Value::Null, Value::Null));
    let counts = ["event", "profile", "decision", "link"].map(|place| touched(&receipt, place));
    assert_eq!(counts, [3, 1, 1, 4], "{receipt}");
    for (visitor, left) in
        [(&anna, vec![]), (&phone, vec![]), (&tablet, vec![his[1].clone()]), (&bert, vec![his[0].clone()])]
    {
        assert_eq!(stack.table().history(&stack.shop, visitor, Millis(0)).await.unwrap().0, left, "{visitor}");
    }
    assert_eq!(stack.visitor("u:bert").await["links"].as_array().unwrap().len(), 1);
    let (status, _) = stack.get("/v1/visitors/u:anna", Some("server")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let id = receipt["erasure_id"].as_str().unwrap();
    assert_eq!(stack.get(&format!("/v1/erasures/{id}"), Some("server")).await, (StatusCode::OK, receipt.clone()));
    for (path, key, expected) in [
        (format!("/v1/erasures/{id}"), "other-server", StatusCode::NOT_FOUND),
        (format!("/v1/erasures/{id}"), "browser", StatusCode::FORBIDDEN),
        ("/v1/erasures/none".to_owned(), "server", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(stack.get(&path, Some(key)).await.0, expected, "{path} {key}");
    }
    assert!(!receipt.to_string().contains("anna") && !receipt.to_string().contains("phone"), "{receipt}");
}

#[tokio::test]
async fn a_device_is_taken_out_of_what_a_customer_did_with_it() {
    let stack = Stack::start().await;
    let (anna, phone) = (user("anna"), device("phone"));
    stack.table().link(&stack.shop, &phone, &anna, NOW.plus(-3_600_000)).await.unwrap();
    let mut order = event(&anna, 5, Action::Order);
    order.device_id = Some("phone".to_owned());
    stack.put(&[order.clone(), event(&phone, 80, Action::View)]).await;
    stack.save(&anna, std::slice::from_ref(&order)).await;
    let receipt = erase(&stack, "a:phone").await;
    assert_eq!(["event", "profile", "link"].map(|place| touched(&receipt, place)), [2, 1, 2], "{receipt}");
    order.device_id = None;
    assert_eq!(stack.table().history(&stack.shop, &anna, Millis(0)).await.unwrap(), (vec![order], vec![]));
}

#[tokio::test]
async fn who_is_erased_is_named_without_doubt_and_by_the_shop_alone() {
    let stack = Stack::start().await;
    for (id, key, expected) in [
        ("anna", Some("server"), (StatusCode::UNPROCESSABLE_ENTITY, "ambiguous-visitor")),
        ("u:", Some("server"), (StatusCode::UNPROCESSABLE_ENTITY, "invalid-identifier")),
        ("u:anna", Some("browser"), (StatusCode::FORBIDDEN, "key-not-sufficient")),
        ("u:anna", None, (StatusCode::UNAUTHORIZED, "unauthorized")),
    ] {
        let (status, body) = stack.call(Method::DELETE, &format!("/v1/visitors/{id}"), key).await;
        assert_eq!(status, expected.0, "{id} {body}");
        if key == Some("server") {
            assert_eq!(body["code"], expected.1);
        }
    }
    // Of whom nothing is known, nothing will be.
    assert_eq!(erase(&stack, "u:nobody").await["barred"], 1);
}

#[tokio::test]
async fn what_nobody_did_is_told_by_day_and_action() {
    let stack = Stack::start().await;
    for (days_ago, action, times) in [(0, "view", 3), (0, "view", 2), (1, "order", 1), (40, "view", 9)] {
        let day = NOW.plus(-days_ago * vitrine_domain::time::DAY);
        stack.table().count(&stack.shop, day, action, times).await.unwrap();
    }
    let get = async |query: &str| stack.get(&format!("/v1/counts{query}"), Some("server")).await;
    let both = json!({"days": {"2026-09-20": {"order": 1}, "2026-09-21": {"view": 5}}});
    assert_eq!(get("").await, (StatusCode::OK, both));
    let older = json!({"days": {"2026-08-12": {"view": 9}}});
    assert_eq!(get("?from=2026-08-01&to=2026-08-31").await, (StatusCode::OK, older));
    let last = json!({"days": {"2026-09-21": {"view": 5}}});
    // A day is a day, whatever time of it is said.
    assert_eq!(get("?from=2026-09-21T23:00&to=2026-09-21").await, (StatusCode::OK, last));
    for (query, code) in [
        ("?from=soon", "invalid-day"),
        ("?from=2000-01-01", "too-many-days"),
        ("?from=2026-09-21&to=2026-09-20", "invalid-day"),
        // The last day is today unless said.
        ("?from=2026-09-22", "invalid-day"),
    ] {
        let (status, problem) = get(query).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(code)), "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], "from", "{problem}");
    }
    assert_eq!(stack.get("/v1/counts", Some("browser")).await.0, StatusCode::FORBIDDEN);
}
