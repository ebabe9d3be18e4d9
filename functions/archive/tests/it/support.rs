//! A table, its stream, and a folder.

use aws_lambda_events::event::dynamodb::{Event as StreamEvent, EventRecord};
use vitrine_archive::handle;
use vitrine_domain::{Action, Event, MessageId, Millis, Shop, Visitor};
use vitrine_engine::Endpoint;
use vitrine_runtime::{Clock, Config, Context};
use vitrine_store::Table;

/// When the tests begin: any time will do.
pub(crate) const NOW: Millis = Millis(1_790_000_000_000);

pub(crate) struct Stack {
    pub(crate) context: Context,
    iterator: tokio::sync::Mutex<Option<String>>,
    _endpoint: Endpoint,
    pub(crate) folder: tempfile::TempDir,
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
        Self { context, iterator: iterator.into(), _endpoint: endpoint, folder }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.context.table
    }

    /// All stream records written since the last time, as if written when the tests begin.
    pub(crate) async fn records(&self) -> Vec<EventRecord> {
        self.records_as_dated().await.iter().map(|record| dated(record, NOW)).collect()
    }

    /// The same with the time that the engine's own clock gave them.
    pub(crate) async fn records_as_dated(&self) -> Vec<EventRecord> {
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

    /// Names of all objects, in order.
    pub(crate) async fn files(&self) -> Vec<String> {
        self.context.objects.list("shops").await.unwrap().into_iter().map(|entry| entry.key).collect()
    }

    /// The lines of a file.
    pub(crate) async fn lines(&self, file: &str) -> Vec<String> {
        let bytes = self.context.objects.get(file).await.unwrap().unwrap();
        let text = String::from_utf8(zstd::decode_all(bytes.as_ref()).unwrap()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The events of a shop as readers of the lake see them, in the order of their identifiers.
    pub(crate) async fn events(&self, shop: &Shop) -> Vec<Event> {
        let mut events = Vec::new();
        self.context.objects.read_events(shop, &mut |event| events.push(event)).await.unwrap();
        events.sort_by(|a, b| a.id.cmp(&b.id));
        events
    }
}

/// Hands a batch over and answers the sequence numbers that failed.
pub(crate) async fn deliver(stack: &Stack, records: &[EventRecord]) -> Vec<String> {
    let mut batch = StreamEvent::default();
    batch.records = records.to_vec();
    let response = handle(&stack.context, batch).await;
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier.unwrap()).collect()
}

/// A record as it would be if it had been written at another time.
pub(crate) fn dated(record: &EventRecord, written: Millis) -> EventRecord {
    let mut value = serde_json::to_value(record).unwrap();
    value["dynamodb"]["ApproximateCreationDateTime"] = (written.0 as f64 / 1000.0).into();
    serde_json::from_value(value).unwrap()
}

pub(crate) fn shop(name: &str) -> Shop {
    Shop::new(name).unwrap()
}

pub(crate) fn event(n: usize) -> Event {
    let visitor = Visitor::anonymous(format!("device-{}", n % 7)).unwrap();
    Event::new(MessageId::new(format!("m{n:04}")).unwrap(), visitor, NOW.plus(n as i64), Action::View)
}
