//! The inverted index of recent sessions, as flat arrays.

use vitrine_domain::profile::VISIT_GAP;
use vitrine_domain::time::DAY;

use crate::dataset::{Dataset, Step};
use crate::history::Interaction;
use crate::settings;

/// Most places of a session: of longer ones only the newest are kept.
pub(super) const PLACES: usize = 50;

/// Recent sessions, oldest first, and for each product the sessions it is in, newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sessions {
    /// Where each session's rows start, and one more for the end.
    pub starts: Vec<u32>,
    /// Products of the sessions, row by row, each session oldest first.
    pub rows: Vec<u32>,
    /// How long ago each session ended, as a share of the time between the oldest and the newest end: 0 to 1.
    pub ages: Vec<f32>,
    /// Where each product's sessions start, and one more for the end.
    pub posting_starts: Vec<u32>,
    /// Numbers of sessions, each once for a product.
    pub postings: Vec<u32>,
    /// In how many of the sessions each product is, also of those that are not listed.
    pub counts: Vec<u32>,
}

/// A stretch of a person's history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) end: i64,
    pub(super) person: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The sessions of everybody, oldest end first; equal ends in the order of the data set.
pub(super) fn stretches(data: &Dataset<'_>) -> Vec<Stretch> {
    let mut found = Vec::new();
    for (person, history) in data.histories().enumerate() {
        let mut from = 0;
        for piece in history.chunk_by(|a, b| b.at.since(a.at) <= VISIT_GAP) {
            let to = from + piece.len();
            if let Some(last) = piece.last() {
                found.push(Stretch { end: last.at.0, person, from, to });
            }
            from = to;
        }
    }
    found.sort_by_key(|stretch| stretch.end);
    found
}

/// The places of a session: actions that speak for a product.
pub(super) fn places(steps: &[Step]) -> impl DoubleEndedIterator<Item = u32> + '_ {
    steps.iter().filter(|step| step.weight > 0.0).map(|step| step.row)
}

/// Where in a history, oldest first, the current session starts.
#[must_use]
pub fn visit(history: &[Interaction]) -> usize {
    let gap_days = VISIT_GAP as f64 / DAY as f64;
    let pauses = history.windows(2).rposition(|two| f64::from(two[0].age_days - two[1].age_days) > gap_days);
    pauses.map_or(0, |before| before + 1)
}

impl Sessions {
    /// Indexes the newest sessions with at least two places, as many as the settings have room for.
    #[must_use]
    pub fn build(data: &Dataset<'_>, settings: &settings::Sessions) -> Self {
        let mut all = stretches(data);
        let steps = |stretch: &Stretch| &data.history(stretch.person)[stretch.from..stretch.to];
        all.retain(|stretch| places(steps(stretch)).nth(1).is_some());
        // The newest, as many as there is room for.
        let mut room = settings.places;
        let fits = |stretch: &&Stretch| {
            let taken = places(steps(stretch)).take(PLACES).count();
            room.checked_sub(taken).inspect(|left| room = *left).is_some()
        };
        let count = all.iter().rev().take(settings.sessions).take_while(fits).count();
        let kept = &all[all.len() - count..];
        let (oldest, newest) = (kept.first().map_or(0, |s| s.end), kept.last().map_or(0, |s| s.end));
        let span = (newest.saturating_sub(oldest)).max(1) as f64;

        let mut index = Self { starts: vec![0], counts: vec![0; data.products().len()], ..Self::default() };
        for stretch in kept {
            let from = index.rows.len();
            index.rows.extend(places(steps(stretch)).rev().take(PLACES));
            index.rows[from..].reverse();
            index.starts.push(index.rows.len() as u32);
            index.ages.push((newest.saturating_sub(stretch.end) as f64 / span) as f32);
            each_once(&index.rows[from..], |row| index.counts[row as usize] += 1);
        }
        index.list(settings.per_product);
        index
    }

    /// Lists the newest sessions of each product.
    fn list(&mut self, most: usize) {
        self.posting_starts = vec![0];
        let mut end = 0;
        for count in &self.counts {
            end += (*count as usize).min(most) as u32;
            self.posting_starts.push(end);
        }
        self.postings = vec![0; end as usize];
        let mut next = self.posting_starts.clone();
        for session in (0..self.len()).rev() {
            let bounds = self.starts[session] as usize..self.starts[session + 1] as usize;
            each_once(&self.rows[bounds], |row| {
                let row = row as usize;
                if next[row] < self.posting_starts[row + 1] {
                    self.postings[next[row] as usize] = session as u32;
                    next[row] += 1;
                }
            });
        }
    }

    /// How many sessions there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ages.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ages.is_empty()
    }
}

/// Calls with each row once, in the order of first places.
fn each_once(rows: &[u32], mut call: impl FnMut(u32)) {
    for (place, row) in rows.iter().enumerate() {
        if !rows[..place].contains(row) {
            call(*row);
        }
    }
}
