//! A table in memory with two shops and the routes on top of it.

use axum::Router;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use vitrine_domain::profile::{devices, in_fold_order};
use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Profile, Shop, State, Visitor};
use vitrine_engine::Engine;
use vitrine_http::{App, layers};
use vitrine_runtime::{Clock, Config, Context};
use vitrine_store::Table;
use vitrine_store::api_keys::KeyKind;
use vitrine_store::objects::Objects;

/// When the tests happen: any time will do.
pub(crate) const NOW: Millis = Millis(1_790_000_000_000);

pub(crate) struct Stack {
    context: Context,
    router: Router,
    pub(crate) shop: Shop,
    _engine: Engine,
    _folder: tempfile::TempDir,
}

impl Stack {
    pub(crate) async fn start() -> Self {
        let engine = Engine::memory().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let endpoint = engine.endpoint();
        let config = Config::read(&|name| match name {
            "VITRINE_TABLE" => Some("vitrine".to_owned()),
            "VITRINE_FOLDER" => Some(folder.path().display().to_string()),
            "VITRINE_SECRET" => Some("0123456789abcdef0123456789abcdef".to_owned()),
            "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
            _ => None,
        });
        let context = Context::connect(config.unwrap(), Clock::set_to(NOW)).await.unwrap();
        context.table.create_if_missing().await.unwrap();
        let (shop, other) = (Shop::new("demo").unwrap(), Shop::new("other").unwrap());
        for (key, shop, kind) in [
            ("server", &shop, KeyKind::Server),
            ("browser", &shop, KeyKind::Browser),
            ("other-server", &other, KeyKind::Server),
        ] {
            context.table.put_api_key(key, shop, kind, NOW).await.unwrap();
        }
        let product = Product {
            category: vec!["Grocery".to_owned(), "Tea".to_owned()],
            brand: Some("Leaf".to_owned()),
            price: Some(4.5),
            ..Product::new(ProductId::new("tea").unwrap(), "Tea")
        };
        context.table.upsert_products(&shop, &[product], &|| NOW).await.unwrap();
        let router = layers::surround(vitrine_privacy::router(App::new(context.clone())));
        Self { context, router, shop, _engine: engine, _folder: folder }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.context.table
    }

    pub(crate) fn objects(&self) -> &Objects {
        &self.context.objects
    }

    /// How long events are kept, in milliseconds.
    pub(crate) fn retention(&self) -> i64 {
        self.context.config.retention
    }

    /// Notes that a visitor refuses to be personalised for.
    pub(crate) async fn refuse(&self, visitor: &Visitor, at: Millis) {
        let key = self.context.tombstone_key();
        self.table().note_refusal(&key, &self.shop, visitor, true, at).await.unwrap();
    }

    pub(crate) async fn put(&self, events: &[Event]) {
        for event in events {
            self.table().put_event(&self.shop, event).await.unwrap();
        }
    }

    /// Writes the profile that a fold of these events would write.
    pub(crate) async fn save(&self, visitor: &Visitor, events: &[Event]) -> Profile {
        let mut events = events.to_vec();
        in_fold_order(&mut events);
        let links = self.table().links(&self.shop, visitor).await.unwrap();
        let profile = Profile {
            visitor: visitor.clone(),
            version: 1,
            state: State::default().fold(&events, &()),
            linked: if visitor.is_known() { devices(&links) } else { Vec::new() },
            folded: NOW.plus(-60_000),
            compacted: None,
            segments: vitrine_domain::segment::Membership::default(),
        };
        self.table().save_profile(&self.shop, &profile, None).await.unwrap();
        profile
    }

    pub(crate) async fn get(&self, path: &str, key: Option<&str>) -> (StatusCode, Value) {
        self.call(Method::GET, path, key).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, key: Option<&str>) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let response = self.router.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// What is held on a visitor; it has to be something.
    pub(crate) async fn visitor(&self, id: &str) -> Value {
        let (status, body) = self.get(&format!("/v1/visitors/{id}"), Some("server")).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }
}

pub(crate) fn user(id: &str) -> Visitor {
    Visitor::known(id).unwrap()
}

pub(crate) fn device(id: &str) -> Visitor {
    Visitor::anonymous(id).unwrap()
}

/// An event some minutes before now.
pub(crate) fn event(visitor: &Visitor, minutes_ago: i64, action: Action) -> Event {
    let id = MessageId::new(format!("{}-{minutes_ago}", visitor.id())).unwrap();
    let mut event = Event::new(id, visitor.clone(), NOW.plus(-minutes_ago * 60_000), action);
    event.lines = vec![Line::of(ProductId::new("tea").unwrap())];
    event
}
