//! What an experiment is judged by.

use serde::{Deserialize, Serialize};

use crate::statistics::MetricKind;

/// Most metrics besides the primary one.
pub(super) const MAX_METRICS: usize = 10;

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
