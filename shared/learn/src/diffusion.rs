//! Vectors of products by the paths between them: what is close in the graph of what was met together lies close.
//!
//! A sparse shop's co-visitation says nothing of most pairs; paths of two and three steps do. With the symmetric graph `A` of
//! how often two products stood near each other in somebody's history, `d` its row sums and
//! `S = (d + 1)^-½ A (d + 1)^-½` (the one keeps products met once from being certain), the likeness of two products is
//! the sum over all paths between them, each step costing `STEP` (Katz 1953):
//!
//! ```text
//! P = α S + α² S² + …
//! ```
//!
//! without the empty path: a product's likeness to itself says nothing of others. `P` is not formed; its leading subspace is
//! found by iteration from random signs, the sum being applied term by term, and `VᵀPV = Q Λ Qᵀ` gives vectors
//! `E = V Q √Λ` of the positive part, so that dot products are likenesses. A visitor's vector is the decayed mean of their
//! history's.
//!
//! New products have no edge; [`crate::cold::warm_sparse`] gives them vectors by their content. The vectors carry no product's
//! popularity but that of its neighbours, which is what makes the map from content generalise.

use crate::content::Sparse;
use crate::dataset::mix;
use crate::linear::{add_scaled, dot, eigen, orthonormalise};
use crate::parallel;

/// What is left of a path for each step.
const STEP: f32 = 0.85;
/// Terms of the sum; what is cut off is below `STEP^TERMS`, 4 %.
const TERMS: usize = 20;
mod part;

pub(crate) use part::Paths;

/// Iterations of the subspace.
const ITERATIONS: usize = 3;
/// Products a thread works on at a time.
const CHUNK: usize = 256;

/// How often products stood near each other, weighing one over their distance, at most `window` steps apart. `rows` are the
/// products of all histories, one history after the other; history `i` is `starts[i]..starts[i + 1]`.
#[must_use]
pub fn graph(products: usize, starts: &[usize], rows: &[u32], window: usize, threads: usize) -> Sparse {
    // Where each product stands, by counting sort.
    let mut first = vec![0_usize; products + 1];
    rows.iter().filter(|row| (**row as usize) < products).for_each(|row| first[*row as usize + 1] += 1);
    for row in 0..products {
        first[row + 1] += first[row];
    }
    let mut free = first.clone();
    let mut places = vec![(0_u32, 0_usize, 0_usize); first[products]];
    for bounds in starts.windows(2) {
        for (at, row) in rows.iter().enumerate().take(bounds[1]).skip(bounds[0]) {
            if let Some(free) = free.get_mut(*row as usize).filter(|_| (*row as usize) < products) {
                places[*free] = (at as u32, bounds[0], bounds[1]);
                *free += 1;
            }
        }
    }
    let scratch = || (vec![0.0_f32; products], Vec::new());
    let pieces = parallel::chunks(products, CHUNK, threads, &mut |_| (), scratch, |(sums, touched), chunk| {
        let mut piece = Vec::with_capacity(chunk.len());
        for product in chunk {
            touched.clear();
            for (at, start, end) in &places[first[product]..free[product]] {
                let at = *at as usize;
                let near = at.saturating_sub(window).max(*start)..(at + window + 1).min(*end);
                for (other, row) in near.clone().zip(&rows[near]) {
                    let row = *row as usize;
                    if row == product || row >= products {
                        continue;
                    }
                    if sums[row] == 0.0 {
                        touched.push(row as u32);
                    }
                    sums[row] += 1.0 / at.abs_diff(other) as f32;
                }
            }
            touched.sort_unstable();
            let entries: Vec<(u32, f32)> =
                touched.iter().map(|row| (*row, std::mem::take(&mut sums[*row as usize]))).collect();
            piece.push(entries);
        }
        piece
    });
    let mut graph = Sparse { starts: vec![0], width: products, ..Sparse::default() };
    for entries in pieces.into_iter().flatten() {
        graph.columns.extend(entries.iter().map(|(row, _)| row));
        graph.values.extend(entries.iter().map(|(_, weight)| weight));
        graph.starts.push(graph.columns.len());
    }
    graph
}

/// `S` of the graph.
fn normalised(mut graph: Sparse) -> Sparse {
    let roots: Vec<f32> =
        (0..graph.rows()).map(|row| (1.0 + graph.row(row).map(|(_, weight)| weight).sum::<f32>()).sqrt()).collect();
    for row in 0..graph.rows() {
        for at in graph.starts[row]..graph.starts[row + 1] {
            graph.values[at] /= roots[row] * roots[graph.columns[at] as usize];
        }
    }
    graph
}

/// `P x`, by Horner's rule.
fn diffuse(s: &Sparse, x: &[f32], dims: usize, threads: usize) -> Vec<f32> {
    let mut sum = vec![0.0; x.len()];
    for _ in 0..TERMS {
        add_scaled(&mut sum, 1.0, x);
        sum = s.times(&sum, dims, threads);
        sum.iter_mut().for_each(|x| *x *= STEP);
    }
    sum
}

