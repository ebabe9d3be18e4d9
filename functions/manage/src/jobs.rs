//! Training on demand, and what became of a job of any kind.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_http::auth::scope::{Jobs, Manage};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::jobs::{Job, JobKind, JobState};

/// Longest identifier of a job that is looked for.
const MAX_ID: usize = 64;

/// A job that was begun.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobBegun)]
pub(crate) struct Begun {
    /// Its identifier.
    job_id: String,
    /// How far it is.
    #[schema(value_type = String, example = "waiting")]
    state: JobState,
    /// Where to ask what became of it.
    #[schema(example = "/v1/jobs/1795358400000-4f1c0a9be27d3356")]
    location: String,
}

/// What became of a job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct Told {
    /// Its identifier.
    job_id: String,
    /// What it does: `retrain`, `products`, `orders`, `customers`.
    #[schema(value_type = String, example = "retrain")]
    kind: JobKind,
    /// How far it is: `waiting`, `running`, `done`, `failed`.
    #[schema(value_type = String, example = "done")]
    state: JobState,
    /// When it was asked for, RFC 3339.
    created: String,
    /// When its state last changed, RFC 3339.
    changed: String,
    /// What was asked for besides its kind.
    #[schema(value_type = Object)]
    options: Value,
    /// A report once it is done, or what went wrong; null before.
    #[schema(value_type = Object)]
    result: Value,
}

/// Train the shop's models now
///
/// Models are trained on a schedule too; this is for not waiting. The answer names a job.
#[utoipa::path(post, path = "/v1/retrain", tag = "manage", operation_id = "retrain",
    security(("basic" = ["manage"])),
    responses(
        (status = 202, body = Begun, description = "The training is a job now"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn retrain(State(app): State<App>, access: ServerAccess<Manage>) -> Result<Response, Problem> {
    let context = &app.context;
    let job = Job::new(JobKind::Retrain, json!({}), context.clock.now())?;
    context.table.put_job(&access.shop, &job).await?;
    // The object comes last: that it is there begins the work, which looks for the job.
    context.objects.put(&job.object(&access.shop), "{}").await?;
    let location = format!("/v1/jobs/{}", job.id);
    let begun = Begun { job_id: job.id, state: job.state, location: location.clone() };
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(begun)).into_response())
}

/// What became of a job
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "manage", operation_id = "get_job",
    security(("basic" = ["catalogue"]), ("basic" = ["manage"])),
    params(("id" = String, Path, description = "The job's identifier")),
    responses(
        (status = 200, body = Told, description = "The job"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "There is no such job"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn job(
    State(app): State<App>,
    access: ServerAccess<Jobs>,
    Path(id): Path<String>,
) -> Result<Json<Told>, Problem> {
    let unknown = || Problem::not_found("there is no such job; they are forgotten after 30 days");
    // The table takes no key of any length.
    if id.len() > MAX_ID {
        return Err(unknown());
    }
    let job = app.context.table.job(&access.shop, &id).await?.ok_or_else(unknown)?;
    Ok(Json(Told {
        job_id: job.id,
        kind: job.kind,
        state: job.state,
        created: job.created.to_rfc3339(),
        changed: job.changed.to_rfc3339(),
        options: job.options,
        result: job.result,
    }))
}
