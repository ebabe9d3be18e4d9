//! Segments: those every shop starts with, as it has changed them, and its own; and how large one would be.

pub(crate) mod alike;
mod shape;
pub(crate) mod size;
pub(crate) mod unknown;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use vitrine_domain::Segment;
use vitrine_domain::segment::{MAX_SEGMENTS, shipped};
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Body, Problem, ServerAccess};
use vitrine_store::settings::{SEGMENT, Versioned};

use crate::keep;
use crate::lock::{Expected, etag};

pub(crate) use shape::View;
use shape::{Segments, Wanted};

fn unknown() -> Problem {
    Problem::not_found("the shop has no segment of this id; GET /v1/segments lists those it has")
}

type Stored = Versioned<Option<Segment>>;

async fn stored<N>(app: &App, access: &ServerAccess<N>) -> Result<Vec<Stored>, Problem> {
    Ok(app.context.table.settings(&access.shop, SEGMENT).await?)
}

/// The segment of an id as it stands, with whoever wrote it; none if there is none or it was removed.
fn standing(own: &[Stored], id: &str) -> Option<View> {
    match own.iter().find(|setting| setting.id == id) {
        Some(setting) => {
            let segment = setting.value.clone()?;
            Some(View::of(segment, setting.version).written_by(setting.author.clone(), setting.written))
        }
        None => shipped().into_iter().find(|segment| segment.id == id).map(|segment| View::of(segment, 0)),
    }
}

/// The shop's segments
///
/// Those that every shop starts with, as the shop has changed them, and its own; with the sizes of the last daily sweep, and
/// everything that a segment can ask of a visitor besides the customer's own fields.
#[utoipa::path(get, path = "/v1/segments", tag = "manage", operation_id = "get_segments",
    responses(
        (status = 200, body = Segments, description = "All segments"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn list(State(app): State<App>, access: ServerAccess<Look>) -> Result<Json<Segments>, Problem> {
    let (own, census) = tokio::join!(stored(&app, &access), app.context.objects.census(&access.shop));
    let (own, census) = (own?, census?);
    let ids = shipped().into_iter().map(|segment| segment.id).chain(own.iter().map(|setting| setting.id.clone()));
    let ids: std::collections::BTreeSet<String> = ids.collect();
    let views = ids.iter().filter_map(|id| standing(&own, id));
    Ok(Json(Segments::of(views.collect(), census.map(|census| census.head))))
}

/// A segment
#[utoipa::path(get, path = "/v1/segments/{id}", tag = "manage", operation_id = "get_segment",
    params(("id" = String, Path, description = "Id of the segment")),
    responses(
        (status = 200, body = View, description = "The segment as it is now",
            headers(("ETag" = String, description = "The version, in quotes; zero is a segment as it was shipped"))),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "There is no such segment"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess<Look>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let view = standing(&stored(&app, &access).await?, &id).ok_or_else(unknown)?;
    Ok((etag(view.version), Json(view)).into_response())
}

/// Make or change a segment
///
/// Decisions go by it within seconds, profiles by their next event or the next daily sweep.
#[utoipa::path(put, path = "/v1/segments/{id}", tag = "manage", operation_id = "put_segment", request_body = Wanted,
    params(
        ("id" = String, Path, description = "Id of the segment: lower-case letters, digits and hyphens"),
        ("If-Match" = Option<String>, Header, description = "The version it was made from, in quotes"),
    ),
    responses(
        (status = 200, body = View, description = "The segment as it is now",
            headers(("ETag" = String, description = "The new version, in quotes"))),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 409, body = Problem, description = "The body names another version than the stored one"),
        (status = 412, body = Problem, description = "`If-Match` names another version than the stored one"),
        (status = 422, body = Problem, description = "The body is no segment, or the shop has too many"),
        (status = 428, body = Problem, description = "A stored segment is changed only over a named version"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(wanted): Body<Wanted>,
) -> Result<Response, Problem> {
    let expected = Expected::of(&headers, wanted.version);
    let segment = wanted.check(id)?;
    let own = stored(&app, &access).await?;
    let current = own.iter().find(|setting| setting.id == segment.id).map_or(0, |setting| setting.version);
    if current == 0 {
        let shipped = shipped().iter().filter(|segment| own.iter().all(|setting| setting.id != segment.id)).count();
        keep::has_room(own.len() + shipped, MAX_SEGMENTS)?;
    }
    let from = expected.over(current)?;
    keep::put(&app, &access, (SEGMENT, &segment.id), &segment, (from, expected)).await?;
    let view = View::of(segment, from + 1).written_by(Some(access.author.clone()), Some(app.context.clock.now()));
    Ok((etag(from + 1), Json(view)).into_response())
}

/// Remove a segment
///
/// Rules and experiments that name it hold for nobody then. Of a segment that every shop starts with it is remembered that
/// this one does not have it; `undo` brings it back.
#[utoipa::path(delete, path = "/v1/segments/{id}", tag = "manage", operation_id = "delete_segment",
    params(
        ("id" = String, Path, description = "Id of the segment"),
        ("If-Match" = Option<String>, Header, description = "The version to remove, in quotes; any if it is not said"),
    ),
    responses(
        (status = 204, description = "The segment is gone"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "There is no such segment"),
        (status = 412, body = Problem, description = "`If-Match` names another version than the stored one"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn delete(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let expected = Expected::of(&headers, None);
    let view = standing(&stored(&app, &access).await?, &id).ok_or_else(unknown)?;
    if shipped().iter().any(|segment| segment.id == id) {
        let from = match expected {
            Expected::Unsaid | Expected::Any => view.version,
            said => said.over(view.version)?,
        };
        keep::put(&app, &access, (SEGMENT, &id), &None::<Segment>, (from, expected)).await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    let removed = keep::remove(&app, &access, (SEGMENT, &id), expected).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}
