//! The score of every product by every part, for one past: what serving adds up, before it is added.

use super::Past;
use crate::artifact::Artifact;
use crate::blend::Blend;
use crate::covisitation::Pair;
use crate::linear::dot;
use crate::tally::Tally;

/// The names of the parts: the three of the vectors, then the lists of neighbours in the order of [`Pair::ALL`].
pub const PARTS: [&str; 7] =
    ["factors", "content", "popularity", "view_view", "view_order", "order_together", "order_next"];

/// The place of popularity among them.
pub(super) const POPULARITY: usize = 2;

/// How many of them are dimensions of the vectors.
pub(super) const VECTORS: usize = 3;

impl Blend {
    /// The weights in the order of [`PARTS`].
    pub(super) const fn by_part(&self) -> [f32; PARTS.len()] {
        [self.factors, self.content, self.prior, self.view_view, self.view_order, self.order_together, self.order_next]
    }

    /// The same blend with other weights.
    pub(super) const fn with_parts(self, weights: &[f32; PARTS.len()]) -> Self {
        let [factors, content, prior, view_view, view_order, order_together, order_next] = *weights;
        Self { factors, content, prior, view_view, view_order, order_together, order_next, decay: self.decay }
    }
}

/// Scores of all products by part; kept from one past to the next.
#[derive(Debug, Clone)]
pub struct Scores {
    parts: [Vec<f32>; PARTS.len()],
    tally: Tally,
    /// Rows with a score above zero in a list part, by part.
    touched: [Vec<u32>; PARTS.len()],
}

impl Scores {
    /// Room for a number of products.
    #[must_use]
    pub fn new(products: usize) -> Self {
        Self {
            parts: std::array::from_fn(|_| vec![0.0; products]),
            tally: Tally::new(products),
            touched: std::array::from_fn(|_| Vec::new()),
        }
    }

    /// The scores of a part, row by row; parts as in [`PARTS`].
    #[must_use]
    pub fn part(&self, part: usize) -> &[f32] {
        self.parts.get(part).map_or(&[], Vec::as_slice)
    }

    pub(super) fn touched(&self, part: usize) -> &[u32] {
        &self.touched[part]
    }

    /// Scores every product by every part. Of the blend, only the decay of voices is used.
    pub fn fill(&mut self, artifact: &Artifact, blend: &Blend, past: &Past) {
        self.fill_vectors(artifact, blend, past);
        for pair in Pair::ALL {
            self.fill_pair(artifact, blend, past, pair);
        }
    }

    fn fill_vectors(&mut self, artifact: &Artifact, blend: &Blend, past: &Past) {
        let [factors, content, prior] = artifact.ranges();
        let (mut taste, mut liking) = (vec![0.0; factors.len()], vec![0.0; content.len()]);
        artifact.fold_in(&past.history, &mut taste);
        artifact.liking(&past.history, blend, &mut liking);
        let vectors = artifact.vectors().chunks_exact(artifact.dims().max(1));
        let [by_taste, by_content, by_prior, ..] = &mut self.parts;
        for (row, vector) in vectors.enumerate() {
            by_taste[row] = dot(&taste, &vector[factors.clone()]);
            by_content[row] = dot(&liking, &vector[content.clone()]);
            by_prior[row] = vector[prior.clone()].iter().sum();
        }
    }

    /// Scores the products that a pair's lists lead to.
    pub(super) fn fill_pair(&mut self, artifact: &Artifact, blend: &Blend, past: &Past, pair: Pair) {
        let part = VECTORS + pair.index();
        for row in self.touched[part].drain(..) {
            self.parts[part][row as usize] = 0.0;
        }
        artifact.tally(pair, past.evidence(pair, blend), &mut self.tally);
        for row in self.tally.rows() {
            self.parts[part][*row as usize] = self.tally.sum(*row).sqrt();
        }
        self.touched[part].extend_from_slice(self.tally.rows());
        self.tally.clear();
    }

    /// The weighted sum: the score of serving.
    #[must_use]
    pub fn blended(&self, blend: &Blend) -> Vec<f32> {
        let mut sums = vec![0.0; self.parts[0].len()];
        for (weight, scores) in blend.by_part().into_iter().zip(&self.parts) {
            sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += weight * score);
        }
        sums
    }
}
