//! From the table's stream to the event lake.
//!
//! A batch of the stream becomes one immutable file for each shop, kind and day in it. Its name is made of the records
//! in it, so that the same batch delivered again writes the same file again; a batch delivered in other pieces writes
//! events twice, and readers of the lake drop what they have seen.

mod files;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::event::dynamodb::Event as StreamEvent;
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use files::File;
use futures_util::{FutureExt, StreamExt, stream};
use vitrine_runtime::Context;
use vitrine_store::Objects;
use vitrine_store::lake::Kind;

/// Files written at once.
const PARALLEL: usize = 8;

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

async fn write(objects: &Objects, file: File) -> (File, Result<(), Error>) {
    let name = file.name();
    let written = objects.write_lake(&file.shop, file.kind, &file.day, &name, &file.lines);
    let outcome = AssertUnwindSafe(written).catch_unwind().await;
    let outcome = outcome.map_or(Err(Error::Panicked), |written| written.map_err(Error::from));
    (file, outcome)
}

/// Writes the events and decisions of a batch to the lake.
///
/// The answer names the records that have to come again: malformed ones, and those of a file that could not be written.
pub async fn handle(context: &Context, event: StreamEvent) -> DynamoDbEventResponse {
    let (files, mut failed) = files::read(&event.records);
    let written = stream::iter(files).map(|file| write(&context.objects, file)).buffer_unordered(PARALLEL);
    for (file, outcome) in written.collect::<Vec<_>>().await {
        if let Err(error) = outcome {
            tracing::error!(shop = %file.shop, %error, records = file.records.len(), "a file was not written");
            failed.extend(file.records);
        }
    }
    answer(&event, &failed)
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

/// Merges the many small files of each shop and day into one, and answers how many were merged. Runs on a schedule.
///
/// # Errors
/// The first failure, after every shop has had its turn.
pub async fn compact(context: &Context) -> Result<usize, Error> {
    let objects = &context.objects;
    let mut merged = 0;
    let mut failure = None;
    for shop in objects.shops().await? {
        for kind in [Kind::Events, Kind::Decisions] {
            match objects.compact_lake(&shop, kind).await {
                Ok(count) => merged += count,
                Err(error) => {
                    tracing::error!(%shop, %error, "a shop's files were not merged");
                    failure.get_or_insert(error);
                }
            }
        }
    }
    match failure {
        None => Ok(merged),
        Some(error) => Err(error.into()),
    }
}
