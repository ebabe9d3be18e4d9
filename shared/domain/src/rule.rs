//! Merchandising rules: what the shop wants shown, whatever the model says.
//!
//! A rule has an effect and conditions; it acts on a list if all its conditions hold. Rules of higher priority act first; of
//! equal ones the one whose id comes first. [`conflicts`] says, when a rule is saved, which other rules it gets into.

mod conflict;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::{Fault, is_id};
use crate::filter::{Attributes, Filter};
use crate::segment::Known;
use crate::{Millis, ProductId};

pub use conflict::{Conflict, ConflictKind, conflicts};

/// Most rules of a shop: all are read together.
pub const MAX_RULES: usize = 200;
/// Strongest boost, and the inverse of the strongest bury.
pub const MAX_FACTOR: f32 = 100.0;
/// Longest id of a rule, segment, experiment or variant.
pub const MAX_ID: usize = 40;
/// Longest name of a rule, segment or category in a rule.
pub const MAX_NAME: usize = 200;
/// Largest content, as JSON: all rules are read together.
pub const MAX_PAYLOAD: usize = 2 * 1024;
/// Most placements or segments that a rule names.
pub const MAX_NAMED: usize = 50;

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Lower-case letters, digits and hyphens.
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// Whether it acts at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Higher acts first.
    #[serde(default)]
    pub priority: i32,
    /// When it acts.
    #[serde(default, skip_serializing_if = "When::is_always")]
    pub when: When,
    /// What it does.
    pub effect: Effect,
}

const fn yes() -> bool {
    true
}

/// The conditions of a rule: all of them must hold, and each holds if it says nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// In one of these placements.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub placements: Vec<String>,
    /// For visitors of one of these segments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<String>,
    /// Where the page is about one of these categories, at any level.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// From this time on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Millis>,
    /// Until before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// For visitors of whom this holds: `loyalty = "gold" and orders > 3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitor: Option<Filter>,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Puts a product into a slot of the first page, whatever its score.
    Pin {
        /// Which product.
        product: ProductId,
        /// The slot, from one.
        slot: usize,
    },
    /// Multiplies the scores of some products.
    Boost {
        /// Which ones.
        filter: Filter,
        /// Above 1.
        factor: f32,
    },
    /// Divides the scores of some products.
    Bury {
        /// Which ones.
        filter: Filter,
        /// Above 1.
        factor: f32,
    },
    /// Takes some products out.
    Hide {
        /// Which ones.
        filter: Filter,
    },
    /// Leaves only some products in.
    IncludeOnly {
        /// Which ones.
        filter: Filter,
    },
    /// At most so many products with the same value of an attribute in a list, even if the list is shorter for it.
    AtMost {
        /// `brand`, `category` (the narrowest) or any other attribute.
        attribute: String,
        /// How many.
        count: usize,
    },
    /// At least a share of the slots, counted from the first, is given to some products, as long as there are any.
    Share {
        /// Which ones.
        filter: Filter,
        /// Above 0, at most 1.
        share: f32,
    },
    /// Hands the storefront content: a banner, a text. Of several rules for one place the first one that acts is heard.
    Content {
        /// The storefront's name of the place.
        slot: String,
        /// Whatever the storefront understands.
        payload: Value,
    },
}

impl Effect {
    /// The products it speaks of, if it speaks of some.
    #[must_use]
    pub const fn filter(&self) -> Option<&Filter> {
        match self {
            Self::Boost { filter, .. }
            | Self::Bury { filter, .. }
            | Self::Hide { filter }
            | Self::IncludeOnly { filter }
            | Self::Share { filter, .. } => Some(filter),
            Self::Pin { .. } | Self::AtMost { .. } | Self::Content { .. } => None,
        }
    }
}

/// Where and for whom a list is made.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The placement.
    pub placement: &'a str,
    /// The categories that the page is about, at all levels.
    pub categories: &'a [&'a str],
    /// Who asks, with the segments they are in; none for somebody of whom nothing is known.
    pub visitor: Option<Known<'a>>,
    /// The time.
    pub now: Millis,
}

impl When {
    /// Whether any condition is on who looks at the list.
    #[must_use]
    pub fn speaks_of_visitor(&self) -> bool {
        !self.segments.is_empty() || self.visitor.is_some()
    }

    fn is_always(&self) -> bool {
        *self == Self::default()
    }

