//! The network: what a text's pieces mean, to one vector of length one.
//!
//! This is the convolutional model of Yang et al. 2019 (Multilingual Universal Sentence Encoder for Semantic Retrieval, arXiv
//! 1907.04307), as published in `universal-sentence-encoder-multilingual` version 3, with its quantised token table:
//!
//! 1. token `t` has the vector `e_t = step · q_t + low`, `step` and `low` those of its group;
//! 2. three branches, one for each `n` of [`ORDERS`]: `x = norm(e P + b)`, then twice `x ← x + relu(window(x) W + b)`, where
//!    `window` lays the `n` neighbouring vectors side by side, zeros beyond the ends of the text;
//! 3. `f = norm([e, x₂, x₃, x₅])`, and over the `k` tokens `m = (Σ f) O / √k + √k · o`;
//! 4. two blocks of dense layers with skips: `y = relu(relu(m D₀) D₁ + m S₁)`, `z = tanh(relu(y D₂) D₃ + y S₃)`, and `z / |z|`.
//!
//! `norm` brings the numbers of one token (of all branches together in step 2) to mean 0 and variance 1, times a gain, plus
//! a shift. Texts are laid end to end, so that each matrix is read once for many tokens.

use super::matrix::multiply;
use crate::linear::{add_scaled, dot};

/// How many neighbouring tokens a branch sees, and how many of them come before.
const ORDERS: [(usize, usize); 3] = [(2, 0), (3, 1), (5, 2)];

/// Numbers of a token, of a branch and of the layers between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) width: usize,
    pub(super) branch: usize,
    pub(super) hidden: usize,
}

impl Shape {
    fn branches(self) -> usize {
        ORDERS.len() * self.branch
    }

    fn features(self) -> usize {
        self.width + self.branches()
    }

    /// The sizes of the dense weights, in the order of [`Layers`], epsilon last.
    pub(super) fn sizes(self) -> [usize; 19] {
        let Self { width, branch, hidden } = self;
        let (branches, features) = (self.branches(), self.features());
        let windows: usize = ORDERS.iter().map(|(n, _)| n * branch * branch).sum();
        let (inward, outward) = (width * hidden, hidden * width);
        [
            width * branches,
            branches,
            branches,
            branches,
            windows,
            branches,
            windows,
            branches,
            features,
            features,
            features * width,
            width,
            inward,
            hidden * hidden,
            inward,
            outward,
            outward,
            width * width,
            1,
        ]
    }
}

/// The weights, row-major, input by output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layers<'a> {
    pub(super) shape: Shape,
    pub(super) table: &'a [u8],
    /// Step and least value of each group.
    pub(super) quantisation: &'a [f32],
    pub(super) project: &'a [f32],
    pub(super) project_bias: &'a [f32],
    pub(super) project_gain: &'a [f32],
    pub(super) project_shift: &'a [f32],
    /// The windows' weights, branch after branch.
    pub(super) first: &'a [f32],
    pub(super) first_bias: &'a [f32],
    pub(super) second: &'a [f32],
    pub(super) second_bias: &'a [f32],
    pub(super) gain: &'a [f32],
    pub(super) shift: &'a [f32],
    pub(super) out: &'a [f32],
    pub(super) out_bias: &'a [f32],
    pub(super) deep0: &'a [f32],
    pub(super) deep1: &'a [f32],
    pub(super) skip1: &'a [f32],
    pub(super) deep2: &'a [f32],
    pub(super) skip3: &'a [f32],
    pub(super) deep3: &'a [f32],
    pub(super) epsilon: f32,
}

/// Adds the same numbers to every row.
fn add_to_rows(rows: &mut [f32], bias: &[f32]) {
    rows.chunks_exact_mut(bias.len()).for_each(|row| add_scaled(row, 1.0, bias));
}

fn relu(values: &mut [f32]) {
    values.iter_mut().for_each(|x| *x = x.max(0.0));
}

/// Brings each row to mean 0 and variance 1, times the gain, plus the shift.
fn norm(rows: &mut [f32], gain: &[f32], shift: &[f32], epsilon: f32) {
    let size = gain.len() as f32;
    for row in rows.chunks_exact_mut(gain.len()) {
        let mean = row.iter().sum::<f32>() / size;
        row.iter_mut().for_each(|x| *x -= mean);
        let scale = 1.0 / (dot(row, row) / size + epsilon).sqrt();
        row.iter_mut().zip(gain).zip(shift).for_each(|((x, gain), shift)| *x = *x * scale * gain + shift);
    }
}

