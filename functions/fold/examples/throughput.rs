//! Measures the fold on one machine: a shop's whole history, then a visitor with very many events.
//!
//! `cargo run --release -p vitrine-fold --example throughput`

#![allow(clippy::print_stdout, reason = "a measuring program prints its table")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use aws_lambda_events::event::dynamodb::{Event as StreamEvent, EventRecord};
use vitrine_domain::time::{DAY, MINUTE};
use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Shop, Visitor};
use vitrine_engine::{Durability, Engine};
use vitrine_fold::{Fold, handle};
use vitrine_runtime::{Clock, Config, Context};
use vitrine_store::stream::Position;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const NOW: Millis = Millis(1_790_000_000_000);
const VISITORS: usize = 5_000;
const EVENTS: usize = 110_000;
const MANY: usize = 100_000;

fn event(n: usize, visitor: Visitor, before: i64) -> Result<Event, Failure> {
    let action = [Action::View, Action::View, Action::Click, Action::Add, Action::Order][n % 5];
    let id = MessageId::new(format!("ajs-next-1763822400123-{n:016x}"))?;
    let mut event = Event::new(id, visitor, NOW.plus(-before), action);
    event.lines = vec![Line { price: Some(2.49), ..Line::of(ProductId::new(format!("{}", n * 7 % 4000))?) }];
    Ok(event)
}

/// Memory of this process in megabytes; the engine is in the same process.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or_default() / 1024
}

/// Watches the memory until it is aborted.
fn watch(most: &Arc<AtomicU64>) -> tokio::task::JoinHandle<()> {
    let most = most.clone();
    tokio::spawn(async move {
        loop {
            most.fetch_max(memory(), Ordering::Relaxed);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
}

struct Run {
    context: Context,
    fold: Fold,
    shop: Shop,
    position: Position,
}

impl Run {
    /// What is new in the stream.
    async fn read(&mut self) -> Result<Vec<EventRecord>, Failure> {
        let mut records = Vec::new();
        let mut iterator = self.context.table.shard_iterator(&self.position).await?;
        while let Some(at) = iterator {
            let batch = self.context.table.read_stream(&at, 1000).await?;
            if batch.event.records.is_empty() {
                break;
            }
            records.extend(batch.event.records);
            iterator = batch.next;
        }
        self.position.after = records.last().and_then(|r| r.change.sequence_number.clone());
        Ok(records)
    }

    /// Hands records over in batches of a thousand.
    async fn fold(&self, what: &str, events: usize, records: Vec<EventRecord>) -> Result<(), Failure> {
        let before = memory();
        let most = Arc::new(AtomicU64::new(before));
        let watch = watch(&most);
        let start = Instant::now();
        for chunk in records.chunks(1000) {
            let mut event = StreamEvent::default();
            event.records = chunk.to_vec();
            if !handle(&self.fold, event).await.batch_item_failures.is_empty() {
                return Err("records failed".into());
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        let (batches, rate) = (records.len().div_ceil(1000), events as f64 / seconds);
        watch.abort();
        let most = most.load(Ordering::Relaxed) - before;
        println!("| {what:<42} | {batches:>7} | {seconds:>7.2} | {rate:>10.0} | {most:>9} |");
        Ok(())
    }

    async fn measure(&mut self, what: &str, events: Vec<Event>) -> Result<(), Failure> {
        self.context.table.import_events(&self.shop, &events).await?;
        let records = self.read().await?;
        self.fold(what, events.len(), records).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let engine = Engine::file(&folder.path().join("table.db"), Durability::Process).await?;
    let endpoint = engine.endpoint();
    let config = Config::read(&|name| match name {
        "VITRINE_TABLE" => Some("vitrine".to_owned()),
        "VITRINE_FOLDER" => Some(folder.path().join("objects").display().to_string()),
        "VITRINE_SECRET" => Some("0123456789abcdef0123456789abcdef".to_owned()),
        "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
        _ => None,
    })?;
    let context = Context::connect(config, Clock::set_to(NOW)).await?;
    context.table.create_if_missing().await?;
    let shop = Shop::new("bench")?;
    let products = (0..4000).map(|n| {
        let product = Product::new(ProductId::new(n.to_string())?, format!("Product {n}"));
        Ok(Product { category: vec!["All".into(), format!("Leaf {}", n % 60)], price: Some(3.0), ..product })
    });
    let products = products.collect::<Result<Vec<_>, Failure>>()?;
    context.table.upsert_products(&shop, &products, &|| NOW).await?;
    let position = context.table.shards().await?.remove(0);
    let mut run = Run { fold: Fold::new(context.clone()), context, shop, position };
    run.read().await?;

    println!("| what                                       | batches | seconds | events / s | MB more   |");
    println!("|--------------------------------------------|---------|---------|------------|-----------|");
    let minutes = 400 * DAY / EVENTS as i64;
    let user = |name: &str, n: usize| Visitor::known(format!("{name}{n:05}"));
    let share = EVENTS / VISITORS;
    let grouped = (0..EVENTS).map(|n| event(n, user("g", n / share)?, (EVENTS - n) as i64 * minutes));
    run.measure("a history, visitor after visitor", grouped.collect::<Result<_, _>>()?).await?;
    let one = (0..VISITORS).map(|n| event(EVENTS + n, user("g", n)?, MINUTE));
    run.measure("one new event of each of them", one.collect::<Result<_, _>>()?).await?;
    let mixed = (0..EVENTS / 4).map(|n| event(n, user("m", n % VISITORS)?, (EVENTS - n) as i64 * minutes));
    run.measure("a quarter of it in order of time", mixed.collect::<Result<_, _>>()?).await?;

    let busy = Visitor::anonymous("busy")?;
    let many = (0..MANY).map(|n| event(n, busy.clone(), 10 * DAY + (MANY - n) as i64 * 1000));
    let many = many.collect::<Result<Vec<_>, Failure>>()?;
    run.context.table.import_events(&run.shop, &many).await?;
    drop(many);
    let mut records = run.read().await?;
    records.drain(..records.len().saturating_sub(1));
    run.fold("one visitor with 100,000 events, one bell", MANY, records).await?;
    let next = vec![event(MANY, busy, MINUTE)?];
    run.measure("one event more of this visitor", next).await?;
    engine.shutdown().await;
    Ok(())
}
