//! The exact scan: every allowed row is scored. No build, no memory of its own, and right by construction.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::{Bitmap, Error};

/// A row and its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Row of the vector.
    pub row: u32,
    /// Dot product with the query; a number, never NaN.
    pub score: f32,
}

/// What a search found, and what it cost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The best rows: score descending, then row ascending.
    pub hits: Vec<Hit>,
    /// How many vectors were scored.
    pub touched: usize,
}

impl Found {
    /// The rows in order.
    pub fn rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.hits.iter().map(|hit| hit.row)
    }
}

/// Partial sums that run side by side: wide enough for the registers of any CPU we run on, and fixed, because the order
/// of the additions is part of the result.
const LANES: usize = 16;

/// The dot product of two vectors, summed in a fixed order; the longer one's rest is ignored.
#[must_use]
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let len = a.len().min(b.len());
    let (a_blocks, a_rest) = a[..len].as_chunks::<LANES>();
    let (b_blocks, b_rest) = b[..len].as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += a * b;
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// The dot product with a vector in half precision, block by block in a fixed order; the longer one's rest is ignored.
#[must_use]
pub fn dot_f16(a: &[f32], b: &[f16]) -> f32 {
    const BLOCK: usize = 64;
    let mut wide = [0.0_f32; BLOCK];
    let mut sum = 0.0;
    for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        let wide = &mut wide[..b.len()];
        b.convert_to_f32_slice(wide);
        sum += dot(a, wide);
    }
    sum
}

/// Ordered so that the largest is the one to lose first: lowest score, then highest row.
struct Worst(Hit);

impl Ord for Worst {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.score.total_cmp(&self.0.score).then(self.0.row.cmp(&other.0.row))
    }
}

impl PartialOrd for Worst {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Worst {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Worst {}

/// The best `k` rows seen so far. Rows must be offered in ascending order: then an equal score never displaces another.
struct Best {
    heap: BinaryHeap<Worst>,
    k: usize,
    touched: usize,
}

impl Best {
    fn new(k: usize, rows: usize) -> Self {
        Self { heap: BinaryHeap::with_capacity(k.min(rows) + 1), k, touched: 0 }
    }

    #[inline]
    fn offer(&mut self, row: u32, score: f32) {
        self.touched += 1;
        if self.heap.len() < self.k {
            if !score.is_nan() {
                // Adding positive zero makes -0.0 and 0.0 the same bits, and with them the same rank.
                self.heap.push(Worst(Hit { row, score: score + 0.0 }));
            }
            return;
        }
        // False for NaN as well.
        if self.heap.peek().is_some_and(|worst| score > worst.0.score) {
            self.heap.pop();
            self.heap.push(Worst(Hit { row, score: score + 0.0 }));
        }
    }

    fn into_found(self) -> Found {
        let hits = self.heap.into_sorted_vec().into_iter().map(|worst| worst.0).collect();
        Found { hits, touched: self.touched }
    }
}

fn rows_of(vectors: &[f32], dims: usize, query: &[f32]) -> Result<usize, Error> {
    if query.len() != dims {
        return Err(Error::Query { query: query.len(), vectors: dims });
    }
    let rows = vectors.len().checked_div(dims).unwrap_or(0);
    if dims == 0 || rows * dims != vectors.len() || u32::try_from(rows).is_err() {
        return Err(Error::Vectors { len: vectors.len(), dims });
    }
    Ok(rows)
}

/// The best `k` among the rows that `allowed` lets through; `vectors` is row-major, `dims` numbers a row.
///
/// `allowed` is asked once a row, ascending, and a row it refuses is not touched. See the crate's documentation for the
/// contract.
///
/// # Errors
/// If the query does not have `dims` dimensions or the vectors are not whole rows.
pub fn top_k(
    vectors: &[f32],
    dims: usize,
    query: &[f32],
    k: usize,
    allowed: impl Fn(u32) -> bool,
) -> Result<Found, Error> {
    let rows = rows_of(vectors, dims, query)?;
    if k == 0 {
        return Ok(Found::default());
    }
    let mut best = Best::new(k, rows);
    for (row, vector) in (0_u32..).zip(vectors.chunks_exact(dims)) {
        if allowed(row) {
            best.offer(row, dot(query, vector));
        }
    }
    Ok(best.into_found())
}

/// The best `k` among the rows of a set: its cost is that of the set, not of the catalogue. Rows of the set beyond the
/// vectors are ignored.
///
/// # Errors
/// As [`top_k`].
pub fn top_k_in(vectors: &[f32], dims: usize, query: &[f32], k: usize, allowed: &Bitmap) -> Result<Found, Error> {
    let rows = rows_of(vectors, dims, query)?;
    if k == 0 {
        return Ok(Found::default());
    }
    let mut best = Best::new(k, rows.min(allowed.count()));
    for row in allowed.iter().take_while(|row| (*row as usize) < rows) {
        let start = row as usize * dims;
        best.offer(row, dot(query, &vectors[start..start + dims]));
    }
    Ok(best.into_found())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sorts everything; the numbers are small integers, so that every sum is exact and ties abound.
    fn brute(vectors: &[f32], dims: usize, query: &[f32], k: usize, allowed: &Bitmap) -> Vec<Hit> {
        let mut all: Vec<Hit> = (0_u32..)
            .zip(vectors.chunks_exact(dims))
            .filter(|(row, _)| allowed.contains(*row))
            .map(|(row, v)| Hit { row, score: v.iter().zip(query).map(|(a, b)| f64::from(a * b)).sum::<f64>() as f32 })
            .collect();
        all.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap().then(a.row.cmp(&b.row)));
        all.truncate(k);
        all
    }

