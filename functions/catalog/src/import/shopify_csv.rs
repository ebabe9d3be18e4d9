//! Product exports of Shopify, of both header generations: until 2025 `Handle`, `Variant Price`, `Body (HTML)`; since then
//! `URL handle`, `Price`, `Description`.
//!
//! Rows of one product share its handle, which is its identifier here: the exports name no other. The first row describes
//! the product; each row may add a variant, a picture or both. The rows of a product stand together in every export, but
//! need not (see [`window`](super::window)).

use serde_json::Value;
use vitrine_domain::Availability;

use super::cell::Cell;
use super::draft::{Draft, path};
use super::error::ImportError;
use super::group::Group;
use super::input::Text;
use super::options::Options;
use super::products::Products;
use super::report::{At, Reason, Refusal};
use super::table::{Column, Delimited, some_names};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Handle,
    Title,
    Body,
    Vendor,
    Category,
    Type,
    Tags,
    Published,
    Status,
    Option(u8, OptionPart),
    Sku,
    Barcode,
    Stock,
    /// Who counts the stock; where nobody does, the count means nothing.
    Tracker,
    Policy,
    Price,
    CompareAt,
    Cost,
    Image,
    ImagePosition,
    /// How the product is shipped, taxed and found: nothing to recommend by.
    Ignored,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OptionPart {
    Name,
    Value,
}

impl Role {
    fn of(column: &Column) -> Self {
        let key = column.key.as_str();
        // Prices and availability in single markets: `Price / International`.
        if column.name.contains(" / ") && !key.starts_with("googleshopping") {
            return Self::Ignored;
        }
        match key.strip_prefix("variant").unwrap_or(key) {
            "handle" | "urlhandle" => Self::Handle,
            "title" => Self::Title,
            "body" | "bodyhtml" | "description" => Self::Body,
            "vendor" => Self::Vendor,
            "productcategory" | "category" => Self::Category,
            "type" | "producttype" => Self::Type,
            "tags" => Self::Tags,
            "published" | "publishedononlinestore" => Self::Published,
            "status" => Self::Status,
            "sku" => Self::Sku,
            "barcode" => Self::Barcode,
            "inventoryqty" | "inventoryquantity" => Self::Stock,
            "inventorytracker" => Self::Tracker,
            "inventorypolicy" | "continuesellingwhenoutofstock" => Self::Policy,
            "price" => Self::Price,
            "compareatprice" => Self::CompareAt,
            "costperitem" => Self::Cost,
            "imagesrc" | "productimageurl" => Self::Image,
            "imageposition" => Self::ImagePosition,
            "grams"
            | "weightunit"
            | "weightunitfordisplay"
            | "weightvaluegrams"
            | "fulfillmentservice"
            | "requiresshipping"
            | "taxable"
            | "chargetax"
            | "taxcode"
            | "image"
            | "imageurl"
            | "imagealttext"
            | "giftcard"
            | "seotitle"
            | "seodescription" => Self::Ignored,
            _ if key.ends_with("linkedto") => Self::Ignored,
            _ => Self::option(key),
        }
    }

    fn option(key: &str) -> Self {
        let part = |rest: &str| match rest {
            "name" => Some(OptionPart::Name),
            "value" => Some(OptionPart::Value),
            _ => None,
        };
        let (number, rest) = match key.strip_prefix("option").map(|rest| rest.split_at_checked(1)) {
            Some(Some(parts)) => parts,
            _ => return Self::Other,
        };
        match (number.parse(), part(rest)) {
            (Ok(number @ 1..=3), Some(part)) => Self::Option(number, part),
            _ => Self::Other,
        }
    }
}

/// Reads an export.
pub(super) fn read(input: Text<'_>, products: &mut Products<'_>) -> Result<(), ImportError> {
    let mut rows = Delimited::open(input, &products.options.limits)?;
    let roles: Vec<_> = rows.columns().iter().map(Role::of).collect();
    if !roles.contains(&Role::Handle) {
        return Err(ImportError::MissingColumn { what: "product (Handle)", found: some_names(rows.columns()) });
    }
    let untracked = roles.contains(&Role::Tracker);
    while let Some(at) = rows.advance(&mut products.tally)? {
        let cells = rows.columns().iter().zip(&roles).zip(rows.cells());
        match Row::read(cells.map(|((column, role), cell)| (column, *role, cell)), untracked) {
            Ok(row) => row.hand_on(at, products)?,
            Err(refusal) => products.tally.refuse(at, 1, refusal),
        }
    }
    Ok(())
}

/// What a row says of the product, and of the variant if there is one.
#[derive(Default)]
struct Row {
    handle: String,
    facts: Draft,
    variant: Draft,
    has_variant: bool,
    image: Option<String>,
    position: i64,
    /// Names and values of the options.
    options: [(Option<String>, Option<String>); 3],
    compare_at: Option<f64>,
    oversell: bool,
    untracked: bool,
    hidden: Option<Refusal>,
    product_type: Option<String>,
}

