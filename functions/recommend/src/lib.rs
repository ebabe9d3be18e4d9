//! Recommendations over HTTP.
//!
//! A request reads one partition (the profile and the events that came after it, in one query), asks for what changed in
//! the catalogue at most once a second and in parallel, ranks with the model in memory, and writes one decision. It
//! waits for no queue, so the recommendation after an event knows the event.

mod answer;
mod browse;
mod cursor;
mod placements;
mod recommend;
mod shops;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitrine_http::App;
use vitrine_learn::Lineup;

use placements::Placements;
use shops::Shops;

/// What the handlers share.
#[derive(Debug, Clone)]
struct State {
    app: App,
    shops: Arc<Shops>,
    placements: Arc<Placements>,
}

impl FromRef<State> for App {
    fn from_ref(state: &State) -> Self {
        state.app.clone()
    }
}

#[derive(OpenApi)]
#[openapi(tags((name = "recommend", description = "What to show, and browsing what there is")))]
struct Document;

fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(recommend::get, recommend::post))
        .routes(routes!(browse::products))
        .routes(routes!(browse::categories))
}

/// The function's routes, with the shipped algorithms.
pub fn router(app: App) -> Router {
    router_with(app, Lineup::default())
}

/// The function's routes, for models of other algorithms too.
pub fn router_with(app: App, lineup: Lineup) -> Router {
    let shops = Arc::new(Shops::new(app.context.clone(), lineup));
    routes().with_state(State { app, shops, placements: Arc::default() }).into()
}

/// The function's part of the OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
