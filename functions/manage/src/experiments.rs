//! Experiments: drafts, what runs, what is over; and how long one would take.

pub(crate) mod plan;
pub(crate) mod shape;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use vitrine_domain::experiment::{MAX_EXPERIMENTS, Status, overlaps};
use vitrine_domain::{Experiment, Fault};
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::settings::{EXPERIMENT, State as Past, Versioned};

use crate::keep::{self, Change, Kept, Standing};
use crate::lock::{Expected, etag};
use shape::{Experiments, View, Wanted};

impl Kept for Experiment {
    const KIND: &'static str = EXPERIMENT;
    const MOST: usize = MAX_EXPERIMENTS;

    fn show(self, standing: Standing) -> impl Serialize {
        View::of(self, standing)
    }

    fn faults_over(&self, now: Option<&Self>) -> Vec<Fault> {
        let of_change = now.map(|now| self.faults_of_change(now)).unwrap_or_default();
        // Whoever stood in it would stand in it again.
        let starts = self.status == Status::Running && now.is_none_or(|now| now.status != Status::Running);
        let how = "`draft` or `stopped`: nothing starts by going back";
        let of_start = starts.then(|| Fault { at: "/status".to_owned(), how: how.to_owned() });
        self.faults().into_iter().chain(of_change).chain(of_start).collect()
    }

    fn faults_of_removal(&self) -> Vec<Fault> {
        self.faults_of_removal()
    }
}

pub(crate) fn unknown() -> Problem {
    Problem::not_found("the shop has no experiment of this id; GET /v1/experiments lists those it has")
}

pub(crate) type Stored = Versioned<Experiment>;

pub(crate) async fn stored<N>(app: &App, access: &ServerAccess<N>) -> Result<Vec<Stored>, Problem> {
    Ok(app.context.table.settings(&access.shop, EXPERIMENT).await?)
}

/// # Errors
/// 422 if an experiment of this id has begun before, as far as its history tells: visitors are divided by the id, and profiles
/// remember variants by it, so the results of both would be mixed.
async fn is_fresh(app: &App, access: &ServerAccess<Manage>, id: &str) -> Result<(), Problem> {
    let past = app.context.table.setting_history(&access.shop, EXPERIMENT, id).await?;
    let read = |state: &Past| serde_json::from_str::<Experiment>(state.value.as_deref()?.get()).ok();
    if past.iter().filter_map(read).all(|was| was.status == Status::Draft) {
        return Ok(());
    }
    let why = "an experiment of this id has begun before: its visitors would meet what they met then; take another id";
    Err(Problem::unprocessable("experiment-has-begun", why))
}

fn view(setting: &Stored, all: &[Experiment]) -> View {
    View::of(setting.value.clone(), Standing::of(setting)).overlapping(overlaps(&setting.value, all))
}

fn values(all: &[Stored]) -> Vec<Experiment> {
    all.iter().map(|setting| setting.value.clone()).collect()
}

/// The shop's experiments
///
/// In the order of their ids, each with those it overlaps with.
#[utoipa::path(get, path = "/v1/experiments", tag = "manage", operation_id = "get_experiments",
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = Experiments, description = "All experiments"),
        keep::Reading,
    ))]
pub(crate) async fn list(State(app): State<App>, access: ServerAccess<Look>) -> Result<Json<Experiments>, Problem> {
    let all = stored(&app, &access).await?;
    let values = values(&all);
    Ok(Json(Experiments { experiments: all.iter().map(|setting| view(setting, &values)).collect() }))
}

/// An experiment
#[utoipa::path(get, path = "/v1/experiments/{id}", tag = "manage", operation_id = "get_experiment",
    security(("basic" = ["view"])),
    params(("id" = String, Path, description = "Id of the experiment")),
    responses(
        (status = 200, body = View, description = "The experiment as it is now",
            headers(("ETag" = String, description = "The version, in quotes"))),
        keep::Finding,
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
/// experiment's result depends on cannot be changed, and an id whose experiment has begun is not used for another one, also
/// after it was removed. `overlaps` says with which others it gets into one visitor.
#[utoipa::path(put, path = "/v1/experiments/{id}", tag = "manage", operation_id = "put_experiment", request_body = Wanted,
    security(("basic" = ["manage"])),
    params(
        ("id" = String, Path, description = "Id of the experiment: lower-case letters, digits and hyphens"),
        ("If-Match" = Option<String>, Header, description = "The version it was made from, in quotes"),
    ),
    responses(
        (status = 200, body = View, description = "The experiment as it is now",
            headers(("ETag" = String, description = "The new version, in quotes"))),
        keep::Writing,
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(id): Path<String>,
    Change { wanted, expected }: Change<Wanted>,
) -> Result<Response, Problem> {
    let all = stored(&app, &access).await?;
    let before = all.iter().find(|setting| setting.id == id);
    let experiment = wanted.check(id, before.map(|setting| &setting.value), app.context.clock.now())?;
    if before.is_none() {
        keep::has_room(all.len(), MAX_EXPERIMENTS)?;
    }
    let from = expected.over(before.map(|setting| setting.version))?;
    let starts = |setting: &Stored| setting.value.status == Status::Draft && experiment.status == Status::Running;
    if before.is_none_or(starts) {
        is_fresh(&app, &access, &experiment.id).await?;
    }
    let (standing, _) = keep::put(&app, &access, &experiment.id, &experiment, (from, expected)).await?;
    let others = overlaps(&experiment, &values(&all));
    let view = View::of(experiment, standing).overlapping(others);
    Ok((etag(from + 1), Json(view)).into_response())
}

/// Remove an experiment
///
/// A draft, or one that is over. Its decisions keep its name.
#[utoipa::path(delete, path = "/v1/experiments/{id}", tag = "manage", operation_id = "delete_experiment",
    security(("basic" = ["manage"])),
    params(
        ("id" = String, Path, description = "Id of the experiment"),
        ("If-Match" = Option<String>, Header, description = "The version to remove, in quotes; the present one if it is not said"),
    ),
    responses(
        (status = 204, description = "The experiment is gone"),
        keep::Removing,
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
    let removed = keep::remove::<Experiment>(&app, &access, &id, seen).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}
