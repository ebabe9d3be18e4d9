//! What an experiment is judged by.

use serde::{Deserialize, Serialize};

use crate::statistics::MetricKind;

/// Most metrics besides the primary one.
pub(super) const MAX_METRICS: usize = 10;

/// How much what a customer spends scatters, in units of its mean, and as much how many products they add to the basket.
const SCATTER: f64 = 0.8;
/// Products that somebody adds who adds any.
const ADDS: f64 = 2.0;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More.
    Up,
    /// Less.
    Down,
}

/// A number by which variants are compared. The visitor is the unit: whoever was exposed counts once, with everything
/// they did after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Visitors who ordered, of all visitors.
    Conversion,
    /// Revenue less refunds, for each visitor.
    RevenuePerVisitor,
    /// Margin less that of refunds, for each visitor.
    MarginPerVisitor,
    /// Revenue for each order.
    OrderValue,
    /// Clicks for each product shown.
    ClickThrough,
    /// Visitors who ordered more than once, of all visitors.
    RepeatRate,
    /// Returned orders of all orders.
    ReturnRate,
    /// Products added to the basket, for each visitor.
    AddsPerVisitor,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Conversion,
        Self::RevenuePerVisitor,
        Self::MarginPerVisitor,
        Self::OrderValue,
        Self::ClickThrough,
        Self::RepeatRate,
        Self::ReturnRate,
        Self::AddsPerVisitor,
    ];

    /// The name in definitions and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conversion => "conversion",
            Self::RevenuePerVisitor => "revenue_per_visitor",
            Self::MarginPerVisitor => "margin_per_visitor",
            Self::OrderValue => "order_value",
            Self::ClickThrough => "click_through",
            Self::RepeatRate => "repeat_rate",
            Self::ReturnRate => "return_rate",
            Self::AddsPerVisitor => "adds_per_visitor",
        }
    }

    /// What kind of number it is: which two numbers of each visitor are summed, and how.
    #[must_use]
    pub const fn kind(self) -> MetricKind {
        match self {
            Self::Conversion | Self::RepeatRate => MetricKind::Proportion,
            Self::RevenuePerVisitor | Self::MarginPerVisitor | Self::AddsPerVisitor => MetricKind::Mean,
            Self::OrderValue | Self::ClickThrough | Self::ReturnRate => MetricKind::Ratio,
        }
    }

    /// Whether its value is a share, 0 to 1.
    #[must_use]
    pub const fn is_share(self) -> bool {
        matches!(self, Self::Conversion | Self::ClickThrough | Self::RepeatRate | Self::ReturnRate)
    }

    /// Whether it is a ratio that counts events, and sums no amounts.
    #[must_use]
    pub const fn counts(self) -> bool {
        matches!(self, Self::ClickThrough | Self::ReturnRate)
    }

    /// About how much it scatters: the standard deviation of one visitor's number (of a ratio: of its linearization), which a
    /// [`Question`](crate::statistics::Question) asks for, given its value now and the share of visitors who order. Shops that
    /// have measured it know better.
    ///
    /// With a share `c` of visitors who order, for amounts that scatter by `v` times their mean `m`, what each visitor spends has
    /// the deviation `c m sqrt((1 + v²) / c - 1)`, and the mean order value `m v / sqrt(c)`. A rate `p` of orders has
    /// `sqrt(p (1 - p) / c)`. What one visitor is shown is taken for one look, since they click much of it or little.
    #[must_use]
    pub fn deviation(self, baseline: f64, conversion: f64) -> f64 {
        let each = |share: f64| baseline * ((1.0 + SCATTER * SCATTER) / share - 1.0).max(0.0).sqrt();
        let rate = (baseline * (1.0 - baseline)).max(0.0).sqrt();
        match self {
            Self::Conversion | Self::RepeatRate | Self::ClickThrough => rate,
            Self::RevenuePerVisitor | Self::MarginPerVisitor => each(conversion),
            Self::AddsPerVisitor => each((baseline / ADDS).min(1.0)),
            Self::OrderValue => baseline * SCATTER / conversion.sqrt(),
            Self::ReturnRate => rate / conversion.sqrt(),
        }
    }

    /// Which way is better.
    #[must_use]
    pub const fn better(self) -> Direction {
        if matches!(self, Self::ReturnRate) { Direction::Down } else { Direction::Up }
    }
}

/// A metric that must not get worse.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guardrail {
    /// Which.
    pub metric: Metric,
    /// By so much it may, as a share of the control's value: above 0, at most 1.
    pub margin: f64,
}

/// What an experiment is judged by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// The decision hangs on it.
    pub primary: Metric,
    /// What one looks at besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary: Vec<Metric>,
    /// What must not get worse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<Guardrail>,
}
