//! A placement as it is sent and shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use vitrine_domain::placement::{Objective, Seen, Strategy};
use vitrine_domain::{Exploration, Placement, Rotation, Skips};
use vitrine_http::Problem;

use crate::filters;
use crate::keep::Standing;

/// Longest name.
pub(super) const MAX_NAME: usize = 40;

/// How what was shown without a click makes room.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = Rotation)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotationView {
    /// What is left of a product's standing after it was shown once, 0 to 1.
    #[schema(minimum = 0, maximum = 1, example = 0.9)]
    keep: f32,
    /// After so many hours it has forgotten being shown: above 0, at most 8760. What is remembered are the visitor's last 20
    /// lists, those of other placements among them.
    #[schema(exclusive_minimum = 0, maximum = 8760, example = 12)]
    hours: f32,
}

/// How what was passed over makes room, at once and in the visit alone: what stood on a page of the list that the visitor went
/// on from, without a look at it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = Skips)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkipsView {
    /// What is left of the standing of a product that was passed over, 0 to 1; and of each product of its narrowest category for
    /// every one that was passed over from the `after`th on, five times at most.
    #[schema(minimum = 0, maximum = 1, example = 0.8)]
    keep: f32,
    /// So many products of a category have to be passed over, with no look at another one since, before its others count
    /// less: 1 to 100.
    #[schema(minimum = 1, maximum = 100, example = 3)]
    after: usize,
}

/// What is left to chance, so that others than the best can show what they are worth.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = Exploration)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ExplorationView {
    /// Nothing.
    #[default]
    None,
    /// Each slot is given, with this probability, to any of the candidates.
    Share {
        /// 0 to 1.
        #[schema(minimum = 0, maximum = 1, example = 0.05)]
        share: f32,
    },
    /// Each slot is drawn from the candidates, the better ones more often.
    Softmax {
        /// 0.01 to 10; 0.05 hardly ever departs from the order, 1 hardly ever keeps it.
        #[schema(minimum = 0.01, maximum = 10, example = 0.05)]
        temperature: f32,
    },
}

/// A placement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Placement)]
pub(crate) struct View {
    /// Its name in the address of a request for recommendations.
    name: String,
    /// What fills it.
    #[schema(schema_with = strategies)]
    strategy: Strategy,
    /// What fills it where there is nothing to go by for its strategy: no product on the page, no basket, a visitor without a
    /// history. Null: what fits the visitor, which is what is popular if they are unknown.
    #[schema(schema_with = strategy_or_null)]
    fallback: Option<Strategy>,
    /// How many products it shows unless the request says otherwise.
    limit: usize,
    /// What happens to products that the visitor looked at in this visit.
    #[schema(schema_with = seen)]
    viewed: Seen,
    /// What happens to products that the visitor has bought.
    #[schema(schema_with = seen)]
    bought: Seen,
    /// At most this many products of one narrowest category in a page, as long as there are others; zero is no bound.
    per_category: usize,
    /// The same for brands.
    per_brand: usize,
    /// How much a product counts less for being like one above it, 0 to 1.
    diversity: f32,
    /// How much a product counts more for being little known, 0 to 1.
    novelty: f32,
    /// How what was shown without a click makes room; null if it does not.
    #[schema(required = true)]
    rotation: Option<RotationView>,
    /// How what was passed over makes room; null if it does not.
    #[schema(required = true)]
    skips: Option<SkipsView>,
    /// What the order is good for.
    #[schema(schema_with = objectives)]
    objective: Objective,
    /// What is left to chance.
    exploration: ExplorationView,
    /// What may be shown here, besides what a request asks for: as text, if it can be written so; null if anything may.
    #[schema(schema_with = filter_or_null)]
    filter: Option<Value>,
    /// What the weight of each named part of the score is multiplied by; a part that is not named keeps its weight.
    blend: BTreeMap<String, f64>,
    /// What answers carry as `layout` for the storefront; null if nothing.
    layout: Value,
    /// How it stands.
    #[serde(flatten)]
    pub(super) standing: Standing,
}

/// A placement as it shall be: a member that is not named is zero, `null`, or the first of its words.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewPlacement)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The name in the address, if it is said again.
    #[serde(default)]
    name: Option<String>,
    /// What fills it.
    #[schema(schema_with = strategies)]
    strategy: Strategy,
    /// What fills it where there is nothing to go by for its strategy: another strategy, or null.
    #[serde(default)]
    #[schema(schema_with = strategy_or_null, required = false)]
    fallback: Option<Strategy>,
    /// How many products it shows unless the request says otherwise, 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    limit: usize,
    /// What happens to products that the visitor looked at in this visit: `allow` unless said otherwise.
    #[serde(default)]
    #[schema(schema_with = seen, required = false)]
    viewed: Seen,
    /// What happens to products that the visitor has bought: `allow` unless said otherwise.
    #[serde(default)]
    #[schema(schema_with = seen, required = false)]
    bought: Seen,
    /// At most this many products of one narrowest category in a page, as long as there are others; zero, the default, is
    /// no bound.
    #[serde(default)]
    #[schema(maximum = 100)]
    per_category: usize,
    /// The same for brands.
    #[serde(default)]
    #[schema(maximum = 100)]
    per_brand: usize,
    /// How much a product counts less for being like one above it, 0 to 1.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1)]
    diversity: f32,
    /// How much a product counts more for being little known, 0 to 1.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1)]
    novelty: f32,
    /// How what was shown without a click makes room; null if it does not.
    #[serde(default)]
    rotation: Option<RotationView>,
    /// How what was passed over makes room; null if it does not.
    #[serde(default)]
    skips: Option<SkipsView>,
    /// What the order is good for: `clicks` unless said otherwise.
    #[serde(default)]
    #[schema(schema_with = objectives, required = false)]
    objective: Objective,
    /// What is left to chance: nothing unless said otherwise.
    #[serde(default)]
    exploration: ExplorationView,
    /// What may be shown here, besides what a request asks for: text or JSON.
    #[serde(default)]
    #[schema(schema_with = filter_or_null, required = false)]
    filter: Option<Value>,
    /// What the weight of each named part of the score is multiplied by, 0 to 100: at most 20 parts, by the names that the
    /// model's card gives them. A part that is not named keeps its weight.
    #[serde(default)]
    blend: BTreeMap<String, f64>,
    /// What answers carry as `layout` for the storefront: any JSON, at most 16 KiB; null if nothing.
    #[serde(default)]
    layout: Value,
    /// The version it was made from, unless `If-Match` says it; zero for a new one and for one as shipped.
    #[serde(default)]
    pub(crate) version: Option<u64>,
}

