//! Softmax over all products or over a sample, fused and chunked: the scores of a few positions at a time, so that memory
//! is `negatives x chunk` and never positions x products.
//!
//! For a position with output `h`, target `t` and product vectors `v`, with `S` the distinct products of the sample:
//!
//! ```text
//! loss = ln(e^(h·v_t) + Σ_(j in S, j ≠ t) e^(h·v_j - c_j)) - h·v_t
//! ```
//!
//! `c_j = ln(expected number of draws of j / number of draws of j)`, which makes the sum an unbiased estimate of that
//! over all products but the target (importance sampling; the logQ correction of Bengio & Senécal 2008, with the target
//! left uncorrected as in Khrylchenko et al., arXiv 2507.09331). If `S` is the whole catalogue, all `c` are zero and
//! this is the full softmax.

use super::kernel::{Matrix, add_scaled, dot, exp, largest, multiply, sum, wide};

/// Positions whose scores are in memory at once.
const CHUNK: usize = 64;

/// What the outputs are compared with.
pub(super) struct Candidates<'a> {
    /// Vectors of the products of the batch; those of the sample come first.
    pub(super) vectors: &'a [f32],
    /// The corrections, one for each product of the sample.
    pub(super) corrections: &'a [f32],
    /// Dimensions of a vector.
    pub(super) dims: usize,
}

/// Scratch space, and what comes out.
#[derive(Default)]
pub(super) struct Loss {
    scores: Vec<f32>,
    /// Gradient by the outputs.
    pub(super) d_output: Vec<f32>,
    /// Gradient by the vectors of the sample.
    pub(super) d_sample: Vec<f32>,
    /// Gradient by each position's target score: its vector's gradient is this times the output.
    pub(super) d_target: Vec<f32>,
    /// Sum of the losses of the positions that count.
    pub(super) total: f64,
}

impl Loss {
    /// Loss and gradients, each position's weighted by `weight`. A target is a place in `candidates.vectors`; positions
    /// without one do not count.
    pub(super) fn run(&mut self, output: &[f32], targets: &[Option<u32>], candidates: &Candidates<'_>, weight: f32) {
        let d = candidates.dims;
        let sample = candidates.corrections.len();
        let vectors = Matrix::new(&candidates.vectors[..sample * d], d);
        self.d_output.clear();
        self.d_output.resize(output.len(), 0.0);
        self.d_sample.clear();
        self.d_sample.resize(sample * d, 0.0);
        self.d_target.clear();
        self.d_target.resize(targets.len(), 0.0);
        self.total = 0.0;
        let chunks = output.chunks(CHUNK * d).zip(self.d_output.chunks_mut(CHUNK * d));
        let chunks = chunks.zip(targets.chunks(CHUNK)).zip(self.d_target.chunks_mut(CHUNK));
        for (((output, d_output), targets), d_target) in chunks {
            self.scores.resize(targets.len() * sample, 0.0);
            multiply(&mut self.scores, 0.0, Matrix::new(output, d), vectors.transposed());
            let rows = self.scores.chunks_exact_mut(sample.max(1)).zip(output.chunks_exact(d));
            for (((scores, output), target), d_target) in rows.zip(targets).zip(&mut *d_target) {
                let Some(target) = target.map(|target| target as usize) else {
                    scores.fill(0.0);
                    continue;
                };
                let vector = &candidates.vectors[target * d..][..d];
                wide(
                    #[inline(always)]
                    || {
                        let score = dot(output, vector);
                        for (x, correction) in scores.iter_mut().zip(candidates.corrections) {
                            *x -= correction;
                        }
                        if target < sample {
                            scores[target] = f32::NEG_INFINITY;
                        }
                        let most = largest(scores).max(score);
                        scores.iter_mut().for_each(|x| *x = exp(*x - most));
                        if target < sample {
                            scores[target] = 0.0;
                        }
                        let others = sum(scores);
                        let own = exp(score - most);
                        let scale = weight / (others + own);
                        scores.iter_mut().for_each(|x| *x *= scale);
                        *d_target = -others * scale;
                        if target < sample {
                            scores[target] = *d_target;
                        }
                        self.total += f64::from((others + own).ln() - (score - most));
                    },
                );
            }
            multiply(d_output, 0.0, Matrix::new(&self.scores, sample.max(1)), vectors);
            multiply(&mut self.d_sample, 1.0, Matrix::new(&self.scores, sample).transposed(), Matrix::new(output, d));
            for ((d_output, target), d_target) in d_output.chunks_exact_mut(d).zip(targets).zip(d_target) {
                // A target within the sample had its share in the products of matrices.
                match target.map(|target| target as usize) {
                    Some(target) if target >= sample => {
                        add_scaled(d_output, *d_target, &candidates.vectors[target * d..][..d]);
                    }
                    _ => *d_target = 0.0,
                }
            }
        }
    }
}
