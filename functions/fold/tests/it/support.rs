//! A table, its stream, and the oracle: the fold of all events at once.

use std::collections::BTreeMap;

use aws_lambda_events::event::dynamodb::{Event as StreamEvent, EventRecord};
use vitrine_domain::profile::{Facts, Link, in_fold_order, owner};
use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Shop, State, Visitor};
use vitrine_engine::Endpoint;
use vitrine_fold::{Fold, handle};
use vitrine_runtime::{Clock, Config, Context};
use vitrine_store::Table;

/// When the tests begin: any time will do.
pub(crate) const NOW: Millis = Millis(1_790_000_000_000);

pub(crate) struct Stack {
    pub(crate) context: Context,
    iterator: tokio::sync::Mutex<Option<String>>,
    _endpoint: Endpoint,
    _folder: tempfile::TempDir,
}

impl Stack {
    pub(crate) async fn start() -> Self {
        let endpoint = Endpoint::for_test().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = Config::read(&|name| match name {
            "VITRINE_TABLE" => Some(endpoint.table().to_owned()),
            "VITRINE_FOLDER" => Some(folder.path().display().to_string()),
            "VITRINE_SECRET" => Some("0123456789abcdef0123456789abcdef".to_owned()),
            "AWS_ENDPOINT_URL" => Some(endpoint.url()),
            _ => None,
        });
        let context = Context::connect(config.unwrap(), Clock::set_to(NOW)).await.unwrap();
        context.table.create_if_missing().await.unwrap();
        let shard = context.table.shards().await.unwrap().remove(0);
        let iterator = context.table.shard_iterator(&shard).await.unwrap();
        Self { context, iterator: iterator.into(), _endpoint: endpoint, _folder: folder }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.context.table
    }

    /// A shop with the products of the tests.
    pub(crate) async fn open_shop(&self, name: &str) -> Shop {
        let shop = shop(name);
        self.table().upsert_products(&shop, &products(), &|| NOW).await.unwrap();
        self.records().await;
        shop
    }

    pub(crate) fn fold(&self) -> Fold {
        Fold::new(self.context.clone())
    }

    /// The stream records written since the last time, without those of profiles.
    pub(crate) async fn bells(&self) -> Vec<EventRecord> {
        let is_bell = |record: &EventRecord| {
            let key = format!("{:?}", record.change.keys);
            key.contains("\"E#") || key.contains("\"L#")
        };
        self.records().await.into_iter().filter(is_bell).collect()
    }

    /// All stream records written since the last time.
    pub(crate) async fn records(&self) -> Vec<EventRecord> {
        let mut iterator = self.iterator.lock().await;
        let mut records = Vec::new();
        while let Some(at) = iterator.clone() {
            let batch = self.table().read_stream(&at, 1000).await.unwrap();
            *iterator = batch.next;
            if batch.event.records.is_empty() {
                break;
            }
            records.extend(batch.event.records);
        }
        records
    }

    /// Delivers what was written since the last time, and expects no failure.
    pub(crate) async fn deliver(&self, fold: &Fold) {
        let bells = self.bells().await;
        assert_eq!(ring(fold, bells).await, Vec::<String>::new());
    }

    pub(crate) async fn state(&self, shop: &Shop, visitor: &Visitor) -> Option<State> {
        self.table().profile(shop, visitor).await.unwrap().map(|profile| profile.state)
    }
}

/// Hands a batch over and answers the sequence numbers that failed.
pub(crate) async fn ring(fold: &Fold, records: Vec<EventRecord>) -> Vec<String> {
    let mut batch = StreamEvent::default();
    batch.records = records;
    let response = handle(fold, batch).await;
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier.unwrap()).collect()
}

pub(crate) fn sequence(record: &EventRecord) -> String {
    record.change.sequence_number.clone().unwrap()
}

pub(crate) fn shop(name: &str) -> Shop {
    Shop::new(name).unwrap()
}

pub(crate) fn user(id: &str) -> Visitor {
    Visitor::known(id).unwrap()
}

pub(crate) fn device(id: &str) -> Visitor {
    Visitor::anonymous(id).unwrap()
}

/// An event on one product; of some products it names category and price itself.
pub(crate) fn event(visitor: &Visitor, id: &str, time: Millis, action: Action, product: u8) -> Event {
    let mut event = Event::new(MessageId::new(id).unwrap(), visitor.clone(), time, action);
    let speaks = product.is_multiple_of(2);
    event.lines = vec![Line {
        price: speaks.then(|| f64::from(product) + 0.49),
        category: speaks.then(|| format!("category {}", product % 5)),
        ..Line::of(ProductId::new(format!("p{product}")).unwrap())
    }];
    event
}

/// Products that the catalogue knows, some of those that events name.
pub(crate) fn products() -> Vec<Product> {
    let product = |n: u8| Product {
        category: vec!["All".to_owned(), format!("leaf {}", n % 4)],
        brand: Some(format!("brand {}", n % 3)),
        price: Some(f64::from(n) * 1.5 + 1.0),
        ..Product::new(ProductId::new(format!("p{n}")).unwrap(), format!("Product {n}"))
    };
    (0..40).filter(|n| n % 3 != 0).map(product).collect()
}

fn facts() -> BTreeMap<String, Facts> {
    products().iter().map(|product| (product.id.to_string(), Facts::from(product))).collect()
}

/// What a profile has to be: the fold of all events at once.
pub(crate) fn oracle(visitor: &Visitor, events: &[Event], links: &BTreeMap<Visitor, Vec<Link>>) -> State {
    let is_theirs = |event: &&Event| {
        let links = links.get(&event.visitor).map(Vec::as_slice).unwrap_or_default();
        event.visitor == *visitor
            || (visitor.is_known() && !event.visitor.is_known() && owner(links, event.time) == Some(visitor))
    };
    let mut own: Vec<Event> = events.iter().filter(is_theirs).cloned().collect();
    in_fold_order(&mut own);
    State::default().fold(&own, &facts())
}
