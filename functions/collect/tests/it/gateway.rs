//! Through the gateway of the cloud and from browsers.

use std::collections::BTreeSet;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use vitrine_http::layers;

use crate::harness::{Stack, anonymous, basic, gzip, page};

/// An event as the gateway hands it to a function (payload format 2.0).
fn gateway_event(path: &str, body: &str, is_base64: bool) -> String {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {
            "host": "abc.execute-api.eu-west-3.amazonaws.com", "x-forwarded-proto": "https", "x-forwarded-port": "443",
            "content-type": "application/x-www-form-urlencoded", "content-encoding": "gzip",
            "authorization": basic("demo:"),
        },
        "requestContext": {
            "accountId": "123456789012", "apiId": "abc", "domainName": "abc.execute-api.eu-west-3.amazonaws.com",
            "domainPrefix": "abc", "requestId": "id", "routeKey": "$default", "stage": "$default",
            "http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"},
            "time": "22/Nov/2025:14:40:00 +0000", "timeEpoch": 1_763_822_400_000_i64,
        },
        "body": body, "isBase64Encoded": is_base64,
    })
    .to_string()
}

#[tokio::test]
async fn a_body_that_the_gateway_encoded_is_read() {
    let stack = Stack::start().await;
    let router = layers::surround(vitrine_collect::router(stack.app.clone()));
    let batch = |id: &str| json!({"batch": [page(id, json!({}))]}).to_string();
    for event in [
        gateway_event("/v1/batch", &STANDARD.encode(gzip(&batch("zipped"))), true),
        gateway_event("/v1/batch", &STANDARD.encode(batch("encoded")), true),
        gateway_event("/v1/batch", &batch("plain"), false),
    ] {
        let request = lambda_http::request::from_str(&event).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!((status.as_u16(), &body[..]), (200, &br#"{"success":true}"#[..]));
    }
    assert_eq!(stack.ids(&anonymous("a")).await, ["encoded", "plain", "zipped"]);
}

#[tokio::test]
async fn a_browser_may_ask_before_it_sends() {
    let stack = Stack::start().await;
    let ask = http::Request::options("/v1/t")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,anonymousid,x-retry-count")
        .body(Body::empty());
    let answer = stack.send(ask.unwrap()).await;
    assert!(answer.status.is_success());
    assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(answer.header("access-control-allow-headers"), "authorization,content-type,anonymousid,x-retry-count");
    assert!(answer.header("access-control-allow-methods").contains("POST"));
    assert_eq!(answer.header("access-control-max-age"), "900");

    // An answer without this header is no answer to a browser, whether it is good news or bad.
    for (body, status) in [(page("m", json!({"writeKey": "demo"})), 200), (page("m", json!({})), 401)] {
        let post = http::Request::post("/v1/p").header("origin", "https://shop.example");
        let answer = stack.send(post.body(Body::from(body.to_string())).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
    }
}

#[tokio::test]
async fn the_document_names_every_address() {
    let document = serde_json::to_value(vitrine_collect::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut expected: BTreeSet<String> =
        ["/v1/projects/{key}/settings", "/sourceConfig/"].into_iter().map(str::to_owned).collect();
    for name in ["track", "identify", "page", "screen", "group", "alias", "batch", "t", "i", "p", "s", "g", "a", "b"] {
        expected.insert(format!("/v1/{name}"));
    }
    expected.extend(["/v1/import".to_owned(), "/v1/m".to_owned()]);
    assert_eq!(paths.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().unwrap() {
            assert_eq!(operation["tags"], json!(["collect"]), "{path}");
            assert!(
                operation["summary"].is_string() && operation["responses"]["200"] != Value::Null,
                "{method} {path}"
            );
        }
    }
    insta::assert_json_snapshot!(document["components"]["schemas"]["EventBody"]["properties"]);
}
