//! Running a shop over HTTP: its keys, training on demand and what became of it, the models and going back to one, the shop's own
//! vectors, placements, rules, segments, experiments and settings, and the description of the whole API with a page to try it; and the console, which is all of that as pages.
//!
//! Everything but health and the description needs a server key. Settings are written only over the version they were
//! made from, so that two people never undo each other's change without knowing it.

mod address;
pub mod bodies;
mod console;
mod description;
mod experiments;
mod filters;
mod health;
mod hold_out;
mod jobs;
mod keep;
mod keys;
mod lock;
mod models;
mod placements;
mod privacy;
mod results;
mod rules;
mod segments;
mod sessions;
mod staff;
mod training;
mod vectors;

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitrine_http::{App, layers};

pub use address::Arrival;
pub use console::forms;
pub use description::OPENAPI;

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(description::Document::openapi())
        .routes(routes!(jobs::retrain))
        .routes(routes!(jobs::job))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(keys::rotate))
        .routes(routes!(staff::list))
        .routes(routes!(staff::get, staff::put, staff::delete))
        .routes(routes!(sessions::create, sessions::delete))
        .routes(routes!(models::models))
        .routes(routes!(models::activate))
        .routes(routes!(placements::list))
        .routes(routes!(placements::put))
        .routes(routes!(placements::delete))
        .routes(routes!(rules::list))
        .routes(routes!(rules::get, rules::put, rules::delete))
        .routes(routes!(segments::list))
        .routes(routes!(segments::size::size))
        .routes(routes!(segments::unknown::get))
        .routes(routes!(segments::alike::get))
        .routes(routes!(segments::get, segments::put, segments::delete))
        .routes(routes!(experiments::list))
        .routes(routes!(experiments::plan::plan))
        .routes(routes!(results::experiment::get))
        .routes(routes!(experiments::get, experiments::put, experiments::delete))
        .routes(routes!(keep::history::history))
        .routes(routes!(keep::history::undo))
        .routes(routes!(keep::history::removed))
        .routes(routes!(hold_out::get, hold_out::put))
        .routes(routes!(results::get))
        .routes(routes!(results::attribution::get, results::attribution::put))
        .routes(routes!(results::prices::get, results::prices::put))
        .routes(routes!(privacy::get, privacy::put))
        .routes(routes!(training::get, training::put))
        .routes(routes!(vectors::list))
        .routes(routes!(vectors::put, vectors::delete))
        .routes(routes!(vectors::put_ids))
        .routes(routes!(health::health))
        .routes(routes!(description::openapi))
}

/// The function's routes, and the page on which all functions' routes can be tried.
pub fn router(app: App) -> Router {
    let routes: Router<App> = routes().into();
    let api = routes.merge(description::page()).with_state(app.clone());
    layers::measured("manage", api.merge(console::router(app)))
}

/// The function's part of the OpenAPI document. It carries what all parts share: title, licence, keys.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
