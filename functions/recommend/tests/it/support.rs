//! A shop that is trained once, and the routes on top of it.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use vitrine_domain::profile::{Facts, devices, in_fold_order};
use vitrine_domain::segment::Membership;
use vitrine_domain::{
    Action, Event, Line, MessageId, Millis, Placement, Product, ProductId, Profile, Rule, Shop, State, Visitor,
};
use vitrine_engine::Engine;
use vitrine_http::{App, layers};
use vitrine_learn::{Artifact, Dataset, Lineup, Settings, train};
use vitrine_runtime::{Clock, Config, Context, Deadlines, VectorServer};
use vitrine_store::Table;
use vitrine_store::api_keys::KeyKind;
use vitrine_store::models::Live;

use crate::bucket::Bucket;
use crate::proxy::Proxy;

/// When the tests begin: any time will do.
pub(crate) const NOW: Millis = Millis(1_790_000_000_000);
/// Products of the shop.
pub(crate) const PRODUCTS: usize = 48;

pub(crate) fn product(number: usize, edition: &str) -> Product {
    Product {
        category: vec!["All".into(), format!("Aisle {}", number % 6)],
        brand: Some(format!("Brand {}", number % 5)),
        price: Some(1.0 + number as f64),
        ..Product::new(id(number), format!("Article {number}{edition}"))
    }
}

pub(crate) fn id(number: usize) -> ProductId {
    ProductId::new(format!("p{number:02}")).unwrap()
}

fn trained(edition: &str) -> Vec<u8> {
    let products: Vec<Product> = (0..PRODUCTS).map(|number| product(number, edition)).collect();
    let person = |person: usize| {
        let visitor = Visitor::known(person.to_string()).unwrap();
        let step = |step: usize| {
            let message = MessageId::new(step.to_string()).unwrap();
            let time = Millis(step as i64 * 3_600_000);
            let action = if step % 7 == 6 { Action::Order } else { Action::View };
            let mut event = Event::new(message, visitor.clone(), time, action);
            event.lines = vec![Line::of(id((person % 6 + 6 * ((person * 5 + step * 3) % 8)) % PRODUCTS))];
            event
        };
        (visitor.clone(), (0..10).map(step).collect::<Vec<_>>())
    };
    let people: Vec<_> = (0..90).map(person).collect();
    let mut settings = Settings::default();
    (settings.encoder.epochs, settings.factors.iterations, settings.seed) = (2, 2, 1);
    let data = Dataset::new(&products, &people, &settings.limits).unwrap();
    train(&data, &settings, &mut |_, _, _| ()).unwrap().0
}

/// Artifacts of one shop whose titles say which they are of.
pub(crate) static ARTIFACTS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| [trained(""), trained(" (second edition)")]);

pub(crate) struct Stack {
    pub(crate) context: Context,
    pub(crate) proxy: Proxy,
    pub(crate) router: Router,
    pub(crate) shop: Shop,
    /// The table without the proxy.
    pub(crate) table: Table,
    _engine: Engine,
    folder: tempfile::TempDir,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    pub(crate) body: Value,
}

impl Answer {
    /// Status, kind of problem and the first place.
    pub(crate) fn problem(&self) -> (u16, &str, &str) {
        let text = |value: &'static str| self.body.pointer(value).and_then(Value::as_str).unwrap_or_default();
        (self.status.as_u16(), text("/code"), text("/errors/0/pointer"))
    }

    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        ids(&self.body)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

pub(crate) fn ids(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| item["product_id"].as_str().unwrap().to_owned()).collect()
}

