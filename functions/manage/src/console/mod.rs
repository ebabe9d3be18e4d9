//! The console: what the people who run a shop see and do, as pages.
//!
//! It stands on the public API alone. Somebody who signs in gets a session, which is a server key that ends; every page asks
//! the API with that key, over HTTP like any other client, so a page can show and do no more than the key may. The pages are
//! made here, work without a script where it matters, and load nothing from anywhere else.

mod assets;
mod chart;
mod client;
mod experiments;
mod fields;
mod form;
mod format;
pub mod forms;
mod guard;
mod history;
mod models;
mod overview;
mod page;
mod parts;
mod placements;
mod products;
mod results;
mod rules;
mod segments;
mod session;
mod settings;
mod sign_in;
mod staff;
mod visitors;
mod words;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware;
use axum::routing::{get, post};
use vitrine_http::App;

/// What the pages share.
#[derive(Debug, Clone)]
struct Console {
    app: App,
    http: reqwest::Client,
}

impl FromRef<Console> for App {
    fn from_ref(console: &Console) -> Self {
        console.app.clone()
    }
}

/// Everything under `/console`.
pub(crate) fn router(app: App) -> Router {
    let http = client::http();
    let open = Router::new()
        .route("/console/sign-in", get(sign_in::page).post(sign_in::submit))
        .route("/console/assets/{name}", get(assets::get));
    let pages = Router::new()
        .route("/console", get(overview::page))
        .route("/console/results", get(results::page))
        .route("/console/sign-out", post(sign_in::leave))
        .route("/console/placements", get(placements::list).post(placements::create))
        .route("/console/placements/new", get(placements::new))
        .route("/console/placements/{id}", get(placements::edit).post(placements::save))
        .route("/console/placements/{id}/remove", post(placements::remove))
        .route("/console/preview/placement", post(placements::preview))
        .route("/console/rules", get(rules::list).post(rules::create))
        .route("/console/rules/new", get(rules::new))
        .route("/console/rules/order", post(rules::order))
        .route("/console/rules/preview", post(rules::preview))
        .route("/console/rules/{id}", get(rules::edit).post(rules::save))
        .route("/console/rules/{id}/remove", post(rules::remove))
        .route("/console/segments", get(segments::list).post(segments::create))
        .route("/console/segments/new", get(segments::new))
        .route("/console/segments/size", post(segments::size))
        .route("/console/segments/condition", post(segments::extend))
        .route("/console/segments/{id}", get(segments::edit).post(segments::save))
        .route("/console/segments/{id}/remove", post(segments::remove))
        .route("/console/experiments", get(experiments::list).post(experiments::create))
        .route("/console/experiments/new", get(experiments::new))
        .route("/console/experiments/plan", post(experiments::plan))
        .route("/console/experiments/form", post(experiments::change))
        .route("/console/experiments/{id}", get(experiments::show).post(experiments::save))
        .route("/console/experiments/{id}/edit", get(experiments::edit))
        .route("/console/experiments/{id}/status", post(experiments::status))
        .route("/console/experiments/{id}/remove", post(experiments::remove))
        .route("/console/undo/{kind}/{id}", post(history::undo))
        .route("/console/products", get(products::list))
        .route("/console/products/{id}", get(products::show))
        .route("/console/visitors", get(visitors::page))
        .route("/console/models", get(models::page))
        .route("/console/models/{version}/activate", post(models::activate))
        .route("/console/models/train", post(models::train))
        .route("/console/settings", get(settings::page))
        .route("/console/settings/{what}", post(settings::save))
        .route("/console/staff", get(staff::page).post(staff::save))
        .route("/console/staff/{name}/remove", post(staff::remove));
    let console = Console { app, http };
    open.merge(pages).layer(middleware::from_fn(guard::guard)).with_state(console)
}
