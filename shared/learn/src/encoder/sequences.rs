//! Everybody's actions in one row of numbers, and how an epoch is cut into windows and batches.
//!
//! Nothing is padded: a batch is the windows end to end, with the place where each starts. A window is at most [`LENGTH`]
//! transitions from one action to the next; longer histories are cut at places that differ from epoch to epoch, so that
//! every transition is learned from exactly once an epoch and none always lacks what came before it. The lines of one event
//! have no order among themselves: they are shuffled for each epoch.

use std::ops::Range;

use vitrine_domain::Action;

use super::layout::{LENGTH, gap_bucket};
use crate::dataset::{Dataset, Step, days, mix};

/// Actions on products, person by person, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sequences {
    /// Row of each action's product.
    rows: Vec<u32>,
    /// Kind of each action, see [`kind_of`].
    kinds: Vec<u8>,
    /// Bucket of the time since the action before.
    gaps: Vec<u8>,
    /// Whether the action belongs to the same event as the one before.
    joined: Vec<bool>,
    /// Where each person starts, and one more for the end.
    starts: Vec<usize>,
}

/// The place of an action in `Action::ALL`. A dwell is heard as a click, the weakest kind that is learned; what comes
/// after it in `Action::ALL` is no action on products.
#[must_use]
pub const fn kind_of(action: Action) -> u8 {
    match action {
        Action::Dwell => Action::Click as u8,
        action => action as u8,
    }
}

impl Sequences {
    /// Everybody in a data set.
    #[must_use]
    pub fn of(data: &Dataset<'_>) -> Self {
        let mut sequences = Self { starts: vec![0], ..Self::default() };
        data.histories().for_each(|history| sequences.push(history));
        sequences
    }

    /// Histories of product views an unknown time apart.
    #[must_use]
    pub fn of_views<'h>(histories: impl IntoIterator<Item = &'h [u32]>) -> Self {
        let mut sequences = Self { starts: vec![0], ..Self::default() };
        for history in histories {
            sequences.rows.extend_from_slice(history);
            sequences.starts.push(sequences.rows.len());
        }
        sequences.kinds = vec![kind_of(Action::View); sequences.rows.len()];
        sequences.gaps = vec![0; sequences.rows.len()];
        sequences.joined = vec![false; sequences.rows.len()];
        sequences
    }

    /// Adds a person.
    pub fn push(&mut self, history: &[Step]) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        let mut before: Option<&Step> = None;
        for step in history {
            let gap = before.map_or(0.0, |before| days(step.at, before.at));
            self.rows.push(step.row);
            self.kinds.push(kind_of(step.action));
            self.gaps.push(gap_bucket(gap));
            self.joined.push(before.is_some_and(|before| before.event == step.event));
            before = Some(step);
        }
        self.starts.push(self.rows.len());
    }

    /// How many actions there are.
    #[must_use]
    pub fn actions(&self) -> usize {
        self.rows.len()
    }

    /// The rows of all actions.
    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The order of the lines and the windows of an epoch.
    pub(super) fn epoch(&self, seed: u64) -> Epoch<'_> {
        let rows = self.shuffled_lines(seed);
        let mut windows = Vec::new();
        for bounds in self.starts.windows(2) {
            let (start, end) = (bounds[0], bounds[1].saturating_sub(1));
            let mut from = start;
            while from < end {
                let first = from == start && end - start > LENGTH;
                let length = if first { 1 + (mix(seed ^ mix(start as u64)) % LENGTH as u64) as usize } else { LENGTH };
                windows.push(from..end.min(from + length));
                from += length;
            }
        }
        // Every window has a key of its own, so the order is a fair shuffle; equal keys keep the order of the people.
        windows.sort_by_cached_key(|window| mix(seed ^ mix(!(window.start as u64))));
        Epoch { sequences: self, rows, windows }
    }

    fn shuffled_lines(&self, seed: u64) -> Vec<u32> {
        let mut rows = self.rows.clone();
        let mut start = 0;
        while start < rows.len() {
            let lines = 1 + self.joined[start + 1..].iter().take_while(|joined| **joined).count();
            for place in (1..lines).rev() {
                let other = mix(seed ^ mix((start + place) as u64)) % (place as u64 + 1);
                rows.swap(start + place, start + other as usize);
            }
            start += lines;
        }
        rows
    }
}

/// One pass over all transitions.
pub(super) struct Epoch<'s> {
    sequences: &'s Sequences,
    rows: Vec<u32>,
    windows: Vec<Range<usize>>,
}

/// Windows end to end. All slices but `starts` have one entry for each position.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Batch {
    pub(super) rows: Vec<u32>,
    pub(super) kinds: Vec<u8>,
    pub(super) gaps: Vec<u8>,
    /// The product of the action that follows.
    pub(super) targets: Vec<u32>,
    /// Whether the action that follows is worth predicting: it speaks for its product.
    pub(super) counts: Vec<bool>,
    /// Where each window starts, and one more for the end.
    pub(super) starts: Vec<usize>,
}

impl Epoch<'_> {
    /// The batches: windows in order, until `positions` are reached.
    pub(super) fn batches(&self, positions: usize) -> Vec<Range<usize>> {
        let mut batches = Vec::new();
        let (mut first, mut size) = (0, 0);
        for (place, window) in self.windows.iter().enumerate() {
            size += window.len();
            if size >= positions || place + 1 == self.windows.len() {
                batches.push(first..place + 1);
                (first, size) = (place + 1, 0);
            }
        }
        batches
    }

    /// Fills a batch with windows.
    pub(super) fn fill(&self, windows: Range<usize>, batch: &mut Batch) {
        let Batch { rows, kinds, gaps, targets, counts, starts } = batch;
        rows.clear();
        kinds.clear();
        gaps.clear();
        targets.clear();
        counts.clear();
        starts.clear();
        starts.push(0);
        for window in &self.windows[windows] {
            let next = window.start + 1..window.end + 1;
            rows.extend_from_slice(&self.rows[window.clone()]);
            kinds.extend_from_slice(&self.sequences.kinds[window.clone()]);
            gaps.extend_from_slice(&self.sequences.gaps[window.clone()]);
            targets.extend_from_slice(&self.rows[next.clone()]);
            counts.extend(
                self.sequences.kinds[next]
                    .iter()
                    .map(|kind| Action::ALL.get(usize::from(*kind)).is_some_and(|action| action.interest() > 0.0)),
            );
            starts.push(rows.len());
        }
    }
}
