//! The recorded run: the sample shop on an embedded table, trained, and visited at two paces.

mod schedules;
mod stream;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use vitrine_domain::time::SECOND;
use vitrine_domain::{Shop, Visitor as Who};
use vitrine_engine::{Durability, Engine};
use vitrine_fold::Fold;
use vitrine_http::{App, layers};
use vitrine_runtime::{Clock, Config, Context, Deadlines, Place};
use vitrine_store::api_keys::KeyKind;
use vitrine_store::{Connection, Table};

use crate::function::{Function, Handler, http};
use crate::logs;
use crate::proxy::Proxy;
use crate::record::{Kind, Pace, Phase, Record, Shop as Recorded};
use crate::visit::Visitor;
use stream::{Stream, lanes};

const TABLE: &str = "vitrine";
const SHOP: &str = "demo";
const KEY: &str = "demo";
/// How long an answer of the table is held back, so that calls made at once are seen to be.
const HOLD: Duration = Duration::from_millis(2);
/// Bytes of a batch of the stream at most.
const PAYLOAD: usize = 6_000_000;
/// Milliseconds between calls.
const QUIET: u64 = 5000;
const BUSY: u64 = 50;
/// Visitors who are there together at the busy pace.
const TOGETHER: usize = 100;

/// How long the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Visits one after the other, seconds between calls.
    pub quiet: u64,
    /// Visits at once, many calls a second.
    pub busy: u64,
    /// Browsing events of the shop's history.
    pub history: usize,
}

/// Progress on standard error.
struct Step {
    bar: ProgressBar,
    name: &'static str,
}

