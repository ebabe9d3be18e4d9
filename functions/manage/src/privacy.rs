//! What a shop's events may be used for when they say nothing themselves.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use vitrine_domain::{Purpose, Shop};
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Body, Problem, ServerAccess};
use vitrine_store::privacy::{ID, KIND, Privacy};

use crate::lock::{Expected, etag};

/// The setting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Privacy)]
pub(crate) struct View {
    /// What events without a consent signal may be used for: `measure`, `personalise`, `experiment`, `market`.
    #[schema(value_type = Vec<String>, example = json!(["measure", "personalise", "experiment", "market"]))]
    default_purposes: Vec<Purpose>,
    /// Grows with every change; zero is the setting as it was shipped.
    version: u64,
}

/// The setting as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewPrivacy)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// What events without a consent signal may be used for: `measure`, `personalise`, `experiment`, `market`.
    #[schema(value_type = Vec<String>, example = json!(["measure"]))]
    default_purposes: Vec<Purpose>,
    /// The version it was made from, unless `If-Match` says it; zero for the setting as shipped.
    #[serde(default)]
    version: Option<u64>,
}

impl View {
    /// Every purpose once, in one order, whatever was sent.
    fn of(privacy: &Privacy, version: u64) -> Self {
        let granted = privacy.purposes();
        Self { default_purposes: Purpose::ALL.into_iter().filter(|p| granted.allows(*p)).collect(), version }
    }
}

/// What stands in the table, read as those read it who act on it: one that cannot be read grants nothing.
async fn stored(app: &App, shop: &Shop) -> Result<View, Problem> {
    let Some(setting) = app.context.table.setting::<Value>(shop, KIND, ID).await? else {
        return Ok(View { default_purposes: Purpose::ALL.to_vec(), version: 0 });
    };
    let privacy = serde_json::from_value(setting.value).unwrap_or(Privacy { default_purposes: Vec::new() });
    Ok(View::of(&privacy, setting.version))
}

/// The shop's privacy setting
#[utoipa::path(get, path = "/v1/settings/privacy", tag = "manage", operation_id = "get_privacy",
    responses(
        (status = 200, body = View, description = "The setting as it is now",
            headers(("ETag" = String, description = "The version, in quotes"))),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn get(State(app): State<App>, access: ServerAccess<Look>) -> Result<Response, Problem> {
    let view = stored(&app, &access.shop).await?;
    Ok((etag(view.version), Json(view)).into_response())
}

/// Change the shop's privacy setting
///
/// It holds for events to come; those that were written keep what they were written with. A change takes half a minute
/// to reach every function.
#[utoipa::path(put, path = "/v1/settings/privacy", tag = "manage", operation_id = "put_privacy", request_body = Wanted,
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
    let from = expected.over(stored(&app, &access.shop).await?.version)?;
    let new = View::of(&Privacy { default_purposes: wanted.default_purposes }, from + 1);
    let setting = Privacy { default_purposes: new.default_purposes.clone() };
    match app.context.table.put_setting(&access.shop, KIND, ID, &setting, from).await {
        Ok(_) => Ok((etag(new.version), Json(new)).into_response()),
        Err(vitrine_store::Error::Conflict { .. }) => {
            Err(expected.refusal("somebody else changed it just now; read it again"))
        }
        Err(error) => Err(error.into()),
    }
}
