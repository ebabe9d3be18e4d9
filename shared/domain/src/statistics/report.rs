//! The result of an experiment: every metric of every variant against the control, with a word for each.

use serde::{Deserialize, Serialize};

use super::{
    Contrast, Effect, Estimate, MetricKind, Mismatch, Moments, Reading, adjusted, benjamini_hochberg, contrasts, holm,
    mismatch,
};
use crate::experiment::Direction;

/// Fewest visitors of a variant for whom intervals are shown: below, a mean is not yet nearly normal.
const MIN_VISITORS: u64 = 100;
/// Fewest visitors who did something, and who did not, for a proportion; and fewest events that a ratio counts.
const MIN_EVENTS: f64 = 10.0;
/// Fewest visitors with a part in a ratio's denominator, such as customers for an order value: each is one number of its variance.
const MIN_DENOMINATORS: f64 = 30.0;

/// What a metric is for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Role {
    /// The decision hangs on it.
    Primary,
    /// One looks at it.
    Secondary,
    /// It must not get worse.
    Guardrail {
        /// By so much it may, as a share of the control's value.
        margin: f64,
    },
}

/// A metric and its sums in each variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Its name.
    pub metric: String,
    /// What kind of number it is.
    pub kind: MetricKind,
    /// Which way is better.
    pub better: Direction,
    /// What it is for.
    pub role: Role,
    /// Whether the companion of a proportion or mean is a covariate known before the experiment (CUPED).
    #[serde(default)]
    pub covariate: bool,
    /// Whether a ratio counts events, such as clicks, and sums no amounts.
    #[serde(default)]
    pub counts: bool,
    /// The sums, in the order of the variants.
    pub variants: Vec<Moments>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// The variants, the control first; of a factorial test its cells, the last factor running fastest.
    pub variants: Vec<String>,
    /// Their shares of the traffic.
    pub shares: Vec<f64>,
    /// The visitors exposed to each.
    pub exposed: Vec<u64>,
    /// How many levels each factor has; empty for a test that is not factorial.
    #[serde(default)]
    pub levels: Vec<usize>,
    /// How it is read.
    pub reading: Reading,
    /// The metrics.
    pub metrics: Vec<Measured>,
}

/// Why there is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{at}`: {how}")]
pub struct StudyError {
    /// Which field.
    pub at: String,
    /// How to mend it.
    pub how: String,
}

/// What can be said of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Too few visitors or events for any figure to be trusted.
    TooEarly,
    /// No difference shows; there may be one inside the interval.
    Open,
    /// Better than the control.
    Better,
    /// Worse than the control.
    Worse,
    /// A guardrail that holds: harm beyond its margin is ruled out.
    Safe,
}

/// A variant against the control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The variant.
    pub variant: String,
    /// Its estimate, adjusted if the metric has a covariate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// How it differs; the intervals hold for all comparisons of this metric together. None for the control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// The p-value given the other comparisons: of this metric (Holm), for secondary metrics of all of them (Benjamini
    /// and Hochberg).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusted_p: Option<f64>,
    /// In a word.
    pub verdict: Verdict,
}

/// A metric's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredReport {
    /// Its name.
    pub metric: String,
    /// What it is for.
    pub role: Role,
    /// The share of the variance that the covariate took away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variance_reduction: Option<f64>,
    /// All variants, the control first.
    pub variants: Vec<Comparison>,
    /// Main effects and interactions of a factorial test; empty while nothing varies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contrasts: Vec<Contrast>,
}

/// An experiment's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Whether visitors are divided as intended. If not, nothing below can be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mismatch: Option<Mismatch>,
    /// The metrics.
    pub metrics: Vec<MeasuredReport>,
}

impl Study {
    fn check(&self) -> Result<(), StudyError> {
        let count = self.variants.len();
        let must = |holds: bool, at: &str, how: &str| {
            if holds { Ok(()) } else { Err(StudyError { at: at.to_owned(), how: how.to_owned() }) }
        };
        must(count >= 2, "variants", "at least 2, the control first")?;
        must(self.shares.len() == count, "shares", "one for each variant")?;
        must(self.exposed.len() == count, "exposed", "one for each variant")?;
        let cells = self.levels.iter().try_fold(1_usize, |cells, count| cells.checked_mul(*count));
        must(self.levels.is_empty() || cells == Some(count), "levels", "as many cells as there are variants")?;
        let sound = self.reading.alpha > 0.0 && self.reading.alpha < 1.0;
        must(sound, "reading.alpha", "above 0 and below 1")?;
        for (at, metric) in self.metrics.iter().enumerate() {
            must(metric.variants.len() == count, &format!("metrics/{at}/variants"), "one for each variant")?;
            let plain = !(metric.covariate && metric.kind == MetricKind::Ratio);
            must(plain, &format!("metrics/{at}/covariate"), "false for a ratio: its companion is the denominator")?;
        }
        Ok(())
    }
}