impl Step {
    fn begin(name: &'static str, length: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr_with_hz(5));
        let template = if length == 0 {
            "{spinner} {msg:<40} {elapsed:>5}"
        } else {
            "{spinner} {msg:<40} {bar:30} {human_pos:>9} of {human_len:<9} {elapsed:>5}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(name);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, name }
    }

    fn at(&self, position: u64) {
        self.bar.set_position(position);
    }

    #[allow(clippy::print_stderr, reason = "this is what a person at a terminal reads")]
    fn end(self, told: &str) {
        let seconds = self.bar.elapsed().as_secs_f64();
        self.bar.finish_and_clear();
        eprintln!("  {:<40} {told} ({seconds:.1} s)", self.name);
    }
}

/// Makes the run. Figures of the functions are written to standard output, as in the cloud.
///
/// # Errors
/// If a part of the stack cannot start, or a function fails.
pub fn record(options: Options) -> Result<Record> {
    logs::start();
    let folder = tempfile::TempDir::new()?;
    let clock = Clock::set_to(Clock::system().now());
    let engine = table(folder.path().join("table.db"))?;
    let proxy = Proxy::start(engine.clone())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ground = Ground { folder: folder.path().to_owned(), clock: clock.clone(), endpoint: proxy.address.clone() };
    let own = runtime.block_on(ground.context())?;
    let direct = runtime.block_on(Table::connect(&Connection { table: TABLE.to_owned(), endpoint: Some(engine) }));
    runtime.block_on(direct.create_if_missing())?;

    let mut import = Phase::new(Pace::Once, Kind::Import);
    let (products, events, known) = runtime.block_on(fill(&own, &proxy, options.history, &mut import))?;
    let mut stream = Stream::of(direct);
    runtime.block_on(take_in(&own, &mut stream, events))?;
    import.table.add(&proxy.take());
    import.log_lines = logs::take().0;
    // What the filling of the shop tells is no part of any call.
    vitrine_runtime::metrics::start_in_cloud();

    let mut run = Run { proxy, clock, objects: folder.path().join("objects"), phases: Vec::new() };
    run.phases.push(import);
    let lake = files(&run.objects).into_values().sum();
    let model_bytes = schedules::train(&mut run, &ground)?;
    visits(&mut run, &ground, &runtime, &mut stream, options, &products, &known)?;
    schedules::compact(&mut run, &ground)?;
    schedules::sweep(&mut run, &ground)?;

    let all = |pick: fn(&Phase) -> u64| run.phases.iter().map(pick).sum();
    let shop = Recorded {
        products: products.len() as u64,
        events,
        table_items: all(|phase| phase.table.all().items),
        table_bytes: all(|phase| phase.table.all().stored_bytes),
        lake_bytes: lake,
        object_bytes: files(&run.objects).into_values().sum(),
        model_bytes,
    };
    Ok(Record {
        made: Clock::system().now().to_rfc3339(),
        machine: machine(),
        what: format!(
            "the sample shop in one process on an embedded table, {} + {} visits",
            options.quiet, options.busy
        ),
        shop,
        visits: BTreeMap::from([(Pace::Quiet, options.quiet), (Pace::Busy, options.busy)]),
        gaps: BTreeMap::from([(Pace::Quiet, QUIET), (Pace::Busy, BUSY)]),
        peak_mb: peak_megabytes(),
        phases: run.phases,
        figures: crate::figures::Figures::default(),
    })
}

/// Where the functions find everything.
#[derive(Debug, Clone)]
struct Ground {
    folder: PathBuf,
    clock: Clock,
    endpoint: String,
}

impl Ground {
    async fn context(&self) -> Result<Context> {
        let scratch = self.folder.join("scratch");
        std::fs::create_dir_all(&scratch)?;
        let config = Config {
            table: TABLE.to_owned(),
            objects: Place::Folder(self.folder.join("objects")),
            dynamodb_endpoint: Some(self.endpoint.clone()),
            s3_endpoint: None,
            secret: "a secret of a run that is thrown away".to_owned(),
            retention: 760 * vitrine_domain::time::DAY,
            backups: 0,
            scratch,
            text_weights: None,
            vectors: None,
        };
        let mut context = Context::connect(config, self.clock.clone()).await?;
        // A machine that has much else to do must not change what is counted.
        let patience = Duration::from_secs(20);
        context.deadlines = Deadlines { visitor: patience, catalogue: patience, index: patience, log: patience };
        Ok(context)
    }
}

/// Starts the embedded table on a thread of its own.
fn table(file: PathBuf) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::Builder::new().name("table".to_owned()).spawn(move || {
        runtime.block_on(async move {
            let started = Engine::file(&file, Durability::Process).await;
            match started {
                Ok(engine) => {
                    tell.send(Ok(engine.endpoint())).ok();
                    // It serves until the process ends.
                    std::future::pending::<()>().await;
                }
                Err(error) => {
                    tell.send(Err(error)).ok();
                }
            }
        });
    })?;
    Ok(told.recv().context("the table did not start")??)
}

/// Stocks the shop and tells what happened so far. Answers products, the number of events, and devices that were there.
async fn fill(
    own: &Context,
    proxy: &Proxy,
    history: usize,
    import: &mut Phase,
) -> Result<(Vec<String>, u64, Vec<String>)> {
    let (shop, now) = (Shop::new(SHOP)?, own.clock.now());
    own.table.put_api_key(KEY, &shop, KeyKind::Browser, now).await?;
    let step = Step::begin("Reading the sample shop", 0);
    let grocery = vitrine_samples::grocery()?;
    let options = vitrine_samples::Options { browsing_events: history, ..vitrine_samples::Options::until(now) };
    let events = vitrine_samples::history(&grocery, &options)?;
    step.end(&format!("{} products, {} events", grocery.products.len(), events.len()));
    let step = Step::begin("Filling the table", (grocery.products.len() + events.len()) as u64);
    let clock = own.clock.clone();
    let now = move || clock.now();
    for chunk in grocery.products.chunks(200) {
        own.table.upsert_products(&shop, chunk, &now).await?;
        step.bar.inc(chunk.len() as u64);
    }
    for chunk in events.chunks(2000) {
        own.table.import_events(&shop, chunk).await?;
        step.bar.inc(chunk.len() as u64);
        import.table.add(&proxy.take());
    }
    step.end("done");
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for event in &events {
        if let Who::Anonymous(id) = &event.visitor {
            *seen.entry(id.clone()).or_default() += 1;
        }
    }
    let known = seen.into_iter().filter(|(_, events)| *events >= 5).map(|(id, _)| id).collect();
    let products = grocery.products.iter().map(|product| product.id.to_string()).collect();
    Ok((products, events.len() as u64, known))
}

