//! What an experiment says: estimates, effects with intervals, alarms, plans, and bandits.
//!
//! Everything is computed from small sums that can be merged ([`Moments`], [`Observed`](bandit::Observed)), so a result
//! page reads one row per file of the archive and no event. The methods and where they are described:
//!
//! | what | method |
//! |---|---|
//! | proportion, mean, ratio of two means | normal approximation; delta method for ratios and relative effects (Deng, Knoblich and Lu, KDD 2018) |
//! | results that may be read every day | asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of Statistics 2024, arXiv 2103.06476, theorem 2.2), which is the mixture test of Johari, Koomen, Pekelis and Walsh (KDD 2017) with estimated variance |
//! | less noise from what was known before | CUPED (Deng, Xu, Kohavi and Walker, WSDM 2013) |
//! | visitors divided otherwise than intended | sequential multinomial test (Lindon and Malek, NeurIPS 2022) |
//! | several comparisons | Holm (1979); Benjamini and Hochberg (1995) |
//! | factorial tests | contrasts of cell means (Montgomery, Design and Analysis of Experiments, chapters 5 and 6) |
//! | how long it takes | the usual sample size for two means, also for sequences |
//! | shares that moved | each visitor weighted by the inverse of the logged probability of their variant (Hadad, Hirshberg, Zhan, Wager and Athey, PNAS 2021) |
//! | shifting traffic | Thompson sampling, the probability of being best computed by quadrature instead of drawn |

pub mod bandit;
mod cuped;
mod effect;
mod factorial;
mod mismatch;
mod moments;
mod multiple;
mod plan;
mod report;
mod weighted;

use statrs::function::erf::{erfc, erfc_inv};

pub use cuped::{Cuped, adjusted};
pub use effect::{Effect, Estimate, Interval, MetricKind, Reading};
pub use factorial::{Contrast, Step, contrasts, levels_of};
pub use mismatch::{ALARM, Mismatch, mismatch};
pub use moments::Moments;
pub use multiple::{benjamini_hochberg, holm};
pub use plan::{Plan, PlanError, Question};
pub use report::{Comparison, Measured, MeasuredReport, Report, Role, Study, StudyError, Verdict, report};
pub use weighted::{Means, Weighted};

/// Probability that a standard normal variable is at most `z`.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    erfc(-z / std::f64::consts::SQRT_2) / 2.0
}

/// The value that a standard normal variable stays below with probability `p`, 0 to 1.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * p)
}

/// A count as a number to compute with.
#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
const fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