impl Layers<'_> {
    /// Step 1: the vectors of tokens; an unknown number has none.
    fn tokens(&self, tokens: &[u32]) -> Vec<f32> {
        let width = self.shape.width;
        let groups = self.quantisation.len() / 2;
        let mut rows = vec![0.0; tokens.len() * width];
        for (row, token) in rows.chunks_exact_mut(width).zip(tokens) {
            let token = *token as usize;
            let group = token % groups.max(1) * 2;
            if let Some(quantised) = self.table.get(token * width..(token + 1) * width) {
                let (step, low) = (self.quantisation[group], self.quantisation[group + 1]);
                row.iter_mut().zip(quantised).for_each(|(x, q)| *x = step * f32::from(*q) + low);
            }
        }
        rows
    }

    /// Half of step 2 for one branch: `x ← x + relu(window(x) W + b)`, text by text.
    fn convolve(&self, x: &mut [f32], lengths: &[usize], (n, before): (usize, usize), weights: &[f32], bias: &[f32]) {
        let branch = self.shape.branch;
        let mut windows = vec![0.0; x.len() * n];
        let mut text = 0;
        for length in lengths {
            for at in 0..*length {
                let window = &mut windows[(text + at) * n * branch..][..n * branch];
                for (slot, part) in window.chunks_exact_mut(branch).enumerate() {
                    if let Some(from) = (at + slot).checked_sub(before).filter(|from| from < length) {
                        part.copy_from_slice(&x[(text + from) * branch..][..branch]);
                    }
                }
            }
            text += length;
        }
        let mut sums = vec![0.0; x.len()];
        multiply(&mut sums, false, &windows, weights, n * branch, branch);
        add_to_rows(&mut sums, bias);
        relu(&mut sums);
        add_scaled(x, 1.0, &sums);
    }

    /// Steps 2 and the norm of 3: the features of tokens.
    fn features(&self, embedded: &[f32], lengths: &[usize]) -> Vec<f32> {
        let Shape { width, branch, .. } = self.shape;
        let (branches, features) = (self.shape.branches(), self.shape.features());
        let count = embedded.len() / width;
        let mut projected = vec![0.0; count * branches];
        multiply(&mut projected, false, embedded, self.project, width, branches);
        add_to_rows(&mut projected, self.project_bias);
        norm(&mut projected, self.project_gain, self.project_shift, self.epsilon);
        let mut rows = vec![0.0; count * features];
        for (row, token) in rows.chunks_exact_mut(features).zip(embedded.chunks_exact(width)) {
            row[..width].copy_from_slice(token);
        }
        let mut weights = 0;
        for (i, order) in ORDERS.into_iter().enumerate() {
            let columns = i * branch..(i + 1) * branch;
            let mut x: Vec<f32> =
                projected.chunks_exact(branches).flat_map(|row| &row[columns.clone()]).copied().collect();
            let size = order.0 * branch * branch;

            self.convolve(
                &mut x,
                lengths,
                order,
                &self.first[weights..weights + size],
                &self.first_bias[columns.clone()],
            );
            self.convolve(
                &mut x,
                lengths,
                order,
                &self.second[weights..weights + size],
                &self.second_bias[columns.clone()],
            );
            weights += size;
            for (row, x) in rows.chunks_exact_mut(features).zip(x.chunks_exact(branch)) {
                row[width + columns.start..width + columns.end].copy_from_slice(x);
            }
        }
        norm(&mut rows, self.gain, self.shift, self.epsilon);
        rows
    }

    /// The vectors of texts, given their tokens end to end and how many each has.
    pub(super) fn run(&self, tokens: &[u32], lengths: &[usize]) -> Vec<f32> {
        let Shape { width, hidden, .. } = self.shape;
        let features = self.shape.features();
        let rows = self.features(&self.tokens(tokens), lengths);
        let mut sums = vec![0.0; lengths.len() * features];
        let mut tokens = rows.chunks_exact(features);
        for (sum, length) in sums.chunks_exact_mut(features).zip(lengths) {
            tokens.by_ref().take(*length).for_each(|row| add_scaled(sum, 1.0, row));
        }
        let product = |x: &[f32], weights: &[f32], inner: usize, columns: usize| {
            let mut to = vec![0.0; lengths.len() * columns];
            multiply(&mut to, false, x, weights, inner, columns);
            to
        };
        let mut m = product(&sums, self.out, features, width);
        for (row, length) in m.chunks_exact_mut(width).zip(lengths) {
            let root = (*length as f32).sqrt();
            row.iter_mut().zip(self.out_bias).for_each(|(x, bias)| *x = *x / root + root * bias);
        }
        let mut y0 = product(&m, self.deep0, width, hidden);
        relu(&mut y0);
        let mut y1 = product(&m, self.skip1, width, hidden);
        multiply(&mut y1, true, &y0, self.deep1, hidden, hidden);
        relu(&mut y1);
        let mut y2 = product(&y1, self.deep2, hidden, width);
        relu(&mut y2);
        let mut z = product(&y1, self.skip3, hidden, width);
        multiply(&mut z, true, &y2, self.deep3, width, width);
        z.iter_mut().for_each(|x| *x = x.tanh());
        for row in z.chunks_exact_mut(width) {
            let length = dot(row, row).max(self.epsilon).sqrt();
            row.iter_mut().for_each(|x| *x /= length);
        }
        z
    }
}
