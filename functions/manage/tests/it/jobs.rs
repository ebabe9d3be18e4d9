//! Training on demand.

use serde_json::json;
use vitrine_store::jobs::{JobKind, JobState, parse_object};

use super::*;

#[tokio::test]
async fn a_training_that_is_asked_for_is_a_job_and_an_object() {
    let stack = Stack::start().await;
    let asked = stack.call("demo-server", Method::POST, "/v1/retrain", None, None).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    let id = asked.body["job_id"].as_str().unwrap();
    let location = format!("/v1/jobs/{id}");
    assert_eq!(asked.body, json!({"job_id": id, "state": "waiting", "location": location}));
    assert_eq!(asked.header("location"), location);

    let listed = stack.context.objects.list("shops/demo/jobs").await.unwrap();
    let keys: Vec<_> = listed.iter().map(|entry| parse_object(&entry.key)).collect();
    assert_eq!(keys, [Some((shop("demo"), JobKind::Retrain, id))]);

    let told = stack.get(&location).await;
    assert_eq!(told.status, StatusCode::OK);
    let now = "2026-11-22T14:40:00.000Z";
    let waiting = json!({
        "job_id": id, "kind": "retrain", "state": "waiting", "created": now, "changed": now, "options": {}, "result": null,
    });
    assert_eq!(told.body, waiting);

    // What the function writes is what is told.
    let mut job = stack.context.table.job(&shop("demo"), id).await.unwrap().unwrap();
    (job.state, job.changed, job.result) = (JobState::Done, NOW.plus(5_000), json!({"outcome": "unchanged"}));
    stack.context.table.put_job(&shop("demo"), &job).await.unwrap();
    let told = stack.get(&location).await.body;
    assert_eq!((&told["state"], &told["changed"]), (&json!("done"), &json!("2026-11-22T14:40:05.000Z")));
    assert_eq!(told["result"], json!({"outcome": "unchanged"}));
}

#[tokio::test]
async fn a_job_is_told_to_its_own_shop_only() {
    let stack = Stack::start().await;
    let asked = stack.call("demo-server", Method::POST, "/v1/retrain", None, None).await;
    let location = asked.header("location").to_owned();
    let theirs = stack.call("other-server", Method::GET, &location, None, None).await;
    assert_eq!(theirs.problem(), (404, "not-found"));
    assert_eq!(stack.get("/v1/jobs/unknown").await.problem(), (404, "not-found"));
    assert_eq!(stack.get("/v1/jobs/a%23b").await.problem(), (404, "not-found"));
}
