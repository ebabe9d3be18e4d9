//! What personalization is worth: what is attributed to it, what it caused, and what that leaves when it is paid; and what all
//! experiments together caused.

use serde::Serialize;
use utoipa::ToSchema;
use vitrine_domain::Millis;
use vitrine_domain::results::{Attribution, CloudPrices, Day, Results};
use vitrine_domain::statistics::{Effect, Interval, mismatch};

/// An estimate and the interval that holds the truth 95 times of 100, however often results are looked at.
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
    fn of(Interval { value, low, high }: Interval) -> Self {
        Self { value, low, high }
    }

    fn times(self, factor: f64) -> Self {
        Self { value: self.value * factor, low: self.low * factor, high: self.high * factor }
    }

    fn opposite(self) -> Self {
        Self { value: -self.value, low: -self.high, high: -self.low }
    }

    fn less(self, amount: f64) -> Self {
        Self { value: self.value - amount, low: self.low - amount, high: self.high - amount }
    }
}

/// What is attributed to placements: products that were ordered after somebody had clicked them in a list, or had seen them there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResultAttributed)]
pub(crate) struct Attributed {
    /// First day.
    from: String,
    /// Last day.
    to: String,
    /// Days after a click in which an order counts.
    click_days: f64,
    /// Days after a look in which an order is noted.
    view_days: f64,
    /// Products of orders after a click, within the window of clicks.
    ordered: u64,
    /// Amount of these, returns not subtracted.
    revenue: f64,
    /// Their share of all revenue.
    share_of_revenue: Option<f64>,
    /// Products of orders that were seen and not clicked, within the window of views.
    seen_ordered: u64,
    /// Amount of these: it may have been ordered without that.
    seen_revenue: f64,
    /// Their share of all revenue.
    seen_share_of_revenue: Option<f64>,
}

impl Attributed {
    pub(super) fn of(day: &Day, (from, to): (&str, &str), by: &Attribution) -> Self {
        let sum = |pick: fn(&vitrine_domain::results::Funnel) -> f64| day.placements.values().map(pick).sum::<f64>();
        let (revenue, seen_revenue) = (sum(|funnel| funnel.revenue), sum(|funnel| funnel.seen_revenue));
        let share = |part: f64| (day.all.revenue > 0.0).then(|| part / day.all.revenue);
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            click_days: by.click_days,
            view_days: by.view_days,
            ordered: day.placements.values().map(|funnel| funnel.ordered).sum(),
            revenue,
            share_of_revenue: share(revenue),
            seen_ordered: day.placements.values().map(|funnel| funnel.seen_ordered).sum(),
            seen_revenue,
            seen_share_of_revenue: share(seen_revenue),
        }
    }
}

/// What the cloud takes, and what a dollar is in the currency, if that is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Price<'a> {
    pub(super) cloud: &'a CloudPrices,
    pub(super) rate: Option<f64>,
}

/// What the cloud takes a month for what was measured.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CloudCost)]
pub(crate) struct CloudCost {
    /// Lists that were decided on, a month.
    decisions: f64,
    /// Events that were kept, a month.
    events: f64,
    /// Dollars for these, and for a month in which nobody comes; at most.
    dollars: f64,
    /// The same in the currency; none while nobody said what a dollar is in it.
    amount: Option<f64>,
    /// Where.
    region: String,
    /// For which day the oldest of the prices is known.
    as_of: String,
    /// Whether all of them were compared with the pages that they are from.
    verified: bool,
    /// These pages.
    sources: Vec<String>,
}

/// What personalization earns and costs a month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BusinessCase)]
pub(crate) struct Case {
    /// Months that the results are of: since the hold-out began, if there is one.
    months: f64,
    /// What is left of a unit of revenue.
    margin: f64,
    /// What the cloud takes; none while its prices are not in `/v1/settings/cloud-prices`.
    cloud: Option<CloudCost>,
    /// What a month costs besides; all of it, without the prices of the cloud.
    other_cost: Option<f64>,
    /// What a month costs altogether; none while what the cloud takes is not known in the currency.
    cost: Option<f64>,
    /// What the revenue that personalization caused leaves a month; none where nobody is held out of it, or too few, or people
    /// are not divided as they should be.
    benefit: Option<Between>,
    /// That less the cost.
    gain: Option<Between>,
    /// The benefit for each unit of cost.
    benefit_for_cost: Option<f64>,
}

