//! A product on its way from a feed: whatever the format, it is filled in here and checked in one place.

use serde_json::Value;
use vitrine_domain::{Availability, Kind, Product, ProductId, Variant};

use super::attributes::Attributes;
use super::options::Options;
use super::report::{At, Notice, Reason, Refusal, Tally};
use super::text::{clip, plain, unescape};
use super::value::{self, is_code};

/// Most bytes of a title.
const TITLE: usize = 500;
/// Most bytes of a description.
const DESCRIPTION: usize = 8_000;
/// Most bytes of an address.
const ADDRESS: usize = 2_000;
/// Most bytes of a brand or of one level of a category.
const NAME: usize = 150;
/// Most levels of a category.
const LEVELS: usize = 10;
/// Most pictures that are remembered.
const IMAGES: usize = 20;
/// Where pictures beyond the first are kept; the name is Google's.
const MORE_IMAGES: &str = "additional_image_link";

/// A product as far as its feed has told.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) id: Option<String>,
    pub(super) kind: Kind,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) url: Option<String>,
    /// Pictures with their positions, the lowest first in the shop.
    pub(super) images: Vec<(i64, String)>,
    pub(super) category: Vec<String>,
    pub(super) brand: Option<String>,
    pub(super) price: Option<f64>,
    pub(super) sale_price: Option<f64>,
    pub(super) cost: Option<f64>,
    pub(super) currency: Option<String>,
    pub(super) availability: Option<Availability>,
    pub(super) stock: Option<i64>,
    pub(super) variants: Vec<Variant>,
    pub(super) attributes: Attributes,
    pub(super) notices: Vec<Notice>,
}

/// A path such as `A > B > C`.
pub(super) fn path(text: &str) -> Vec<String> {
    text.split('>').map(str::to_owned).collect()
}

impl Draft {
    /// Something odd that does not keep the product out.
    pub(super) fn note(&mut self, notice: Notice) {
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }

    /// Reads an amount in the product's currency, which is the one named first.
    pub(super) fn amount(&mut self, column: &str, text: &str) -> Result<Option<f64>, Refusal> {
        let Some(money) = value::money(text) else {
            return Err(Refusal::new(Reason::BadPrice, "this is no amount of money").column(column).value(text));
        };
        match (&self.currency, money.currency) {
            (Some(known), Some(other)) if *known != other => {
                self.note(Notice::MixedCurrencies);
                return Ok(None);
            }
            (None, Some(code)) => self.currency = Some(code),
            _ => {}
        }
        Ok(Some(money.amount))
    }

    /// Reads an amount that the product can do without.
    pub(super) fn optional_amount(&mut self, text: &str) -> Option<f64> {
        self.amount("", text).unwrap_or_else(|_| {
            self.note(Notice::ValueLeftOut);
            None
        })
    }

    pub(super) fn read_availability(&mut self, text: &str) {
        self.availability = Availability::parse(text);
        if self.availability.is_none() {
            self.note(Notice::UnknownAvailability);
        }
    }

    /// Reads how many pieces there are; some feeds say in words whether there are any.
    pub(super) fn read_stock(&mut self, text: &str) {
        self.stock = value::pieces(text);
        if self.stock.is_some() {
            return;
        }
        match Availability::parse(text) {
            Some(availability) => self.availability = Some(availability),
            None => self.note(Notice::ValueLeftOut),
        }
    }

    pub(super) fn attribute(&mut self, name: &str, value: Value) {
        if !self.attributes.add(name, value) {
            self.note(Notice::AttributesLeftOut);
        }
    }

