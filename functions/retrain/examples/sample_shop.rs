//! Time and memory of training the whole sample shop.
//!
//! ```text
//! cargo run --release -p vitrine-retrain --example sample_shop -- load FOLDER
//! cargo run --release -p vitrine-retrain --example sample_shop -- train FOLDER
//! ```
//!
//! Loading is another process, so that the memory of the second is that of a training with the embedded table beside it.

use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use vitrine_domain::{Millis, Shop};
use vitrine_engine::{Durability, Engine};
use vitrine_retrain::{Outcome, retrain};
use vitrine_runtime::{Clock, Config, Context, Place};
use vitrine_store::lake::Kind;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// 2026-11-22T14:40:00Z.
const END: Millis = Millis(1_795_358_400_000);
/// Events of a file of the lake.
const FILE: usize = 5_000;

async fn open(folder: &Path) -> Result<(Engine, Context)> {
    std::fs::create_dir_all(folder)?;
    let engine = Engine::file(&folder.join("table.sqlite"), Durability::Process).await?;
    let config = Config {
        table: "vitrine".to_owned(),
        objects: Place::Folder(folder.join("objects")),
        dynamodb_endpoint: Some(engine.endpoint()),
        s3_endpoint: None,
        secret: "0123456789abcdef0123456789abcdef".to_owned(),
        retention: 760 * vitrine_domain::time::DAY,
        backups: 0,
        text_weights: None,
        vectors: None,
        scratch: folder.to_owned(),
    };
    let context = Context::connect(config, Clock::set_to(END)).await?;
    context.table.create_if_missing().await?;
    Ok((engine, context))
}

async fn load(context: &Context, shop: &Shop) -> Result<()> {
    let grocery = vitrine_samples::grocery()?;
    context.table.upsert_products(shop, &grocery.products, &|| END).await?;
    let events = vitrine_samples::history(&grocery, &vitrine_samples::Options::until(END))?;
    for (n, file) in events.chunks(FILE).enumerate() {
        let lines = file.iter().map(serde_json::to_string).collect::<std::result::Result<Vec<_>, _>>()?;
        context.objects.write_lake(shop, Kind::Events, &END.day(), &format!("{n:04}"), &lines).await?;
    }
    let (products, events) = (grocery.products.len(), events.len());
    writeln!(std::io::stdout(), "{products} products, {events} events")?;
    Ok(())
}

/// Peak and present memory of this process in MB, where the system tells.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    (field("VmHWM:").unwrap_or_default() / 1024, field("VmRSS:").unwrap_or_default() / 1024)
}

async fn train(context: &Context, shop: &Shop) -> Result<()> {
    let start = Instant::now();
    let before = memory().1;
    let stage = Mutex::new("");
    let progress = |now: vitrine_retrain::Stage, _, _| {
        let Ok(mut stage) = stage.lock() else { return };
        if *stage != now.as_str() {
            *stage = now.as_str();
            let (peak, present) = memory();
            let seconds = start.elapsed().as_secs_f64();
            let _ = writeln!(std::io::stdout(), "{seconds:6.2} s  {present:5} MB  peak {peak:5} MB  {stage}");
        }
    };
    let outcome = retrain(context, shop, &progress).await?;
    let seconds = start.elapsed().as_secs_f64();
    let mut out = std::io::stdout();
    writeln!(out, "{seconds:6.2} s  {:5} MB  peak {:5} MB  {outcome}", memory().1, memory().0)?;
    writeln!(out, "before: {before} MB")?;
    if let Outcome::Published { bytes, read, counts, .. } = outcome {
        writeln!(out, "artifact {bytes} bytes, {read:?}, {counts:?}")?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(what), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("say `load FOLDER` or `train FOLDER`".into());
    };
    let (engine, context) = open(Path::new(&folder)).await?;
    let shop = Shop::new("demo")?;
    match what.as_str() {
        "load" => load(&context, &shop).await?,
        "train" => train(&context, &shop).await?,
        _ => return Err("say `load FOLDER` or `train FOLDER`".into()),
    }
    engine.shutdown().await;
    Ok(())
}
