//! The exact scan as functions: every allowed row is scored. [`Flat`](crate::Flat) is the same as an index.

use half::f16;

use crate::found::{Found, Top, rank_of};
use crate::kernel::{Level, Number};
use crate::search::{check_query, rows_in};
use crate::{Bitmap, Error, Flat, Index};

/// The dot product of two vectors, summed in a fixed order; the longer one's rest is ignored.
#[must_use]
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    f32::dot(Level::best(), a, b)
}

/// The dot product with a vector in half precision: as [`dot`] with the widened vector, to the bit.
#[must_use]
#[inline]
pub fn dot_f16(a: &[f32], b: &[f16]) -> f32 {
    f16::dot(Level::best(), a, b)
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
    check_query(query, dims)?;
    let rows = rows_in(vectors, dims)?;
    let mut found = Found::default();
    if k == 0 {
        return Ok(found);
    }
    let (level, mut top) = (Level::best(), Top::default());
    top.start(k, rows);
    for (row, vector) in (0_u32..).zip(vectors.chunks_exact(dims)) {
        if allowed(row) {
            top.offer(rank_of(f32::dot(level, query, vector)), row);
            found.touched += 1;
        }
    }
    found.bytes = found.touched * dims * size_of::<f32>();
    top.write(&mut found.hits);
    Ok(found)
}

/// The best `k` among the rows of a set: its cost is that of the set, not of the catalogue. Rows of the set beyond the
/// vectors are ignored.
///
/// # Errors
/// As [`top_k`].
pub fn top_k_in(vectors: &[f32], dims: usize, query: &[f32], k: usize, allowed: &Bitmap) -> Result<Found, Error> {
    check_query(query, dims)?;
    Flat::new(vectors, dims)?.find(query, k, Some(allowed))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Hit;

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
        assert!(matches!(top_k(&[1.0; 6], 3, &[1.0; 2], 1, all), Err(Error::Query { query: 2, vectors: 3 })));
        assert!(matches!(top_k(&[1.0; 7], 3, &[1.0; 3], 1, all), Err(Error::Vectors { len: 7, dims: 3 })));
        assert!(matches!(top_k(&[], 0, &[], 1, all), Err(Error::Vectors { len: 0, dims: 0 })));
        assert_eq!(top_k(&[], 3, &[1.0; 3], 1, all).unwrap(), Found::default());
    }

    #[test]
    fn rows_of_the_set_beyond_the_vectors_are_ignored() {
        let found = top_k_in(&[1.0, 2.0], 1, &[1.0], 9, &Bitmap::full(100)).unwrap();
        assert_eq!(found.rows().collect::<Vec<_>>(), [1, 0]);
    }
}