    /// An attribute that came as text.
    pub(super) fn text_attribute(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.attribute(name, value::typed(name, text));
        }
    }

    pub(super) fn image(&mut self, position: i64, address: &str) {
        if self.images.len() < IMAGES && !address.is_empty() {
            self.images.push((position, address.to_owned()));
        }
    }

    /// Takes over what another draft of the same product says and this one does not.
    pub(super) fn complete(&mut self, other: Self) {
        let fill = |mine: &mut String, theirs: String| {
            if mine.is_empty() {
                *mine = theirs;
            }
        };
        fill(&mut self.title, other.title);
        fill(&mut self.description, other.description);
        self.url = self.url.take().or(other.url);
        self.brand = self.brand.take().or(other.brand);
        self.currency = self.currency.take().or(other.currency);
        if self.category.is_empty() {
            self.category = other.category;
        }
        for (position, address) in other.images {
            if self.images.iter().all(|(_, known)| *known != address) {
                self.image(position, &address);
            }
        }
        if !self.attributes.merge(other.attributes) {
            self.note(Notice::AttributesLeftOut);
        }
        other.notices.into_iter().for_each(|notice| self.note(notice));
    }

    /// What it weighs in memory, roughly.
    pub(super) fn weight(&self) -> usize {
        let images: usize = self.images.iter().map(|(_, address)| address.len() + 32).sum();
        500 + self.title.len() + self.description.len() + images + self.attributes.weight()
    }

    /// Bounds what waits in memory for the rest of its rows.
    pub(super) fn shorten(&mut self) {
        self.description = self.clipped(plain(&self.description), DESCRIPTION);
    }

    fn clipped(&mut self, text: String, most: usize) -> String {
        if text.len() <= most {
            return text;
        }
        self.note(Notice::Clipped);
        clip(&text, most).to_owned()
    }

    /// The product, if it is one.
    pub(super) fn build(mut self, at: At, options: &Options, tally: &mut Tally) -> Result<Product, Refusal> {
        let product = self.checked(options);
        self.notices.iter().for_each(|notice| tally.warn(at, *notice));
        product
    }

    fn checked(&mut self, options: &Options) -> Result<Product, Refusal> {
        let id = self.id.take().unwrap_or_default();
        let id = product_id(id.trim(), "id")?;
        let title = unescape(&self.title);
        if title.is_empty() {
            return Err(Refusal::new(Reason::MissingTitle, format!("product {id} has no title")).column("title"));
        }
        let title = self.clipped(title, TITLE);
        let mut product = Product::new(id, title);
        product.kind = self.kind;
        self.shorten();
        product.description = std::mem::take(&mut self.description);
        product.url = self.url.take().and_then(|address| self.address(address));
        product.brand = self.brand.take().map(|brand| self.clipped(unescape(&brand), NAME)).filter(|b| !b.is_empty());
        product.category = self.checked_category();
        self.checked_amounts(&mut product, options)?;
        self.checked_images(&mut product);
        product.availability = self.availability.unwrap_or_default();
        product.stock = self.stock;
        product.variants = std::mem::take(&mut self.variants);
        product.attributes = std::mem::take(&mut self.attributes).into_map();
        Ok(product)
    }

    fn checked_category(&mut self) -> Vec<String> {
        let levels = std::mem::take(&mut self.category);
        let levels = levels.into_iter().map(|level| unescape(&level)).filter(|level| !level.is_empty());
        levels.take(LEVELS).map(|level| self.clipped(level, NAME)).collect()
    }

    fn checked_amounts(&mut self, product: &mut Product, options: &Options) -> Result<(), Refusal> {
        for (column, amount) in [("price", self.price), ("sale_price", self.sale_price), ("cost", self.cost)] {
            if let Some(amount) = amount.filter(|amount| !amount.is_finite() || *amount < 0.0) {
                let refusal = Refusal::new(Reason::BadPrice, "an amount cannot be below zero");
                return Err(refusal.column(column).value(&amount.to_string()));
            }
        }
        (product.price, product.sale_price, product.cost) = (self.price, self.sale_price, self.cost);
        if let (Some(price), Some(sale)) = (self.price, self.sale_price)
            && sale >= price
        {
            product.sale_price = None;
            // Feeds often repeat the price where there is no sale.
            if sale > price {
                self.note(Notice::SaleNotLower);
            }
        }
        let named = self.currency.take().map(|code| code.trim().to_ascii_uppercase());
        if named.as_ref().is_some_and(|code| !is_code(code)) {
            self.note(Notice::ValueLeftOut);
        }
        let any = product.price.or(product.sale_price).or(product.cost).is_some();
        let usual = options.currency.clone().filter(|_| any);
        product.currency = named.filter(|code| is_code(code)).or(usual);
        Ok(())
    }

    fn checked_images(&mut self, product: &mut Product) {
        let mut images = std::mem::take(&mut self.images);
        images.sort_by_key(|(position, _)| *position);
        let mut images = images.into_iter().map(|(_, address)| address);
        product.image = images.by_ref().find_map(|address| self.address(address));
        for address in images {
            if let Some(address) = self.address(address).filter(|address| product.image.as_ref() != Some(address))
                && !self.attributes.push(MORE_IMAGES, Value::String(address))
            {
                self.note(Notice::AttributesLeftOut);
            }
        }
    }

    /// An address that a page may put into a link: `http`, `https` or relative.
    fn address(&mut self, address: String) -> Option<String> {
        let address = unescape(&address);
        let scheme =
            address.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| !scheme.contains(['/', '?', '#']));
        let safe = scheme.is_none_or(|scheme| ["http", "https"].iter().any(|ok| scheme.eq_ignore_ascii_case(ok)));
        if address.is_empty() {
            return None;
        }
        if !safe || address.len() > ADDRESS {
            self.note(Notice::UnsafeAddress);
            return None;
        }
        Some(address)
    }
}

