//! The function against the embedded table and a folder: whole trainings, and what happens around them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod audiences;
mod gate;
mod invocations;
mod people;
mod races;
mod results;
mod rollback;
mod server;
mod task;
mod trainings;
mod versions;

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Shop, Visitor};
use vitrine_engine::Engine;
use vitrine_learn::{Artifact, Settings};
use vitrine_retrain::{Outcome, Published, Stage, retrain, retrain_with};
use vitrine_runtime::{Clock, Config, Context, Place, VectorServer};
use vitrine_samples::{Options, history};
use vitrine_store::lake::Kind;
use vitrine_store::models::{Choice, Live};
use vitrine_store::training::{ID, KIND, Training};

/// 2026-11-22T14:40:00Z.
const END: Millis = Millis(1_795_358_400_000);

/// A table, a folder, and a clock that stands at [`END`].
struct Stack {
    context: Context,
    _engine: Engine,
    _folder: tempfile::TempDir,
}

impl Stack {
    async fn start() -> Self {
        Self::with_server(None).await
    }

    /// With a server that carries the vectors.
    async fn with_server(vectors: Option<VectorServer>) -> Self {
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
            vectors,
        };
        let context = Context::connect(config, Clock::set_to(END)).await.unwrap();
        context.table.create_if_missing().await.unwrap();
        Self { context, _engine: engine, _folder: folder }
    }

    fn advance(&self, seconds: u64) {
        self.context.clock.advance(Duration::from_secs(seconds));
    }

    /// Writes products as the catalogue function does.
    async fn sell(&self, shop: &Shop, products: &[Product]) {
        let clock = self.context.clock.clone();
        self.context.table.upsert_products(shop, products, &move || clock.now()).await.unwrap();
    }

    async fn withdraw(&self, shop: &Shop, id: &str) {
        let clock = self.context.clock.clone();
        let ids = [ProductId::new(id).unwrap()];
        self.context.table.withdraw_products(shop, &ids, &move || clock.now()).await.unwrap();
    }

    /// Writes a file of the lake as the archive does.
    async fn archive(&self, shop: &Shop, name: &str, events: &[Event]) {
        let lines: Vec<String> = events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
        self.context.objects.write_lake(shop, Kind::Events, "2026-11-22", name, &lines).await.unwrap();
    }

    /// Changes how a shop is trained; once.
    async fn configure(&self, shop: &Shop, training: &Training) {
        self.context.table.put_setting(shop, KIND, ID, training, 0).await.unwrap();
    }

    /// Makes a kept version live, as the API does.
    async fn go_to(&self, shop: &Shop, version: &str) {
        let (_, flips) = self.context.table.live_model(shop).await.unwrap().unwrap();
        let kept = self.context.table.model_versions(shop).await.unwrap();
        let wanted = kept.into_iter().find(|kept| kept.version == version).unwrap();
        let by = Choice { author: "somebody".to_owned(), at: END };
        self.context.table.activate_model(shop, &wanted, flips, by).await.unwrap();
    }

    async fn train(&self, shop: &Shop) -> Outcome {
        retrain_with(&self.context, shop, &quick(), &quiet).await.unwrap()
    }

    /// Trains, and says which version is live now.
    async fn publish(&self, shop: &Shop) -> String {
        match self.train(shop).await {
            Outcome::Published { version, .. } => version,
            other => panic!("nothing was published: {other:?}"),
        }
    }

    async fn live(&self, shop: &Shop) -> Live {
        self.context.table.live_model(shop).await.unwrap().unwrap().0
    }

    async fn artifact(&self, shop: &Shop) -> Artifact {
        let bytes = self.context.objects.get(&self.live(shop).await.artifact).await.unwrap().unwrap();
        let artifact = Artifact::from_bytes(bytes.to_vec(), &vitrine_learn::Lineup::default()).unwrap();
        artifact.verify().unwrap();
        artifact
    }

    async fn card(&self, shop: &Shop) -> Published {
        let key = format!("shops/{shop}/models/{}/card.json", self.live(shop).await.version);
        serde_json::from_slice(&self.context.objects.get(&key).await.unwrap().unwrap()).unwrap()
    }

    /// Names of the files below a folder of the shop.
    async fn files(&self, shop: &Shop, below: &str) -> Vec<String> {
        let prefix = format!("shops/{shop}/{below}");
        let listed = self.context.objects.list(&prefix).await.unwrap();
        listed.into_iter().map(|entry| entry.key[prefix.len() + 1..].to_owned()).collect()
    }
}

/// A progress that nobody looks at.
fn quiet(_: Stage, _: u64, _: u64) {}

/// Settings under which training takes a moment.
fn quick() -> Settings {
    let mut settings = Settings::default();
    settings.encoder.epochs = 3;
    settings
}

fn shop(name: &str) -> Shop {
    Shop::new(name).unwrap()
}

fn product(id: &str) -> Product {
    Product { category: vec!["Things".to_owned()], ..Product::new(ProductId::new(id).unwrap(), format!("Thing {id}")) }
}

fn products(ids: &[&str]) -> Vec<Product> {
    ids.iter().map(|id| product(id)).collect()
}

fn device(id: &str) -> Visitor {
    Visitor::anonymous(id).unwrap()
}

fn known(id: &str) -> Visitor {
    Visitor::known(id).unwrap()
}

/// Something that happened some minutes before [`END`].
fn event(visitor: &Visitor, minutes: i64, action: Action, products: &[&str]) -> Event {
    let time = END.plus(-minutes * vitrine_domain::time::MINUTE);
    let id = MessageId::new(format!("{visitor} {minutes} {action:?}")).unwrap();
    let mut event = Event::new(id, visitor.clone(), time, action);
    event.lines = products.iter().map(|id| Line::of(ProductId::new(*id).unwrap())).collect();
    event
}

/// The sample shop cut small: its 300 most bought products, a hundred customers with their devices, and a part of the
/// anonymous visitors.
fn sample() -> &'static (Vec<Product>, Vec<Event>) {
    static SAMPLE: OnceLock<(Vec<Product>, Vec<Event>)> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let grocery = vitrine_samples::grocery().unwrap();
        let products = grocery.products[..300].to_vec();
        let customers: BTreeSet<Visitor> = grocery.customers[..100].iter().map(|c| known(&c.id)).collect();
        let all = history(&grocery, &Options { browsing_events: 30_000, ..Options::until(END) }).unwrap();
        let theirs = all.iter().filter(|event| customers.contains(&event.visitor));
        let devices: BTreeSet<Visitor> = theirs.filter_map(|event| event.device_id.as_deref().map(device)).collect();
        let kept = |visitor: &Visitor| {
            let some = !visitor.is_known() && visitor.id().ends_with(['0', '1']);
            some || customers.contains(visitor) || devices.contains(visitor)
        };
        (products, all.into_iter().filter(|event| kept(&event.visitor)).collect())
    })
}
