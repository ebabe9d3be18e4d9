//! Published values, properties, and simulations with a known truth. `VITRINE_RUNS` sets how many experiments are
//! simulated; the figures are printed (`cargo test -p vitrine-domain -- --nocapture statistics`).
#![allow(clippy::print_stdout, reason = "the figures are to be seen")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "made-up data"
)]

mod bandit;
mod draws;
mod exact;
mod factorial;
mod intervals;
mod plan;
mod report;

/// How many experiments are simulated.
#[allow(clippy::disallowed_methods, reason = "a test may be asked for more")]
fn runs() -> usize {
    std::env::var("VITRINE_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(10_000)
}

/// By how much a share found in so many runs may lie above or below the true one: four standard errors.
fn slack(share: f64, runs: usize) -> f64 {
    4.0 * (share * (1.0 - share) / runs as f64).sqrt()
}
