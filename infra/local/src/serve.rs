//! The stack as a person starts it at a terminal: says where everything is, runs until Ctrl-C.
#![allow(clippy::print_stderr, reason = "what a person at a terminal reads")]

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use vitrine_engine::{Durability, Engine};
use vitrine_learn::Lineup;
use vitrine_runtime::{Deadlines, Limits, VectorServer};

use crate::{Options, Running, Stack};

/// Between two times at which the erased are taken out of the files: the table is busy for it.
const SCRUB: Duration = Duration::from_secs(3600);

/// How a person starts the stack: arguments of a command line.
#[derive(Debug, Args)]
// A program may have a command of this name, which would be an argument group of the same name.
#[group(skip)]
pub struct Serve {
    /// Port of the shop and the API; 0 takes any that is free
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Address to listen on; on anything but loopback there is no sample shop
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Start without the sample shop
    #[arg(long)]
    pub empty: bool,
    /// Use another DynamoDB endpoint instead of the embedded engine
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL_DYNAMODB")]
    pub dynamodb_endpoint: Option<String>,
    /// Let every write wait for the disk, so that answered events survive a power cut too
    #[arg(long)]
    pub power_safe: bool,
}

impl Serve {
    const fn durability(&self) -> Durability {
        if self.power_safe { Durability::Power } else { Durability::Process }
    }
}

/// Starts the stack, says where everything is, and runs until it is asked to stop. `lineup` is what models are made of.
///
/// # Errors
/// If another stack runs on the folder, or [`Stack::start`] fails.
pub async fn serve(data: PathBuf, serve: Serve, lineup: Lineup, started: Instant) -> Result<()> {
    if let Some(running) = Running::find(&data) {
        anyhow::bail!("a stack already runs on {} at http://{}", data.display(), running.address);
    }
    eprintln!("Vitrine {} in {}", env!("CARGO_PKG_VERSION"), data.display());
    let sample = !serve.empty && serve.host.is_loopback();
    let durability = serve.durability();
    let stack = Stack::start(Options {
        data,
        host: serve.host,
        port: serve.port,
        dynamodb: serve.dynamodb_endpoint,
        durability,
        sample,
        poll: true,
        quiet: false,
        lineup,
        limits: Limits::from_env()?,
        deadlines: Deadlines::from_env()?,
        vectors: VectorServer::from_env()?,
    })
    .await?;
    let url = stack.url();
    eprintln!("Ready in {:.1} s\n", started.elapsed().as_secs_f64());
    if sample {
        eprintln!("  the shop     {url}/");
        eprintln!("  its keys     demo (browser), demo-secret (server)");
    } else {
        eprintln!("  a first shop cargo run --release -- shops create my-shop");
    }
    if let Some((name, password)) = &stack.admin {
        eprintln!("  the console  {url}/console, shop demo, name {name}, password {password}");
        eprintln!("               the password is shown only now; `staff password` makes another one");
    } else {
        eprintln!("  the console  {url}/console");
    }
    eprintln!("  the API      {url}/docs");
    eprintln!("  OpenAPI      {url}/openapi.json\n\nCtrl-C stops it; nothing is lost.");
    // Asked once and listened to all the time: a signal that comes while nobody listens is lost.
    tokio::select! {
        () = asked_to_stop() => {}
        () = tend(&stack) => {}
    }
    eprintln!("Stopping");
    stack.stop().await;
    Ok(())
}

/// Keeps the table's file small, without end.
async fn tend(stack: &Stack) {
    let mut trim = tokio::time::interval(Duration::from_secs(60));
    let mut scrub = tokio::time::interval(SCRUB);
    loop {
        tokio::select! {
            _ = trim.tick() => {
                tokio::task::block_in_place(|| stack.trim());
                if !stack.has_expired() {
                    continue;
                }
            }
            _ = scrub.tick() => {}
        }
        if let Err(error) = stack.scrub().await {
            tracing::warn!(cause = format!("{error:#}"), "the erased could not be taken out of the files yet");
        }
    }
}

/// Serves the table of a data folder alone, says where it is, and runs until it is asked to stop.
///
/// # Errors
/// If the folder is unusable or no port can be opened.
pub async fn serve_table(data: &Path, serve: &Serve) -> Result<()> {
    std::fs::create_dir_all(data).with_context(|| format!("{} cannot be made", data.display()))?;
    let engine = Engine::file(&data.join("table.db"), serve.durability()).await?;
    eprintln!("The table is at {}", engine.endpoint());
    asked_to_stop().await;
    engine.shutdown().await;
    Ok(())
}

/// Ctrl-C, or the signal with which service managers stop a program.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    tokio::signal::ctrl_c().await.ok();
}
