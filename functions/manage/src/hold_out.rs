//! Who is held out of all experiments.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitrine_domain::experiment::HoldOut;
use vitrine_http::auth::scope::Manage;
use vitrine_http::{App, Body, Problem, ServerAccess};
use vitrine_store::settings::{HOLD_OUT, ONE, Versioned};

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
    /// Grows with every change; zero is the setting as it was shipped: nobody.
    version: u64,
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
    /// The version it was made from, unless `If-Match` says it; zero for the setting as shipped.
    version: Option<u64>,
}

async fn stored(app: &App, access: &ServerAccess<Manage>) -> Result<View, Problem> {
    let settings: Vec<Versioned<HoldOut>> = app.context.table.settings(&access.shop, HOLD_OUT).await?;
    let nobody = View { share: 0.0, seed: SEED.to_owned(), version: 0 };
    Ok(settings.into_iter().find(|setting| setting.id == ONE).map_or(nobody, |setting| View {
        share: setting.value.share,
        seed: setting.value.seed,
        version: setting.version,
    }))
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
pub(crate) async fn get(State(app): State<App>, access: ServerAccess<Manage>) -> Result<Response, Problem> {
    let view = stored(&app, &access).await?;
    Ok((etag(view.version), Json(view)).into_response())
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
    let hold_out = HoldOut { seed: wanted.seed.unwrap_or_else(|| SEED.to_owned()), share: wanted.share };
    let faults = hold_out.faults();
    if !faults.is_empty() {
        return Err(keep::refused("invalid-hold-out", "this is no hold-out; `errors` says where", faults));
    }
    let from = expected.over(stored(&app, &access).await?.version)?;
    keep::put(&app, &access, (HOLD_OUT, ONE), &hold_out, (from, expected)).await?;
    let HoldOut { seed, share } = hold_out;
    Ok((etag(from + 1), Json(View { share, seed, version: from + 1 })).into_response())
}
