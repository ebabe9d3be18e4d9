//! The block of causal self-attention, forward and backward, over windows end to end.
//!
//! With `x_t` the sum of the vectors of product, kind of action, time gap and place:
//!
//! ```text
//! a = norm(x)          q, k, v = a Wq, a Wk, a Wv
//! p_ij = softmax over j <= i of (q_i · k_j / √d + b_(i-j))
//! y = x + drop(Σ_j p_ij v_j · Wo)
//! z = y + drop(relu(norm(y) W1 + c1) W2 + c2)
//! h = norm(z)
//! ```
//!
//! SASRec (Kang & McAuley, ICDM 2018, arXiv 1808.09781, section 3) with norms before the layers (Xiong et al., arXiv
//! 2002.04745) and a learned bias by distance (Raffel et al., arXiv 1910.10683, section 2.1), one block, one head.
//!
//! Dropout masks are functions of a key, so the backward pass makes them again instead of keeping them.

use super::kernel::{Matrix, add, add_scaled, dot, exp, largest, multiply, sum, wide};
use super::layout::{LENGTH, Layout, Ranges};
use crate::dataset::mix;

/// Added to a variance before its root is taken.
pub(super) const EPSILON: f32 = 1e-6;

/// What a part of a batch needs on the way forward and back; grows to the largest part and is used again.
#[derive(Default)]
pub(super) struct Work {
    /// The input, in place `x`, then `y`, then `z`.
    pub(super) x: Vec<f32>,
    attention_norm: Norm,
    query_key_value: Vec<f32>,
    /// Attention of each position on those up to it, window by window.
    weights: Vec<f32>,
    attended: Vec<f32>,
    forward_norm: Norm,
    inner: Vec<f32>,
    final_norm: Norm,
    /// Gradient by what `x` was at each stage; at the end by the input.
    pub(super) dx: Vec<f32>,
    d_norm: Vec<f32>,
    d_inner: Vec<f32>,
    d_attended: Vec<f32>,
    d_query_key_value: Vec<f32>,
    branch: Vec<f32>,
}

impl Work {
    /// The output `h` of the forward pass.
    pub(super) fn output(&self) -> &[f32] {
        &self.final_norm.out
    }
}

/// A layer norm's output and what its backward pass needs.
#[derive(Default)]
struct Norm {
    out: Vec<f32>,
    normal: Vec<f32>,
    /// One over the deviation of each row.
    inverse: Vec<f32>,
}

/// Which units are dropped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dropout {
    pub(super) rate: f32,
    pub(super) key: u64,
}

