//! Who is held out of all experiments.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitrine_domain::Millis;
use vitrine_domain::experiment::HoldOut;
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Body, Problem, ServerAccess};
use vitrine_store::settings::{HOLD_OUT, ONE};

use crate::keep;
use crate::lock::{Expected, etag};

/// What is hashed with the visitor unless the shop says otherwise.
const SEED: &str = "hold-out";

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
    /// Grows with every change; zero is the setting as it was shipped: nobody.
    version: u64,
}

impl View {
    fn of(hold_out: HoldOut, version: u64) -> Self {
        let HoldOut { seed, share, personalization, since } = hold_out;
        let since = (since > Millis::default()).then(|| since.to_rfc3339());
        Self { share, seed, personalization, since, version }
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
    /// Only then `/v1/results` tells what personalization caused.
    #[serde(default)]
    personalization: bool,
    /// The version it was made from, unless `If-Match` says it; zero for the setting as shipped.
    version: Option<u64>,
    /// So that what was read can be sent back.
    #[serde(default, rename = "since")]
    #[schema(ignore)]
    _since: IgnoredAny,
}

/// The setting and its version.
async fn stored<N>(app: &App, access: &ServerAccess<N>) -> Result<(HoldOut, u64), Problem> {
    let found = app.context.table.setting(&access.shop, HOLD_OUT, ONE).await?;
    let nobody = HoldOut { seed: SEED.to_owned(), share: 0.0, personalization: false, since: Millis::default() };
    Ok(found.map_or((nobody, 0), |setting| (setting.value, setting.version)))
}

/// Who is held out of all experiments
#[utoipa::path(get, path = "/v1/settings/hold-out", tag = "manage", operation_id = "get_hold_out",
    responses(
        (status = 200, body = View, description = "The setting as it is now",
            headers(("ETag" = String, description = "The version, in quotes"))),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn get(State(app): State<App>, access: ServerAccess<Look>) -> Result<Response, Problem> {
    let (hold_out, version) = stored(&app, &access).await?;
    Ok((etag(version), Json(View::of(hold_out, version))).into_response())
}

/// Change who is held out of all experiments
///
/// They see the shop without any experiment, whatever comes and goes, so that what all of them together achieve can be
/// measured. Who it is follows from a hash; a larger share keeps those who were held out at a smaller one.
#[utoipa::path(put, path = "/v1/settings/hold-out", tag = "manage", operation_id = "put_hold_out", request_body = Wanted,
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
    let seed = wanted.seed.unwrap_or_else(|| SEED.to_owned());
    let (before, version) = stored(&app, &access).await?;
    let hold_out = HoldOut { seed, share: wanted.share, personalization: wanted.personalization, ..before.clone() };
    // Others are held out, or of other things: what was measured until now is not of them.
    let since = if hold_out == before { before.since } else { app.context.clock.now() };
    let hold_out = HoldOut { since, ..hold_out };
    let faults = hold_out.faults();
    if !faults.is_empty() {
        return Err(keep::refused("invalid-hold-out", "this is no hold-out; `errors` says where", faults));
    }
    let from = expected.over(version)?;
    keep::put(&app, &access, (HOLD_OUT, ONE), &hold_out, (from, expected)).await?;
    Ok((etag(from + 1), Json(View::of(hold_out, from + 1))).into_response())
}
