//! From events to profiles.
//!
//! A stream record is a bell, not a message: it says which visitor to fold, never what to add. So the visitor's events
//! are read again behind a compacted horizon and folded in one fixed order, and neither order nor repetition nor
//! lateness of the records can change the profile. What is promised, and tested against a fold of everything at once:
//!
//! - the profile of a device is the fold of its own events;
//! - the profile of a known user is the fold of their own events and, of each linked device, of those events that
//!   [`owner`](vitrine_domain::profile::owner) gives to this user, up to
//!   [`DEVICES`](vitrine_domain::profile::DEVICES) devices;
//! - where an event is silent the catalogue speaks, as it stands within the last minute; so a fold equals another one
//!   made with the same catalogue;
//! - a profile that would not change is not written.
//!
//! What is derived stands beside it: the segments that the visitor is in by then, and the last changes of them. They follow
//! from definitions and time too, so a daily sweep looks at everybody.

mod bells;
mod catalogue;
mod error;
mod folding;
mod segments;
mod source;
mod sweep;
mod visitor;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use aws_lambda_events::event::dynamodb::{Event as StreamEvent, EventRecord};
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use bells::{Group, Key};
pub use error::Error;
use futures_util::{FutureExt, StreamExt, stream};
use vitrine_domain::Event;
use vitrine_domain::profile::Link;
use vitrine_runtime::Context;
use vitrine_runtime::telemetry::{reason, reason_of_panic};
use vitrine_store::Boxed;
use vitrine_store::stream::Failures;

pub use sweep::{Swept, scheduled, sweep};

use crate::catalogue::Catalogue;
use crate::segments::AllDefinitions;
use crate::visitor::Folded;

/// Visitors folded at once.
const PARALLEL: usize = 16;

/// Bounds of a fold. The shipped ones are the default; tests make them small, so that small histories meet them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Events that make it worth to write a compacted state or to move it: reading them costs about as much.
    pub worth: usize,
    /// Events that one query of a partition asks for.
    pub page: usize,
    /// Events of a visitor in memory at once, about.
    pub memory: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { worth: 200, page: 256, memory: 2_048 }
    }
}

/// Sees every event before it is folded.
pub type Probe = Arc<dyn Fn(&Event) + Send + Sync>;

/// What the function works with, built once.
pub struct Fold {
    context: Context,
    catalogue: Catalogue,
    definitions: AllDefinitions,
    bounds: Bounds,
    probe: Option<Probe>,
}

impl std::fmt::Debug for Fold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fold").field("context", &self.context).finish_non_exhaustive()
    }
}

impl Fold {
    /// Builds the state at cold start.
    #[must_use]
    pub fn new(context: Context) -> Self {
        let catalogue = Catalogue::new(context.table.clone(), context.clock.clone());
        Self { context, catalogue, definitions: AllDefinitions::default(), bounds: Bounds::default(), probe: None }
    }

    /// Sets other bounds than the shipped ones.
    #[must_use]
    pub const fn with_bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Shows every event to `probe` before it is folded. A probe that panics stands for an event that the fold cannot
    /// take: that is how tests see what happens then.
    #[must_use]
    pub fn with_probe(mut self, probe: Probe) -> Self {
        self.probe = Some(probe);
        self
    }

    /// Folds a visitor; a panic is an error like any other.
    async fn fold(&self, key: Key, group: Group) -> (Key, Group, Result<Folded, Error>) {
        let folded = AssertUnwindSafe(self.fold_visitor(&key, &group)).catch_unwind().await;
        let folded = folded.unwrap_or_else(|panic| Err(Error::Panicked(reason_of_panic(panic.as_ref()))));
        (key, group, folded)
    }

    async fn fold_all(&self, groups: BTreeMap<Key, Group>) -> Vec<(Key, Group, Result<Folded, Error>)> {
        stream::iter(groups).map(|(key, group)| self.fold(key, group)).buffer_unordered(PARALLEL).collect().await
    }
}

/// Folds every visitor that a batch of the stream names, and answers which of its records have to come again.
pub async fn handle(app: &Fold, event: StreamEvent) -> DynamoDbEventResponse {
    let failed = process(app, &event.records).await;
    vitrine_runtime::metrics::flush_if_due();
    failed.answer(&event.records)
}

/// Folds every visitor that some records of the stream name, and the users to whom events on linked devices belong.
///
/// What failed are malformed records, those of an event that cannot be folded, and all of a visitor whose fold failed.
/// None of them keeps its neighbours from being folded.
pub fn process<'a>(app: &'a Fold, records: &'a [EventRecord]) -> Boxed<'a, Failures> {
    Box::pin(fold_named(app, records))
}

async fn fold_named(app: &Fold, records: &[EventRecord]) -> Failures {
    let rung = records.iter().map(|record| record.change.approximate_creation_date_time.timestamp_millis()).min();
    let (groups, mut failed) = bells::read(records);
    let (mut users, devices): (BTreeMap<_, _>, BTreeMap<_, _>) =
        groups.into_iter().partition(|(key, _)| key.visitor.is_known());
    // Devices come first: only their links say which users are concerned.
    for (key, group, outcome) in app.fold_all(devices).await {
        if let Some(folded) = settle(&key, &group, outcome, &mut failed) {
            ring_users(&key, &group, &folded.links, &mut users);
        }
    }
    for (key, group, outcome) in app.fold_all(users).await {
        settle(&key, &group, outcome, &mut failed);
    }
    if let Some(rung) = rung {
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of a lag")]
        metrics::histogram!("fold_lag").record((app.context.clock.now().0 - rung).max(0) as f64);
    }
    failed
}

/// Notes which records of a group failed; none of them, or single ones, if the fold went through.
fn settle(key: &Key, group: &Group, outcome: Result<Folded, Error>, failed: &mut Failures) -> Option<Folded> {
    match outcome {
        Ok(folded) => {
            for (event, cause) in &folded.refused {
                failed.note(group.records_of(event), cause);
            }
            Some(folded)
        }
        Err(error) => {
            let cause = reason(&error);
            tracing::error!(shop = %key.shop, cause, records = group.bells.len(), "a fold failed");
            failed.note(group.bells.iter().map(|bell| bell.record), &cause);
            None
        }
    }
}

/// An event on a linked device also concerns the user to whom it belongs; a new link concerns everybody who shares the
/// device, because it changes what belongs to whom.
fn ring_users(key: &Key, group: &Group, links: &[Link], users: &mut BTreeMap<Key, Group>) {
    for (user, rung) in group.ring(links) {
        let key = Key { shop: key.shop.clone(), visitor: user };
        users.entry(key).or_default().absorb(rung);
    }
}
