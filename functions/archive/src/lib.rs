//! From the table's stream to the event lake.
//!
//! A batch of the stream becomes one immutable file for each shop, kind and day in it. Its name is made of the records
//! in it, so that the same batch delivered again writes the same file again; a batch delivered in other pieces writes
//! events twice, and readers of the lake drop what they have seen.

mod erased;
mod files;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::event::dynamodb::{Event as StreamEvent, EventRecord};
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use erased::Erased;
use files::File;
use futures_util::{FutureExt, StreamExt, stream};
use vitrine_domain::Shop;
use vitrine_domain::time::DAY;
use vitrine_runtime::Context;
use vitrine_runtime::telemetry::{reason, reason_of_panic};
use vitrine_store::Boxed;
use vitrine_store::lake::Kind;
use vitrine_store::stream::Failures;
use vitrine_store::{Objects, sweep};

/// Files written at once.
const PARALLEL: usize = 8;
/// Times that a batch is begun before it comes again, with a pause after each that doubles: 1.5 s together.
const TURNS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);
/// Erasures older than this cannot have been asked for while files were merged.
const LATELY: i64 = 30 * DAY;

/// Why something could not be archived or compacted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object store failed, or the lake holds something unreadable.
    #[error("the lake could not be read or written")]
    Lake(#[from] vitrine_store::Error),
}

async fn write(objects: &Objects, file: File) -> (File, vitrine_store::Result<String>) {
    let name = file.name();
    let written = objects.write_lake(&file.shop, file.kind, &file.day, &name, &file.lines).await;
    (file, written)
}

/// Writes a batch to the lake, and answers which of its records have to come again.
pub async fn handle(context: &Context, event: StreamEvent) -> DynamoDbEventResponse {
    process(context, &event.records).await.answer(&event.records)
}

/// Writes events and decisions of the stream to the lake, but for those of the erased.
///
/// What failed are malformed records, those of a file that could not be written, and a record at which the writing panics. Where it
/// does, each half is written by itself, so that the panic is that of one record and its neighbours land.
pub fn process<'a>(context: &'a Context, records: &'a [EventRecord]) -> Boxed<'a, Failures> {
    Box::pin(write_by_halves(context, records))
}

async fn write_by_halves(context: &Context, records: &[EventRecord]) -> Failures {
    let mut failed = Failures::default();
    let mut parts = vec![(0, records)];
    while let Some((start, part)) = parts.pop() {
        match AssertUnwindSafe(write_patiently(context, part)).catch_unwind().await {
            Ok(of_part) => failed.absorb(start, of_part),
            Err(panic) if part.len() <= 1 => {
                let cause = reason_of_panic(panic.as_ref());
                tracing::error!(cause, "a record cannot be archived");
                failed.note(start..start + part.len(), &cause);
            }
            Err(_) => {
                let (first, rest) = part.split_at(part.len() / 2);
                parts.extend([(start, first), (start + first.len(), rest)]);
            }
        }
    }
    failed
}

/// Begins a batch again while the table is busy: that is no record's fault, and none shall die of it.
async fn write_patiently(context: &Context, records: &[EventRecord]) -> Failures {
    let mut pause = PAUSE;
    for _ in 1..TURNS {
        if let Ok(failed) = write_batch(context, records).await {
            return failed;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    write_batch(context, records).await.unwrap_or_else(|error| {
        let cause = reason(&error);
        tracing::error!(cause, "who is erased could not be told; the batch comes again");
        let mut failed = Failures::default();
        failed.note(0..records.len(), &cause);
        failed
    })
}

/// Writes the files of a batch. Whoever is erased meanwhile is taken out again.
async fn write_batch(context: &Context, records: &[EventRecord]) -> Result<Failures, Error> {
    let named = erased::visitors(records);
    let mut erased = Erased::among(context, &named).await?;
    loop {
        let (files, mut failed) = files::read(records, &erased);
        let writing = stream::iter(files).map(|file| write(&context.objects, file)).buffer_unordered(PARALLEL);
        let mut written = Vec::new();
        for (file, outcome) in writing.collect::<Vec<_>>().await {
            match outcome {
                Ok(key) => written.push(key),
                Err(error) => {
                    let cause = reason(&error);
                    tracing::error!(shop = %file.shop, cause, records = file.records.len(), "a file was not written");
                    failed.note(file.records, &cause);
                }
            }
        }
        let now = Erased::among(context, &named).await?;
        if now == erased {
            if !erased.is_empty() {
                erased.mend_table(context, records).await?;
            }
            return Ok(failed);
        }
        for key in written {
            context.objects.delete(&key).await?;
        }
        erased = now;
    }
}

/// Deletes what is over, merges the many small files of each shop and day into few, and answers how many were merged. Runs on a
/// schedule.
///
/// # Errors
/// The first failure, after every shop has had its turn.
pub fn compact(context: &Context) -> Boxed<'_, Result<usize, Error>> {
    Box::pin(merge_all(context))
}

async fn merge_all(context: &Context) -> Result<usize, Error> {
    let shops = context.objects.shops().await?;
    let all = || shops.iter().flat_map(|shop| Kind::ALL.map(|kind| (shop, kind)));
    let (mut merged, mut failure) = (0, None);
    // First of all shops, because it is promised: whatever becomes of the merging of one.
    for (shop, kind) in all() {
        if let Err(error) = expire(context, shop, kind).await {
            tracing::error!(%shop, %error, "a shop's files that are over were not deleted");
            failure.get_or_insert(error);
        }
    }
    for (shop, kind) in all() {
        match merge(context, shop, kind).await {
            Ok(count) => merged += count,
            Err(error) => {
                tracing::error!(%shop, %error, "a shop's files were not merged");
                failure.get_or_insert(error);
            }
        }
    }
    failure.map_or(Ok(merged), Err)
}

/// Deletes a shop's files that are over: a file's day is when its records were written, and nothing in it is kept longer than
/// it would be from then on.
async fn expire(context: &Context, shop: &Shop, kind: Kind) -> Result<(), Error> {
    let over = context.clock.now().plus(-context.config.retention - DAY).day();
    let gone = context.objects.expire_lake(shop, kind, &over).await?;
    if gone > 0 {
        tracing::info!(%shop, gone, "files of the lake are over");
    }
    Ok(())
}

/// Merges a shop's files. Who was erased since a file of them was read may stand in what was made of it, where the erasure did
/// not look any more: so they are taken out here.
async fn merge(context: &Context, shop: &Shop, kind: Kind) -> Result<usize, Error> {
    let made = context.objects.compact_lake(shop, kind).await?;
    if made.is_empty() {
        return Ok(0);
    }
    let key = context.tombstone_key();
    let lately = context.table.erasures_since(shop, context.clock.now().plus(-LATELY)).await?;
    let mut erased = sweep::Erased::of(&key, shop, &lately);
    for merged in made.iter().filter(|_| !lately.is_empty()) {
        context.objects.erase_from_file(&merged.file, kind, &mut erased).await?;
    }
    Ok(made.iter().map(|merged| merged.of).sum())
}
