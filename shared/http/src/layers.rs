//! What surrounds every route: request ids, problems completed, panics caught, CORS for browsers.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use vitrine_runtime::metrics;
use vitrine_runtime::telemetry::reason_of_panic;

use crate::Problem;
use crate::traces::{self, Parent};

/// Header that names a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps a function's routes in everything they share.
pub fn surround(router: Router) -> Router {
    router.layer(CatchPanicLayer::custom(panicked)).layer(middleware::from_fn(name_request)).layer(cors())
}

/// Counts a function's answers and how long they take.
pub fn measured(function: &'static str, router: Router) -> Router {
    let measure = move |request: Request, next: Next| async move {
        let began = Instant::now();
        let path = request.extensions().get::<MatchedPath>().cloned();
        let mut response = next.run(request).await;
        // For whoever tells what was asked for: around the routes it is not known.
        if let Some(path) = path {
            response.extensions_mut().insert(path);
        }
        metrics::answered(function, response.status().as_u16(), began.elapsed());
        response
    };
    router.route_layer(middleware::from_fn(measure))
}

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            REQUEST_ID,
            header::RETRY_AFTER,
            HeaderName::from_static("server-timing"),
            HeaderName::from_static("vitrine-replay"),
        ])
        .max_age(Duration::from_secs(900))
}

#[allow(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!(cause = reason_of_panic(panic.as_ref()), "a handler panicked");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "something failed inside; the request id names it in the logs",
    )
    .into_response()
}

/// A caller's id is kept if it is harmless in a log line.
fn request_id(request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let harmless = |id: &&str| {
        (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    given.filter(harmless).map_or_else(|| format!("{:016x}", getrandom::u64().unwrap_or_default()), str::to_owned)
}

async fn name_request(request: Request, next: Next) -> Response {
    use tracing::Instrument;
    let id = request_id(&request);
    let span = tracing::info_span!("request", id, method = %request.method(), trace = tracing::field::Empty);
    let parent = Parent::of(request.headers());
    if let Some(parent) = &parent {
        span.record("trace", &parent.trace);
    }
    let open = traces::begin(parent.as_ref(), request.method());
    let mut response = next.run(request).instrument(span).await;
    if let Some(open) = open {
        open.close(&response, &id).await;
    }
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    if is_error && !is_page(&response) {
        response = complete(response, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Whether people read it as it is: a page says itself what is wrong.
fn is_page(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|of| of.as_bytes().starts_with(b"text/html"))
}

/// Adds the request id to a problem, and turns the router's own errors into problems.
fn complete(mut response: Response, id: &str) -> Response {
    let known = response.extensions_mut().remove::<Problem>();
    let allow = response.headers_mut().remove(header::ALLOW);
    let mut problem = known.unwrap_or_else(|| of_status(response.status()));
    problem.request_id = Some(id.to_owned());
    let mut response = problem.into_response();
    if let Some(allow) = allow {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

fn of_status(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::not_found("there is no such address; /openapi.json lists them all"),
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(status, "method-not-allowed", "this address takes other methods; see the Allow header")
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(status, "too-large", "the body is larger than this address takes")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Problem::new(status, "unsupported-media-type", "this address takes application/json")
        }
        _ if status.is_client_error() => Problem::new(status, "bad-request", "the request cannot be read"),
        _ => Problem::new(status, "internal", "something failed inside; the request id names it in the logs"),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Keeps what is logged.
    #[derive(Debug, Clone, Default)]
    struct Log(Arc<Mutex<String>>);

    impl Visit for Log {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.lock().unwrap().push_str(&format!("{field}={value:?} "));
        }
    }

    impl Subscriber for Log {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            event.record(&mut self.clone());
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn the_log_says_why_a_handler_panicked_and_quotes_nobody() {
        let log = Log::default();
        let panic = std::panic::catch_unwind(|| "é of anna".split_at(1).0.len()).unwrap_err();
        let response = tracing::subscriber::with_default(log.clone(), || panicked(panic));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let said = log.0.lock().unwrap();
        assert!(said.contains("a handler panicked") && said.contains("it panicked: "), "{said}");
        assert!(!said.contains("anna"), "{said}");
    }
}
