//! How many visitors and days an experiment needs.

use serde::{Deserialize, Serialize};

use super::{MetricKind, Reading, normal_quantile, real};

/// What is to be found, and of whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The metric's kind.
    pub kind: MetricKind,
    /// Its value now: for a proportion above 0, below 1.
    pub baseline: f64,
    /// Standard deviation of one visitor's number (of a ratio: of its linearization). Not used for a proportion, which
    /// has its own.
    #[serde(default)]
    pub deviation: f64,
    /// The smallest relative change that must not be missed: .05 is 5 %, up or down.
    pub effect: f64,
    /// Accepted probability of seeing an effect where there is none.
    #[serde(default = "usual_alpha")]
    pub alpha: f64,
    /// Wanted probability of seeing the effect if there is one.
    #[serde(default = "usual_power")]
    pub power: f64,
    /// Variants with the control, all with the same share.
    #[serde(default = "two")]
    pub variants: u32,
    /// Whether results are read as they come (always-valid) or once, at the end.
    #[serde(default = "yes")]
    pub any_time: bool,
    /// Correlation with a covariate known beforehand (CUPED); 0 for none.
    #[serde(default)]
    pub correlation: f64,
    /// Visitors a day who can enter.
    pub visitors_per_day: f64,
    /// The share of them that does.
    #[serde(default = "one")]
    pub traffic: f64,
}

const fn usual_alpha() -> f64 {
    0.05
}
const fn usual_power() -> f64 {
    0.8
}
const fn two() -> u32 {
    2
}
const fn yes() -> bool {
    true
}
const fn one() -> f64 {
    1.0
}

/// What it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Visitors of each variant.
    pub per_variant: u64,
    /// Visitors of all variants.
    pub visitors: u64,
    /// Visitors of the two variants of one comparison: what [`Reading::planned`] is set to.
    pub compared: u64,
    /// Whole days.
    pub days: u64,
}

/// Which field of a question is wrong, and how to mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` must be {rule}")]
pub struct PlanError {
    /// The field.
    pub field: &'static str,
    /// What it has to be.
    pub rule: &'static str,
}

/// Longest plan, in visitors: more than there are people.
const MOST: f64 = 1e10;

impl Question {
    fn check(&self) -> Result<(), PlanError> {
        let proportion = self.kind == MetricKind::Proportion;
        let raised = self.baseline * (1.0 + self.effect);
        let inside = |share: f64| share > 0.0 && share < 1.0;
        let positive = |number: f64| number > 0.0 && number.is_finite();
        for (holds, field, rule) in [
            (!proportion || inside(self.baseline), "baseline", "above 0 and below 1 for a proportion"),
            (positive(self.baseline), "baseline", "above 0"),
            (proportion || positive(self.deviation), "deviation", "above 0"),
            (self.effect.is_finite() && self.effect != 0.0 && self.effect > -1.0, "effect", "above -1 and not 0"),
            (!proportion || inside(raised), "effect", "such that the changed proportion is above 0 and below 1"),
            (inside(self.alpha), "alpha", "above 0 and below 1"),
            (self.power >= 0.5 && self.power < 1.0, "power", "at least .5 and below 1"),
            ((2..=1_000).contains(&self.variants), "variants", "2 to 1000"),
            (self.correlation.abs() < 1.0, "correlation", "above -1 and below 1"),
            (positive(self.visitors_per_day), "visitors_per_day", "above 0"),
            (self.traffic > 0.0 && self.traffic <= 1.0, "traffic", "above 0, at most 1"),
        ] {
            if !holds {
                return Err(PlanError { field, rule });
            }
        }
        Ok(())
    }

    /// `n = (w + z_power)² (σ_a² + σ_b²) (1 - ρ²) / δ²` for each variant, where `w` is half the interval's width in standard
    /// errors at the end: the normal quantile for one look, more for a sequence. Several comparisons with the control
    /// share α.
    ///
    /// # Errors
    /// Names the field that is out of bounds.
    pub fn plan(&self) -> Result<Plan, PlanError> {
        self.check()?;
        let comparisons = self.variants as usize - 1;
        let reading = if self.any_time { Reading::any_time(self.alpha, 1) } else { Reading::once(self.alpha) };
        // At the planned number of visitors the sequence is as far as it was tuned for, whatever that number is.
        let width = reading.shared_by(comparisons).half_width(1) + normal_quantile(self.power);
        let difference = self.baseline * self.effect;
        let variances = if self.kind == MetricKind::Proportion {
            let of = |share: f64| share * (1.0 - share);
            of(self.baseline) + of(self.baseline + difference)
        } else {
            2.0 * self.deviation * self.deviation
        };
        let noise = variances * (1.0 - self.correlation * self.correlation);
        let needed = (width * width * noise / (difference * difference)).ceil().max(2.0);
        let visitors = needed * f64::from(self.variants);
        let days = (visitors / (self.visitors_per_day * self.traffic)).ceil();
        if visitors.is_nan() || visitors > MOST || days > MOST {
            return Err(PlanError {
                field: "effect",
                rule: "larger: it would take more visitors than there are people",
            });
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and bounded")]
        let (per_variant, days) = (needed as u64, days as u64);
        Ok(Plan { per_variant, visitors: per_variant * u64::from(self.variants), compared: 2 * per_variant, days })
    }

    /// The smallest relative change that is found with the wanted power after so many days: for those who have only so
    /// long. For a proportion the noise is taken at the baseline.
    ///
    /// # Errors
    /// Names the field that is out of bounds; what `effect` says does not matter.
    pub fn detectable(&self, days: u64) -> Result<f64, PlanError> {
        let question = Self { effect: f64::EPSILON, ..self.clone() };
        question.check()?;
        if days == 0 {
            return Err(PlanError { field: "days", rule: "at least 1" });
        }
        let reading = if self.any_time { Reading::any_time(self.alpha, 1) } else { Reading::once(self.alpha) };
        let width = reading.shared_by(self.variants as usize - 1).half_width(1) + normal_quantile(self.power);
        let variance = if self.kind == MetricKind::Proportion {
            self.baseline * (1.0 - self.baseline)
        } else {
            self.deviation * self.deviation
        };
        let n = self.visitors_per_day * self.traffic * real(days) / f64::from(self.variants);
        Ok(width * (2.0 * variance * (1.0 - self.correlation * self.correlation) / n).sqrt() / self.baseline)
    }
}
