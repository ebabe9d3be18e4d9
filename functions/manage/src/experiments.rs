//! Experiments: drafts, what runs, what is over; and how long one would take.

pub(crate) mod plan;
pub(crate) mod shape;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use vitrine_domain::Experiment;
use vitrine_domain::experiment::{MAX_EXPERIMENTS, Status, overlaps};
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Body, Problem, ServerAccess};
use vitrine_store::settings::{EXPERIMENT, Versioned};

use crate::keep;
use crate::lock::{Expected, etag};
use shape::{Experiments, View, Wanted};

pub(crate) fn unknown() -> Problem {
    Problem::not_found("the shop has no experiment of this id; GET /v1/experiments lists those it has")
}

pub(crate) type Stored = Versioned<Experiment>;

pub(crate) async fn stored<N>(app: &App, access: &ServerAccess<N>) -> Result<Vec<Stored>, Problem> {
    Ok(app.context.table.settings(&access.shop, EXPERIMENT).await?)
}

fn view(setting: &Stored, all: &[Experiment]) -> View {
    View::of(setting.value.clone(), setting.version)
        .written_by(setting.author.clone(), setting.written)
        .overlapping(overlaps(&setting.value, all))
}

fn values(all: &[Stored]) -> Vec<Experiment> {
    all.iter().map(|setting| setting.value.clone()).collect()
}

/// The shop's experiments
///
/// In the order of their ids, each with those it overlaps with.
#[utoipa::path(get, path = "/v1/experiments", tag = "manage", operation_id = "get_experiments",
    responses(
        (status = 200, body = Experiments, description = "All experiments"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn list(State(app): State<App>, access: ServerAccess<Look>) -> Result<Json<Experiments>, Problem> {
    let all = stored(&app, &access).await?;
    let values = values(&all);
    Ok(Json(Experiments { experiments: all.iter().map(|setting| view(setting, &values)).collect() }))
}

/// An experiment
#[utoipa::path(get, path = "/v1/experiments/{id}", tag = "manage", operation_id = "get_experiment",
    params(("id" = String, Path, description = "Id of the experiment")),
    responses(
        (status = 200, body = View, description = "The experiment as it is now",
            headers(("ETag" = String, description = "The version, in quotes"))),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "There is no such experiment"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess<Look>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let all = stored(&app, &access).await?;
    let setting = all.iter().find(|setting| setting.id == id).ok_or_else(unknown)?;
    Ok((etag(setting.version), Json(view(setting, &values(&all)))).into_response())
}

/// Make, change, start or stop an experiment
///
/// It is started by the status `running` and ended by `stopped`; visitors are divided within seconds. What a running
/// experiment's result depends on cannot be changed. `overlaps` says with which others it gets into one visitor.
#[utoipa::path(put, path = "/v1/experiments/{id}", tag = "manage", operation_id = "put_experiment", request_body = Wanted,
    params(
        ("id" = String, Path, description = "Id of the experiment: lower-case letters, digits and hyphens"),
        ("If-Match" = Option<String>, Header, description = "The version it was made from, in quotes"),
    ),
    responses(
        (status = 200, body = View, description = "The experiment as it is now",
            headers(("ETag" = String, description = "The new version, in quotes"))),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 409, body = Problem, description = "The body names another version than the stored one"),
        (status = 412, body = Problem, description = "`If-Match` names another version than the stored one"),
        (status = 422, body = Problem, description = "The body is no experiment, changes what must stay, or the shop has too many"),
        (status = 428, body = Problem, description = "A stored experiment is changed only over a named version"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(wanted): Body<Wanted>,
) -> Result<Response, Problem> {
    let expected = Expected::of(&headers, wanted.version);
    let all = stored(&app, &access).await?;
    let before = all.iter().find(|setting| setting.id == id);
    let now = app.context.clock.now();
    let experiment = wanted.check(id, before.map(|setting| &setting.value), now)?;
    if before.is_none() {
        keep::has_room(all.len(), MAX_EXPERIMENTS)?;
    }
    let from = expected.over(before.map_or(0, |setting| setting.version))?;
    keep::put(&app, &access, (EXPERIMENT, &experiment.id), &experiment, (from, expected)).await?;
    let others = overlaps(&experiment, &values(&all));
    let view = View::of(experiment, from + 1).written_by(Some(access.author.clone()), Some(now)).overlapping(others);
    Ok((etag(from + 1), Json(view)).into_response())
}

/// Remove an experiment
///
/// A draft, or one that is over. Its decisions keep its name.
#[utoipa::path(delete, path = "/v1/experiments/{id}", tag = "manage", operation_id = "delete_experiment",
    params(
        ("id" = String, Path, description = "Id of the experiment"),
        ("If-Match" = Option<String>, Header, description = "The version to remove, in quotes; the present one if it is not said"),
    ),
    responses(
        (status = 204, description = "The experiment is gone"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "There is no such experiment"),
        (status = 412, body = Problem, description = "`If-Match` names another version than the stored one"),
        (status = 422, body = Problem, description = "It runs: stop it first"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn delete(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let expected = Expected::of(&headers, None);
    let all = stored(&app, &access).await?;
    let setting = all.iter().find(|setting| setting.id == id).ok_or_else(unknown)?;
    if setting.value.status == Status::Running {
        let faults = setting.value.faults_of_removal();
        return Err(keep::refused("experiment-runs", "an experiment that runs is stopped first", faults));
    }
    // One that was started meanwhile stays.
    let seen = if expected == Expected::Unsaid { Expected::Header(setting.version) } else { expected };
    let removed = keep::remove(&app, &access, (EXPERIMENT, &id), seen).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}
