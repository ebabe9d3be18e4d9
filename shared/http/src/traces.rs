//! Traces: what a request took, told to a collector by OTLP where one is configured.
//!
//! The standard variables say where: `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`), headers in
//! `OTEL_EXPORTER_OTLP_HEADERS`, the name of the service in `OTEL_SERVICE_NAME`. Without an address nothing is made. A span
//! joins the trace that the request's headers name, and bears the function's stages in milliseconds; nothing in it is of a
//! visitor. It is sent before the answer leaves, for a function may be frozen right after.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use axum::extract::MatchedPath;
use axum::response::Response;
use http::{HeaderMap, Method};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use vitrine_runtime::Clock;
use vitrine_runtime::telemetry::causes;

/// An answer waits no longer for its trace to be taken.
const PATIENCE: Duration = Duration::from_millis(200);
/// A collector that did not take one is left alone for so long, in seconds.
const PAUSE: u64 = 10;

/// What the headers of a request say of its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parent {
    /// The trace, 32 hexadecimal digits.
    pub(crate) trace: String,
    /// The caller's span.
    span: Option<String>,
    /// Whether the caller's side is recorded.
    sampled: bool,
}

impl Parent {
    /// Of `traceparent` (W3C Trace Context, section 3.2) or, without it, of the header that AWS X-Ray adds.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        text("traceparent").and_then(w3c).or_else(|| text("x-amzn-trace-id").and_then(x_ray))
    }
}

fn is_hexadecimal(id: &str) -> bool {
    id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn w3c(value: &str) -> Option<Parent> {
    let mut parts = value.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let known = version.len() == 2 && version != "ff" && trace.len() == 32 && trace.bytes().any(|b| b != b'0');
    let span = parts.next().filter(|span| span.len() == 16 && is_hexadecimal(span));
    let flags = parts.next().and_then(|flags| u8::from_str_radix(flags, 16).ok());
    (known && is_hexadecimal(trace)).then(|| Parent {
        trace: trace.to_owned(),
        span: span.map(str::to_owned),
        sampled: flags.is_none_or(|flags| flags & 1 == 1),
    })
}

fn x_ray(value: &str) -> Option<Parent> {
    let part = |name: &str| value.split(';').find_map(|part| part.trim().strip_prefix(name));
    let (time, rest) = part("Root=1-")?.split_once('-')?;
    let trace = (time.len() == 8 && rest.len() == 24).then(|| [time, rest].concat());
    let span = part("Parent=").filter(|span| span.len() == 16 && is_hexadecimal(span));
    trace.filter(|trace| is_hexadecimal(trace)).map(|trace| Parent {
        trace,
        span: span.map(str::to_owned),
        sampled: part("Sampled=") != Some("0"),
    })
}

/// The exporter, and when it may be used again.
struct Export {
    exporter: SpanExporter,
    began: Instant,
    /// Seconds since then before which nothing is sent.
    resting: AtomicU64,
}

static EXPORT: OnceLock<Option<Export>> = OnceLock::new();

fn export() -> Option<&'static Export> {
    EXPORT.get_or_init(|| connect(&vitrine_runtime::environment)).as_ref()
}

fn connect(get: &dyn Fn(&str) -> Option<String>) -> Option<Export> {
    let filled = |name: &str| get(name).filter(|value| !value.is_empty());
    let of_all = || Some(format!("{}/v1/traces", filled("OTEL_EXPORTER_OTLP_ENDPOINT")?.trim_end_matches('/')));
    let endpoint = filled("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(of_all)?;
    // The exporter's client is built for TLS too. A second installation changes nothing.
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut exporter = match SpanExporter::builder().with_http().with_endpoint(endpoint).build() {
        Ok(exporter) => exporter,
        Err(error) => {
            tracing::error!(error = causes(&error), "traces cannot be exported");
            return None;
        }
    };
    let name = filled("OTEL_SERVICE_NAME").or_else(|| filled("AWS_LAMBDA_FUNCTION_NAME"));
    let name = name.unwrap_or_else(|| "vitrine".to_owned());
    exporter.set_resource(&Resource::builder_empty().with_service_name(name).build());
    Some(Export { exporter, began: Instant::now(), resting: AtomicU64::new(0) })
}

impl Export {
    async fn send(&self, span: SpanData) {
        let now = || self.began.elapsed().as_secs();
        if now() < self.resting.load(Ordering::Relaxed) {
            return;
        }
        let failure = match tokio::time::timeout(PATIENCE, self.exporter.export(vec![span])).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => causes(&error),
            Err(_) => format!("no answer in {} ms", PATIENCE.as_millis()),
        };
        self.resting.store(now() + PAUSE, Ordering::Relaxed);
        tracing::warn!(failure, "a trace was not taken; none is sent for {PAUSE} s");
    }
}

