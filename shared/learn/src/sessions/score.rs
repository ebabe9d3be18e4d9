//! Scoring over borrowed slices: no allocation once the scratch has grown.

use super::index::PLACES;
use super::{Factors, Parameters, Sessions};
use crate::tally::Tally;

/// How many of the newest actions bring in companions.
const ACCOMPANIED: usize = 2;

/// The index and its factors where they lie, which may be a mapped file. Whatever the numbers, scoring does not panic;
/// what is out of bounds is empty.
#[derive(Debug, Clone)]
pub struct View<'a> {
    starts: &'a [u32],
    rows: &'a [u32],
    posting_starts: &'a [u32],
    postings: &'a [u32],
    gains: &'a [f32],
    idf: &'a [f32],
    penalties: &'a [f32],
    parameters: Parameters,
    /// List entries read for one request.
    reads: usize,
    /// `e^(-d / distance)`.
    fall: [f32; PLACES],
}

/// Room for intermediate results, kept from one request to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// `w(x)`.
    weights: Tally,
    /// `W(S)`.
    similar: Tally,
    /// `(sim(S), S)` of the neighbours.
    nearest: Vec<(f32, u32)>,
    /// `(place, w(x) / occurrences)` of one neighbour's common products.
    anchors: Vec<(usize, u32, f32)>,
    /// Products of the current session, ascending.
    seen: Vec<u32>,
    sums: Tally,
}

impl Scratch {
    fn clear(&mut self, products: usize, sessions: usize) {
        for (tally, len) in [(&mut self.weights, products), (&mut self.sums, products), (&mut self.similar, sessions)] {
            tally.clear();
            tally.grow(len);
        }
    }
}

impl<'a> View<'a> {
    /// A view of an index in memory. `reads` bounds the list entries read for one request.
    #[must_use]
    pub fn new(sessions: &'a Sessions, factors: &'a Factors, parameters: Parameters, reads: usize) -> Self {
        Self::over(
            [&sessions.starts, &sessions.rows, &sessions.posting_starts, &sessions.postings],
            [&factors.gains, &factors.idf, &factors.penalties],
            parameters,
            reads,
        )
    }

    /// A view of slices: starts, rows, starts of postings, postings; gains, idf, penalties.
    #[must_use]
    pub fn over(index: [&'a [u32]; 4], factors: [&'a [f32]; 3], parameters: Parameters, reads: usize) -> Self {
        let [starts, rows, posting_starts, postings] = index;
        let [gains, idf, penalties] = factors;
        let fall = std::array::from_fn(|d| (-(d as f32) / parameters.distance).exp());
        Self { starts, rows, posting_starts, postings, gains, idf, penalties, parameters, reads, fall }
    }

    /// Adds the scores of the products of neighbouring sessions to a tally.
    ///
    /// `current` holds `(row, steps before the last action)`, oldest first. `companions` gives a product's neighbours and
    /// their weights, strongest first.
    pub fn neighbours_score<C: Iterator<Item = (u32, f32)>>(
        &self,
        current: &[(u32, f32)],
        companions: impl Fn(u32) -> C,
        scratch: &mut Scratch,
        tally: &mut Tally,
    ) {
        self.find(current, companions, scratch);
        for at in 0..scratch.nearest.len() {
            let (similarity, session) = scratch.nearest[at];
            let rows = self.anchor(session, scratch);
            let amplitude = self.amplitude(similarity, session, scratch);
            for (q, row) in rows.iter().enumerate() {
                let near: f32 = scratch.anchors.iter().map(|(r, _, w)| w * self.nearness(*r, q)).sum();
                scratch.sums.add(*row, amplitude * near);
            }
        }
        for row in scratch.sums.rows() {
            tally.add(*row, scratch.sums.sum(*row) * self.factor(*row, &scratch.seen));
        }
    }

    /// Says how much each current action adds to the score of a product, as `(position in current, addition)`. The
    /// additions sum up to the score.
    pub fn evidence<C: Iterator<Item = (u32, f32)>>(
        &self,
        current: &[(u32, f32)],
        companions: impl Fn(u32) -> C,
        row: u32,
        scratch: &mut Scratch,
        said: &mut dyn FnMut(usize, f32),
    ) {
        self.find(current, &companions, scratch);
        for at in 0..scratch.nearest.len() {
            let (similarity, session) = scratch.nearest[at];
            let rows = self.anchor(session, scratch);
            let amplitude = self.amplitude(similarity, session, scratch);
            for (q, _) in rows.iter().enumerate().filter(|(_, other)| **other == row) {
                for (r, x, w) in &scratch.anchors {
                    // What one unit of w(x) adds.
                    let share = w / scratch.weights.sum(*x);
                    scratch.sums.add(*x, amplitude * share * self.nearness(*r, q));
                }
            }
        }
        let factor = self.factor(row, &scratch.seen);
        for at in 0..current.len() {
            let mut sum = 0.0;
            self.spoken(current, at, &companions, |x, weight| sum += weight * scratch.sums.sum(x));
            if sum > 0.0 {
                said(at, sum * factor);
            }
        }
    }

