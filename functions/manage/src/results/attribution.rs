//! By what a shop's results are made.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitrine_domain::results::Attribution;
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Body, Problem, ServerAccess};
use vitrine_store::settings::{ATTRIBUTION, ONE};

use crate::keep;
use crate::lock::{Expected, etag};

/// The setting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attribution)]
pub(crate) struct View {
    /// The currency of all amounts; none for the one of most orders.
    currency: Option<String>,
    /// Days after a click in which an order of the product is the placement's.
    click_days: f64,
    /// Days after a product was shown, and not clicked, in which an order of it is noted with the placement.
    view_days: f64,
    /// What is left of a unit of revenue when goods and shipping are paid.
    margin: Option<f64>,
    /// What personalization costs a month.
    cost_per_month: Option<f64>,
    /// Grows with every change; zero is the setting as it was shipped.
    version: u64,
}

/// The setting as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewAttribution)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The currency of all amounts, three capital letters; the one of most orders unless said otherwise.
    #[schema(example = "EUR", min_length = 3, max_length = 3)]
    currency: Option<String>,
    /// Days after a click in which an order of the product is the placement's: above 0, at most 90.
    #[schema(exclusive_minimum = 0, maximum = 90, example = 7)]
    click_days: f64,
    /// Days after a product was shown, and not clicked, in which an order of it is noted with the placement: 0 to 90.
    #[schema(minimum = 0, maximum = 90, example = 1)]
    view_days: f64,
    /// What is left of a unit of revenue when goods and shipping are paid: above 0, at most 1. With the cost it makes the business
    /// case.
    #[schema(exclusive_minimum = 0, maximum = 1, example = 0.3)]
    margin: Option<f64>,
    /// What personalization costs a month, in the currency: the cloud, and the people who tend it.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 400)]
    cost_per_month: Option<f64>,
    /// The version it was made from, unless `If-Match` says it; zero for the setting as shipped.
    version: Option<u64>,
}

impl View {
    fn of(attribution: Attribution, version: u64) -> Self {
        let Attribution { currency, click_days, view_days, margin, cost_per_month } = attribution;
        Self { currency, click_days, view_days, margin, cost_per_month, version }
    }
}

async fn stored<N>(app: &App, access: &ServerAccess<N>) -> Result<View, Problem> {
    let found = app.context.table.setting(&access.shop, ATTRIBUTION, ONE).await?;
    Ok(found.map_or_else(|| View::of(Attribution::default(), 0), |setting| View::of(setting.value, setting.version)))
}

/// By what results are made
#[utoipa::path(get, path = "/v1/settings/attribution", tag = "manage", operation_id = "get_attribution",
    responses(
        (status = 200, body = View, description = "The setting as it is now",
            headers(("ETag" = String, description = "The version, in quotes"))),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn get(State(app): State<App>, access: ServerAccess<Look>) -> Result<Response, Problem> {
    let view = stored(&app, &access).await?;
    Ok((etag(view.version), Json(view)).into_response())
}

/// Change by what results are made
///
/// It holds for all results, those of the past too, from the next training on.
#[utoipa::path(put, path = "/v1/settings/attribution", tag = "manage", operation_id = "put_attribution", request_body = Wanted,
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
    let Wanted { currency, click_days, view_days, margin, cost_per_month, .. } = wanted;
    let attribution = Attribution { currency, click_days, view_days, margin, cost_per_month };
    let faults = attribution.faults();
    if !faults.is_empty() {
        return Err(keep::refused("invalid-attribution", "this is no attribution; `errors` says where", faults));
    }
    let from = expected.over(stored(&app, &access).await?.version)?;
    keep::put(&app, &access, (ATTRIBUTION, ONE), &attribution, (from, expected)).await?;
    Ok((etag(from + 1), Json(View::of(attribution, from + 1))).into_response())
}