/// A request whose span is open.
pub(crate) struct Open {
    export: &'static Export,
    trace: TraceId,
    parent: SpanId,
    start: SystemTime,
    began: Instant,
    method: Method,
}

/// Opens a request's span, if traces are exported and the caller's side is not left out.
pub(crate) fn begin(parent: Option<&Parent>, method: &Method) -> Option<Open> {
    open(export()?, parent, method)
}

fn open(export: &'static Export, parent: Option<&Parent>, method: &Method) -> Option<Open> {
    if parent.is_some_and(|parent| !parent.sampled) {
        return None;
    }
    let trace = parent.and_then(|parent| TraceId::from_hex(&parent.trace).ok());
    let span = parent.and_then(|parent| SpanId::from_hex(parent.span.as_deref()?).ok());
    Some(Open {
        export,
        trace: trace.unwrap_or_else(|| TraceId::from_bytes(random())),
        parent: span.unwrap_or(SpanId::INVALID),
        start: SystemTime::UNIX_EPOCH + Duration::from_millis(Clock::system().now().0.unsigned_abs()),
        began: Instant::now(),
        method: method.clone(),
    })
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness the id is invalid, which the collector says.
    getrandom::fill(&mut bytes).ok();
    bytes
}

impl Open {
    /// Closes the span with what the answer says, to be sent.
    pub(crate) fn close(self, response: &Response, request: &str) -> impl Future<Output = ()> + Send + use<> {
        let route = response.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
        let status = response.status();
        let mut attributes = vec![
            KeyValue::new("http.request.method", self.method.to_string()),
            KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
            KeyValue::new("vitrine.request_id", request.to_owned()),
        ];
        attributes.extend(route.iter().map(|route| KeyValue::new("http.route", route.clone())));
        let stages = response.headers().get("server-timing").and_then(|value| value.to_str().ok());
        attributes.extend(stages.into_iter().flat_map(stages_of));
        let name = route.map_or_else(|| self.method.to_string(), |route| format!("{} {route}", self.method));
        let span = SpanData {
            span_context: SpanContext::new(
                self.trace,
                SpanId::from_bytes(random()),
                TraceFlags::SAMPLED,
                false,
                TraceState::default(),
            ),
            parent_span_id: self.parent,
            parent_span_is_remote: self.parent != SpanId::INVALID,
            span_kind: SpanKind::Server,
            name: Cow::Owned(name),
            start_time: self.start,
            end_time: self.start + self.began.elapsed(),
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: if status.is_server_error() { Status::error("") } else { Status::Unset },
            instrumentation_scope: InstrumentationScope::builder("vitrine").build(),
        };
        self.export.send(span)
    }
}

