//! The functions that read the table's stream, called with its records as the deployed ones are.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use aws_lambda_events::event::dynamodb::EventRecord;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use vitrine_fold::Fold;
use vitrine_runtime::telemetry::reason_of_panic;
use vitrine_runtime::{Context, metrics};
use vitrine_store::stream::Failures;

/// A function that reads the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reader {
    /// Profiles.
    Fold,
    /// The event lake.
    Archive,
}

impl Reader {
    pub(crate) const ALL: [Self; 2] = [Self::Fold, Self::Archive];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fold => "fold",
            Self::Archive => "archive",
        }
    }
}

/// The functions with what they are built from.
#[derive(Debug)]
pub(crate) struct Readers {
    context: Context,
    fold: Fold,
    /// Microseconds of the longest call of each.
    longest: [AtomicU64; 2],
}

impl Readers {
    pub(crate) fn new(context: Context) -> Self {
        let fold = Fold::new(context.clone());
        Self { context, fold, longest: Default::default() }
    }

    /// The functions with a fold that is built otherwise.
    #[cfg(test)]
    pub(crate) fn with(context: Context, fold: Fold) -> Self {
        Self { fold, ..Self::new(context) }
    }

    /// One call of a function; the records that failed. A panic that the function lets through fails all of them, as an
    /// invocation that ends with an error does.
    pub(crate) async fn call(&self, reader: Reader, records: &[EventRecord]) -> Failures {
        let began = Instant::now();
        let answering = match reader {
            Reader::Fold => vitrine_fold::process(&self.fold, records),
            Reader::Archive => vitrine_archive::process(&self.context, records),
        };
        let failed = AssertUnwindSafe(answering).catch_unwind().await.unwrap_or_else(|panic| {
            let mut failed = Failures::default();
            failed.note(0..records.len(), &reason_of_panic(panic.as_ref()));
            failed
        });
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let before = self.longest[reader as usize].fetch_max(took, Ordering::Relaxed);
        metrics::longest_run(reader.name(), took.max(before));
        failed
    }
}
