//! What an answer looks like.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use vitrine_domain::rule::Effect;
use vitrine_rank::{Basis, Item, Reason, Shelf};

use crate::ground::Ground;
use crate::list::{Filled, Why};
use crate::record::Degraded;

/// A recommendation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recommendation<'a> {
    /// Names this decision; later events carry it in the property `decision_id`. Null where nothing was logged.
    #[schema(required = true)]
    pub(crate) decision_id: Option<&'a str>,
    /// Where the list stands.
    pub(crate) placement: &'a str,
    /// What it is based on: `history`, `context`, `popularity` or `empty`.
    #[schema(value_type = String, example = "history")]
    pub(crate) basis: Basis,
    /// Whether the placement's own strategy had nothing to go by and another one filled it.
    pub(crate) fallback: bool,
    /// What the answer had to do without; absent if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) degraded: Option<Degraded>,
    /// Version of the model; null in a shop that was never trained.
    #[schema(required = true)]
    pub(crate) model: Option<&'a str>,
    /// The products, in order.
    pub(crate) items: Vec<Shown<'a>>,
    /// Of a list that was ranked: products that are not in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_out: Option<Vec<LeftOut<'a>>>,
    /// The rules that acted.
    pub(crate) rules: Vec<&'a str>,
    /// For server keys: rules whose filter fits no product of the catalogue any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idle_rules: Option<Vec<&'a str>>,
    /// The experiments that can change this list, each with the variant that the visitor meets; absent if there is none. The
    /// visitor counts in them once an event tells that the list was seen: one with this `decision_id`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) experiments: Vec<Met<'a>>,
    /// What the storefront lays the list out by: the placement's own, or that of the visitor's variants; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    pub(crate) layout: Option<&'a Value>,
    /// What rules and the visitor's variants have the storefront show elsewhere, by its own names of the places; absent if nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Option<Object>, required = false)]
    pub(crate) content: BTreeMap<&'a str, &'a Value>,
    /// Asks for the next page; null where there is none.
    #[schema(required = true)]
    pub(crate) cursor: Option<&'a str>,
}

/// An experiment that a visitor takes part in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExperimentMet)]
pub(crate) struct Met<'a> {
    /// The experiment.
    pub(crate) id: &'a str,
    /// The variant.
    pub(crate) variant: &'a str,
}

/// A product in a recommendation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecommendedProduct)]
pub(crate) struct Shown<'a> {
    /// The shop's identifier.
    pub(crate) product_id: &'a str,
    /// Its place, from one.
    pub(crate) position: usize,
    /// Its score: comparable within one answer only.
    pub(crate) score: f32,
    /// Probability that it stands here, given the products above it.
    pub(crate) propensity: f32,
    /// The product as it is now; absent in a list that was ranked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) product: Option<&'a RawValue>,
    /// Why it is there, the strongest reason first.
    #[schema(value_type = Vec<Object>)]
    pub(crate) reasons: &'a [Reason],
}

/// A product that is not in a ranked list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeftOut<'a> {
    /// The shop's identifier.
    pub(crate) product_id: &'a str,
    /// Why.
    pub(crate) why: Why,
}

/// A page.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecommendedPage)]
#[allow(dead_code, reason = "the answer is put together from the bytes of its lists")]
pub(crate) struct PageOf<'a> {
    /// The lists, in the order of the request.
    pub(crate) placements: Vec<Recommendation<'a>>,
}

impl<'a> Shown<'a> {
    fn of(shelf: &'a Shelf, place: usize, item: &'a Item, whole: bool) -> Self {
        Self {
            product_id: shelf.id(item.row),
            position: place + 1,
            score: item.score,
            propensity: item.propensity,
            product: if whole { serde_json::from_str(shelf.json(item.row)).ok() } else { None },
            reasons: &item.reasons,
        }
    }
}

/// What rules hand the storefront with a list: the rule, the place that it fills, and what it says.
pub(crate) fn of_rules<'a>(
    ground: &'a Ground,
    filled: &'a Filled,
) -> impl Iterator<Item = (&'a str, &'a str, &'a Value)> {
    let rules = ground.rules(&filled.list);
    filled.answer.acted.iter().filter_map(move |at| {
        let rule = rules.get(*at)?;
        match &rule.effect {
            Effect::Content { slot, payload } => Some((rule.id.as_str(), slot.as_str(), payload)),
            _ => None,
        }
    })
}

/// The bytes of a list's answer.
pub(crate) fn render(
    ground: &Ground,
    filled: &Filled,
    decision_id: Option<&str>,
    degraded: Option<Degraded>,
    cursor: Option<&str>,
) -> Result<Vec<u8>, serde_json::Error> {
    let (shelf, answer, ranked) = (&ground.display.shelf, &filled.answer, filled.list.wanted.among.is_some());
    let rules = ground.rules(&filled.list);
    let rule = |at: &usize| rules.get(*at).map(|rule| rule.id.as_str());
    let treatment = filled.list.treatment.as_ref();
    let of_rules = of_rules(ground, filled).map(|(_, slot, payload)| (slot, payload));
    // What is being tried goes before what is usual.
    let tried = treatment.into_iter().flat_map(|treatment| &treatment.content);
    let content = of_rules.chain(tried.map(|(slot, payload)| (slot.as_str(), payload))).collect();
    serde_json::to_vec(&Recommendation {
        decision_id,
        placement: &filled.list.placement.name,
        basis: answer.basis,
        fallback: answer.fallback,
        degraded,
        model: ground.display.version.as_deref(),
        items: answer.items.iter().enumerate().map(|(place, item)| Shown::of(shelf, place, item, !ranked)).collect(),
        left_out: ranked
            .then(|| filled.left_out.iter().map(|(id, why)| LeftOut { product_id: id, why: *why }).collect()),
        rules: answer.acted.iter().filter_map(rule).collect(),
        idle_rules: ground.server.then(|| answer.idle.iter().filter_map(rule).collect()),
        experiments: filled
            .list
            .arms
            .iter()
            .map(|arm| Met { id: &arm.part.experiment, variant: &arm.variant })
            .collect(),
        layout: filled.list.placement.layout.as_ref(),
        content,
        cursor,
    })
}

/// A page of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<'a> {
    /// The products.
    #[schema(value_type = Vec<Object>)]
    pub(crate) products: Vec<&'a RawValue>,
    /// How many there are in all.
    pub(crate) total: usize,
    /// What can be chosen among them, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) facets: Option<crate::facets::Facets>,
    /// Asks for the next page; null where there is none.
    #[schema(required = true)]
    pub(crate) cursor: Option<String>,
}

/// The products of some rows as they stand on the shelf.
pub(crate) fn products<'a>(shelf: &'a Shelf, rows: &[u32]) -> Vec<&'a RawValue> {
    rows.iter().filter_map(|row| serde_json::from_str::<&RawValue>(shelf.json(*row)).ok()).collect()
}
