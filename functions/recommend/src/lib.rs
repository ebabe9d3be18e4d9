//! Recommendations over HTTP.
//!
//! A request reads one partition (the profile and the events that came after it, in one query), asks for what changed in
//! the catalogue and in the settings at most once a second and in parallel, ranks with the model in memory, and writes one
//! decision for each list. It waits for no queue, so the recommendation after an event knows the event.
//!
//! From a request to its answer: `ask` checks what is asked, `ground` reads what a list is made from, `list` fills it
//! without reading anything, `finish` renders and logs it. A replay (`replay`) reads the same ground as it was (`past`)
//! and goes the same way from there, so it cannot come to anything else. Where a vector server searches (`nearby`), a list is
//! given what it proposes, and the record keeps that. What could not be read in time is done without, and
//! the answer says so.

mod answer;
mod arms;
mod ask;
mod breaker;
mod browse;
mod cell;
mod consent;
mod cursor;
mod decisions;
mod facets;
mod finish;
mod ground;
mod list;
mod nearby;
mod open;
mod past;
mod preview;
mod recommend;
mod record;
mod replay;
mod rows;
mod settings;
mod shops;
mod timing;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitrine_http::{App, layers};
use vitrine_learn::Lineup;
use vitrine_rank::Workspaces;

use nearby::Nearby;
use settings::AllSettings;
use shops::Shops;

/// What the handlers share.
#[derive(Debug, Clone)]
struct State {
    app: App,
    shops: Arc<Shops>,
    settings: Arc<AllSettings>,
    workspaces: Arc<Workspaces>,
    /// The vector server, if one searches in place of the index in the model.
    nearby: Option<Arc<Nearby>>,
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
        .routes(routes!(recommend::page))
        .routes(routes!(recommend::rank))
        .routes(routes!(preview::preview))
        .routes(routes!(decisions::get))
        .routes(routes!(decisions::again))
        .routes(routes!(browse::products))
        .routes(routes!(browse::categories))
}

/// The function's routes. Models are served by the [`Lineup`] that was added to the context, or the shipped one.
pub fn router(app: App) -> Router {
    let lineup = app.context.added::<Lineup>().cloned().unwrap_or_default();
    let shops = Arc::new(Shops::new(app.context.clone(), lineup));
    let settings = Arc::new(AllSettings::new(app.context.clone()));
    let nearby = Nearby::of(&app.context).map(Arc::new);
    let state = State { app, shops, settings, workspaces: Arc::default(), nearby };
    layers::measured("recommend", routes().with_state(state).into())
}

/// The function's part of the OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
