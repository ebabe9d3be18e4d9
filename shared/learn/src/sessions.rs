//! Session neighbours: what people did next in recent sessions that resemble the current one.
//!
//! A session is what one person did without a pause longer than [`VISIT_GAP`]. The method is of the STAN family (Garg et
//! al., "Sequence and Time Aware Neighborhood for Session-based Recommendations", SIGIR 2019; VSTAN in Ludewig et al.,
//! "Empirical analysis of session-based recommendation algorithms", UMUAI 2021), in a form that stays a sum over the
//! actions of the current session:
//!
//! 1. **What the current session is about.** An action on `i`, `d` steps before the last, has the voice
//!    `v = e^(-d / step)` and gives `w(i) += v idf(i)`, with `idf(i) = ln(1 + N / n_i)^idf` for a product that is in `n_i`
//!    of `N` sessions. The two newest actions also speak for the companions of their products, by any lists of neighbours
//!    `c(i, x)` whose strongest weight is one: `w(x) += expansion v c(i, x) idf(x)`. So sessions are found for a product
//!    that few have met.
//! 2. **Which sessions resemble it.** `sim(S) = g(S) W(S)` with `W(S) = Σ_{x in S} w(x)` and
//!    `g(S) = |S|^-length e^(-age(S) / recency)`, the age as a share of the time that the index spans. The best
//!    `neighbours` are kept.
//! 3. **What happened there.** `score(j) = n_j^-popularity Σ_S sim(S)^sharpness / W(S) Σ_{x in S} w(x) δ(x, j)`, where
//!    `δ` is the mean over the places `r` of `x` of the sum over the places `q` of `j` of `e^(-(q - r - 1) / distance)` if
//!    `q > r`, `backward e^(-(r - q - 1) / distance)` if `q < r`, and `itself` if `q = r`. A product of the current
//!    session counts `seen` times as much.
//!
//! The original STAN measures distances from one place of a neighbour only, that of the newest common product; here every
//! common product has its own, with its weight. That ranks a little better, and makes each action's part of the score a
//! number: given the neighbours, the score is `Σ_i v_i s_i(j)`. With `sharpness` of at least one, taking an action away
//! (the others keeping their distance from the end) can only lower every `sim(S)` and every score of products that are not
//! themselves taken away, as long as the neighbours are the same; other neighbours may take the place of those that lose.
//!
//! Everything is bounded: the sessions of the index, the sessions listed for each product (the newest), the places of a
//! session, the entries of lists read for one request, the neighbours.
//!
//! [`VISIT_GAP`]: vitrine_domain::profile::VISIT_GAP

use serde::{Deserialize, Serialize};

mod choose;
mod index;
mod part;
mod score;

pub use choose::choose;
pub use index::{Sessions, visit};
pub(crate) use part::Neighbourhood;
pub use score::{Scratch, View};

/// What counts how much. Chosen on held-out actions by [`choose`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// Steps in which the voice of a past action falls to `1/e`.
    pub step: f32,
    /// Exponent of the inverse document frequency.
    pub idf: f32,
    /// Exponent of the length of a neighbour: a half is the cosine.
    pub length: f32,
    /// Share of the index's time in which the similarity of a session falls to `1/e`.
    pub recency: f32,
    /// Sessions that have a say.
    pub neighbours: u32,
    /// Exponent of the similarity, at least one.
    pub sharpness: f32,
    /// Steps from a common product in which the score falls to `1/e`.
    pub distance: f32,
    /// What came before the common product, relative to what came after.
    pub backward: f32,
    /// The common product itself, relative to what came right after it.
    pub itself: f32,
    /// Factor of products that are in the current session.
    pub seen: f32,
    /// Exponent of the penalty on products of many sessions.
    pub popularity: f32,
    /// Weight of the companions of the newest products.
    pub expansion: f32,
    /// Companions of each.
    pub companions: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            step: 2.0,
            idf: 2.0,
            length: 0.25,
            recency: 0.7,
            neighbours: 300,
            sharpness: 1.25,
            distance: 2.0,
            backward: 0.7,
            itself: 0.5,
            seen: 2.0,
            popularity: 0.2,
            expansion: 0.3,
            companions: 50,
        }
    }
}

/// What the parameters make of an index: factors computed once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Factors {
    /// `g(S)` of each session.
    pub gains: Vec<f32>,
    /// `idf(i)` of each product; zero for products of no session.
    pub idf: Vec<f32>,
    /// `n_j^-popularity` of each product; zero for products of no session.
    pub penalties: Vec<f32>,
}

impl Factors {
    /// Computes the factors of an index.
    #[must_use]
    pub fn of(sessions: &Sessions, parameters: &Parameters) -> Self {
        let total = sessions.len() as f32;
        let of_count = |factor: &dyn Fn(f32) -> f32| {
            sessions.counts.iter().map(|n| if *n == 0 { 0.0 } else { factor(*n as f32) }).collect()
        };
        let gain = |(bounds, age): (&[u32], &f32)| {
            ((bounds[1] - bounds[0]) as f32).powf(-parameters.length) * (-age / parameters.recency).exp()
        };
        Self {
            gains: sessions.starts.windows(2).zip(&sessions.ages).map(gain).collect(),
            idf: of_count(&|n| (total / n).ln_1p().powf(parameters.idf)),
            penalties: of_count(&|n| n.powf(-parameters.popularity)),
        }
    }
}

#[cfg(test)]
mod tests;
