//! Google Merchant feeds: what their attributes mean, and feeds that are tables. Attribute names may be written with
//! spaces or underscores in any case; close relatives of the names (`sku`, `url`, `stock`) are understood too, so that
//! most exports with a header can be read.
//!
//! Rows with the same `item_group_id` are variants of one product, whose identifier is the group's. They may stand apart:
//! groups stay open in a window of fixed size (see [`window`](super::window)), so only feeds with very many groups have
//! to be sorted.

use std::borrow::Cow;

use serde_json::Value;
use vitrine_domain::Availability;

use super::draft::{Draft, path};
use super::error::ImportError;
use super::input::Text;
use super::options::Options;
use super::products::Products;
use super::report::{Notice, Refusal};
use super::table::{Column, Delimited, some_names};
use super::text::snake;
use super::value::{is_on, loose_time};

/// What an attribute says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Id,
    Title,
    Description,
    Link,
    Image,
    MoreImages,
    Availability,
    Price,
    SalePrice,
    SaleTime,
    Brand,
    ProductType,
    GoogleCategory,
    Group,
    Cost,
    Stock,
    Expires,
    Detail,
    /// What variants differ in, in the order of a variant's title.
    Varying(u8),
    YesOrNo,
    /// About the feed's entry, not the product.
    Envelope,
    Other,
}

impl Role {
    /// By the part of the name that all spellings share.
    pub(super) fn of(key: &str) -> Self {
        match key {
            "id" | "productid" | "offerid" | "itemid" | "sku" | "guid" | "productcode" => Self::Id,
            "title" | "name" | "productname" | "producttitle" => Self::Title,
            "description" | "summary" | "content" | "body" | "bodyhtml" | "productdescription" => Self::Description,
            "link" | "url" | "producturl" | "productlink" | "canonicallink" => Self::Link,
            "imagelink" | "image" | "imageurl" | "imagesrc" | "picture" => Self::Image,
            "additionalimagelink" | "additionalimagelinks" | "moreimages" => Self::MoreImages,
            "availability" | "stockstatus" | "instock" => Self::Availability,
            "price" | "regularprice" => Self::Price,
            "saleprice" | "specialprice" | "offerprice" => Self::SalePrice,
            "salepriceeffectivedate" | "salepricedate" => Self::SaleTime,
            "brand" | "manufacturer" | "vendor" => Self::Brand,
            "producttype" | "category" | "categories" | "productcategory" => Self::ProductType,
            "googleproductcategory" => Self::GoogleCategory,
            "itemgroupid" | "groupid" | "parentid" | "parentsku" => Self::Group,
            "costofgoodssold" | "cost" | "costprice" => Self::Cost,
            "quantity" | "stock" | "inventory" | "stockquantity" | "qty" => Self::Stock,
            "expirationdate" => Self::Expires,
            "productdetail" => Self::Detail,
            "color" | "colour" => Self::Varying(0),
            "size" => Self::Varying(1),
            "material" => Self::Varying(2),
            "pattern" => Self::Varying(3),
            "adult" | "isbundle" | "identifierexists" => Self::YesOrNo,
            "updated" | "published" | "pubdate" | "author" => Self::Envelope,
            _ => Self::Other,
        }
    }
}

/// One attribute of a row.
pub(super) struct Field<'f> {
    pub(super) role: Role,
    /// Its name as an attribute of the product.
    pub(super) name: &'f str,
    /// Trimmed and never empty.
    pub(super) value: Cow<'f, str>,
}

/// What a row says.
pub(super) struct Row {
    pub(super) draft: Draft,
    pub(super) group: Option<String>,
    pub(super) variant: Option<String>,
}

/// Understands one row.
pub(super) fn row<'f>(fields: impl Iterator<Item = Field<'f>>, options: &Options) -> Result<Row, Refusal> {
    let mut draft = Draft::default();
    let mut rest = Rest::default();
    for field in fields {
        let value = field.value.as_ref();
        match field.role {
            Role::Id => set(&mut draft.id, value),
            Role::Title => set_text(&mut draft.title, value),
            Role::Description => set_text(&mut draft.description, value),
            Role::Link => set(&mut draft.url, value),
            Role::Image => draft.image(0, value),
            Role::MoreImages => value.split(',').for_each(|address| draft.image(1, address.trim())),
            Role::Availability => draft.read_availability(value),
            Role::Price => draft.price = draft.amount(field.name, value)?,
            Role::SalePrice => set(&mut rest.sale_price, value),
            Role::SaleTime => set(&mut rest.sale_time, value),
            Role::Brand => set(&mut draft.brand, value),
            Role::ProductType if draft.category.is_empty() => draft.category = path(value),
            Role::ProductType => draft.text_attribute(field.name, value),
            Role::GoogleCategory => {
                set(&mut rest.google_category, value);
                draft.text_attribute("google_product_category", value);
            }
            Role::Group => set(&mut rest.group, value),
            Role::Cost => set(&mut rest.cost, value),
            Role::Stock => draft.read_stock(value),
            Role::Expires => set(&mut rest.expires, value),
            Role::Detail => detail(&mut draft, value),
            Role::Varying(place) => {
                draft.text_attribute(field.name, value);
                rest.varying.push((place, value.to_owned()));
            }
            Role::YesOrNo => draft.attribute(field.name, yes_or_no(value)),
            Role::Envelope => {}
            Role::Other => draft.text_attribute(field.name, value),
        }
    }
    rest.into_row(draft, options)
}

