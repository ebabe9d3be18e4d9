//! What a shop waits for when a copy of `recommend` starts: the program as it is deployed, under the interface of the Lambda
//! runtime, from the start of the process to its first answer, with a model on the disk. The table is the embedded one,
//! in this process; what AWS does before it starts the process is not in here.
//!
//! ```text
//! cargo build --release -p vitrine-recommend
//! cargo bench -p vitrine-rank --bench decide -- 100000       # makes the model of 100,000 products
//! cargo bench -p vitrine-tests --bench cold_start [-- ARTIFACT]
//! ```
//!
//! Of an empty disk it prints what is done with the bytes once they are there: every checksum, and the write.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use vitrine_domain::Shop;
use vitrine_engine::Engine;
use vitrine_learn::{Artifact, Lineup};
use vitrine_runtime::{Clock, Config, Context};
use vitrine_store::api_keys::KeyKind;
use vitrine_store::models::Live;

/// Starts that are measured.
const STARTS: usize = 21;
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What the runtime interface knows: one event, and who waits for its answer.
struct Interface {
    event: Mutex<Option<String>>,
    answered: Mutex<Option<oneshot::Sender<(Instant, String)>>>,
}

async fn next(State(interface): State<Arc<Interface>>) -> impl IntoResponse {
    let event = interface.event.lock().ok().and_then(|mut event| event.take());
    let Some(event) = event else { return std::future::pending().await };
    let headers = [
        ("lambda-runtime-aws-request-id", "first"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-3:123456789012:function:recommend"),
        ("lambda-runtime-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793"),
    ];
    (headers, event)
}

async fn answered(State(interface): State<Arc<Interface>>, body: String) -> StatusCode {
    let waiting = interface.answered.lock().ok().and_then(|mut waiting| waiting.take());
    waiting.map(|waiting| waiting.send((Instant::now(), body)));
    StatusCode::ACCEPTED
}

/// A request as the gateway hands it to the function (payload format 2.0).
fn event() -> String {
    let path = "/v1/recommendations/home";
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "anonymous_id=cold",
        "queryStringParameters": {"anonymous_id": "cold"},
        "headers": {"host": "abc.execute-api.eu-west-3.amazonaws.com", "authorization": "Bearer browser"},
        "requestContext": {
            "accountId": "123456789012", "apiId": "abc", "domainName": "abc.execute-api.eu-west-3.amazonaws.com",
            "domainPrefix": "abc", "requestId": "id", "routeKey": "$default", "stage": "$default",
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"},
            "time": "22/Nov/2025:14:40:00 +0000", "timeEpoch": 1_763_822_400_000_i64,
        },
        "isBase64Encoded": false,
    })
    .to_string()
}

/// Starts the program once: milliseconds to its answer, and the products in it.
async fn start(program: &Path, environment: &[(&str, String)]) -> Result<(f64, usize)> {
    let (sender, receiver) = oneshot::channel();
    let interface = Arc::new(Interface { event: Mutex::new(Some(event())), answered: Mutex::new(Some(sender)) });
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(answered))
        .with_state(interface);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut command = tokio::process::Command::new(program);
    command.env_clear().kill_on_drop(true).stdout(Stdio::null());
    command.envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
    command.env("AWS_LAMBDA_RUNTIME_API", address.to_string());
    for (name, value) in [
        ("AWS_LAMBDA_FUNCTION_NAME", "recommend"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769"),
        ("AWS_REGION", "eu-west-3"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ] {
        command.env(name, value);
    }
    let began = Instant::now();
    let mut child = command.spawn().with_context(|| format!("{} cannot be started", program.display()))?;
    let (at, body) = tokio::time::timeout(Duration::from_secs(30), receiver).await.context("no answer in 30 s")??;
    child.kill().await?;
    serving.abort();
    let answer: Value = serde_json::from_str(&body)?;
    ensure!(answer["statusCode"] == 200, "{body}");
    let list: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
    ensure!(list.get("degraded").is_none(), "{list}");
    Ok(((at - began).as_secs_f64() * 1e3, list["items"].as_array().map_or(0, Vec::len)))
}

/// The artifact that was made for the bench of decisions.
fn made(target: &Path) -> Result<PathBuf> {
    let folder = target.join("tmp/generated");
    let files = std::fs::read_dir(&folder).with_context(|| format!("{} is missing", folder.display()))?;
    let mut files = files.filter_map(|file| Some(file.ok()?.path()));
    let of_size = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("100000-") && name.ends_with(".laid")
    };
    files.find(of_size).context("no model of 100,000 products: cargo bench -p vitrine-rank --bench decide -- 100000")
}

#[tokio::main]
async fn main() -> Result<()> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().context("no target folder")?;
    let named = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let artifact = named.map_or_else(|| made(target), |file| Ok(file.into()))?;
    let program = target.join("release/recommend");
    ensure!(program.exists(), "{} is missing: cargo build --release -p vitrine-recommend", program.display());
    let mut out = std::io::stdout().lock();

    let bytes = std::fs::read(&artifact)?;
    let size = bytes.len();
    let folder = tempfile::tempdir()?;
    let began = Instant::now();
    let opened = Artifact::from_bytes(bytes.clone(), &Lineup::default())?;
    opened.verify()?;
    let checked = began.elapsed();
    std::fs::write(folder.path().join("copy"), &bytes)?;
    let written = began.elapsed() - checked;
    writeln!(out, "{} products, {:.0} MB", opened.len(), size as f64 / 1e6)?;
    drop(opened);

    let engine = Engine::memory().await?;
    let environment = [
        ("VITRINE_TABLE", "vitrine".to_owned()),
        ("VITRINE_FOLDER", folder.path().display().to_string()),
        ("VITRINE_SECRET", SECRET.to_owned()),
        ("AWS_ENDPOINT_URL", engine.endpoint()),
        ("VITRINE_METRICS", "off".to_owned()),
    ];
    let config =
        Config::read(&|name| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()))?;
    let context = Context::connect(config, Clock::system()).await?;
    context.table.create_if_missing().await?;
    let (shop, now) = (Shop::new("demo")?, context.clock.now());
    context.table.put_api_key("browser", &shop, KeyKind::Browser, now).await?;
    let name = "shops/demo/models/v1/artifact.vitrine".to_owned();
    context.objects.put(&name, bytes).await?;
    let live = Live { version: "v1".into(), catalogue: name.clone(), artifact: name, delta_from: now, published: now };
    context.table.publish_model(&shop, &live, 0).await?;

    let mut times = Vec::new();
    for _ in 0..STARTS {
        let (millis, products) = start(&program, &environment).await?;
        ensure!(products > 0, "an empty answer");
        times.push(millis);
    }
    times.sort_by(f64::total_cmp);
    writeln!(
        out,
        "process start to first answer: median {:.0} ms, slowest of {STARTS} {:.0} ms",
        times[STARTS / 2],
        times[STARTS - 1]
    )?;
    writeln!(
        out,
        "with an empty disk also the download, and {:.0} ms to check every byte and {:.0} ms to write the file",
        checked.as_secs_f64() * 1e3,
        written.as_secs_f64() * 1e3
    )?;
    Ok(())
}
