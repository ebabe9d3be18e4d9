//! The little linear algebra that closed forms need: dot products, symmetric sums, one Cholesky solve.
//!
//! Loops run over whole slices in a fixed order, so that compilers vectorise them and results are the same everywhere.

use crate::encoder::kernel::{self, wide};

/// Partial sums that run side by side; fixed, because the order of the additions is part of the result.
const LANES: usize = 16;

/// The dot product of two vectors of equal length, summed in a fixed order.
#[inline]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
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

/// The dot products of a query with every row of a matrix, as [`dot`] sums them, with the widest vectors of the CPU.
pub(crate) fn dots(query: &[f32], rows: &[f32], out: &mut [f32]) {
    let d = query.len();
    wide(
        #[inline(always)]
        || {
            for (out, row) in out.iter_mut().zip(rows.chunks_exact(d.max(1))) {
                *out = kernel::dot(query, row);
            }
        },
    );
}

/// `to += factor * from`.
#[inline]
pub(crate) fn add_scaled(to: &mut [f32], factor: f32, from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}

/// Scales a vector to length one; a zero vector stays zero.
pub(crate) fn normalise(vector: &mut [f32]) {
    let length = dot(vector, vector).sqrt();
    if length > 0.0 && length.is_finite() {
        vector.iter_mut().for_each(|x| *x /= length);
    } else {
        vector.fill(0.0);
    }
}

/// Adds `factor * v vᵀ` to the upper triangle of a `d x d` matrix.
#[cfg(test)]
pub(crate) fn add_outer(matrix: &mut [f32], factor: f32, v: &[f32]) {
    let d = v.len();
    for (i, row) in matrix.chunks_exact_mut(d).enumerate() {
        add_scaled(&mut row[i..], factor * v[i], &v[i..]);
    }
}

/// `Σ v vᵀ` over the rows of a row-major matrix: the upper triangle of a `d x d` matrix, summed in `f64`.
pub(crate) fn gram(rows: &[f32], d: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; d * d];
    for v in rows.chunks_exact(d) {
        for (i, row) in sums.chunks_exact_mut(d).enumerate() {
            let factor = f64::from(v[i]);
            for (sum, x) in row[i..].iter_mut().zip(&v[i..]) {
                *sum += factor * f64::from(*x);
            }
        }
    }
    sums.into_iter().map(|x| x as f32).collect()
}

/// Solves `A x = b` in place for a symmetric positive definite `A` of which the upper triangle is given; `b` becomes `x`
/// and `A` is destroyed. False, with `b` all zeros, if `A` is not positive definite.
#[cfg(test)]
pub(crate) fn solve(a: &mut [f32], b: &mut [f32]) -> bool {
    let d = b.len();
    if !factorise(a, d) {
        b.fill(0.0);
        return false;
    }
    substitute(a, b);
    true
}

/// Replaces the upper triangle of `A` by that of `U` with `UᵀU = A` (Cholesky, row by row, so that the inner loop runs
/// along memory).
pub(crate) fn factorise(a: &mut [f32], d: usize) -> bool {
    for k in 0..d {
        let (above, below) = a.split_at_mut((k + 1) * d);
        let pivot_row = &mut above[k * d..];
        let pivot = pivot_row[k];
        // Also false for NaN.
        if !(pivot > f32::MIN_POSITIVE && pivot.is_finite()) {
            return false;
        }
        let scale = 1.0 / pivot.sqrt();
        pivot_row[k..].iter_mut().for_each(|x| *x *= scale);
        for (offset, row) in below.chunks_exact_mut(d).enumerate() {
            let i = k + 1 + offset;
            add_scaled(&mut row[i..], -pivot_row[i], &pivot_row[i..]);
        }
    }
    true
}

