//! A shop's own log: what the stack archived, read from the folder of its object store (`data/objects` of the local
//! stack; of a bucket, a copy of `shops/SHOP`). Files there are never changed, so a running shop may be read.
//!
//! The catalogue is that of the newest model. Events before the split are training, read as a retraining reads them;
//! who is who is taken from them alone, so that a log-in after the split joins nothing that was not joined then.
//!
//! Of each person who comes after the split there are two questions: their first action on any product, and their first
//! action on a product new to them. Each is asked with all they had done before, also since the split; of the second, the
//! products already met are not ranked.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use vitrine_domain::profile::event_key;
use vitrine_domain::robot::Pace;
use vitrine_domain::time::DAY;
use vitrine_domain::{Action, Event, Millis, Product, Purpose, Visitor};
use vitrine_learn::Settings;
use vitrine_learn::log::{Histories, Log, Window};

use crate::data::{Act, Case, History, Split, Training, rows};
use crate::error::{Error, Result};

/// Longest line of the lake and of a catalogue.
const MAX_LINE: u64 = 1 << 20;
/// Longest test window that is chosen without being asked for.
const WINDOW: i64 = 7 * DAY;
/// With so many actions before, a visitor has done much.
const MANY: usize = 10;

/// The first action on a product new to the person.
const NEW_PRODUCT: u32 = 1;
/// The first action on any product.
const ANY_PRODUCT: u32 = 1 << 1;
/// Nothing is known of the visitor.
const NEW: u32 = 1 << 2;
/// Less than [`MANY`] actions are known.
const FEW: u32 = 1 << 3;
/// [`MANY`] actions or more are known.
const MUCH: u32 = 1 << 4;
/// The visitor has said who they are.
const KNOWN: u32 = 1 << 5;
/// The visitor has not.
const ANONYMOUS: u32 = 1 << 6;

/// What can be chosen.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// When training ends.
    pub at: Option<Millis>,
    /// How many days before the newest action it ends, if no time is given.
    pub days: Option<f64>,
    /// The version of the model that is live, if it is not the newest.
    pub version: Option<String>,
}

/// The model that the shop uses.
#[derive(Debug)]
pub struct Live {
    /// Its version.
    pub version: String,
    /// The artifact.
    pub artifact: PathBuf,
    /// Its newest event.
    pub newest: Millis,
    /// How it was trained; none if this program does not know the settings.
    pub settings: Option<Settings>,
}

/// Reads a shop's archive.
///
/// # Errors
/// If there is no archive or no model, or a file is damaged.
pub fn read(folder: &Path, options: &Options, limit: usize) -> Result<(Split, Live, Millis)> {
    let (live, catalogue) = live(folder, options.version.as_deref())?;
    let (oldest, newest) = span(folder, &catalogue)?;
    let window = match options.days {
        Some(days) => (days * DAY as f64) as i64,
        None => WINDOW.min(newest.since(oldest) / 4),
    };
    let at = options.at.unwrap_or(newest.plus(-window));
    let catalogue: Arc<[Product]> = catalogue.into();
    let mut log = Log::new(catalogue.clone(), Window { from: Millis(i64::MIN), to: Millis::MAX });
    let mut later = Vec::new();
    events(folder, &mut |event| {
        if event.at() < at {
            log.push(&event);
        } else if event.at() <= newest
            && !event.robot
            && event.purposes.allows(Purpose::Personalise)
            && let Some(step) = step(&event, &catalogue)
        {
            later.push(step);
        }
        Ok(())
    })?;
    if log.actions() > limit {
        return Err(vitrine_learn::Error::Limit { what: "actions", found: log.actions(), limit }.into());
    }
    let (before, read) = log.finish();
    let histories = histories(&before, &catalogue);
    let cases = questions(&histories, &before, later);
    if cases.is_empty() {
        return Err(Error::format(folder, format!("nobody turned to a product after {at}, where training ends")));
    }
    let mut split = Split::new(Training::new(catalogue.to_vec(), histories), cases)
        .fact("training_ends", at.to_rfc3339())
        .fact("oldest", oldest.to_rfc3339())
        .fact("newest", newest.to_rfc3339())
        .fact("people", before.iter().count())
        .fact("events_before", read.events)
        .fact("events_without_consent", read.without_consent)
        .fact("events_of_robots", read.robots)
        .fact("actions_on_unknown_products", read.unknown_products)
        .fact("live_version", live.version.clone());
    split.main = NEW_PRODUCT;
    let names = [
        ("any product", ANY_PRODUCT),
        ("new visitors", NEW_PRODUCT | NEW),
        ("visitors with 1 to 9 actions", NEW_PRODUCT | FEW),
        ("visitors with 10 actions or more", NEW_PRODUCT | MUCH),
        ("anonymous visitors", NEW_PRODUCT | ANONYMOUS),
        ("known visitors", NEW_PRODUCT | KNOWN),
    ];
    split.segments = names.map(|(name, kind)| (name.to_owned(), kind)).into();
    Ok((split, live, at))
}