/// What can only be judged when the whole row is known.
#[derive(Default)]
struct Rest {
    sale_price: Option<String>,
    sale_time: Option<String>,
    google_category: Option<String>,
    group: Option<String>,
    cost: Option<String>,
    expires: Option<String>,
    varying: Vec<(u8, String)>,
}

impl Rest {
    fn into_row(mut self, mut draft: Draft, options: &Options) -> Result<Row, Refusal> {
        self.settle_sale(&mut draft, options)?;
        draft.cost = self.cost.and_then(|cost| draft.optional_amount(&cost));
        if draft.category.is_empty()
            && let Some(category) = self.google_category.filter(|category| category.parse::<u64>().is_err())
        {
            draft.category = path(&category);
        }
        if let Some(expires) = self.expires.as_deref().and_then(loose_time)
            && expires < options.now
        {
            draft.note(Notice::Expired);
            draft.availability = Some(Availability::OutOfStock);
        }
        self.varying.sort();
        let variant: Vec<_> = self.varying.into_iter().map(|(_, value)| value).collect();
        let variant = Some(variant.join(" / ")).filter(|title| !title.is_empty());
        Ok(Row { draft, group: self.group, variant })
    }

    /// A sale counts from its start to its end, and always if it names neither.
    fn settle_sale(&mut self, draft: &mut Draft, options: &Options) -> Result<(), Refusal> {
        let Some(sale) = self.sale_price.take() else {
            return Ok(());
        };
        let on = match &self.sale_time {
            Some(interval) => is_on(interval, options.now),
            None => Some(true),
        };
        if on.is_none() {
            draft.note(Notice::ValueLeftOut);
        }
        if on == Some(true) {
            draft.sale_price = draft.amount("sale_price", &sale)?;
        }
        Ok(())
    }
}

/// The first word on something is kept.
fn set(slot: &mut Option<String>, value: &str) {
    if slot.is_none() {
        *slot = Some(value.to_owned());
    }
}

fn set_text(slot: &mut String, value: &str) {
    if slot.is_empty() {
        value.clone_into(slot);
    }
}

fn yes_or_no(value: &str) -> Value {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" | "y" => Value::Bool(true),
        "no" | "false" | "n" => Value::Bool(false),
        _ => Value::String(value.to_owned()),
    }
}

/// `Section:Name:Value` or `Name:Value`, an attribute of the shop's own.
fn detail(draft: &mut Draft, value: &str) {
    let parts: Vec<_> = value.splitn(3, ':').map(str::trim).collect();
    match parts.as_slice() {
        [_, name, value] | [name, value] => draft.text_attribute(&snake(name), value),
        _ => draft.text_attribute("product_detail", value),
    }
}

/// Hands a row on.
pub(super) fn take(
    products: &mut Products<'_>,
    at: super::report::At,
    row: Result<Row, Refusal>,
) -> Result<(), ImportError> {
    let row = match row {
        Ok(row) => row,
        Err(refusal) => return products.single(at, Err(refusal)),
    };
    let Some(group) = row.group else {
        return products.single(at, Ok(row.draft));
    };
    // A variant without an identifier is as unusable as a product without one.
    if let Err(refusal) = super::draft::product_id(row.draft.id.as_deref().unwrap_or_default(), "id") {
        return products.single(at, Err(refusal));
    }
    let (weight, most) = (row.draft.weight(), products.options.limits.variants);
    products.part(at, &group, weight, |group| group.add(row.draft, row.variant, most))
}

/// Reads a feed that is a table.
pub(super) fn read_table(input: Text<'_>, products: &mut Products<'_>) -> Result<(), ImportError> {
    let mut rows = Delimited::open(input, &products.options.limits)?;
    let roles = roles(rows.columns());
    if !roles.contains(&Role::Id) {
        return Err(ImportError::MissingColumn { what: "product (id)", found: some_names(rows.columns()) });
    }
    let options = products.options;
    while let Some(at) = rows.advance(&mut products.tally)? {
        let fields =
            rows.columns().iter().zip(&roles).zip(rows.cells()).filter_map(|((column, role), cell)| {
                Some(Field { role: *role, name: &column.snake, value: cell.text()? })
            });
        let row = row(fields, options);
        take(products, at, row)?;
    }
    Ok(())
}

/// The role of every column; where several could be the identifier, the one so named is.
fn roles(columns: &[Column]) -> Vec<Role> {
    let named = columns.iter().any(|column| column.key == "id");
    let role = |column: &Column| match Role::of(&column.key) {
        Role::Id if named && column.key != "id" => Role::Other,
        Role::Availability if column.key == "instock" && columns.iter().any(|c| c.key == "availability") => Role::Other,
        role => role,
    };
    columns.iter().map(role).collect()
}