impl Dropout {
    /// Zeroes some values and scales the others so that the sum is expected to stay. The same call again applies the same
    /// mask.
    pub(super) fn apply(self, site: u64, values: &mut [f32]) {
        if self.rate <= 0.0 {
            return;
        }
        let threshold = (self.rate * 65_536.0) as u64;
        let keep = 65_536.0 / (65_536 - threshold) as f32;
        let key = self.key ^ mix(site);
        let (fours, rest) = values.as_chunks_mut::<4>();
        let mask = |place: usize| {
            let bits = mix(key.wrapping_add((place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            [0, 16, 32, 48].map(|shift| if (bits >> shift) & 0xffff < threshold { 0.0 } else { keep })
        };
        for (place, four) in fours.iter_mut().enumerate() {
            for (value, mask) in four.iter_mut().zip(mask(place)) {
                *value *= mask;
            }
        }
        for (value, mask) in rest.iter_mut().zip(mask(fours.len())) {
            *value *= mask;
        }
    }
}

/// Where dropout happens.
pub(super) mod site {
    pub(in super::super) const INPUT: u64 = 1;
    pub(super) const WEIGHTS: u64 = 2;
    pub(super) const ATTENTION: u64 = 3;
    pub(super) const INNER: u64 = 4;
    pub(super) const FORWARD: u64 = 5;
}

/// Makes a slice of this length whose content does not matter.
fn resize(values: &mut Vec<f32>, length: usize) {
    values.resize(length, 0.0);
}

impl Norm {
    fn forward(&mut self, x: &[f32], scale_shift: &[f32]) {
        let d = scale_shift.len() / 2;
        let (scale, shift) = scale_shift.split_at(d);
        resize(&mut self.out, x.len());
        resize(&mut self.normal, x.len());
        resize(&mut self.inverse, x.len() / d);
        wide(
            #[inline(always)]
            || {
                let rows = x.chunks_exact(d).zip(self.out.chunks_exact_mut(d)).zip(self.normal.chunks_exact_mut(d));
                for (((x, out), normal), inverse) in rows.zip(&mut self.inverse) {
                    let mean = sum(x) / d as f32;
                    for (normal, x) in normal.iter_mut().zip(x) {
                        *normal = x - mean;
                    }
                    *inverse = 1.0 / (dot(normal, normal) / d as f32 + EPSILON).sqrt();
                    for i in 0..d {
                        normal[i] *= *inverse;
                        out[i] = normal[i] * scale[i] + shift[i];
                    }
                }
            },
        );
    }

    /// Adds the gradient by the input to `dx`; `d_out` is used up.
    fn backward(&self, d_out: &mut [f32], scale_shift: &[f32], d_scale_shift: &mut [f32], dx: &mut [f32]) {
        let d = scale_shift.len() / 2;
        let scale = &scale_shift[..d];
        let (d_scale, d_shift) = d_scale_shift.split_at_mut(d);
        wide(
            #[inline(always)]
            || {
                let rows = d_out.chunks_exact_mut(d).zip(self.normal.chunks_exact(d)).zip(dx.chunks_exact_mut(d));
                for (((d_out, normal), dx), inverse) in rows.zip(&self.inverse) {
                    for i in 0..d {
                        d_scale[i] += d_out[i] * normal[i];
                        d_shift[i] += d_out[i];
                        d_out[i] *= scale[i];
                    }
                    let mean = sum(d_out) / d as f32;
                    let along = dot(d_out, normal) / d as f32;
                    for i in 0..d {
                        dx[i] += inverse * (d_out[i] - mean - normal[i] * along);
                    }
                }
            },
        );
    }
}

/// From the input in `work.x` to [`Work::output`].
pub(super) fn forward(work: &mut Work, layout: &Layout, weights: &[f32], starts: &[usize], dropout: Dropout) {
    let (d, f) = (layout.dims, layout.inner);
    let at = layout.ranges();
    let n = work.x.len() / d;
    work.attention_norm.forward(&work.x, &weights[at.attention_norm.clone()]);
    resize(&mut work.query_key_value, n * 3 * d);
    let projections = Matrix::new(&weights[at.query_key_value.clone()], 3 * d);
    multiply(&mut work.query_key_value, 0.0, Matrix::new(&work.attention_norm.out, d), projections);
    attend(work, d, &weights[at.distances.clone()], starts, dropout);
    resize(&mut work.branch, n * d);
    let out = Matrix::new(&weights[at.attention_out.clone()], d);
    multiply(&mut work.branch, 0.0, Matrix::new(&work.attended, d), out);
    dropout.apply(site::ATTENTION, &mut work.branch);
    wide(
        #[inline(always)]
        || add(&mut work.x, &work.branch),
    );

    work.forward_norm.forward(&work.x, &weights[at.forward_norm.clone()]);
    resize(&mut work.inner, n * f);
    let inner = Matrix::new(&weights[at.inner.clone()], f);
    multiply(&mut work.inner, 0.0, Matrix::new(&work.forward_norm.out, d), inner);
    let shift = &weights[at.inner_shift.clone()];
    wide(
        #[inline(always)]
        || {
            for row in work.inner.chunks_exact_mut(f) {
                for (x, shift) in row.iter_mut().zip(shift) {
                    *x = (*x + shift).max(0.0);
                }
            }
        },
    );
    dropout.apply(site::INNER, &mut work.inner);
    multiply(&mut work.branch, 0.0, Matrix::new(&work.inner, f), Matrix::new(&weights[at.outer.clone()], d));
    let shift = &weights[at.outer_shift.clone()];
    work.branch.chunks_exact_mut(d).for_each(|row| add(row, shift));
    dropout.apply(site::FORWARD, &mut work.branch);
    wide(
        #[inline(always)]
        || add(&mut work.x, &work.branch),
    );
    work.final_norm.forward(&work.x, &weights[at.final_norm]);
}

/// From the gradient by the output (used up) to the gradients by the weights, added to `gradient`, and by the input, in
/// `work.dx`.
pub(super) fn backward(
    work: &mut Work,
    layout: &Layout,
    weights: &[f32],
    starts: &[usize],
    dropout: Dropout,
    d_output: &mut [f32],
    gradient: &mut [f32],
) {
    let (d, f) = (layout.dims, layout.inner);
    let at = layout.ranges();
    let n = d_output.len() / d;
    work.dx.clear();
    resize(&mut work.dx, n * d);
    let norm = at.final_norm.clone();
    work.final_norm.backward(d_output, &weights[norm.clone()], &mut gradient[norm], &mut work.dx);

    // z = y + drop(relu(norm(y) W1 + c1) W2 + c2)
    work.branch.clone_from(&work.dx);
    dropout.apply(site::FORWARD, &mut work.branch);
    add_columns(&mut gradient[at.outer_shift.clone()], &work.branch);
    let d_branch = Matrix::new(&work.branch, d);
    multiply(&mut gradient[at.outer.clone()], 1.0, Matrix::new(&work.inner, f).transposed(), d_branch);
    resize(&mut work.d_inner, n * f);
    multiply(&mut work.d_inner, 0.0, d_branch, Matrix::new(&weights[at.outer.clone()], d).transposed());
    dropout.apply(site::INNER, &mut work.d_inner);
    wide(
        #[inline(always)]
        || {
            for (dx, x) in work.d_inner.iter_mut().zip(&work.inner) {
                *dx = if *x > 0.0 { *dx } else { 0.0 };
            }
        },
    );
    add_columns(&mut gradient[at.inner_shift.clone()], &work.d_inner);
    let d_inner = Matrix::new(&work.d_inner, f);
    multiply(&mut gradient[at.inner.clone()], 1.0, Matrix::new(&work.forward_norm.out, d).transposed(), d_inner);
    resize(&mut work.d_norm, n * d);
    multiply(&mut work.d_norm, 0.0, d_inner, Matrix::new(&weights[at.inner.clone()], f).transposed());
    let norm = at.forward_norm.clone();
    work.forward_norm.backward(&mut work.d_norm, &weights[norm.clone()], &mut gradient[norm], &mut work.dx);

    // y = x + drop(attended Wo)
    work.branch.clone_from(&work.dx);
    dropout.apply(site::ATTENTION, &mut work.branch);
    let d_branch = Matrix::new(&work.branch, d);
    let out = at.attention_out.clone();
    multiply(&mut gradient[out.clone()], 1.0, Matrix::new(&work.attended, d).transposed(), d_branch);
    resize(&mut work.d_attended, n * d);
    multiply(&mut work.d_attended, 0.0, d_branch, Matrix::new(&weights[out], d).transposed());
    attend_backward(work, d, starts, dropout, &mut gradient[at.distances.clone()]);
    let projections = at.query_key_value.clone();
    let d_projected = Matrix::new(&work.d_query_key_value, 3 * d);
    let left = Matrix::new(&work.attention_norm.out, d).transposed();
    multiply(&mut gradient[projections.clone()], 1.0, left, d_projected);
    multiply(&mut work.d_norm, 0.0, d_projected, Matrix::new(&weights[projections], 3 * d).transposed());
    let Ranges { attention_norm: norm, .. } = at;
    work.attention_norm.backward(&mut work.d_norm, &weights[norm.clone()], &mut gradient[norm], &mut work.dx);
}

/// Adds the sum of the rows.
fn add_columns(to: &mut [f32], rows: &[f32]) {
    wide(
        #[inline(always)]
        || rows.chunks_exact(to.len()).for_each(|row| add(to, row)),
    );
}

/// Attention within each window: fills `work.weights` and `work.attended`.
fn attend(work: &mut Work, d: usize, distances: &[f32], starts: &[usize], dropout: Dropout) {
    let Work { query_key_value, weights, attended, .. } = work;
    let scale = 1.0 / (d as f32).sqrt();
    let pairs = |bounds: &[usize]| (bounds[1] - bounds[0]) * (bounds[1] - bounds[0] + 1) / 2;
    resize(weights, starts.windows(2).map(pairs).sum());
    attended.clear();
    resize(attended, starts[starts.len() - 1] * d);
    wide(
        #[inline(always)]
        || {
            let mut rest = &mut weights[..];
            for bounds in starts.windows(2) {
                for i in bounds[0]..bounds[1] {
                    let (weights, later) = std::mem::take(&mut rest).split_at_mut(i + 1 - bounds[0]);
                    rest = later;
                    let query = &query_key_value[i * 3 * d..][..d];
                    for (j, weight) in (bounds[0]..).zip(&mut *weights) {
                        *weight = dot(query, &query_key_value[j * 3 * d + d..][..d]) * scale + distances[i - j];
                    }
                    softmax(weights);
                }
            }
        },
    );
    let mut rest = &mut weights[..];
    let mut dropped = [0.0; LENGTH];
    let mut row = 0;
    for bounds in starts.windows(2) {
        for i in bounds[0]..bounds[1] {
            let (weights, later) = std::mem::take(&mut rest).split_at_mut(i + 1 - bounds[0]);
            rest = later;
            let dropped = &mut dropped[..weights.len()];
            dropped.copy_from_slice(weights);
            dropout.apply(site::WEIGHTS + (row << 8), dropped);
            row += 1;
            let attended = &mut attended[i * d..][..d];
            wide(
                #[inline(always)]
                || {
                    for (j, weight) in (bounds[0]..).zip(&*dropped) {
                        add_scaled(attended, *weight, &query_key_value[j * 3 * d + 2 * d..][..d]);
                    }
                },
            );
        }
    }
}

/// Replaces scores by their softmax.
#[inline(always)]
pub(super) fn softmax(scores: &mut [f32]) {
    let most = largest(scores);
    scores.iter_mut().for_each(|x| *x = exp(*x - most));
    let scale = 1.0 / sum(scores);
    scores.iter_mut().for_each(|x| *x *= scale);
}

/// From `work.d_attended` to `work.d_query_key_value` and the gradient by the bias of each distance.
fn attend_backward(work: &mut Work, d: usize, starts: &[usize], dropout: Dropout, d_distances: &mut [f32]) {
    let Work { query_key_value: qkv, weights, d_attended, d_query_key_value: d_qkv, .. } = work;
    let scale = 1.0 / (d as f32).sqrt();
    d_qkv.clear();
    resize(d_qkv, qkv.len());
    let mut rest = &weights[..];
    let (mut mask, mut d_scores) = ([0.0; LENGTH], [0.0; LENGTH]);
    let mut row = 0;
    for bounds in starts.windows(2) {
        for i in bounds[0]..bounds[1] {
            let (weights, later) = rest.split_at(i + 1 - bounds[0]);
            rest = later;
            let (mask, d_scores) = (&mut mask[..weights.len()], &mut d_scores[..weights.len()]);
            mask.fill(1.0);
            dropout.apply(site::WEIGHTS + (row << 8), mask);
            row += 1;
            let d_out = &d_attended[i * d..][..d];
            wide(
                #[inline(always)]
                || {
                    for ((j, d_score), mask) in (bounds[0]..).zip(&mut *d_scores).zip(&*mask) {
                        *d_score = dot(d_out, &qkv[j * 3 * d + 2 * d..][..d]) * mask;
                        add_scaled(&mut d_qkv[j * 3 * d + 2 * d..][..d], weights[j - bounds[0]] * mask, d_out);
                    }
                    let along = dot(d_scores, weights);
                    for (d_score, weight) in d_scores.iter_mut().zip(weights) {
                        *d_score = weight * (*d_score - along);
                    }
                    for (j, d_score) in (bounds[0]..).zip(&*d_scores) {
                        d_distances[i - j] += d_score;
                        add_scaled(&mut d_qkv[i * 3 * d..][..d], d_score * scale, &qkv[j * 3 * d + d..][..d]);
                        add_scaled(&mut d_qkv[j * 3 * d + d..][..d], d_score * scale, &qkv[i * 3 * d..][..d]);
                    }
                },
            );
        }
    }
}
