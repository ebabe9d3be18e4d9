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
pub mod bodies;
mod breaker;
mod browse;
mod cell;
mod consent;
mod cursor;
mod decisions;
mod explained;
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
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitrine_domain::Shop;
use vitrine_http::{App, Problem, layers};
use vitrine_learn::Lineup;
use vitrine_rank::Workspaces;
use vitrine_store::Boxed;

use nearby::Nearby;
use settings::AllSettings;
use shops::Shops;

/// A function has ten seconds before its first request.
const OPENING: Duration = Duration::from_secs(8);

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
        .routes(routes!(explained::get))
        .routes(routes!(browse::products))
        .routes(routes!(browse::categories))
}

impl State {
    fn new(app: App) -> Self {
        let lineup = app.context.added::<Lineup>().cloned().unwrap_or_default();
        let shops = Arc::new(Shops::new(app.context.clone(), lineup));
        let settings = Arc::new(AllSettings::new(app.context.clone()));
        let nearby = Nearby::of(&app.context).map(Arc::new);
        Self { app, shops, settings, workspaces: Arc::default(), nearby }
    }

    fn router(self) -> Router {
        layers::measured("recommend", routes().with_state(self).into())
    }

    /// Reads what the first request of a shop would wait for.
    async fn open(&self, shop: &Shop) -> Result<(), Problem> {
        let (shown, set) = tokio::join!(self.shops.display(shop), self.settings.now(shop));
        shown?;
        set.map(|_| ())
    }
}

/// The function's routes. Models are served by the [`Lineup`] that was added to the context, or the shipped one.
pub fn router(app: App) -> Router {
    State::new(app).router()
}

/// The function's routes with the model and the settings in memory, where there is one shop: its first request does not wait
/// for them. Of several shops nobody knows which one will be asked for. What cannot be read now is read by the first
/// request.
pub fn opened(app: App) -> Boxed<'static, Router> {
    Box::pin(open_only_shop(State::new(app)))
}

async fn open_only_shop(state: State) -> Router {
    let open = async {
        match state.shops.only().await.map_err(Problem::from)? {
            Some(shop) => state.open(&shop).await,
            None => Ok(()),
        }
    };
    match tokio::time::timeout(OPENING, open).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => tracing::warn!(cause = problem.detail, "the first request will open the model"),
        Err(_) => tracing::warn!("the first request will go on opening the model"),
    }
    state.router()
}

/// The function's part of the OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
