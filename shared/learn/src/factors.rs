//! Long-term taste: matrix factorisation of implicit feedback (Hu, Koren, Volinsky, *Collaborative Filtering for Implicit
//! Feedback Datasets*, 2008), by alternating least squares.
//!
//! Person `u` and product `i` get vectors `x_u`, `y_i` of 32 dimensions such that `x_u · y_i` is near 1 where there was
//! interest and near 0 everywhere else, the more so the surer we are:
//!
//! `loss = Σ_ui c_ui (p_ui - x_u · y_i)² + λ (Σ_u |x_u|² + Σ_i |y_i|²)`
//!
//! with `p = 1` where interest `r > 0`, else 0, and confidence `c = 1 + α ln(1 + |r|)`. Interest is the sum of the person's
//! [`Action::interest`](vitrine_domain::Action::interest) in the product, each halved every 180 days; a return that
//! outweighs the order is a confident 0. The sum runs over *all* pairs, seen or not, and still costs no more than the seen
//! ones: for fixed products the minimum for a person is the solution of
//!
//! `(G + Σ_seen (c - 1) y yᵀ) x = Σ_(p = 1) c y`, with `G = Σ_all y yᵀ + λ I`
//!
//! where `G` is shared by everybody. Training takes a few steps of conjugate gradients towards it from the last iteration's
//! vector (`kernel`): each step can only lower the loss, and after some iterations it is where exact solves would have
//! brought it, for a fraction of the arithmetic. The same equation folds a visitor in at request time, exactly: whoever
//! clicked a second ago has a taste vector without any training ([`fold_in`]).

use crate::dataset::{Dataset, days, decay, mix};
use crate::linear::{dot, gram};
use crate::parallel;
use crate::settings;

mod part;

pub(crate) use part::Tastes;
mod fold;
mod kernel;
mod simd;

pub use fold::fold_in;
use kernel::{Side, Vector};
use simd::{Block, LANES};

/// Most dimensions of a taste: what one solve holds on the stack.
pub const MAX_FACTORS: usize = 64;

/// Rows a thread works on at a time.
const CHUNK: usize = 64;

/// Vectors that are added up in `f32` before `f64` takes over.
const GRAM_CHUNK: usize = 1024;

/// Steps of conjugate gradients for each row and iteration.
const STEPS: usize = 3;

/// How a sum of interest becomes a confidence; part of the artifact, so that serving folds in as training did.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Confidence {
    /// How much more an interest of one weighs than none, about.
    pub scale: f32,
    /// Days in which interest loses half its weight.
    pub half_life_days: f32,
}

impl Confidence {
    /// What is left of an interest at an age.
    #[must_use]
    pub fn faded(&self, weight: f32, age_days: f32) -> f32 {
        weight * decay(age_days.max(0.0), self.half_life_days)
    }

    /// `c - 1` for a sum of interest.
    #[must_use]
    pub fn beyond_one(&self, interest: f32) -> f32 {
        self.scale * interest.abs().ln_1p()
    }
}