    /// Steps 1 and 2: the weights of products, `W(S)` of every session that was met, and the nearest.
    fn find<C: Iterator<Item = (u32, f32)>>(
        &self,
        current: &[(u32, f32)],
        companions: impl Fn(u32) -> C,
        scratch: &mut Scratch,
    ) {
        scratch.clear(self.idf.len(), self.gains.len());
        scratch.seen.clear();
        scratch.seen.extend(current.iter().map(|(row, _)| *row));
        scratch.seen.sort_unstable();
        // The newest first: where reading has to stop, it stops before the companions of the newest and the oldest.
        for at in (0..current.len()).rev() {
            let (row, back) = current[at];
            scratch.weights.add(row, self.voice(back) * value(self.idf, row));
        }
        for at in (0..current.len()).rev().take(ACCOMPANIED) {
            self.accompanied(current, at, &companions, |x, weight| scratch.weights.add(x, weight));
        }
        let mut left = self.reads;
        for row in scratch.weights.rows() {
            let sessions = list(self.posting_starts, self.postings, *row);
            let weight = scratch.weights.sum(*row);
            for session in sessions.iter().take(left) {
                scratch.similar.add(*session, weight);
            }
            left = left.saturating_sub(sessions.len());
        }
        let similarity = |session: &u32| (scratch.similar.sum(*session) * value(self.gains, *session), *session);
        scratch.nearest.clear();
        scratch.nearest.extend(scratch.similar.rows().iter().map(similarity));
        let most = self.parameters.neighbours as usize;
        if scratch.nearest.len() > most {
            // The more similar first, of equals the newer.
            scratch.nearest.select_nth_unstable_by(most, |a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
            scratch.nearest.truncate(most);
        }
    }

    fn voice(&self, back: f32) -> f32 {
        (-back.max(0.0) / self.parameters.step).exp()
    }

    /// What the action at a position adds to the weights of products.
    fn spoken<C: Iterator<Item = (u32, f32)>>(
        &self,
        current: &[(u32, f32)],
        at: usize,
        companions: impl Fn(u32) -> C,
        mut add: impl FnMut(u32, f32),
    ) {
        let (row, back) = current[at];
        add(row, self.voice(back) * value(self.idf, row));
        if at + ACCOMPANIED >= current.len() {
            self.accompanied(current, at, companions, add);
        }
    }

    fn accompanied<C: Iterator<Item = (u32, f32)>>(
        &self,
        current: &[(u32, f32)],
        at: usize,
        companions: impl Fn(u32) -> C,
        mut add: impl FnMut(u32, f32),
    ) {
        let (row, back) = current[at];
        let voice = self.parameters.expansion * self.voice(back);
        if voice <= 0.0 {
            return;
        }
        let mut strongest = None;
        for (x, weight) in companions(row).take(self.parameters.companions as usize) {
            let scale = *strongest.get_or_insert(weight);
            if scale > 0.0 {
                add(x, voice * weight / scale * value(self.idf, x));
            }
        }
    }

    /// Finds the common products of a session and the current one; gives the session's rows.
    fn anchor(&self, session: u32, scratch: &mut Scratch) -> &'a [u32] {
        let rows = list(self.starts, self.rows, session);
        let rows = &rows[..rows.len().min(PLACES)];
        scratch.anchors.clear();
        for (place, row) in rows.iter().enumerate() {
            let weight = scratch.weights.sum(*row);
            if weight > 0.0 {
                let times = rows.iter().filter(|other| *other == row).count();
                scratch.anchors.push((place, *row, weight / times as f32));
            }
        }
        rows
    }

    /// `sim(S)^sharpness / W(S)`.
    fn amplitude(&self, similarity: f32, session: u32, scratch: &Scratch) -> f32 {
        let common = scratch.similar.sum(session);
        if common > 0.0 { similarity.powf(self.parameters.sharpness) / common } else { 0.0 }
    }

    /// `δ` of a common product at place `r` and a product at place `q`.
    fn nearness(&self, r: usize, q: usize) -> f32 {
        match q.cmp(&r) {
            std::cmp::Ordering::Greater => self.fall[q - r - 1],
            std::cmp::Ordering::Less => self.parameters.backward * self.fall[r - q - 1],
            std::cmp::Ordering::Equal => self.parameters.itself,
        }
    }

    fn factor(&self, row: u32, seen: &[u32]) -> f32 {
        let again = if seen.binary_search(&row).is_ok() { self.parameters.seen } else { 1.0 };
        value(self.penalties, row) * again
    }
}

fn value(numbers: &[f32], at: u32) -> f32 {
    numbers.get(at as usize).copied().unwrap_or(0.0)
}

fn list<'a>(starts: &[u32], entries: &'a [u32], at: u32) -> &'a [u32] {
    let at = at as usize;
    let (Some(start), Some(end)) = (starts.get(at), starts.get(at + 1)) else { return &[] };
    entries.get(*start as usize..*end as usize).unwrap_or(&[])
}
