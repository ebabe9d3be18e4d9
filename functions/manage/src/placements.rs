//! Placements: the ones every shop starts with, and the shop's own.

mod shape;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use vitrine_domain::Placement;
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Body, Problem, ServerAccess};
use vitrine_store::settings::PLACEMENT;

use crate::keep;
use crate::lock::{Expected, etag};

use shape::{MAX_NAME, Wanted};
pub(crate) use shape::{View, words};

/// Most placements of a shop: all are read together.
pub(crate) const MAX_PLACEMENTS: usize = 200;

/// All placements of a shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Placements {
    /// In the order of their names.
    placements: Vec<View>,
}

/// The shop's placements
///
/// Those that every shop starts with, as the shop has changed them, and its own.
#[utoipa::path(get, path = "/v1/placements", tag = "manage", operation_id = "get_placements",
    responses(
        (status = 200, body = Placements, description = "All placements"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn list(State(app): State<App>, access: ServerAccess<Look>) -> Result<Json<Placements>, Problem> {
    let own = app.context.table.settings::<Placement>(&access.shop, PLACEMENT).await?;
    let shipped = Placement::shipped().into_iter().map(|placement| (placement.name.clone(), View::of(placement, 0)));
    let mut all: BTreeMap<String, View> = shipped.collect();
    all.extend(own.into_iter().map(|setting| {
        (setting.id, View::of(setting.value, setting.version).written_by(setting.author, setting.written))
    }));
    Ok(Json(Placements { placements: all.into_values().collect() }))
}

/// Make or change a placement
#[utoipa::path(put, path = "/v1/placements/{name}", tag = "manage", operation_id = "put_placement", request_body = Wanted,
    params(
        ("name" = String, Path, description = "Name of the placement: lower-case letters, digits and hyphens"),
        ("If-Match" = Option<String>, Header, description = "The version it was made from, in quotes"),
    ),
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
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(wanted): Body<Wanted>,
) -> Result<Response, Problem> {
    let expected = Expected::of(&headers, wanted.version);
    let placement = wanted.check(name)?;
    let own = app.context.table.settings::<Placement>(&access.shop, PLACEMENT).await?;
    let current = own.iter().find(|setting| setting.id == placement.name).map_or(0, |setting| setting.version);
    if current == 0 && own.len() >= MAX_PLACEMENTS {
        return Err(Problem::unprocessable("too-many-placements", "a shop has at most 200 placements of its own"));
    }
    let from = expected.over(current)?;
    keep::put(&app, &access, (PLACEMENT, &placement.name), &placement, (from, expected)).await?;
    let view = View::of(placement, from + 1).written_by(Some(access.author.clone()), Some(app.context.clock.now()));
    Ok((etag(from + 1), Json(view)).into_response())
}

fn unknown() -> Problem {
    Problem::not_found(
        "the shop has changed no placement of this name, and has no own one; GET /v1/placements tells which there are",
    )
}

/// Remove a placement
///
/// One that every shop starts with is as it was shipped again; another is gone, and requests that name it are answered with 404.
#[utoipa::path(delete, path = "/v1/placements/{name}", tag = "manage", operation_id = "delete_placement",
    params(
        ("name" = String, Path, description = "Name of the placement"),
        ("If-Match" = Option<String>, Header, description = "The version to remove, in quotes; any if it is not said"),
    ),
    responses(
        (status = 204, description = "The placement is gone, or as it was shipped"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "The shop has no such placement of its own"),
        (status = 412, body = Problem, description = "`If-Match` names another version than the stored one"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn delete(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    // The table takes no key of any length.
    if name.len() > MAX_NAME {
        return Err(unknown());
    }
    let removed = keep::remove(&app, &access, (PLACEMENT, &name), Expected::of(&headers, None)).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}
