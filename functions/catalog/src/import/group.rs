//! Variants of one product: sizes and colours that are recommended as one.

use vitrine_domain::{Availability, Product, Variant};

use super::draft::Draft;
use super::options::Options;
use super::report::{At, Notice, Refusal, Tally};

/// A product that is being put together from its variants.
pub(super) struct Group {
    draft: Draft,
    /// What the variant that is offered first costs: the cheapest that can be bought.
    best: Option<Best>,
    /// The best availability of any variant.
    availability: Option<Availability>,
    /// Pieces of all variants; unknown as soon as it is unknown of one.
    stock: Option<i64>,
    variants: Vec<Variant>,
    /// What the variants differ in, where only the first row says so.
    option_names: [Option<String>; 3],
    /// Rows that went into it.
    pub(super) rows: u64,
    /// The first of them.
    pub(super) first: At,
    /// Why it is not for sale, if a row said so.
    hidden: Option<Refusal>,
}

struct Best {
    sellable: bool,
    now: Option<f64>,
    price: Option<f64>,
    sale_price: Option<f64>,
    cost: Option<f64>,
}

/// Lower is better: what can be bought, then what costs least, then what came first.
fn rank(sellable: bool, now: Option<f64>) -> (bool, f64) {
    (!sellable, now.unwrap_or(f64::INFINITY))
}

impl Group {
    /// A product by the name its variants share.
    pub(super) fn new(id: &str, first: At) -> Self {
        let draft = Draft { id: Some(id.to_owned()), ..Draft::default() };
        Self {
            draft,
            best: None,
            availability: None,
            stock: Some(0),
            variants: Vec::new(),
            option_names: [None, None, None],
            rows: 0,
            first,
            hidden: None,
        }
    }

    /// Adds facts about the product as a whole.
    pub(super) fn describe(&mut self, mut facts: Draft) {
        facts.shorten();
        self.draft.complete(facts);
    }

    /// The name of an option: as given, or else as an earlier row gave it.
    pub(super) fn option_name(&mut self, at: usize, name: Option<String>) -> Option<String> {
        let known = self.option_names.get_mut(at)?;
        if name.is_some() {
            *known = name;
        }
        known.clone()
    }

    /// The product is not for sale at all.
    pub(super) fn hide(&mut self, why: Refusal) {
        self.hidden.get_or_insert(why);
    }

    /// Adds a variant. What it says beyond its price and stock is said of the product too; where variants differ the
    /// product has all their values.
    pub(super) fn add(&mut self, mut variant: Draft, title: Option<String>, most: usize) {
        let id = variant.id.take().unwrap_or_default();
        let sold_out = variant.stock.is_some_and(|n| n <= 0);
        let availability = match variant.availability.unwrap_or_default() {
            Availability::InStock if sold_out => Availability::OutOfStock,
            other => other,
        };
        let in_currency =
            self.draft.currency.is_none() || variant.currency.is_none() || self.draft.currency.eq(&variant.currency);
        if !in_currency {
            self.draft.note(Notice::MixedCurrencies);
            (variant.price, variant.sale_price, variant.cost) = (None, None, None);
        }
        let now = match (variant.sale_price, variant.price) {
            (Some(sale), Some(price)) => Some(sale.min(price)),
            (sale, price) => sale.or(price),
        };
        let sellable = availability.is_sellable();
        let better = |best: &Best| rank(sellable, now) < rank(best.sellable, best.now);
        if self.best.as_ref().is_none_or(better) {
            let (price, sale_price, cost) = (variant.price, variant.sale_price, variant.cost);
            self.best = Some(Best { sellable, now, price, sale_price, cost });
        }
        self.availability = Some(self.availability.map_or(availability, |known| sooner(known, availability)));
        self.stock = self.stock.zip(variant.stock).map(|(sum, n)| sum.saturating_add(n.max(0)));
        if self.variants.len() < most {
            let id = super::text::clip(&id, 128).to_owned();
            self.variants.push(Variant { id, title, price: now, availability, stock: variant.stock });
        } else {
            self.draft.note(Notice::VariantsLeftOut);
        }
        self.describe(variant);
    }

