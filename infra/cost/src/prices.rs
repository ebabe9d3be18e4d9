//! The price file: dated list prices, each with where it stands.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The file that is part of the program.
const BUILT_IN: &str = include_str!("../prices.json");

/// Why a price file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not what a price file looks like.
    #[error("the price file cannot be read")]
    Form(#[from] serde_json::Error),
    /// A price lacks something that makes it one.
    #[error("the price {0:?} lacks a source, a date or tiers that rise")]
    Incomplete(String),
    /// It has no such region.
    #[error("there are no prices for the region {0:?}")]
    Region(String),
    /// It has no such price.
    #[error("there is no price of {0:?}")]
    Missing(String),
}

/// All prices.
#[derive(Debug, Clone, Deserialize)]
pub struct Prices {
    /// How far they can be relied on.
    pub status: String,
    /// By region.
    pub regions: BTreeMap<String, Region>,
    /// What an account gets for nothing each month, by the name of the price.
    pub free_each_month: BTreeMap<String, Free>,
    /// What others take for a recommendation.
    pub others: Vec<Other>,
}

/// The prices of a region by name.
pub type Region = BTreeMap<String, Price>;

/// A price.
#[derive(Debug, Clone, Deserialize)]
pub struct Price {
    /// What is counted.
    pub unit: String,
    /// How many of them the price is for.
    pub per: f64,
    /// What it is up to which quantity a month, the first tier first; the last one has no end.
    pub tiers: Vec<Tier>,
    /// Page on which it stands.
    pub source: String,
    /// Day for which it is known.
    pub as_of: String,
    /// Whether it was compared with its source.
    pub verified: bool,
}

/// A tier of a price.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Tier {
    /// Quantity at which it ends.
    pub up_to: Option<f64>,
    /// Dollars.
    pub price: f64,
}

/// Something for nothing.
#[derive(Debug, Clone, Deserialize)]
pub struct Free {
    /// How much of it.
    pub quantity: f64,
    /// Page on which that stands.
    pub source: String,
    /// Day for which it is known.
    pub as_of: String,
}

/// Another service.
#[derive(Debug, Clone, Deserialize)]
pub struct Other {
    /// Its name.
    pub name: String,
    /// What it is paid for and what is not in the price.
    pub note: String,
    /// Dollars of a month without requests.
    pub idle_month: f64,
    /// Its price of a recommendation.
    #[serde(flatten)]
    pub price: Price,
}

impl Price {
    /// Dollars of a month's quantity.
    #[must_use]
    pub fn dollars(&self, quantity: f64) -> f64 {
        let mut from = 0.0;
        let mut dollars = 0.0;
        for tier in &self.tiers {
            let end = tier.up_to.unwrap_or(f64::INFINITY);
            dollars += (quantity.min(end) - from).max(0.0) * tier.price / self.per;
            from = end;
        }
        dollars
    }

    fn is_complete(&self) -> bool {
        let ends: Vec<f64> = self.tiers.iter().filter_map(|tier| tier.up_to).collect();
        let rising = ends.windows(2).all(|pair| pair[0] < pair[1]);
        let open = self.tiers.last().is_some_and(|last| last.up_to.is_none()) && ends.len() + 1 == self.tiers.len();
        self.source.starts_with("https://") && is_day(&self.as_of) && rising && open && self.per > 0.0
    }
}

fn is_day(text: &str) -> bool {
    vitrine_domain::Millis::parse(&format!("{text}T00:00:00Z")).is_some()
}

impl Prices {
    /// The prices that are part of the program.
    ///
    /// # Errors
    /// If the file was damaged.
    pub fn built_in() -> Result<Self, Error> {
        Self::read(BUILT_IN)
    }

    /// Reads a price file.
    ///
    /// # Errors
    /// If it is no such file, or a price has no source or date.
    pub fn read(text: &str) -> Result<Self, Error> {
        let prices: Self = serde_json::from_str(text)?;
        let all = prices.regions.values().flatten();
        let others = prices.others.iter().map(|other| (&other.name, &other.price));
        for (name, price) in all.chain(others) {
            if !price.is_complete() {
                return Err(Error::Incomplete(name.clone()));
            }
        }
        for (name, free) in &prices.free_each_month {
            if !free.source.starts_with("https://") || !is_day(&free.as_of) {
                return Err(Error::Incomplete(name.clone()));
            }
        }
        Ok(prices)
    }

    /// The prices of a region.
    ///
    /// # Errors
    /// If it has none.
    pub fn region(&self, name: &str) -> Result<&Region, Error> {
        self.regions.get(name).ok_or_else(|| Error::Region(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tiered() -> Price {
        Price {
            unit: "requests".to_owned(),
            per: 1e6,
            tiers: vec![Tier { up_to: Some(300e6), price: 1.0 }, Tier { up_to: None, price: 0.9 }],
            source: "https://example.com".to_owned(),
            as_of: "2025-12-01".to_owned(),
            verified: false,
        }
    }

    #[test]
    fn the_built_in_file_has_the_same_prices_for_both_regions_each_with_source_and_day() {
        let prices = Prices::built_in().unwrap();
        let names = |region: &str| prices.region(region).unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names("us-east-1"), names("eu-west-3"));
        assert!(names("us-east-1").len() > 20 && prices.others.len() >= 4);
        assert!(prices.free_each_month.keys().all(|name| names("us-east-1").contains(name)));
        assert!(matches!(prices.region("mars-1"), Err(Error::Region(_))));
    }

    #[test]
    fn a_price_without_its_source_or_day_is_refused() {
        let of = |from: &str, to: &str| Prices::read(&BUILT_IN.replacen(from, to, 1));
        assert!(matches!(of("\"source\": \"https://", "\"source\": \"somewhere "), Err(Error::Incomplete(_))));
        assert!(matches!(of("\"as_of\": \"2025-12-01\"", "\"as_of\": \"lately\""), Err(Error::Incomplete(_))));
        assert!(matches!(of("\"source\"", "\"sauce\""), Err(Error::Form(_))));
    }

    #[test]
    fn tiers_are_paid_one_after_the_other() {
        assert!((tiered().dollars(300e6) - 300.0).abs() < 1e-9);
        assert!((tiered().dollars(500e6) - 480.0).abs() < 1e-9);
        assert_eq!(tiered().dollars(0.0), 0.0);
    }

    proptest! {
        #[test]
        fn within_a_tier_twice_as_much_costs_twice(quantity in 0.0_f64..150e6) {
            let price = tiered();
            prop_assert!((price.dollars(2.0 * quantity) - 2.0 * price.dollars(quantity)).abs() < 1e-6);
        }

        #[test]
        fn more_never_costs_less_nor_more_than_at_the_first_tier(a in 0.0_f64..2e9, b in 0.0_f64..2e9) {
            let price = tiered();
            let (less, more) = (a.min(b), a.max(b));
            prop_assert!(price.dollars(less) <= price.dollars(more));
            prop_assert!(price.dollars(more) <= more / 1e6 + 1e-6);
        }
    }
}
