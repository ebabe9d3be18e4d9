//! What a shop earned: key figures, what came of each placement, what personalization caused, and who might buy again. Made from
//! the event lake by every training; read here as one object.

pub(crate) mod attribution;
pub(crate) mod experiment;
mod figures;
pub(crate) mod prices;
mod worth;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vitrine_domain::Millis;
use vitrine_domain::results::{Attribution, CloudPrices, Loyalty, WINDOWS};
use vitrine_domain::time::DAY;
use vitrine_http::auth::scope::View as Look;
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::results::Stored;

use crate::keep;
use figures::{DayFigures, Figures, Placed};
use worth::{Attributed, Case, Caused, Price};

/// Days that are told unless a period is named.
const USUAL: i64 = 30;

/// A period.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Period {
    /// First day, such as `2026-11-01`; 30 days before the last one unless said otherwise.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// Last day; the one on which the results were made unless said otherwise.
    #[param(example = "2026-11-30")]
    to: Option<String>,
    /// Instead of both: so many days up to the one on which the results were made, 7, 28 or 90. In them everybody counts once.
    #[param(example = 28)]
    last: Option<u16>,
}

/// A shop's results in a period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Results)]
pub(crate) struct View {
    /// When the event lake was read.
    #[schema(format = DateTime)]
    made: String,
    /// First day.
    from: String,
    /// Last day.
    to: String,
    /// The currency of all amounts; orders in another one count without their amount. Empty if no order names one.
    currency: String,
    /// People who ever did anything.
    people: u64,
    /// Robots: they count nowhere.
    robots: u64,
    /// The days of `last`, if it was asked for: then everybody counts once in `total`, `channels` and `segments`. Without it whoever
    /// comes on several days is a visitor of each of them.
    last: Option<u16>,
    /// The whole period.
    total: Figures,
    /// Day by day; a day on which nothing happened is missing.
    days: Vec<DayFigures>,
    /// By where people were: `web`, `app`, `store`, …
    channels: BTreeMap<String, Figures>,
    /// By the segments that people are in now.
    segments: BTreeMap<String, Figures>,
    /// What came of what each placement showed.
    placements: BTreeMap<String, Placed>,
    /// What came of the lists that each rule acted on, against the other rules; but for rules that show content.
    rules: BTreeMap<String, Placed>,
    /// What came of the content that each rule showed, against the others: `shown` and `clicked` count sights and clicks of it, as
    /// the storefront tells them by `Promotion Viewed` and `Promotion Clicked`; `added`, `ordered` and `revenue` are of all products
    /// within the click window after a click of it.
    content: BTreeMap<String, Placed>,
    /// What is attributed to all placements together.
    attributed: Attributed,
    /// Who buys again, of all people, whenever they came.
    loyalty: Loyal,
    /// What personalization caused since the hold-out began, whatever the period, by the people who go without it; none where
    /// nobody is held out of it, or too few, or fewer than ten of a side ordered.
    personalization: Option<Caused>,
    /// The same of all experiments together, where people are held out of these only.
    experiments: Option<Caused>,
    /// What personalization earns and costs a month; none without the margin in `/v1/settings/attribution`, and a cost there or
    /// in `/v1/settings/cloud-prices`.
    business_case: Option<Case>,
}

/// Who buys again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Loyalty)]
pub(crate) struct Loyal {
    /// People with an order.
    customers: u64,
    /// Those with one only.
    one_time: u64,
    /// Their share of the customers.
    one_time_share: Option<f64>,
    /// Customers who bought again, of all customers.
    repeat_rate: Option<f64>,
    /// What a customer who buys again spends after the first order.
    worth_of_return: Option<f64>,
    /// What it would earn if one of a hundred who bought once bought again as others do.
    one_per_cent: Option<f64>,
}

impl From<Loyalty> for Loyal {
    fn from(loyalty: Loyalty) -> Self {
        Self {
            customers: loyalty.customers,
            one_time: loyalty.one_time,
            one_time_share: loyalty.one_time_share(),
            repeat_rate: loyalty.repeat_rate(),
            worth_of_return: loyalty.worth_of_return(),
            one_per_cent: loyalty.opportunity(0.01),
        }
    }
}

/// A period that was asked for.
struct Days {
    from: String,
    to: String,
    last: Option<u16>,
}

