//! Bandits: traffic shifts to the variant that is probably best, while every variant keeps a floor.
//!
//! Thompson sampling gives each arm the probability of being the best one (Thompson, 1933; Chapelle and Li, NIPS 2011).
//! Instead of drawing from the posteriors, that probability is integrated, so it is exact, needs no seed, and is the
//! propensity to log. Old observations lose weight (discounted Thompson sampling, Raj and Kalyani, 2017), so that a
//! taste that turns is noticed.
//!
//! Shares divide newcomers alone: whoever has seen a variant keeps it ([`Memory`](crate::experiment::Memory)), and counts
//! for the day on which they saw it first. A posterior does not depend on how visitors were divided, but figures for people do:
//! see [`Weighted`](super::Weighted).

use serde::{Deserialize, Serialize};
use statrs::function::beta::checked_beta_reg;
use statrs::function::gamma::ln_gamma;

use super::{Moments, normal_cdf, real};

/// Most arms.
pub const MAX_ARMS: usize = 32;

/// What an arm earns from one visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reward {
    /// 0 or 1. The posterior is Beta, from a uniform prior.
    Conversion,
    /// A number. The posterior of its mean is normal, from a prior around the mean of all arms that is worth one
    /// visitor.
    Value,
}

/// What was seen of an arm: discounted sums.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    /// Visitors.
    pub visitors: f64,
    /// Sum of their rewards.
    pub sum: f64,
    /// Sum of the squares of their rewards.
    pub squares: f64,
}

impl Observed {
    /// With one visitor more.
    #[must_use]
    pub fn with(self, reward: f64) -> Self {
        Self { visitors: self.visitors + 1.0, sum: self.sum + reward, squares: self.squares + reward * reward }
    }

    /// Both together.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        Self {
            visitors: self.visitors + other.visitors,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares,
        }
    }

    /// What is left after some days, if half is left after `half_life` days. Nothing is forgotten with a half-life of
    /// 0.
    #[must_use]
    pub fn after(self, days: f64, half_life: f64) -> Self {
        let kept = if half_life > 0.0 { (-days.max(0.0) / half_life).exp2() } else { 1.0 };
        Self { visitors: self.visitors * kept, sum: self.sum * kept, squares: self.squares * kept }
    }

    fn is_sound(&self) -> bool {
        let finite = [self.visitors, self.sum, self.squares].iter().all(|number| number.is_finite());
        finite && self.visitors >= 0.0 && self.squares >= 0.0
    }
}

impl From<&Moments> for Observed {
    fn from(moments: &Moments) -> Self {
        let n = real(moments.n);
        Self { visitors: n, sum: n * moments.y, squares: moments.yy + n * moments.y * moments.y }
    }
}

/// Why no allocation can be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BanditError {
    /// Too few or too many arms.
    #[error("a bandit has 2 to {MAX_ARMS} arms")]
    Arms,
    /// The floor does not fit the number of arms.
    #[error("`floor` must be at least 0, and at most 1 divided by the number of arms")]
    Floor,
    /// Sums that no visitors can have given.
    #[error("the sums of arm {0} are not finite, negative, or count more conversions than visitors")]
    Observed(usize),
}

/// The share of traffic of each arm: the probability that it is the best one, above a floor that every arm keeps. The
/// shares add up to one and are the probabilities with which visitors meet the arms.
///
/// # Errors
/// If there are too few or too many arms, the floor does not fit, or sums are impossible.
pub fn allocate(reward: Reward, arms: &[Observed], floor: f64) -> Result<Vec<f64>, BanditError> {
    if !(2..=MAX_ARMS).contains(&arms.len()) {
        return Err(BanditError::Arms);
    }
    #[allow(clippy::cast_precision_loss, reason = "few arms")]
    let count = arms.len() as f64;
    if !(floor >= 0.0 && floor * count <= 1.0 + 1e-12) {
        return Err(BanditError::Floor);
    }
    // Discounting rounds: a conversion more than there are visitors by less than this is none.
    let impossible = |arm: &Observed| {
        !arm.is_sound()
            || reward == Reward::Conversion && (arm.sum < 0.0 || arm.sum > arm.visitors * (1.0 + 1e-9) + 1e-9)
    };
    if let Some(at) = arms.iter().position(impossible) {
        return Err(BanditError::Observed(at));
    }
    let best = probabilities_of_being_best(&posteriors(reward, arms));
    let free = (1.0 - floor * count).max(0.0);
    Ok(best.into_iter().map(|best| floor + free * best).collect())
}

/// What is believed of an arm's mean.
#[derive(Debug, Clone, Copy)]
enum Posterior {
    Beta { a: f64, b: f64 },
    Normal { mean: f64, deviation: f64 },
}

