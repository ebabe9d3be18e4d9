//! `vitrine-cost`: records a run of the stack and says what it costs.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what a person at a terminal reads")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use vitrine_cost::bill::Deployment;
use vitrine_cost::figures::Figures;
use vitrine_cost::prices::Prices;
use vitrine_cost::record::Record;
use vitrine_cost::report::Report;
use vitrine_cost::{logs, run};

/// What the stack costs: a recorded run of the sample shop, multiplied by list prices.
#[derive(Debug, Parser)]
#[command(name = "vitrine-cost", version, max_term_width = 100)]
struct Cli {
    /// Use a record instead of making one
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Keep the record that is made
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Prices instead of those that are part of the program
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Regions; all of the price file unless named
    #[arg(long, value_delimiter = ',')]
    region: Vec<String>,
    /// Print the prices of a shop's business case as JSON, for `PUT /v1/settings/cloud-prices`; needs one `--region`
    #[arg(long)]
    json: bool,
    /// Visits with seconds between calls
    #[arg(long, default_value_t = 60)]
    quiet: u64,
    /// Visits with twenty calls a second
    #[arg(long, default_value_t = 200)]
    busy: u64,
    /// Browsing events of the shop's history
    #[arg(long, default_value_t = 66_000)]
    history: usize,
    /// Megabytes of recommend
    #[arg(long)]
    recommend_memory: Option<f64>,
    /// Megabytes of collect
    #[arg(long)]
    collect_memory: Option<f64>,
    /// Megabytes of fold and archive
    #[arg(long)]
    stream_memory: Option<f64>,
    /// Megabytes of retrain
    #[arg(long)]
    retrain_memory: Option<f64>,
    /// Milliseconds that a read of the table is waited for
    #[arg(long)]
    read_ms: Option<f64>,
    /// Milliseconds that a write of the table is waited for
    #[arg(long)]
    write_ms: Option<f64>,
    /// Fail if a bar is not met
    #[arg(long)]
    check: bool,
    /// Only make the record: the program calls itself with this, so that what the functions write can be counted
    #[arg(long, value_name = "FILE", hide = true)]
    only_record: Option<PathBuf>,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(file) = &cli.only_record {
        let record =
            run::record(run::Options { quiet: cli.quiet.max(1), busy: cli.busy.max(1), history: cli.history })?;
        for line in logs::first() {
            eprintln!("  logged, for example: {line}");
        }
        return write(file, &record);
    }
    let prices = match &cli.prices {
        Some(file) => Prices::read(&read(file)?)?,
        None => Prices::built_in()?,
    };
    if cli.json && cli.region.len() != 1 {
        let known: Vec<&str> = prices.regions.keys().map(String::as_str).collect();
        bail!("--json needs one --region: {}", known.join(" or "));
    }
    let record: Record = match &cli.record {
        Some(file) => serde_json::from_str(&read(file)?).context("this is no record")?,
        None => recorded(&cli)?,
    };
    if let Some(file) = &cli.save {
        write(file, &record)?;
    }
    let default = Deployment::default();
    let deployment = Deployment {
        recommend_mb: cli.recommend_memory.unwrap_or(default.recommend_mb),
        collect_mb: cli.collect_memory.unwrap_or(default.collect_mb),
        stream_mb: cli.stream_memory.unwrap_or(default.stream_mb),
        retrain_mb: cli.retrain_memory.unwrap_or(default.retrain_mb),
        read_ms: cli.read_ms.unwrap_or(default.read_ms),
        write_ms: cli.write_ms.unwrap_or(default.write_ms),
        ..default
    };
    if let Some(region) = cli.region.first().filter(|_| cli.json) {
        let told = vitrine_cost::told::prices(&record, &deployment, &prices, region)?;
        println!("{}", serde_json::to_string_pretty(&told)?);
        return Ok(());
    }
    let regions = if cli.region.is_empty() { prices.regions.keys().cloned().collect() } else { cli.region };
    println!("{}", prices.status);
    let mut missed = Vec::new();
    for (at, region) in regions.iter().rev().enumerate() {
        let report = Report::of(&record, &deployment, &prices, region, at == 0)?;
        print!("{}", report.text);
        missed.extend(report.bars.into_iter().filter(|bar| !bar.is_met()));
    }
    println!();
    if missed.is_empty() {
        println!("Every bar is met.");
        return Ok(());
    }
    for bar in &missed {
        println!("Not met: {} costs {:.3} dollars, not under {:.2}.", bar.what, bar.measured, bar.bar);
    }
    if cli.check {
        bail!("{} bars are not met", missed.len());
    }
    Ok(())
}

/// Makes a record in a process of its own, whose output is what the functions would have logged.
fn recorded(cli: &Cli) -> Result<Record> {
    let folder = tempfile::TempDir::new()?;
    let file = folder.path().join("record.json");
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--only-record").arg(&file).stdout(Stdio::piped());
    for (name, value) in [("--quiet", cli.quiet), ("--busy", cli.busy), ("--history", cli.history as u64)] {
        command.arg(name).arg(value.to_string());
    }
    let mut child = command.spawn()?;
    let mut figures = Figures::default();
    for line in BufReader::new(child.stdout.take().context("the recording has no output")?).lines() {
        figures.line(&line?);
    }
    if !child.wait()?.success() {
        bail!("the recording failed");
    }
    let mut record: Record = serde_json::from_str(&read(&file)?)?;
    record.add_figures(figures);
    Ok(record)
}

fn write(file: &Path, record: &Record) -> Result<()> {
    let bytes = serde_json::to_vec_pretty(record)?;
    std::fs::write(file, bytes).with_context(|| format!("{} cannot be written", file.display()))
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}
