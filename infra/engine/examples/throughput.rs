//! Measures the embedded engine, which bounds everything on one machine: puts, consistent queries, batch writes and
//! stream reads per second, by concurrency.
//!
//! `cargo run --release -p vitrine-engine --example throughput`; with `-- --power` every write waits for the disk.

use std::time::Instant;

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use vitrine_domain::{Action, Event, Line, MessageId, Millis, ProductId, Shop, Visitor};
use vitrine_engine::{Durability, Engine};
use vitrine_store::{Connection, Table};

const EVENTS: usize = 4000;

fn event(n: usize) -> Result<Event> {
    let visitor = Visitor::anonymous(format!("2f6f9c1e-55c8-4a53-8f43-{:012}", n % 500))?;
    let id = MessageId::new(format!("ajs-next-1763822400123-5b8a0c1e-9f6e-4a53-8f43-{n:012}"))?;
    let mut event = Event::new(id, visitor, Millis(1_763_822_400_123 + n as i64), Action::View);
    event.lines = vec![Line { price: Some(2.49), ..Line::of(ProductId::new(format!("{}", n % 4000))?) }];
    Ok(event)
}

#[allow(clippy::print_stdout, reason = "a measuring program prints its table")]
fn row(what: &str, concurrency: usize, count: usize, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("| {what:<22} | {concurrency:>11} | {:>10.0} |", count as f64 / seconds);
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "a measuring program prints its table")]
async fn main() -> Result<()> {
    let power = std::env::args().any(|argument| argument == "--power");
    let durability = if power { Durability::Power } else { Durability::Process };
    let folder = tempfile::tempdir()?;
    let engine = Engine::file(&folder.path().join("table.db"), durability).await?;
    let table = Table::connect(&Connection { table: "vitrine".into(), endpoint: Some(engine.endpoint()) }).await;
    table.create_if_missing().await?;
    let shop = Shop::new("bench")?;
    println!("| operation              | concurrency | per second |");
    println!("|------------------------|-------------|------------|");
    let mut next = 0;
    for concurrency in [1, 4, 16, 64] {
        let events = (next..next + EVENTS).map(event).collect::<Result<Vec<_>>>()?;
        next += EVENTS;
        let start = Instant::now();
        stream::iter(&events)
            .map(|e| table.put_event(&shop, e))
            .buffer_unordered(concurrency)
            .try_collect::<Vec<_>>()
            .await?;
        row("conditional put", concurrency, EVENTS, start);
        let start = Instant::now();
        stream::iter(&events)
            .map(|e| table.recent(&shop, &e.visitor))
            .buffer_unordered(concurrency)
            .try_collect::<Vec<_>>()
            .await?;
        row("consistent query", concurrency, EVENTS, start);
    }
    let events = (next..next + 5 * EVENTS).map(event).collect::<Result<Vec<_>>>()?;
    let start = Instant::now();
    table.import_events(&shop, &events).await?;
    row("batch write (25)", 8, events.len(), start);
    let shard = table.shards().await?.remove(0);
    let mut iterator = table.shard_iterator(&shard).await?;
    let start = Instant::now();
    let mut read = 0;
    while let Some(at) = iterator {
        let batch = table.read_stream(&at, 1000).await?;
        if batch.event.records.is_empty() {
            break;
        }
        read += batch.event.records.len();
        iterator = batch.next;
    }
    row("stream read (1,000)", 1, read, start);
    engine.shutdown().await;
    Ok(())
}
