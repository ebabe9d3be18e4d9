//! The visitor's side of the score: a vector for the dot product, and tallies of neighbours.

use super::Artifact;
use crate::Blend;
use crate::blend::Interaction;
use crate::covisitation::Pair;
use crate::factors::fold_in;
use crate::linear::{add_scaled, normalise};
use crate::tally::Tally;

/// How many past actions are read, the newest ones.
const HISTORY: usize = 200;

/// The sum of a product's interest, at its first place in the history; none at its later places, so that each product is
/// seen once.
fn interest_once(history: &[Interaction], at: usize, faded: impl Fn(&Interaction) -> f32) -> Option<f32> {
    let row = history[at].row;
    if history[..at].iter().any(|past| past.row == row) {
        return None;
    }
    Some(history[at..].iter().filter(|past| past.row == row).map(faded).sum())
}

impl Artifact {
    /// Writes the vector of a visitor, whose dot product with a product's vector is the first term of the score (see
    /// [`Blend`]): the parts of [`parts`](Self::parts), each times its weight. The history is oldest first;
    /// of a longer one the newest 200 count. Without a history only the popularity is left. One 32 x 32 solve and no
    /// allocation: some microseconds.
    ///
    /// An `out` that does not have [`dims`](Self::dims) numbers is filled with zeros.
    pub fn visitor_vector(&self, history: &[Interaction], out: &mut [f32]) {
        out.fill(0.0);
        if out.len() != self.dims() {
            return;
        }
        let history = &history[history.len().saturating_sub(HISTORY)..];
        let blend = self.weights();
        if let Some(prior) = out.get_mut(self.prior.clone()) {
            prior.fill(blend.prior);
        }
        if let Some(taste) = out.get_mut(self.factors.clone()) {
            self.fold_in(history, taste);
            taste.iter_mut().for_each(|x| *x *= blend.factors);
        }
        if let Some(content) = out.get_mut(self.content.clone()) {
            self.liking(history, blend, content);
            content.iter_mut().for_each(|x| *x *= blend.content);
        }
    }

    /// What the products of a history have in common in their texts: the direction of the sum of their content vectors,
    /// each times its voice; of length one, without a weight.
    pub(crate) fn liking(&self, history: &[Interaction], blend: &Blend, liking: &mut [f32]) {
        liking.fill(0.0);
        for (at, voice) in blend.voices(history) {
            let vector = self.vector(history[at].row).get(self.content.clone()).unwrap_or(&[]);
            add_scaled(liking, voice, vector);
        }
        normalise(liking);
    }

    /// The dimensions of the parts: factors, content, prior.
    pub(crate) fn ranges(&self) -> [std::ops::Range<usize>; 3] {
        [self.factors.clone(), self.content.clone(), self.prior.clone()]
    }

    /// The taste of a visitor in the space of the products' factors, without a weight.
    pub fn fold_in(&self, history: &[Interaction], taste: &mut [f32]) {
        let confidence = self.confidence();
        let seen = (0..history.len()).filter_map(|at| {
            let interest = interest_once(history, at, |past| confidence.faded(past.weight, past.age_days))?;
            let vector = self.vector(history[at].row).get(self.factors.clone())?;
            Some((vector, interest))
        });
        fold_in(self.gram.numbers(&self.memory), confidence, seen, taste);
    }

    /// Adds up the neighbours of past actions, each times its voice: the sum under the root of the score. Which actions
    /// are evidence is for the caller to say, see [`Pair::starts_at`].
    pub fn tally(&self, pair: Pair, evidence: impl IntoIterator<Item = (u32, f32)>, tally: &mut Tally) {
        for (row, voice) in evidence {
            let (rows, weights) = self.neighbours(pair, row);
            for (row, weight) in rows.iter().zip(weights) {
                tally.add(*row, voice * weight);
            }
        }
    }
}
