//! Which models there are.

use serde_json::json;
use vitrine_store::models::Live;

use super::*;

fn version(name: &str, minutes: i64) -> Live {
    let published = NOW.plus(minutes * 60_000);
    let file = |file: &str| format!("shops/demo/models/{name}/{file}");
    let (artifact, catalogue) = (file("artifact.bin"), file("catalogue.ndjson.zst"));
    Live { version: name.to_owned(), artifact, catalogue, delta_from: published.plus(-10_000), published }
}

#[tokio::test]
async fn a_shop_without_models_says_so() {
    let stack = Stack::start().await;
    assert_eq!(stack.get("/v1/models").await.body, json!({"live": null, "versions": [], "card": null}));
}

#[tokio::test]
async fn the_live_model_is_named_and_its_card_shown() {
    let stack = Stack::start().await;
    let (demo, table) = (shop("demo"), &stack.context.table);
    for (seen, (name, minutes)) in [("a", 0), ("b", 1), ("a", 0)].into_iter().enumerate() {
        table.publish_model(&demo, &version(name, minutes), seen as u64).await.unwrap();
    }
    // Without its card a model is a model.
    let models = stack.get("/v1/models").await;
    let expected = json!({"live": "a", "card": null, "versions": [
        {"version": "b", "published": "2026-11-22T14:41:00.000Z", "delta_from": "2026-11-22T14:40:50.000Z", "live": false},
        {"version": "a", "published": "2026-11-22T14:40:00.000Z", "delta_from": "2026-11-22T14:39:50.000Z", "live": true},
    ]});
    assert_eq!((models.status, models.body), (StatusCode::OK, expected));
    let card = json!({"version": "a", "model": {"counts": {"products": 3}}});
    stack.context.objects.put("shops/demo/models/a/card.json", card.to_string()).await.unwrap();
    assert_eq!(stack.get("/v1/models").await.body["card"], card);
    let theirs = stack.call("other-server", Method::GET, "/v1/models", None, None).await;
    assert_eq!(theirs.body["live"], Value::Null);
}
