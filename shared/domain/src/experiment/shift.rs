//! How a bandit shifts traffic.

use super::{Experiment, MetricKind, Moments};
use crate::statistics::bandit::{BanditError, Observed, Reward, allocate};

/// What was measured of the primary metric on one day.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// How many days ago.
    pub age: f64,
    /// The sums of each variant, in their order; a variant that is missing was not met.
    pub variants: Vec<Moments>,
}

impl Experiment {
    /// The shares that its bandit gives to the variants from now on; none without a bandit. They are stored with
    /// [`Design::with_weights`](super::Design::with_weights) and are the propensities of those who take part from then
    /// on.
    ///
    /// # Errors
    /// If the number of variants or the floor is out of bounds, or the sums are impossible.
    pub fn shifted(&self, days: &[Measurement]) -> Result<Option<Vec<f64>>, BanditError> {
        let Some(bandit) = self.bandit else { return Ok(None) };
        let proportion = self.metrics.primary.kind() == MetricKind::Proportion;
        let reward = if proportion { Reward::Conversion } else { Reward::Value };
        let mut arms = vec![Observed::default(); self.cells().len()];
        for day in days {
            for (arm, moments) in arms.iter_mut().zip(&day.variants) {
                *arm = arm.merged(Observed::from(moments).after(day.age, bandit.half_life_days));
            }
        }
        allocate(reward, &arms, bandit.floor).map(Some)
    }
}
