//! Products in Vitrine's own words: the members of a product as the interface takes and gives them. Members that no field
//! holds become attributes.

use serde_json::{Map, Value};
use vitrine_domain::{Availability, Kind, Variant};

use super::cell::Cell;
use super::draft::{Draft, path};
use super::error::ImportError;
use super::input::Text;
use super::json::Objects;
use super::products::Products;
use super::report::{Notice, Reason, Refusal};
use super::text::snake;

/// Reads products.
pub(super) fn read(input: Text<'_>, lines: bool, products: &mut Products<'_>) -> Result<(), ImportError> {
    let mut rows = Objects::open(input, lines, products.options.limits.row_bytes, &["products"]);
    let most = products.options.limits.variants;
    while let Some((at, object)) = rows.advance(&mut products.tally)? {
        products.single(at, draft(object, most))?;
    }
    Ok(())
}

fn draft(object: Map<String, Value>, most_variants: usize) -> Result<Draft, Refusal> {
    // The currency that is named counts before one that stands beside an amount.
    let currency = object.get("currency").and_then(Value::as_str).map(str::to_owned);
    let mut draft = Draft { currency, ..Draft::default() };
    for (name, value) in object {
        if !value.is_null() {
            set(&mut draft, &name, value, most_variants)?;
        }
    }
    Ok(draft)
}

fn wrong(name: &str, value: &Value, what: &str) -> Refusal {
    Refusal::new(Reason::BadValue, format!("`{name}` has to be {what}")).column(name).value(&value.to_string())
}

fn text(name: &str, value: Value) -> Result<String, Refusal> {
    match Cell::of_json(value) {
        Cell::Json(value) => Err(wrong(name, &value, "text")),
        cell => Ok(cell.text().unwrap_or_default().into_owned()),
    }
}

fn set(draft: &mut Draft, name: &str, value: Value, most_variants: usize) -> Result<(), Refusal> {
    match name {
        "id" => draft.id = Some(text(name, value)?),
        "title" => draft.title = text(name, value)?,
        "description" => draft.description = text(name, value)?,
        "url" => draft.url = Some(text(name, value)?),
        "image" => images(draft, value)?,
        "brand" => draft.brand = Some(text(name, value)?),
        "currency" => {}
        "kind" => draft.kind = kind(&value)?,
        "category" => draft.category = category(value)?,
        "price" => draft.price = amount(draft, name, value)?,
        "sale_price" => draft.sale_price = amount(draft, name, value)?,
        "cost" => draft.cost = amount(draft, name, value)?,
        "availability" => draft.read_availability(&text(name, value)?),
        "stock" => match value.as_f64() {
            Some(number) => draft.read_stock(&number.to_string()),
            None => draft.read_stock(&text(name, value)?),
        },
        "variants" => variants(draft, value, most_variants)?,
        "attributes" => match value {
            Value::Object(members) => members.into_iter().for_each(|(name, value)| draft.attribute(&name, value)),
            other => return Err(wrong(name, &other, "an object")),
        },
        _ => draft.attribute(&snake(name), value),
    }
    Ok(())
}

fn amount(draft: &mut Draft, name: &str, value: Value) -> Result<Option<f64>, Refusal> {
    match value {
        Value::Number(number) => Ok(number.as_f64()),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => draft.amount(name, &text),
        other => Err(wrong(name, &other, "a number")),
    }
}

fn kind(value: &Value) -> Result<Kind, Refusal> {
    match value.as_str() {
        Some("product") => Ok(Kind::Product),
        Some("content") => Ok(Kind::Content),
        _ => Err(wrong("kind", value, "`product` or `content`")),
    }
}

fn category(value: Value) -> Result<Vec<String>, Refusal> {
    match value {
        Value::String(text) => Ok(path(&text)),
        Value::Array(levels) => levels.into_iter().map(|level| text("category", level)).collect(),
        other => Err(wrong("category", &other, "a list of names, the widest first")),
    }
}

fn images(draft: &mut Draft, value: Value) -> Result<(), Refusal> {
    let addresses = if let Value::Array(addresses) = value { addresses } else { vec![value] };
    for address in addresses {
        let address = text("image", address)?;
        draft.image(0, &address);
    }
    Ok(())
}

fn variants(draft: &mut Draft, value: Value, most: usize) -> Result<(), Refusal> {
    let Value::Array(entries) = value else {
        return Err(wrong("variants", &value, "a list"));
    };
    if entries.len() > most {
        draft.note(Notice::VariantsLeftOut);
    }
    for entry in entries.into_iter().take(most) {
        let variant = variant(draft, &entry)?;
        draft.variants.push(variant);
    }
    Ok(())
}

fn variant(draft: &mut Draft, entry: &Value) -> Result<Variant, Refusal> {
    let member = |name: &str| entry.get(name).cloned().filter(|value| !value.is_null());
    let id = member("id").map(|id| text("variants.id", id)).transpose()?.unwrap_or_default();
    if !entry.is_object() || id.is_empty() || id.len() > 128 {
        return Err(wrong("variants", entry, "objects with an `id` of up to 128 bytes"));
    }
    let mut variant = Variant { id, ..Variant::default() };
    variant.title = member("title").map(|title| text("variants.title", title)).transpose()?;
    if let Some(price) = member("price") {
        let price = amount(draft, "variants.price", price)?;
        variant.price = price.filter(|price| price.is_finite() && *price >= 0.0);
    }
    if let Some(word) = member("availability") {
        let word = text("variants.availability", word)?;
        match Availability::parse(&word) {
            Some(availability) => variant.availability = availability,
            None => draft.note(Notice::UnknownAvailability),
        }
    }
    variant.stock = member("stock").and_then(|stock| Cell::of_json(stock).number()).and_then(whole);
    Ok(variant)
}

#[allow(clippy::cast_possible_truncation, reason = "bounded before the cast")]
fn whole(number: f64) -> Option<i64> {
    (number.abs() < 1e15).then_some(number.floor() as i64)
}
