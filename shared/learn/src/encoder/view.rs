//! From a history to a vector, in a request: over borrowed weights, without allocation, and only what the last position
//! needs.
//!
//! With one block, keys and values need not be made: `q · (a_j Wk) = (Wk q) · a_j` and `Σ p_j (a_j Wv) = (Σ p_j a_j) Wv`, so
//! what is left for each action is a layer norm and two passes over its vector.

use super::block::{EPSILON, softmax};
use super::kernel::{add, add_scaled, dot, sum, wide};
use super::layout::{GAPS, KINDS, LENGTH, Layout, gap_bucket};

/// A past action, as the encoder sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Past {
    /// Row of the product.
    pub row: u32,
    /// Kind of action, see [`super::kind_of`].
    pub kind: u8,
    /// Days since the action before; zero for the first.
    pub gap_days: f32,
}

/// Dense weights that lie somewhere else.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    layout: Layout,
    dense: &'a [f32],
}

/// Space for [`View::encode`]; made once.
#[derive(Debug, Clone)]
pub struct Scratch {
    /// Normalised inputs.
    inputs: Vec<f32>,
    weights: [f32; LENGTH],
    x: Vec<f32>,
    normal: Vec<f32>,
    query: Vec<f32>,
    mixed: Vec<f32>,
    inner: Vec<f32>,
}

impl Scratch {
    /// Space for an encoder of these shapes.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        let vector = || vec![0.0; layout.dims];
        Self {
            inputs: vec![0.0; LENGTH * layout.dims],
            weights: [0.0; LENGTH],
            x: vector(),
            normal: vector(),
            query: vector(),
            mixed: vector(),
            inner: vec![0.0; layout.inner],
        }
    }
}

#[inline(always)]
fn norm(x: &[f32], scale_shift: &[f32], out: &mut [f32]) {
    let d = x.len();
    let mean = sum(x) / d as f32;
    for (out, x) in out.iter_mut().zip(x) {
        *out = x - mean;
    }
    let inverse = 1.0 / (dot(out, out) / d as f32 + EPSILON).sqrt();
    let (scale, shift) = scale_shift.split_at(d);
    for i in 0..d {
        out[i] = out[i] * inverse * scale[i] + shift[i];
    }
}

/// `out += x W` for a row-major `W` of which rows `step` apart are used.
#[inline(always)]
fn apply(x: &[f32], matrix: &[f32], step: usize, out: &mut [f32]) {
    for (x, row) in x.iter().zip(matrix.chunks(step)) {
        add_scaled(out, *x, &row[..out.len()]);
    }
}

impl<'a> View<'a> {
    /// A view of dense weights; none if there are not as many as the shapes need.
    #[must_use]
    pub fn new(layout: Layout, dense: &'a [f32]) -> Option<Self> {
        (dense.len() == layout.len() && layout.dims > 0).then_some(Self { layout, dense })
    }

    /// The shapes.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Encodes a history, oldest first; only its last [`LENGTH`] actions are looked at. `product_vector` writes the vector
    /// of a product. Without a history, or with an `out` of another length, `out` becomes zero.
    ///
    /// Nothing is allocated if `scratch` was made for the same shapes.
    pub fn encode(
        &self,
        history: &[Past],
        product_vector: impl Fn(u32, &mut [f32]),
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let d = self.layout.dims;
        let history = &history[history.len().saturating_sub(LENGTH)..];
        out.fill(0.0);
        if history.is_empty() || out.len() != d {
            return;
        }
        if scratch.inputs.len() != LENGTH * d || scratch.inner.len() != self.layout.inner {
            *scratch = Scratch::new(&self.layout);
        }
        for (past, x) in history.iter().zip(scratch.inputs.chunks_exact_mut(d)) {
            product_vector(past.row, x);
        }
        wide(
            #[inline(always)]
            || self.run(history, scratch, out),
        );
    }

    #[inline(always)]
    fn run(&self, history: &[Past], scratch: &mut Scratch, out: &mut [f32]) {
        let (d, dense) = (self.layout.dims, self.dense);
        let at = self.layout.ranges();
        let Scratch { inputs, weights, x, normal, query, mixed, inner } = scratch;
        let inputs = &mut inputs[..history.len() * d];
        let (positions, kinds, gaps) = (&dense[at.positions], &dense[at.kinds], &dense[at.gaps]);
        for ((place, past), row) in history.iter().enumerate().zip(inputs.chunks_exact_mut(d)) {
            let kind = usize::from(past.kind).min(KINDS - 1);
            let gap = usize::from(gap_bucket(past.gap_days)).min(GAPS - 1);
            add(row, &positions[place * d..][..d]);
            add(row, &kinds[kind * d..][..d]);
            add(row, &gaps[gap * d..][..d]);
            x.copy_from_slice(row);
            norm(x, &dense[at.attention_norm.clone()], row);
        }

        // q = a Wq, then q Wkᵀ, to be compared with the normalised inputs themselves.
        let last = &inputs[inputs.len() - d..];
        let projections = &dense[at.query_key_value];
        query.fill(0.0);
        apply(last, projections, 3 * d, query);
        for (mixed, row) in mixed.iter_mut().zip(projections.chunks_exact(3 * d)) {
            *mixed = dot(query, &row[d..2 * d]);
        }
        let weights = &mut weights[..history.len()];
        let scale = 1.0 / (d as f32).sqrt();
        let distances = &dense[at.distances];
        for (place, (weight, input)) in weights.iter_mut().zip(inputs.chunks_exact(d)).enumerate() {
            *weight = dot(mixed, input) * scale + distances[history.len() - 1 - place];
        }
        softmax(weights);
        mixed.fill(0.0);
        for (weight, input) in weights.iter().zip(inputs.chunks_exact(d)) {
            add_scaled(mixed, *weight, input);
        }
        query.fill(0.0);
        apply(mixed, &projections[2 * d..], 3 * d, query);
        apply(query, &dense[at.attention_out], d, x);

        norm(x, &dense[at.forward_norm], normal);
        inner.copy_from_slice(&dense[at.inner_shift]);
        apply(normal, &dense[at.inner], inner.len(), inner);
        inner.iter_mut().for_each(|x| *x = x.max(0.0));
        add(x, &dense[at.outer_shift]);
        apply(inner, &dense[at.outer], d, x);
        norm(x, &dense[at.final_norm], out);
    }
}
