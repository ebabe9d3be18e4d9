//! What is held on a visitor, for whoever answers for it: seeing it, taking it along, erasing it.

mod counts;
mod erase;
mod export;
mod fresh;
mod visitor;

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitrine_http::{App, layers};

#[derive(OpenApi)]
#[openapi(tags((name = "privacy", description = "What is held on a visitor")))]
struct Document;

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(visitor::get, erase::delete))
        .routes(routes!(counts::get))
        .routes(routes!(export::get))
        .routes(routes!(erase::receipt))
        .routes(routes!(erase::check))
}

/// The function's routes.
pub fn router(app: App) -> Router {
    layers::measured("privacy", routes().with_state(app).into())
}

/// The function's part of the OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
