//! Products as Shopify answers them: `/products.json` of a storefront, the admin interface, and webhooks of one product.

use serde_json::{Map, Value};
use vitrine_domain::Availability;

use super::cell::Cell;
use super::draft::{Draft, path};
use super::error::ImportError;
use super::group::Group;
use super::input::Text;
use super::json::Objects;
use super::options::{Options, ShopifyId};
use super::products::Products;
use super::report::{At, Reason, Refusal};
use super::shopify_csv::{option_attribute, product_type, reduce, sell_on, tags, variant_title};

/// Reads products.
pub(super) fn read(input: Text<'_>, products: &mut Products<'_>) -> Result<(), ImportError> {
    let mut rows = Objects::open(input, false, products.options.limits.row_bytes, &["products"]);
    while let Some((at, mut object)) = rows.advance(&mut products.tally)? {
        // A single product of the admin interface is wrapped in an object of its own.
        if let Some(Value::Object(inner)) = object.get_mut("product") {
            object = std::mem::take(inner);
        }
        match product(&object, at, products.options) {
            Ok(group) => products.whole(group)?,
            Err(refusal) => products.tally.refuse(at, 1, refusal),
        }
    }
    Ok(())
}

/// A scalar member as text.
fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name).and_then(|value| Cell::of_json(value.clone()).text().map(std::borrow::Cow::into_owned))
}

fn list<'v>(object: &'v Map<String, Value>, name: &str) -> impl Iterator<Item = &'v Map<String, Value>> {
    object.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn product(object: &Map<String, Value>, at: At, options: &Options) -> Result<Group, Refusal> {
    let handle = text(object, "handle");
    let id = match options.shopify_id {
        ShopifyId::Number => text(object, "id").or_else(|| handle.clone()),
        ShopifyId::Handle => handle.clone(),
    };
    let mut group = Group::new(&id.unwrap_or_default(), at);
    group.rows = 1;
    if let Some(status) = text(object, "status").filter(|status| status != "active") {
        let refusal = Refusal::new(Reason::NotPublished, "the product is not on sale");
        group.hide(refusal.column("status").value(&status));
    }
    if object.get("published_at") == Some(&Value::Null) {
        group.hide(Refusal::new(Reason::NotPublished, "the product is not on sale").column("published_at"));
    }
    group.describe(facts(object, handle, options));
    let names: Vec<_> = list(object, "options").map(|option| text(option, "name")).collect();
    for entry in list(object, "variants") {
        let (draft, title) = variant(entry, &names, options)?;
        group.add(draft, title, options.limits.variants);
    }
    Ok(group)
}

fn facts(object: &Map<String, Value>, handle: Option<String>, options: &Options) -> Draft {
    let mut facts = Draft {
        title: text(object, "title").unwrap_or_default(),
        description: text(object, "body_html").unwrap_or_default(),
        brand: text(object, "vendor"),
        ..Draft::default()
    };
    if let (Some(site), Some(handle)) = (&options.site, &handle) {
        facts.url = Some(format!("{}/products/{handle}", site.trim_end_matches('/')));
    }
    if let Some(category) = object.get("category").and_then(|c| c.get("full_name")).and_then(Value::as_str) {
        facts.category = path(category);
    }
    product_type(&mut facts, text(object, "product_type").filter(|own| !own.is_empty()));
    match object.get("tags") {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).for_each(|tag| tags(&mut facts, tag)),
        Some(Value::String(all)) => tags(&mut facts, all),
        _ => {}
    }
    if let Some(handle) = handle.filter(|_| options.shopify_id == ShopifyId::Number) {
        facts.attribute("handle", Value::String(handle));
    }
    for image in list(object, "images") {
        let position = image.get("position").and_then(Value::as_i64).unwrap_or(i64::MAX);
        facts.image(position, &text(image, "src").unwrap_or_default());
    }
    facts
}

fn variant(
    entry: &Map<String, Value>,
    names: &[Option<String>],
    options: &Options,
) -> Result<(Draft, Option<String>), Refusal> {
    let mut variant = Draft::default();
    let (id, sku) = (text(entry, "id"), text(entry, "sku"));
    variant.id = match options.shopify_id {
        ShopifyId::Number => id.or(sku),
        ShopifyId::Handle => sku.or(id),
    };
    if let Some(price) = text(entry, "price") {
        variant.price = variant.amount("price", &price)?;
    }
    let compare_at = text(entry, "compare_at_price").and_then(|amount| variant.optional_amount(&amount));
    reduce(&mut variant, compare_at);
    // The count only means something where Shopify keeps it.
    if entry.get("inventory_management") != Some(&Value::Null) {
        variant.stock = entry.get("inventory_quantity").and_then(Value::as_i64);
    }
    if let Some(available) = entry.get("available").and_then(Value::as_bool) {
        variant.availability = Some(if available { Availability::InStock } else { Availability::OutOfStock });
    }
    sell_on(&mut variant, text(entry, "inventory_policy").as_deref() == Some("continue"));
    if let Some(barcode) = text(entry, "barcode") {
        variant.attribute("barcode", Value::String(barcode));
    }
    let values: Vec<_> = ["option1", "option2", "option3"].iter().map(|name| text(entry, name)).collect();
    for (name, value) in names.iter().zip(&values) {
        option_attribute(&mut variant, name.as_deref(), value.as_deref());
    }
    let values: Vec<_> = values.into_iter().flatten().collect();
    Ok((variant, variant_title(&values)))
}
