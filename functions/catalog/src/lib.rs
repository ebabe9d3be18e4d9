//! The catalogue of a shop: products and content, feeds, order history and customers from elsewhere.
//!
//! Small requests are done while the client waits. A large file goes to an upload address; that it arrived invokes
//! [`handle`], and the job says what came of it.

pub mod import;
mod jobs;
mod load;
mod products;
mod routes;

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitrine_http::{App, layers};

pub use jobs::{Error, handle};

#[derive(OpenApi)]
#[openapi(tags((name = "catalog", description = "Products and content, feeds, order and customer imports")))]
struct Document;

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(products::put))
        .routes(routes!(products::get, products::patch, products::delete))
        .routes(routes!(routes::import_products))
        .routes(routes!(routes::import_orders))
        .routes(routes!(routes::import_customers))
        .routes(routes!(routes::upload))
}

/// The function's routes.
pub fn router(app: App) -> Router {
    layers::measured("catalog", routes().with_state(app).into())
}

/// The function's part of the OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
