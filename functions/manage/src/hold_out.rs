//! Who is held out of all experiments.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use vitrine_domain::experiment::HoldOut;
use vitrine_domain::{Fault, Millis};
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::settings::{HOLD_OUT, ONE};

use crate::keep::{self, Change, Kept, One, Standing};

/// The setting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HoldOut)]
pub(crate) struct View {
    /// The share of visitors who are left out of all experiments, 0 to 0.5.
    share: f64,
    /// What is hashed with the visitor: another one chooses other visitors.
    seed: String,
    /// Whether they see the shop without personalization too: what everybody wants, and what goes with a product on the page.
    personalization: bool,
    /// Since when exactly these visitors are held out; results count from then on. Absent if nobody is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    since: Option<String>,
    /// How it stands.
    #[serde(flatten)]
    standing: Standing,
}

impl Kept for HoldOut {
    const KIND: &'static str = HOLD_OUT;

    fn show(self, standing: Standing) -> impl Serialize {
        let Self { seed, share, personalization, since } = self;
        let since = (since > Millis::default()).then(|| since.to_rfc3339());
        View { share, seed, personalization, since, standing }
    }

    fn faults_over(&self, _now: Option<&Self>) -> Vec<Fault> {
        self.faults()
    }

    fn again(self, now: Option<Self>, time: Millis) -> Self {
        self.after(&now.unwrap_or_default(), time)
    }
}

impl One for HoldOut {
    const ID: &'static str = ONE;
    const WRONG: &'static str = "invalid-hold-out";

    fn read(stored: Option<Value>) -> serde_json::Result<Self> {
        stored.map_or_else(|| Ok(Self::default()), serde_json::from_value)
    }
}

/// The setting as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewHoldOut)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The share of visitors who are left out of all experiments, 0 to 0.5.
    #[schema(minimum = 0, maximum = 0.5, example = 0.05)]
    share: f64,
    /// What is hashed with the visitor: `hold-out` unless said otherwise.
    seed: Option<String>,
    /// Whether they see the shop without personalization too: what everybody wants, and what goes with a product on the page.
    /// Only then `/v1/results` tells what personalization caused; else what all experiments together did.
    #[serde(default)]
    personalization: bool,
    /// The version it was made from, unless `If-Match` says it; zero for the setting as shipped.
    version: Option<u64>,
}

impl Wanted {
    /// The setting, given what it was and the time.
    pub(crate) fn setting(self, before: &HoldOut, now: Millis) -> HoldOut {
        let Self { share, seed, personalization, .. } = self;
        let seed = seed.unwrap_or_else(|| HoldOut::default().seed);
        HoldOut { seed, share, personalization, since: now }.after(before, now)
    }
}

impl keep::Wanted for Wanted {
    const SHOWN: &'static [&'static str] = &["since"];

    fn version(&self) -> Option<u64> {
        self.version
    }
}

/// Who is held out of all experiments
#[utoipa::path(get, path = "/v1/settings/hold-out", tag = "manage", operation_id = "get_hold_out",
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = View, description = "The setting as it is now",
            headers(("ETag" = String, description = "The version, in quotes"))),
        keep::Reading,
    ))]
pub(crate) async fn get(State(app): State<App>, access: ServerAccess<Look>) -> Result<Response, Problem> {
    keep::get_one::<HoldOut, _>(&app, &access).await
}

/// Change who is held out of all experiments
///
/// They see the shop without any experiment, whatever comes and goes, so that what all of them together achieve can be
/// measured. Who it is follows from a hash; a larger share keeps those who were held out at a smaller one.
#[utoipa::path(put, path = "/v1/settings/hold-out", tag = "manage", operation_id = "put_hold_out", request_body = Wanted,
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
    let now = app.context.clock.now();
    keep::put_one(&app, &access, expected, |before| wanted.setting(before, now)).await
}
