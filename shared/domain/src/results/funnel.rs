//! What came of what a placement showed.

use serde::{Deserialize, Serialize};

/// A placement's funnel. An order of a product belongs to the placement where it was clicked last, within the click window;
/// the same product shown and not clicked is noted beside it, for it may have been ordered without that. Of content, which is no
/// product, sights and clicks are counted, and the products of all orders within the click window belong to the last one clicked.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Funnel {
    /// Lists that were decided on, whether or not they were seen.
    pub decisions: u64,
    /// Products that were seen.
    pub shown: u64,
    /// Products that were clicked, or put into the basket straight from the list.
    pub clicked: u64,
    /// Products that went into the basket after a click.
    pub added: u64,
    /// Products of orders after a click.
    pub ordered: u64,
    /// Amount of these.
    pub revenue: f64,
    /// Products of orders that were seen and not clicked.
    pub seen_ordered: u64,
    /// Amount of these.
    pub seen_revenue: f64,
}

impl Funnel {
    pub(super) fn add(&mut self, other: &Self) {
        self.decisions += other.decisions;
        self.shown += other.shown;
        self.clicked += other.clicked;
        self.added += other.added;
        self.ordered += other.ordered;
        self.revenue += other.revenue;
        self.seen_ordered += other.seen_ordered;
        self.seen_revenue += other.seen_revenue;
    }

    /// Clicks for each product seen.
    #[must_use]
    pub fn click_through(&self) -> Option<f64> {
        super::share(super::real(self.clicked), self.shown)
    }

    /// Attributed revenue for a thousand products seen.
    #[must_use]
    pub fn revenue_per_thousand(&self) -> Option<f64> {
        super::share(self.revenue * 1e3, self.shown)
    }
}
