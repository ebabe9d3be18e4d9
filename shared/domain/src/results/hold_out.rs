//! Those who are held out of experiments or personalization, beside those who are served.

use serde::{Deserialize, Serialize};

use super::real;
use crate::Millis;
use crate::statistics::{Effect, Estimate, MetricKind, Moments, Reading};

/// Fewest people of a side of a hold-out of whom anything is said.
const FEWEST: u64 = 100;
/// Fewest people of a side who ordered, and who did not: below, its share is not yet nearly normal.
const FEWEST_OF_A_KIND: f64 = 10.0;

/// On which side of a hold-out somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Whether they go without.
    pub out: bool,
    /// Since when: what they did before counts on no side.
    pub since: Millis,
}

/// People of one side of a hold-out, by whether they ordered and by their revenue less what was paid back.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Side {
    /// 1 for whoever ordered, 0 for others.
    pub ordered: Moments,
    /// Revenue of each.
    pub revenue: Moments,
}

/// How those who go without differ from those who are served, who are mostly more: of what they do a share is well known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Missing {
    /// In the share who ordered.
    pub ordered: Effect,
    /// In the revenue of each; none where nobody has any in the currency.
    pub revenue: Option<Effect>,
}

impl Side {
    /// How two sides are compared: every training makes results, so they are read at any time. Nobody plans how long people are
    /// held out; the intervals are tightest around so many people as a small shop has in weeks, and grow slowly after that.
    pub const READING: Reading = Reading::any_time(0.05, 2_000);

    pub(super) fn add(&mut self, other: &Self) {
        self.ordered = self.ordered.merged(&other.ordered);
        self.revenue = self.revenue.merged(&other.revenue);
    }

    /// Whether there are enough people for anything to be said.
    #[must_use]
    pub fn is_ripe(&self) -> bool {
        let (people, share) = (real(self.ordered.n), self.ordered.y);
        let enough = |part: f64| part * people + 1e-6 >= FEWEST_OF_A_KIND;
        self.ordered.n >= FEWEST && enough(share) && enough(1.0 - share)
    }

    /// How these, who go without, differ from those who are served; none with too few people of either who ordered or did not.
    #[must_use]
    pub fn missing(&self, served: &Self) -> Option<Missing> {
        self.missing_by(served, Self::READING)
    }

    pub(crate) fn missing_by(&self, served: &Self, reading: Reading) -> Option<Missing> {
        if !self.is_ripe() || !served.is_ripe() {
            return None;
        }
        let of = |side: &Self| {
            let ordered = Estimate::of(MetricKind::Proportion, &side.ordered)?;
            Some((ordered, Estimate::of(MetricKind::Mean, &side.revenue)?))
        };
        let ((with, spent), (without, mut kept)) = (of(served)?, of(self)?);
        // Of few people none may have happened to order for much: then their mean is too low, and its error seems small too.
        kept.variance = kept.variance.max(spent.variance * real(spent.n) / real(kept.n));
        let (ordered, revenue) = (Effect::between(&with, &without, reading)?, Effect::between(&spent, &kept, reading));
        Some(Missing { ordered, revenue })
    }
}
