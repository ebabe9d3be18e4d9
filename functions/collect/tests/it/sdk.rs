//! What browser SDKs ask for before they send anything.

use axum::body::Body;

use crate::harness::{Stack, basic};

#[tokio::test]
async fn analytics_js_is_sent_back_to_where_it_asked() {
    let stack = Stack::start().await;
    let answer = stack.get("/v1/projects/demo/settings").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "private, max-age=300");
    insta::assert_json_snapshot!(answer.json());
    let behind_proxy = http::Request::get("/v1/projects/demo/settings")
        .header("host", "10.0.0.7:8080")
        .header("x-forwarded-host", "events.shop.example")
        .header("x-forwarded-proto", "https");
    let answer = stack.send(behind_proxy.body(Body::empty()).unwrap()).await.json();
    let segment = &answer["integrations"]["Segment.io"];
    assert_eq!(
        (segment["apiHost"].as_str(), segment["protocol"].as_str()),
        (Some("events.shop.example/v1"), Some("https"))
    );
}

#[tokio::test]
async fn rudderstack_finds_its_source() {
    let stack = Stack::start().await;
    let answer = stack.get("/sourceConfig/?p=npm&v=3.34.1&build=modern&writeKey=demo").await;
    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!(answer.json());
    let by_header = http::Request::get("/sourceConfig/").header("authorization", basic("demo:"));
    assert_eq!(stack.send(by_header.body(Body::empty()).unwrap()).await.json(), answer.json());
    assert_eq!(stack.get("/sourceConfig/?writeKey=demo-secret").await.code().0, 403);
    assert_eq!(stack.get("/sourceConfig/").await.code().0, 401);
}

#[tokio::test]
async fn a_server_key_has_no_settings_and_an_unknown_one_neither() {
    let stack = Stack::start().await;
    assert_eq!(stack.get("/v1/projects/demo-secret/settings").await.code(), (403, "key-not-sufficient".to_owned()));
    assert_eq!(stack.get("/v1/projects/nobody/settings").await.code(), (401, "unknown-key".to_owned()));
}
