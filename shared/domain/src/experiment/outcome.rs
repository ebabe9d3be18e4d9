//! What a visitor did after being exposed, as the numbers that variants are compared by.

use serde::{Deserialize, Serialize};

use super::Metric;
use crate::chosen::Chosen;
use crate::orders::{Orders, Said};
use crate::{Action, Event};

/// What one visitor did in some time: after the first exposure for an experiment's metrics, or before it for their
/// covariates. Whoever was exposed and did nothing more counts too, with zeros.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Orders less those cancelled.
    pub orders: f64,
    /// Revenue less what was paid back.
    pub revenue: f64,
    /// Margin less that of what came back, of products whose cost is known.
    pub margin: f64,
    /// Those of them of which something came back.
    pub returns: f64,
    /// Products shown in lists.
    pub shown: f64,
    /// Products clicked in lists, or added straight from one.
    pub clicked: f64,
    /// Products put into the basket.
    pub added: f64,
}

/// What turns amounts into money.
#[derive(Clone, Copy)]
pub struct Pricing<'a> {
    /// The currency that revenue and margin are counted in; amounts in another one are left out. Events that name none
    /// are taken to be in it.
    pub currency: &'a str,
    /// What one piece of a product costs the shop.
    pub cost: &'a dyn Fn(&str) -> Option<f64>,
}

/// What is known of a visitor so far.
#[derive(Default)]
struct Past<'a> {
    orders: Orders<'a>,
    chosen: Chosen<'a>,
}

impl Outcome {
    /// What a visitor did, from their events in fold order.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>, pricing: Pricing<'_>) -> Self {
        let (mut outcome, mut past) = (Self::default(), Past::default());
        events.into_iter().for_each(|event| outcome.add(event, &mut past, pricing));
        outcome
    }

    fn add<'a>(&mut self, event: &'a Event, past: &mut Past<'a>, pricing: Pricing<'_>) {
        #[allow(clippy::cast_precision_loss, reason = "few lines")]
        let real = |count: usize| count as f64;
        let lines = real(event.lines.len());
        match event.action {
            Action::Order => {
                let said = said(event, pricing);
                let (amount, margin) = (said.amount.unwrap_or_default(), said.margin.unwrap_or_default());
                if past.orders.place(event, amount, margin) {
                    self.orders += 1.0;
                    self.revenue += amount;
                    self.margin += margin;
                }
            }
            Action::OrderCancel => {
                let (cancelled, back) = past.orders.cancel(event, said(event, pricing));
                if let Some(cancelled) = cancelled {
                    self.orders -= 1.0;
                    self.returns -= f64::from(u8::from(cancelled.came_back));
                }
                self.revenue -= back.amount;
                self.margin -= back.margin;
            }
            Action::Refund => {
                let back = past.orders.take_back(event, said(event, pricing));
                // What was ordered before is no return of these orders.
                self.returns += f64::from(u8::from(back.first && back.known));
                self.revenue -= back.amount;
                self.margin -= back.margin;
            }
            Action::List => self.shown += lines,
            Action::Click => {
                past.chosen.note(event);
                self.clicked += lines.max(1.0);
            }
            Action::Add => {
                // Whoever adds a product straight from a list chose it there, as by a click.
                self.clicked += real(past.chosen.note(event).len());
                self.added += lines.max(1.0);
            }
            _ => {}
        }
    }

    /// The measure and its companion, for [`Moments::add`](crate::statistics::Moments::add): numerator and denominator
    /// of a ratio, else the measure and 0.
    #[must_use]
    pub fn numbers(&self, metric: Metric) -> (f64, f64) {
        let whether = |holds: bool| f64::from(u8::from(holds));
        match metric {
            Metric::Conversion => (whether(self.orders >= 1.0), 0.0),
            Metric::RepeatRate => (whether(self.orders >= 2.0), 0.0),
            Metric::RevenuePerVisitor => (self.revenue, 0.0),
            Metric::MarginPerVisitor => (self.margin, 0.0),
            Metric::AddsPerVisitor => (self.added, 0.0),
            Metric::OrderValue => (self.revenue, self.orders),
            Metric::ClickThrough => (self.clicked, self.shown),
            Metric::ReturnRate => (self.returns, self.orders),
        }
    }
}

/// What an event says of money in the currency; of an order, or of what comes back of one.
fn said(event: &Event, pricing: Pricing<'_>) -> Said {
    let amount = event.said_amount(pricing.currency);
    let is_in = event.is_in(pricing.currency);
    let each = event.lines.iter().zip(event.line_amounts());
    let margin =
        each.filter_map(|(line, amount)| Some(amount? - (pricing.cost)(line.product.as_str())? * line.quantity));
    let margin: f64 = if is_in { margin.sum() } else { 0.0 };
    let says_lines = !is_in || event.lines.iter().any(|line| line.price.is_some());
    Said { amount, margin: says_lines.then_some(if margin.is_finite() { margin } else { 0.0 }) }
}

#[cfg(test)]
mod tests;
