//! The visitor's side of the score: a vector for the dot product, and tallies.

use std::ops::Range;

use half::f16;

use super::Artifact;
use crate::algorithm::{Algorithm, Scratch};
use crate::blend::{Part, Question};
use crate::halves;
use crate::history::Interaction;
use crate::tally::Tally;

/// How many past actions are read, the newest ones.
const HISTORY: usize = 200;

/// The newest of a history.
fn newest(history: &[Interaction]) -> &[Interaction] {
    &history[history.len().saturating_sub(HISTORY)..]
}

impl Artifact {
    /// Writes the vector of a visitor, whose dot product with a product's vector is the first term of the score: the query
    /// of every part with vectors, each times its weight. The history is oldest first; of a longer one the newest 200
    /// count. Nothing is allocated once the scratch space has grown.
    ///
    /// An `out` that does not have [`dims`](Self::dims) numbers is filled with zeros.
    pub fn visitor_vector(&self, history: &[Interaction], question: Question, scratch: &mut Scratch, out: &mut [f32]) {
        out.fill(0.0);
        if out.len() != self.dims() {
            return;
        }
        for (part, algorithm) in self.lineup() {
            let weight = part.weight(question);
            let Some(query) = out.get_mut(part.range.clone()).filter(|query| !query.is_empty() && weight != 0.0) else {
                continue;
            };
            algorithm.query(self, newest(history), scratch, query);
            query.iter_mut().for_each(|x| *x *= weight);
        }
    }

    /// Writes the query of one part, without its weight; `out` has the part's dimensions.
    pub fn part_query(&self, part: usize, history: &[Interaction], scratch: &mut Scratch, out: &mut [f32]) {
        if let Some((_, algorithm)) = self.lineup().nth(part) {
            algorithm.query(self, newest(history), scratch, out);
        }
    }

    /// Adds up the sums of one part, without curve and weight. Nothing happens for a part with vectors.
    pub fn part_tally(&self, part: usize, history: &[Interaction], scratch: &mut Scratch, tally: &mut Tally) {
        if let Some((_, algorithm)) = self.lineup().nth(part) {
            algorithm.tally(self, newest(history), scratch, tally);
        }
    }

    /// Writes the sums of some rows in one part over `out`, without curve and weight: what
    /// [`part_tally`](Self::part_tally) adds up of them.
    pub fn part_sums(
        &self,
        part: usize,
        history: &[Interaction],
        rows: &[u32],
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        out.fill(0.0);
        if let Some((_, algorithm)) = self.lineup().nth(part) {
            algorithm.sums(self, newest(history), rows, scratch, out);
        }
    }

    /// Says which past action adds how much to the sums of a page's products in one part, as `(place in rows, position in
    /// the history, addition)`, see [`Algorithm::evidence`].
    pub fn part_evidence(
        &self,
        part: usize,
        history: &[Interaction],
        rows: &[u32],
        scratch: &mut Scratch,
        said: &mut dyn FnMut(usize, usize, f32),
    ) {
        let skipped = history.len() - newest(history).len();
        if let Some((_, algorithm)) = self.lineup().nth(part).filter(|_| !rows.is_empty()) {
            let said = &mut |row, at, amount| said(row, at + skipped, amount);
            algorithm.evidence(self, newest(history), rows, scratch, said);
        }
    }

    /// The parts and who answers for them.
    pub(super) fn lineup(&self) -> impl Iterator<Item = (&Part, &dyn Algorithm)> {
        self.about.parts.iter().zip(&self.algorithms).map(|(part, algorithm)| (part, algorithm.as_ref()))
    }

    /// Copies some dimensions of a product's vector; false if there is no such product, or not as many dimensions as there
    /// is room for.
    pub fn vector_part(&self, row: u32, range: Range<usize>, out: &mut [f32]) -> bool {
        let Some(vector) = self.vector(row).get(range) else { return false };
        let fits = vector.len() == out.len();
        if fits {
            halves::to_f32(vector, out);
        }
        fits
    }

    /// Adds some dimensions of a product's vector, times a factor.
    pub fn add_vector_part(&self, row: u32, range: Range<usize>, factor: f32, sum: &mut [f32]) {
        let vector: &[f16] = self.vector(row).get(range).unwrap_or(&[]);
        vector.iter().zip(sum).for_each(|(from, to)| *to += factor * from.to_f32());
    }
}