impl Row {
    fn read<'c>(cells: impl Iterator<Item = (&'c Column, Role, &'c Cell)>, untracked: bool) -> Result<Self, Refusal> {
        let mut row = Self { position: i64::MAX, untracked, ..Self::default() };
        for (column, role, cell) in cells {
            if let Some(text) = cell.text() {
                row.set(column, role, &text)?;
            }
        }
        Ok(row)
    }

    fn set(&mut self, column: &Column, role: Role, text: &str) -> Result<(), Refusal> {
        match role {
            Role::Handle => text.clone_into(&mut self.handle),
            Role::Title => text.clone_into(&mut self.facts.title),
            Role::Body => text.clone_into(&mut self.facts.description),
            Role::Vendor => self.facts.brand = Some(text.to_owned()),
            Role::Category => self.facts.category = path(text),
            Role::Type => self.product_type = Some(text.to_owned()),
            Role::Tags => tags(&mut self.facts, text),
            Role::Published | Role::Status => self.hidden = self.hidden.take().or_else(|| hidden(column, role, text)),
            Role::Option(number, part) => {
                if let Some(option) = self.options.get_mut(usize::from(number) - 1) {
                    let slot = if part == OptionPart::Name { &mut option.0 } else { &mut option.1 };
                    *slot = Some(text.to_owned());
                }
                self.has_variant |= part == OptionPart::Value;
            }
            Role::Sku => {
                self.variant.id = Some(text.to_owned());
                self.has_variant = true;
            }
            Role::Barcode => self.variant.attribute("barcode", Value::String(text.trim_start_matches('\'').to_owned())),
            Role::Stock => self.variant.read_stock(text),
            Role::Tracker => self.untracked = false,
            Role::Policy => self.oversell = matches!(text.to_ascii_lowercase().as_str(), "continue" | "true"),
            Role::Price => {
                self.variant.price = self.variant.amount(&column.name, text)?;
                self.has_variant = true;
            }
            Role::CompareAt => self.compare_at = self.variant.optional_amount(text),
            Role::Cost => self.variant.cost = self.variant.optional_amount(text),
            Role::Image => self.image = Some(text.to_owned()),
            Role::ImagePosition => self.position = super::value::pieces(text).unwrap_or(i64::MAX),
            Role::Ignored => {}
            Role::Other => self.facts.text_attribute(&column.snake, text),
        }
        Ok(())
    }

    fn hand_on(mut self, at: At, products: &mut Products<'_>) -> Result<(), ImportError> {
        let options = products.options;
        if let Some(site) = options.site.as_deref().filter(|_| !self.handle.is_empty()) {
            self.facts.url = Some(format!("{}/products/{}", site.trim_end_matches('/'), self.handle));
        }
        if let Some(image) = self.image.take() {
            self.facts.image(self.position, &image);
        }
        product_type(&mut self.facts, self.product_type.take());
        let weight = self.facts.weight() + 300;
        let handle = std::mem::take(&mut self.handle);
        products.part(at, &handle, weight, |group| self.add_to(group, &handle, options))
    }

    fn add_to(self, group: &mut Group, handle: &str, options: &Options) {
        if let Some(why) = self.hidden {
            group.hide(why);
        }
        group.describe(self.facts);
        if !self.has_variant {
            return;
        }
        let values: Vec<_> = self.options.iter().filter_map(|(_, value)| value.clone()).collect();
        let mut variant = self.variant;
        for (at, (name, value)) in self.options.into_iter().enumerate() {
            let name = group.option_name(at, name);
            option_attribute(&mut variant, name.as_deref(), value.as_deref());
        }
        variant.id.get_or_insert_with(|| format!("{handle}#{}", values.join("/")));
        reduce(&mut variant, self.compare_at);
        if self.untracked {
            variant.stock = None;
        }
        sell_on(&mut variant, self.oversell);
        group.add(variant, variant_title(&values), options.limits.variants);
    }
}

/// Shopify's word for a product without options.
const NO_OPTION: &str = "Default Title";

/// The title of a variant by the values of its options.
pub(super) fn variant_title(values: &[String]) -> Option<String> {
    let title = values.join(" / ");
    Some(title).filter(|title| !title.is_empty() && title != NO_OPTION)
}

/// An option of a variant as an attribute of the product.
pub(super) fn option_attribute(variant: &mut Draft, name: Option<&str>, value: Option<&str>) {
    if let (Some(name), Some(value)) = (name, value)
        && value != NO_OPTION
    {
        variant.text_attribute(&super::text::snake(name), value);
    }
}

/// Shopify writes the price to pay as the price, and the regular one, if it is higher, as "compare at".
pub(super) fn reduce(variant: &mut Draft, compare_at: Option<f64>) {
    if let (Some(price), Some(regular)) = (variant.price, compare_at)
        && regular > price
    {
        (variant.price, variant.sale_price) = (Some(regular), Some(price));
    }
}

/// What is sold beyond its stock is never sold out; its count says nothing.
pub(super) fn sell_on(variant: &mut Draft, oversell: bool) {
    if oversell {
        variant.stock = None;
        variant.availability = Some(Availability::InStock);
    }
}

/// The shop's own type is narrower than the category, which is one of Shopify's.
pub(super) fn product_type(facts: &mut Draft, product_type: Option<String>) {
    for level in product_type.iter().flat_map(|own| path(own)) {
        if facts.category.last().is_none_or(|last| last.trim() != level.trim()) {
            facts.category.push(level);
        }
    }
}

/// Tags parted by commas.
pub(super) fn tags(facts: &mut Draft, text: &str) {
    for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        if !facts.attributes.push("tags", Value::String(tag.to_owned())) {
            facts.note(super::report::Notice::AttributesLeftOut);
        }
    }
}

fn hidden(column: &Column, role: Role, text: &str) -> Option<Refusal> {
    let shown = match role {
        Role::Status => text.eq_ignore_ascii_case("active"),
        _ => !text.eq_ignore_ascii_case("false"),
    };
    let refusal = || Refusal::new(Reason::NotPublished, "the product is not on sale").column(&column.name).value(text);
    (!shown).then(refusal)
}
