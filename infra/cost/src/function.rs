//! A function as it runs in the cloud: alone on a thread, one call at a time, frozen between calls, called with the bytes
//! of the gateway's or the stream's own event. So the CPU time of its thread is the CPU time of its calls.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use aws_lambda_events::event::apigw::ApiGatewayV2httpRequest;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};
use tower::ServiceExt;

/// What becomes of a payload.
pub type Answering = Pin<Box<dyn Future<Output = Result<Vec<u8>>>>>;

/// What a function does with a payload.
pub type Handler = Box<dyn Fn(Vec<u8>) -> Answering>;

/// A call that is over.
#[derive(Debug)]
pub struct Done {
    /// The answer's bytes.
    pub answer: Vec<u8>,
    /// Milliseconds of CPU of the function's thread.
    pub thread_ms: f64,
    /// Milliseconds of CPU of the whole process, for calls that use other threads.
    pub process_ms: f64,
    /// Milliseconds of the clock.
    pub wall_ms: f64,
}

type Call = (Vec<u8>, mpsc::Sender<Result<Done>>);

/// A running function.
#[derive(Debug)]
pub struct Function {
    calls: mpsc::Sender<Call>,
    name: &'static str,
}

fn millis(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 * 1e-6
}

impl Function {
    /// Starts a function: `build` is its cold start, on the thread on which it will run.
    ///
    /// # Errors
    /// If there can be no such thread.
    pub fn start<B, F>(name: &'static str, build: B) -> Result<Self>
    where
        B: FnOnce() -> F + Send + 'static,
        F: Future<Output = Result<Handler>> + 'static,
    {
        let (calls, called) = mpsc::channel::<Call>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let handler = runtime.block_on(build());
            for (payload, tell) in called {
                let handler = match &handler {
                    Ok(handler) => handler,
                    Err(error) => {
                        tell.send(Err(anyhow::anyhow!("{name} did not start: {error:#}"))).ok();
                        continue;
                    }
                };
                let began = (millis(ClockId::ThreadCPUTime), millis(ClockId::ProcessCPUTime), Instant::now());
                let answer = runtime.block_on(handler(payload));
                let done = answer.map(|answer| Done {
                    answer,
                    thread_ms: millis(ClockId::ThreadCPUTime) - began.0,
                    process_ms: millis(ClockId::ProcessCPUTime) - began.1,
                    wall_ms: began.2.elapsed().as_secs_f64() * 1e3,
                });
                // Whoever called may have gone.
                tell.send(done).ok();
            }
        })?;
        Ok(Self { calls, name })
    }

    /// Calls the function and waits for it.
    ///
    /// # Errors
    /// If it could not start, or fails.
    pub fn call(&self, payload: Vec<u8>) -> Result<Done> {
        let (tell, told) = mpsc::channel();
        let gone = || format!("{} is gone", self.name);
        self.calls.send((payload, tell)).ok().with_context(gone)?;
        told.recv().with_context(gone)?.with_context(|| format!("{} failed", self.name))
    }
}

/// A function behind the gateway.
#[must_use]
pub fn http(router: Router) -> Handler {
    Box::new(move |payload| {
        let router = router.clone();
        Box::pin(async move {
            let event: ApiGatewayV2httpRequest = serde_json::from_slice(&payload).context("not a gateway's event")?;
            let Ok(response) = router.oneshot(request(event)?).await;
            let (head, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            let named = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
                (name.to_string(), Value::from(String::from_utf8_lossy(value.as_bytes()).into_owned()))
            };
            let headers: Map<String, Value> = head.headers.iter().map(named).collect();
            let text = std::str::from_utf8(&body).context("the answer is no text")?;
            let answer = json!({
                "statusCode": head.status.as_u16(), "headers": headers, "body": text, "isBase64Encoded": false,
            });
            Ok(serde_json::to_vec(&answer)?)
        })
    })
}

fn request(event: ApiGatewayV2httpRequest) -> Result<Request<Body>> {
    let path = event.raw_path.unwrap_or_default();
    let uri = match event.raw_query_string.filter(|query| !query.is_empty()) {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut request = Request::builder().method(event.request_context.http.method).uri(uri);
    for (name, value) in &event.headers {
        request = request.header(name, value);
    }
    Ok(request.body(event.body.map_or_else(Body::empty, Body::from))?)
}