/// Solves `UᵀU x = b` in place.
pub(crate) fn substitute(u: &[f32], b: &mut [f32]) {
    let d = b.len();
    for i in 0..d {
        let row = &u[i * d..(i + 1) * d];
        let (head, tail) = b.split_at_mut(i + 1);
        head[i] /= row[i];
        add_scaled(tail, -head[i], &row[i + 1..]);
    }
    for i in (0..d).rev() {
        let row = &u[i * d..(i + 1) * d];
        b[i] = (b[i] - dot(&row[i + 1..], &b[i + 1..])) / row[i];
    }
}

/// Makes the columns of a row-major matrix orthonormal: `Y ← Y U⁻¹` with `UᵀU = YᵀY` (Cholesky), twice, because the first time
/// leaves rounding errors as large as the columns were alike. A ridge that no other feels keeps columns that depend on
/// others from failing; they end up short.
pub(crate) fn orthonormalise(rows: &mut [f32], dims: usize) {
    for _ in 0..2 {
        let mut square = gram(rows, dims);
        let trace: f32 = (0..dims).map(|i| square[i * dims + i]).sum();
        for i in 0..dims {
            square[i * dims + i] += 1e-6 * trace / dims as f32;
        }
        if !factorise(&mut square, dims) {
            return;
        }
        for row in rows.chunks_exact_mut(dims) {
            for i in 0..dims {
                let (head, tail) = row.split_at_mut(i + 1);
                head[i] /= square[i * dims + i];
                add_scaled(tail, -head[i], &square[i * dims + i + 1..(i + 1) * dims]);
            }
        }
    }
}

