//! All HTTP functions behind one port, with the routes of the deployed API, and the sample shop's page.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post, put};
use http_header::CACHE_CONTROL;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use vitrine_http::auth::sign_user_token;
use vitrine_http::{App, Body, Problem, layers};
use vitrine_runtime::metrics;

use crate::{sample, uploads};

mod http_header {
    pub(super) use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
}

/// How long a demo token is valid.
const TOKEN: i64 = vitrine_domain::time::DAY;

/// The storefront's files, part of the program.
const FILES: &[(&str, &str, &str)] = &[
    ("index.html", "text/html; charset=utf-8", include_str!("../../../samples/storefront/index.html")),
    ("style.css", "text/css; charset=utf-8", include_str!("../../../samples/storefront/style.css")),
    ("account.js", JS, include_str!("../../../samples/storefront/account.js")),
    ("api.js", JS, include_str!("../../../samples/storefront/api.js")),
    ("card.js", JS, include_str!("../../../samples/storefront/card.js")),
    ("checkout.js", JS, include_str!("../../../samples/storefront/checkout.js")),
    ("dom.js", JS, include_str!("../../../samples/storefront/dom.js")),
    ("events.js", JS, include_str!("../../../samples/storefront/events.js")),
    ("main.js", JS, include_str!("../../../samples/storefront/main.js")),
    ("rows.js", JS, include_str!("../../../samples/storefront/rows.js")),
    ("store.js", JS, include_str!("../../../samples/storefront/store.js")),
    ("texts.js", JS, include_str!("../../../samples/storefront/texts.js")),
    ("tile.js", JS, include_str!("../../../samples/storefront/tile.js")),
    ("views.js", JS, include_str!("../../../samples/storefront/views.js")),
];
const JS: &str = "text/javascript; charset=utf-8";

/// The merged description of the whole API.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = vitrine_manage::openapi();
    for part in [
        vitrine_collect::openapi(),
        vitrine_catalog::openapi(),
        vitrine_recommend::openapi(),
        vitrine_privacy::openapi(),
    ] {
        document.merge(part);
    }
    document
}

/// Every route of the stack.
pub(crate) fn router(app: &App) -> Router {
    let functions = vitrine_manage::router(app.clone())
        .merge(vitrine_collect::router(app.clone()))
        .merge(vitrine_catalog::router(app.clone()))
        .merge(vitrine_recommend::router(app.clone()))
        .merge(vitrine_privacy::router(app.clone()));
    let here = Router::new()
        .route("/", get(|| async { file("index.html") }))
        .route(
            "/shop/{*path}",
            get(|Path(path): Path<String>| async move { Redirect::temporary(&format!("/#/{path}")) }),
        )
        .route("/{name}", get(|Path(name): Path<String>| async move { file(&name) }))
        .route("/demo/token", post(demo_token))
        .route("/metrics", get(figures))
        .route("/uploads/{token}", put(uploads::put).layer(DefaultBodyLimit::disable()))
        .with_state(app.clone());
    layers::surround(functions.merge(here))
}

/// What was counted since the start, for Prometheus.
async fn figures() -> Response {
    let text = metrics::rendered().unwrap_or_default();
    ([(http_header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

fn file(name: &str) -> Response {
    let Some((_, kind, text)) = FILES.iter().find(|(known, _, _)| *known == name) else {
        return Problem::not_found("there is no such page; the shop is at /").into_response();
    };
    ([(http_header::CONTENT_TYPE, *kind), (CACHE_CONTROL, "no-cache")], *text).into_response()
}

#[derive(Debug, Deserialize)]
struct Login {
    user_id: String,
}

/// What a shop's own server does when somebody has logged in; here it is the sample shop's.
async fn demo_token(State(app): State<App>, Body(login): Body<Login>) -> Result<Response, Problem> {
    let user = vitrine_domain::Visitor::known(login.user_id)?;
    let key = app.auth.key(sample::SERVER_KEY).await;
    if key.is_err() {
        return Err(Problem::not_found("the sample shop is not loaded"));
    }
    let expiry = app.context.clock.now().plus(TOKEN);
    let token = sign_user_token(sample::SERVER_KEY, user.id(), expiry);
    Ok(axum::Json(json!({ "token": token })).into_response())
}

/// Serves until it is told to stop, then lets what is under way finish.
pub(crate) async fn serve(listener: TcpListener, app: App, mut stop: watch::Receiver<bool>) {
    let mut told = stop.clone();
    let router = router(&app);
    let shutdown = async move {
        told.wait_for(|stop| *stop).await.ok();
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(shutdown);
    let patience = async {
        stop.wait_for(|stop| *stop).await.ok();
        tokio::time::sleep(Duration::from_secs(5)).await;
    };
    tokio::select! {
        served = serving => {
            if let Err(error) = served {
                tracing::error!(cause = %error, "the server stopped");
            }
        }
        () = patience => {}
    }
}
