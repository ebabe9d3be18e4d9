//! The vectors of products: a learned row for the identifier, a linear map of a content vector, and the mean of the rows
//! of its attributes (an embedding bag).
//!
//! ```text
//! v_i = [identifier kept] e_i + c_i W + 1/|A_i| Σ_(a in A_i) u_a
//! ```
//!
//! In training the identifier's row of a product that has content is left out at times (dropout over whole rows, Volkovs
//! et al., DropoutNet, NIPS 2017), so that content alone is enough for products that nobody has met yet.

use super::Weights;
use super::kernel::{Matrix, add, add_scaled, multiply, wide};
use super::layout::Layout;
use crate::dataset::mix;
use crate::parallel;

/// What is known of the products beside who met them. Slices may be empty; rows that they do not reach have no content.
#[derive(Debug, Clone, Copy, Default)]
pub struct Catalogue<'a> {
    /// How many products there are.
    pub products: usize,
    /// Row-major content vectors, or nothing.
    pub content: &'a [f32],
    /// Dimensions of a content vector, or zero.
    pub content_dims: usize,
    /// Where each product's attributes start in `attributes`, and one more for the end; or nothing.
    pub attribute_starts: &'a [u32],
    /// Attributes, numbered from zero.
    pub attributes: &'a [u32],
}

impl Catalogue<'_> {
    /// How many attributes there are.
    #[must_use]
    pub fn attribute_count(&self) -> usize {
        self.attributes.iter().max().map_or(0, |most| *most as usize + 1)
    }

    pub(super) fn attributes_of(&self, row: usize) -> &[u32] {
        match (self.attribute_starts.get(row), self.attribute_starts.get(row + 1)) {
            (Some(start), Some(end)) => self.attributes.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    pub(super) fn content_of(&self, row: usize) -> &[f32] {
        let c = self.content_dims;
        if c == 0 { &[] } else { self.content.get(row * c..(row + 1) * c).unwrap_or_default() }
    }

    /// Whether a product's vector may do without its identifier.
    fn describes(&self, row: usize) -> bool {
        !self.attributes_of(row).is_empty() || self.content_of(row).iter().any(|x| *x != 0.0)
    }
}

/// Leaves out identifiers: a function of the key and the row.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdDropout {
    pub(super) rate: f32,
    pub(super) key: u64,
}

impl IdDropout {
    /// Whether a product keeps its identifier.
    pub(super) fn keeps(self, catalogue: &Catalogue<'_>, row: u32) -> bool {
        let drawn = (mix(self.key ^ mix(u64::from(row))) >> 40) as f32 / (1_u64 << 24) as f32;
        drawn >= self.rate || !catalogue.describes(row as usize)
    }
}

/// Products whose vectors are made at a time.
const CHUNK: usize = 256;

/// The vectors of some products, row-major in `out`; their content is left in `content`.
pub(super) fn compose(
    weights: &Weights,
    catalogue: &Catalogue<'_>,
    rows: &[u32],
    dropout: IdDropout,
    threads: usize,
    content: &mut Vec<f32>,
    out: &mut Vec<f32>,
) {
    let (c, d) = (catalogue.content_dims, weights.layout.dims);
    out.clear();
    out.resize(rows.len() * d, 0.0);
    content.clear();
    content.resize(rows.len() * c, 0.0);
    let (mut rest, mut chunks) = (&mut content[..], Vec::with_capacity(rows.len().div_ceil(CHUNK)));
    for (rows, out) in rows.chunks(CHUNK).zip(out.chunks_mut(CHUNK * d)) {
        let (content, after) = rest.split_at_mut(rows.len() * c);
        rest = after;
        chunks.push((rows, content, out));
    }
    parallel::each(&mut chunks, threads, |(rows, content, out)| {
        compose_chunk(weights, catalogue, rows, dropout, content, out);
    });
}

fn compose_chunk(
    weights: &Weights,
    catalogue: &Catalogue<'_>,
    rows: &[u32],
    dropout: IdDropout,
    content: &mut [f32],
    out: &mut [f32],
) {
    let (c, d) = (catalogue.content_dims, weights.layout.dims);
    if c > 0 {
        for (row, to) in rows.iter().zip(content.chunks_exact_mut(c)) {
            let from = catalogue.content_of(*row as usize);
            to[..from.len()].copy_from_slice(from);
        }
        let map = &weights.dense[weights.layout.ranges().content];
        multiply(out, 0.0, Matrix::new(content, c), Matrix::new(map, d));
    }
    wide(
        #[inline(always)]
        || {
            for (row, out) in rows.iter().zip(out.chunks_exact_mut(d)) {
                if dropout.keeps(catalogue, *row) {
                    add(out, &weights.identifiers[*row as usize * d..][..d]);
                }
                let attributes = catalogue.attributes_of(*row as usize);
                let share = 1.0 / attributes.len().max(1) as f32;
                for attribute in attributes {
                    add_scaled(out, share, &weights.attributes[*attribute as usize * d..][..d]);
                }
            }
        },
    );
}

/// Adds to `gradient` what the products' vectors say of the content map. `content` is what [`compose`] left there.
pub(super) fn content_gradient(layout: &Layout, content: &[f32], d_vectors: &[f32], gradient: &mut [f32]) {
    if layout.content_dims > 0 {
        let to = &mut gradient[layout.ranges().content];
        let left = Matrix::new(content, layout.content_dims).transposed();
        multiply(to, 1.0, left, Matrix::new(d_vectors, layout.dims));
    }
}
