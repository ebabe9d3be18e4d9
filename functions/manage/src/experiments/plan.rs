//! How many visitors and days an experiment needs.

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitrine_domain::statistics::{MetricKind, Question};
use vitrine_http::auth::scope::View;
use vitrine_http::{Body, Problem, ServerAccess};

use crate::placements::words;

/// What is to be found, and of whom.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PlanQuestion)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// What kind of number the metric is.
    #[schema(schema_with = kinds)]
    kind: MetricKind,
    /// Its value now: for a proportion above 0, below 1.
    baseline: f64,
    /// Standard deviation of one visitor's number, of a ratio that of its linearization; not used for a proportion. Few visitors
    /// order, so it is many times the mean: where a share c of them does, and amounts scatter by v times their mean (about 0.8),
    /// it is sqrt((1 + v²) / c - 1) times the revenue of each visitor, or v / sqrt(c) times the order value. A rate p of orders,
    /// as of returns, is a ratio with sqrt(p (1 - p) / c).
    #[serde(default)]
    deviation: f64,
    /// The smallest relative change that must not be missed: 0.05 is 5 %, up or down.
    #[schema(example = 0.05)]
    effect: f64,
    /// Accepted probability of seeing an effect where there is none: 0.05 unless said otherwise.
    alpha: Option<f64>,
    /// Wanted probability of seeing the effect if there is one: 0.8 unless said otherwise.
    power: Option<f64>,
    /// Variants with the control: 2 unless said otherwise.
    variants: Option<u32>,
    /// Whether results are read as they come, as they are unless said otherwise, or once, at the end.
    any_time: Option<bool>,
    /// Correlation with something known of each visitor beforehand: 0 unless said otherwise.
    #[serde(default)]
    correlation: f64,
    /// Visitors a day who can enter.
    visitors_per_day: f64,
    /// The share of them that does: all unless said otherwise.
    traffic: Option<f64>,
    /// If there are only so many days: the smallest change that can be found in them is told too.
    #[schema(minimum = 1)]
    days: Option<u64>,
}

fn kinds() -> utoipa::openapi::schema::Schema {
    words(&[MetricKind::Proportion, MetricKind::Mean, MetricKind::Ratio])
}

/// What it takes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExperimentPlan)]
pub(crate) struct Planned {
    /// Visitors of each variant.
    per_variant: u64,
    /// Visitors of all variants.
    visitors: u64,
    /// Visitors of the two variants of one comparison: what `planned` of the experiment is set to.
    compared: u64,
    /// Whole days.
    days: u64,
    /// The smallest relative change that is found in the days that were asked for; absent if none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    detectable: Option<f64>,
}

/// How many visitors and days an experiment needs
#[utoipa::path(post, path = "/v1/experiments/plan", tag = "manage", operation_id = "post_experiment_plan", request_body = Asked,
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = Planned, description = "What it takes"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 422, body = Problem, description = "A number is out of its range"),
    ))]
pub(crate) async fn plan(_: ServerAccess<View>, Body(asked): Body<Asked>) -> Result<Json<Planned>, Problem> {
    let question = Question {
        kind: asked.kind,
        baseline: asked.baseline,
        deviation: asked.deviation,
        effect: asked.effect,
        alpha: asked.alpha.unwrap_or(0.05),
        power: asked.power.unwrap_or(0.8),
        variants: asked.variants.unwrap_or(2),
        any_time: asked.any_time.unwrap_or(true),
        correlation: asked.correlation,
        visitors_per_day: asked.visitors_per_day,
        traffic: asked.traffic.unwrap_or(1.0),
    };
    let refused = |error: vitrine_domain::statistics::PlanError| {
        Problem::unprocessable("invalid-plan", error.to_string()).at(format!("/{}", error.field), error.rule)
    };
    let plan = question.plan().map_err(refused)?;
    let detectable = asked.days.map(|days| question.detectable(days)).transpose().map_err(refused)?;
    let (per_variant, visitors) = (plan.per_variant, plan.visitors);
    Ok(Json(Planned { per_variant, visitors, compared: plan.compared, days: plan.days, detectable }))
}