/// Checks the identifier of a product or group.
pub(super) fn product_id(id: &str, column: &str) -> Result<ProductId, Refusal> {
    if id.is_empty() {
        return Err(Refusal::new(Reason::MissingId, "the product has no identifier").column(column));
    }
    ProductId::new(id).map_err(|error| Refusal::new(Reason::BadId, error.to_string()).column(column).value(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::format::Format;
    use vitrine_domain::Millis;

    fn build(draft: Draft) -> (Result<Product, Refusal>, Vec<Notice>) {
        let mut tally = Tally::new(Format::Json, 1);
        let product = draft.build(At::default(), &Options::at(Millis(0)), &mut tally);
        (product, tally.report.warnings.iter().map(|warning| warning.notice).collect())
    }

    fn draft() -> Draft {
        Draft { id: Some(" 1 ".into()), title: "Salt &amp; <b>".into(), ..Draft::default() }
    }

    #[test]
    fn texts_are_cleaned_and_bounded() {
        let mut draft = draft();
        draft.description = format!("<p>{}</p>", "é".repeat(DESCRIPTION));
        draft.category = path(" Food &amp; more >  > Pasta");
        let (product, notices) = build(draft);
        let product = product.unwrap();
        assert_eq!((product.id.as_str(), product.title.as_str()), ("1", "Salt & <b>"));
        assert_eq!(product.category, ["Food & more", "Pasta"]);
        assert_eq!(product.description.len(), DESCRIPTION);
        assert_eq!(notices, [Notice::Clipped]);
    }

    #[test]
    fn an_address_that_runs_code_is_left_out() {
        for (address, kept) in [
            ("https://shop.example/a?b=c:d", true),
            ("//cdn.example/a.jpg", true),
            ("/a:b", true),
            ("products/1", true),
            ("HTTP://shop.example", true),
            ("javascript:alert(1)", false),
            (" java\nscript:alert(1)", false),
            ("javascript&#58;alert(1)", false),
            ("data:text/html,x", false),
        ] {
            let (product, notices) = build(Draft { url: Some(address.into()), ..draft() });
            assert_eq!(product.unwrap().url.is_some(), kept, "{address}");
            assert_eq!(notices.is_empty(), kept);
        }
    }

    #[test]
    fn amounts_are_checked() {
        let with = |price, sale_price| build(Draft { price, sale_price, ..draft() });
        assert_eq!(with(Some(-1.0), None).0.unwrap_err().reason(), Reason::BadPrice);
        assert_eq!(with(Some(f64::NAN), None).0.unwrap_err().reason(), Reason::BadPrice);
        let (product, notices) = with(Some(2.0), Some(3.0));
        assert_eq!((product.unwrap().sale_price, notices), (None, vec![Notice::SaleNotLower]));
        let (product, notices) = with(Some(2.0), Some(2.0));
        assert_eq!((product.unwrap().sale_price, notices), (None, vec![]));
        let mut mixed = draft();
        mixed.price = mixed.amount("price", "2 EUR").unwrap();
        assert_eq!(mixed.amount("sale_price", "1 USD"), Ok(None));
        let (product, notices) = build(mixed);
        assert_eq!(product.unwrap().currency.as_deref(), Some("EUR"));
        assert_eq!(notices, [Notice::MixedCurrencies]);
    }

    #[test]
    fn the_first_picture_is_the_product_s() {
        let mut draft = draft();
        for (position, address) in [(3, "/c.jpg"), (1, "javascript:x"), (2, "/b.jpg"), (4, "/b.jpg")] {
            draft.image(position, address);
        }
        let product = build(draft).0.unwrap();
        assert_eq!(product.image.as_deref(), Some("/b.jpg"));
        assert_eq!(product.attributes.get(MORE_IMAGES), Some(&serde_json::json!(["/c.jpg"])));
    }

    #[test]
    fn a_product_needs_an_identifier_and_a_title() {
        let reason = |draft| build(draft).0.unwrap_err().reason();
        assert_eq!(reason(Draft { id: Some(" ".into()), ..draft() }), Reason::MissingId);
        assert_eq!(reason(Draft { id: Some("x".repeat(129)), ..draft() }), Reason::BadId);
        assert_eq!(reason(Draft { title: " &nbsp; ".into(), ..draft() }), Reason::MissingTitle);
    }
}
