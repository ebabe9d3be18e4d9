//! Who is like the visitors of a segment.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use vitrine_domain::alike::{ALIKE, LookAlikes, audience};
use vitrine_http::auth::scope::View as Look;
use vitrine_http::{App, Problem, ServerAccess};

use super::{standing, stored, unknown};

/// The look-alikes of a segment: how many against how alike.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LookAlikes)]
pub(crate) struct View {
    /// When they were found.
    #[schema(format = DateTime)]
    made: String,
    /// Visitors who were looked at: all who agree to be learned from, or a random part of very many.
    visitors: u64,
    /// How many of them are in the segment.
    members: u64,
    /// The mean cosine of these with their common direction: what look-alikes come near at best.
    own: f64,
    /// Audiences of several sizes, the smallest first. Empty for a segment of fewer than 20 visitors, and for one that asks for
    /// look-alikes itself.
    sizes: Vec<Size>,
}

/// An audience of look-alikes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LookAlikeSize)]
pub(crate) struct Size {
    /// Its size, in per cent of all visitors.
    percent: u8,
    /// Visitors who are in it and not in the segment.
    visitors: u64,
    /// Their mean cosine with the segment's direction.
    similarity: f64,
    /// The cosine of the last of them.
    least: f64,
    /// Of visitors of the segment who were hidden, the share that an audience of this size finds; by chance it is `percent` of
    /// a hundred.
    found: f64,
    /// A filter that they pass: `PUT /v1/segments/{id}` makes a segment of it. They do so from the training after on.
    filter: String,
}

/// The look-alikes of a segment
///
/// Visitors who are near those of the segment in the vector space of products and histories, and are not in it. Found by every
/// training, with the model that it left live.
#[utoipa::path(get, path = "/v1/segments/{id}/look-alikes", tag = "manage", operation_id = "get_look_alikes",
    security(("basic" = ["view"])),
    params(("id" = String, Path, description = "Id of the segment")),
    responses(
        (status = 200, body = View, description = "Size against likeness"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "There is no such segment"),
        (status = 409, body = Problem, description = "There are none before the first training"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess<Look>,
    Path(id): Path<String>,
) -> Result<Json<View>, Problem> {
    let (own, found) = tokio::join!(stored(&app, &access), app.context.objects.audiences(&access.shop));
    standing(&own?, &id).ok_or_else(unknown)?;
    let why = "there are no look-alikes yet: a training finds them; `POST /v1/retrain` begins one";
    let mut found = found?.ok_or_else(|| Problem::new(StatusCode::CONFLICT, "no-results", why))?;
    let LookAlikes { members, own, sizes, .. } = found.segments.remove(&id).unwrap_or_default();
    let size = |size: vitrine_domain::alike::Size| Size {
        percent: size.percent,
        visitors: size.visitors,
        similarity: size.similarity,
        least: size.least,
        found: size.found,
        filter: format!("{ALIKE} = \"{}\"", audience(&id, size.percent)),
    };
    let sizes = sizes.into_iter().map(size).collect();
    Ok(Json(View { made: found.at.to_rfc3339(), visitors: found.visitors, members, own, sizes }))
}