/// Lets the history pass through fold and archive.
async fn take_in(own: &Context, stream: &mut Stream, events: u64) -> Result<()> {
    let step = Step::begin("Folding profiles, filling the lake", events);
    let fold = Fold::new(own.clone());
    let mut done = 0;
    loop {
        let more = stream.read_at(own.clock.now().0).await?;
        for reader in [Kind::Fold, Kind::Archive] {
            for records in stream.due(reader, !more, own.clock.now().0) {
                done += if reader == Kind::Fold { records.len() as u64 } else { 0 };
                let mut event = Event::default();
                event.records = records;
                let answer = match reader {
                    Kind::Fold => vitrine_fold::handle(&fold, event).await,
                    _ => vitrine_archive::handle(own, event).await,
                };
                if !answer.batch_item_failures.is_empty() {
                    bail!("{} records of the history were not taken in", answer.batch_item_failures.len());
                }
            }
        }
        step.at(done);
        if !more {
            step.end("done");
            return Ok(());
        }
    }
}

/// The run while it is recorded.
struct Run {
    proxy: Proxy,
    clock: Clock,
    objects: PathBuf,
    phases: Vec<Phase>,
}

/// What the recorder knows of a call beforehand.
struct Planned {
    pace: Pace,
    kind: Kind,
    items: u64,
    bytes: u64,
    gets: u64,
    listings: u64,
}

impl Planned {
    const fn new(pace: Pace, kind: Kind, items: u64) -> Self {
        Self { pace, kind, items, bytes: 0, gets: 0, listings: 0 }
    }
}

impl Run {
    /// Calls a function and counts everything about it.
    fn call(&mut self, function: &Function, planned: &Planned, payload: Vec<u8>) -> Result<Vec<u8>> {
        let kind = planned.kind;
        let writes = matches!(kind, Kind::Archive | Kind::Train | Kind::Compact | Kind::Sweep);
        let before = if writes { files(&self.objects) } else { BTreeMap::new() };
        let done = function.call(payload)?;
        let mut phase = Phase::new(planned.pace, kind);
        (phase.calls, phase.items) = (1, planned.items);
        // What works on other threads too is measured by the process, in which nothing else happens meanwhile.
        let whole = matches!(kind, Kind::Train | Kind::ColdStart | Kind::Compact | Kind::Sweep);
        phase.cpu_ms = if whole { done.process_ms } else { done.thread_ms };
        phase.wall_ms = done.wall_ms;
        phase.table = self.proxy.take();
        (phase.log_lines, phase.log_bytes) = logs::take();
        (phase.gets, phase.listings, phase.request_bytes) = (planned.gets, planned.listings, planned.bytes);
        if writes {
            let new = files(&self.objects).into_iter().filter(|(path, _)| !before.contains_key(path));
            for (_, bytes) in new {
                phase.puts += 1;
                phase.put_bytes += bytes;
            }
        }
        if matches!(kind, Kind::List | Kind::Page | Kind::ColdStart | Kind::Event | Kind::Batch) {
            phase.answer_bytes = answer_bytes(&done.answer)?;
        }
        match self.phases.iter_mut().find(|known| known.pace == planned.pace && known.kind == kind) {
            Some(known) => known.add(&phase),
            None => self.phases.push(phase),
        }
        Ok(done.answer)
    }
}

/// Bytes of an answer on their way to the visitor, the gateway's own headers excluded; an error if it is none.
fn answer_bytes(answer: &[u8]) -> Result<u64> {
    let answer: Value = serde_json::from_slice(answer)?;
    let body = answer["body"].as_str().unwrap_or_default();
    if answer["statusCode"] != 200 {
        bail!("answered {}: {body}", answer["statusCode"]);
    }
    let headers = answer["headers"].as_object().into_iter().flatten();
    let headers: usize = headers.map(|(name, value)| name.len() + value.as_str().map_or(0, str::len) + 4).sum();
    Ok((headers + body.len()) as u64)
}

