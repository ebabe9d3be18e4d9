//! How the shop's models are trained and kept.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Body, Problem, ServerAccess};
use vitrine_store::training::{ID, KIND, Training};

use crate::lock::{Expected, etag};

/// The setting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Training)]
pub(crate) struct View {
    /// Newest versions that are kept to go back to; the live one always is.
    keep: usize,
    /// Whether a model that shows worse than the live one on the newest days is refused.
    gate: bool,
    /// With fewer people to judge by, a model is published without being compared.
    gate_cases: usize,
    /// Whether a training goes on from the live version instead of from nothing, while nothing was erased since.
    warm: bool,
    /// Most actions on products that are learned from; more is an error.
    actions: usize,
    /// Most memory that a training may be expected to take, in MB; more is an error.
    memory_mb: usize,
    /// Threads of a training; zero is one for each core.
    threads: usize,
    /// Grows with every change; zero is the setting as it was shipped.
    version: u64,
}

/// The setting as it shall be: a member that is not named is as it was shipped.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewTraining)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Newest versions that are kept to go back to, 1 to 20; 3 unless said otherwise.
    keep: Option<usize>,
    /// Whether a model that shows worse than the live one on the newest days is refused; yes unless said otherwise.
    gate: Option<bool>,
    /// With fewer people to judge by, a model is published without being compared: 10 to 100,000; 50 unless said
    /// otherwise.
    gate_cases: Option<usize>,
    /// Whether a training goes on from the live version while nothing was erased since; no unless said otherwise.
    warm: Option<bool>,
    /// Most actions on products that are learned from; 20,000,000 unless said otherwise.
    actions: Option<usize>,
    /// Most memory that a training may be expected to take, in MB; 16,000 unless said otherwise.
    memory_mb: Option<usize>,
    /// Threads of a training; zero, one for each core, unless said otherwise.
    threads: Option<usize>,
    /// The version it was made from, unless `If-Match` says it; zero for the setting as shipped.
    version: Option<u64>,
}

impl View {
    fn of(training: &Training, version: u64) -> Self {
        let Training { keep, gate, gate_cases, warm, actions, memory_mb, threads } = *training;
        Self { keep, gate, gate_cases, warm, actions, memory_mb, threads, version }
    }
}

impl Wanted {
    /// # Errors
    /// 422 with every member that is out of its range.
    fn check(self) -> Result<Training, Problem> {
        let shipped = Training::default();
        let training = Training {
            keep: self.keep.unwrap_or(shipped.keep),
            gate: self.gate.unwrap_or(shipped.gate),
            gate_cases: self.gate_cases.unwrap_or(shipped.gate_cases),
            warm: self.warm.unwrap_or(shipped.warm),
            actions: self.actions.unwrap_or(shipped.actions),
            memory_mb: self.memory_mb.unwrap_or(shipped.memory_mb),
            threads: self.threads.unwrap_or(shipped.threads),
        };
        let wrong = Problem::unprocessable("invalid-training", "this is no training setting; `errors` says where");
        let wrong = training.faults().into_iter().fold(wrong, |wrong, (name, rule)| wrong.at(format!("/{name}"), rule));
        if wrong.errors.is_empty() { Ok(training) } else { Err(wrong) }
    }
}

/// The shop's training setting
#[utoipa::path(get, path = "/v1/settings/training", tag = "manage", operation_id = "get_training",
    responses(
        (status = 200, body = View, description = "The setting as it is now",
            headers(("ETag" = String, description = "The version, in quotes"))),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn get(State(app): State<App>, access: ServerAccess<Look>) -> Result<Response, Problem> {
    let (training, version) = app.context.table.training(&access.shop).await?;
    Ok((etag(version), Json(View::of(&training, version))).into_response())
}

/// Change the shop's training setting
///
/// It holds from the next training on.
#[utoipa::path(put, path = "/v1/settings/training", tag = "manage", operation_id = "put_training", request_body = Wanted,
    params(("If-Match" = Option<String>, Header, description = "The version it was made from, in quotes")),
    responses(
        (status = 200, body = View, description = "The setting as it is now",
            headers(("ETag" = String, description = "The new version, in quotes"))),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 409, body = Problem, description = "The body names another version than the stored one"),
        (status = 412, body = Problem, description = "`If-Match` names another version than the stored one"),
        (status = 422, body = Problem, description = "The body is no such setting"),
        (status = 428, body = Problem, description = "A stored setting is changed only over a named version"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    headers: HeaderMap,
    Body(wanted): Body<Wanted>,
) -> Result<Response, Problem> {
    let expected = Expected::of(&headers, wanted.version);
    let training = wanted.check()?;
    let (_, current) = app.context.table.training(&access.shop).await?;
    let from = expected.over(current)?;
    match app.context.table.put_setting(&access.shop, KIND, ID, &training, from).await {
        Ok(_) => Ok((etag(from + 1), Json(View::of(&training, from + 1))).into_response()),
        Err(vitrine_store::Error::Conflict { .. }) => {
            Err(expected.refusal("somebody else changed it just now; read it again"))
        }
        Err(error) => Err(error.into()),
    }
}
