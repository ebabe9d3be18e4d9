//! A few dozen numbers instead of thousands: the subspace in which rows of features differ most.
//!
//! Latent semantic analysis (Deerwester et al. 1990): rows are projected on the `dims` leading right singular vectors of the
//! matrix, found by subspace iteration from random signs (Halko, Martinsson and Tropp 2011, section 4.5), which keeps dot
//! products far better than random directions do, since words that occur together share a direction. For a dense matrix
//! the same iteration runs on its covariance (principal component analysis).
//!
//! Basis vectors are only defined up to rotation within the subspace; dot products are not touched by it.

use super::features::Sparse;
use crate::dataset::mix;
use crate::linear::{gram, orthonormalise};
use crate::text::matrix::multiply;

/// Iterations; singular values are far enough apart for few.
const ITERATIONS: u64 = 6;

/// Random signs: a matrix that no subspace is orthogonal to.
fn signs(len: usize) -> Vec<f32> {
    (0..len as u64).map(|i| if mix(i) & 1 == 0 { 1.0 } else { -1.0 }).collect()
}

/// Sparse rows in `dims` dimensions.
pub(super) fn sparse(rows: &Sparse, dims: usize, threads: usize) -> Vec<f32> {
    let transposed = rows.transposed();
    let mut basis = signs(rows.width * dims);
    for _ in 0..ITERATIONS {
        let mut images = rows.times(&basis, dims, threads);
        orthonormalise(&mut images, dims);
        basis = transposed.times(&images, dims, threads);
        orthonormalise(&mut basis, dims);
    }
    rows.times(&basis, dims, threads)
}

/// Dense rows, less their mean, in `dims` dimensions.
pub(super) fn dense(rows: &[f32], width: usize, dims: usize) -> Vec<f32> {
    let count = rows.len() / width.max(1);
    if count == 0 || dims == 0 {
        return Vec::new();
    }
    let mut mean = vec![0.0_f64; width];
    for row in rows.chunks_exact(width) {
        mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    let mut centred = rows.to_vec();
    for row in centred.chunks_exact_mut(width) {
        row.iter_mut().zip(&mean).for_each(|(x, sum)| *x -= (sum / count as f64) as f32);
    }
    let mut covariance = gram(&centred, width);
    for i in 0..width {
        for j in 0..i {
            covariance[i * width + j] = covariance[j * width + i];
        }
    }
    let mut basis = signs(width * dims);
    for _ in 0..ITERATIONS {
        let mut image = vec![0.0; basis.len()];
        multiply(&mut image, false, &covariance, &basis, width, dims);
        basis = image;
        orthonormalise(&mut basis, dims);
    }
    let mut reduced = vec![0.0; count * dims];
    multiply(&mut reduced, false, &centred, &basis, width, dims);
    reduced
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::dot;

    fn noise(i: u64) -> f32 {
        (mix(i) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    /// Rows in a three-dimensional subspace of twenty dimensions, plus noise of a certain size.
    fn planted(count: u64, size: f32) -> Vec<f32> {
        let directions: Vec<f32> = (0..60).map(noise).collect();
        let mut rows = Vec::new();
        for row in 0..count {
            for column in 0..20 {
                let sum: f32 =
                    (0..3).map(|k| noise(1_000 + row * 3 + k) * directions[(k * 20 + column) as usize]).sum();
                rows.push(sum + size * noise(9_000 + row * 20 + column));
            }
        }
        rows
    }

    fn as_sparse(rows: &[f32], width: usize) -> Sparse {
        let count = rows.len() / width;
        Sparse {
            starts: (0..=count).map(|row| row * width).collect(),
            columns: (0..rows.len()).map(|at| (at % width) as u32).collect(),
            values: rows.to_vec(),
            width,
        }
    }

    #[test]
    fn dot_products_survive_where_the_rows_really_lie() {
        for size in [0.0, 0.05] {
            let rows = planted(80, size);
            let reduced = sparse(&as_sparse(&rows, 20), 4, 1);
            assert_eq!(reduced, sparse(&as_sparse(&rows, 20), 4, 3));
            for (a, x) in rows.chunks_exact(20).zip(reduced.chunks_exact(4)) {
                for (b, y) in rows.chunks_exact(20).zip(reduced.chunks_exact(4)) {
                    assert!((dot(a, b) - dot(x, y)).abs() < 0.01 + size, "{} {}", dot(a, b), dot(x, y));
                }
            }
        }
    }

    #[test]
    fn principal_components_keep_distances_and_forget_the_mean() {
        let rows = planted(80, 0.0);
        let moved: Vec<f32> = rows.iter().map(|x| x + 5.0).collect();
        let (here, there) = (dense(&rows, 20, 3), dense(&moved, 20, 3));
        let distance = |rows: &[f32], width: usize, i: usize, j: usize| -> f32 {
            rows[i * width..][..width].iter().zip(&rows[j * width..][..width]).map(|(a, b)| (a - b) * (a - b)).sum()
        };
        for (i, j) in (0..80).flat_map(|i| (0..80).map(move |j| (i, j))) {
            let expected = distance(&rows, 20, i, j);
            assert!((distance(&here, 3, i, j) - expected).abs() < 0.01);
            assert!((distance(&there, 3, i, j) - expected).abs() < 0.01);
        }
    }

    #[test]
    fn nothing_gives_nothing() {
        assert!(dense(&[], 20, 3).is_empty());
        assert!(dense(&[0.0; 40], 20, 3).iter().all(|x| *x == 0.0));
        let none = Sparse { starts: vec![0; 3], width: 4, ..Sparse::default() };
        assert!(sparse(&none, 2, 1).iter().all(|x| *x == 0.0));
    }
}