/// The durations of `Server-Timing` (W3C, section 2), as attributes in milliseconds.
fn stages_of(value: &str) -> impl Iterator<Item = KeyValue> {
    value.split(',').filter_map(|stage| {
        let (name, rest) = stage.trim().split_once(';')?;
        let duration = rest.split(';').find_map(|part| part.trim().strip_prefix("dur="))?.parse::<f64>().ok()?;
        Some(KeyValue::new(format!("vitrine.stage.{name}_ms"), duration))
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_request_belongs_to_the_trace_that_its_headers_name() {
        let parent = |headers: &[(&'static str, &str)]| {
            let pair = |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
            Parent::of(&headers.iter().map(pair).collect())
        };
        let of = |headers: &[(&'static str, &str)]| parent(headers).map(|parent| parent.trace);
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let w3c = |version: &str, trace: &str| format!("{version}-{trace}-00f067aa0ba902b7-01");
        let ray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("traceparent", &w3c("00", trace)), ("x-amzn-trace-id", ray)]).as_deref(), Some(trace));
        assert_eq!(of(&[("x-amzn-trace-id", ray)]).as_deref(), Some("5759e988bd862e3fe1be46a994272793"));
        for wrong in [w3c("ff", trace), w3c("00", &"0".repeat(32)), w3c("00", &trace.to_uppercase()), "00".into()] {
            assert_eq!(of(&[("traceparent", &wrong)]), None, "{wrong}");
        }
        for wrong in
            ["Root=1-5759e988-short", "Root=2-5759e988-bd862e3fe1be46a994272793", "\"quoted\"", "Root=1-5759e98\u{7f}"]
        {
            let Ok(value) = HeaderValue::from_str(wrong) else { continue };
            let headers = [(HeaderName::from_static("x-amzn-trace-id"), value)].into_iter().collect();
            assert_eq!(Parent::of(&headers), None);
        }
        let [first, second] = [("traceparent", w3c("00", trace)), ("x-amzn-trace-id", ray.to_owned())]
            .map(|(name, value)| parent(&[(name, &value)]).unwrap());
        assert_eq!((first.span.as_deref(), first.sampled), (Some("00f067aa0ba902b7"), true));
        assert_eq!((second.span.as_deref(), second.sampled), (Some("53995c3f42cd8ad8"), true));
        let unsampled = [
            ("traceparent", w3c("00", trace).replace("-01", "-00")),
            ("x-amzn-trace-id", ray.replace("Sampled=1", "Sampled=0")),
        ];
        assert!(unsampled.iter().all(|(name, value)| !parent(&[(name, value)]).unwrap().sampled));
    }

    /// What a collector is sent for one request.
    async fn sent(collector: axum::Router, parent: &Parent) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, collector).await.unwrap() });
        let export = connect(&|name| match name {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(address.clone()),
            "OTEL_SERVICE_NAME" => Some("shop-window".to_owned()),
            _ => None,
        });
        let export: &'static Export = Box::leak(Box::new(export.unwrap()));
        let mut response = Response::new(axum::body::Body::empty());
        response.headers_mut().insert("server-timing", HeaderValue::from_static("decide;dur=0.25"));
        for _ in 0..2 {
            open(export, Some(parent), &Method::GET).unwrap().close(&response, "request-1").await;
        }
    }

    #[tokio::test]
    async fn a_collector_is_told_of_the_request_its_stages_and_its_trace() {
        let parent = w3c("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        let (told, mut hear) = tokio::sync::mpsc::unbounded_channel();
        let take = move |body: bytes::Bytes| {
            told.send(body).unwrap();
            std::future::ready(())
        };
        sent(axum::Router::new().route("/v1/traces", axum::routing::post(take)), &parent).await;
        let body = hear.recv().await.unwrap();
        let holds = |part: &[u8]| body.windows(part.len()).any(|window| window == part);
        // Protocol buffers have ids and texts as they are.
        assert!(holds(&0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes()));
        assert!(holds(&0x00f0_67aa_0ba9_02b7_u64.to_be_bytes()));
        for text in ["shop-window", "GET", "vitrine.stage.decide_ms", "request-1"] {
            assert!(holds(text.as_bytes()), "{text}");
        }
        assert!(hear.recv().await.is_some(), "every request is told");
    }

    #[tokio::test]
    async fn a_collector_that_takes_nothing_is_left_alone_for_a_while() {
        let parent = w3c("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        let (told, mut hear) = tokio::sync::mpsc::unbounded_channel();
        let refuse = move || {
            told.send(()).unwrap();
            std::future::ready(http::StatusCode::BAD_REQUEST)
        };
        sent(axum::Router::new().route("/v1/traces", axum::routing::post(refuse)), &parent).await;
        assert!(hear.recv().await.is_some());
        assert!(hear.try_recv().is_err(), "the second request asks nothing of it");
    }

    #[test]
    fn stages_are_the_durations_of_server_timing() {
        let stages = |value| stages_of(value).map(|kv| (kv.key.to_string(), kv.value.to_string())).collect::<Vec<_>>();
        assert_eq!(
            stages("read;dur=1.5, decide;desc=\"x\";dur=0.25, odd, none;desc=a"),
            [
                ("vitrine.stage.read_ms".to_owned(), "1.5".to_owned()),
                ("vitrine.stage.decide_ms".to_owned(), "0.25".to_owned())
            ]
        );
    }
}
