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
//! where `G` is shared by everybody. Each solve is exact, so the loss can only fall. The same equation folds a visitor in
//! at request time: whoever clicked a second ago has a taste vector without any training ([`fold_in`]).

use crate::dataset::{Dataset, days, decay, mix};
use crate::linear::{add_outer, add_scaled, dot, gram, solve};
use crate::parallel;
use crate::settings;

/// Most dimensions of a taste: what one solve holds on the stack.
pub const MAX_FACTORS: usize = 64;

/// Rows a thread works on at a time.
const CHUNK: usize = 64;

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

/// Solves for one vector: `x` becomes the minimum of the loss given the vectors of the other side.
///
/// `gram` is the upper triangle of `Σ y yᵀ + λ I`; `seen` lists each seen vector once with its sum of interest. Without
/// positive interest the answer is zero. Nothing is allocated.
pub fn fold_in<'y>(gram: &[f32], confidence: Confidence, seen: impl Iterator<Item = (&'y [f32], f32)>, x: &mut [f32]) {
    let d = x.len();
    x.fill(0.0);
    let mut space = [0.0_f32; MAX_FACTORS * MAX_FACTORS];
    let Some(a) = space.get_mut(..d * d).filter(|a| a.len() == gram.len()) else { return };
    a.copy_from_slice(gram);
    let mut liked = false;
    for (y, interest) in seen.filter(|(y, interest)| y.len() == d && interest.is_finite()) {
        let more = confidence.beyond_one(interest);
        add_outer(a, more, y);
        if interest > 0.0 {
            liked = true;
            add_scaled(x, 1.0 + more, y);
        }
    }
    if liked {
        solve(a, x);
    }
}

/// Interest of one side in the other: row `i` has `entries[starts[i]..starts[i + 1]]`, each of another column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Interest {
    pub(crate) starts: Vec<usize>,
    pub(crate) entries: Vec<(u32, f32)>,
}

impl Interest {
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

    pub(crate) fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    pub(crate) fn row(&self, row: usize) -> &[(u32, f32)] {
        &self.entries[self.starts[row]..self.starts[row + 1]]
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
pub(crate) struct Factors {
    /// Row-major vectors of the products.
    pub(crate) products: Vec<f32>,
    /// Row-major vectors of the people; only the loss needs them once training is over.
    #[cfg_attr(not(test), allow(dead_code, reason = "the tests' loss"))]
    pub(crate) people: Vec<f32>,
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
fn start(rows: usize, d: usize, seed: u64) -> Vec<f32> {
    let scale = 0.1 / (d as f32).sqrt();
    let value = |place: usize| {
        let bits = mix(seed ^ mix(place as u64));
        ((bits >> 40) as f32 / (1_u64 << 23) as f32 - 1.0) * scale
    };
    (0..rows * d).map(value).collect()
}

/// Solves every row of one side with the other side fixed.
fn half_step(interest: &Interest, other: &[f32], settings: &settings::Factors, threads: usize) -> Vec<f32> {
    let d = settings.dims;
    let shared = regularised_gram(other, d, settings.regularisation);
    let confidence = settings.confidence();
    let pieces = parallel::chunks(
        interest.rows(),
        CHUNK,
        threads,
        &mut |_| (),
        || (),
        |(), rows| {
            let mut piece = vec![0.0; rows.len() * d];
            for (row, x) in rows.zip(piece.chunks_exact_mut(d)) {
                let seen = interest.row(row).iter().map(|(column, weight)| {
                    let start = *column as usize * d;
                    (&other[start..start + d], *weight)
                });
                fold_in(&shared, confidence, seen, x);
            }
            piece
        },
    );
    pieces.concat()
}

impl settings::Factors {
    pub(crate) const fn confidence(&self) -> Confidence {
        Confidence { scale: self.confidence, half_life_days: self.half_life_days }
    }
}

/// Alternates between people and products. `report` hears how many iterations are done.
pub(crate) fn train(
    interest: &Interest,
    products: usize,
    settings: &settings::Factors,
    seed: u64,
    threads: usize,
    report: &mut dyn FnMut(usize),
) -> Factors {
    let columns = interest.transposed(products);
    let mut factors = Factors { products: start(products, settings.dims, seed), people: Vec::new() };
    for iteration in 0..settings.iterations {
        factors.people = half_step(interest, &factors.products, settings, threads);
        factors.products = half_step(&columns, &factors.people, settings, threads);
        report(iteration + 1);
    }
    factors
}

impl Factors {
    /// The loss that training lowers, over all pairs.
    #[cfg_attr(not(test), allow(dead_code, reason = "the tests' loss"))]
    pub(crate) fn loss(&self, interest: &Interest, settings: &settings::Factors) -> f64 {
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
