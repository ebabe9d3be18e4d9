//! Segments: those every shop starts with, as it has changed them, and its own; and how large one would be.

pub(crate) mod alike;
mod shape;
pub(crate) mod size;
pub(crate) mod unknown;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use vitrine_domain::segment::{MAX_SEGMENTS, shipped};
use vitrine_domain::{Fault, Segment};
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::settings::{SEGMENT, Versioned};

use crate::keep::{self, Change, Kept, Standing};
use crate::lock::{Expected, etag};

use shape::Segments;
pub(crate) use shape::{View, Wanted};

/// A definition; none is that the shop removed one that every shop starts with.
impl Kept for Option<Segment> {
    const KIND: &'static str = SEGMENT;
    const MOST: usize = MAX_SEGMENTS;

    fn show(self, standing: Standing) -> impl Serialize {
        self.map(|segment| View::of(segment, standing))
    }

    fn faults_over(&self, _now: Option<&Self>) -> Vec<Fault> {
        self.as_ref().map(Segment::faults).unwrap_or_default()
    }
}

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
        Some(setting) => Some(View::of(setting.value.clone()?, Standing::of(setting))),
        None => {
            let shipped = shipped().into_iter().find(|segment| segment.id == id);
            shipped.map(|segment| View::of(segment, Standing::default()))
        }
    }
}

/// The shop's segments
///
/// Those that every shop starts with, as the shop has changed them, and its own; with the sizes of the last daily sweep, and
/// everything that a segment can ask of a visitor besides the customer's own fields.
#[utoipa::path(get, path = "/v1/segments", tag = "manage", operation_id = "get_segments",
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = Segments, description = "All segments"),
        keep::Reading,
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
    security(("basic" = ["view"])),
    params(("id" = String, Path, description = "Id of the segment")),
    responses(
        (status = 200, body = View, description = "The segment as it is now",
            headers(("ETag" = String, description = "The version, in quotes; zero is a segment as it was shipped"))),
        keep::Finding,
    ))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess<Look>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let view = standing(&stored(&app, &access).await?, &id).ok_or_else(unknown)?;
    Ok((etag(view.standing.version), Json(view)).into_response())
}

/// Make or change a segment
///
/// Decisions go by it within seconds, profiles by their next event or the next daily sweep.
#[utoipa::path(put, path = "/v1/segments/{id}", tag = "manage", operation_id = "put_segment", request_body = Wanted,
    security(("basic" = ["manage"])),
    params(
        ("id" = String, Path, description = "Id of the segment: lower-case letters, digits and hyphens"),
        ("If-Match" = Option<String>, Header, description = "The version it was made from, in quotes"),
    ),
    responses(
        (status = 200, body = View, description = "The segment as it is now",
            headers(("ETag" = String, description = "The new version, in quotes"))),
        keep::Writing,
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(id): Path<String>,
    Change { wanted, expected }: Change<Wanted>,
) -> Result<Response, Problem> {
    let segment = wanted.check(id)?;
    let own = stored(&app, &access).await?;
    let current = own.iter().find(|setting| setting.id == segment.id).map(|setting| setting.version);
    if current.is_none() {
        let shipped = shipped().iter().filter(|segment| own.iter().all(|setting| setting.id != segment.id)).count();
        keep::has_room(own.len() + shipped, MAX_SEGMENTS)?;
    }
    let from = expected.over(current.or_else(|| is_shipped(&segment.id).then_some(0)))?;
    let id = segment.id.clone();
    let segment = Some(segment);
    let (standing, _) = keep::put(&app, &access, &id, &segment, (from, expected)).await?;
    Ok(keep::shown(segment, standing))
}

fn is_shipped(id: &str) -> bool {
    shipped().iter().any(|segment| segment.id == id)
}

/// Remove a segment
///
/// Rules and experiments that name it hold for nobody then. Of a segment that every shop starts with it is remembered that
/// this one does not have it; `undo` brings it back.
#[utoipa::path(delete, path = "/v1/segments/{id}", tag = "manage", operation_id = "delete_segment",
    security(("basic" = ["manage"])),
    params(
        ("id" = String, Path, description = "Id of the segment"),
        ("If-Match" = Option<String>, Header, description = "The version to remove, in quotes; any if it is not said"),
    ),
    responses(
        (status = 204, description = "The segment is gone"),
        keep::Removing,
    ))]
pub(crate) async fn delete(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let expected = Expected::of(&headers, None);
    let view = standing(&stored(&app, &access).await?, &id).ok_or_else(unknown)?;
    if is_shipped(&id) {
        let from = match expected {
            Expected::Unsaid => view.standing.version,
            said => said.over(Some(view.standing.version))?,
        };
        keep::put(&app, &access, &id, &None::<Segment>, (from, expected)).await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    let removed = keep::remove::<Option<Segment>>(&app, &access, &id, expected).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}