/// The result of a study. Where a bandit moves the shares its sums have to be [weighted](super::Weighted), and the alarm,
/// which compares with the shares of now, means nothing.
///
/// # Errors
/// Names the field whose length or value does not fit the others.
pub fn report(study: &Study) -> Result<Report, StudyError> {
    study.check()?;
    let mut metrics: Vec<MeasuredReport> = study.metrics.iter().map(|metric| compared(study, metric)).collect();
    adjust(&mut metrics);
    for (of, metric) in metrics.iter_mut().zip(&study.metrics) {
        for comparison in of.variants.iter_mut().filter(|comparison| comparison.verdict != Verdict::TooEarly) {
            comparison.verdict = verdict(metric, comparison, study.reading.alpha);
        }
    }
    Ok(Report { mismatch: mismatch(&study.exposed, &study.shares), metrics })
}

fn is_ripe(metric: &Measured, moments: &Moments) -> bool {
    let visitors = super::real(moments.n);
    let did = moments.y * visitors;
    let enough = match metric.kind {
        MetricKind::Proportion => did >= MIN_EVENTS && visitors - did >= MIN_EVENTS,
        MetricKind::Mean => true,
        // Sums of floating numbers: thirty customers may come out as a little less.
        MetricKind::Ratio => {
            moments.companions() + 1e-6 >= MIN_DENOMINATORS && (!metric.counts || did + 1e-6 >= MIN_EVENTS)
        }
    };
    moments.n >= MIN_VISITORS && enough
}

/// A metric's comparisons, without what depends on other comparisons.
fn compared(study: &Study, metric: &Measured) -> MeasuredReport {
    let cuped = if metric.covariate { adjusted(&metric.variants) } else { None };
    let estimates: Vec<Option<Estimate>> = match &cuped {
        Some(cuped) => cuped.estimates.iter().copied().map(Some).collect(),
        None => metric.variants.iter().map(|moments| Estimate::of(metric.kind, moments)).collect(),
    };
    let reading = study.reading.shared_by(study.variants.len() - 1);
    let control = estimates.first().copied().flatten();
    let comparison = |(at, variant): (usize, &String)| {
        let estimate = estimates.get(at).copied().flatten();
        let pair = control.zip(estimate).filter(|_| at > 0);
        let effect = pair.and_then(|(control, estimate)| Effect::between(&control, &estimate, reading));
        let ripe = [0, at].iter().all(|at| metric.variants.get(*at).is_some_and(|moments| is_ripe(metric, moments)));
        let verdict = if ripe { Verdict::Open } else { Verdict::TooEarly };
        Comparison { variant: variant.clone(), estimate, effect, adjusted_p: None, verdict }
    };
    let cells: Option<Vec<Estimate>> = estimates.iter().copied().collect();
    let factorial = cells.filter(|_| !study.levels.is_empty());
    MeasuredReport {
        metric: metric.metric.clone(),
        role: metric.role,
        variance_reduction: cuped.as_ref().map(|cuped| cuped.reduction),
        variants: study.variants.iter().enumerate().map(comparison).collect(),
        contrasts: factorial.and_then(|cells| contrasts(&study.levels, &cells, study.reading)).unwrap_or_default(),
    }
}

/// P-values given the comparisons that are looked at together. One that is made too early counts among them and lifts none:
/// its own p-value may come of nothing but rounding.
fn adjust(metrics: &mut [MeasuredReport]) {
    let is_secondary = |metric: &MeasuredReport| metric.role == Role::Secondary;
    for metric in metrics.iter_mut().filter(|metric| !is_secondary(metric)) {
        give(holm, metric.variants.iter_mut());
    }
    let secondary = metrics.iter_mut().filter(|metric| is_secondary(metric));
    give(benjamini_hochberg, secondary.flat_map(|metric| metric.variants.iter_mut()));
}

fn give<'a>(adjust: fn(&[f64]) -> Vec<f64>, comparisons: impl Iterator<Item = &'a mut Comparison>) {
    let p = |comparison: &Comparison| match (comparison.effect, comparison.verdict) {
        (Some(_), Verdict::TooEarly) => Some(1.0),
        (effect, _) => effect.map(|effect| effect.p),
    };
    let family: Vec<(&mut Comparison, f64)> =
        comparisons.filter_map(|comparison| p(comparison).map(|p| (comparison, p))).collect();
    let adjusted = adjust(&family.iter().map(|(_, p)| *p).collect::<Vec<_>>());
    for ((comparison, _), p) in family.into_iter().zip(adjusted) {
        comparison.adjusted_p = Some(p);
    }
}

fn verdict(metric: &Measured, comparison: &Comparison, alpha: f64) -> Verdict {
    let Some((effect, p)) = comparison.effect.zip(comparison.adjusted_p) else { return Verdict::Open };
    let good = |value: f64| if metric.better == Direction::Up { value } else { -value };
    let better = good(effect.absolute.value) > 0.0;
    if p <= alpha && better {
        return Verdict::Better;
    }
    if let (Role::Guardrail { margin }, Some(relative)) = (metric.role, effect.relative)
        && good(relative.low).min(good(relative.high)) > -margin
    {
        return Verdict::Safe;
    }
    if p <= alpha { Verdict::Worse } else { Verdict::Open }
}