    /// Whether all conditions hold. A condition on a visitor of whom nothing is known, or whose attribute is of another type,
    /// does not hold.
    #[must_use]
    pub fn holds(&self, situation: &Situation<'_>) -> bool {
        let in_placement = self.placements.is_empty() || self.placements.iter().any(|name| name == situation.placement);
        let in_time =
            self.from.is_none_or(|from| situation.now >= from) && self.until.is_none_or(|until| situation.now < until);
        let of_category =
            self.categories.is_empty() || self.categories.iter().any(|c| situation.categories.contains(&c.as_str()));
        in_placement && in_time && of_category && self.is_of(situation.visitor)
    }

    fn is_of(&self, visitor: Option<Known<'_>>) -> bool {
        if self.segments.is_empty() && self.visitor.is_none() {
            return true;
        }
        let Some(known) = visitor else { return false };
        let of_segment = || self.segments.iter().any(|segment| known.is_in(segment));
        let of_kind = |filter: &Filter| filter.holds(&known as &dyn Attributes).unwrap_or(false);
        (self.segments.is_empty() || of_segment()) && self.visitor.as_ref().is_none_or(of_kind)
    }
}

impl Rule {
    /// Whether it acts on a list.
    #[must_use]
    pub fn acts(&self, situation: &Situation<'_>) -> bool {
        self.enabled && self.when.holds(situation)
    }

    /// Whether it depends on who looks at the list.
    #[must_use]
    pub fn speaks_of_visitor(&self) -> bool {
        self.when.speaks_of_visitor() || self.effect.filter().is_some_and(Filter::has_references)
    }

    /// What is wrong with it: where, and how to mend it. Empty for a rule in order.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = (!is_id(&self.id)).then(|| Fault::of_id("id")).into_iter().collect();
        let mut must = |holds: bool, at: &str, how: String| {
            if !holds {
                faults.push(Fault::new(at, how));
            }
        };
        must(self.name.len() <= MAX_NAME, "/name", format!("at most {MAX_NAME} bytes"));
        let When { placements, segments, categories, from, until, visitor } = &self.when;
        for (at, names) in
            [("/when/placements", placements), ("/when/segments", segments), ("/when/categories", categories)]
        {
            let short = names.len() <= MAX_NAMED && names.iter().all(|name| (1..=MAX_NAME).contains(&name.len()));
            must(short, at, format!("at most {MAX_NAMED} names of 1 to {MAX_NAME} bytes"));
        }
        must(from.zip(*until).is_none_or(|(from, until)| from < until), "/when/until", "later than `from`".to_owned());
        let plain = visitor.as_ref().is_none_or(|filter| !filter.has_references());
        must(plain, "/when/visitor", "compare with values, not with `context`, `basket` or `visitor`".to_owned());
        match &self.effect {
            Effect::Pin { slot, .. } => must((1..=100).contains(slot), "/effect/slot", "1 to 100".to_owned()),
            Effect::Boost { factor, .. } | Effect::Bury { factor, .. } => {
                let fits = *factor > 1.0 && *factor <= MAX_FACTOR;
                must(fits, "/effect/factor", format!("above 1, at most {MAX_FACTOR}"));
            }
            Effect::AtMost { attribute, count } => {
                must((1..=100).contains(count), "/effect/count", "1 to 100; `hide` shows none".to_owned());
                let named = (1..=MAX_NAME).contains(&attribute.len());
                must(named, "/effect/attribute", "`brand`, `category` or another attribute".to_owned());
            }
            Effect::Share { share, .. } => {
                must(*share > 0.0 && *share <= 1.0, "/effect/share", "above 0, at most 1".to_owned());
            }
            Effect::Content { slot, payload } => {
                must((1..=MAX_NAME).contains(&slot.len()), "/effect/slot", format!("1 to {MAX_NAME} bytes"));
                let fits = !payload.is_null() && payload.to_string().len() <= MAX_PAYLOAD;
                must(fits, "/effect/payload", format!("any JSON but null, at most {MAX_PAYLOAD} bytes"));
            }
            Effect::Hide { .. } | Effect::IncludeOnly { .. } => {}
        }
        faults
    }
}

/// The rules that act on a list, in the order in which they act.
#[must_use]
pub fn acting<'r>(rules: &'r [Rule], situation: &Situation<'_>) -> Vec<&'r Rule> {
    let mut acting: Vec<&Rule> = rules.iter().filter(|rule| rule.acts(situation)).collect();
    acting.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.id.cmp(&b.id)));
    acting
}

#[cfg(test)]
mod tests;
