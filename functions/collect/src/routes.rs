//! The addresses.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::{Json, Router};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitrine_http::{App, Problem, layers};

use crate::body::MAX_BODY;
use crate::intake::{Collect, take};
use crate::message::Kind;
use crate::schema::{Answer, BatchBody, EventBody};
use crate::sdk;

/// One address of the intake: its handler and its part of the OpenAPI document.
macro_rules! intake {
    ($name:ident, $path:tt, $kind:expr, $body:ty, $doc:tt) => {
        #[doc = $doc]
        #[utoipa::path(post, path = $path, tag = "collect", security(("query" = ["events"])),
                    request_body(content = $body, content_type = "application/json",
                        description = "JSON, gzipped or not, under any content type"),
                    responses(
                        (status = 200, body = Answer, description = "Durable, but for what is named as rejected"),
                        (status = 400, body = Problem, description = "No JSON object, or broken gzip"),
                        (status = 401, body = Problem, description = "The key is missing or not known"),
                        (status = 413, body = Problem, description = "Too large, after inflation"),
                        (status = 422, body = Problem, description = "The only event of the request cannot be taken"),
                        (status = 503, body = Problem, description = "The table is not available; send the same again"),
                    ))]
        async fn $name(State(state): State<Collect>, request: Request) -> Result<Json<Answer>, Problem> {
            take(&state, request, $kind).await
        }
    };
}

intake!(track, "/v1/track", Some(Kind::Track), EventBody, "Something was done");
intake!(identify, "/v1/identify", Some(Kind::Identify), EventBody, "Somebody said who they are");
intake!(page, "/v1/page", Some(Kind::Page), EventBody, "A page was loaded");
intake!(screen, "/v1/screen", Some(Kind::Screen), EventBody, "A screen of an app was opened");
intake!(group, "/v1/group", Some(Kind::Group), EventBody, "A visitor was put into a group");
intake!(alias, "/v1/alias", Some(Kind::Alias), EventBody, "Two identifiers are one person");
intake!(batch, "/v1/batch", None, BatchBody, "Many events at once");
intake!(import, "/v1/import", None, BatchBody, "Many events at once, the former address");
intake!(track_short, "/v1/t", Some(Kind::Track), EventBody, "Something was done, from a browser");
intake!(identify_short, "/v1/i", Some(Kind::Identify), EventBody, "Somebody said who they are, from a browser");
intake!(page_short, "/v1/p", Some(Kind::Page), EventBody, "A page was loaded, from a browser");
intake!(screen_short, "/v1/s", Some(Kind::Screen), EventBody, "A screen was opened, from a browser");
intake!(group_short, "/v1/g", Some(Kind::Group), EventBody, "A visitor was put into a group, from a browser");
intake!(alias_short, "/v1/a", Some(Kind::Alias), EventBody, "Two identifiers are one person, from a browser");
intake!(batch_short, "/v1/b", None, BatchBody, "Many events at once, from a browser");

/// What a tracking SDK measured of itself
///
/// Answered so that browsers send it once, and not kept.
#[utoipa::path(post, path = "/v1/m", tag = "collect", security(()), request_body(content = String, description = "Anything"),
    responses((status = 200, body = Answer)))]
async fn metrics() -> Json<Answer> {
    Json(Answer::without(Vec::new()))
}

#[derive(OpenApi)]
#[openapi(tags((name = "collect", description = "Events in, as tracking SDKs of the Segment protocol send them")))]
struct Document;

fn routes() -> OpenApiRouter<Collect> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(track))
        .routes(routes!(identify))
        .routes(routes!(page))
        .routes(routes!(screen))
        .routes(routes!(group))
        .routes(routes!(alias))
        .routes(routes!(batch))
        .routes(routes!(import))
        .routes(routes!(track_short))
        .routes(routes!(identify_short))
        .routes(routes!(page_short))
        .routes(routes!(screen_short))
        .routes(routes!(group_short))
        .routes(routes!(alias_short))
        .routes(routes!(batch_short))
        .routes(routes!(metrics))
        .routes(routes!(sdk::settings))
        .routes(routes!(sdk::source_config))
}

/// The function's routes.
pub fn router(app: App) -> Router {
    let router: Router = routes().with_state(Collect::new(app)).into();
    layers::measured("collect", router.layer(DefaultBodyLimit::max(MAX_BODY)))
}

/// The function's part of the OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