/// The vectors of products, row-major, zero for those without an edge; `graph` must be symmetric.
#[must_use]
pub fn vectors(graph: Sparse, dims: usize, threads: usize) -> Vec<f32> {
    if dims == 0 {
        return Vec::new();
    }
    let s = normalised(graph);
    let mut basis: Vec<f32> = (0..(s.rows() * dims) as u64).map(|i| if mix(i) & 1 == 0 { 1.0 } else { -1.0 }).collect();
    for _ in 0..ITERATIONS {
        basis = diffuse(&s, &basis, dims, threads);
        orthonormalise(&mut basis, dims);
    }
    let image = diffuse(&s, &basis, dims, threads);
    let mut square = vec![0.0_f64; dims * dims];
    for (v, p) in basis.chunks_exact(dims).zip(image.chunks_exact(dims)) {
        for (i, row) in square.chunks_exact_mut(dims).enumerate() {
            row.iter_mut().zip(p).for_each(|(sum, p)| *sum += f64::from(v[i]) * f64::from(*p));
        }
    }
    let symmetric = (0..dims * dims).map(|at| 0.5 * (square[at] + square[at % dims * dims + at / dims])).collect();
    let (numbers, directions) = eigen(symmetric, dims);
    // Row i is the direction i, as long as its likeness is great; what is unlike itself counts nothing.
    let root: Vec<f32> = directions
        .chunks_exact(dims)
        .zip(numbers)
        .flat_map(|(direction, number)| direction.iter().map(move |x| (x * number.max(0.0).sqrt()) as f32))
        .collect();
    basis.chunks_exact(dims).flat_map(|v| root.chunks_exact(dims).map(|row| dot(v, row)).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dense(graph: &Sparse) -> Vec<Vec<f32>> {
        let mut all = vec![vec![0.0; graph.width]; graph.rows()];
        for (row, to) in all.iter_mut().enumerate() {
            graph.row(row).for_each(|(column, value)| to[column] += value);
        }
        all
    }

    proptest! {
        #[test]
        fn counts_every_pair_near_each_other_once_for_each_side(
            histories in prop::collection::vec(prop::collection::vec(0_u32..7, 0..9), 0..6),
            window in 1_usize..4,
        ) {
            let starts: Vec<usize> = std::iter::once(0)
                .chain(histories.iter().scan(0, |end, history| { *end += history.len(); Some(*end) }))
                .collect();
            let mut expected = vec![vec![0.0_f32; 6]; 6];
            for history in &histories {
                for (i, a) in history.iter().enumerate() {
                    for (j, b) in history.iter().enumerate() {
                        // Product 6 is none of the catalogue's.
                        if a != b && i.abs_diff(j) <= window && *a < 6 && *b < 6 {
                            expected[*a as usize][*b as usize] += 1.0 / i.abs_diff(j) as f32;
                        }
                    }
                }
            }
            let found = graph(6, &starts, &histories.concat(), window, 2);
            for (found, expected) in dense(&found).concat().iter().zip(expected.concat()) {
                prop_assert!((found - expected).abs() < 1e-5);
            }
        }
    }

    fn likeness(vectors: &[f32], dims: usize, i: usize, j: usize) -> f32 {
        dot(&vectors[i * dims..(i + 1) * dims], &vectors[j * dims..(j + 1) * dims])
    }

    #[test]
    fn two_products_have_the_closed_form() {
        // S has the eigenvalues ±½, so the positive part of P has x / (1 - x) / 2 in all four places, x = α / 2.
        for dims in [1, 2, 3] {
            let vectors = vectors(graph(3, &[0, 2], &[0, 1], 1, 1), dims, 1);
            let x = STEP / 2.0;
            for (i, j, expected) in [(0, 1, x / (1.0 - x) / 2.0), (0, 0, x / (1.0 - x) / 2.0), (0, 2, 0.0), (2, 2, 0.0)]
            {
                assert!((likeness(&vectors, dims, i, j) - expected).abs() < 1e-3, "{dims} {i} {j}");
            }
        }
    }

    #[test]
    fn the_longer_the_path_the_less_the_likeness() {
        // 0 - 1 - 2 - 3, and 4 - 5 apart from them.
        let rows = [0, 1, 1, 2, 2, 3, 4, 5];
        let vectors = vectors(graph(6, &[0, 2, 4, 6, 8], &rows, 1, 1), 6, 1);
        let from = |j: usize| likeness(&vectors, 6, 0, j);
        assert!(from(1) > from(2) + 0.05 && from(2) > from(3) + 0.05, "{} {} {}", from(1), from(2), from(3));
        assert!(from(4).abs() < 0.01 && from(5).abs() < 0.01, "{} {}", from(4), from(5));
    }

    #[test]
    fn any_number_of_threads_gives_the_same() {
        let rows: Vec<u32> = (0..4_000).map(|i| (mix(i) % 600) as u32).collect();
        let starts: Vec<usize> = (0..=400).map(|i| i * 10).collect();
        let of = |threads| vectors(graph(600, &starts, &rows, 5, threads), 8, threads);
        assert_eq!(of(1), of(3));
    }

    #[test]
    fn a_graph_without_edges_has_no_directions() {
        let none = Sparse { starts: vec![0; 4], width: 3, ..Sparse::default() };
        assert!(vectors(none, 2, 1).iter().all(|x| *x == 0.0));
    }
}
