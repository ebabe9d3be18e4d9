//! Learned vectors of products that nobody, or hardly anybody, has met: read from their content.
//!
//! A linear map `W` from content to learned vectors (factors, or what an encoder learned) is fitted by ridge regression on the
//! products that have been met, each weighing `n / (n + 20)` for the `n` people who met it. A product's vector becomes
//! `(n e + k W c) / (n + k)`: its own for one that many have met, what its content suggests for a new one, and one formula for
//! everything between. The guesses `W c` are scaled so that they are as long as the vectors of products met by 1 to 5
//! people: regression shrinks towards zero, and a dot product never shows what is too short.
//!
//! Content is the sparse features. They have more columns than there are products, so the dual is solved: with `F` the
//! features of the products met, `D` their certainties over the mean certainty and `E` their vectors,
//!
//! ```text
//! (F Fᵀ + λ D⁻¹) A = E,    W = Fᵀ A
//! ```
//!
//! by conjugate gradients (Hestenes and Stiefel 1952), all columns of `E` side by side. Rows of length one make the
//! diagonal of `F Fᵀ` one, so `λ` means the same for every shop: `DUAL_RIDGE` products that agree in everything are worth
//! as much as the doubt.

use crate::content::Sparse;
use crate::linear::{add_scaled, dot};

/// What a long map costs in the dual, where a product's likeness to itself is one.
const DUAL_RIDGE: f32 = 1.5;
/// Steps of conjugate gradients; few, because the ridge keeps the system well conditioned but for some common directions.
const STEPS: usize = 25;
/// How many people count as half certain.
const HALF_CERTAIN: f32 = 20.0;

fn certainty(seen: u32) -> f32 {
    seen as f32 / (seen as f32 + HALF_CERTAIN)
}

/// Root mean square length of the rows of which `pick` holds; none if there are none.
fn length(rows: &[f32], dims: usize, seen: &[u32], pick: impl Fn(u32) -> bool) -> Option<f32> {
    let squares: Vec<f32> =
        rows.chunks_exact(dims).zip(seen).filter(|(_, n)| pick(**n)).map(|(row, _)| dot(row, row)).collect();
    let mean = squares.iter().sum::<f32>() / squares.len() as f32;
    (!squares.is_empty() && mean > 0.0).then(|| mean.sqrt())
}

/// Mixes vectors with guesses, after scaling these.
fn shrink(vectors: &mut [f32], dims: usize, guesses: &[f32], seen: &[u32], k: f32) {
    let few = |n: u32| (1..=5).contains(&n);
    let scale = match (length(vectors, dims, seen, few), length(guesses, dims, seen, few)) {
        (Some(own), Some(guessed)) => own / guessed,
        _ => 1.0,
    };
    for ((e, guess), n) in vectors.chunks_exact_mut(dims).zip(guesses.chunks_exact(dims)).zip(seen) {
        let n = *n as f32;
        for (x, g) in e.iter_mut().zip(guess) {
            *x = (n * *x + k * scale * g) / (n + k);
        }
    }
}

/// Shrinks the vector of every product toward what its features suggest, see [`crate::content::features`]. `vectors` has
/// `dims` numbers a product; `seen` says how many people met it, `k` how many people's interest the suggestion is worth.
pub fn warm_sparse(vectors: &mut [f32], dims: usize, features: &Sparse, seen: &[u32], k: f32, threads: usize) {
    if k <= 0.0 || dims == 0 || seen.len() != features.rows() || vectors.len() != seen.len() * dims {
        return;
    }
    let guesses = guess(vectors, dims, features, seen, threads);
    shrink(vectors, dims, &guesses, seen, k);
}

/// What the features of every product suggest.
fn guess(vectors: &[f32], dims: usize, features: &Sparse, seen: &[u32], threads: usize) -> Vec<f32> {
    let met = seen.iter().filter(|n| **n > 0).count().max(1);
    let mean = seen.iter().map(|n| certainty(*n)).sum::<f32>() / met as f32;
    let transposed = features.transposed();
    // F Fᵀ a + λ D⁻¹ a, with zeros for what nobody has met.
    let apply = |a: &[f32]| {
        let mut product = features.times(&transposed.times(a, dims, threads), dims, threads);
        for ((to, from), n) in product.chunks_exact_mut(dims).zip(a.chunks_exact(dims)).zip(seen) {
            match *n {
                0 => to.fill(0.0),
                n => add_scaled(to, DUAL_RIDGE * mean / certainty(n), from),
            }
        }
        product
    };
    let mut residual = vectors.to_vec();
    for (row, _) in residual.chunks_exact_mut(dims).zip(seen).filter(|(_, n)| **n == 0) {
        row.fill(0.0);
    }
    let mut solution = vec![0.0; vectors.len()];
    let mut direction = residual.clone();
    let mut square = columns(&residual, &residual, dims);
    for _ in 0..STEPS {
        let image = apply(&direction);
        let curvature = columns(&direction, &image, dims);
        let step = ratios(&square, &curvature);
        add_columns(&mut solution, &step, 1.0, &direction);
        add_columns(&mut residual, &step, -1.0, &image);
        let next = columns(&residual, &residual, dims);
        let turn = ratios(&next, &square);
        for (direction, residual) in direction.chunks_exact_mut(dims).zip(residual.chunks_exact(dims)) {
            for ((d, r), turn) in direction.iter_mut().zip(residual).zip(&turn) {
                *d = r + turn * *d;
            }
        }
        square = next;
    }
    features.times(&transposed.times(&solution, dims, threads), dims, threads)
}

