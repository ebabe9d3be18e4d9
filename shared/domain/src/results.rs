//! What a shop earned, from the events of one person after the other: sums by day, the funnel of each placement, how many come
//! back, and those who were held out of personalization beside the others.
//!
//! Days are those of the events' corrected times, in UTC. Everything adds up: results of some people and of others make the
//! results of all, in any order, so that they can be made file by file and kept day by day. Amounts are in one currency; an
//! order in another one counts as an order, without its amount. An order that is told of again, by a page that is opened once more
//! or by the order book, counts once. Robots count nowhere.

mod funnel;
mod hold_out;
mod journey;
mod loyalty;
mod price;
mod trial;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use funnel::Funnel;
pub use hold_out::{Held, Missing, Side};
pub use loyalty::Loyalty;
pub use price::CloudPrices;
pub use trial::{Logged, Made, Trial};

use crate::time::DAY;
use crate::{Channel, Event, Fault, Millis};

/// By what sums are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The currency of all amounts. Events that name none are taken to be in it.
    pub currency: String,
    /// Milliseconds after a click in which an order of the product is the placement's.
    pub click_window: i64,
    /// Milliseconds after a product was shown, and not clicked, in which an order of it is noted with the placement.
    pub view_window: i64,
    /// When the [windows](Results::windows) end: with the day of this time. Without it there are none.
    pub made: Option<Millis>,
}

/// Days of the windows in which everybody counts once, the day on which they end among them.
pub const WINDOWS: [u16; 3] = [7, 28, 90];

impl Terms {
    /// A week after a click, a day after a look.
    #[must_use]
    pub fn new(currency: &str) -> Self {
        Attribution::default().terms(currency)
    }
}

/// By what a shop wants its results made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Attribution {
    /// The currency of all amounts; the one of most orders if it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Days after a click in which an order of the product is the placement's, above 0, at most 90.
    pub click_days: f64,
    /// Days after a product was shown, and not clicked, in which an order of it is noted with the placement, 0 to 90.
    pub view_days: f64,
    /// What is left of a unit of revenue when goods and shipping are paid, above 0, at most 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// What personalization costs a month besides the [cloud](CloudPrices), such as the people who tend it; all that it costs,
    /// where the prices of the cloud are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_month: Option<f64>,
    /// What a dollar is in the currency: above 0, at most 1,000,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_dollar: Option<f64>,
}

/// Highest cost of a month.
const MOST_COST: f64 = 1e9;
/// Most of a currency that a dollar is.
const MOST_PER_DOLLAR: f64 = 1e6;

impl Default for Attribution {
    fn default() -> Self {
        Self { currency: None, click_days: 7.0, view_days: 1.0, margin: None, cost_per_month: None, per_dollar: None }
    }
}

impl Attribution {
    /// What is wrong with it: where, and how to mend it.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !(self.click_days > 0.0 && self.click_days <= 90.0) {
            faults.push(Fault::new("/click_days", "above 0, at most 90"));
        }
        if !(0.0..=90.0).contains(&self.view_days) {
            faults.push(Fault::new("/view_days", "0 to 90"));
        }
        if !self.margin.is_none_or(|margin| margin > 0.0 && margin <= 1.0) {
            faults.push(Fault::new("/margin", "above 0, at most 1"));
        }
        if !self.cost_per_month.is_none_or(|cost| (0.0..=MOST_COST).contains(&cost)) {
            faults.push(Fault::new("/cost_per_month", "0 to 1,000,000,000"));
        }
        if !self.per_dollar.is_none_or(|rate| rate > 0.0 && rate <= MOST_PER_DOLLAR) {
            faults.push(Fault::new("/per_dollar", "above 0, at most 1,000,000"));
        }
        let is_code = |code: &String| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
        if !self.currency.as_ref().is_none_or(is_code) {
            faults.push(Fault::new("/currency", "three capital letters, such as `EUR`"));
        }
        faults
    }

    /// What a dollar is in a currency, if that is known.
    #[must_use]
    pub fn rate(&self, currency: &str) -> Option<f64> {
        self.per_dollar.or_else(|| (currency == "USD").then_some(1.0))
    }

    /// With the currency that most orders are in.
    #[must_use]
    pub fn terms(&self, usual: &str) -> Terms {
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "days up to 90")]
        let millis = |days: f64| (days * DAY as f64) as i64;
        Terms {
            currency: self.currency.clone().unwrap_or_else(|| usual.to_owned()),
            click_window: millis(self.click_days),
            view_window: millis(self.view_days),
            made: None,
        }
    }
}

