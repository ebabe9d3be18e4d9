//! What a shop earned, from the events of one person after the other: sums by day, the funnel of each placement, how many come
//! back, and those who were held out of personalization beside the others.
//!
//! Days are those of the events' corrected times, in UTC. Everything adds up: results of some people and of others make the
//! results of all, in any order, so that they can be made file by file and kept day by day. Amounts are in one currency; an
//! order in another one counts as an order, without its amount. Robots count nowhere.

mod funnel;
mod journey;
mod loyalty;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use funnel::Funnel;
pub use loyalty::Loyalty;

use crate::Channel;
use crate::statistics::Moments;
use crate::time::DAY;

/// By what sums are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The currency of all amounts. Events that name none are taken to be in it.
    pub currency: String,
    /// Milliseconds after a click in which an order of the product is the placement's.
    pub click_window: i64,
    /// Milliseconds after a product was shown, and not clicked, in which an order of it is noted with the placement.
    pub view_window: i64,
}

impl Terms {
    /// A week after a click, a day after a look.
    #[must_use]
    pub fn new(currency: &str) -> Self {
        Self { currency: currency.to_owned(), click_window: 7 * DAY, view_window: DAY }
    }
}

/// What people did on a day.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sums {
    /// People who came.
    pub visitors: u64,
    /// Visits that began; half an hour of quiet ends one.
    pub visits: u64,
    /// People who ordered.
    pub customers: u64,
    /// Orders.
    pub orders: u64,
    /// Orders that were cancelled.
    pub cancelled: u64,
    /// Pieces ordered.
    pub units: f64,
    /// Amount of the orders.
    pub revenue: f64,
    /// Orders, or parts of one, that came back.
    pub returns: u64,
    /// Amount of what came back or was cancelled.
    pub refunded: f64,
}

fn share(part: f64, of: u64) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "counts of people and orders")]
    let of = of as f64;
    (of > 0.0).then(|| part / of)
}

#[allow(clippy::cast_precision_loss, reason = "counts of people and orders")]
const fn real(count: u64) -> f64 {
    count as f64
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.visitors += other.visitors;
        self.visits += other.visits;
        self.customers += other.customers;
        self.orders += other.orders;
        self.cancelled += other.cancelled;
        self.units += other.units;
        self.revenue += other.revenue;
        self.returns += other.returns;
        self.refunded += other.refunded;
    }

    /// People who ordered, of those who came.
    #[must_use]
    pub fn conversion(&self) -> Option<f64> {
        share(real(self.customers), self.visitors)
    }

    /// Amount of an order.
    #[must_use]
    pub fn order_value(&self) -> Option<f64> {
        share(self.revenue, self.orders)
    }

    /// Returns for each order.
    #[must_use]
    pub fn return_rate(&self) -> Option<f64> {
        share(real(self.returns), self.orders)
    }

    /// Revenue less what was paid back.
    #[must_use]
    pub fn net(&self) -> f64 {
        self.revenue - self.refunded
    }
}

/// A day of a shop.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Day {
    /// All together.
    pub all: Sums,
    /// By where people were. Whoever was in two places is a visitor of both.
    pub channels: BTreeMap<Channel, Sums>,
    /// By the segments that people are in now.
    pub segments: BTreeMap<String, Sums>,
    /// What came of what was shown.
    pub placements: BTreeMap<String, Funnel>,
    /// People who came for the first time.
    pub newcomers: u64,
    /// People who ordered for the first time.
    pub new_customers: u64,
    /// Milliseconds from the first visit to the first order, of all new customers together.
    pub waited: i64,
}

impl Day {
    fn add(&mut self, other: &Self) {
        self.all.add(&other.all);
        for (channel, sums) in &other.channels {
            self.channels.entry(*channel).or_default().add(sums);
        }
        for (segment, sums) in &other.segments {
            self.segments.entry(segment.clone()).or_default().add(sums);
        }
        for (placement, funnel) in &other.placements {
            self.placements.entry(placement.clone()).or_default().add(funnel);
        }
        self.newcomers += other.newcomers;
        self.new_customers += other.new_customers;
        self.waited += other.waited;
    }

    /// Days from the first visit to the first order, in the mean of the day's new customers.
    #[must_use]
    pub fn mean_days_to_first_order(&self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of some years")]
        let days = self.waited as f64 / DAY as f64;
        share(days, self.new_customers)
    }
}

/// People of one side of a hold-out, by whether they ordered and by their revenue less what was paid back.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Side {
    /// 1 for whoever ordered, 0 for others.
    pub ordered: Moments,
    /// Revenue of each.
    pub revenue: Moments,
}

impl Side {
    fn add(&mut self, other: &Self) {
        self.ordered = self.ordered.merged(&other.ordered);
        self.revenue = self.revenue.merged(&other.revenue);
    }
}

/// Results of a shop.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Results {
    /// By day, such as `2026-11-28`.
    pub days: BTreeMap<String, Day>,
    /// Who came back.
    pub loyalty: Loyalty,
    /// People who are served, where some are held out.
    pub served: Side,
    /// People who are held out of personalization.
    pub held_out: Side,
}

impl Results {
    /// With those of other people.
    pub fn add(&mut self, other: &Self) {
        for (day, row) in &other.days {
            self.days.entry(day.clone()).or_default().add(row);
        }
        self.loyalty.add(&other.loyalty);
        self.served.add(&other.served);
        self.held_out.add(&other.held_out);
    }

    /// The days of a period together, both ends within. Whoever comes on several days is a visitor of each of them.
    #[must_use]
    pub fn between(&self, from: &str, to: &str) -> Day {
        let mut sum = Day::default();
        self.days
            .range::<str, _>((std::ops::Bound::Included(from), std::ops::Bound::Included(to)))
            .for_each(|(_, day)| sum.add(day));
        sum
    }
}

#[cfg(test)]
mod tests;
