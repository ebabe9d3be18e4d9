//! A proxy between the functions' AWS client and the table: it passes calls on and counts them.
//!
//! It asks the engine what it would bill, so that the rules of [`crate::units`] can be held against that, and it holds
//! every answer back for a moment, so that calls made at once are seen to be under way at once: what is waited for is
//! counted in rounds, and a round costs what the [`Deployment`](crate::bill::Deployment) assumes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::record::Tally;
use crate::units;

/// Operations that say what they consume if they are asked.
const TELLING: [&str; 9] = [
    "GetItem",
    "Query",
    "BatchGetItem",
    "PutItem",
    "DeleteItem",
    "UpdateItem",
    "BatchWriteItem",
    "TransactWriteItems",
    "TransactGetItems",
];

#[derive(Debug, Default)]
struct Counted {
    tally: Tally,
    under_way: u64,
    writing: bool,
}

#[derive(Debug)]
struct Shared {
    counted: Mutex<Counted>,
    hold: AtomicU64,
    to: String,
    client: reqwest::Client,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running proxy.
#[derive(Debug, Clone)]
pub struct Proxy {
    shared: Arc<Shared>,
    /// Its address.
    pub address: String,
}

impl Proxy {
    /// Starts on a thread of its own.
    ///
    /// # Errors
    /// If no port can be opened.
    pub fn start(to: String) -> Result<Self> {
        vitrine_store::choose_tls();
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = format!("http://{}", listener.local_addr()?);
        let shared =
            Arc::new(Shared { counted: Mutex::default(), hold: AtomicU64::new(0), to, client: reqwest::Client::new() });
        let router = Router::new().fallback(pass).layer(DefaultBodyLimit::disable()).with_state(shared.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("proxy".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, router).await
            })
        })?;
        Ok(Self { shared, address })
    }

    /// From now on every answer is held back so long.
    pub fn hold(&self, answers: Duration) {
        self.shared.hold.store(u64::try_from(answers.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// What was counted since the last time.
    #[must_use]
    pub fn take(&self) -> Tally {
        std::mem::take(&mut self.shared.lock().tally)
    }
}

/// What the engine says it bills, for all tables together.
fn told(answer: &Value) -> Option<f64> {
    match answer.get("ConsumedCapacity")? {
        Value::Array(tables) => Some(tables.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum()),
        table => table["CapacityUnits"].as_f64(),
    }
}

async fn pass(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let counted = target.starts_with("DynamoDB_");
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let mut request: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let sent = body.len() as u64;
    let mut body = body;
    if TELLING.contains(&operation.as_str()) && request.is_object() {
        request["ReturnConsumedCapacity"] = json!("TOTAL");
        body = Bytes::from(request.to_string());
    }
    if counted {
        let mut now = shared.lock();
        now.under_way += 1;
        now.writing |= !operation.contains("Get") && operation != "Query";
    }
    let answered = forward(&shared, &headers, body).await;
    tokio::time::sleep(Duration::from_micros(shared.hold.load(Ordering::SeqCst))).await;
    if counted {
        let answer = answered.as_ref().ok().and_then(|(_, _, bytes)| serde_json::from_slice(bytes).ok());
        let (answer, length) = (answer.unwrap_or(Value::Null), answered.as_ref().map_or(0, |(_, _, b)| b.len() as u64));
        let refused = !answered.as_ref().is_ok_and(|(status, _, _)| status.is_success());
        let billed = units::of_call(&operation, &request, &answer);
        let mut now = shared.lock();
        let operation = now.tally.operations.entry(operation).or_default();
        operation.count(billed, sent, length, told(&answer), refused);
        now.under_way = now.under_way.saturating_sub(1);
        if now.under_way == 0 {
            if std::mem::take(&mut now.writing) {
                now.tally.write_rounds += 1;
            } else {
                now.tally.read_rounds += 1;
            }
        }
    }
    match answered {
        Ok(answer) => answer.into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn forward(shared: &Shared, headers: &HeaderMap, body: Bytes) -> reqwest::Result<(StatusCode, HeaderMap, Bytes)> {
    let mut request = shared.client.post(&shared.to).body(body);
    for name in ["x-amz-target", "content-type", "authorization", "x-amz-date"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let answer = request.send().await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    Ok((status, headers, answer.bytes().await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_tells_of_one_table_or_of_several() {
        assert_eq!(told(&json!({"ConsumedCapacity": {"CapacityUnits": 1.5}})), Some(1.5));
        let two = json!({"ConsumedCapacity": [{"CapacityUnits": 1.0}, {"CapacityUnits": 2.0}]});
        assert_eq!((told(&two), told(&json!({}))), (Some(3.0), None));
    }
}
