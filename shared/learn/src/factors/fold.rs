//! Folding a visitor in: the normal equations of one vector, solved exactly.
//!
//! Of a symmetric matrix only the upper triangle counts, and rows are worked on in whole blocks: what stands to the left of
//! the diagonal in its block is added up too and never read. Each number is added up in the order of what was seen, so the
//! result has the same bits on every machine.

use super::kernel::{Vector, load, store, zero};
use super::simd::{LANES, Register, versions};
use super::{Confidence, MAX_FACTORS};
use crate::linear::{add_scaled, substitute};

/// Vectors that are taken together, so that a row of the matrix is read and written once for all of them.
const TOGETHER: usize = 16;

/// Solves for one vector: `x` becomes the minimum of the loss given the vectors of the other side.
///
/// `gram` is the upper triangle of `Σ y yᵀ + λ I`; `seen` lists each seen vector once with its sum of interest. Without
/// positive interest the answer is zero. Nothing is allocated.
pub fn fold_in<'y>(gram: &[f32], confidence: Confidence, seen: impl Iterator<Item = (&'y [f32], f32)>, x: &mut [f32]) {
    x.fill(0.0);
    if gram.len() != x.len() * x.len() {
        return;
    }
    match x.len().div_ceil(LANES) {
        0 | 1 => fold::<1>(gram, confidence, seen, x),
        2 => fold::<2>(gram, confidence, seen, x),
        3 => fold::<3>(gram, confidence, seen, x),
        4 => fold::<4>(gram, confidence, seen, x),
        _ => (),
    }
}

fn fold<'y, const B: usize>(
    gram: &[f32],
    confidence: Confidence,
    seen: impl Iterator<Item = (&'y [f32], f32)>,
    x: &mut [f32],
) {
    let d = x.len();
    let mut space = [zero::<B>(); MAX_FACTORS];
    let matrix = &mut space[..d];
    matrix.iter_mut().zip(gram.chunks_exact(d.max(1))).for_each(|(row, numbers)| *row = padded(numbers));
    let mut together = [(0.0, zero::<B>()); TOGETHER];
    let (mut count, mut liked) = (0, false);
    for (y, interest) in seen.filter(|(y, interest)| y.len() == d && interest.is_finite()) {
        let more = confidence.beyond_one(interest);
        together[count] = (more, padded(y));
        count += 1;
        if count == TOGETHER {
            add_outer(matrix, &together);
            count = 0;
        }
        if interest > 0.0 {
            liked = true;
            add_scaled(x, 1.0 + more, y);
        }
    }
    if !liked {
        return;
    }
    add_outer(matrix, &together[..count]);
    let mut definite = false;
    factorise(matrix, &mut definite);
    if !definite {
        x.fill(0.0);
        return;
    }
    let mut triangle = [0.0; MAX_FACTORS * MAX_FACTORS];
    for (row, numbers) in matrix.iter().zip(triangle.chunks_exact_mut(d.max(1))) {
        numbers.chunks_mut(LANES).zip(row).for_each(|(to, block)| to.copy_from_slice(&block.0[..to.len()]));
    }
    substitute(&triangle[..d * d], x);
}

/// A vector with zeros behind it.
fn padded<const B: usize>(numbers: &[f32]) -> Vector<B> {
    let mut vector = zero::<B>();
    numbers.chunks(LANES).zip(&mut vector).for_each(|(from, block)| block.0[..from.len()].copy_from_slice(from));
    vector
}

/// Adds `factor * v_i * v` for each vector to row `i`, from a block on.
#[inline(always)]
fn add_to_row<R: Register, const B: usize, const FIRST: usize>(
    row: &mut Vector<B>,
    i: usize,
    vectors: &[(f32, Vector<B>)],
) {
    let mut sums: [R; B] = load(row);
    for (factor, v) in vectors {
        let factor = R::splat(factor * v[i / LANES].0[i % LANES]);
        for (sum, block) in sums.iter_mut().zip(v).skip(FIRST) {
            *sum = sum.add(factor.mul(R::load(block)));
        }
    }
    store(sums, row);
}

versions! {
    /// Adds `factor * v vᵀ` for each vector to the upper triangle of a matrix.
    fn add_outer<R, B>(matrix: &mut [Vector<B>], vectors: &[(f32, Vector<B>)]) {
        for (i, row) in matrix.iter_mut().enumerate() {
            match i / LANES {
                0 => add_to_row::<R, B, 0>(row, i, vectors),
                1 => add_to_row::<R, B, 1>(row, i, vectors),
                2 => add_to_row::<R, B, 2>(row, i, vectors),
                _ => add_to_row::<R, B, 3>(row, i, vectors),
            }
        }
    }
}

versions! {
    /// Replaces the upper triangle of `A` by that of `U` with `UᵀU = A`, as [`crate::linear::factorise`] does; says whether
    /// `A` is positive definite.
    fn factorise<R, B>(matrix: &mut [Vector<B>], definite: &mut bool) {
        for k in 0..matrix.len() {
            let (above, below) = matrix.split_at_mut(k + 1);
            let pivot_row = &mut above[k];
            let pivot = pivot_row[k / LANES].0[k % LANES];
            // Also false for NaN.
            if !(pivot > f32::MIN_POSITIVE && pivot.is_finite()) {
                return;
            }
            let scale = R::splat(1.0 / pivot.sqrt());
            pivot_row[k / LANES..].iter_mut().for_each(|block| R::load(block).mul(scale).store(block));
            for (i, row) in (k + 1..).zip(below) {
                let first = i / LANES;
                let factor = R::splat(-pivot_row[first].0[i % LANES]);
                for (block, pivots) in row[first..].iter_mut().zip(&pivot_row[first..]) {
                    R::load(block).add(factor.mul(R::load(pivots))).store(block);
                }
            }
        }
        *definite = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::linear;

    /// The same, number by number.
    fn plainly(gram: &[f32], confidence: Confidence, seen: &[(Vec<f32>, f32)], x: &mut [f32]) {
        let mut matrix = gram.to_vec();
        x.fill(0.0);
        for (y, interest) in seen {
            let more = confidence.beyond_one(*interest);
            linear::add_outer(&mut matrix, more, y);
            if *interest > 0.0 {
                add_scaled(x, 1.0 + more, y);
            }
        }
        if seen.iter().any(|(_, interest)| *interest > 0.0) {
            linear::solve(&mut matrix, x);
        }
    }

    proptest! {
        #[test]
        fn whole_blocks_give_the_same_bits(
            (d, seen) in (1_usize..=MAX_FACTORS, 0_usize..50).prop_flat_map(|(d, count)| (
                Just(d),
                prop::collection::vec((prop::collection::vec(-1.0_f32..1.0, d), -2.0_f32..5.0), count),
            )),
            ridge in prop::sample::select(vec![-1.0_f32, 0.0, 0.1, 3.0]),
        ) {
            let confidence = Confidence { scale: 8.0, half_life_days: 30.0 };
            let gram: Vec<f32> = (0..d * d).map(|at| if at % (d + 1) == 0 { ridge } else { 0.0 }).collect();
            let (mut fast, mut plain) = (vec![7.0; d], vec![7.0; d]);
            fold_in(&gram, confidence, seen.iter().map(|(y, interest)| (&y[..], *interest)), &mut fast);
            plainly(&gram, confidence, &seen, &mut plain);
            let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&fast), bits(&plain));
        }
    }
}
