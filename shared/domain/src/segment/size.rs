//! How many visitors a segment has, from some of them.

use serde::{Deserialize, Serialize};

use crate::statistics::normal_quantile;

/// An estimate of a segment's size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// The share of visitors who are in it, 0 to 1.
    pub share: f64,
    /// How many that makes.
    pub visitors: u64,
    /// Lower end of the interval that holds the true number in 95 of 100 estimates.
    pub low: u64,
    /// Its upper end.
    pub high: u64,
}

impl Size {
    /// From the visitors found in a random sample of all visitors (Wilson, "Probable Inference", 1927); exact if all
    /// were asked. None if nobody was asked, or more were found than asked, or more asked than there are.
    #[must_use]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
    pub fn estimate(found: u64, asked: u64, all: u64) -> Option<Self> {
        if asked == 0 || found > asked || asked > all {
            return None;
        }
        let share = found as f64 / asked as f64;
        if asked == all {
            return Some(Self { share, visitors: found, low: found, high: found });
        }
        let (n, z) = (asked as f64, normal_quantile(0.975));
        let middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
        let of_all = |share: f64| (share.clamp(0.0, 1.0) * all as f64).round() as u64;
        // Whoever was found is there, and whoever was not is not.
        let low = of_all(middle - half).max(found);
        let high = of_all(middle + half).min(all - (asked - found));
        Some(Self { share, visitors: of_all(share), low: low.min(high), high })
    }
}
