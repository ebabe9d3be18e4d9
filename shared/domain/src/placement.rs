//! Where a list of products stands, and what fills it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::experiment::{MAX_PAYLOAD, are_factors};
use crate::{Fault, Filter};

/// What fills a placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The neighbourhood of the visitor.
    Personal,
    /// Products like the one being looked at.
    Similar,
    /// Products ordered together with the one being looked at.
    BoughtTogether,
    /// Products that complete the basket.
    Basket,
    /// What the visitor looked at last.
    RecentlyViewed,
    /// What many want lately.
    Trending,
}

/// Whether products that the visitor already knows may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// They are left out, even if nothing else is left.
    Hide,
    /// They compete like any other.
    #[default]
    Allow,
    /// They come first: what is bought again, what is looked at before it is bought.
    Prefer,
}

/// What an order of products is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// That visitors follow it: the score as it is.
    #[default]
    Clicks,
    /// That they order: products that are ordered by more of those who look at them count more.
    Orders,
    /// What they pay: as orders, times the price.
    Revenue,
    /// What the shop earns: as orders, times the margin.
    Margin,
}

/// What is left to chance, so that others than the best can show what they are worth.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Exploration {
    /// Nothing.
    #[default]
    None,
    /// Each slot is given, with this probability, to any of the candidates, all equally likely.
    Share {
        /// 0 to 1.
        share: f32,
    },
    /// Each slot is drawn from the candidates, the better ones more often: `exp(utility / temperature)`, where utility is 0
    /// for the worst candidate and 1 for the best.
    Softmax {
        /// Above 0; .05 hardly ever departs from the order, 1 hardly ever keeps it.
        temperature: f32,
    },
}

/// How what was shown without a click makes room.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rotation {
    /// What is left of a product's standing after it was shown once, 0 to 1.
    pub keep: f32,
    /// After so many hours it has forgotten being shown.
    pub hours: f32,
}

/// How what was passed over makes room, at once: what stood on a page of the list that the visitor went on from, without a look
/// at it. All of it holds for the visit alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Skips {
    /// What is left of the standing of a product that was passed over, 0 to 1; and of each product of its narrowest category for
    /// every one that was passed over from the `after`th on, five times at most.
    pub keep: f32,
    /// So many products of a category have to be passed over, with no look at another one since, before its others count less.
    pub after: usize,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A place on a page, or in an app or e-mail, where a list of products stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// Its name in the address of a request.
    pub name: String,
    /// What fills it.
    pub strategy: Strategy,
    /// What fills it where there is nothing to go by for `strategy`: no product on the page, no basket, a visitor without a
    /// history. After it, and without one, the neighbourhood of the visitor, which is what is popular if they are unknown;
    /// without one a list of what was looked at stays empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Strategy>,
    /// How many products are shown unless the request says otherwise.
    pub limit: usize,
    /// What happens to products the visitor looked at in this visit.
    #[serde(default)]
    pub viewed: Seen,
    /// What happens to products the visitor has bought.
    #[serde(default)]
    pub bought: Seen,
    /// At most this many products of one narrowest category in a page, as long as there are others; zero is no bound. A rule
    /// can set one that holds whatever is left.
    #[serde(default)]
    pub per_category: usize,
    /// The same for brands.
    #[serde(default, skip_serializing_if = "is_default")]
    pub per_brand: usize,
    /// How much a product counts less for being like one above it, 0 to 1.
    #[serde(default, skip_serializing_if = "is_default")]
    pub diversity: f32,
    /// How much a product counts more for being little known, 0 to 1.
    #[serde(default, skip_serializing_if = "is_default")]
    pub novelty: f32,
    /// How what was shown without a click makes room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    /// How what was passed over makes room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skips: Option<Skips>,
    /// What the order is good for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub objective: Objective,
    /// What is left to chance.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exploration: Exploration,
    /// What may be shown here, besides what a request asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// What the weight of each named part of the score is multiplied by; a part that is not named keeps its weight.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blend: BTreeMap<String, f64>,
    /// What the storefront lays it out by, as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Value>,
}

fn is_small(payload: &Value) -> bool {
    payload.to_string().len() <= MAX_PAYLOAD
}

/// Most products one answer may hold.
pub const MAX_LIMIT: usize = 100;
/// Longest time in which it is remembered what was shown: a year.
const MAX_HOURS: f32 = 8760.0;

