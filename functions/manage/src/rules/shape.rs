//! A rule as it is sent and shown.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;
use vitrine_domain::rule::{Conflict, ConflictKind};
use vitrine_domain::{Filter, Rule, rule};

use crate::keep::Standing;
use crate::{filters, placements};

/// The conditions of a rule: all of them must hold, and each holds if it says nothing.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = RuleWhen)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct When {
    /// In one of these placements.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) placements: Vec<String>,
    /// For visitors of one of these segments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) segments: Vec<String>,
    /// Where the page is about one of these categories, at any level.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) categories: Vec<String>,
    /// From this time on, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-11-27T00:00:00Z")]
    pub(super) from: Option<String>,
    /// Until before this time, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-11-30T00:00:00Z")]
    pub(super) until: Option<String>,
    /// For visitors of whom this holds: a filter over what is known of them, text or JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = filters::schema_or_null, required = false)]
    pub(super) visitor: Option<Value>,
}

/// What a rule does.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RuleEffect)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Effect {
    /// Puts a product into a slot of the first page, whatever its score.
    Pin {
        /// Which product.
        product: String,
        /// The slot, from one.
        #[schema(minimum = 1, maximum = 100)]
        slot: usize,
    },
    /// Multiplies the scores of some products.
    Boost {
        /// Which ones: text or JSON.
        #[schema(schema_with = filters::schema)]
        filter: Value,
        /// Above 1, at most 100.
        #[schema(exclusive_minimum = 1, maximum = 100)]
        factor: f32,
    },
    /// Divides the scores of some products.
    Bury {
        /// Which ones: text or JSON.
        #[schema(schema_with = filters::schema)]
        filter: Value,
        /// Above 1, at most 100.
        #[schema(exclusive_minimum = 1, maximum = 100)]
        factor: f32,
    },
    /// Takes some products out.
    Hide {
        /// Which ones: text or JSON.
        #[schema(schema_with = filters::schema)]
        filter: Value,
    },
    /// Leaves only some products in.
    IncludeOnly {
        /// Which ones: text or JSON.
        #[schema(schema_with = filters::schema)]
        filter: Value,
    },
    /// At most so many products with the same value of an attribute in a list, even if the list is shorter for it.
    AtMost {
        /// `brand`, `category` (the narrowest) or any other attribute.
        attribute: String,
        /// How many.
        #[schema(minimum = 1, maximum = 100)]
        count: usize,
    },
    /// At least a share of the slots, counted from the first, is given to some products, as long as there are any.
    Share {
        /// Which ones: text or JSON.
        #[schema(schema_with = filters::schema)]
        filter: Value,
        /// Above 0, at most 1.
        #[schema(exclusive_minimum = 0, maximum = 1)]
        share: f32,
    },
    /// Hands the storefront content: a banner, a text. Of several rules for one place the first one that acts is heard.
    Content {
        /// The storefront's name of the place; answers carry the content under it.
        #[schema(min_length = 1, max_length = 200, example = "hero")]
        slot: String,
        /// Whatever the storefront understands; as JSON at most 2,048 bytes.
        payload: Value,
    },
}

/// Two rules that can act on the same list and disagree.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuleConflict)]
pub(crate) struct ConflictView {
    /// What about.
    #[schema(schema_with = conflict_kinds)]
    kind: ConflictKind,
    /// The id of one rule.
    rule: String,
    /// The id of the other, or of several.
    with: String,
    /// A sentence: what will happen.
    text: String,
}

/// Why a rule may have no effect.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::enum_variant_names, reason = "they are the words of the API")]
pub(super) enum WarningKind {
    /// The catalogue does not have the product.
    UnknownProduct,
    /// The shop has no placement of that name.
    UnknownPlacement,
    /// The shop has no segment of that name.
    UnknownSegment,
}

