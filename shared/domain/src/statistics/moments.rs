//! Sums that can be merged.

use serde::{Deserialize, Serialize};

use super::real;

/// What is left of sums that cancel out, as a share of them, is rounding: with order values that are all the same a ratio varies
/// by nothing, and by 1e-16 of it in numbers of 64 bits.
const ROUNDING: f64 = 1e-10;

/// Count, means and sums of products of deviations of two numbers per visitor: a measure, and what it is divided by or
/// was foretold by. Merging two gives what all visitors together would have given, whatever the order (Chan, Golub and
/// LeVeque, 1979), without the cancellation of plain sums of squares.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moments {
    /// Visitors.
    pub n: u64,
    /// Mean of the measure.
    pub y: f64,
    /// Mean of the companion: the denominator of a ratio, or the covariate of CUPED; 0 where there is none.
    #[serde(default)]
    pub x: f64,
    /// Sum of squared deviations of the measure.
    pub yy: f64,
    /// Sum of products of both deviations.
    #[serde(default)]
    pub yx: f64,
    /// Sum of squared deviations of the companion.
    #[serde(default)]
    pub xx: f64,
}

impl Moments {
    /// One visitor. Numbers that are not finite count as 0.
    #[must_use]
    pub fn of(y: f64, x: f64) -> Self {
        let finite = |number: f64| if number.is_finite() { number } else { 0.0 };
        Self { n: 1, y: finite(y), x: finite(x), ..Self::default() }
    }

    /// So many visitors, of whom some did something.
    #[must_use]
    pub fn of_counts(visitors: u64, did: u64) -> Self {
        if visitors == 0 {
            return Self::default();
        }
        let (n, did) = (real(visitors), real(did.min(visitors)));
        let y = did / n;
        Self { n: visitors, y, yy: did * (1.0 - y), ..Self::default() }
    }

    /// With one visitor more.
    pub fn add(&mut self, y: f64, x: f64) {
        *self = self.merged(&Self::of(y, x));
    }

    /// Both together.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        if self.n == 0 || other.n == 0 {
            return if self.n == 0 { *other } else { *self };
        }
        let (a, b) = (real(self.n), real(other.n));
        let (dy, dx, share) = (other.y - self.y, other.x - self.x, b / (a + b));
        Self {
            n: self.n + other.n,
            y: self.y + dy * share,
            x: self.x + dx * share,
            yy: self.yy + other.yy + dy * dy * a * share,
            yx: self.yx + other.yx + dy * dx * a * share,
            xx: self.xx + other.xx + dx * dx * a * share,
        }
    }

    /// Unbiased variance of `y - factor x` of one visitor; 0 where it is nothing but rounding, none below two visitors.
    pub(super) fn residual(&self, factor: f64) -> Option<f64> {
        let degrees = real(self.n.checked_sub(1).filter(|degrees| *degrees > 0)?);
        let of_companion = factor * factor * self.xx;
        let left = self.yy - 2.0 * factor * self.yx + of_companion;
        Some(if left > ROUNDING * (self.yy + of_companion) { left / degrees } else { 0.0 })
    }

    /// To how many visitors with the same companion, and none for the others, this amounts: `(Σ x)² / Σ x²`. There are at least
    /// as many who have any.
    pub(super) fn companions(&self) -> f64 {
        let (n, square) = (real(self.n), self.x * self.x);
        if square > 0.0 { n * n * square / (self.xx + n * square) } else { 0.0 }
    }
}
