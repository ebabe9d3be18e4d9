//! The function's routes against the embedded table and a folder.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod console;
mod description;
mod experiments;
mod history;
mod jobs;
mod models;
mod results;
mod rules;
mod segments;
mod settings;
mod staff;
mod vectors;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use vitrine_domain::{Millis, Shop};
use vitrine_engine::Engine;
use vitrine_http::{App, layers};
use vitrine_runtime::{Clock, Config, Context, Place};
use vitrine_store::api_keys::KeyKind;

/// 2026-11-22T14:40:00Z.
const NOW: Millis = Millis(1_795_358_400_000);

/// The function with two shops, `demo` and `other`, whose keys are `<shop>-server` and `<shop>-browser`.
struct Stack {
    context: Context,
    router: Router,
    _engine: Engine,
    _folder: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    /// Status and kind of problem.
    fn problem(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }

    /// What a setting says, without who wrote it and when.
    fn setting(&self) -> Value {
        let mut body = self.body.clone();
        body.as_object_mut().unwrap().retain(|name, _| !["author", "written"].contains(&name.as_str()));
        body
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

impl Stack {
    async fn start() -> Self {
        let engine = Engine::memory().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            table: "vitrine".to_owned(),
            objects: Place::Folder(folder.path().to_owned()),
            dynamodb_endpoint: Some(engine.endpoint()),
            s3_endpoint: None,
            secret: "0123456789abcdef0123456789abcdef".to_owned(),
            retention: 760 * vitrine_domain::time::DAY,
            backups: 0,
            scratch: folder.path().to_owned(),
            text_weights: None,
            vectors: None,
        };
        let context = Context::connect(config, Clock::set_to(NOW)).await.unwrap();
        context.table.create_if_missing().await.unwrap();
        for name in ["demo", "other"] {
            for (key, kind) in [("server", KeyKind::Server), ("browser", KeyKind::Browser)] {
                context.table.put_api_key(&format!("{name}-{key}"), &shop(name), kind, NOW).await.unwrap();
            }
        }
        let router = layers::surround(vitrine_manage::router(App::new(context.clone())));
        Self { context, router, _engine: engine, _folder: folder }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        (head.status, head.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }

    /// A request with a key.
    async fn call(
        &self,
        key: &str,
        method: Method,
        path: &str,
        if_match: Option<&str>,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        if let Some(version) = if_match {
            request = request.header("if-match", version);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let (status, headers, bytes) = self.send(request.body(body).unwrap()).await;
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    /// A body of bytes, with the shop's server key.
    async fn send_bytes(&self, method: Method, path: &str, bytes: Vec<u8>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", "Bearer demo-server");
        let (status, headers, bytes) = self.send(request.body(Body::from(bytes)).unwrap()).await;
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("demo-server", Method::POST, path, None, Some(body)).await
    }

    async fn delete(&self, path: &str, if_match: Option<&str>) -> Answer {
        self.call("demo-server", Method::DELETE, path, if_match, None).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("demo-server", Method::GET, path, None, None).await
    }

    async fn put(&self, path: &str, if_match: Option<&str>, body: &Value) -> Answer {
        self.call("demo-server", Method::PUT, path, if_match, Some(body)).await
    }
}

/// The places that a problem names.
fn places(answer: &Answer) -> Vec<&str> {
    let errors = answer.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

fn shop(name: &str) -> Shop {
    Shop::new(name).unwrap()
}

#[tokio::test]
async fn everything_about_a_shop_needs_a_server_key() {
    let stack = Stack::start().await;
    let addresses = [
        (Method::POST, "/v1/retrain"),
        (Method::GET, "/v1/jobs/1"),
        (Method::GET, "/v1/keys"),
        (Method::POST, "/v1/keys"),
        (Method::DELETE, "/v1/keys/a"),
        (Method::POST, "/v1/keys/a/rotate"),
        (Method::GET, "/v1/staff"),
        (Method::GET, "/v1/staff/a"),
        (Method::PUT, "/v1/staff/a"),
        (Method::DELETE, "/v1/staff/a"),
        (Method::DELETE, "/v1/sessions"),
        (Method::GET, "/v1/models"),
        (Method::POST, "/v1/models/a/activate"),
        (Method::GET, "/v1/vectors"),
        (Method::PUT, "/v1/vectors/a"),
        (Method::PUT, "/v1/vectors/a/ids"),
        (Method::DELETE, "/v1/vectors/a"),
        (Method::GET, "/v1/settings/training"),
        (Method::PUT, "/v1/settings/training"),
        (Method::GET, "/v1/placements"),
        (Method::PUT, "/v1/placements/home"),
        (Method::DELETE, "/v1/placements/home"),
        (Method::GET, "/v1/rules"),
        (Method::GET, "/v1/rules/a"),
        (Method::PUT, "/v1/rules/a"),
        (Method::DELETE, "/v1/rules/a"),
        (Method::GET, "/v1/segments"),
        (Method::POST, "/v1/segments/size"),
        (Method::GET, "/v1/segments/a"),
        (Method::PUT, "/v1/segments/a"),
        (Method::DELETE, "/v1/segments/a"),
        (Method::GET, "/v1/experiments"),
        (Method::POST, "/v1/experiments/plan"),
        (Method::GET, "/v1/experiments/a"),
        (Method::PUT, "/v1/experiments/a"),
        (Method::DELETE, "/v1/experiments/a"),
        (Method::GET, "/v1/rules/a/history"),
        (Method::POST, "/v1/rules/a/undo"),
        (Method::GET, "/v1/removed/rules"),
        (Method::GET, "/v1/settings/hold-out/history"),
        (Method::POST, "/v1/settings/hold-out/undo"),
        (Method::GET, "/v1/settings/hold-out"),
        (Method::PUT, "/v1/settings/hold-out"),
        (Method::GET, "/v1/settings/privacy"),
        (Method::PUT, "/v1/settings/privacy"),
    ];
    for (method, path) in addresses {
        let body = Some(&Value::Null);
        let browser = stack.call("demo-browser", method.clone(), path, None, body).await;
        assert_eq!(browser.problem(), (403, "key-not-sufficient"), "{method} {path}");
        let unknown = stack.call("unknown", method.clone(), path, None, body).await;
        assert_eq!(unknown.problem(), (401, "unknown-key"), "{method} {path}");
    }
    assert!(stack.context.objects.shops().await.unwrap().is_empty(), "nothing was begun");
}
