//! schema.org products as JSON-LD: single nodes, arrays, graphs and item lists; products, product groups with their
//! variants inside, and articles and recipes, which are content.
//!
//! Other nodes of a graph (the page, its breadcrumbs) are passed over and are no rows. A variant that stands apart from
//! its group joins it by `productGroupID` or `inProductGroupWithID`; references by `@id` alone are not followed.

use serde_json::{Map, Value};
use vitrine_domain::Kind;

use super::cell::Cell;
use super::draft::{Draft, path};
use super::error::ImportError;
use super::group::Group;
use super::input::Text;
use super::json::Objects;
use super::json_ld_offers::offers;
use super::products::Products;
use super::report::{At, Refusal};
use super::text::snake;

type Node = Map<String, Value>;

/// Reads products.
pub(super) fn read(input: Text<'_>, products: &mut Products<'_>) -> Result<(), ImportError> {
    let limits = &products.options.limits;
    let mut rows = Objects::open(input, false, limits.row_bytes, &["@graph", "itemListElement"]);
    while let Some((at, node)) = rows.advance(&mut products.tally)? {
        match unwrapped(&node) {
            Some((node, Type::Product)) => product(at, node, products)?,
            Some((node, Type::Group)) => group(at, node, products)?,
            Some((node, Type::Content)) => {
                let draft = facts(node).map(|draft| Draft { kind: Kind::Content, ..draft });
                products.single(at, draft)?;
            }
            None => products.tally.pass_over(at),
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Type {
    Product,
    Group,
    Content,
}

/// The node itself, or the one it is only a frame for.
fn unwrapped(node: &Node) -> Option<(&Node, Type)> {
    let inner = || ["item", "mainEntity"].iter().find_map(|name| node.get(*name)?.as_object());
    type_of(node).map(|kind| (node, kind)).or_else(|| inner().and_then(|node| Some((node, type_of(node)?))))
}

fn type_of(node: &Node) -> Option<Type> {
    values(node.get("@type")).find_map(|name| match local(name.as_str()?) {
        "Product" | "IndividualProduct" | "SomeProducts" | "ProductModel" | "Book" | "Vehicle" => Some(Type::Product),
        "ProductGroup" => Some(Type::Group),
        "Article" | "NewsArticle" | "BlogPosting" | "Recipe" | "HowTo" => Some(Type::Content),
        _ => None,
    })
}

/// A value or the values of a list.
pub(super) fn values(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let many = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    value.filter(|value| !value.is_array()).into_iter().chain(many)
}

/// A term without its vocabulary: `https://schema.org/InStock` is `InStock`.
pub(super) fn local(term: &str) -> &str {
    term.rsplit(['/', ':', '#']).next().unwrap_or(term)
}

/// What a value says as text: itself, its `@value`, `name`, `value`, `url` or `contentUrl`, the first if there are many.
pub(super) fn text(value: Option<&Value>) -> Option<String> {
    let value = values(value).next()?;
    let value = match value {
        Value::Object(members) => ["@value", "name", "value", "url", "contentUrl", "@id"]
            .iter()
            .find_map(|name| members.get(*name).filter(|value| !value.is_object() && !value.is_array()))?,
        value => value,
    };
    Cell::of_json(value.clone()).text().map(std::borrow::Cow::into_owned)
}

fn product(at: At, node: &Node, products: &mut Products<'_>) -> Result<(), ImportError> {
    let draft = match facts(node) {
        Ok(draft) => draft,
        Err(refusal) => return products.single(at, Err(refusal)),
    };
    let parent = values(node.get("isVariantOf")).find_map(|parent| text(parent.get("productGroupID")));
    let Some(group) = parent.or_else(|| text(node.get("inProductGroupWithID"))) else {
        return products.single(at, Ok(draft));
    };
    let (weight, most) = (draft.weight(), products.options.limits.variants);
    let title = variant_title(node);
    products.part(at, &group, weight, |group| group.add(draft, title, most))
}

fn group(at: At, node: &Node, products: &mut Products<'_>) -> Result<(), ImportError> {
    let id = text(node.get("productGroupID")).or_else(|| identifier(node)).unwrap_or_default();
    let inside: Vec<_> = values(node.get("hasVariant")).filter_map(Value::as_object).collect();
    let read = facts(node).and_then(|own| Ok((own, variants(&inside)?)));
    let (own, variants) = match read {
        Ok(read) => read,
        Err(refusal) => return products.single(at, Err(refusal)),
    };
    if variants.is_empty() {
        let weight = own.weight();
        return products.part(at, &id, weight, |group| group.describe(own));
    }
    let mut group = Group::new(&id, at);
    group.rows = 1;
    group.describe(own);
    for (draft, title) in variants {
        group.add(draft, title, products.options.limits.variants);
    }
    products.whole(group)
}

fn variants(inside: &[&Node]) -> Result<Vec<(Draft, Option<String>)>, Refusal> {
    // A reference has nothing to say of the variant.
    let full = inside.iter().filter(|node| node.keys().any(|name| !name.starts_with('@')));
    full.map(|node| Ok((facts(node)?, variant_title(node)))).collect()
}

fn variant_title(node: &Node) -> Option<String> {
    let parts: Vec<_> =
        ["color", "size", "material", "pattern"].iter().filter_map(|name| text(node.get(*name))).collect();
    Some(parts.join(" / ")).filter(|title| !title.is_empty())
}

fn identifier(node: &Node) -> Option<String> {
    ["sku", "productID", "identifier", "gtin13", "gtin", "gtin12", "gtin14", "gtin8", "mpn", "@id", "url"]
        .iter()
        .find_map(|name| text(node.get(*name)))
}

/// What a node says of the product, its offers included.
fn facts(node: &Node) -> Result<Draft, Refusal> {
    let mut draft = Draft {
        id: identifier(node),
        title: text(node.get("name")).or_else(|| text(node.get("headline"))).unwrap_or_default(),
        description: text(node.get("description")).unwrap_or_default(),
        url: text(node.get("url")),
        brand: text(node.get("brand")).or_else(|| text(node.get("manufacturer"))),
        ..Draft::default()
    };
    for category in values(node.get("category")).filter_map(|value| text(Some(value))) {
        draft.category.extend(path(&category));
    }
    for image in values(node.get("image")).filter_map(|value| text(Some(image_address(value)))) {
        draft.image(0, &image);
    }
    offers(node, &mut draft)?;
    attributes(node, &mut draft);
    Ok(draft)
}

/// The address of a picture given as an object; its name is not wanted.
fn image_address(image: &Value) -> &Value {
    ["url", "contentUrl"].iter().find_map(|name| image.get(*name)).unwrap_or(image)
}

/// Members that are told elsewhere, or say nothing a filter could use.
const KNOWN: [&str; 20] = [
    "sku",
    "productID",
    "identifier",
    "name",
    "headline",
    "description",
    "url",
    "brand",
    "category",
    "image",
    "offers",
    "hasVariant",
    "variesBy",
    "isVariantOf",
    "inProductGroupWithID",
    "productGroupID",
    "review",
    "reviews",
    "mainEntityOfPage",
    "potentialAction",
];

fn attributes(node: &Node, draft: &mut Draft) {
    for (name, value) in node {
        match name.as_str() {
            "additionalProperty" => {
                for property in values(Some(value)) {
                    if let (Some(name), Some(value)) = (text(property.get("name")), text(property.get("value"))) {
                        draft.text_attribute(&snake(&name), &value);
                    }
                }
            }
            "aggregateRating" => {
                if let Some(rating) = text(value.get("ratingValue")) {
                    draft.text_attribute("rating", &rating);
                }
                if let Some(count) = text(value.get("reviewCount")).or_else(|| text(value.get("ratingCount"))) {
                    draft.text_attribute("review_count", &count);
                }
            }
            "itemCondition" => draft.condition(value),
            name if name.starts_with('@') || KNOWN.contains(&name) => {}
            name => {
                for value in values(Some(value)).filter_map(|value| text(Some(value))) {
                    draft.text_attribute(&snake(name), &value);
                }
            }
        }
    }
}

impl Draft {
    /// `https://schema.org/NewCondition` in the word of Google's feeds: `new`.
    pub(super) fn condition(&mut self, value: &Value) {
        if let Some(term) = text(Some(value)) {
            let word = local(&term).trim_end_matches("Condition").to_lowercase();
            self.text_attribute("condition", &word);
        }
    }
}
