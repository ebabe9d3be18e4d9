//! Whether the function answers.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// The function answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`: whoever cannot say so says nothing.
    #[schema(example = "ok")]
    status: &'static str,
    /// Version of the program.
    version: &'static str,
}

/// Whether the function answers
#[utoipa::path(get, path = "/health", tag = "manage", operation_id = "health", security(()),
    responses(
        (status = 200, body = Health, description = "It answers"),
    ))]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
