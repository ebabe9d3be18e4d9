//! The command: its arguments, and what it prints. A program that brings its own algorithms has the same one.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use vitrine_domain::{Millis, Shop};
use vitrine_learn::{Lineup, Settings};

use crate::progress::Progress;
use crate::read::{archive, sequences};
use crate::{Options, Task, evaluate};

/// How good the models are, by full ranking: trains on one part, asks for the other.
///
/// Prints hit rate (P@k), recall, NDCG and MRR with 95 % bootstrap intervals, coverage, novelty and popularity bias, for the
/// blend and for every part alone. Ties count against the model.
#[derive(Debug, Parser)]
#[command(name = "vitrine-evaluate", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Common {
    /// Write the report as JSON to this file
    #[arg(long, global = true, value_name = "OUT")]
    json: Option<PathBuf>,
    /// Seed of training, of the intervals, and of what `cold` holds out
    #[arg(long, global = true)]
    seed: Option<u64>,
    /// Models to report, separated by commas; all if not given
    #[arg(long, global = true, value_delimiter = ',')]
    models: Vec<String>,
    /// Threads; 0 is one for each core
    #[arg(long, global = true)]
    threads: Option<usize>,
    /// Settings of learning: a JSON file that names what it changes
    #[arg(long, global = true, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Weights of the text embedding (see the example `text_weights` of vitrine-learn); without them words and letters
    /// are compared
    #[arg(long, global = true, value_name = "FILE")]
    text: Option<PathBuf>,
    /// Resamples of the bootstrap
    #[arg(long, global = true, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    resamples: u32,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sequences, `person product product ...` a line: the last product of each person is asked for
    Sequences {
        /// The file
        file: PathBuf,
        /// Do not read the product attributes in NAME_item2attributes.json
        #[arg(long)]
        no_attributes: bool,
        /// Rank products of the person's own history too
        #[arg(long)]
        repeats: bool,
    },
    /// Sessions: train_sessions.txt and test_cases.txt, `product product ...<TAB>product` a line
    Sessions {
        /// The folder
        dir: PathBuf,
    },
    /// Baskets: NAME_history.json and NAME_future.json, `{person: [[-1], basket, ..., [-1]]}`
    Baskets {
        /// The folder
        dir: PathBuf,
    },
    /// Products never seen: NAME.item.json with texts, NAME.train.csv, .valid.csv, .test.csv with behaviour
    Cold {
        /// The folder, or the file of texts
        path: PathBuf,
    },
    /// A shop's archive, split by time, by segment of visitors, and beside the live model
    Log {
        /// The shop's name, or a folder with its `events` and `models`
        shop: PathBuf,
        /// Folder of the local stack
        #[arg(long, default_value = "data", env = "VITRINE_DATA")]
        data_dir: PathBuf,
        /// When training ends (RFC 3339, or a date); else a week before the newest action, or a quarter of a shorter log
        #[arg(long, value_name = "TIME", value_parser = time)]
        split: Option<Millis>,
        /// How many days before the newest action training ends
        #[arg(long, conflicts_with = "split", value_parser = days)]
        days: Option<f64>,
        /// Version of the live model, if it is not the newest
        #[arg(long)]
        live: Option<String>,
    },
}

fn time(text: &str) -> Result<Millis, String> {
    let day = || Millis::parse(&format!("{text}T00:00:00Z"));
    Millis::parse(text).or_else(day).ok_or_else(|| "neither a time like 2026-11-22T14:40:00Z nor a date".to_owned())
}

fn days(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|days| (0.0..=36_500.0).contains(days)).ok_or_else(|| "not a number of days".to_owned())
}

/// Where a shop's archive is.
fn folder(shop: &Path, data: &Path) -> Result<PathBuf> {
    if let Some(name) = shop.to_str().and_then(|name| Shop::new(name).ok()) {
        let folder = data.join("objects/shops").join(name.as_str());
        if folder.is_dir() {
            return Ok(folder);
        }
    }
    let is_archive = shop.join("events").is_dir();
    is_archive.then(|| shop.to_owned()).with_context(|| {
        format!("there is neither a shop {} under {} nor such a folder with `events`", shop.display(), data.display())
    })
}

fn settings(common: &Common) -> Result<Settings> {
    let mut settings = match &common.settings {
        None => Settings::default(),
        Some(file) => {
            let text = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
            serde_json::from_slice(&text).with_context(|| format!("{} is no settings file", file.display()))?
        }
    };
    settings.seed = common.seed.unwrap_or(settings.seed);
    settings.threads = common.threads.unwrap_or(settings.threads);
    Ok(settings)
}

/// Does what the arguments say with the algorithms of a line-up, and prints the report.
///
/// # Errors
/// If an argument makes no sense, the report cannot be written, or [`evaluate`] fails.
pub fn run(cli: Cli, lineup: Lineup) -> Result<()> {
    let Cli { common, command } = cli;
    let task = match command {
        Command::Sequences { file, no_attributes, repeats } => {
            Task::Sequences(file, sequences::Options { attributes: !no_attributes, repeats })
        }
        Command::Sessions { dir } => Task::Sessions(dir),
        Command::Baskets { dir } => Task::Baskets(dir),
        Command::Cold { path } => Task::Cold(path),
        Command::Log { shop, data_dir, split, days, live } => {
            Task::Log(folder(&shop, &data_dir)?, archive::Options { at: split, days, version: live })
        }
    };
    let options = Options {
        settings: settings(&common)?,
        models: common.models,
        resamples: common.resamples as usize,
        lineup,
        text: common.text,
    };
    // Before the work, not after it: a report that cannot be written is known now.
    let out = common.json.as_ref().map(|file| {
        let created = std::fs::File::create(file);
        created.with_context(|| format!("{} cannot be written", file.display()))
    });
    let out = out.transpose()?;
    let report = evaluate(&task, &options, &Progress::on_terminal())?;
    std::io::stdout().lock().write_all(report.to_text().as_bytes())?;
    if let Some(mut file) = out {
        let mut text = serde_json::to_vec_pretty(&report.to_json())?;
        text.push(b'\n');
        file.write_all(&text).context("the report cannot be written")?;
    }
    Ok(())
}
