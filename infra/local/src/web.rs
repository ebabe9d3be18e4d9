//! All HTTP functions behind one port, with the routes of the deployed API, and the sample shop's page.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post, put};
use http_header::CACHE_CONTROL;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use vitrine_http::auth::sign_user_token;
use vitrine_http::{App, Body, Problem, describe, layers};
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
    ("feed.css", "text/css; charset=utf-8", include_str!("../../../samples/storefront/feed.css")),
    ("feed.js", JS, include_str!("../../../samples/storefront/feed.js")),
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
    let [mut document, others @ ..] = parts();
    others.into_iter().for_each(|part| document.merge(part));
    describe::complete(&mut document);
    document
}

/// What each function says of itself; the first part carries what all share.
fn parts() -> [utoipa::openapi::OpenApi; 5] {
    [
        vitrine_manage::openapi(),
        vitrine_collect::openapi(),
        vitrine_catalog::openapi(),
        vitrine_recommend::openapi(),
        vitrine_privacy::openapi(),
    ]
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
            // As it is written in the address: decoded, it may hold what no header can.
            get(|uri: Uri| async move {
                Redirect::temporary(&format!("/#/{}", uri.path().strip_prefix("/shop/").unwrap_or_default()))
            }),
        )
        .route("/{name}", get(|Path(name): Path<String>| async move { file(&name) }))
        .route("/demo/token", post(demo_token))
        .route("/metrics", get(figures))
        .route("/uploads/{token}", put(uploads::put))
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
    // Tries to sign in are counted by where they come from.
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(shutdown);
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn no_two_functions_mean_different_things_by_a_name() {
        let mut known = BTreeMap::new();
        for part in parts() {
            for (name, schema) in part.components.unwrap_or_default().schemas {
                let schema = serde_json::to_value(schema).unwrap();
                let before = known.entry(name.clone()).or_insert_with(|| schema.clone());
                assert_eq!(*before, schema, "{name}");
            }
        }
        assert!(known.len() > 30);
    }

    #[test]
    fn every_error_is_described_as_a_problem() {
        let document = serde_json::to_value(openapi()).unwrap();
        let operations = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
        let mut errors = 0;
        for (method, operation) in operations {
            for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
                if status.starts_with(['4', '5']) {
                    assert!(answer["content"]["application/problem+json"].is_object(), "{method} {operation} {status}");
                    errors += 1;
                }
            }
        }
        assert!(errors > 200, "{errors}");
    }
}
