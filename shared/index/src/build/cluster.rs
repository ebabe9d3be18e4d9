//! k-means, the same bytes for any number of threads.
//!
//! Distances are measured as the queries see them: each dimension is multiplied by how large queries are in it, so that a
//! part of the vector that queries hardly use does not decide who lies together. Training runs on evenly spread rows;
//! then every row goes to its nearest centre. Work is cut into blocks of fixed size, so threads share blocks and never
//! sums.

use half::f16;

use super::product::multiply_by_rows;
use super::share;

/// Rows of a block.
const BLOCK: usize = 256;
/// Training rows for each list.
const SAMPLE: usize = 48;
const ROUNDS: usize = 8;

/// Row-major vectors and the weight of each dimension.
#[derive(Clone, Copy)]
pub(super) struct Space<'a> {
    pub(super) vectors: &'a [f16],
    pub(super) weights: &'a [f32],
}

impl Space<'_> {
    fn dims(&self) -> usize {
        self.weights.len()
    }

    pub(super) fn rows(&self) -> usize {
        self.vectors.len() / self.dims()
    }

    /// Writes a row as the queries see it.
    fn write(&self, row: usize, to: &mut [f32]) {
        let start = row * self.dims();
        let vector = &self.vectors[start..start + self.dims()];
        for (to, (number, weight)) in to.iter_mut().zip(vector.iter().zip(self.weights)) {
            *to = number.to_f32() * weight;
        }
    }
}

/// How large queries are in each dimension (root of the mean square), never less than a thousandth of the largest.
pub(super) fn weights(queries: &[f32], dims: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; dims];
    for query in queries.chunks_exact(dims) {
        for (sum, q) in sums.iter_mut().zip(query) {
            *sum += f64::from(*q) * f64::from(*q);
        }
    }
    let most = sums.iter().copied().fold(0.0, f64::max).sqrt();
    if !(most > 0.0 && most.is_finite()) {
        return vec![1.0; dims];
    }
    sums.iter().map(|sum| (sum.sqrt() / most).max(1e-3) as f32).collect()
}

/// The list of each row.
pub(super) fn assign(space: Space<'_>, lists: usize, seed: u64, threads: usize) -> Vec<u32> {
    let (rows, dims) = (space.rows(), space.dims());
    let lists = lists.clamp(1, rows.max(1));
    let count = rows.min(lists * SAMPLE);
    let mut sample = vec![0.0; count * dims];
    for (at, to) in sample.chunks_exact_mut(dims).enumerate() {
        space.write((at as u64 * rows as u64 / count as u64) as usize, to);
    }
    let mut centres = Vec::with_capacity(lists * dims);
    for at in chosen(count, lists, seed) {
        centres.extend_from_slice(&sample[at * dims..(at + 1) * dims]);
    }
    let read = |at: usize, to: &mut [f32]| to.copy_from_slice(&sample[at * dims..(at + 1) * dims]);
    for _ in 0..ROUNDS {
        let nearest = nearest(count, dims, &centres, threads, &read);
        centres = means(&sample, dims, lists, &nearest);
    }
    nearest(rows, dims, &centres, threads, &|row, to| space.write(row, to)).into_iter().map(|(list, _)| list).collect()
}

/// So many different numbers below a bound, by chance.
fn chosen(bound: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut all: Vec<usize> = (0..bound).collect();
    let mut state = seed;
    for at in 0..count.min(bound) {
        all.swap(at, at + (next(&mut state) % (bound - at) as u64) as usize);
    }
    all.truncate(count);
    all
}

/// Splitmix64.
pub(super) const fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The nearest centre of each row, and how good a match it is (`x · c − |c|² / 2`; more is nearer).
fn nearest(
    rows: usize,
    dims: usize,
    centres: &[f32],
    threads: usize,
    read: &(impl Fn(usize, &mut [f32]) + Sync),
) -> Vec<(u32, f32)> {
    let lists = centres.len() / dims;
    let halves: Vec<f32> = centres.chunks_exact(dims).map(|c| c.iter().map(|x| x * x).sum::<f32>() / 2.0).collect();
    let mut all = vec![(0, 0.0); rows];
    let memory = || (vec![0.0; BLOCK * dims], vec![0.0; BLOCK * lists]);
    share(threads, all.chunks_mut(BLOCK), memory, |block, out, (vectors, products)| {
        let vectors = &mut vectors[..out.len() * dims];
        let products = &mut products[..out.len() * lists];
        for (at, to) in vectors.chunks_exact_mut(dims).enumerate() {
            read(block * BLOCK + at, to);
        }
        multiply_by_rows(products, vectors, centres, dims, lists);
        for (out, products) in out.iter_mut().zip(products.chunks_exact(lists)) {
            *out = (0, f32::NEG_INFINITY);
            for ((product, half), list) in products.iter().zip(&halves).zip(0..) {
                if product - half > out.1 {
                    *out = (list, product - half);
                }
            }
        }
    });
    all
}

/// The mean of each list's rows; an empty list takes a row that is far from its own centre.
fn means(sample: &[f32], dims: usize, lists: usize, nearest: &[(u32, f32)]) -> Vec<f32> {
    let mut sums = vec![0.0_f32; lists * dims];
    let mut counts = vec![0_u32; lists];
    for (vector, (list, _)) in sample.chunks_exact(dims).zip(nearest) {
        let start = *list as usize * dims;
        for (sum, x) in sums[start..start + dims].iter_mut().zip(vector) {
            *sum += x;
        }
        counts[*list as usize] += 1;
    }
    let mut far: Vec<usize> = Vec::new();
    if counts.contains(&0) {
        let distance = |at: usize| {
            let vector = &sample[at * dims..(at + 1) * dims];
            vector.iter().map(|x| x * x).sum::<f32>() - 2.0 * nearest[at].1
        };
        far = (0..nearest.len()).collect();
        far.sort_by(|a, b| distance(*a).total_cmp(&distance(*b)).then(b.cmp(a)));
    }
    for (centre, count) in sums.chunks_exact_mut(dims).zip(counts) {
        if count > 0 {
            centre.iter_mut().for_each(|x| *x /= count as f32);
        } else if let Some(at) = far.pop() {
            centre.copy_from_slice(&sample[at * dims..(at + 1) * dims]);
        }
    }
    sums
}
