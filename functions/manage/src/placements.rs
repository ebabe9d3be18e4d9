//! Placements: the ones every shop starts with, and the shop's own.

mod shape;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use vitrine_domain::{Fault, Placement};
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::settings::PLACEMENT;

use crate::keep::{self, Change, Kept, Standing};
use crate::lock::Expected;

use shape::MAX_NAME;
pub(crate) use shape::{View, Wanted, words};

/// Most placements of a shop: all are read together.
const MAX_PLACEMENTS: usize = 200;

impl Kept for Placement {
    const KIND: &'static str = PLACEMENT;
    const MOST: usize = MAX_PLACEMENTS;

    fn show(self, standing: Standing) -> impl Serialize {
        View::of(self, standing)
    }

    fn faults_over(&self, _now: Option<&Self>) -> Vec<Fault> {
        self.faults()
    }
}

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
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = Placements, description = "All placements"),
        keep::Reading,
    ))]
pub(crate) async fn list(State(app): State<App>, access: ServerAccess<Look>) -> Result<Json<Placements>, Problem> {
    let own = app.context.table.settings::<Placement>(&access.shop, PLACEMENT).await?;
    let shipped = Placement::shipped().into_iter();
    let shipped = shipped.map(|placement| (placement.name.clone(), View::of(placement, Standing::default())));
    let mut all: BTreeMap<String, View> = shipped.collect();
    all.extend(own.into_iter().map(|setting| {
        let standing = Standing::of(&setting);
        (setting.id, View::of(setting.value, standing))
    }));
    Ok(Json(Placements { placements: all.into_values().collect() }))
}

/// Make or change a placement
#[utoipa::path(put, path = "/v1/placements/{name}", tag = "manage", operation_id = "put_placement", request_body = Wanted,
    security(("basic" = ["manage"])),
    params(
        ("name" = String, Path, description = "Name of the placement: lower-case letters, digits and hyphens"),
        ("If-Match" = Option<String>, Header, description = "The version it was made from, in quotes"),
    ),
    responses(
        (status = 200, body = View, description = "The setting as it is now",
            headers(("ETag" = String, description = "The new version, in quotes"))),
        keep::Writing,
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(name): Path<String>,
    Change { wanted, expected }: Change<Wanted>,
) -> Result<Response, Problem> {
    let placement = wanted.check(name)?;
    let own = app.context.table.settings::<Placement>(&access.shop, PLACEMENT).await?;
    let current = own.iter().find(|setting| setting.id == placement.name).map(|setting| setting.version);
    if current.is_none() && own.len() >= MAX_PLACEMENTS {
        return Err(Problem::unprocessable("too-many-placements", "a shop has at most 200 placements of its own"));
    }
    let shipped = || Placement::shipped().iter().any(|other| other.name == placement.name);
    let from = expected.over(current.or_else(|| shipped().then_some(0)))?;
    let (standing, _) = keep::put(&app, &access, &placement.name, &placement, (from, expected)).await?;
    Ok(keep::shown(placement, standing))
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
    security(("basic" = ["manage"])),
    params(
        ("name" = String, Path, description = "Name of the placement"),
        ("If-Match" = Option<String>, Header, description = "The version to remove, in quotes; any if it is not said"),
    ),
    responses(
        (status = 204, description = "The placement is gone, or as it was shipped"),
        keep::Removing,
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
    let removed = keep::remove::<Placement>(&app, &access, &name, Expected::of(&headers, None)).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}
