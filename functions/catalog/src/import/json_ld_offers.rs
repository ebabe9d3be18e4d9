//! Offers of schema.org: prices and availability, alone, in lists, or summed up.

use serde_json::{Map, Value};
use vitrine_domain::Availability;

use super::draft::Draft;
use super::json_ld::{local, text, values};
use super::report::Refusal;

/// What one offer says.
struct Offer {
    /// What the customer pays.
    now: Option<String>,
    /// What it costs without the reduction.
    regular: Option<String>,
    currency: Option<String>,
    availability: Option<String>,
    stock: Option<String>,
    sellable: bool,
    rank: f64,
}

/// Reads the offers of a product: of several, the cheapest that can be bought counts.
pub(super) fn offers(node: &Map<String, Value>, draft: &mut Draft) -> Result<(), Refusal> {
    let mut all = Vec::new();
    for offer in values(node.get("offers")).filter_map(Value::as_object) {
        let mut inside: Vec<_> = values(offer.get("offers")).filter_map(Value::as_object).map(one).collect();
        let sum = one(offer);
        if inside.is_empty() {
            all.push(sum);
        } else {
            // A sum does not say which of its offers can be bought.
            inside.iter_mut().for_each(|one| one.currency = one.currency.take().or_else(|| sum.currency.clone()));
            all.append(&mut inside);
        }
        if let Some(condition) = offer.get("itemCondition") {
            draft.condition(condition);
        }
        if draft.url.is_none() {
            draft.url = text(offer.get("url"));
        }
    }
    let order = |a: &Offer, b: &Offer| (!a.sellable).cmp(&!b.sellable).then(a.rank.total_cmp(&b.rank));
    let Some(best) = all.into_iter().min_by(order) else {
        return Ok(());
    };
    draft.currency = best.currency.map(|code| code.trim().to_ascii_uppercase()).filter(|code| !code.is_empty());
    let now = best.now.map(|amount| draft.amount("offers.price", &amount)).transpose()?.flatten();
    let regular = best.regular.and_then(|amount| draft.optional_amount(&amount));
    (draft.price, draft.sale_price) = match (regular, now) {
        (Some(regular), Some(now)) if regular > now => (Some(regular), Some(now)),
        (_, Some(now)) => (Some(now), None),
        (regular, None) => (regular, None),
    };
    if let Some(word) = best.availability {
        draft.read_availability(&word);
    }
    if let Some(count) = best.stock {
        draft.read_stock(&count);
    }
    Ok(())
}

fn one(offer: &Map<String, Value>) -> Offer {
    let mut now = text(offer.get("price")).or_else(|| text(offer.get("lowPrice")));
    let mut currency = text(offer.get("priceCurrency"));
    let mut regular = None;
    for specification in values(offer.get("priceSpecification")).filter_map(Value::as_object) {
        let price = text(specification.get("price"));
        let kind = text(specification.get("priceType")).unwrap_or_default();
        if matches!(local(&kind), "ListPrice" | "StrikethroughPrice" | "RegularPrice" | "MSRP" | "SRP") {
            regular = regular.or(price);
        } else {
            now = now.or(price);
        }
        currency = currency.or_else(|| text(specification.get("priceCurrency")));
    }
    let availability = text(offer.get("availability"));
    let sellable = availability.as_deref().and_then(Availability::parse).is_none_or(Availability::is_sellable);
    let stock = values(offer.get("inventoryLevel")).next().and_then(|level| text(level.get("value").or(Some(level))));
    let amount = now.as_deref().and_then(super::value::money).map(|money| money.amount);
    Offer { now, regular, currency, availability, stock, sellable, rank: amount.unwrap_or(f64::INFINITY) }
}
