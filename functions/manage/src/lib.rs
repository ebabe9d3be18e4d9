//! Placeholder.
use vitrine_http::App;
#[allow(missing_docs)]
pub fn router(_app: App) -> axum::Router { axum::Router::new() }
#[allow(missing_docs)]
pub fn openapi() -> utoipa::openapi::OpenApi { utoipa::openapi::OpenApiBuilder::new().build() }