    /// The product with its variants.
    pub(super) fn finish(self, options: &Options, tally: &mut Tally) -> Result<Product, Refusal> {
        if let Some(why) = self.hidden {
            return Err(why);
        }
        let mut draft = self.draft;
        if let Some(best) = self.best {
            (draft.price, draft.sale_price, draft.cost) = (best.price, best.sale_price, best.cost);
            draft.availability = self.availability;
            draft.stock = self.stock;
        }
        let mut product = draft.build(self.first, options, tally)?;
        let now = product.current_price();
        product.variants = self.variants;
        for variant in &mut product.variants {
            variant.price = variant.price.filter(|price| Some(*price) != now);
        }
        Ok(product)
    }
}

/// The availability that lets the customer have the product sooner.
fn sooner(a: Availability, b: Availability) -> Availability {
    let wait = |availability| match availability {
        Availability::InStock => 0,
        Availability::Backorder => 1,
        Availability::Preorder => 2,
        Availability::OutOfStock => 3,
    };
    if wait(b) < wait(a) { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::format::Format;
    use serde_json::json;
    use vitrine_domain::Millis;

    fn variant(id: &str, price: f64, sale_price: Option<f64>, stock: Option<i64>, color: &str) -> Draft {
        let mut draft = Draft {
            id: Some(id.to_owned()),
            title: format!("Shirt {color}"),
            price: Some(price),
            sale_price,
            stock,
            currency: Some("EUR".into()),
            ..Draft::default()
        };
        draft.text_attribute("color", color);
        draft.text_attribute("material", "cotton");
        draft
    }

    fn finish(group: Group) -> (Product, Vec<Notice>) {
        let mut tally = Tally::new(Format::Json, 1);
        let product = group.finish(&Options::at(Millis(0)), &mut tally).unwrap();
        (product, tally.report.warnings.iter().map(|warning| warning.notice).collect())
    }

    #[test]
    fn the_product_is_offered_at_the_price_of_the_cheapest_variant_that_can_be_bought() {
        let mut group = Group::new("shirt", At::default());
        group.add(variant("1", 20.0, None, Some(3), "red"), Some("Red".into()), 10);
        group.add(variant("2", 18.0, Some(12.0), Some(2), "blue"), Some("Blue".into()), 10);
        group.add(variant("3", 5.0, None, Some(0), "green"), None, 10);
        let (product, notices) = finish(group);
        assert_eq!((product.price, product.sale_price), (Some(18.0), Some(12.0)));
        assert_eq!((product.stock, product.availability), (Some(5), Availability::InStock));
        assert_eq!(product.title, "Shirt red");
        assert_eq!(json!(product.attributes), json!({"color": ["red", "blue", "green"], "material": "cotton"}));
        let prices: Vec<_> = product.variants.iter().map(|v| (v.id.as_str(), v.price, v.availability)).collect();
        let expected = [
            ("1", Some(20.0), Availability::InStock),
            ("2", None, Availability::InStock),
            ("3", Some(5.0), Availability::OutOfStock),
        ];
        assert_eq!(prices, expected);
        assert!(notices.is_empty());
    }

    #[test]
    fn stock_is_unknown_if_it_is_unknown_of_one_variant() {
        let mut group = Group::new("shirt", At::default());
        group.add(variant("1", 20.0, None, Some(0), "red"), None, 10);
        group.add(variant("2", 20.0, None, None, "red"), None, 10);
        let (product, _) = finish(group);
        assert_eq!((product.stock, product.is_sellable()), (None, true));
    }

    #[test]
    fn a_product_without_any_variant_to_buy_is_sold_out() {
        let mut group = Group::new("shirt", At::default());
        group.add(variant("1", 20.0, None, Some(0), "red"), None, 10);
        group.add(variant("2", 25.0, None, Some(-2), "red"), None, 10);
        let (product, _) = finish(group);
        assert_eq!((product.stock, product.is_sellable(), product.price), (Some(0), false, Some(20.0)));
    }

    #[test]
    fn bounds_and_other_currencies_are_noted() {
        let mut group = Group::new("shirt", At::default());
        group.add(variant("1", 20.0, None, None, "red"), None, 1);
        let dollars = Draft { currency: Some("USD".into()), ..variant("2", 1.0, None, None, "red") };
        group.add(dollars, None, 1);
        let (product, notices) = finish(group);
        assert_eq!((product.price, product.variants.len()), (Some(20.0), 1));
        assert_eq!(notices, [Notice::MixedCurrencies, Notice::VariantsLeftOut]);
    }
}
