//! From the table's stream to the event lake.
//!
//! A batch of the stream becomes one immutable file for each shop, kind and day in it. Its name is made of the records
//! in it, so that the same batch delivered again writes the same file again; a batch delivered in other pieces writes
//! events twice, and readers of the lake drop what they have seen.

mod erased;
mod files;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::event::dynamodb::{Event as StreamEvent, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use erased::Erased;
use files::File;
use futures_util::{FutureExt, StreamExt, stream};
use vitrine_domain::Shop;
use vitrine_domain::time::DAY;
use vitrine_runtime::Context;
use vitrine_store::Objects;
use vitrine_store::lake::Kind;
use vitrine_store::sweep;

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
    /// A part of it panicked.
    #[error("the archive panicked")]
    Panicked,
}

async fn write(objects: &Objects, file: File) -> (File, Result<String, Error>) {
    let name = file.name();
    let written = objects.write_lake(&file.shop, file.kind, &file.day, &name, &file.lines);
    let outcome = AssertUnwindSafe(written).catch_unwind().await;
    let outcome = outcome.map_or(Err(Error::Panicked), |written| written.map_err(Error::from));
    (file, outcome)
}

/// Writes the events and decisions of a batch to the lake, but for those of the erased.
///
/// The answer names the records that have to come again: malformed ones, and those of a file that could not be written.
pub async fn handle(context: &Context, event: StreamEvent) -> DynamoDbEventResponse {
    let mut pause = PAUSE;
    for _ in 1..TURNS {
        if let Ok(failed) = write_batch(context, &event.records).await {
            return answer(&event, &failed);
        }
        // It is the table that is busy, and no record's fault: none shall die of it.
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    let failed = write_batch(context, &event.records).await.unwrap_or_else(|error| {
        tracing::error!(%error, "who is erased could not be told; the batch comes again");
        (0..event.records.len()).collect()
    });
    answer(&event, &failed)
}

/// Writes the files of a batch. Whoever is erased meanwhile is taken out again.
async fn write_batch(context: &Context, records: &[EventRecord]) -> Result<BTreeSet<usize>, Error> {
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
                    tracing::error!(shop = %file.shop, %error, records = file.records.len(), "a file was not written");
                    failed.extend(file.records);
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

fn answer(event: &StreamEvent, failed: &BTreeSet<usize>) -> DynamoDbEventResponse {
    let failure = |index: &usize| {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = event.records.get(*index).and_then(|r| r.change.sequence_number.clone());
        failure
    };
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = failed.iter().map(failure).collect();
    response
}

/// Deletes what is over, merges the many small files of each shop and day into one, and answers how many were merged. Runs on a schedule.
///
/// # Errors
/// The first failure, after every shop has had its turn.
pub async fn compact(context: &Context) -> Result<usize, Error> {
    let mut merged = 0;
    let mut failure = None;
    for shop in context.objects.shops().await? {
        for kind in Kind::ALL {
            match compact_shop(context, &shop, kind).await {
                Ok(count) => merged += count,
                Err(error) => {
                    tracing::error!(%shop, %error, "a shop's files were not merged");
                    failure.get_or_insert(error);
                }
            }
        }
    }
    failure.map_or(Ok(merged), Err)
}

/// Deletes a shop's files that are over and merges the others. Who was erased since a file of them was read may stand in what was made of it, where the erasure
/// did not look any more: so they are taken out here.
async fn compact_shop(context: &Context, shop: &Shop, kind: Kind) -> Result<usize, Error> {
    // A file's day is when its records were written, and nothing in it is kept longer than it would be from then on.
    let over = context.clock.now().plus(-context.config.retention - DAY).day();
    let gone = context.objects.expire_lake(shop, kind, &over).await?;
    if gone > 0 {
        tracing::info!(%shop, gone, "files of the lake are over");
    }
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
