//! The sample-ratio alarm: are visitors divided as intended?
//!
//! The test is sequential (Lindon and Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022): the
//! counts so far under a Dirichlet mixture of divisions around the intended one, against the intended one alone. Its
//! inverse is a p-value that holds at all times at once, so it may be read after every visitor.

use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

use super::real;

/// Below this p-value the alarm goes off. It is strict because the experiment is then worthless: whatever kept visitors
/// out of a variant also chose whom.
pub const ALARM: f64 = 0.001;

/// How closely the mixture lies around the intended division: as closely as a division observed of so many visitors.
/// Faults in practice move a few visitors in a hundred.
const CONCENTRATION: f64 = 1_000.0;

/// Whether visitors are divided as intended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mismatch {
    /// Visitors of each variant.
    pub observed: Vec<u64>,
    /// How many were to be expected of as many visitors.
    pub expected: Vec<f64>,
    /// Probability of ever being so far off if the division is as intended.
    pub p: f64,
    /// Whether something is wrong with the experiment.
    pub alarm: bool,
}

/// Compares visitors of each variant with the variants' shares of the traffic, which need not add up to one. None
/// unless there are as many shares as counts, all of them positive.
#[must_use]
pub fn mismatch(observed: &[u64], shares: &[f64]) -> Option<Mismatch> {
    let whole: f64 = shares.iter().sum();
    let positive = whole.is_finite() && shares.iter().all(|share| *share > 0.0);
    if observed.len() != shares.len() || observed.len() < 2 || !positive {
        return None;
    }
    let total = real(observed.iter().sum());
    let evidence: f64 = observed.iter().zip(shares).fold(0.0, |sum, (count, share)| {
        let (count, share) = (real(*count), share / whole);
        let prior = CONCENTRATION * share;
        sum + ln_gamma(prior + count) - ln_gamma(prior) - count * share.ln()
    });
    let evidence = evidence + ln_gamma(CONCENTRATION) - ln_gamma(CONCENTRATION + total);
    let p = (-evidence).exp().min(1.0);
    let expected = shares.iter().map(|share| share / whole * total).collect();
    Some(Mismatch { observed: observed.to_vec(), expected, p, alarm: p < ALARM })
}
