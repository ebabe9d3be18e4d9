//! A shop with its keys, a clock that is moved by hand, and a table that fails on command.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use vitrine_domain::{Event, Millis, Shop, Visitor};
use vitrine_engine::Endpoint;
use vitrine_http::{App, layers};
use vitrine_runtime::{Clock, Config, Context};
use vitrine_store::api_keys::KeyKind;

/// Text of an event that a failing table refuses.
pub(crate) const POISON: &str = "poison";

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Status and code of a problem, 200 and nothing if all is well.
    pub(crate) fn code(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["code"].as_str().unwrap_or_default().to_owned())
    }

    #[track_caller]
    pub(crate) fn assert_success(&self) {
        assert_eq!((self.status, self.text.as_str()), (StatusCode::OK, r#"{"success":true}"#));
    }
}

pub(crate) struct Stack {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    refusals: Arc<AtomicU32>,
    reads: Arc<AtomicU32>,
    router: Router,
    _endpoint: Endpoint,
    _folder: tempfile::TempDir,
}

pub(crate) const NOW: Millis = Millis(1_763_822_400_000);

pub(crate) fn shop() -> Shop {
    Shop::new("demo").unwrap()
}

pub(crate) fn other_shop() -> Shop {
    Shop::new("other").unwrap()
}

pub(crate) fn anonymous(id: &str) -> Visitor {
    Visitor::anonymous(id).unwrap()
}

pub(crate) fn known(id: &str) -> Visitor {
    Visitor::known(id).unwrap()
}

pub(crate) fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A page event of an anonymous visitor, with more members or others.
pub(crate) fn page(id: &str, more: Value) -> Value {
    let mut event = json!({"type": "page", "anonymousId": "a", "messageId": id, "timestamp": NOW.to_rfc3339()});
    for (name, value) in more.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

impl Stack {
    pub(crate) async fn start() -> Self {
        let endpoint = Endpoint::for_test().await.unwrap();
        let refusals = Arc::new(AtomicU32::new(0));
        let reads = Arc::new(AtomicU32::new(0));
        let address = faulty(endpoint.url(), refusals.clone(), reads.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        let config = Config::read(&|name| match name {
            "VITRINE_TABLE" => Some(endpoint.table().to_owned()),
            "VITRINE_FOLDER" => Some(path.clone()),
            "VITRINE_SECRET" => Some("0123456789abcdef0123456789abcdef".to_owned()),
            "AWS_ENDPOINT_URL_DYNAMODB" => Some(address.clone()),
            _ => None,
        });
        let clock = Clock::set_to(NOW);
        let context = Context::connect(config.unwrap(), clock.clone()).await.unwrap();
        let table = &context.table;
        table.create_if_missing().await.unwrap();
        for (key, shop, kind) in [
            ("demo", shop(), KeyKind::Browser),
            ("demo-secret", shop(), KeyKind::Server),
            ("other", other_shop(), KeyKind::Browser),
        ] {
            table.put_api_key(key, &shop, kind, NOW).await.unwrap();
        }
        let app = App::new(context);
        let router = layers::surround(vitrine_collect::router(app.clone()));
        Self { app, clock, refusals, reads, router, _endpoint: endpoint, _folder: folder }
    }

    /// A second process on the same table: it remembers nothing.
    pub(crate) fn restarted(&self) -> Router {
        layers::surround(vitrine_collect::router(App::new(self.app.context.clone())))
    }

    /// How often the table was read so far.
    pub(crate) fn reads(&self) -> u32 {
        self.reads.load(Ordering::SeqCst)
    }

    /// From now on the table refuses events that are [`POISON`], or takes them again.
    pub(crate) fn fail(&self, failing: bool) {
        self.refuse(if failing { u32::MAX } else { 0 });
    }

    /// The table refuses events that are [`POISON`] so many times, all together, and takes them then.
    pub(crate) fn refuse(&self, times: u32) {
        self.refusals.store(times, Ordering::SeqCst);
    }

    pub(crate) async fn send(&self, request: http::Request<Body>) -> Answer {
        send(self.router.clone(), request).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(request(path, "demo", body.to_string())).await
    }

    pub(crate) async fn batch(&self, events: &[Value]) -> Answer {
        self.post("/v1/batch", &json!({"batch": events})).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let host = ("host", "127.0.0.1:8080");
        self.send(http::Request::get(path).header(host.0, host.1).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn events(&self, visitor: &Visitor) -> Vec<Event> {
        self.app.context.table.history(&shop(), visitor, Millis(0)).await.unwrap().0
    }

    /// How often an action of nobody was counted, on all days.
    pub(crate) async fn counts(&self, action: &str) -> u64 {
        let days = self.app.context.table.counts(&shop(), Millis(0), Millis::MAX).await.unwrap();
        days.values().filter_map(|day| day.get(action)).sum()
    }

    /// Message ids of a visitor's events.
    pub(crate) async fn ids(&self, visitor: &Visitor) -> Vec<String> {
        self.events(visitor).await.iter().map(|event| event.id.to_string()).collect()
    }

    /// Who belongs to a visitor, and since when.
    pub(crate) async fn links(&self, visitor: &Visitor) -> Vec<(String, i64)> {
        let links = self.app.context.table.history(&shop(), visitor, Millis(0)).await.unwrap().1;
        links.into_iter().map(|link| (link.other.to_string(), link.since.since(NOW))).collect()
    }
}

pub(crate) async fn send(router: Router, request: http::Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

pub(crate) fn basic(credentials: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(credentials))
}

pub(crate) fn request(path: &str, key: &str, body: impl Into<Body>) -> http::Request<Body> {
    http::Request::post(path).header("authorization", basic(&format!("{key}:"))).body(body.into()).unwrap()
}

#[derive(Clone)]
struct Fault {
    client: reqwest::Client,
    endpoint: String,
    refusals: Arc<AtomicU32>,
    reads: Arc<AtomicU32>,
}

/// Stands in front of the engine and answers as an overloaded table does.
async fn faulty(endpoint: String, refusals: Arc<AtomicU32>, reads: Arc<AtomicU32>) -> String {
    rustls_provider();
    let fault = Fault { client: reqwest::Client::new(), endpoint, refusals, reads };
    let router = Router::new().fallback(pass).with_state(fault);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

async fn pass(State(fault): State<Fault>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let operation = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    if operation.contains("Get") || operation.contains("Query") {
        fault.reads.fetch_add(1, Ordering::SeqCst);
    }
    let poisoned = body.windows(POISON.len()).any(|window| window == POISON.as_bytes());
    let refused =
        || fault.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    if poisoned && refused() {
        let refusal = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}"#;
        return (StatusCode::BAD_REQUEST, [("content-type", "application/x-amz-json-1.0")], refusal).into_response();
    }
    let mut onward = fault.client.post(&fault.endpoint).body(body);
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "host" && *name != "content-length") {
        onward = onward.header(name, value);
    }
    let answer = onward.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let bytes: Bytes = answer.bytes().await.unwrap();
    let mut response = (status, bytes).into_response();
    for name in ["content-type", "x-amz-crc32"] {
        if let Some(value) = headers.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// The HTTP client of the tests wants one, though it never speaks TLS.
fn rustls_provider() {
    rustls::crypto::ring::default_provider().install_default().ok();
}
