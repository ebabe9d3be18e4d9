//! How good the models are: by full ranking, on research files of the usual formats and on a shop's own log.
//!
//! ```text
//! cargo run --release -p vitrine-evaluate -- sequences FILE | sessions DIR | baskets DIR | cold DIR_OR_FILE | log SHOP
//! ```
//!
//! Each command reads what there is into a [`data::Split`], trains on its one half by the very code that trains a
//! shop's models, asks the other half's questions, and prints figures of the blend and of every part of it alone.
//!
//! # What can be relied on
//!
//! * **Full ranking.** Every product of the catalogue that may be shown is ranked, none is sampled. Ties count against the
//!   model. See [`metrics`].
//! * **No leaks.** [`train`] gets a [`data::Training`], which has no path to what is held out. Weights and
//!   parameters are chosen inside training, on a validation part of the training data.
//! * **Intervals.** Each accuracy comes with a 95 % bootstrap interval over people or sessions. See [`bootstrap`].
//! * **Repeatable.** Equal input, settings and seed give equal figures and intervals, for any number of threads.
//!
//! # The report
//!
//! As a table on standard output, and with `--json` as `{"models": {"blend": {"hr@10": 0.1, "hr@10_ci": [0.09, 0.11],
//! ...}, ...}, "data": {...}, "training": {"cpu_seconds", "wall_seconds", "peak_megabytes", ...}, "settings": {...}}`; a
//! shop's log adds `"segments": {name: {"cases": n, "models": {...}}}`. Figures are fractions.

pub mod bootstrap;
pub mod cli;
pub mod data;
mod error;
pub mod judge;
pub mod metrics;
pub mod models;
pub mod progress;
pub mod read;
pub mod report;
pub mod resources;

use std::path::PathBuf;

use serde_json::{Value, json};
use vitrine_learn::text::TextEncoder;
use vitrine_learn::{Artifact, Card, Lineup, Settings, Trainer, parallel};

pub use error::{Error, Result};

use bootstrap::Bootstrap;
use data::{Split, Training};
use progress::Progress;
use read::{archive, baskets, cold, sequences, sessions};
use report::{Report, Segment};
use resources::Stopwatch;

/// What to evaluate on.
#[derive(Debug, Clone)]
pub enum Task {
    /// See [`read::sequences`].
    Sequences(PathBuf, sequences::Options),
    /// See [`read::sessions`].
    Sessions(PathBuf),
    /// See [`read::baskets`].
    Baskets(PathBuf),
    /// See [`read::cold`].
    Cold(PathBuf),
    /// See [`read::archive`].
    Log(PathBuf, archive::Options),
}

/// How to evaluate.
#[derive(Debug, Clone)]
pub struct Options {
    /// How models are trained; the seed is also that of the intervals and of what `cold` holds out.
    pub settings: Settings,
    /// The models to report; all if empty.
    pub models: Vec<String>,
    /// Resamples of the bootstrap.
    pub resamples: usize,
    /// The algorithms that take part.
    pub lineup: Lineup,
    /// Weights of the text embedding.
    pub text: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            models: Vec::new(),
            resamples: 1_000,
            lineup: Lineup::default(),
            text: None,
        }
    }
}

/// A trained model, and what it took.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub artifact: Artifact,
    /// Its card.
    pub card: Card,
    /// CPU seconds of all threads, from the log to the bytes of the artifact; none where the system does not tell.
    pub cpu_seconds: Option<f64>,
    /// The same by the clock.
    pub wall_seconds: f64,
    /// The most memory that the process held until then.
    pub peak_megabytes: Option<f64>,
}