/// What a rule names and the shop does not have. The rule is in force all the same: the shop may get it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuleWarning)]
pub(crate) struct Warning {
    /// What is missing.
    #[schema(schema_with = warning_kinds)]
    pub(super) kind: WarningKind,
    /// JSON pointer into the rule.
    pub(super) pointer: String,
    /// A sentence.
    pub(super) text: String,
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rule)]
pub(crate) struct View {
    /// Its name in the address.
    id: String,
    /// What people call it.
    name: String,
    /// Whether it acts at all.
    enabled: bool,
    /// Higher acts first; of equal ones the one whose id comes first.
    priority: i32,
    /// When it acts.
    when: When,
    /// What it does.
    effect: Effect,
    /// The rules it gets into, as far as that can be told.
    pub(super) conflicts: Vec<ConflictView>,
    /// What it names and the shop does not have.
    pub(super) warnings: Vec<Warning>,
    /// How it stands.
    #[serde(flatten)]
    pub(super) standing: Standing,
    /// The revision of the shop's settings: grows with every change of any of them. Not in a list, which has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revision: Option<u64>,
}

/// All rules of a shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rules {
    /// In the order in which they act.
    pub(super) rules: Vec<View>,
    /// The revision of the shop's settings: grows with every change of any of them.
    pub(super) revision: u64,
}

/// A rule as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewRule)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The id in the address, if it is said again.
    #[serde(default)]
    pub(super) id: Option<String>,
    /// What people call it.
    #[serde(default)]
    pub(super) name: String,
    /// Whether it acts at all: true unless said otherwise.
    #[serde(default = "yes")]
    #[schema(required = false)]
    pub(super) enabled: bool,
    /// Higher acts first; of equal ones, zero unless said otherwise, the one whose id comes first.
    #[serde(default)]
    pub(super) priority: i32,
    /// When it acts: always unless said otherwise.
    #[serde(default)]
    pub(super) when: When,
    /// What it does.
    pub(super) effect: Effect,
    /// The version it was made from, unless `If-Match` says it; zero for a new one.
    #[serde(default)]
    pub(super) version: Option<u64>,
}

impl crate::keep::Wanted for Wanted {
    const SHOWN: &'static [&'static str] = &["conflicts", "warnings", "revision"];

    fn version(&self) -> Option<u64> {
        self.version
    }
}

const fn yes() -> bool {
    true
}

fn conflict_kinds() -> Schema {
    placements::words(&[
        ConflictKind::SameSlot,
        ConflictKind::SameProduct,
        ConflictKind::PinnedAndHidden,
        ConflictKind::BoostedAndBuried,
        ConflictKind::FavouredAndHidden,
        ConflictKind::NothingLeft,
        ConflictKind::SharesOverOne,
        ConflictKind::TwoBounds,
        ConflictKind::SameContent,
    ])
}

fn warning_kinds() -> Schema {
    placements::words(&[WarningKind::UnknownProduct, WarningKind::UnknownPlacement, WarningKind::UnknownSegment])
}

impl View {
    pub(crate) fn of(rule: Rule, standing: Standing) -> Self {
        let Rule { id, name, enabled, priority, when, effect } = rule;
        let rule::When { placements, segments, categories, from, until, visitor } = when;
        let (from, until) = (from.map(|time| time.to_rfc3339()), until.map(|time| time.to_rfc3339()));
        let visitor = visitor.as_ref().map(filters::show);
        let when = When { placements, segments, categories, from, until, visitor };
        let show = |filter: &Filter| filters::show(filter);
        let effect = match effect {
            rule::Effect::Pin { product, slot } => Effect::Pin { product: product.to_string(), slot },
            rule::Effect::Boost { filter, factor } => Effect::Boost { filter: show(&filter), factor },
            rule::Effect::Bury { filter, factor } => Effect::Bury { filter: show(&filter), factor },
            rule::Effect::Hide { filter } => Effect::Hide { filter: show(&filter) },
            rule::Effect::IncludeOnly { filter } => Effect::IncludeOnly { filter: show(&filter) },
            rule::Effect::AtMost { attribute, count } => Effect::AtMost { attribute, count },
            rule::Effect::Share { filter, share } => Effect::Share { filter: show(&filter), share },
            rule::Effect::Content { slot, payload } => Effect::Content { slot, payload },
        };
        let (conflicts, warnings, revision) = (Vec::new(), Vec::new(), None);
        Self { id, name, enabled, priority, when, effect, conflicts, warnings, standing, revision }
    }
}

impl From<Conflict> for ConflictView {
    fn from(Conflict { kind, rule, with, text }: Conflict) -> Self {
        Self { kind, rule, with, text }
    }
}
