//! What surrounds every route: request ids, problems completed, panics caught, CORS for browsers.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use vitrine_runtime::metrics;

use crate::Problem;

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
        let response = next.run(request).await;
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
    let text =
        panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(panic = text.unwrap_or_default(), "a handler panicked");
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

/// The trace that a request belongs to: of `traceparent` (W3C Trace Context, section 3.2) or, without it, of the header
/// that AWS X-Ray adds.
fn trace_id(headers: &http::HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let hexadecimal = |id: &&str| id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let parent = text("traceparent").and_then(|value| {
        let mut parts = value.split('-');
        let (version, trace) = (parts.next()?, parts.next()?);
        let known = version.len() == 2 && version != "ff" && trace.len() == 32 && trace.bytes().any(|b| b != b'0');
        Some(trace).filter(hexadecimal).filter(|_| known).map(str::to_owned)
    });
    parent.or_else(|| {
        let root = text("x-amzn-trace-id")?.split(';').find_map(|part| part.trim().strip_prefix("Root="))?;
        let (time, rest) = root.strip_prefix("1-")?.split_once('-')?;
        (time.len() == 8 && rest.len() == 24).then(|| [time, rest].concat()).filter(|id| hexadecimal(&id.as_str()))
    })
}

async fn name_request(request: Request, next: Next) -> Response {
    use tracing::Instrument;
    let id = request_id(&request);
    let span = tracing::info_span!("request", id, method = %request.method(), trace = tracing::field::Empty);
    if let Some(trace) = trace_id(request.headers()) {
        span.record("trace", trace);
    }
    let mut response = next.run(request).instrument(span).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        response = complete(response, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
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
    use super::*;

    #[test]
    fn a_request_belongs_to_the_trace_that_its_headers_name() {
        let of = |headers: &[(&'static str, &str)]| {
            let pair = |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
            trace_id(&headers.iter().map(pair).collect())
        };
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = |version: &str, trace: &str| format!("{version}-{trace}-00f067aa0ba902b7-01");
        let ray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("traceparent", &parent("00", trace)), ("x-amzn-trace-id", ray)]).as_deref(), Some(trace));
        assert_eq!(of(&[("x-amzn-trace-id", ray)]).as_deref(), Some("5759e988bd862e3fe1be46a994272793"));
        for wrong in
            [parent("ff", trace), parent("00", &"0".repeat(32)), parent("00", &trace.to_uppercase()), "00".into()]
        {
            assert_eq!(of(&[("traceparent", &wrong)]), None, "{wrong}");
        }
        for wrong in
            ["Root=1-5759e988-short", "Root=2-5759e988-bd862e3fe1be46a994272793", "\"quoted\"", "Root=1-5759e98\u{7f}"]
        {
            let Ok(value) = HeaderValue::from_str(wrong) else { continue };
            assert_eq!(trace_id(&[(HeaderName::from_static("x-amzn-trace-id"), value)].into_iter().collect()), None);
        }
    }
}
