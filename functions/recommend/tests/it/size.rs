//! A decision is billed by its size.

use serde_json::json;
use vitrine_domain::{
    Action, Event, Exploration, MessageId, Placement, Product, ProductId, Rotation, Strategy, Visitor,
};

use crate::support::{Stack, device, fold, is_identical, product};

/// A message id as long as those of the tracker that most shops use.
fn message(number: usize) -> MessageId {
    MessageId::new(format!("ajs-next-17638224001{number:02}-5b8a0c1e-9f6e-4a53-8f43-0d6c2b7f9a11")).unwrap()
}

#[tokio::test]
async fn a_decision_of_twenty_products_is_under_a_kilobyte() {
    let stack = Stack::start().await;
    let (anna, phone) = (Visitor::known("7043182259").unwrap(), device("2f6f9c1e-55c8-4a53-8f43-0d6c2b7f9a11"));
    // Identifiers as long as those of a large shop system.
    let long =
        |number: usize| Product { id: ProductId::new(format!("84310975{number:05}")).unwrap(), ..product(number, "") };
    stack.sell(&(0..46).map(long).collect::<Vec<_>>()).await;
    // Everything that takes room: chance, rotation, a known visitor on a device, a filter, a basket, a page before.
    let exploration = Exploration::Softmax { temperature: 0.5 };
    let rotation = Some(Rotation { keep: 0.9, hours: 12.0 });
    let placement =
        Placement { exploration, rotation, ..Placement::new("product-bought-together", Strategy::Personal, 20) };
    stack.set_placement(&placement).await;
    let changes = json!([{"kind": "layout", "placement": placement.name, "payload": {"columns": 4}}]);
    for id in ["summer-layout", "winter-banners"] {
        let variants = json!([{"id": "control"}, {"id": "four-columns", "changes": changes}]);
        let design = json!({"kind": "variants", "variants": variants});
        let metrics = json!({"primary": "conversion"});
        stack.set("experiment", id, json!({"id": id, "status": "running", "design": design, "metrics": metrics})).await;
    }
    stack.table.link(&stack.shop, &phone, &anna, stack.now()).await.unwrap();
    for (number, visitor) in [&anna, &phone].into_iter().enumerate() {
        let event = Event::new(message(number), visitor.clone(), stack.now(), Action::View);
        stack.table.put_event(&stack.shop, &event).await.unwrap();
    }
    fold(&stack, &anna).await;
    stack.later(1_000);
    let mut question = json!({
        "visitor_id": anna.id(), "anonymous_id": phone.id(), "product_id": "8431097500001", "language": "fr", "limit": 20,
        "filter": "id >= \"8\" and brand != \"Brand 9\"", "basket": ["8431097500002", "8431097500003"],
    });
    for _ in 0..2 {
        let answer = stack.post("server", "/v1/recommendations/product-bought-together", question.clone()).await.ok();
        assert_eq!((answer.ids().len(), answer.body["experiments"].as_array().unwrap().len()), (20, 2));
        question["cursor"] = answer.body["cursor"].clone();
        stack.later(5);
        is_identical(&stack, &answer).await;
    }
    let found = stack.table.recent_decisions(&stack.shop, &anna, 2, None).await.unwrap();
    for (_, text) in &found {
        assert!(text.get().len() <= 1_024, "{} {}", text.get().len(), text.get());
    }
}