/// The live model's card and catalogue.
fn live(folder: &Path, version: Option<&str>) -> Result<(Live, Vec<Product>)> {
    let models = folder.join("models");
    let mut versions = Vec::new();
    if models.is_dir() {
        for entry in std::fs::read_dir(&models).map_err(|e| Error::read(&models, e))? {
            let entry = entry.map_err(|e| Error::read(&models, e))?;
            if entry.path().join("card.json").is_file() {
                versions.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    // Names begin with the time of publishing.
    versions.sort();
    let version = match version {
        Some(version) if versions.iter().any(|known| known == version) => version.to_owned(),
        Some(version) => return Err(Error::format(&models, format!("there is no model {version}"))),
        None => versions.pop().ok_or_else(|| Error::format(folder, "there is no model, and so no catalogue"))?,
    };
    let files = models.join(&version);
    let card_file = files.join("card.json");
    let card: Value = super::lines::json(&card_file)?;
    let newest = card["model"]["newest"].as_i64();
    let newest = Millis(newest.ok_or_else(|| Error::format(&card_file, "it does not say what its newest event is"))?);
    let settings = serde_json::from_value(card["model"]["settings"].clone()).ok();

    let catalogue_file = files.join("catalogue.ndjson.zst");
    let mut products: Vec<Product> = Vec::new();
    lines(&catalogue_file, &mut |text| {
        products.push(serde_json::from_slice(text).map_err(|error| error.to_string())?);
        Ok(())
    })?;
    if !products.is_sorted_by(|a, b| a.id < b.id) {
        return Err(Error::format(&catalogue_file, "products are not in the order of their identifiers"));
    }
    Ok((Live { version, artifact: files.join("artifact.bin"), newest, settings }, products))
}

/// Calls `each` with every line of a compressed file.
fn lines(path: &Path, each: &mut dyn FnMut(&[u8]) -> std::result::Result<(), String>) -> Result<()> {
    let fail = |error| Error::read(path, error);
    let file = File::open(path).map_err(fail)?;
    let mut reader = BufReader::new(zstd::Decoder::new(file).map_err(fail)?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line).map_err(fail)? == 0 {
            break;
        }
        let done = match line.trim_ascii() {
            _ if line.len() as u64 > MAX_LINE => Err(format!("longer than {} MiB", MAX_LINE >> 20)),
            [] => Ok(()),
            text => each(text),
        };
        done.map_err(|what| Error::line(path, number, what))?;
    }
    Ok(())
}

/// Readings that files may be merged under before this is given up.
const ATTEMPTS: usize = 4;

/// The files of the lake, oldest first.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let lake = folder.join("events");
    let list = |folder: &Path| -> Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(folder).map_err(|e| Error::read(folder, e))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let mut paths = paths.collect::<std::io::Result<Vec<_>>>().map_err(|e| Error::read(folder, e))?;
        paths.sort();
        Ok(paths)
    };
    let mut files = Vec::new();
    for day in list(&lake)?.iter().filter(|path| path.is_dir()) {
        files.extend(list(day)?.into_iter().filter(|path| path.to_string_lossy().ends_with(".ndjson.zst")));
    }
    Ok(files)
}

/// Calls `each` with every event once, as it was written last; the newest files come first.
fn events(folder: &Path, each: &mut dyn FnMut(Event) -> std::result::Result<(), String>) -> Result<()> {
    let mut seen = HashSet::new();
    for file in files(folder)?.iter().rev() {
        let mut found: Vec<Event> = Vec::new();
        lines(file, &mut |text| {
            found.push(serde_json::from_slice(text).map_err(|error| error.to_string())?);
            Ok(())
        })?;
        for event in found.into_iter().rev() {
            let key = (event_key(event.time, event.id.as_str()), event_key(event.time, &event.visitor.to_string()));
            if seen.insert(key) {
                each(event).map_err(|what| Error::format(file, what))?;
            }
        }
    }
    Ok(())
}

/// The times of the oldest and the newest action on a product of the catalogue. What is dated a day and more after the
/// newest receipt is a clock gone wrong.
fn span(folder: &Path, catalogue: &[Product]) -> Result<(Millis, Millis)> {
    let mut received = Millis(i64::MIN);
    let mut times = Vec::new();
    events(folder, &mut |event| {
        received = received.max(event.received);
        if step(&event, catalogue).is_some() {
            times.push(event.at());
        }
        Ok(())
    })?;
    let newest = times.iter().copied().filter(|at| *at <= received.plus(DAY)).max();
    let span = times.iter().copied().min().zip(newest);
    span.ok_or_else(|| Error::format(folder, "the archive has no action on a product of the catalogue"))
}

