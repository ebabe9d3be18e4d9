//! Who buys again, and what it would be worth if more did.

use serde::{Deserialize, Serialize};

/// Customers by how often they bought. An order that was cancelled is none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Loyalty {
    /// People with an order.
    pub customers: u64,
    /// Those with one only.
    pub one_time: u64,
    /// Orders after the first of each.
    pub later_orders: u64,
    /// Amount of these.
    pub later_revenue: f64,
}

impl Loyalty {
    pub(super) fn add(&mut self, other: &Self) {
        self.customers += other.customers;
        self.one_time += other.one_time;
        self.later_orders += other.later_orders;
        self.later_revenue += other.later_revenue;
    }

    /// Customers who bought once only, of all customers.
    #[must_use]
    pub fn one_time_share(&self) -> Option<f64> {
        super::share(super::real(self.one_time), self.customers)
    }

    /// Customers who bought again, of all customers.
    #[must_use]
    pub fn repeat_rate(&self) -> Option<f64> {
        super::share(super::real(self.customers - self.one_time), self.customers)
    }

    /// What a customer who buys again spends after the first order.
    #[must_use]
    pub fn worth_of_return(&self) -> Option<f64> {
        super::share(self.later_revenue, self.customers - self.one_time)
    }

    /// What it would earn if some share of those who bought once bought again as others do.
    #[must_use]
    pub fn opportunity(&self, moved: f64) -> Option<f64> {
        self.worth_of_return().map(|worth| moved * super::real(self.one_time) * worth)
    }
}