/// Trains on what may be seen. What is held out is no part of a [`Training`].
///
/// # Errors
/// If a setting is out of its range or the data are larger than its limits.
pub fn train(training: &Training, trainer: &Trainer<'_>, progress: &Progress) -> Result<Trained> {
    let watch = Stopwatch::start();
    let data = training.dataset(&trainer.settings.limits)?;
    let vitrine_learn::Trained { bytes, card, .. } = trainer.train(&data, &mut |stage, done, total| {
        progress.show(stage.as_str(), done, total);
    })?;
    drop(data);
    let artifact = Artifact::from_bytes(bytes, &trainer.lineup)?;
    let (cpu_seconds, wall_seconds) = watch.seconds();
    progress.clear();
    Ok(Trained { artifact, card, cpu_seconds, wall_seconds, peak_megabytes: resources::peak_megabytes() })
}

/// The algorithms that the wanted models need: one alone needs no other, the blend needs all.
fn lineup(all: &Lineup, wanted: &[String]) -> Lineup {
    // Neighbouring sessions read the lists of looks.
    let needs_all = wanted.is_empty() || wanted.iter().any(|name| name == models::BLEND || name == "sessions");
    all.clone().only(|name| needs_all || wanted.iter().any(|wanted| wanted == name))
}

/// Refuses models that there are not, before anything is read.
fn check_models(wanted: &[String], all: &Lineup) -> Result<()> {
    let known: Vec<&str> = std::iter::once(models::BLEND).chain(all.iter().map(|part| part.name())).collect();
    match wanted.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Error::Model { name: name.clone(), known: known.join(", ") }),
        None => Ok(()),
    }
}

/// The models to report, with their places among all of an artifact.
fn choose(wanted: &[String], artifact: &Artifact) -> Vec<(usize, String)> {
    let names = models::names(artifact);
    if wanted.is_empty() {
        return names.into_iter().enumerate().collect();
    }
    let place = |name: &String| names.iter().position(|known| known == name);
    wanted.iter().filter_map(|name| place(name).map(|place| (place, name.clone()))).collect()
}

/// Reads, trains, asks, and reports.
///
/// # Errors
/// If something cannot be read or is not of its format, a model or setting does not exist, or training fails.
pub fn evaluate(task: &Task, options: &Options, progress: &Progress) -> Result<Report> {
    let settings = &options.settings;
    check_models(&options.models, &options.lineup)?;
    progress.show("reading", 0, 0);
    let (title, path, mut split, live) = match task {
        Task::Sequences(path, options) => ("sequences", path, sequences::read(path, *options)?, None),
        Task::Sessions(path) => ("sessions", path, sessions::read(path)?, None),
        Task::Baskets(path) => ("baskets", path, baskets::read(path)?, None),
        Task::Cold(path) => ("cold", path, cold::read(path, settings.seed)?, None),
        Task::Log(path, options) => {
            let (split, live, at) = archive::read_running(path, options, settings.limits.actions)?;
            ("log", path, split, Some((live, at)))
        }
    };
    let text = options.text.as_deref().map(TextEncoder::open).transpose()?;
    let lineup = lineup(&options.lineup, &options.models);
    let trainer = Trainer { lineup, settings: settings.clone(), text: text.as_ref(), parent: None };
    let trained = train(&split.training, &trainer, progress)?;
    let models = choose(&options.models, &trained.artifact);
    let judged = Stopwatch::start();
    let threads = parallel::threads(settings.threads);
    let bootstrap = Bootstrap { resamples: options.resamples, seed: settings.seed, threads };
    let mut judgements = judge(&split, &trained.artifact, &models, &bootstrap, progress);
    if let Some((live, at)) = live {
        compare(&mut judgements, &mut split, &live, at, &trainer, &bootstrap, progress)?;
    }
    progress.clear();
    let mut judgements = judgements.into_iter();
    let models = judgements.next().map(|main| main.models).unwrap_or_default();
    Ok(Report {
        title: format!("{title} {}", path.display()),
        data: facts(&split, title, path),
        models,
        segments: judgements.filter(|segment| segment.cases > 0).collect(),
        training: json!({
            "cpu_seconds": trained.cpu_seconds,
            "wall_seconds": trained.wall_seconds,
            "peak_megabytes": trained.peak_megabytes,
            "artifact_bytes": trained.card.bytes,
            "judging_seconds": judged.seconds().1,
        }),
        settings: json!({
            "seed": settings.seed,
            "threads": threads,
            "resamples": options.resamples,
            "learn": trained.card.settings,
            "parts": trained.card.parts,
            "chosen": trained.card.chosen,
        }),
        cuts: split.cuts,
        notes: split.notes,
    })
}

