//! What an answer looks like, on the wire and in the decision log.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use vitrine_rank::{Answer, Basis, Reason, Shelf};

/// A recommendation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recommendation<'a> {
    /// Names this decision; later events carry it in the property `decision_id`.
    pub(crate) decision_id: String,
    /// Where the list stands.
    pub(crate) placement: &'a str,
    /// What it is based on: `history`, `context`, `popularity` or `empty`.
    #[schema(value_type = String, example = "history")]
    pub(crate) basis: Basis,
    /// Version of the model; null in a shop that was never trained.
    pub(crate) model: Option<&'a str>,
    /// The products, in order.
    pub(crate) items: Vec<Shown<'a>>,
    /// Asks for the next page; null where there is none.
    pub(crate) cursor: Option<String>,
}

/// A product in a recommendation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Shown<'a> {
    /// The shop's identifier.
    pub(crate) product_id: &'a str,
    /// Its place, from one.
    pub(crate) position: usize,
    /// Its score: comparable within one answer only.
    pub(crate) score: f32,
    /// The product as it is now.
    #[schema(value_type = Object)]
    pub(crate) product: &'a RawValue,
    /// Why it is there, the strongest reason first.
    #[schema(value_type = Vec<Object>)]
    pub(crate) reasons: Vec<Reason>,
}

/// A decision as it is logged: compact, because it is billed by size. The why is left out; it can be computed again.
#[derive(Debug, Serialize)]
pub(crate) struct Logged<'a> {
    /// Placement.
    #[serde(rename = "p")]
    pub(crate) placement: &'a str,
    /// Basis.
    #[serde(rename = "b")]
    pub(crate) basis: Basis,
    /// Model version.
    #[serde(rename = "m", skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<&'a str>,
    /// Products, in order.
    #[serde(rename = "i")]
    pub(crate) items: Vec<&'a str>,
    /// Probability of each product in its slot, given the slots above it.
    #[serde(rename = "w")]
    pub(crate) propensities: Vec<f32>,
    /// Seed of the decision.
    #[serde(rename = "s")]
    pub(crate) seed: u64,
    /// Sort key of the newest event that was known.
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    pub(crate) newest: Option<&'a str>,
    /// The product on the page.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    pub(crate) product: Option<&'a str>,
    /// The basket.
    #[serde(rename = "k", skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) basket: &'a [String],
    /// Products that earlier pages showed.
    #[serde(rename = "n", skip_serializing_if = "is_zero")]
    pub(crate) shown: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// The items of an answer with their products.
pub(crate) fn items<'a>(shelf: &'a Shelf, answer: Answer) -> Vec<Shown<'a>> {
    let shown = answer.items.into_iter().enumerate().filter_map(|(place, item)| {
        let product = serde_json::from_str::<&RawValue>(shelf.json(item.row)).ok()?;
        let product_id = shelf.id(item.row);
        Some(Shown { product_id, position: place + 1, score: item.score, product, reasons: item.reasons })
    });
    shown.collect()
}

/// A page of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<'a> {
    /// The products.
    #[schema(value_type = Vec<Object>)]
    pub(crate) products: Vec<&'a RawValue>,
    /// How many there are in all.
    pub(crate) total: usize,
    /// Asks for the next page; null where there is none.
    pub(crate) cursor: Option<String>,
}

/// The products of some rows as they stand on the shelf.
pub(crate) fn products<'a>(shelf: &'a Shelf, rows: &[u32]) -> Vec<&'a RawValue> {
    rows.iter().filter_map(|row| serde_json::from_str::<&RawValue>(shelf.json(*row)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_of_twenty_products_is_under_a_kilobyte() {
        let ids: Vec<String> = (0..20).map(|n| format!("1234567{n:02}")).collect();
        let logged = Logged {
            placement: "product-bought-together",
            basis: Basis::History,
            model: Some("20261122T144000-ab12cd34"),
            items: ids.iter().map(String::as_str).collect(),
            propensities: vec![1.0; 20],
            seed: u64::MAX,
            newest: Some("E#1763822400123#ajs-next-1763822400123-5b8a0c1e-9f6e-4a53-8f43-0d6c2b7f9a11"),
            product: Some("123456701"),
            basket: &ids[..5],
            shown: 40,
        };
        let text = serde_json::to_string(&logged).unwrap();
        assert!(text.len() < 1000, "{} {text}", text.len());
    }
}
