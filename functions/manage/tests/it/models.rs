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
    let none = json!({"shop": "demo", "live": null, "chosen": null, "chosen_by": null, "versions": [], "card": null});
    assert_eq!(stack.get("/v1/models").await.body, none);
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
    let expected = json!({"shop": "demo", "live": "a", "chosen": null, "chosen_by": null, "card": null, "versions": [
        {"version": "b", "published": "2026-11-22T14:41:00.000Z", "delta_from": "2026-11-22T14:40:50.000Z", "live": false,
            "figures": null, "gate": null},
        {"version": "a", "published": "2026-11-22T14:40:00.000Z", "delta_from": "2026-11-22T14:39:50.000Z", "live": true,
            "figures": null, "gate": null},
    ]});
    assert_eq!((models.status, models.body), (StatusCode::OK, expected));
    let card = json!({"version": "a", "model": {"counts": {"products": 3}}});
    stack.context.objects.put("shops/demo/models/a/card.json", card.to_string()).await.unwrap();
    assert_eq!(stack.get("/v1/models").await.body["card"], card);
    let figures = json!({"hr@10": 0.5, "ndcg@10": 0.25});
    let of_parts = json!({"new": {"factors": {"hr@10": 0.125}, "blend": figures}, "any": {"blend": {"hr@10": 0.75}}});
    let other = json!({"gate": {"outcome": "passed"}, "model": {"validation": {"figures": of_parts}}});
    stack.context.objects.put("shops/demo/models/b/card.json", other.to_string()).await.unwrap();
    let models = stack.get("/v1/models").await.body;
    assert_eq!(
        (&models["versions"][0]["figures"], &models["versions"][0]["gate"]["outcome"]),
        (&json!({"new": figures, "any": {"hr@10": 0.75}}), &json!("passed"))
    );
    assert_eq!((&models["versions"][1]["figures"], &models["card"]), (&Value::Null, &card));
    let theirs = stack.call("other-server", Method::GET, "/v1/models", None, None).await;
    assert_eq!(theirs.body["live"], Value::Null);
}

#[tokio::test]
async fn a_shop_goes_back_to_a_version_that_is_kept() {
    let stack = Stack::start().await;
    let activate = async |key: &str, version: &str| {
        stack.call(key, Method::POST, &format!("/v1/models/{version}/activate"), None, None).await
    };
    assert_eq!(activate("demo-server", "a").await.problem(), (404, "not-found"), "there is no model at all");
    let (demo, table) = (shop("demo"), &stack.context.table);
    for (seen, (name, minutes)) in [("a", 0), ("b", 1), ("c", 2)].into_iter().enumerate() {
        table.publish_model(&demo, &version(name, minutes), seen as u64).await.unwrap();
    }
    assert_eq!(activate("demo-server", "d").await.problem(), (404, "not-found"));
    assert_eq!(activate("other-server", "a").await.problem(), (404, "not-found"), "it is another shop's");
    assert_eq!(activate("demo-browser", "a").await.problem(), (403, "key-not-sufficient"));
    let back = activate("demo-server", "a").await;
    assert_eq!((back.status, back.body), (StatusCode::OK, json!({"live": "a", "before": "c"})));
    assert_eq!(table.live_model(&demo).await.unwrap(), Some((version("a", 0), 4)));
    // Asked twice, nothing is flipped twice.
    let again = activate("demo-server", "a").await;
    assert_eq!((again.status, again.body), (StatusCode::OK, json!({"live": "a", "before": null})));
    assert_eq!(table.live_model(&demo).await.unwrap().unwrap().1, 4);
    let forth = activate("demo-server", "c").await;
    assert_eq!(forth.body, json!({"live": "c", "before": "a"}));
    let listed = stack.get("/v1/models").await.body;
    let live: Vec<bool> = listed["versions"].as_array().unwrap().iter().map(|v| v["live"] == true).collect();
    assert_eq!((listed["live"].as_str(), live), (Some("c"), vec![true, false, false]));
    // Who went there is told until a training publishes another.
    assert_eq!((listed["chosen_by"].is_string(), &listed["chosen"]), (true, &json!(NOW.to_rfc3339())), "{listed}");
    table.publish_model(&demo, &version("d", 3), 5).await.unwrap();
    let listed = stack.get("/v1/models").await.body;
    assert_eq!((&listed["live"], &listed["chosen_by"], &listed["chosen"]), (&json!("d"), &Value::Null, &Value::Null));
}