/// The functions that visits call.
struct Functions {
    recommend: Function,
    collect: Function,
    fold: Function,
    archive: Function,
}

impl Functions {
    fn start(ground: &Ground) -> Result<Self> {
        let of = ground.clone();
        let recommend = Function::start("recommend", move || async move {
            let app = App::new(of.context().await?);
            Ok(http(layers::surround(vitrine_recommend::router(app))))
        })?;
        let of = ground.clone();
        let collect = Function::start("collect", move || async move {
            let app = App::new(of.context().await?);
            Ok(http(layers::surround(vitrine_collect::router(app))))
        })?;
        let of = ground.clone();
        let fold = Function::start("fold", move || async move {
            let fold = std::sync::Arc::new(Fold::new(of.context().await?));
            let handler: Handler = Box::new(move |payload| {
                let fold = fold.clone();
                Box::pin(async move {
                    let event: Event = serde_json::from_slice(&payload)?;
                    Ok(serde_json::to_vec(&vitrine_fold::handle(&fold, event).await)?)
                })
            });
            Ok(handler)
        })?;
        let of = ground.clone();
        let archive = Function::start("archive", move || async move {
            let context = of.context().await?;
            let handler: Handler = Box::new(move |payload| {
                let context = context.clone();
                Box::pin(async move {
                    let event: Event = serde_json::from_slice(&payload)?;
                    Ok(serde_json::to_vec(&vitrine_archive::handle(&context, event).await)?)
                })
            });
            Ok(handler)
        })?;
        Ok(Self { recommend, collect, fold, archive })
    }

    /// Gives the stream's readers what is due.
    fn deliver(&self, run: &mut Run, stream: &mut Stream, pace: Pace, all: bool) -> Result<()> {
        let now = run.clock.now().0;
        for records in stream.due(Kind::Fold, all, now) {
            for lane in lanes(records) {
                self.records(run, Planned::new(pace, Kind::Fold, lane.len() as u64), &lane)?;
            }
        }
        for records in stream.due(Kind::Archive, all, now) {
            self.records(run, Planned::new(pace, Kind::Archive, records.len() as u64), &records)?;
        }
        Ok(())
    }

    fn records(&self, run: &mut Run, mut planned: Planned, records: &[EventRecord]) -> Result<()> {
        let payload = json!({"Records": records}).to_string().into_bytes();
        if payload.len() > PAYLOAD {
            let (first, second) = records.split_at(records.len() / 2);
            self.records(run, Planned::new(planned.pace, planned.kind, first.len() as u64), first)?;
            return self.records(run, Planned::new(planned.pace, planned.kind, second.len() as u64), second);
        }
        planned.bytes = payload.len() as u64;
        let function = if planned.kind == Kind::Fold { &self.fold } else { &self.archive };
        let answer: Value = serde_json::from_slice(&run.call(function, &planned, payload)?)?;
        let failed = answer["batchItemFailures"].as_array().map_or(0, Vec::len);
        if failed > 0 {
            bail!("{failed} records were not taken in: {:?}", logs::first());
        }
        Ok(())
    }
}