/// The dot products of equal columns.
fn columns(a: &[f32], b: &[f32], dims: usize) -> Vec<f64> {
    let mut sums = vec![0.0; dims];
    for (a, b) in a.chunks_exact(dims).zip(b.chunks_exact(dims)) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += f64::from(*a) * f64::from(*b));
    }
    sums
}

/// `a / b`, zero where a column is solved.
fn ratios(a: &[f64], b: &[f64]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| if *b > f64::MIN_POSITIVE { (a / b) as f32 } else { 0.0 }).collect()
}

/// Adds to each column a multiple of the other's.
fn add_columns(to: &mut [f32], factors: &[f32], sign: f32, from: &[f32]) {
    for (to, from) in to.chunks_exact_mut(factors.len()).zip(from.chunks_exact(factors.len())) {
        to.iter_mut().zip(from).zip(factors).for_each(|((to, from), factor)| *to += sign * factor * from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::mix;
    use crate::linear::oracle;

    fn noise(i: u64) -> f32 {
        (mix(i) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    #[test]
    fn without_content_the_unknown_stay_at_zero() {
        let mut vectors = [1.0, 2.0, 0.0, 0.0];
        let none = Sparse { starts: vec![0; 3], width: 3, ..Sparse::default() };
        warm_sparse(&mut vectors, 2, &none, &[1_000_000, 0], 5.0, 1);
        assert_eq!(vectors[2..], [0.0, 0.0]);
        assert!((vectors[0] - 1.0).abs() < 1e-4);
    }

    /// Forty rows of length one with four of fifteen features each.
    fn sparse(rows: usize) -> Sparse {
        let mut sparse = Sparse { starts: vec![0], width: 15, ..Sparse::default() };
        for row in 0..rows as u64 {
            let mut columns: Vec<u32> = (0..4).map(|i| (mix(row * 4 + i) % 15) as u32).collect();
            columns.sort_unstable();
            columns.dedup();
            sparse.values.extend(vec![1.0 / (columns.len() as f32).sqrt(); columns.len()]);
            sparse.columns.extend(columns);
            sparse.starts.push(sparse.columns.len());
        }
        sparse
    }

    #[test]
    fn conjugate_gradients_solve_the_dual_as_elimination_does() {
        let (rows, dims) = (40, 2);
        let features = sparse(rows);
        let seen: Vec<u32> = (0..rows as u64).map(|i| (mix(90 + i) % 30) as u32).collect();
        assert!(seen.contains(&0));
        let vectors: Vec<f32> = (0..(rows * dims) as u64).map(|i| noise(700 + i)).collect();
        let found = guess(&vectors, dims, &features, &seen, 1);
        assert_eq!(found, guess(&vectors, dims, &features, &seen, 3));

        let met: Vec<usize> = (0..rows).filter(|row| seen[*row] > 0).collect();
        let mean = met.iter().map(|row| certainty(seen[*row])).sum::<f32>() / met.len() as f32;
        let like = |a: usize, b: usize| -> f64 {
            let b: Vec<_> = features.row(b).collect();
            let of = |column| b.iter().find(|(other, _)| *other == column).map_or(0.0, |(_, value)| f64::from(*value));
            features.row(a).map(|(column, value)| f64::from(value) * of(column)).sum()
        };
        for dim in 0..dims {
            let doubt = |row: usize| f64::from(DUAL_RIDGE * mean / certainty(seen[row]));
            let a =
                met.iter().map(|i| met.iter().map(|j| like(*i, *j) + if i == j { doubt(*i) } else { 0.0 }).collect());
            let b = met.iter().map(|row| f64::from(vectors[row * dims + dim])).collect();
            let weights = oracle::solve(a.collect(), b);
            for row in 0..rows {
                let expected: f64 = met.iter().zip(&weights).map(|(other, weight)| like(row, *other) * weight).sum();
                assert!((f64::from(found[row * dims + dim]) - expected).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn few_meetings_weigh_little_and_guesses_are_as_long_as_the_little_known() {
        let features = sparse(200);
        // Vectors that are a function of the content, of length about 3 however often they were met.
        let planted: Vec<f32> = (0..30).map(|i| 3.0 * noise(i)).collect();
        let truth = features.times(&planted, 2, 1);
        let seen: Vec<u32> = (0..200).map(|row| if row < 150 { 1 + row % 5 } else { 0 }).collect();
        let mut vectors = truth.clone();
        vectors[300..].fill(0.0);
        warm_sparse(&mut vectors, 2, &features, &seen, 15.0, 1);
        let (new, old) = (&vectors[300..], &truth[300..]);
        let cosine = dot(new, old) / (dot(new, new) * dot(old, old)).sqrt();
        assert!(cosine > 0.95, "{cosine}");
        let ratio = (dot(new, new) / dot(old, old)).sqrt();
        assert!((0.8..1.2).contains(&ratio), "{ratio}");
    }
}