/// An event after the split.
struct Step {
    visitor: Visitor,
    time: Millis,
    id: String,
    at: Millis,
    action: Action,
    rows: Vec<u32>,
}

fn step(event: &Event, catalogue: &[Product]) -> Option<Step> {
    if !event.action.teaches() {
        return None;
    }
    let rows = rows_of(event, catalogue);
    let Event { visitor, time, id, action, .. } = event;
    (!rows.is_empty()).then(|| Step {
        visitor: visitor.clone(),
        time: *time,
        id: id.as_str().to_owned(),
        at: event.at(),
        action: *action,
        rows,
    })
}

/// The rows of the products that an event names, each once.
fn rows_of(event: &Event, catalogue: &[Product]) -> Vec<u32> {
    let mut rows = Vec::with_capacity(event.lines.len());
    for line in &event.lines {
        if let Ok(row) = catalogue.binary_search_by(|product| product.id.cmp(&line.product))
            && !rows.contains(&(row as u32))
        {
            rows.push(row as u32);
        }
    }
    rows
}

fn histories(before: &Histories, catalogue: &[Product]) -> Vec<History> {
    let acts = |(number, event): (u32, &Event)| {
        let (at, action) = (event.at(), event.action);
        rows_of(event, catalogue).into_iter().map(move |row| Act { row, event: number, at, action })
    };
    before
        .iter()
        .map(|(visitor, events)| History { visitor, acts: (0..).zip(&events).flat_map(acts).collect() })
        .collect()
}

/// The questions of everybody who came after the split.
fn questions(histories: &[History], before: &Histories, later: Vec<Step>) -> Vec<Case> {
    let mut people: BTreeMap<Visitor, Vec<Step>> = BTreeMap::new();
    for step in later {
        people.entry(before.person(&step.visitor, step.time).clone()).or_default().push(step);
    }
    let mut cases = Vec::new();
    for (cluster, (person, mut steps)) in (0..).zip(people) {
        steps.sort_by(|a, b| (a.time, &a.id, &a.visitor).cmp(&(b.time, &b.id, &b.visitor)));
        // What a robot turned to says nothing of how good a model is.
        let mut pace = Pace::default();
        if before.is_robot(&person) || steps.iter().any(|step| pace.sees(step.action, step.at)) {
            continue;
        }
        let found = histories.binary_search_by(|history| history.visitor.cmp(&person));
        let mut acts = found.map_or_else(|_| Vec::new(), |place| histories[place].acts.clone());
        let first = acts.last().map_or(0, |act| act.event + 1);
        let (mut any, mut new) = (false, false);
        for (event, step) in (first..).zip(steps) {
            if step.action.interest() > 0.0 {
                let met = rows(&acts);
                let unmet = |row: &u32| met.binary_search(row).is_err();
                let mut ask = |kind, mut truth: Vec<u32>, excluded| {
                    truth.sort_unstable();
                    let kind = kind | segments(&acts, &person);
                    cases.push(Case { cluster, kind, at: step.at, history: acts.clone(), truth, excluded });
                };
                if !std::mem::replace(&mut any, true) {
                    ask(ANY_PRODUCT, step.rows.clone(), Vec::new());
                }
                let unknown: Vec<u32> = step.rows.iter().copied().filter(unmet).collect();
                if !unknown.is_empty() && !std::mem::replace(&mut new, true) {
                    ask(NEW_PRODUCT, unknown, met);
                }
            }
            if any && new {
                break;
            }
            let Step { at, action, rows, .. } = step;
            acts.extend(rows.into_iter().map(|row| Act { row, event, at, action }));
        }
    }
    cases
}

fn segments(history: &[Act], person: &Visitor) -> u32 {
    let much = match history.len() {
        0 => NEW,
        1..MANY => FEW,
        _ => MUCH,
    };
    much | if person.is_known() { KNOWN } else { ANONYMOUS }
}

/// Reads again while the files of a running shop are merged under the reader.
///
/// # Errors
/// As [`read`].
pub fn read_running(folder: &Path, options: &Options, limit: usize) -> Result<(Split, Live, Millis)> {
    for _ in 1..ATTEMPTS {
        match read(folder, options, limit) {
            Err(Error::Read { path, source })
                if source.kind() == std::io::ErrorKind::NotFound && path.extension().is_some() => {}
            done => return done,
        }
    }
    read(folder, options, limit)
}
