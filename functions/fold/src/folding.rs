//! Applying events to a state: the split at the horizon, and events that cannot be folded.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use vitrine_domain::{Event, Millis, State};
use vitrine_runtime::telemetry::reason_of_panic;

use crate::Probe;
use crate::bells::EventId;
use crate::catalogue::Known;

/// How far a fold has come.
#[derive(Debug, Clone, Default)]
struct Progress {
    state: State,
    /// The state as it was when the first event behind the horizon came.
    compacted: Option<State>,
    /// Events folded before the horizon.
    before: usize,
}

/// A fold under way.
pub(crate) struct Folding<'a> {
    progress: Progress,
    horizon: Millis,
    probe: Option<&'a Probe>,
    refused: Vec<Refused>,
}

/// An event that could not be folded, and why.
pub(crate) type Refused = (EventId, String);

/// What a fold came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The fold of all events.
    pub(crate) state: State,
    /// The fold of the events before the horizon.
    pub(crate) compacted: State,
    /// How many events were folded before the horizon.
    pub(crate) before: usize,
    /// Events that could not be folded and are left out.
    pub(crate) refused: Vec<Refused>,
}

impl<'a> Folding<'a> {
    /// Goes on from a state; `horizon` is where the next compacted state ends.
    pub(crate) fn from(state: State, horizon: Millis, probe: Option<&'a Probe>) -> Self {
        let progress = Progress { state, ..Progress::default() };
        Self { progress, horizon, probe, refused: Vec::new() }
    }

    /// Folds the next events. One that panics is left out and noted: its visitor must not stand still because of it.
    pub(crate) fn apply(&mut self, events: &[Event], known: &Known) {
        let mut rest = events;
        while !rest.is_empty() {
            let start = self.progress.clone();
            let at = Cell::new(0);
            let run = catch_unwind(AssertUnwindSafe(|| {
                for (n, event) in rest.iter().enumerate() {
                    at.set(n);
                    self.step(event, known);
                }
            }));
            let Err(panic) = run else { return };
            // What the panic left behind may be half done, so the events before it are folded once more.
            self.progress = start;
            let (good, bad) = rest.split_at(at.get());
            for event in good {
                self.step(event, known);
            }
            if let Some(event) = bad.first() {
                let cause = reason_of_panic(panic.as_ref());
                tracing::error!(cause, "an event cannot be folded and is left out");
                let id = EventId { visitor: event.visitor.clone(), time: event.time, id: event.id.clone() };
                self.refused.push((id, cause));
            }
            rest = bad.get(1..).unwrap_or_default();
        }
    }

    fn step(&mut self, event: &Event, known: &Known) {
        if let Some(probe) = self.probe {
            probe(event);
        }
        let progress = &mut self.progress;
        if event.time < self.horizon {
            progress.before += 1;
        } else if progress.compacted.is_none() {
            progress.compacted = Some(progress.state.clone());
        }
        progress.state.take(event, known);
    }

    /// Ends the fold.
    pub(crate) fn finish(self) -> Outcome {
        let Progress { state, compacted, before } = self.progress;
        let compacted = compacted.unwrap_or_else(|| state.clone());
        Outcome { state, compacted, before, refused: self.refused }
    }
}
