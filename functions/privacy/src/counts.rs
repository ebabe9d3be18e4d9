//! `GET /v1/counts`: what visitors did who are not remembered.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vitrine_domain::Millis;
use vitrine_domain::time::DAY;
use vitrine_http::{App, Parameters, Problem, ServerAccess};

/// Days of an answer if it is not said from when.
const DAYS: i64 = 30;
/// Most days of an answer.
const MOST: i64 = 800;

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Days {
    /// The first day; 30 days before the last unless said.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// The last day; today unless said.
    #[param(example = "2026-11-30")]
    to: Option<String>,
}

/// Counts of what nobody did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Counts)]
pub(crate) struct Counts {
    /// How often, by day and action. A client that sends again what it was not answered counts twice.
    #[schema(value_type = Object, example = json!({"2026-11-22": {"view": 120, "order": 3}}))]
    days: BTreeMap<String, BTreeMap<String, u64>>,
}

/// What visitors did who are not remembered
///
/// Events without consent to personalise are not kept. If they may be measured they are counted, by day and action.
#[utoipa::path(get, path = "/v1/counts", tag = "privacy", operation_id = "get_counts",
    security(("basic" = ["events", "read", "catalogue", "view", "manage", "privacy", "keys"])),
    params(Days),
    responses(
        (status = 200, body = Counts, description = "The counts; days without any are not named"),
        (status = 400, body = Problem, description = "The parameters cannot be read"),
        (status = 401, body = Problem, description = "The key is missing or unknown"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 422, body = Problem, description = "A day cannot be understood, or they are too many"),
        (status = 503, body = Problem, description = "The table is not available")))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess,
    Parameters(days): Parameters<Days>,
) -> Result<Json<Counts>, Problem> {
    let to = day("to", days.to)?.unwrap_or_else(|| app.context.clock.now());
    let from = day("from", days.from)?.unwrap_or_else(|| to.plus(-DAYS * DAY));
    if from.day() > to.day() {
        return Err(Problem::unprocessable("invalid-day", "the first day comes after the last")
            .at("from", "a day before `to`, or the same"));
    }
    if to.since(from) > MOST * DAY {
        return Err(Problem::unprocessable("too-many-days", format!("at most {MOST} days are told at once"))
            .at("from", "a later day"));
    }
    let table = &app.context.table;
    Ok(Json(Counts { days: table.counts(&access.shop, from, to).await? }))
}

fn day(name: &'static str, text: Option<String>) -> Result<Option<Millis>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let day = Millis::parse(&text).filter(|day| (0..=Millis::MAX.0).contains(&day.0));
    let wrong = || Problem::unprocessable("invalid-day", "this is no day").at(name, "a day such as 2026-11-22");
    day.map(Some).ok_or_else(wrong)
}