fn facts(split: &Split, format: &str, path: &std::path::Path) -> Value {
    let mut facts = split.facts.clone();
    let main = split.cases.iter().filter(|case| case.kind & split.main == split.main).count();
    facts.insert("format".to_owned(), json!(format));
    facts.insert("path".to_owned(), json!(path.display().to_string()));
    facts.insert("products".to_owned(), json!(split.training.catalogue().len()));
    facts.insert(
        "candidates".to_owned(),
        json!(split.candidates.as_ref().map_or(split.training.catalogue().len(), Vec::len)),
    );
    facts.insert("actions_trained_on".to_owned(), json!(split.training.actions()));
    facts.insert("cases".to_owned(), json!(main));
    json!(facts)
}

/// The figures over the main cases, then over each segment.
fn judge(
    split: &Split,
    artifact: &Artifact,
    models: &[(usize, String)],
    bootstrap: &Bootstrap,
    progress: &Progress,
) -> Vec<Segment> {
    let total = split.cases.len() as u64;
    let answers = judge::ask(split, artifact, models, bootstrap.threads, &mut |done| {
        progress.show("ranking", done as u64, total);
    });
    progress.show("intervals", 0, 0);
    let segments = std::iter::once(("all".to_owned(), split.main)).chain(split.segments.iter().cloned());
    segments
        .map(|(name, kind)| {
            let passes = |case: &data::Case| case.kind & kind == kind;
            let cases = split.cases.iter().filter(|case| passes(case)).count();
            Segment { name, cases, models: answers.figures(split, bootstrap, passes) }
        })
        .collect()
}

/// Adds the model that the shop uses, as `live`, to every segment. One that has seen what is asked for is trained again
/// as it was then, on what came before: by its own settings, its weights chosen anew.
fn compare(
    judgements: &mut [Segment],
    split: &mut Split,
    live: &archive::Live,
    at: vitrine_domain::Millis,
    trainer: &Trainer<'_>,
    bootstrap: &Bootstrap,
    progress: &Progress,
) -> Result<()> {
    let settings = &trainer.settings;
    let same = live.settings.as_ref().is_some_and(|own| {
        // Threads and seed make no better or worse model.
        Settings { threads: settings.threads, seed: settings.seed, ..own.clone() } == *settings
    });
    let artifact = if live.newest < at {
        split.notes.push(format!("`live` is model {}, which has seen nothing that is asked for", live.version));
        let artifact = Artifact::open(&live.artifact, &trainer.lineup)?;
        artifact.verify()?;
        artifact
    } else if same {
        split.notes.push(format!(
            "model {}, which is live, has seen what is asked for; it has these settings, so `blend` is what it would have \
             been when training ended here",
            live.version
        ));
        return Ok(());
    } else if let Some(own) = &live.settings {
        split.notes.push(format!(
            "model {}, which is live, has seen what is asked for: `live` is trained anew by its settings on what came before",
            live.version
        ));
        let settings = Settings { threads: settings.threads, ..own.clone() };
        train(&split.training, &Trainer { settings, ..trainer.clone() }, progress)?.artifact
    } else {
        split.notes.push(format!(
            "model {}, which is live, has seen what is asked for, and its settings are of another version: not compared",
            live.version
        ));
        return Ok(());
    };
    let blend = [(0, "live".to_owned())];
    for (segment, more) in judgements.iter_mut().zip(judge(split, &artifact, &blend, bootstrap, progress)) {
        segment.models.extend(more.models);
    }
    Ok(())
}
