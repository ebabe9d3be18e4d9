//! A proxy in front of the table: it passes requests on, counts them, and lets some fail or hang.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is never answered.
    Hangs,
    /// It is answered with an error of the server.
    Fails,
}

#[derive(Debug, Default)]
struct Inner {
    /// Requests of an operation whose body has a text in it.
    faults: Vec<(&'static str, String, Fault)>,
    seen: Vec<(String, String)>,
}

/// The proxy.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    inner: Arc<Mutex<Inner>>,
    to: String,
    pub(crate) address: String,
}

impl Proxy {
    pub(crate) async fn start(to: String) -> Self {
        vitrine_store::choose_tls();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let proxy = Self { inner: Arc::default(), to, address };
        let state = (proxy.clone(), reqwest::Client::new());
        let router = Router::new().fallback(pass).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        proxy
    }

    /// From now on, requests of an operation whose body has a text in it do this. An empty operation is any.
    pub(crate) fn breaks(&self, operation: &'static str, text: &str, fault: Fault) {
        self.inner.lock().unwrap().faults.push((operation, text.to_owned(), fault));
    }

    pub(crate) fn mends(&self) {
        self.inner.lock().unwrap().faults.clear();
    }

    /// The requests since the last time, as operation and body.
    pub(crate) fn seen(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.inner.lock().unwrap().seen)
    }
}

async fn pass(State((proxy, client)): State<(Proxy, reqwest::Client)>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let text = String::from_utf8_lossy(&body).into_owned();
    let fault = {
        let mut inner = proxy.inner.lock().unwrap();
        let met = |(of, part, _): &&(&str, String, Fault)| (of.is_empty() || *of == operation) && text.contains(part);
        let fault = inner.faults.iter().find(met).map(|(_, _, fault)| *fault);
        inner.seen.push((operation, text));
        fault
    };
    match fault {
        Some(Fault::Hangs) => std::future::pending().await,
        Some(Fault::Fails) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "{\"__type\":\"InternalServerError\"}").into_response()
        }
        None => {
            let mut request = client.post(&proxy.to).body(body);
            for name in ["x-amz-target", "content-type", "authorization", "x-amz-date"] {
                if let Some(value) = headers.get(name) {
                    request = request.header(name, value);
                }
            }
            let answer = request.send().await.unwrap();
            let (status, headers) = (answer.status(), answer.headers().clone());
            (status, headers, answer.bytes().await.unwrap()).into_response()
        }
    }
}
