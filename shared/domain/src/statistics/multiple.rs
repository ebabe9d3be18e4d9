//! Several comparisons at once.

/// The order of p-values, smallest first; one that is no number counts as 1.
fn ascending(p: &[f64]) -> Vec<(usize, f64)> {
    let mut order: Vec<(usize, f64)> = p.iter().map(|p| if p.is_nan() { 1.0 } else { *p }).enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    order
}

/// P-values such that calling all below α an effect makes even one wrong call with probability at most α, whatever the
/// dependence between them (Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979). For the few
/// comparisons a decision hangs on. In the order given.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "few comparisons")]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p.len()];
    let mut least = 0.0_f64;
    for (rank, (at, p)) in ascending(p).into_iter().enumerate() {
        least = least.max(p * (adjusted.len() - rank) as f64).min(1.0);
        if let Some(adjusted) = adjusted.get_mut(at) {
            *adjusted = least;
        }
    }
    adjusted
}

/// P-values such that of all called an effect below α, at most a share α is wrong on average, if they are independent
/// or positively dependent (Benjamini and Hochberg, "Controlling the False Discovery Rate", 1995). For the many metrics
/// one looks through. In the order given.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "few comparisons")]
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p.len()];
    let mut most = 1.0_f64;
    for (rank, (at, p)) in ascending(p).into_iter().enumerate().rev() {
        // In this order: a factor of at least one never makes a p-value smaller.
        most = most.min(p * (adjusted.len() as f64 / (rank + 1) as f64));
        if let Some(adjusted) = adjusted.get_mut(at) {
            *adjusted = most;
        }
    }
    adjusted
}