fn posteriors(reward: Reward, arms: &[Observed]) -> Vec<Posterior> {
    if reward == Reward::Conversion {
        let beta = |arm: &Observed| Posterior::Beta { a: 1.0 + arm.sum, b: 1.0 + (arm.visitors - arm.sum).max(0.0) };
        return arms.iter().map(beta).collect();
    }
    let all = arms.iter().fold(Observed::default(), |all, arm| all.merged(*arm));
    let mean = if all.visitors > 0.0 { all.sum / all.visitors } else { 0.0 };
    let about = |of: &Observed, mean: f64| (of.squares - 2.0 * mean * of.sum + of.visitors * mean * mean).max(0.0);
    // An arm's own variance is trusted as far as it goes: it is mixed with that of all arms, which counts as ten
    // visitors.
    const BORROWED: f64 = 10.0;
    let common = if all.visitors > 0.0 { about(&all, mean) / all.visitors } else { 1.0 };
    let common = if common > 0.0 { common } else { 1.0 };
    let normal = |arm: &Observed| {
        let own = if arm.visitors > 0.0 { arm.sum / arm.visitors } else { mean };
        let variance = (about(arm, own) + BORROWED * common) / (arm.visitors + BORROWED);
        let (seen, prior) = (arm.visitors / variance, 1.0 / common);
        Posterior::Normal {
            mean: (seen * own + prior * mean) / (seen + prior),
            deviation: (seen + prior).sqrt().recip(),
        }
    };
    arms.iter().map(normal).collect()
}

impl Posterior {
    fn mean(self) -> f64 {
        match self {
            Self::Beta { a, b } => a / (a + b),
            Self::Normal { mean, .. } => mean,
        }
    }

    fn deviation(self) -> f64 {
        match self {
            Self::Beta { a, b } => (a * b / ((a + b) * (a + b) * (a + b + 1.0))).sqrt(),
            Self::Normal { deviation, .. } => deviation,
        }
    }

    /// Probability of being below.
    fn below(self, x: f64) -> f64 {
        match self {
            Self::Beta { a, b } => checked_beta_reg(a, b, x.clamp(0.0, 1.0)).unwrap_or(0.5),
            Self::Normal { mean, deviation } => normal_cdf((x - mean) / deviation),
        }
    }

    fn density(self, x: f64) -> f64 {
        match self {
            Self::Beta { a, b } if x > 0.0 && x < 1.0 => {
                let log = (a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p();
                (log + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)).exp()
            }
            Self::Beta { .. } => 0.0,
            Self::Normal { mean, deviation } => {
                let z = (x - mean) / deviation;
                (-z * z / 2.0).exp() / (deviation * (2.0 * std::f64::consts::PI).sqrt())
            }
        }
    }
}

/// Nodes and weights of the Gauss-Legendre rule of five points on [-1, 1] (Abramowitz and Stegun, table 25.4).
const RULE: [(f64, f64); 5] = [
    (0.0, 0.568_888_888_888_888_9),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
    (0.906_179_845_938_664, 0.236_926_885_056_189_1),
];

/// `P(k is best) = ∫ f_k(x) Π_{j≠k} F_j(x) dx`, between points that lie as densely as each posterior needs.
fn probabilities_of_being_best(arms: &[Posterior]) -> Vec<f64> {
    /// Half a standard deviation apart, up to eight of them on both sides.
    const STEPS: i32 = 16;
    let mut points: Vec<f64> = Vec::with_capacity(arms.len() * 2 * STEPS as usize + 2);
    for arm in arms {
        points.extend((-STEPS..=STEPS).map(|step| arm.mean() + f64::from(step) / 2.0 * arm.deviation()));
        if matches!(arm, Posterior::Beta { .. }) {
            points.iter_mut().for_each(|x| *x = x.clamp(0.0, 1.0));
        }
    }
    points.sort_by(f64::total_cmp);
    points.dedup();
    let mut best = vec![0.0; arms.len()];
    for (low, high) in points.iter().zip(points.iter().skip(1)) {
        let (middle, half) = ((low + high) / 2.0, (high - low) / 2.0);
        for (node, weight) in RULE {
            let x = middle + half * node;
            let below: Vec<f64> = arms.iter().map(|arm| arm.below(x)).collect();
            for (at, (best, arm)) in best.iter_mut().zip(arms).enumerate() {
                let others = below.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, below)| below);
                *best += weight * half * arm.density(x) * others.product::<f64>();
            }
        }
    }
    let whole: f64 = best.iter().sum();
    best.into_iter().map(|best| best / whole).collect()
}
