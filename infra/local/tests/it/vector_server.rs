//! The stack is killed while a training writes to a vector server that lives on: the live version always answers, the next
//! training is done, and nothing half-written stays.
//!
//! `VITRINE_KILLS` says how often, `VITRINE_SEED` draws the moments, `VITRINE_LOCAL` names another program than the one that
//! cargo built.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitrine_index::testing::Double;
use vitrine_local::{Running, shops};
use vitrine_runtime::Clock;
use vitrine_store::{Connection, Table};

/// Several writes of points.
const PRODUCTS: usize = 1_200;
const VISITORS: usize = 30;
const PATIENCE: Duration = Duration::from_secs(120);
const ALIAS: &str = "vitrine-demo";

#[allow(clippy::disallowed_methods, reason = "how much a test does is no configuration of the product")]
fn wish(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Kills it when the test ends early.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The program with its folder, and the server that it writes vectors to.
struct Stack {
    folder: tempfile::TempDir,
    server: Double,
    address: String,
    program: Option<Program>,
    url: String,
    keys: shops::Keys,
    http: reqwest::Client,
}

impl Stack {
    async fn start() -> Self {
        vitrine_store::choose_tls();
        let server = Double::default();
        let address = server.serve().await.unwrap();
        let keys = shops::Keys { browser: String::new(), server: String::new() };
        let (folder, http) = (tempfile::tempdir().unwrap(), reqwest::Client::new());
        let mut stack = Self { folder, server, address, program: None, url: String::new(), keys, http };
        let running = stack.launch().await;
        let connection = Connection { table: "vitrine".to_owned(), endpoint: Some(running.dynamodb) };
        let table = Table::connect(&connection).await;
        stack.keys = shops::create(&table, "demo", Clock::system().now()).await.unwrap();
        stack
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    async fn launch(&mut self) -> Running {
        let program = wish("VITRINE_LOCAL").unwrap_or_else(|| env!("CARGO_BIN_EXE_vitrine-local").to_owned());
        let log = File::options().create(true).append(true).open(self.data().join("log")).unwrap();
        let mut command = Command::new(program);
        command.args(["--port", "0", "--empty", "--data-dir"]).arg(self.data()).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log).env("RUST_LOG", "warn");
        command.envs([("VECTOR_BACKEND", "qdrant"), ("QDRANT_URL", &self.address)]);
        command.env_remove("AWS_ENDPOINT_URL_DYNAMODB");
        let mut program = Program(command.spawn().unwrap());
        let began = Instant::now();
        loop {
            if let Some(running) = Running::find(self.data()) {
                self.program = Some(program);
                self.url = format!("http://{}", running.address);
                return running;
            }
            let over = program.0.try_wait().unwrap();
            assert!(over.is_none() && began.elapsed() < PATIENCE, "{over:?} {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.data().join("log")).unwrap_or_default()
    }

    /// SIGKILL, and the end of the process.
    fn kill(&mut self) {
        self.program = None;
    }

    async fn ask(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let key = if path.starts_with("/v1/recommendations") { &self.keys.browser } else { &self.keys.server };
        let began = Instant::now();
        loop {
            let mut request =
                self.http.request(method.clone(), format!("{}{path}", self.url)).basic_auth(key, Some(""));
            if let Some(body) = &body {
                request = request.json(body);
            }
            let answer = request.send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            if status.is_success() {
                return serde_json::from_str(&text).unwrap();
            }
            // The table of a loaded machine may be late, which says nothing of a version: whoever asks is told to ask again.
            let late = status == reqwest::StatusCode::SERVICE_UNAVAILABLE && began.elapsed() < PATIENCE;
            assert!(late, "{path}: {status} {text} {}", self.log());
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(reqwest::Method::GET, path, None).await
    }

    /// Changes a price, so that there is something to publish, and asks for a training.
    async fn train(&self, price: usize) -> String {
        self.ask(reqwest::Method::PUT, "/v1/products", Some(json!([product(0, price as f64 + 0.5)]))).await;
        let asked = self.ask(reqwest::Method::POST, "/v1/retrain", None).await;
        asked["job_id"].as_str().unwrap().to_owned()
    }

    /// Whether a training came to its end.
    async fn is_done(&self, job: &str) -> bool {
        let told = self.get(&format!("/v1/jobs/{job}")).await;
        assert_ne!(told["state"], "failed", "{told} {}", self.log());
        told["state"] == "done"
    }

    async fn finish(&self, job: &str) {
        let began = Instant::now();
        while !self.is_done(job).await {
            assert!(began.elapsed() < PATIENCE, "a training does not end: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The page of somebody with a history, which is of a version that is whole; whether the server was asked for it. A loaded machine
    /// is late at first, and says so.
    async fn page(&self) -> bool {
        let began = Instant::now();
        loop {
            let before = self.server.searches.load(Ordering::SeqCst);
            let page = self.get("/v1/recommendations/home?anonymous_id=visitor-0&limit=5").await;
            let collection = format!("{ALIAS}-{}", page["model"].as_str().unwrap());
            assert_eq!(page["items"].as_array().unwrap().len(), 5, "{page}");
            assert_eq!(self.server.points(&collection), PRODUCTS, "{collection}");
            if page.get("degraded").is_none() {
                return self.server.searches.load(Ordering::SeqCst) > before;
            }
            assert!(began.elapsed() < PATIENCE, "the server is done without: {}", self.log());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn answers(&self) {
        assert!(self.page().await, "the server was not asked");
    }

    /// The versions that are kept, the live one first.
    async fn versions(&self) -> Vec<String> {
        let told = self.get("/v1/models").await;
        let live = told["live"].as_str().unwrap().to_owned();
        let all = told["versions"].as_array().unwrap().iter().map(|v| v["version"].as_str().unwrap().to_owned());
        std::iter::once(live.clone()).chain(all.filter(|version| *version != live)).collect()
    }
}

fn product(n: usize, price: f64) -> Value {
    let category = ["Tea", "Coffee", "Rice", "Jam"][n % 4];
    json!({
        "id": format!("p-{n}"), "title": format!("{category} number {n}"), "category": ["Food", category],
        "brand": format!("Brand {}", n % 20), "price": price, "currency": "EUR", "availability": "in_stock",
    })
}

fn view(visitor: usize, n: usize) -> Value {
    json!({
        "type": "track", "event": "Product Viewed", "anonymousId": format!("visitor-{visitor}"),
        "messageId": format!("m-{visitor}-{n}"), "properties": {"product_id": format!("p-{}", (visitor * 37 + n * n) % PRODUCTS)},
    })
}

/// Whole numbers of splitmix64.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Collections of products that do not hold all of them.
fn halves(server: &Double) -> Vec<String> {
    let names = server.names().into_iter().filter(|name| !name.ends_with("_visitors"));
    names.filter(|name| server.points(name) != PRODUCTS).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stdout, reason = "the figure of the run")]
async fn kills_while_vectors_are_written_leave_the_live_version_whole_and_nothing_half() {
    let kills: usize = wish("VITRINE_KILLS").map_or(3, |kills| kills.parse().unwrap());
    let mut seed: u64 = wish("VITRINE_SEED").map_or(7, |seed| seed.parse().unwrap());
    println!("seed {seed}, {kills} kills");
    let mut stack = Stack::start().await;
    for first in (0..PRODUCTS).step_by(300) {
        let some: Vec<Value> = (first..first + 300).map(|n| product(n, (n % 50) as f64 + 0.99)).collect();
        stack.ask(reqwest::Method::PUT, "/v1/products", Some(Value::Array(some))).await;
    }
    let training = json!({"gate": false, "keep": 3, "version": 0});
    stack.ask(reqwest::Method::PUT, "/v1/settings/training", Some(training)).await;
    let views: Vec<Value> = (0..VISITORS).flat_map(|visitor| (0..12).map(move |n| view(visitor, n))).collect();
    stack.ask(reqwest::Method::POST, "/v1/batch", Some(json!({ "batch": views }))).await;

    // Trained until the lake had them all, so that visitors are written too, and until the products are older than a training's
    // overlap: what may have changed since is compared without the server. More than once, to know how many calls it takes.
    let (mut price, mut calls, began) = (1, 0, Instant::now());
    for again in 0.. {
        let before = stack.server.calls.load(Ordering::SeqCst);
        let job = stack.train(price).await;
        stack.finish(&job).await;
        price += 1;
        calls = stack.server.calls.load(Ordering::SeqCst) - before;
        let visitors = stack.server.names().iter().any(|name| name.ends_with("_visitors"));
        if again > 0 && visitors && stack.page().await {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "no visitors, or not asked: {:?} {}", stack.server.names(), stack.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    let (mut half_written, mut jobs) = (0, Vec::new());
    for kill in 0..kills {
        let before = halves(&stack.server).len();
        let end = stack.server.calls.load(Ordering::SeqCst) + 1 + (draw(&mut seed) % calls as u64) as usize;
        let job = stack.train(price).await;
        price += 1;
        let began = Instant::now();
        // Every second kill comes as soon as a collection is half-written, the others after a drawn number of calls.
        let is_time = || match kill % 2 {
            0 => halves(&stack.server).len() > before,
            _ => stack.server.calls.load(Ordering::SeqCst) >= end,
        };
        while !is_time() {
            if began.elapsed() > Duration::from_secs(1) && stack.is_done(&job).await {
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        stack.kill();
        half_written += usize::from(halves(&stack.server).len() > before);
        // Nobody is alive who could mend what the alias names.
        let named = stack.server.alias(ALIAS).unwrap();
        assert_eq!(stack.server.points(&named), PRODUCTS, "kill {kill}: {named}");
        stack.launch().await;
        stack.answers().await;
        stack.finish(&job).await;
        let live = stack.versions().await.remove(0);
        assert_eq!(stack.server.alias(ALIAS), Some(format!("{ALIAS}-{live}")), "kill {kill}: the alias did not follow");
        stack.answers().await;
        jobs.push(job);
    }
    let left = halves(&stack.server);
    assert!(half_written > 0, "no kill came while points were written");

    // What was left may be of a training under way, for a day.
    let kept = stack.versions().await;
    let of_kept = |name: &str| kept.iter().any(|version| name.starts_with(&format!("{ALIAS}-{version}")));
    let leftovers: Vec<String> = stack.server.names().into_iter().filter(|name| !of_kept(name)).collect();
    for name in &leftovers {
        let (version, rest) = name[ALIAS.len() + 1..].split_at("20261129".len());
        assert!(version.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
        stack.server.rename(name, &format!("{ALIAS}-20260101{rest}"));
    }
    let job = stack.train(price).await;
    stack.finish(&job).await;
    let kept = stack.versions().await;
    let mut expected: Vec<String> = kept.iter().map(|version| format!("{ALIAS}-{version}")).collect();
    expected.push(format!("{ALIAS}-{}_visitors", kept[0]));
    expected.sort();
    assert_eq!(stack.server.names(), expected, "something is left over, or missing");
    assert_eq!(halves(&stack.server), Vec::<String>::new());
    println!(
        "figure: {kills} kills over {calls} calls of a training, {half_written} of them with a collection half-written, {} of {} \
         trainings done, {} collections left behind and swept, {} of them half",
        jobs.len(),
        kills,
        leftovers.len(),
        left.len()
    );
}
