//! Where a list of products stands, and what fills it.

use serde::{Deserialize, Serialize};

/// What fills a placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The neighbourhood of the visitor.
    Personal,
    /// Products like the one being looked at.
    Similar,
    /// Products ordered together with the one being looked at.
    BoughtTogether,
    /// Products that complete the basket.
    Basket,
    /// What the visitor looked at last.
    RecentlyViewed,
    /// What many want lately.
    Trending,
}

/// Whether products that the visitor already knows may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// They are left out.
    Hide,
    /// They compete like any other.
    #[default]
    Allow,
}

/// A place on a page, or in an app or e-mail, where a list of products stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// Its name in the address of a request.
    pub name: String,
    /// What fills it.
    pub strategy: Strategy,
    /// How many products are shown unless the request says otherwise.
    pub limit: usize,
    /// What happens to products the visitor looked at in this visit.
    #[serde(default)]
    pub viewed: Seen,
    /// What happens to products the visitor has bought.
    #[serde(default)]
    pub bought: Seen,
    /// At most this many products of one narrowest category in a page; zero is no bound.
    #[serde(default)]
    pub per_category: usize,
}

/// Most products one answer may hold.
pub const MAX_LIMIT: usize = 100;

impl Placement {
    /// The placements every shop starts with.
    #[must_use]
    pub fn shipped() -> Vec<Self> {
        let place = |name: &str, strategy, limit, viewed, per_category| Self {
            name: name.to_owned(),
            strategy,
            limit,
            viewed,
            bought: Seen::Allow,
            per_category,
        };
        vec![
            place("home", Strategy::Personal, 12, Seen::Hide, 3),
            place("feed", Strategy::Personal, 20, Seen::Hide, 4),
            place("category", Strategy::Personal, 12, Seen::Allow, 0),
            place("product-similar", Strategy::Similar, 12, Seen::Allow, 0),
            place("product-bought-together", Strategy::BoughtTogether, 6, Seen::Allow, 2),
            place("basket", Strategy::Basket, 6, Seen::Allow, 2),
            place("recently-viewed", Strategy::RecentlyViewed, 12, Seen::Allow, 0),
            place("trending", Strategy::Trending, 12, Seen::Allow, 3),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strategy_is_shipped_somewhere_and_names_are_unique() {
        let shipped = Placement::shipped();
        let names: std::collections::BTreeSet<_> = shipped.iter().map(|p| p.name.clone()).collect();
        assert_eq!(names.len(), shipped.len());
        for strategy in [
            Strategy::Personal,
            Strategy::Similar,
            Strategy::BoughtTogether,
            Strategy::Basket,
            Strategy::RecentlyViewed,
            Strategy::Trending,
        ] {
            assert!(shipped.iter().any(|p| p.strategy == strategy));
        }
        assert!(shipped.iter().all(|p| (1..=MAX_LIMIT).contains(&p.limit)));
    }
}
