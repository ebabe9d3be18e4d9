//! Room for intermediate results, kept from one request to the next.

use std::sync::{Mutex, PoisonError};

use vitrine_index::{Bitmap, Found, Prepared};
use vitrine_learn::{Scratch, Tally};

/// Which search of a decision the next one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Searches {
    /// The first, among all that may be shown.
    #[default]
    First,
    /// One among a part of that.
    Later,
    /// As the first one was answered by another index, none finds anything kept.
    Apart,
}

/// What one decision needs while it is made. It says nothing about the next one.
#[derive(Debug, Default)]
pub struct Workspace {
    pub(crate) scratch: Scratch,
    /// Sums of each part that counts, in the order of the query's tallies.
    pub(crate) sums: Vec<Tally>,
    /// Terms of all tallies together.
    pub(crate) terms: Tally,
    /// Rows with a term that may be shown, in the order of `terms`.
    pub(crate) reached: Vec<u32>,
    /// The most that each of these may score.
    pub(crate) limits: Vec<f32>,
    pub(crate) searches: Searches,
    /// Rows that were met already; empty between two uses.
    pub(crate) marked: Bitmap,
    pub(crate) rows: Vec<u32>,
    pub(crate) scores: Vec<f32>,
    pub(crate) index: vitrine_index::Scratch,
    pub(crate) found: Found,
    pub(crate) prepared: Prepared,
}

/// Workspaces that wait for their next decision: as many as there ever were decisions at once.
#[derive(Debug, Default)]
pub struct Workspaces(Mutex<Vec<Workspace>>);

impl Workspaces {
    /// Lends a workspace.
    pub fn with<T>(&self, work: impl FnOnce(&mut Workspace) -> T) -> T {
        let lent = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut workspace = lent.unwrap_or_default();
        let done = work(&mut workspace);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
        done
    }
}
