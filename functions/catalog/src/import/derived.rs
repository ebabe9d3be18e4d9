//! A catalogue made from an order book, for shops that have no other: the products with their most frequent description
//! as title and the median of the prices they were sold at.

use std::collections::BTreeMap;

use vitrine_domain::{Line, Product};

use super::draft::Draft;
use super::format::Format;
use super::options::Options;
use super::report::{At, Tally};
use super::text::{clip, tidy};

/// Most products.
const PRODUCTS: usize = 500_000;
/// Most different descriptions that are counted of one product.
const DESCRIPTIONS: usize = 8;
/// Most different prices that are counted of one product.
const PRICES: usize = 64;
/// Most bytes of a description.
const DESCRIPTION: usize = 300;

#[derive(Debug, Default)]
struct Seen {
    descriptions: Vec<(String, u64)>,
    /// In ten-thousandths.
    prices: BTreeMap<u64, u64>,
    category: Option<String>,
    brand: Option<String>,
}

/// What an order book says of its products. It grows with the number of products, not of rows.
#[derive(Debug, Default)]
pub struct Derived {
    seen: BTreeMap<String, Seen>,
    left_out: u64,
}

impl Derived {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many products are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Lines whose product came after there were too many.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded before the cast")]
    pub(super) fn observe(&mut self, line: &Line, description: Option<&str>) {
        let id = line.product.as_str();
        if !self.seen.contains_key(id) {
            if self.seen.len() >= PRODUCTS {
                self.left_out += 1;
                return;
            }
            self.seen.insert(id.to_owned(), Seen::default());
        }
        let Some(seen) = self.seen.get_mut(id) else {
            return;
        };
        if let Some(text) = description.map(|text| clip(text, DESCRIPTION)) {
            if let Some((_, count)) = seen.descriptions.iter_mut().find(|(known, _)| known == text) {
                *count += 1;
            } else if seen.descriptions.len() < DESCRIPTIONS {
                seen.descriptions.push((text.to_owned(), 1));
            }
        }
        if let Some(price) = line.price.filter(|price| (0.0..1e12).contains(price)) {
            let price = (price * 10_000.0).round() as u64;
            if seen.prices.len() < PRICES || seen.prices.contains_key(&price) {
                *seen.prices.entry(price).or_default() += 1;
            }
        }
        for (known, said) in [(&mut seen.category, &line.category), (&mut seen.brand, &line.brand)] {
            if known.is_none() {
                known.clone_from(said);
            }
        }
    }

    /// The products, in the order of their identifiers. Where the book has no descriptions, the identifier is the title.
    pub fn into_products(self, options: &Options) -> impl Iterator<Item = Product> {
        let mut tally = Tally::new(Format::Csv, 0);
        self.seen.into_iter().filter_map(move |(id, seen)| {
            let most = seen.descriptions.iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
            let draft = Draft {
                title: most.map_or_else(|| id.clone(), |(text, _)| tidy(text)),
                price: median(&seen.prices),
                category: seen.category.into_iter().collect(),
                brand: seen.brand,
                id: Some(id),
                ..Draft::default()
            };
            draft.build(At::default(), options, &mut tally).ok()
        })
    }
}

/// The lower median of counted prices.
#[allow(clippy::cast_precision_loss, reason = "prices are far below the precision of f64")]
fn median(prices: &BTreeMap<u64, u64>) -> Option<f64> {
    let half = prices.values().sum::<u64>().div_ceil(2);
    let mut below = 0;
    let price = prices.iter().find_map(|(price, count)| {
        below += count;
        (below >= half).then_some(*price)
    })?;
    Some(price as f64 / 10_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitrine_domain::{Millis, ProductId};

    #[test]
    fn the_most_frequent_description_and_the_median_price_win() {
        let mut derived = Derived::new();
        let lines = [
            ("85048", "CHRISTMAS BALL", 6.95),
            ("85048", "damaged", 0.5),
            ("85048", "CHRISTMAS BALL", 6.95),
            ("85048", "CHRISTMAS BALL", 13.9),
            ("9", "", 2.0),
            ("9", "", 4.0),
        ];
        for (id, description, price) in lines {
            let line = Line { price: Some(price), ..Line::of(ProductId::new(id).unwrap()) };
            derived.observe(&line, Some(description).filter(|text| !text.is_empty()));
        }
        let options = Options { currency: Some("GBP".into()), ..Options::at(Millis(0)) };
        let products: Vec<_> = derived.into_products(&options).collect();
        let found: Vec<_> = products.iter().map(|p| (p.id.as_str(), p.title.as_str(), p.price)).collect();
        assert_eq!(found, [("85048", "Christmas Ball", Some(6.95)), ("9", "9", Some(2.0))]);
        assert!(products.iter().all(|product| product.currency.as_deref() == Some("GBP")));
    }
}