/// Visits at both paces.
fn visits(
    run: &mut Run,
    ground: &Ground,
    runtime: &tokio::runtime::Runtime,
    stream: &mut Stream,
    options: Options,
    products: &[String],
    known: &[String],
) -> Result<()> {
    let functions = Functions::start(ground)?;
    run.proxy.hold(HOLD);
    let begin = |number: u64| {
        // Every third visitor has been here before.
        let device = known.get(number as usize / 3 % known.len().max(1)).filter(|_| number.is_multiple_of(3));
        let product = &products[number as usize % products.len().min(50)];
        Visitor::new(number, device.map(String::as_str), product, KEY)
    };
    // The first calls open the model and connections.
    let cold = Planned { gets: 2, ..Planned::new(Pace::Once, Kind::ColdStart, 1) };
    let mut first = begin(u64::MAX / 2);
    for _ in 0..2 {
        if let Some(call) = first.next(run.clock.now()) {
            let is_list = matches!(call.kind, Kind::List | Kind::Page);
            if is_list {
                run.call(&functions.recommend, &cold, call.payload)?;
            } else {
                functions.collect.call(call.payload)?;
                drop(run.proxy.take());
            }
        }
    }
    let step = Step::begin("Visits, seconds between calls", options.quiet);
    for number in 0..options.quiet {
        let mut visitor = begin(number);
        while step_on(run, &functions, &mut visitor, Pace::Quiet)? {
            run.clock.advance(Duration::from_millis(QUIET));
            let now = run.clock.now().0;
            runtime.block_on(stream.read_at(now - SECOND))?;
            functions.deliver(run, stream, Pace::Quiet, false)?;
        }
        step.at(number + 1);
    }
    drain(run, runtime, stream, &functions, Pace::Quiet)?;
    step.end("done");

    let step = Step::begin("Visits, twenty calls a second", options.busy);
    let numbers: Vec<u64> = (options.quiet..options.quiet + options.busy).collect();
    let mut calls = 0_u64;
    for together in numbers.chunks(TOGETHER) {
        let mut visitors: Vec<Visitor> = together.iter().map(|number| begin(*number)).collect();
        while !visitors.is_empty() {
            let mut left = Vec::with_capacity(visitors.len());
            for mut visitor in visitors {
                if step_on(run, &functions, &mut visitor, Pace::Busy)? {
                    left.push(visitor);
                } else {
                    step.bar.inc(1);
                    continue;
                }
                run.clock.advance(Duration::from_millis(BUSY));
                calls += 1;
                if calls.is_multiple_of(1000 / BUSY) {
                    let now = run.clock.now().0;
                    runtime.block_on(stream.read_at(now - SECOND))?;
                    functions.deliver(run, stream, Pace::Busy, false)?;
                }
            }
            visitors = left;
        }
    }
    drain(run, runtime, stream, &functions, Pace::Busy)?;
    step.end("done");
    Ok(())
}

/// A visitor's next call; false if there was none.
fn step_on(run: &mut Run, functions: &Functions, visitor: &mut Visitor, pace: Pace) -> Result<bool> {
    let Some(call) = visitor.next(run.clock.now()) else { return Ok(false) };
    let planned = Planned { bytes: call.bytes, ..Planned::new(pace, call.kind, call.items) };
    let asks = call.kind.function() == "recommend";
    let function = if asks { &functions.recommend } else { &functions.collect };
    let answer: Value = serde_json::from_slice(&run.call(function, &planned, call.payload)?)?;
    if asks {
        visitor.told(&serde_json::from_str(answer["body"].as_str().unwrap_or_default())?);
    }
    Ok(true)
}

/// Lets everything that is in the stream pass.
fn drain(
    run: &mut Run,
    runtime: &tokio::runtime::Runtime,
    stream: &mut Stream,
    functions: &Functions,
    pace: Pace,
) -> Result<()> {
    while runtime.block_on(stream.read_at(run.clock.now().0))? {}
    functions.deliver(run, stream, pace, true)?;
    // What fold wrote is in the stream too, and neither reader's concern.
    while runtime.block_on(stream.read_at(run.clock.now().0))? {}
    Ok(())
}

/// The files below a folder and their sizes.
fn files(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(about) => {
                    found.insert(entry.path(), about.len());
                }
                // It has gone meanwhile.
                Err(_) => {}
            }
        }
    }
    found
}

/// The most memory that was resident at once; zero where `/proc` does not tell.
fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse().unwrap_or_default();
    kibibytes * 1024.0 / 1e6
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{}, {cores} cores", model.trim_start_matches([' ', '\t', ':']))
}