/// What people did on a day, or in a window of days.
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
    /// Orders of which something came back for the first time.
    pub returns: u64,
    /// Amount of what came back or was cancelled.
    pub refunded: f64,
    /// People who came for the first time.
    pub newcomers: u64,
    /// People who ordered for the first time.
    pub new_customers: u64,
    /// People who ordered and had ordered before.
    pub returning: u64,
    /// Milliseconds from the first visit to the first order, of all new customers together.
    pub waited: i64,
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
        self.newcomers += other.newcomers;
        self.new_customers += other.new_customers;
        self.returning += other.returning;
        self.waited += other.waited;
    }

    /// People who ordered, of those who came.
    #[must_use]
    pub fn conversion(&self) -> Option<f64> {
        share(real(self.customers), self.visitors)
    }

    /// Visits of each person who came.
    #[must_use]
    pub fn visit_frequency(&self) -> Option<f64> {
        share(real(self.visits), self.visitors)
    }

    /// Orders of each person who ordered.
    #[must_use]
    pub fn purchase_frequency(&self) -> Option<f64> {
        share(real(self.orders), self.customers)
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

    /// People who ordered and had ordered before, of those who ordered.
    #[must_use]
    pub fn repeat_rate(&self) -> Option<f64> {
        share(real(self.returning), self.customers)
    }

    /// Days from the first visit to the first order, in the mean of those who ordered for the first time.
    #[must_use]
    pub fn mean_days_to_first_order(&self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of some years")]
        let days = self.waited as f64 / DAY as f64;
        share(days, self.new_customers)
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
    /// What came of the lists that a rule acted on.
    pub rules: BTreeMap<String, Funnel>,
    /// What came of the content that a rule handed the storefront.
    pub content: BTreeMap<String, Funnel>,
    /// Lists that were decided on, whoever asked for them and whether or not they were seen.
    pub decisions: u64,
    /// Events that were kept, those of robots among them.
    pub events: u64,
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
        let mine = [&mut self.placements, &mut self.rules, &mut self.content];
        for (sums, others) in mine.into_iter().zip([&other.placements, &other.rules, &other.content]) {
            for (name, funnel) in others {
                sums.entry(name.clone()).or_default().add(funnel);
            }
        }
        self.decisions += other.decisions;
        self.events += other.events;
    }
}

/// Days of a month in the mean.
const MONTH: f64 = 365.25 / 12.0;

/// Results of a shop.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Results {
    /// By day, such as `2026-11-28`.
    pub days: BTreeMap<String, Day>,
    /// By the number of days before they were made, see [`WINDOWS`]: people, in whom everybody counts once however often they
    /// came. What adds up day by day, as funnels do, is left out.
    pub windows: BTreeMap<u16, Day>,
    /// Who came back.
    pub loyalty: Loyalty,
    /// People who are served, where some are held out.
    pub served: Side,
    /// People who are held out of experiments, or of personalization too.
    pub held_out: Side,
    /// Experiments.
    pub trials: BTreeMap<String, Trial>,
}

impl Results {
    /// With those of other people.
    pub fn add(&mut self, other: &Self) {
        for (day, row) in &other.days {
            self.days.entry(day.clone()).or_default().add(row);
        }
        for (days, row) in &other.windows {
            self.windows.entry(*days).or_default().add(row);
        }
        self.loyalty.add(&other.loyalty);
        self.served.add(&other.served);
        self.held_out.add(&other.held_out);
        for (experiment, trial) in &other.trials {
            self.trials.entry(experiment.clone()).or_default().add(trial);
        }
    }

    /// Notes a list that was decided on: where it stood, if anywhere, and the rules that acted on it or handed content with it.
    pub fn decided(&mut self, at: Millis, placement: Option<&str>, made: &Made) {
        let day = self.days.entry(at.day()).or_default();
        day.decisions += 1;
        if let Some(placement) = placement {
            day.placements.entry(placement.to_owned()).or_default().decisions += 1;
        }
        for rule in made.of_lists() {
            day.rules.entry(rule.clone()).or_default().decisions += 1;
        }
        for (rule, _) in made.content.iter().filter(|(_, slot)| slot.is_some()) {
            day.content.entry(rule.clone()).or_default().decisions += 1;
        }
    }

    /// Notes an event that was kept.
    pub fn kept(&mut self, event: &Event) {
        self.days.entry(event.at().day()).or_default().events += 1;
    }

    /// The first day, or the day of a later time, and the last day; none without a day.
    #[must_use]
    pub fn span(&self, since: Millis) -> Option<(String, String)> {
        let (first, last) = (self.days.keys().next()?, self.days.keys().next_back()?);
        Some((first.clone().max(since.day()).min(last.clone()), last.clone()))
    }

    /// Months from the first day, or from a later time, to the last day; none without a day.
    #[must_use]
    pub fn months(&self, since: Millis) -> Option<f64> {
        let (first, last) = self.span(since)?;
        #[allow(clippy::cast_precision_loss, reason = "days")]
        let days = (Millis::parse(&last)?.since(Millis::parse(&first)?) / DAY + 1) as f64;
        Some(days / MONTH)
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