/// Interest of one side in the other: row `i` has `entries[starts[i]..starts[i + 1]]`, each of another column.
#[derive(Debug, Clone, PartialEq)]
pub struct Interest {
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Interest {
    /// A matrix of so many columns from its rows, or none if the parts do not fit together: `starts` has one number for each
    /// row and one for the end, rising from 0 to the number of entries, each a column and an interest that is not zero.
    #[must_use]
    pub fn new(columns: usize, starts: Vec<usize>, entries: Vec<(u32, f32)>) -> Option<Self> {
        let rising = starts.first() == Some(&0) && starts.is_sorted() && starts.last() == Some(&entries.len());
        let inside = entries.iter().all(|(column, r)| (*column as usize) < columns && r.is_finite() && *r != 0.0);
        (rising && inside).then_some(Self { starts, entries })
    }

    /// What each person thinks of each product they met, people as rows.
    pub(crate) fn of(data: &Dataset<'_>, half_life_days: f32) -> Self {
        let mut matrix = Self { starts: vec![0], entries: Vec::new() };
        let mut steps = Vec::new();
        for history in data.histories() {
            steps.clear();
            steps.extend(history.iter().map(|s| (s.row, s.weight * decay(days(data.now(), s.at), half_life_days))));
            // Stable: a product's steps stay in the order of time, and so does their sum.
            steps.sort_by_key(|(row, _)| *row);
            for same in steps.chunk_by(|a, b| a.0 == b.0) {
                let sum: f32 = same.iter().map(|(_, weight)| weight).sum();
                // Interest so old that nothing is left of it is none.
                if sum != 0.0 {
                    matrix.entries.push((same[0].0, sum));
                }
            }
            matrix.starts.push(matrix.entries.len());
        }
        matrix
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    pub(crate) fn row(&self, row: usize) -> &[(u32, f32)] {
        &self.entries[self.starts[row]..self.starts[row + 1]]
    }

    /// The same places with `c - 1` in place of the interest, and its sign.
    fn certainty(mut self, confidence: Confidence) -> Self {
        self.entries.iter_mut().for_each(|(_, r)| *r = confidence.beyond_one(*r).copysign(*r));
        self
    }

    /// Rows and columns exchanged.
    pub(crate) fn transposed(&self, columns: usize) -> Self {
        let mut starts = vec![0_usize; columns + 1];
        self.entries.iter().for_each(|(column, _)| starts[*column as usize + 1] += 1);
        for column in 0..columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0.0); self.entries.len()];
        for row in 0..self.rows() {
            for (column, weight) in self.row(row) {
                entries[next[*column as usize]] = (row as u32, *weight);
                next[*column as usize] += 1;
            }
        }
        Self { starts, entries }
    }
}

/// A learned factorisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// Row-major vectors of the products.
    pub products: Vec<f32>,
    /// Row-major vectors of the people.
    pub people: Vec<f32>,
}

/// The shared matrix of one side: `Σ y yᵀ + λ I`, upper triangle.
pub(crate) fn regularised_gram(rows: &[f32], d: usize, regularisation: f32) -> Vec<f32> {
    let mut sums = gram(rows, d);
    for i in 0..d {
        sums[i * d + i] += regularisation;
    }
    sums
}

/// Small pseudo-random vectors to start from, a function of seed and place alone.
fn start<const B: usize>(rows: usize, d: usize, seed: u64) -> Vec<Vector<B>> {
    let scale = 0.1 / (d as f32).sqrt();
    let mut vectors = vec![kernel::zero(); rows];
    for (row, vector) in vectors.iter_mut().enumerate() {
        for k in 0..d {
            let bits = mix(seed ^ mix((row * d + k) as u64));
            vector[k / LANES].0[k % LANES] = ((bits >> 40) as f32 / (1_u64 << 23) as f32 - 1.0) * scale;
        }
    }
    vectors
}

/// Vectors without their padding, one after another.
fn packed<const B: usize>(vectors: &[Vector<B>], d: usize) -> Vec<f32> {
    let mut numbers = Vec::with_capacity(vectors.len() * d);
    for vector in vectors {
        numbers.extend(vector.iter().flat_map(|block| block.0).take(d));
    }
    numbers
}

/// `Σ y yᵀ + λ I`, all of it.
fn shared_gram<const B: usize>(vectors: &[Vector<B>], regularisation: f32, threads: usize) -> Vec<Vector<B>> {
    let size = B * LANES;
    let pieces = parallel::chunks(
        vectors.len(),
        GRAM_CHUNK,
        threads,
        &mut |_| (),
        || (),
        |(), rows| {
            let mut sums = vec![kernel::zero(); size];
            kernel::outer(&vectors[rows], &mut sums);
            sums
        },
    );
    let sum = |i: usize, k: usize| {
        let total: f64 = pieces.iter().map(|sums| f64::from(sums[i][k / LANES].0[k % LANES])).sum();
        total as f32 + if i == k { regularisation } else { 0.0 }
    };
    let row = |i| std::array::from_fn(|b| Block(std::array::from_fn(|lane| sum(i, b * LANES + lane))));
    (0..size).map(row).collect()
}