/// Eigenvalues and eigenvectors (the rows of a matrix) of a symmetric matrix, by cyclic Jacobi rotations (Golub and Van Loan,
/// section 8.5). For matrices of at most some hundred rows.
pub(crate) fn eigen(mut a: Vec<f64>, d: usize) -> (Vec<f64>, Vec<f64>) {
    let mut vectors: Vec<f64> = (0..d * d).map(|at| if at % (d + 1) == 0 { 1.0 } else { 0.0 }).collect();
    for _ in 0..30 {
        let off: f64 = (0..d * d).filter(|at| at % (d + 1) != 0).map(|at| a[at] * a[at]).sum();
        let all: f64 = a.iter().map(|x| x * x).sum();
        if off <= 1e-24 * all {
            break;
        }
        for p in 0..d {
            for q in p + 1..d {
                if a[p * d + q] == 0.0 {
                    continue;
                }
                let theta = (a[q * d + q] - a[p * d + p]) / (2.0 * a[p * d + q]);
                let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
                let sine = tangent * cosine;
                let turn = |x: &mut f64, y: &mut f64| (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
                for i in 0..d {
                    let (mut x, mut y) = (a[i * d + p], a[i * d + q]);
                    turn(&mut x, &mut y);
                    (a[i * d + p], a[i * d + q]) = (x, y);
                }
                for matrix in [&mut a, &mut vectors] {
                    let (above, below) = matrix.split_at_mut(q * d);
                    above[p * d..(p + 1) * d].iter_mut().zip(&mut below[..d]).for_each(|(x, y)| turn(x, y));
                }
            }
        }
    }
    ((0..d).map(|i| a[i * (d + 1)]).collect(), vectors)
}

#[cfg(test)]
pub(crate) mod oracle {
    //! A dense solver of another kind, in `f64`: Gaussian elimination with partial pivoting.

    pub(crate) fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
        let n = b.len();
        for k in 0..n {
            let best = (k..n).max_by(|i, j| a[*i][k].abs().total_cmp(&a[*j][k].abs())).unwrap();
            a.swap(k, best);
            b.swap(k, best);
            for i in k + 1..n {
                let factor = a[i][k] / a[k][k];
                let pivot = a[k].clone();
                a[i][k..].iter_mut().zip(&pivot[k..]).for_each(|(x, p)| *x -= factor * p);
                b[i] -= factor * b[k];
            }
        }
        for k in (0..n).rev() {
            let known: f64 = (k + 1..n).map(|j| a[k][j] * b[j]).sum();
            b[k] = (b[k] - known) / a[k][k];
        }
        b
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn solves_what_elimination_solves(d in 1_usize..20, values in prop::collection::vec(-1.0_f32..1.0, 20 * 25 + 20)) {
            let rows = &values[..d * 25];
            let mut a = gram(rows, d);
            for i in 0..d {
                a[i * d + i] += 0.5;
            }
            let mut b = values[values.len() - d..].to_vec();
            let dense = (0..d)
                .map(|i| (0..d).map(|j| f64::from(a[i.min(j) * d + i.max(j)])).collect())
                .collect();
            let expected = oracle::solve(dense, b.iter().copied().map(f64::from).collect());
            prop_assert!(solve(&mut a, &mut b));
            for (x, expected) in b.iter().zip(expected) {
                prop_assert!((f64::from(*x) - expected).abs() < 1e-4, "{x} {expected}");
            }
        }

        #[test]
        fn columns_become_orthonormal_and_span_the_same(d in 1_usize..8, values in prop::collection::vec(-1.0_f32..1.0, 160)) {
            let rows = &values[..d * 20];
            let mut basis = rows.to_vec();
            orthonormalise(&mut basis, d);
            let square = gram(&basis, d);
            for i in 0..d {
                prop_assert!((square[i * d + i] - 1.0).abs() < 0.01);
                prop_assert!((i + 1..d).all(|j| square[i * d + j].abs() < 0.01));
            }
            // Every old column is its own projection on the new ones.
            for column in 0..d {
                let along: Vec<f32> = (0..d).map(|i| (0..20).map(|r| basis[r * d + i] * rows[r * d + column]).sum()).collect();
                for r in 0..20 {
                    prop_assert!((dot(&basis[r * d..(r + 1) * d], &along) - rows[r * d + column]).abs() < 0.03);
                }
            }
        }

        #[test]
        fn eigenvectors_put_the_matrix_together_again(d in 1_usize..9, values in prop::collection::vec(-1.0_f64..1.0, 64)) {
            let at = |i: usize, j: usize| values[i.min(j) * d + i.max(j)];
            let matrix = (0..d * d).map(|cell| at(cell / d, cell % d)).collect();
            let (numbers, vectors) = eigen(matrix, d);
            for (i, j) in (0..d).flat_map(|i| (0..d).map(move |j| (i, j))) {
                let sum: f64 = (0..d).map(|k| numbers[k] * vectors[k * d + i] * vectors[k * d + j]).sum();
                prop_assert!((sum - at(i, j)).abs() < 1e-9);
                let square: f64 = (0..d).map(|k| vectors[i * d + k] * vectors[j * d + k]).sum();
                prop_assert!((square - f64::from(u8::from(i == j))).abs() < 1e-9);
            }
        }

        #[test]
        fn outer_products_add_up_to_the_gram_matrix(d in 1_usize..10, values in prop::collection::vec(-1.0_f32..1.0, 100)) {
            let rows = &values[..d * 10];
            let mut sums = vec![0.0; d * d];
            rows.chunks_exact(d).for_each(|v| add_outer(&mut sums, 1.0, v));
            for (a, b) in sums.iter().zip(gram(rows, d)) {
                prop_assert!((a - b).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn what_has_no_solution_gives_zeros_and_no_nan() {
        for mut a in [vec![0.0; 4], vec![1.0, 2.0, 0.0, 1.0], vec![f32::NAN; 4], vec![f32::INFINITY; 4]] {
            let mut b = vec![1.0, 1.0];
            assert!(!solve(&mut a, &mut b));
            assert_eq!(b, [0.0, 0.0]);
        }
    }

    #[test]
    fn a_zero_vector_stays_zero() {
        let mut vector = [0.0; 3];
        normalise(&mut vector);
        assert_eq!(vector, [0.0; 3]);
    }
}
