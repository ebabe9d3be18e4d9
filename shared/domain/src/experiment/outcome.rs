//! What a visitor did after being exposed, as the numbers that variants are compared by.

use serde::{Deserialize, Serialize};

use super::Metric;
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
    /// Orders of which something came back.
    pub returns: f64,
    /// Products shown in lists.
    pub shown: f64,
    /// Products clicked in lists.
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

impl Outcome {
    /// Takes in one event of the visitor.
    pub fn add(&mut self, event: &Event, pricing: Pricing<'_>) {
        #[allow(clippy::cast_precision_loss, reason = "few lines")]
        let lines = event.lines.len() as f64;
        match event.action {
            Action::Order => {
                self.orders += 1.0;
                self.money(event, 1.0, pricing);
            }
            Action::OrderCancel => {
                self.orders = (self.orders - 1.0).max(0.0);
                self.money(event, -1.0, pricing);
            }
            Action::Refund => {
                self.returns += 1.0;
                self.money(event, -1.0, pricing);
            }
            Action::List => self.shown += lines,
            Action::Click => self.clicked += lines.max(1.0),
            Action::Add => self.added += lines.max(1.0),
            _ => {}
        }
    }

    fn money(&mut self, event: &Event, sign: f64, pricing: Pricing<'_>) {
        if event.currency.as_deref().is_some_and(|currency| currency != pricing.currency) {
            return;
        }
        let finite = |amount: f64| if amount.is_finite() { amount } else { 0.0 };
        let margin = event.lines.iter().filter_map(|line| {
            let each = line.price? - (pricing.cost)(line.product.as_str())?;
            Some(each * line.quantity - line.discount.unwrap_or_default())
        });
        let discount = event.order.as_ref().and_then(|order| order.discount).unwrap_or_default();
        self.revenue += sign * finite(event.revenue());
        self.margin += sign * finite(margin.sum::<f64>() - discount);
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
            Metric::ReturnRate => (self.returns.min(self.orders), self.orders),
        }
    }
}
