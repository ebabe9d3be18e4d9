//! What somebody likes, by category, brand and price band, and when they showed it last.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::NAME;
use crate::time::DAY;
use crate::{Action, Millis};

/// Half-life of an affinity.
pub const AFFINITY_HALF_LIFE: i64 = 30 * DAY;
/// How many affinities a dimension keeps.
pub const AFFINITIES: usize = 40;

/// A sum that loses half its weight every [`AFFINITY_HALF_LIFE`]; stored as an array to stay small.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredDecayed", into = "StoredDecayed")]
pub struct Decayed {
    weight: f64,
    /// Of the last addition.
    at: Millis,
    /// Of the last addition by an order.
    ordered: Option<Millis>,
}

#[derive(Serialize, Deserialize)]
struct StoredDecayed(f64, Millis, #[serde(default, skip_serializing_if = "Option::is_none")] Option<Millis>);

impl From<(f64, Millis)> for Decayed {
    fn from((weight, at): (f64, Millis)) -> Self {
        Self { weight, at, ordered: None }
    }
}

impl From<StoredDecayed> for Decayed {
    fn from(StoredDecayed(weight, at, ordered): StoredDecayed) -> Self {
        Self { weight, at, ordered }
    }
}

impl From<Decayed> for StoredDecayed {
    fn from(Decayed { weight, at, ordered }: Decayed) -> Self {
        Self(weight, at, ordered)
    }
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds of a few years are exact in f64")]
fn decay(millis: i64) -> f64 {
    (-(millis as f64) / AFFINITY_HALF_LIFE as f64).exp2()
}

impl Decayed {
    /// The sum as it stands at a time not before its last addition.
    #[must_use]
    pub fn value(&self, now: Millis) -> f64 {
        self.weight * decay(now.since(self.at).max(0))
    }

    /// When anything was added last.
    pub(crate) fn last(&self) -> Millis {
        self.at
    }

    /// When something was added last by an order.
    pub(crate) fn last_order(&self) -> Option<Millis> {
        self.ordered
    }

    /// One action's: `ordered` says whether something was bought by it.
    pub(super) fn of(action: Action, at: Millis, ordered: bool) -> Self {
        Self { weight: f64::from(action.interest()), at, ordered: ordered.then_some(at) }
    }

    fn add(&mut self, Self { weight, at, ordered }: Self) {
        self.ordered = self.ordered.max(ordered);
        if at >= self.at {
            self.weight = self.weight * decay(at.since(self.at)) + weight;
            self.at = at;
        } else {
            self.weight += weight * decay(self.at.since(at));
        }
    }
}

/// Decayed interest by category, brand and price band (readable, and used in ranking).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Affinities {
    /// By narrowest category.
    pub category: BTreeMap<String, Decayed>,
    /// By brand.
    pub brand: BTreeMap<String, Decayed>,
    /// By price band of the 1-2-5 series.
    pub price_band: BTreeMap<String, Decayed>,
}

pub(super) fn strengthen(map: &mut BTreeMap<String, Decayed>, name: Option<String>, more: Decayed) {
    let Some(name) = name.filter(|name| name.len() <= NAME) else { return };
    map.entry(name).and_modify(|sum| sum.add(more)).or_insert(more);
    if map.len() <= AFFINITIES {
        return;
    }
    let weakest = map.iter().min_by(|a, b| a.1.value(more.at).abs().total_cmp(&b.1.value(more.at).abs()));
    if let Some(name) = weakest.map(|(name, _)| name.clone()) {
        map.remove(&name);
    }
}