impl Period {
    fn days(self, made: Millis) -> Result<Days, Problem> {
        let (from, to) = (day(self.from, "from")?, day(self.to, "to")?);
        if let Some(last) = self.last {
            if from.is_some() || to.is_some() || !WINDOWS.contains(&last) {
                return Err(Problem::bad_request("invalid-day", "`last` is 7, 28 or 90, and stands alone"));
            }
            return Ok(Days { from: made.plus(-(i64::from(last) - 1) * DAY).day(), to: made.day(), last: Some(last) });
        }
        let to = to.unwrap_or_else(|| made.day());
        let before = Millis::parse(&to).unwrap_or(made).plus(-(USUAL - 1) * DAY);
        let from = from.unwrap_or_else(|| before.day());
        if from > to {
            return Err(Problem::bad_request("invalid-day", "`from` is a day before `to`, or the same"));
        }
        Ok(Days { from, to, last: None })
    }
}

impl View {
    fn of(stored: Stored, Days { from, to, last }: Days, by: &Attribution, prices: Option<&CloudPrices>) -> Self {
        let Stored { head, results } = stored;
        let mut sum = results.between(&from, &to);
        let attributed = Attributed::of(&sum, (&from, &to), &head.attribution);
        // Results of before there were windows have none, and neither have days on which nobody came.
        let window = last.and_then(|days| results.windows.get(&days));
        let last = last.filter(|_| window.is_some() || sum.all.visitors == 0);
        if let Some(window) = window {
            (sum.all, sum.channels, sum.segments) = (window.all, window.channels.clone(), window.segments.clone());
        }
        let price = prices.map(|cloud| Price { cloud, rate: by.rate(&head.currency) });
        let named = |figures: &BTreeMap<String, vitrine_domain::results::Sums>| {
            figures.iter().map(|(name, sums)| (name.clone(), Figures::of(sums))).collect()
        };
        let channel = |channel: vitrine_domain::Channel| {
            serde_json::to_value(channel).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
        };
        let since = head.held_out_since;
        let caused = head.held_out.and_then(|share| Caused::of(share, since, &results, &head.attribution));
        let (personalization, experiments) = if head.experiments_only { (None, caused) } else { (caused, None) };
        let months_since = if head.experiments_only { Millis::default() } else { since };
        let days = results.days.range(from.clone()..=to.clone());
        Self {
            made: head.at.to_rfc3339(),
            total: Figures::of(&sum.all),
            days: days.map(|(name, day)| DayFigures::of(name, day)).collect(),
            channels: sum.channels.iter().map(|(name, sums)| (channel(*name), Figures::of(sums))).collect(),
            segments: named(&sum.segments),
            placements: Placed::all(&sum.placements, price),
            rules: Placed::all(&sum.rules, price),
            content: Placed::all(&sum.content, price),
            attributed,
            loyalty: results.loyalty.into(),
            business_case: Case::of(by, price, &results, months_since, personalization.as_ref()),
            personalization,
            experiments,
            from,
            to,
            last,
            currency: head.currency,
            people: head.people,
            robots: head.robots,
        }
    }
}

/// The stored results.
pub(crate) async fn stored<N>(app: &App, access: &ServerAccess<N>) -> Result<Stored, Problem> {
    let why = "there are no results yet: a training makes them; `POST /v1/retrain` begins one";
    let none = || Problem::new(StatusCode::CONFLICT, "no-results", why);
    app.context.objects.results(&access.shop).await?.ok_or_else(none)
}

/// A day that was asked for.
fn day(text: Option<String>, name: &'static str) -> Result<Option<String>, Problem> {
    let Some(text) = text else { return Ok(None) };
    match Millis::parse(&text) {
        Some(time) if time.day() == text => Ok(Some(text)),
        _ => Err(Problem::bad_request("invalid-day", format!("`{name}` is a day, such as `2026-11-30`"))),
    }
}

/// What the shop earned
///
/// Key figures by day, channel, segment, placement, rule and content; what is attributed to placements by the windows of
/// `/v1/settings/attribution`; what personalization caused, where people are held out of it. Made by every training, so as old
/// as the last one.
#[utoipa::path(get, path = "/v1/results", tag = "manage", operation_id = "get_results",
    security(("basic" = ["view"])),
    params(Period),
    responses(
        (status = 200, body = View, description = "The results"),
        (status = 400, body = Problem, description = "The period is none"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 409, body = Problem, description = "There are no results before the first training"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess<Look>,
    Query(period): Query<Period>,
) -> Result<Json<View>, Problem> {
    let (results, by, prices) = tokio::join!(
        stored(&app, &access),
        keep::one::<Attribution, _>(&app, &access),
        keep::one::<Option<CloudPrices>, _>(&app, &access),
    );
    let (results, (by, _), (prices, _)) = (results?, by?, prices?);
    let days = period.days(results.head.at)?;
    Ok(Json(View::of(results, days, &by, prices.as_ref())))
}
