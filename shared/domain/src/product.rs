//! What a shop sells or shows: products, and content recommended the same way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Millis, ProductId};

/// Whether something is sold or only shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something for sale.
    #[default]
    Product,
    /// An article, a recipe, a banner.
    Content,
}

/// Whether a product can be bought, in the words of Google Merchant feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// It can be bought.
    #[default]
    InStock,
    /// It cannot be bought now.
    OutOfStock,
    /// It can be ordered before it is out.
    Preorder,
    /// It can be ordered and comes later.
    Backorder,
}

impl Availability {
    /// Reads `in stock`, `InStock`, `https://schema.org/OutOfStock`, `true` and the like.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.rsplit('/').next().unwrap_or(text);
        let word: String = word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        match word.as_str() {
            "instock" | "available" | "limitedavailability" | "onlineonly" | "instoreonly" | "true" | "yes" | "1" => {
                Some(Self::InStock)
            }
            "outofstock" | "soldout" | "discontinued" | "unavailable" | "false" | "no" | "0" => Some(Self::OutOfStock),
            "preorder" | "presale" => Some(Self::Preorder),
            "backorder" => Some(Self::Backorder),
            _ => None,
        }
    }

    /// Whether the product may be recommended.
    #[must_use]
    pub const fn is_sellable(self) -> bool {
        !matches!(self, Self::OutOfStock)
    }
}

/// One of several forms of a product: a size, a colour.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Variant {
    /// The shop's identifier of the variant.
    pub id: String,
    /// What sets it apart, such as `Red / XL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its price where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<f64>,
    /// Whether it can be bought.
    pub availability: Availability,
    /// Pieces in stock, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock: Option<i64>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A product, or a piece of content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Product {
    /// The shop's identifier; variants share the identifier of their group.
    pub id: ProductId,
    /// For sale or only shown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: Kind,
    /// Its name.
    pub title: String,
    /// A longer text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where it is sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Category path, widest first: `["Grocery", "Pasta"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<String>,
    /// Who makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Regular price of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<f64>,
    /// Price now, if it is reduced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale_price: Option<f64>,
    /// What one costs the shop; margin is the price now less this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// ISO 4217 code of the amounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Whether it can be bought.
    #[serde(default)]
    pub availability: Availability,
    /// Pieces in stock, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<i64>,
    /// Forms it comes in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<Variant>,
    /// Everything else the feed said, kept for filters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Value>,
}

impl Product {
    /// A product of which only identifier and title are known.
    #[must_use]
    pub fn new(id: ProductId, title: impl Into<String>) -> Self {
        Self {
            id,
            kind: Kind::Product,
            title: title.into(),
            description: String::new(),
            url: None,
            image: None,
            category: Vec::new(),
            brand: None,
            price: None,
            sale_price: None,
            cost: None,
            currency: None,
            availability: Availability::InStock,
            stock: None,
            variants: Vec::new(),
            attributes: BTreeMap::new(),
        }
    }

    /// What the customer pays now.
    #[must_use]
    pub fn current_price(&self) -> Option<f64> {
        match (self.sale_price, self.price) {
            (Some(sale), Some(price)) if sale < price => Some(sale),
            (_, Some(price)) => Some(price),
            (sale, None) => sale,
        }
    }

    /// What is taken off the regular price now, as a share of it; none where nothing is.
    #[must_use]
    pub fn discount(&self) -> Option<f64> {
        let (now, regular) = (self.current_price()?, self.price?);
        (now < regular && regular > 0.0).then(|| 1.0 - now / regular)
    }

    /// What the shop earns with one at the price now, if its cost is known.
    #[must_use]
    pub fn margin(&self) -> Option<f64> {
        Some(self.current_price()? - self.cost?)
    }

    /// The product as shoppers may see it: without what it costs the shop. Whatever a browser key can read is made of
    /// this.
    #[must_use]
    pub fn shown(&self) -> Self {
        Self { cost: None, ..self.clone() }
    }

    /// Whether it may be shown: not sold out, neither by word nor by count.
    #[must_use]
    pub fn is_sellable(&self) -> bool {
        let counted_out = self.stock.is_some_and(|n| n <= 0) && self.availability == Availability::InStock;
        self.availability.is_sellable() && !counted_out
    }

    /// The narrowest category.
    #[must_use]
    pub fn leaf_category(&self) -> Option<&str> {
        self.category.last().map(String::as_str)
    }
}

/// What happened to a product since the artifact was built: one entry of the delta.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// When it was written.
    #[serde(rename = "t")]
    pub time: Millis,
    /// Which product.
    #[serde(rename = "i")]
    pub id: ProductId,
    /// The product as it is now; none when it was withdrawn.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
}

/// The readable price band of an amount in the 1-2-5 series: `5-10`, `10-20`, `20-50`.
#[must_use]
pub fn price_band(price: f64) -> Option<String> {
    if !price.is_finite() || price <= 0.0 {
        return None;
    }
    if price < 1.0 {
        return Some("0-1".to_owned());
    }
    let mut low = 1.0_f64;
    for factor in [2.0, 2.5, 2.0].iter().cycle().take(30) {
        let high = low * factor;
        if price < high {
            return Some(format!("{low}-{high}"));
        }
        low = high;
    }
    Some(format!("{low}-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn availability_in_the_words_of_the_feeds() {
        for (text, expected) in [
            ("in stock", Availability::InStock),
            ("in_stock", Availability::InStock),
            ("https://schema.org/InStock", Availability::InStock),
            ("Out of Stock", Availability::OutOfStock),
            ("http://schema.org/SoldOut", Availability::OutOfStock),
            ("preorder", Availability::Preorder),
            ("backorder", Availability::Backorder),
        ] {
            assert_eq!(Availability::parse(text), Some(expected), "{text}");
        }
        assert_eq!(Availability::parse("perhaps"), None);
    }

    #[test]
    fn price_bands_follow_the_series() {
        for (price, band) in [
            (0.5, "0-1"),
            (1.0, "1-2"),
            (2.49, "2-5"),
            (5.0, "5-10"),
            (19.99, "10-20"),
            (49.0, "20-50"),
            (100.0, "100-200"),
        ] {
            assert_eq!(price_band(price).as_deref(), Some(band), "{price}");
        }
        assert_eq!(price_band(f64::NAN), None);
        assert_eq!(price_band(-1.0), None);
    }

    #[test]
    fn sold_out_by_count_or_by_word() {
        let mut product = Product::new(ProductId::new("1").unwrap(), "Pasta");
        assert!(product.is_sellable());
        product.stock = Some(0);
        assert!(!product.is_sellable());
        product.availability = Availability::Backorder;
        assert!(product.is_sellable());
        product.availability = Availability::OutOfStock;
        product.stock = Some(5);
        assert!(!product.is_sellable());
    }

    #[test]
    fn a_sale_price_above_the_price_is_no_sale() {
        let mut product = Product::new(ProductId::new("1").unwrap(), "Pasta");
        product.price = Some(2.0);
        product.sale_price = Some(3.0);
        assert_eq!(product.current_price(), Some(2.0));
        product.sale_price = Some(1.5);
        assert_eq!(product.current_price(), Some(1.5));
    }
}