/// A text of some words.
pub(crate) fn words<T: Serialize>(values: &[T]) -> Schema {
    let words = values.iter().filter_map(|value| serde_json::to_value(value).ok());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build().into()
}

fn strategies() -> Schema {
    words(&[
        Strategy::Personal,
        Strategy::Similar,
        Strategy::BoughtTogether,
        Strategy::Basket,
        Strategy::RecentlyViewed,
        Strategy::Trending,
    ])
}

fn strategy_or_null() -> Schema {
    OneOfBuilder::new().item(strategies()).item(ObjectBuilder::new().schema_type(Type::Null)).build().into()
}

fn seen() -> Schema {
    words(&[Seen::Allow, Seen::Hide, Seen::Prefer])
}

fn objectives() -> Schema {
    words(&[Objective::Clicks, Objective::Orders, Objective::Revenue, Objective::Margin])
}

fn filter_or_null() -> Schema {
    filters::schema_or_null()
}

impl View {
    pub(crate) fn of(placement: Placement, standing: Standing) -> Self {
        let Placement {
            name,
            strategy,
            fallback,
            limit,
            viewed,
            bought,
            per_category,
            per_brand,
            diversity,
            novelty,
            rotation,
            skips,
            objective,
            exploration,
            filter,
            blend,
            layout,
        } = placement;
        let rotation = rotation.map(|Rotation { keep, hours }| RotationView { keep, hours });
        let skips = skips.map(|Skips { keep, after }| SkipsView { keep, after });
        let exploration = match exploration {
            Exploration::None => ExplorationView::None,
            Exploration::Share { share } => ExplorationView::Share { share },
            Exploration::Softmax { temperature } => ExplorationView::Softmax { temperature },
        };
        let filter = filter.as_ref().map(filters::show);
        Self {
            name,
            strategy,
            fallback,
            limit,
            viewed,
            bought,
            per_category,
            per_brand,
            diversity,
            novelty,
            rotation,
            skips,
            objective,
            exploration,
            filter,
            blend,
            layout: layout.unwrap_or_default(),
            standing,
        }
    }
}

impl crate::keep::Wanted for Wanted {
    fn version(&self) -> Option<u64> {
        self.version
    }
}

impl Wanted {
    /// # Errors
    /// 422 with every member that is wrong.
    pub(crate) fn check(self, name: String) -> Result<Placement, Problem> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let named = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('-');
        let said = self.name.is_none_or(|said| said == name);
        let rotation = self.rotation.map(|RotationView { keep, hours }| Rotation { keep, hours });
        let skips = self.skips.map(|SkipsView { keep, after }| Skips { keep, after });
        let exploration = match self.exploration {
            ExplorationView::None => Exploration::None,
            ExplorationView::Share { share } => Exploration::Share { share },
            ExplorationView::Softmax { temperature } => Exploration::Softmax { temperature },
        };
        let filter = self.filter.as_ref().map(filters::read).transpose();
        let Self {
            strategy,
            fallback,
            limit,
            viewed,
            bought,
            per_category,
            per_brand,
            diversity,
            novelty,
            objective,
            blend,
            layout,
            ..
        } = self;
        let placement = Placement {
            name,
            strategy,
            fallback,
            limit,
            viewed,
            bought,
            per_category,
            per_brand,
            diversity,
            novelty,
            rotation,
            skips,
            objective,
            exploration,
            filter: None,
            blend,
            layout: Some(layout).filter(|layout| !layout.is_null()),
        };
        let mut wrong = Problem::unprocessable("invalid-placement", "this is no placement; `errors` says where");
        let names = [
            ("name", named, "1 to 40 lower-case letters, digits and hyphens, no hyphen first"),
            ("/name", said, "another name than in the address"),
        ];
        for (at, _, how) in names.into_iter().filter(|(_, holds, _)| !holds) {
            wrong = wrong.at(at, how);
        }
        wrong = placement.faults().into_iter().fold(wrong, |wrong, fault| wrong.at(fault.at, fault.how));
        match filter {
            Err(why) => Err(wrong.at("/filter", why)),
            Ok(_) if !wrong.errors.is_empty() => Err(wrong),
            Ok(filter) => Ok(Placement { filter, ..placement }),
        }
    }
}