impl Stack {
    /// A shop that was never trained.
    pub(crate) async fn untrained() -> Self {
        let engine = Engine::memory().await.unwrap();
        let proxy = Proxy::start(engine.endpoint()).await;
        let folder = tempfile::tempdir().unwrap();
        let config = |endpoint: &str| {
            Config::read(&|name| match name {
                "VITRINE_TABLE" => Some("vitrine".to_owned()),
                "VITRINE_FOLDER" | "VITRINE_SCRATCH" => Some(folder.path().display().to_string()),
                "VITRINE_SECRET" => Some("0123456789abcdef0123456789abcdef".to_owned()),
                "AWS_ENDPOINT_URL" => Some(endpoint.to_owned()),
                _ => None,
            })
            .unwrap()
        };
        let clock = Clock::set_to(NOW);
        let table = Context::connect(config(&engine.endpoint()), clock.clone()).await.unwrap().table;
        let context = Context::connect(config(&proxy.address), clock).await.unwrap();
        table.create_if_missing().await.unwrap();
        let shop = Shop::new("demo").unwrap();
        for (key, kind) in [("server", KeyKind::Server), ("browser", KeyKind::Browser)] {
            table.put_api_key(key, &shop, kind, NOW).await.unwrap();
        }
        let router = layers::surround(vitrine_recommend::router(App::new(context.clone())));
        Self { context, proxy, router, shop, table, _engine: engine, folder }
    }

    /// A shop with a model.
    pub(crate) async fn start() -> Self {
        let stack = Self::untrained().await;
        stack.publish("v1", &ARTIFACTS[0]).await;
        stack.later(10_000);
        stack
    }

    /// Waits for its stores as long as it takes: for tests of what is answered, not of when, on machines that are busy.
    pub(crate) fn patient(mut self) -> Self {
        let long = Duration::from_secs(29);
        self.context.deadlines = Deadlines { visitor: long, catalogue: long, index: long, log: long };
        self.router = self.restarted();
        self
    }

    /// The same table and a bucket in the folder's place, with a disk of the function's own for what it downloads.
    pub(crate) async fn with_bucket(mut self) -> (Self, Bucket) {
        let bucket = Bucket::start().await;
        self.context.objects = bucket.objects();
        self.context.config.scratch = self.scratch();
        std::fs::create_dir(self.scratch()).unwrap();
        self.router = self.restarted();
        (self, bucket)
    }

    /// The function's own disk, where there is a bucket.
    pub(crate) fn scratch(&self) -> std::path::PathBuf {
        self.folder.path().join("scratch")
    }

    /// The same stores behind a function that asks a vector server, which carries the models that are given.
    pub(crate) async fn asking(&mut self, server: VectorServer, carried: &[(&str, &[u8])]) -> Context {
        let embedded = self.context.clone();
        self.context.config.vectors = Some(server);
        // The machine of the tests is busy.
        self.context.deadlines.index = Duration::from_secs(2);
        for (version, bytes) in carried {
            let artifact = Artifact::from_bytes(bytes.to_vec(), &Lineup::default()).unwrap();
            vitrine_retrain::carry_vectors(&self.context, &self.shop, version, artifact.into()).await.unwrap();
        }
        self.router = self.restarted();
        embedded
    }

    /// The same stores behind a function that has just started.
    pub(crate) fn restarted(&self) -> Router {
        layers::surround(vitrine_recommend::router(App::new(self.context.clone())))
    }

    pub(crate) fn now(&self) -> Millis {
        self.context.clock.now()
    }

    pub(crate) fn later(&self, millis: u64) {
        self.context.clock.advance(Duration::from_millis(millis));
    }

    /// Publishes an artifact as a training does.
    pub(crate) async fn publish(&self, version: &str, bytes: &[u8]) {
        let artifact = format!("shops/demo/models/{version}/artifact.vitrine");
        self.context.objects.put(&artifact, bytes.to_vec()).await.unwrap();
        let products: Vec<Product> = (0..PRODUCTS).map(|number| product(number, "")).collect();
        let catalogue = format!("shops/demo/models/{version}/catalogue");
        let packed = vitrine_store::catalogue::pack(&products).unwrap();
        self.context.objects.put(&catalogue, packed).await.unwrap();
        let now = self.now();
        let live = Live { version: version.into(), artifact, catalogue, delta_from: now, published: now };
        let seen = self.table.live_model(&self.shop).await.unwrap().map_or(0, |(_, seen)| seen);
        self.table.publish_model(&self.shop, &live, seen).await.unwrap();
    }

    /// Where an object is on the disk.
    pub(crate) fn file(&self, key: &str) -> std::path::PathBuf {
        self.folder.path().join(key)
    }

    /// Writes products as the catalogue's function does.
    pub(crate) async fn sell(&self, products: &[Product]) {
        let clock = self.context.clock.clone();
        self.table.upsert_products(&self.shop, products, &move || clock.now()).await.unwrap();
    }

