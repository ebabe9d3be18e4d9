//! What came of an experiment.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use vitrine_domain::statistics::report;
use vitrine_http::auth::scope::View as Look;
use vitrine_http::{App, Problem, ServerAccess};

use crate::experiments;

/// An experiment's result.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExperimentResults)]
pub(crate) struct View {
    /// The experiment.
    id: String,
    /// When the event lake was read.
    #[schema(format = DateTime)]
    made: String,
    /// The currency of amounts.
    currency: String,
    /// Its variants, the control first, with the shares of traffic that they have and the people who saw them.
    variants: Vec<Seen>,
    /// Visitors of two compared variants after which a decision is intended. Results may be read at any time, and are tightest
    /// around that number; around 10,000 without one.
    planned: Option<u64>,
    /// An alarm if visitors are divided otherwise than intended (nothing else can be trusted then), and of each metric every
    /// variant against the control: estimate, effect with interval, p-value given the other comparisons, and a verdict:
    /// `too_early`, `open`, `better`, `worse` or `safe`.
    #[schema(value_type = Object)]
    report: Value,
}

/// A variant and who saw it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SeenVariant)]
pub(crate) struct Seen {
    /// The variant.
    id: String,
    /// Its share of the traffic.
    share: f64,
    /// People who saw it first.
    people: u64,
}

/// What came of an experiment
///
/// Whoever saw what a variant changes counts for the first variant they saw, with everything they did from then on; what they
/// did in the four weeks before makes the figures more exact (CUPED). Of a bandit everybody counts by the inverse of the probability
/// with which their variant was drawn, so that the days on which a variant had most of the traffic do not pass for it; there is no
/// alarm then. Made by every training, so as old as the last one.
#[utoipa::path(get, path = "/v1/experiments/{id}/results", tag = "manage", operation_id = "get_experiment_results",
    security(("basic" = ["view"])),
    params(("id" = String, Path, description = "The experiment")),
    responses(
        (status = 200, body = View, description = "The result"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "There is no such experiment"),
        (status = 409, body = Problem, description = "There are no results before the first training"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess<Look>,
    Path(id): Path<String>,
) -> Result<Json<View>, Problem> {
    let all = experiments::stored(&app, &access).await?;
    let experiment = all.into_iter().find(|setting| setting.id == id).ok_or_else(experiments::unknown)?.value;
    let results = super::stored(&app, &access).await?;
    let trial = results.results.trials.get(&id).cloned().unwrap_or_default();
    let study = trial.study(&experiment);
    let seen = study.variants.iter().zip(&study.shares).zip(&study.exposed);
    let variants = seen.map(|((id, share), people)| Seen { id: id.clone(), share: *share, people: *people }).collect();
    // What is stored was checked when it was written.
    let mut report = report(&study).ok();
    // Shares that move are not those by which the visitors before were divided.
    if let Some(report) = report.as_mut().filter(|_| experiment.bandit.is_some()) {
        report.mismatch = None;
    }
    let report = report.and_then(|report| serde_json::to_value(report).ok()).unwrap_or_default();
    Ok(Json(View {
        id,
        made: results.head.at.to_rfc3339(),
        currency: results.head.currency,
        variants,
        planned: experiment.planned,
        report,
    }))
}
