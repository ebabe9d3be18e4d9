//! An estimate of one variant, and how two of them differ.

use serde::{Deserialize, Serialize};

use super::{Moments, normal_cdf, normal_quantile, real};

/// What kind of number a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// The share of visitors who did something: 0 or 1 for each.
    Proportion,
    /// A number for each visitor, with 0 for those who have none: revenue, margin.
    Mean,
    /// The sum of one number over the sum of another: order value, clicks per impression.
    Ratio,
}

/// A metric of one variant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// Visitors.
    pub n: u64,
    /// Its value.
    pub value: f64,
    /// The variance of that value: the square of its standard error.
    pub variance: f64,
}

impl Estimate {
    /// What the sums of a variant say; none below two visitors, or for a ratio whose denominator is 0.
    ///
    /// The variance of a ratio is that of its linearization, `(s_yy - 2 R s_yx + R² s_xx) / (n x̄²)` (delta method).
    #[must_use]
    pub fn of(kind: MetricKind, moments: &Moments) -> Option<Self> {
        let n = real(moments.n);
        let (value, variance) = match kind {
            MetricKind::Proportion | MetricKind::Mean => (moments.y, moments.residual(0.0)? / n),
            MetricKind::Ratio if moments.x <= 0.0 => return None,
            MetricKind::Ratio => {
                let ratio = moments.y / moments.x;
                (ratio, moments.residual(ratio)? / (n * moments.x * moments.x))
            }
        };
        (value.is_finite() && variance.is_finite()).then_some(Self { n: moments.n, value, variance })
    }

    /// The standard deviation of one visitor's number (of a ratio: of its linearization): what a
    /// [`Question`](super::Question) asks for.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        (self.variance * real(self.n)).sqrt()
    }
}

/// How a result is read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Accepted probability of seeing an effect where there is none, above 0, below 1.
    pub alpha: f64,
    /// Visitors, of all compared variants together, after which a decision is intended. With it, intervals and p-values
    /// hold at all times at once, however often they are looked at, and are tightest around that number. Without it
    /// they hold for one look at a time chosen beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<u64>,
}

/// `-2 ln α + ln(1 - 2 ln α)` at α = .05: the growth of the mixture that makes the sequence tightest at the planned number of
/// visitors (Waudby-Smith et al., appendix on the choice of ρ). It is the same for every α, so that p-values do not
/// depend on it.
const TUNED: f64 = 7.936_154_601_737_565;

impl Reading {
    /// Read at any time, with a decision intended after so many visitors.
    #[must_use]
    pub const fn any_time(alpha: f64, planned: u64) -> Self {
        Self { alpha, planned: Some(planned) }
    }

    /// Read once, at a time chosen beforehand.
    #[must_use]
    pub const fn once(alpha: f64) -> Self {
        Self { alpha, planned: None }
    }

    /// The same for one of several comparisons (Bonferroni).
    #[must_use]
    pub fn shared_by(self, comparisons: usize) -> Self {
        Self { alpha: self.alpha / real(comparisons.max(1) as u64), ..self }
    }

    /// How far the sequence is: the mixture's variance in units of that of the estimate, `t ρ²`.
    fn progress(self, visitors: u64) -> Option<f64> {
        self.planned.map(|planned| TUNED * real(visitors.max(1)) / real(planned.max(1)))
    }

    /// Half the width of an interval in standard errors, after so many visitors.
    #[must_use]
    pub fn half_width(self, visitors: u64) -> f64 {
        let alpha = self.alpha.clamp(1e-12, 1.0);
        match self.progress(visitors) {
            None => normal_quantile(1.0 - alpha / 2.0),
            Some(r) => (2.0 * (1.0 + r) / r * ((1.0 + r).sqrt() / alpha).ln()).sqrt(),
        }
    }

    /// The p-value of an estimate `z` standard errors from no effect, after so many visitors.
    #[must_use]
    pub fn p(self, z: f64, visitors: u64) -> f64 {
        match self.progress(visitors) {
            None => 2.0 * normal_cdf(-z.abs()),
            Some(r) => ((1.0 + r).ln() / 2.0 - r / (1.0 + r) * z * z / 2.0).exp().min(1.0),
        }
    }
}

/// An estimate with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// So many standard errors on both sides.
    pub(super) fn around(value: f64, variance: f64, half_width: f64) -> Self {
        let half = half_width * variance.max(0.0).sqrt();
        Self { value, low: value - half, high: value + half }
    }

    /// Whether a number lies in it.
    #[must_use]
    pub fn holds(&self, number: f64) -> bool {
        (self.low..=self.high).contains(&number)
    }
}

/// How a variant differs from the control.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// The difference, in the metric's unit.
    pub absolute: Interval,
    /// The difference as a share of the control's value (.05 is 5 % more); none where the control is too near to 0 for
    /// it to mean something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<Interval>,
    /// Probability of a difference at least as clear if there is none; with an any-time reading of ever seeing one.
    /// Such p-values may be read as they come: the smallest so far is one too, and so is what all intervals so far have
    /// in common.
    pub p: f64,
}

/// A control nearer to 0 than so many standard errors has no relative effect: its interval would be without bounds.
const FROM_ZERO: f64 = 3.0;

impl Effect {
    /// How `variant` differs from `control`; none while neither varies.
    #[must_use]
    pub fn between(control: &Estimate, variant: &Estimate, reading: Reading) -> Option<Self> {
        let visitors = control.n + variant.n;
        let variance = control.variance + variant.variance;
        if variance <= 0.0 || !variance.is_finite() {
            return None;
        }
        let difference = variant.value - control.value;
        let half_width = reading.half_width(visitors);
        let relative = (control.value > FROM_ZERO * control.variance.sqrt()).then(|| {
            let ratio = variant.value / control.value;
            let square = control.value * control.value;
            let variance = (variant.variance + ratio * ratio * control.variance) / square;
            Interval::around(ratio - 1.0, variance, half_width)
        });
        let p = reading.p(difference / variance.sqrt(), visitors);
        Some(Self { absolute: Interval::around(difference, variance, half_width), relative, p })
    }
}