/// Brings every row of one side nearer to its solution, with the other side fixed. `certainty` has `c - 1` with the sign of
/// the interest.
fn half_step<const B: usize>(
    certainty: &Interest,
    other: &[Vector<B>],
    rows: &mut [Vector<B>],
    settings: &settings::Factors,
    steps: usize,
    threads: usize,
) {
    let gram = shared_gram(other, settings.regularisation, threads);
    let side = Side { gram: &gram, other, steps };
    let mut parts: Vec<_> = (0..).step_by(CHUNK).zip(rows.chunks_mut(CHUNK)).collect();
    parallel::each(&mut parts, threads, |(first, rows)| {
        kernel::improve(side, &certainty.entries, &certainty.starts[*first..=*first + rows.len()], rows);
    });
}

impl settings::Factors {
    const fn confidence(&self) -> Confidence {
        Confidence { scale: self.confidence, half_life_days: self.half_life_days }
    }
}

/// Alternates between people and products. `report` hears how many iterations are done.
///
/// The settings must be in their ranges, and `products` above every column of `interest`, of which people are the rows.
#[must_use]
pub fn train(
    interest: Interest,
    products: usize,
    settings: &settings::Factors,
    seed: u64,
    threads: usize,
    report: &mut dyn FnMut(usize),
) -> Factors {
    match settings.dims.div_ceil(LANES) {
        0 | 1 => alternate::<1>(interest, products, settings, seed, threads, report),
        2 => alternate::<2>(interest, products, settings, seed, threads, report),
        3 => alternate::<3>(interest, products, settings, seed, threads, report),
        _ => alternate::<4>(interest, products, settings, seed, threads, report),
    }
}

fn alternate<const B: usize>(
    interest: Interest,
    products: usize,
    settings: &settings::Factors,
    seed: u64,
    threads: usize,
    report: &mut dyn FnMut(usize),
) -> Factors {
    let by_person = interest.certainty(settings.confidence());
    let by_product = by_person.transposed(products);
    let mut people = vec![kernel::zero(); by_person.rows()];
    let mut vectors = start::<B>(products, settings.dims, seed);
    for iteration in 0..settings.iterations {
        half_step(&by_person, &vectors, &mut people, settings, STEPS, threads);
        half_step(&by_product, &people, &mut vectors, settings, STEPS, threads);
        report(iteration + 1);
    }
    Factors { products: packed(&vectors, settings.dims), people: packed(&people, settings.dims) }
}

impl Factors {
    /// The loss that training lowers, over all pairs.
    #[must_use]
    pub fn loss(&self, interest: &Interest, settings: &settings::Factors) -> f64 {
        let d = settings.dims;
        let people = gram(&self.people, d);
        let products = gram(&self.products, d);
        // Σ_ui (x_u · y_i)² is the sum of the products of both Gram matrices; each off-diagonal entry counts twice.
        let mut loss = 0.0_f64;
        for i in 0..d {
            for j in i..d {
                let twice = if i == j { 1.0 } else { 2.0 };
                loss += twice * f64::from(people[i * d + j]) * f64::from(products[i * d + j]);
            }
            loss += f64::from(settings.regularisation) * f64::from(people[i * d + i] + products[i * d + i]);
        }
        for (u, x) in self.people.chunks_exact(d).enumerate() {
            for (i, r) in interest.row(u) {
                let score = f64::from(dot(x, &self.products[*i as usize * d..][..d]));
                let confidence = 1.0 + f64::from(settings.confidence().beyond_one(*r));
                let wanted = if *r > 0.0 { 1.0 } else { 0.0 };
                loss += confidence * (wanted - score) * (wanted - score) - score * score;
            }
        }
        loss
    }
}

#[cfg(test)]
mod tests;
