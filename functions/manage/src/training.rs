//! How the shop's models are trained and kept.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use vitrine_domain::Fault;
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::training::{ID, KIND, Training};

use crate::keep::{self, Change, Kept, One, Standing};

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
    /// How it stands.
    #[serde(flatten)]
    standing: Standing,
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

impl keep::Wanted for Wanted {
    fn version(&self) -> Option<u64> {
        self.version
    }
}

impl Kept for Training {
    const KIND: &'static str = KIND;

    fn show(self, standing: Standing) -> impl Serialize {
        let Self { keep, gate, gate_cases, warm, actions, memory_mb, threads } = self;
        View { keep, gate, gate_cases, warm, actions, memory_mb, threads, standing }
    }

    fn faults_over(&self, _now: Option<&Self>) -> Vec<Fault> {
        self.faults()
    }
}

impl One for Training {
    const ID: &'static str = ID;
    const WRONG: &'static str = "invalid-training";

    fn read(stored: Option<Value>) -> serde_json::Result<Self> {
        Ok(Self::read(stored))
    }
}

impl Wanted {
    pub(crate) fn setting(self) -> Training {
        let shipped = Training::default();
        Training {
            keep: self.keep.unwrap_or(shipped.keep),
            gate: self.gate.unwrap_or(shipped.gate),
            gate_cases: self.gate_cases.unwrap_or(shipped.gate_cases),
            warm: self.warm.unwrap_or(shipped.warm),
            actions: self.actions.unwrap_or(shipped.actions),
            memory_mb: self.memory_mb.unwrap_or(shipped.memory_mb),
            threads: self.threads.unwrap_or(shipped.threads),
        }
    }
}

/// The shop's training setting
#[utoipa::path(get, path = "/v1/settings/training", tag = "manage", operation_id = "get_training",
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = View, description = "The setting as it is now",
            headers(("ETag" = String, description = "The version, in quotes"))),
        keep::Reading,
    ))]
pub(crate) async fn get(State(app): State<App>, access: ServerAccess<Look>) -> Result<Response, Problem> {
    keep::get_one::<Training, _>(&app, &access).await
}

/// Change the shop's training setting
///
/// It holds from the next training on.
#[utoipa::path(put, path = "/v1/settings/training", tag = "manage", operation_id = "put_training", request_body = Wanted,
    security(("basic" = ["manage"])),
    params(("If-Match" = Option<String>, Header, description = "The version it was made from, in quotes")),
    responses(
        (status = 200, body = View, description = "The setting as it is now",
            headers(("ETag" = String, description = "The new version, in quotes"))),
        keep::Writing,
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Change { wanted, expected }: Change<Wanted>,
) -> Result<Response, Problem> {
    let training = wanted.setting();
    keep::put_one(&app, &access, expected, |_| training).await
}