impl Case {
    /// None without the margin, or without any cost.
    pub(super) fn of(
        by: &Attribution,
        price: Option<Price<'_>>,
        results: &Results,
        since: Millis,
        caused: Option<&Caused>,
    ) -> Option<Self> {
        let (margin, months) = (by.margin?, results.months(since)?);
        let (from, to) = results.span(since)?;
        let sum = results.between(&from, &to);
        let cloud = price.map(|Price { cloud, rate }| {
            let dollars = cloud.month + (cloud.of_decisions(sum.decisions) + cloud.of_events(sum.events)) / months;
            #[allow(clippy::cast_precision_loss, reason = "shown to people")]
            let monthly = |count: u64| count as f64 / months;
            CloudCost {
                decisions: monthly(sum.decisions),
                events: monthly(sum.events),
                dollars,
                amount: rate.map(|rate| dollars * rate),
                region: cloud.region.clone(),
                as_of: cloud.as_of.clone(),
                verified: cloud.verified,
                sources: cloud.sources.clone(),
            }
        });
        let cost = match &cloud {
            Some(cloud) => cloud.amount.map(|amount| amount + by.cost_per_month.unwrap_or_default()),
            None => Some(by.cost_per_month?),
        };
        let caused = caused.filter(|caused| !caused.is_alarming());
        let benefit = caused.and_then(|caused| caused.revenue).map(|revenue| revenue.times(margin / months));
        let both = benefit.zip(cost);
        Some(Self {
            months,
            margin,
            cloud,
            other_cost: by.cost_per_month,
            cost,
            benefit,
            gain: both.map(|(benefit, cost)| benefit.less(cost)),
            benefit_for_cost: both.filter(|(_, cost)| *cost > 0.0).map(|(benefit, cost)| benefit.value / cost),
        })
    }
}

/// Whether people are divided between the two sides as they should be.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = ResultDivision)]
pub(crate) struct Division {
    /// How many of all these people should go without.
    expected: f64,
    /// Probability of ever being so far off if they are divided as they should be.
    p: f64,
    /// Whether something is wrong: then nothing that is said of them can be trusted.
    alarm: bool,
}

/// What personalization, or all experiments together, caused: people who are served, against people who go without, chosen by a
/// hash.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResultCaused)]
pub(crate) struct Caused {
    /// The share of people who are to go without.
    share: f64,
    /// Since when: nothing before counts. Absent of one that was begun before its time was noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    since: Option<String>,
    /// First day that counts.
    from: String,
    /// Last day.
    to: String,
    /// People who are served.
    served: u64,
    /// People who go without.
    held_out: u64,
    /// Whether they are divided by the share.
    division: Option<Division>,
    /// Of the served, the share who ordered.
    conversion_served: f64,
    /// Of those who go without.
    conversion_held_out: f64,
    /// What is added to the share of people who order.
    conversion: Option<Between>,
    /// What is added to the revenue of each person, what was paid back subtracted.
    revenue_per_person: Option<Between>,
    /// What was added to the revenue of all who were served.
    revenue: Option<Between>,
    /// The share of the revenue of those who were served that would not be there without.
    share_of_revenue: Option<Between>,
    /// The share of the served who ordered that did so because of it.
    share_of_conversion: Option<Between>,
    /// What is attributed to placements in the same days, of all people.
    attributed: Attributed,
}

impl Caused {
    /// None with too few people on a side, or too few who ordered or did not.
    pub(super) fn of(share: f64, since: Millis, results: &Results, by: &Attribution) -> Option<Self> {
        let (served, held_out) = (&results.served, &results.held_out);
        let missing = held_out.missing(served)?;
        let (from, to) = results.span(since)?;
        let of_those = [served.ordered.n, held_out.ordered.n];
        let division = mismatch(&of_those, &[1.0 - share, share])
            .and_then(|found| Some(Division { expected: *found.expected.get(1)?, p: found.p, alarm: found.alarm }));
        let added = |missing: &Effect| Between::of(missing.absolute).opposite();
        #[allow(clippy::cast_precision_loss, reason = "counts of people")]
        let people = served.revenue.n as f64;
        let revenue_per_person = missing.revenue.as_ref().map(added);
        Some(Self {
            share,
            since: (since > Millis::default()).then(|| since.to_rfc3339()),
            served: served.ordered.n,
            held_out: held_out.ordered.n,
            division,
            conversion_served: served.ordered.y,
            conversion_held_out: held_out.ordered.y,
            conversion: Some(added(&missing.ordered)),
            revenue_per_person,
            revenue: revenue_per_person.map(|each| each.times(people)),
            share_of_revenue: missing.revenue.and_then(|missing| share_of(&missing, served.revenue.y)),
            share_of_conversion: share_of(&missing.ordered, served.ordered.y),
            attributed: Attributed::of(&results.between(&from, &to), (&from, &to), by),
            from,
            to,
        })
    }

    /// Whether people are divided otherwise than they should be.
    fn is_alarming(&self) -> bool {
        self.division.is_some_and(|division| division.alarm)
    }
}

/// Which share of what the served did was caused, given what those who go without miss of it. Where the served did too little for
/// a ratio, the difference as a share of it.
fn share_of(missing: &Effect, served: f64) -> Option<Between> {
    let of_difference = || (served > 0.0).then(|| Between::of(missing.absolute).times(1.0 / served));
    missing.relative.map(Between::of).or_else(of_difference).map(Between::opposite)
}