impl Placement {
    /// A placement with nothing but a strategy.
    #[must_use]
    pub fn new(name: &str, strategy: Strategy, limit: usize) -> Self {
        Self {
            name: name.to_owned(),
            strategy,
            fallback: None,
            limit,
            viewed: Seen::Allow,
            bought: Seen::Allow,
            per_category: 0,
            per_brand: 0,
            diversity: 0.0,
            novelty: 0.0,
            rotation: None,
            skips: None,
            objective: Objective::Clicks,
            exploration: Exploration::None,
            filter: None,
            blend: BTreeMap::new(),
            layout: None,
        }
    }

    /// What is wrong with it, but for its name and its filter: where, and how to mend it. Empty for a placement in order.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let part = 0.0..=1.0;
        let (rotation, skips) = (self.rotation, self.skips);
        let explores = match self.exploration {
            Exploration::None => None,
            Exploration::Share { share } => Some(("/exploration/share", part.contains(&share), "0 to 1")),
            Exploration::Softmax { temperature } => {
                Some(("/exploration/temperature", (0.01..=10.0).contains(&temperature), "0.01 to 10"))
            }
        };
        let members = [
            ("/fallback", self.fallback != Some(self.strategy), "another strategy than the placement's own, or null"),
            ("/limit", (1..=MAX_LIMIT).contains(&self.limit), "1 to 100"),
            ("/per_category", self.per_category <= MAX_LIMIT, "0 to 100"),
            ("/per_brand", self.per_brand <= MAX_LIMIT, "0 to 100"),
            ("/diversity", part.contains(&self.diversity), "0 to 1"),
            ("/novelty", part.contains(&self.novelty), "0 to 1"),
            ("/rotation/keep", rotation.is_none_or(|r| part.contains(&r.keep)), "0 to 1"),
            (
                "/rotation/hours",
                rotation.is_none_or(|r| r.hours > 0.0 && r.hours <= MAX_HOURS),
                "above 0, at most 8760",
            ),
            ("/skips/keep", skips.is_none_or(|skips| part.contains(&skips.keep)), "0 to 1"),
            ("/skips/after", skips.is_none_or(|skips| (1..=MAX_LIMIT).contains(&skips.after)), "1 to 100"),
            ("/blend", are_factors(&self.blend), "the names of 0 to 20 parts with a factor of 0 to 100 each"),
            ("/layout", self.layout.as_ref().is_none_or(is_small), "any JSON, at most 16384 bytes"),
        ];
        let wrong = members.into_iter().chain(explores).filter(|(_, holds, _)| !holds);
        wrong.map(|(at, _, how)| Fault::new(at, how)).collect()
    }

    /// Whether it matters here what was shown lately.
    #[must_use]
    pub const fn remembers(&self) -> bool {
        self.rotation.is_some() || self.skips.is_some()
    }

    /// The placements every shop starts with.
    #[must_use]
    pub fn shipped() -> Vec<Self> {
        let place = |name: &str, strategy, limit, viewed, per_category| Self {
            viewed,
            per_category,
            ..Self::new(name, strategy, limit)
        };
        let rotation = Some(Rotation { keep: 0.9, hours: 12.0 });
        let skips = Some(Skips { keep: 0.8, after: 3 });
        vec![
            Self { rotation, diversity: 0.1, ..place("home", Strategy::Personal, 12, Seen::Hide, 3) },
            Self { rotation, skips, diversity: 0.1, ..place("feed", Strategy::Personal, 20, Seen::Hide, 4) },
            place("category", Strategy::Personal, 12, Seen::Allow, 0),
            place("product-similar", Strategy::Similar, 12, Seen::Allow, 0),
            place("product-bought-together", Strategy::BoughtTogether, 6, Seen::Allow, 2),
            place("basket", Strategy::Basket, 6, Seen::Allow, 2),
            place("recently-viewed", Strategy::RecentlyViewed, 12, Seen::Allow, 0),
            place("trending", Strategy::Trending, 12, Seen::Allow, 3),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strategy_is_shipped_somewhere_and_names_are_unique() {
        let shipped = Placement::shipped();
        let names: std::collections::BTreeSet<_> = shipped.iter().map(|p| p.name.clone()).collect();
        assert_eq!(names.len(), shipped.len());
        for strategy in [
            Strategy::Personal,
            Strategy::Similar,
            Strategy::BoughtTogether,
            Strategy::Basket,
            Strategy::RecentlyViewed,
            Strategy::Trending,
        ] {
            assert!(shipped.iter().any(|p| p.strategy == strategy));
        }
        assert!(shipped.iter().all(|p| (1..=MAX_LIMIT).contains(&p.limit)));
    }
}