    pub(crate) async fn set_placement(&self, placement: &Placement) {
        let from = self.version("placement", &placement.name).await;
        self.table.put_setting(&self.shop, "placement", &placement.name, placement, from).await.unwrap();
    }

    pub(crate) async fn set_rule(&self, rule: Value) {
        let rule: Rule = serde_json::from_value(rule).unwrap();
        let from = self.version("rule", &rule.id).await;
        self.table.put_setting(&self.shop, "rule", &rule.id, &rule, from).await.unwrap();
    }

    /// Writes a setting of any kind.
    pub(crate) async fn set(&self, kind: &'static str, id: &str, value: Value) {
        let from = self.version(kind, id).await;
        self.table.put_setting(&self.shop, kind, id, &value, from).await.unwrap();
    }

    async fn version(&self, kind: &'static str, id: &str) -> u64 {
        let stored = self.table.settings::<Value>(&self.shop, kind).await.unwrap();
        stored.iter().find(|setting| setting.id == id).map_or(0, |setting| setting.version)
    }

    /// Something a visitor did just now.
    pub(crate) async fn does(&self, visitor: &Visitor, action: Action, number: usize) {
        self.later(1_000);
        let message = MessageId::new(format!("m-{}-{}", self.now().0, number)).unwrap();
        let mut event = Event::new(message, visitor.clone(), self.now(), action);
        event.lines = vec![Line::of(id(number))];
        self.table.put_event(&self.shop, &event).await.unwrap();
    }

    pub(crate) async fn send(&self, router: &Router, request: Request<Body>) -> Answer {
        let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: head.status, headers: head.headers, bytes, body }
    }

    pub(crate) async fn call(&self, key: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(&self.router, request.body(body).unwrap()).await
    }

    pub(crate) async fn post(&self, key: &str, path: &str, body: Value) -> Answer {
        self.call(key, Method::POST, path, Some(&body)).await
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> Answer {
        self.call(key, Method::GET, path, None).await
    }

    /// A recommendation for a browser.
    pub(crate) async fn recommend(&self, placement: &str, question: Value) -> Answer {
        self.post("browser", &format!("/v1/recommendations/{placement}"), question).await.ok()
    }

    /// The recommendation made again, with what the header says.
    pub(crate) async fn replay(&self, answer: &Value) -> Answer {
        let decision = answer["decision_id"].as_str().expect("it was logged");
        self.post("server", &format!("/v1/decisions/{decision}/replay"), json!({})).await
    }
}

pub(crate) fn device(id: &str) -> Visitor {
    Visitor::anonymous(id).unwrap()
}

/// Whether a decision made again is the same, byte for byte.
pub(crate) async fn is_identical(stack: &Stack, answer: &Answer) {
    let replayed = stack.replay(&answer.body).await.ok();
    assert_eq!(replayed.header("vitrine-replay"), "identical", "{}\n{}", answer.body, replayed.body);
    assert!(replayed.bytes == answer.bytes, "{}\n{}", answer.body, replayed.body);
}

/// What a fold would write.
pub(crate) async fn fold(stack: &Stack, visitor: &Visitor) {
    let links = stack.table.links(&stack.shop, visitor).await.unwrap();
    let linked = if visitor.is_known() { devices(&links) } else { Vec::new() };
    let mut events = Vec::new();
    for visitor in linked.iter().chain([visitor]) {
        events.extend(stack.table.history(&stack.shop, visitor, Millis(0)).await.unwrap().0);
    }
    in_fold_order(&mut events);
    let facts: BTreeMap<String, Facts> =
        (0..PRODUCTS).map(|number| (id(number).to_string(), Facts::from(&product(number, "")))).collect();
    let version = stack.table.profile(&stack.shop, visitor).await.unwrap().map_or(0, |profile| profile.version) + 1;
    let state = State::default().fold(&events, &facts);
    let profile = Profile {
        visitor: visitor.clone(),
        version,
        state,
        linked,
        folded: stack.now(),
        compacted: None,
        segments: Membership::default(),
    };
    stack.table.save_profile(&stack.shop, &profile, None).await.unwrap();
}
