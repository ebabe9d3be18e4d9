//! Key figures as they are told.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use vitrine_domain::Millis;
use vitrine_domain::results::{Attribution, Day, Funnel, Results, Side, Sums};
use vitrine_domain::statistics::{Effect, Estimate, MetricKind, Reading};

/// Accepted probability that an interval does not hold the truth.
const ALPHA: f64 = 0.05;
/// Fewest people of a side of a hold-out for whom anything is said.
const FEWEST: u64 = 100;

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
    /// Orders, or parts of one, that came back.
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
    /// People who came for the first time.
    newcomers: u64,
    /// People who ordered for the first time.
    new_customers: u64,
    /// Days from the first visit to the first order, in the mean of the new customers.
    days_to_first_order: Option<f64>,
}

impl DayFigures {
    pub(super) fn of(name: &str, day: &Day) -> Self {
        Self {
            day: name.to_owned(),
            figures: Figures::of(&day.all),
            newcomers: day.newcomers,
            new_customers: day.new_customers,
            days_to_first_order: day.mean_days_to_first_order(),
        }
    }
}

/// Where a placement stands among the others, by what it gives to visitors and what it brings to the shop.
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

/// What came of what a placement showed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResultPlacement)]
pub(crate) struct Placed {
    /// Products that were seen.
    shown: u64,
    /// Products that were clicked.
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
    /// Where it stands by both, against the median of all placements; none with fewer than two.
    use_case: Option<UseCase>,
}

impl Placed {
    /// All placements, each against the others.
    pub(super) fn all(funnels: &BTreeMap<String, Funnel>) -> BTreeMap<String, Self> {
        let medians = median(funnels.values().filter_map(Funnel::click_through))
            .zip(median(funnels.values().filter_map(Funnel::revenue_per_thousand)))
            .filter(|_| funnels.len() > 1);
        let placed = |funnel: &Funnel| {
            let both = funnel.click_through().zip(funnel.revenue_per_thousand()).zip(medians);
            let use_case = both.map(|((created, taken), (by_clicks, by_revenue))| {
                match (created >= by_clicks, taken >= by_revenue) {
                    (true, true) => UseCase::Star,
                    (true, false) => UseCase::Pleaser,
                    (false, true) => UseCase::Earner,
                    (false, false) => UseCase::Question,
                }
            });
            Self {
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

/// An estimate and the interval that holds the truth 95 times of 100.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = ResultInterval)]
pub(crate) struct Between {
    /// The estimate.
    value: f64,
    /// Lower end.
    low: f64,
    /// Upper end.
    high: f64,
}

impl Between {
    fn times(self, factor: f64) -> Self {
        Self { value: self.value * factor, low: self.low * factor, high: self.high * factor }
    }

    fn less(self, amount: f64) -> Self {
        Self { value: self.value - amount, low: self.low - amount, high: self.high - amount }
    }
}

/// What personalization earns and costs a month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BusinessCase)]
pub(crate) struct Case {
    /// Months that the results are of: since the hold-out began, if there is one.
    months: f64,
    /// What is left of a unit of revenue.
    margin: f64,
    /// What a month costs.
    cost: f64,
    /// What the revenue that personalization caused leaves a month; none where nobody is held out of it, or too few.
    benefit: Option<Between>,
    /// That less the cost.
    gain: Option<Between>,
    /// The benefit for each unit of cost.
    benefit_for_cost: Option<f64>,
}

impl Case {
    pub(super) fn of(by: &Attribution, months: Option<f64>, caused: Option<&Caused>) -> Option<Self> {
        let (months, margin, cost) = (months?, by.margin?, by.cost_per_month?);
        let benefit = caused.and_then(|caused| caused.revenue).map(|revenue| revenue.times(margin / months));
        Some(Self {
            months,
            margin,
            cost,
            benefit,
            gain: benefit.map(|benefit| benefit.less(cost)),
            benefit_for_cost: benefit.filter(|_| cost > 0.0).map(|benefit| benefit.value / cost),
        })
    }
}

/// What personalization caused: people who are served, against people who go without it, chosen by a hash.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResultCaused)]
pub(crate) struct Caused {
    /// The share of people who are to go without.
    share: f64,
    /// Since when: nothing before counts. Absent of one that was begun before its time was noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    since: Option<String>,
    /// People who are served.
    served: u64,
    /// People who go without.
    held_out: u64,
    /// Of the served, the share who ordered.
    conversion_served: f64,
    /// Of those who go without.
    conversion_held_out: f64,
    /// What personalization adds to the share of people who order.
    conversion: Option<Between>,
    /// What it adds to the revenue of each person, what was paid back subtracted.
    revenue_per_person: Option<Between>,
    /// What it added to the revenue of all who were served.
    revenue: Option<Between>,
    /// The share of the revenue of those who were served that it caused.
    share_of_revenue: Option<Between>,
}

impl Caused {
    /// None with too few people on a side.
    pub(super) fn of(share: f64, since: Millis, results: &Results) -> Option<Self> {
        let (served, held_out) = (&results.served, &results.held_out);
        if served.ordered.n < FEWEST || held_out.ordered.n < FEWEST {
            return None;
        }
        let effect = |pick: fn(&Side) -> vitrine_domain::statistics::Moments, kind| {
            let of = |side: &Side| Estimate::of(kind, &pick(side));
            let effect = Effect::between(&of(held_out)?, &of(served)?, Reading::once(ALPHA))?.absolute;
            Some(Between { value: effect.value, low: effect.low, high: effect.high })
        };
        let conversion = effect(|side| side.ordered, MetricKind::Proportion);
        let revenue_per_person = effect(|side| side.revenue, MetricKind::Mean);
        #[allow(clippy::cast_precision_loss, reason = "counts of people")]
        let people = served.revenue.n as f64;
        let of_one = |each: Between| (served.revenue.y > 0.0).then(|| each.times(1.0 / served.revenue.y));
        Some(Self {
            share,
            since: (since > Millis::default()).then(|| since.to_rfc3339()),
            served: served.ordered.n,
            held_out: held_out.ordered.n,
            conversion_served: served.ordered.y,
            conversion_held_out: held_out.ordered.y,
            conversion,
            revenue_per_person,
            revenue: revenue_per_person.map(|each| each.times(people)),
            share_of_revenue: revenue_per_person.and_then(of_one),
        })
    }
}
