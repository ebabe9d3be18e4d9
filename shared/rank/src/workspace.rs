//! Room for intermediate results, kept from one request to the next.

use std::sync::{Mutex, PoisonError};

use vitrine_index::{Bitmap, Found, Prepared};
use vitrine_learn::{Scratch, Tally};

/// What one decision needs while it is made. It says nothing about the next one.
#[derive(Debug, Default)]
pub struct Workspace {
    pub(crate) scratch: Scratch,
    /// Sums of each part that counts, in the order of the query's tallies.
    pub(crate) sums: Vec<Tally>,
    /// Terms of all tallies together.
    pub(crate) terms: Tally,
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
