//! Key figures as they are told.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use vitrine_domain::results::{Day, Funnel, Sums};

use super::worth::Price;

/// What people did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResultFigures)]
pub(crate) struct Figures {
    /// People who came.
    visitors: u64,
    /// Visits that began; half an hour of quiet ends one.
    visits: u64,
    /// People who ordered.
    customers: u64,
    /// Orders.
    orders: u64,
    /// Orders that were cancelled.
    cancelled: u64,
    /// Pieces ordered.
    units: f64,
    /// Amount of the orders.
    revenue: f64,
    /// Orders of which something came back.
    returns: u64,
    /// Amount of what came back or was cancelled.
    refunded: f64,
    /// Revenue less what was paid back.
    net: f64,
    /// People who ordered, of those who came.
    conversion: Option<f64>,
    /// Amount of an order.
    order_value: Option<f64>,
    /// Visits of each person who came.
    visit_frequency: Option<f64>,
    /// Orders of each person who ordered.
    purchase_frequency: Option<f64>,
    /// Returns for each order.
    return_rate: Option<f64>,
    /// People who came for the first time.
    newcomers: u64,
    /// People who ordered for the first time.
    new_customers: u64,
    /// People who ordered and had ordered before.
    returning: u64,
    /// Their share of those who ordered.
    repeat_rate: Option<f64>,
    /// Days from the first visit to the first order, in the mean of the new customers.
    days_to_first_order: Option<f64>,
}

impl Figures {
    pub(super) fn of(sums: &Sums) -> Self {
        Self {
            visitors: sums.visitors,
            visits: sums.visits,
            customers: sums.customers,
            orders: sums.orders,
            cancelled: sums.cancelled,
            units: sums.units,
            revenue: sums.revenue,
            returns: sums.returns,
            refunded: sums.refunded,
            net: sums.net(),
            conversion: sums.conversion(),
            order_value: sums.order_value(),
            visit_frequency: sums.visit_frequency(),
            purchase_frequency: sums.purchase_frequency(),
            return_rate: sums.return_rate(),
            newcomers: sums.newcomers,
            new_customers: sums.new_customers,
            returning: sums.returning,
            repeat_rate: sums.repeat_rate(),
            days_to_first_order: sums.mean_days_to_first_order(),
        }
    }
}

/// A day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResultDay)]
pub(crate) struct DayFigures {
    /// Which, in UTC.
    day: String,
    /// What people did.
    #[serde(flatten)]
    figures: Figures,
    /// Lists that were decided on.
    decisions: u64,
    /// Events that were kept.
    events: u64,
}

impl DayFigures {
    pub(super) fn of(name: &str, day: &Day) -> Self {
        Self { day: name.to_owned(), figures: Figures::of(&day.all), decisions: day.decisions, events: day.events }
    }
}

/// Where a placement stands among the others, by what it gives to visitors and what it brings to the shop. What nobody clicks is
/// not liked, and what sells nothing does not earn, however little the others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = UseCase)]
pub(crate) enum UseCase {
    /// Visitors like it, and it earns: more of it.
    Star,
    /// Visitors like it, and it earns little: let it sell.
    Pleaser,
    /// It earns, though few care for it: show it to more people who do.
    Earner,
    /// Neither: change it or drop it.
    Question,
}

/// What came of what a placement showed, of the lists that a rule acted on, or of the content that it handed: then `shown` and
/// `clicked` are of the content, and what is ordered is any product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResultPlacement)]
pub(crate) struct Placed {
    /// Lists that were decided on, whether or not they were seen.
    decisions: u64,
    /// What the cloud took for them, in the currency, at most; none while its prices are not known.
    cost: Option<f64>,
    /// Products that were seen.
    shown: u64,
    /// Products that were clicked, or put into the basket straight from the list.
    clicked: u64,
    /// Products that went into the basket after a click.
    added: u64,
    /// Products of orders after a click: what is attributed to the placement.
    ordered: u64,
    /// Amount of these.
    revenue: f64,
    /// Products of orders that were seen and not clicked.
    seen_ordered: u64,
    /// Amount of these.
    seen_revenue: f64,
    /// Clicks for each product seen: the value that the placement creates for visitors.
    click_through: Option<f64>,
    /// Attributed revenue for a thousand products seen: the value that the shop captures by it.
    revenue_per_thousand: Option<f64>,
    /// Where it stands by both, against the median of all of its kind that were seen; none with fewer than two of these.
    use_case: Option<UseCase>,
}

impl Placed {
    /// All placements, each against the others.
    pub(super) fn all(funnels: &BTreeMap<String, Funnel>, price: Option<Price<'_>>) -> BTreeMap<String, Self> {
        let medians = median(funnels.values().filter_map(Funnel::click_through))
            .zip(median(funnels.values().filter_map(Funnel::revenue_per_thousand)))
            .filter(|_| funnels.values().filter(|funnel| funnel.shown > 0).count() > 1);
        let placed = |funnel: &Funnel| {
            let both = funnel.click_through().zip(funnel.revenue_per_thousand()).zip(medians);
            let use_case = both.map(|((created, taken), (by_clicks, by_revenue))| {
                match (created > 0.0 && created >= by_clicks, taken > 0.0 && taken >= by_revenue) {
                    (true, true) => UseCase::Star,
                    (true, false) => UseCase::Pleaser,
                    (false, true) => UseCase::Earner,
                    (false, false) => UseCase::Question,
                }
            });
            Self {
                decisions: funnel.decisions,
                cost: price.and_then(|price| Some(price.cloud.of_decisions(funnel.decisions) * price.rate?)),
                shown: funnel.shown,
                clicked: funnel.clicked,
                added: funnel.added,
                ordered: funnel.ordered,
                revenue: funnel.revenue,
                seen_ordered: funnel.seen_ordered,
                seen_revenue: funnel.seen_revenue,
                click_through: funnel.click_through(),
                revenue_per_thousand: funnel.revenue_per_thousand(),
                use_case,
            }
        };
        funnels.iter().map(|(name, funnel)| (name.clone(), placed(funnel))).collect()
    }
}

fn median(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    let (low, high) = (numbers.get(numbers.len().checked_sub(1)? / 2)?, numbers.get(numbers.len() / 2)?);
    Some((low + high) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(funnels: &[(u64, u64, f64)]) -> Vec<Option<UseCase>> {
        let funnel = |(shown, clicked, revenue): &(u64, u64, f64)| Funnel {
            shown: *shown,
            clicked: *clicked,
            revenue: *revenue,
            ..Funnel::default()
        };
        let named = funnels.iter().enumerate().map(|(at, of)| (at.to_string(), funnel(of))).collect();
        Placed::all(&named, None).into_values().map(|placed| placed.use_case).collect()
    }

    #[test]
    fn what_sells_nothing_is_no_star_and_nothing_is_measured_by_itself() {
        assert_eq!(cases(&[(100, 5, 0.0), (100, 2, 0.0)]), [Some(UseCase::Pleaser), Some(UseCase::Question)]);
        assert_eq!(cases(&[(100, 0, 0.0), (100, 0, 9.0)]), [Some(UseCase::Question), Some(UseCase::Earner)]);
        assert_eq!(cases(&[(100, 5, 9.0), (100, 2, 1.0)]), [Some(UseCase::Star), Some(UseCase::Question)]);
        assert_eq!(cases(&[(100, 5, 9.0), (0, 0, 0.0)]), [None, None]);
    }
}