    fn case() -> impl Strategy<Value = (usize, Vec<f32>, Vec<f32>, Bitmap, usize)> {
        (1_usize..40, 0_usize..80).prop_flat_map(|(dims, rows)| {
            let value = || (-2_i8..=2).prop_map(f32::from);
            (
                Just(dims),
                prop::collection::vec(value(), dims * rows),
                prop::collection::vec(value(), dims),
                prop::collection::vec(any::<bool>(), rows)
                    .prop_map(|keep| Bitmap::from_fn(keep.len(), |row| keep[row as usize])),
                0..=rows + 3,
            )
        })
    }

    proptest! {
        #[test]
        fn finds_what_sorting_everything_finds((dims, vectors, query, allowed, k) in case()) {
            let expected = brute(&vectors, dims, &query, k, &allowed);
            let by_test = top_k(&vectors, dims, &query, k, |row| allowed.contains(row)).unwrap();
            let by_set = top_k_in(&vectors, dims, &query, k, &allowed).unwrap();
            prop_assert_eq!(&by_test.hits, &expected);
            prop_assert_eq!(&by_set, &by_test);
            prop_assert_eq!(by_set.touched, if k == 0 { 0 } else { allowed.count() });
        }

        #[test]
        fn rows_with_nan_are_left_out_and_nothing_else((dims, mut vectors, query, allowed, k) in case(), hole in any::<prop::sample::Index>()) {
            if vectors.is_empty() {
                return Ok(());
            }
            let at = hole.index(vectors.len());
            vectors[at] = f32::NAN;
            let mut rest = allowed.clone();
            rest.remove((at / dims) as u32);
            let found = top_k_in(&vectors, dims, &query, k, &allowed).unwrap();
            prop_assert_eq!(found.hits, brute(&vectors, dims, &query, k, &rest));
        }

        #[test]
        fn the_dot_product_is_one(pairs in prop::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), 0..200)) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.iter().copied().unzip();
            let exact: f64 = pairs.iter().map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            prop_assert!((f64::from(dot(&a, &b)) - exact).abs() < 1e-4);
        }
    }

    #[test]
    fn duplicates_and_zero_vectors_stand_in_the_order_of_rows() {
        let vectors = [0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 1.0, 2.0, -0.0, 0.0];
        let found = top_k(&vectors, 2, &[1.0, 1.0], 9, |_| true).unwrap();
        assert_eq!(found.rows().collect::<Vec<_>>(), [1, 3, 0, 2, 4]);
        let found = top_k(&vectors, 2, &[-1.0, -1.0], 2, |_| true).unwrap();
        assert_eq!(found.rows().collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn infinite_scores_are_scores() {
        let vectors = [1.0, f32::INFINITY, f32::NEG_INFINITY];
        let found = top_k(&vectors, 1, &[1.0], 3, |_| true).unwrap();
        assert_eq!(found.rows().collect::<Vec<_>>(), [1, 0, 2]);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let all = |_| true;
        assert_eq!(top_k(&[1.0; 6], 3, &[1.0; 2], 1, all), Err(Error::Query { query: 2, vectors: 3 }));
        assert_eq!(top_k(&[1.0; 7], 3, &[1.0; 3], 1, all), Err(Error::Vectors { len: 7, dims: 3 }));
        assert_eq!(top_k(&[], 0, &[], 1, all), Err(Error::Vectors { len: 0, dims: 0 }));
        assert_eq!(top_k(&[], 3, &[1.0; 3], 1, all), Ok(Found::default()));
    }

    #[test]
    fn rows_of_the_set_beyond_the_vectors_are_ignored() {
        let found = top_k_in(&[1.0, 2.0], 1, &[1.0], 9, &Bitmap::full(100)).unwrap();
        assert_eq!(found.rows().collect::<Vec<_>>(), [1, 0]);
    }
}
