//! `GET /v1/visitors/{id}/export`: everything that is held on a visitor, also what was inferred.
//!
//! One answer, unless more is held than an answer can carry: then it ends with where to go on. Decisions that the table has let
//! go come first, out of the lake, which keeps them by day.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use vitrine_domain::experiment::Part;
use vitrine_domain::profile::{Link, owner};
use vitrine_domain::{Event, Millis, Shop, Visitor};
use vitrine_http::{App, Parameters, Problem, ServerAccess};
use vitrine_store::decisions::{DecisionKey, past_day, seal_id};
use vitrine_store::held::Held;
use vitrine_store::lake::{Kind, day_of};

use crate::fresh;
use crate::visitor::{Answer, answer, candidates};

/// Things read at once.
const READ: usize = 500;
/// Bytes of events and decisions after which an answer ends. What is read at once may come on top, and what is held besides;
/// the gateway carries 6 MB.
const FULL: usize = 3_500_000;
/// How long the lake is read for one answer; a file of it, which is begun before, may come on top. The gateway waits for 29 s.
const READING: Duration = Duration::from_secs(8);
/// What cursors are sealed for.
const PURPOSE: &str = "export";
/// What is held and cannot stand here, or stands elsewhere.
const NOTE: &str = "Why each product was shown is worked out anew by the address in `reasons`. The vector that \
                    recommendations use is computed from the last actions of the profile when they are asked for; with a \
                    vector server, those of some visitors lie there under a hash until the next training. The archive holds \
                    the same events again, by day, and decisions that are older than 90 days, which are told here. The daily \
                    sample of visitors holds copies of profiles without names.";

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Rest {
    /// The `next` of the answer before.
    after: Option<String>,
}

/// Everything that is held on a visitor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VisitorExport)]
pub(crate) struct Export {
    /// What was inferred and counted: the profile with its segments, affinities, links, and what they were built from.
    held: Answer,
    /// Since when the visitor refuses to be personalised for; null if they do not.
    #[schema(required = true, format = DateTime)]
    refused: Option<String>,
    /// What they did and were shown.
    #[serde(flatten)]
    own: Things,
    /// Where each of the decisions is told with the reasons of every product and the variants of experiments by name, for the
    /// visitor and for each device.
    reasons: Vec<String>,
    /// Vectors that the shop gave for them.
    vectors: Vec<Given>,
    /// Of every device that is linked to the user, what is theirs.
    devices: Vec<OfDevice>,
    /// What is held besides, and where.
    note: &'static str,
    /// What to ask for `after` to get the rest; null if this is all. `held` and `vectors` stand in every answer.
    #[schema(required = true)]
    next: Option<String>,
}

/// What is held under a name.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ExportedThings)]
pub(crate) struct Things {
    /// Events as they are stored, oldest first: what was done, with its purposes (`u`, a sum of 1 measure, 2 personalise, 4
    /// experiment, 8 market; all unless it stands there), and what audiences of look-alikes somebody was put in.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Event>,
    /// What was shown, oldest first.
    decisions: Vec<Shown>,
    /// What this version cannot read, as it is stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    unreadable: Vec<Unreadable>,
}

/// What is held under the name of a device.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeviceExport)]
pub(crate) struct OfDevice {
    /// Which one.
    #[schema(value_type = String)]
    visitor: Visitor,
    /// What is the user's of what was done and shown on it.
    #[serde(flatten)]
    own: Things,
    /// How many events and decisions of it are left out because they are those of others who use it.
    of_others: usize,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportedDecision)]
pub(crate) struct Shown {
    /// Its id.
    decision_id: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    time: String,
    /// As it is stored; older than 90 days, as the archive keeps it.
    #[schema(value_type = Object)]
    stored: Box<RawValue>,
}

/// Something that this version cannot read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportedText)]
pub(crate) struct Unreadable {
    /// Its key.
    key: String,
    /// Its text.
    stored: String,
}

/// A vector of the shop's own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportedVector)]
pub(crate) struct Given {
    /// Name of the set.
    set: String,
    /// The numbers.
    vector: Vec<f32>,
}

/// Everything that is held on a visitor
///
/// As JSON: what they did, what was inferred from it, what they were shown, and what the shop gave for them. One answer, unless
/// that is more than about 3.5 MB: then `next` tells how to ask for the rest. Nothing is left out without being counted.
#[utoipa::path(get, path = "/v1/visitors/{id}/export", tag = "privacy", operation_id = "export_visitor",
    security(("basic" = ["events", "read", "catalogue", "view", "manage", "privacy", "keys"])),
    params(("id" = String, Path, description = "As for what is held"), Rest),
    responses(
        (status = 200, description = "Everything, or as much as an answer carries", body = Export),
        (status = 400, description = "The parameters cannot be read", body = Problem),
        (status = 401, description = "The key is missing or unknown", body = Problem),
        (status = 403, description = "The key is not a server key", body = Problem),
        (status = 404, description = "Nothing is held on this visitor", body = Problem),
        (status = 422, description = "This cannot be a visitor's identifier, or `after` is none of this visitor's", body = Problem),
        (status = 503, description = "A store is not available", body = Problem)))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess,
    Path(id): Path<String>,
    Parameters(rest): Parameters<Rest>,
) -> Result<Json<Export>, Problem> {
    let now = app.context.clock.now();
    for visitor in candidates(id)? {
        let Some(fresh) = fresh::read(&app.context.table, &access.shop, &visitor, now).await? else { continue };
        let mut whose = vec![visitor.clone()];
        if visitor.is_known() {
            let mut devices: Vec<Visitor> = fresh.links.iter().map(|link| link.other.clone()).collect();
            devices.retain(|device| !device.is_known());
            devices.sort();
            whose.extend(devices);
        }
        let mut export = Walk::new(&app, &access, &whose, now);
        let next = export.walk(rest.after.as_deref()).await?;
        let (own, devices) = export.told();
        let barred = app.context.table.barred_now(app.guard.key(), &access.shop, [visitor.clone()]).await?;
        return Ok(Json(Export {
            refused: barred.refused_since(&visitor).map(Millis::to_rfc3339),
            own,
            reasons: whose.iter().map(reasons).collect(),
            vectors: vectors(&app, &access, &visitor).await?,
            devices,
            held: answer(visitor, fresh, now),
            note: NOTE,
            next,
        }));
    }
    Err(Problem::not_found("nothing is held on a visitor of this name"))
}

/// The address of the decisions with their reasons.
fn reasons(visitor: &Visitor) -> String {
    let encoded = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' | b':' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    format!("/v1/visitors/{}/decisions", visitor.to_string().bytes().map(encoded).collect::<String>())
}

/// Where an answer ended.
#[derive(Debug, Serialize, Deserialize)]
enum Place {
    /// In the lake, none at its start.
    Lake(Option<Line>),
    /// In the table: whose things were told last, and behind which of them to go on.
    Table(Visitor, Option<String>),
}

/// At which line of which file of the lake to go on.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    file: String,
    /// Bytes of the file: with others it has been written again since.
    size: u64,
    line: usize,
}

/// A decision of the lake: what stands in its line beside the decision.
#[derive(Debug, Deserialize)]
struct Archived {
    v: Visitor,
    t: Millis,
    nonce: String,
}

/// Reads what is held under one name after the other until an answer is full.
struct Walk<'a> {
    app: &'a App,
    access: &'a ServerAccess,
    /// The visitor, then their devices.
    whose: &'a [Visitor],
    now: Millis,
    /// Whose a device was when, once it was asked.
    links: HashMap<usize, Vec<Link>>,
    /// For each of those, once something was asked: what is held, and how much of it is of others.
    told: Vec<Option<(Things, usize)>>,
    bytes: usize,
}

impl<'a> Walk<'a> {
    fn new(app: &'a App, access: &'a ServerAccess, whose: &'a [Visitor], now: Millis) -> Self {
        let told = whose.iter().map(|_| None).collect();
        Self { app, access, whose, now, links: HashMap::new(), told, bytes: 0 }
    }

    /// Reads on from a place; answers where to go on if that was too much.
    async fn walk(&mut self, after: Option<&str>) -> Result<Option<String>, Problem> {
        let (mut at, mut after) = match self.start(after)? {
            Place::Lake(from) => match self.lake(from).await? {
                Some(rest) => return Ok(self.seal(&Place::Lake(Some(rest)))),
                None => (0, None),
            },
            Place::Table(visitor, after) => (self.place_of(&visitor).ok_or_else(invalid)?, after),
        };
        while let Some(visitor) = self.whose.get(at) {
            let next = self.table(at, after.take()).await?;
            at += usize::from(next.is_none());
            if self.bytes >= FULL && at < self.whose.len() {
                let visitor = if next.is_some() { visitor } else { &self.whose[at] };
                return Ok(self.seal(&Place::Table(visitor.clone(), next)));
            }
        }
        Ok(None)
    }

    /// What was told of the visitor and of their devices.
    fn told(self) -> (Things, Vec<OfDevice>) {
        let mut told = self.told.into_iter();
        let (own, _) = told.next().flatten().unwrap_or_default();
        let devices = self.whose.iter().skip(1).zip(told).filter_map(|(visitor, told)| {
            let (own, of_others) = told?;
            Some(OfDevice { visitor: visitor.clone(), own, of_others })
        });
        (own, devices.collect())
    }

    fn start(&self, after: Option<&str>) -> Result<Place, Problem> {
        let Some(after) = after else { return Ok(Place::Lake(None)) };
        let clear = self.app.sealer.open(PURPOSE, after);
        clear.and_then(|clear| serde_json::from_slice(&clear).ok()).ok_or_else(invalid)
    }

    fn seal(&self, place: &Place) -> Option<String> {
        self.app.sealer.seal(PURPOSE, &serde_json::to_vec(place).ok()?)
    }

    fn place_of(&self, visitor: &Visitor) -> Option<usize> {
        self.whose.iter().position(|other| other == visitor)
    }

    /// Reads whose a device was when, unless that is known.
    async fn read_links(&mut self, at: usize) -> Result<(), Problem> {
        if let Some(device) = self.whose.get(at).filter(|_| at > 0 && !self.links.contains_key(&at)) {
            let links = self.app.context.table.links(&self.access.shop, device).await?;
            self.links.insert(at, links);
        }
        Ok(())
    }

    /// Takes in what is held under a name, unless it is of others who use the device.
    fn take(&mut self, at: usize, held: Held) {
        let links = self.links.get(&at).map_or(&[][..], Vec::as_slice);
        let theirs = |time: Millis| at == 0 || owner(links, time) == self.whose.first();
        let is_theirs = match &held {
            Held::Decision(key, _) => theirs(key.time),
            Held::Event(event) => theirs(event.time),
            Held::Unreadable(..) => true,
        };
        let held = match held {
            Held::Decision(key, stored) => Held::Decision(key, without_others(stored, self.whose)),
            other => other,
        };
        let id = |key: &DecisionKey, stored: &RawValue| decision_id(self.app, &self.access.shop, key, stored);
        if let Some(told) = self.told.get_mut(at) {
            let (things, of_others) = told.get_or_insert_default();
            match is_theirs {
                true => self.bytes += things.take(held, id),
                false => *of_others += 1,
            }
        }
    }

    /// What the table holds under a name from a place on, and where to go on if that was too much.
    async fn table(&mut self, at: usize, mut after: Option<String>) -> Result<Option<String>, Problem> {
        let (table, shop) = (&self.app.context.table, &self.access.shop);
        self.read_links(at).await?;
        let Some(visitor) = self.whose.get(at) else { return Ok(None) };
        if let Some(told) = self.told.get_mut(at) {
            told.get_or_insert_default();
        }
        loop {
            let page = table.held(shop, visitor, after.as_deref(), READ).await?;
            for held in page.held {
                self.take(at, held);
            }
            after = page.next;
            if after.is_none() || self.bytes >= FULL {
                return Ok(after);
            }
        }
    }

    /// The decisions that only the lake still has, from a line of a file on, and where to go on if that was too much. Where the
    /// file was merged or written again since, its day is read from the start: something may be told twice, and nothing never.
    async fn lake(&mut self, from: Option<Line>) -> Result<Option<Line>, Problem> {
        let (objects, shop) = (&self.app.context.objects, &self.access.shop);
        let names = self.whose.iter().filter_map(|visitor| serde_json::to_string(visitor).ok());
        let names: Vec<String> = names.map(|name| format!("\"v\":{name}")).collect();
        let kept = self.now.plus(-self.app.context.config.retention);
        let (oldest, newest) = (kept.day(), past_day(self.now));
        let (began, mut read) = (Instant::now(), 0);
        let files = objects.lake_files(shop, Kind::Decisions).await?;
        let stands = |from: &Line| files.iter().any(|file| file.key == from.file && file.size == from.size);
        let (first, since) = match from {
            Some(from) if stands(&from) => (Some(from), oldest.clone()),
            Some(from) => (None, day_of(&from.file).unwrap_or_default().to_owned()),
            None => (None, oldest.clone()),
        };
        let before = |key: &str| first.as_ref().is_some_and(|first| key < first.file.as_str());
        let oldest = oldest.max(since);
        // A line may be in two files.
        let mut seen = HashSet::new();
        for file in &files {
            if before(&file.key) || day_of(&file.key).is_none_or(|day| day < oldest.as_str() || day > newest.as_str()) {
                continue;
            }
            let at_line = |line| Some(Line { file: file.key.clone(), size: file.size, line });
            if read > 0 && began.elapsed() >= READING {
                return Ok(at_line(0));
            }
            read += 1;
            let skip = first.as_ref().filter(|first| first.file == file.key).map_or(0, |first| first.line);
            let (mut lines, mut found) = (0, Vec::new());
            let mut each = |text: &str| {
                lines += 1;
                if lines > skip && names.iter().any(|name| text.contains(name)) {
                    found.push((lines, text.to_owned()));
                }
            };
            objects.read_lake_file(&file.key, &mut each).await?;
            for (lines, text) in found {
                let Ok(Archived { v, t, nonce }) = serde_json::from_str(&text) else { continue };
                let key = DecisionKey { visitor: Some(v), time: t, nonce };
                let at = key.visitor.as_ref().and_then(|visitor| self.place_of(visitor));
                let Some((at, stored)) = at.zip(RawValue::from_string(text).ok()) else { continue };
                if key.time < kept || !key.is_past(self.now) || !seen.insert((key.time, key.nonce.clone())) {
                    continue;
                }
                self.read_links(at).await?;
                self.take(at, Held::Decision(key, stored));
                if self.bytes >= FULL {
                    return Ok(at_line(lines));
                }
            }
        }
        Ok(None)
    }
}

/// A decision without the name of whose list it went on with, if that was somebody else on the same device.
fn without_others(stored: Box<RawValue>, whose: &[Visitor]) -> Box<RawValue> {
    let Ok(mut decision) = serde_json::from_str::<Value>(stored.get()) else { return stored };
    let other = |name: &Value| Visitor::deserialize(name).map_or(true, |visitor| !whose.contains(&visitor));
    let Some(after) = decision.get_mut("a").and_then(Value::as_object_mut) else { return stored };
    if !after.get("v").is_some_and(other) {
        return stored;
    }
    after.remove("v");
    serde_json::value::to_raw_value(&decision).unwrap_or(stored)
}

fn decision_id(app: &App, shop: &Shop, key: &DecisionKey, stored: &RawValue) -> Option<String> {
    let Drew { parts } = serde_json::from_str(stored.get()).unwrap_or_default();
    seal_id(shop, key, parts.iter().filter_map(Part::drawn), |purpose, clear| app.sealer.seal(purpose, clear))
}

fn invalid() -> Problem {
    Problem::unprocessable("invalid-page", "this is no place in what is held on this visitor; start over")
        .at("after", "take it from `next` of the answer before, unchanged")
}

impl Things {
    /// Takes one in; about how many bytes it has in the answer.
    fn take(&mut self, held: Held, id: impl FnOnce(&DecisionKey, &RawValue) -> Option<String>) -> usize {
        match held {
            Held::Decision(key, stored) => {
                let shown = Shown { decision_id: id(&key, &stored), time: key.time.to_rfc3339(), stored };
                let bytes = shown.stored.get().len() + shown.decision_id.as_ref().map_or(0, String::len) + 80;
                self.decisions.push(shown);
                bytes
            }
            Held::Event(event) => {
                let bytes = serde_json::to_vec(&event).map_or(0, |bytes| bytes.len());
                self.events.push(*event);
                bytes
            }
            Held::Unreadable(key, stored) => {
                let bytes = key.len() + 2 * stored.len();
                self.unreadable.push(Unreadable { key, stored });
                bytes
            }
        }
    }
}

/// What is read of a decision, for its id carries it.
#[derive(Default, Deserialize)]
struct Drew {
    #[serde(rename = "ex", default)]
    parts: Vec<Part>,
}

/// What is stored of a set before its numbers: see `vitrine_learn::OwnVectors`.
async fn vectors(app: &App, access: &ServerAccess, visitor: &Visitor) -> Result<Vec<Given>, Problem> {
    let (table, objects) = (&app.context.table, &app.context.objects);
    let mut given = Vec::new();
    for set in table.vector_sets(&access.shop).await?.into_iter().filter(|set| set.value.visitors > 0) {
        let Some(bytes) = objects.get(&set.value.object).await? else { continue };
        if let Some(vector) = vector_of(&bytes, visitor) {
            given.push(Given { set: set.id, vector });
        }
    }
    Ok(given)
}

/// The vector of a visitor in the stored form of a set: a line of JSON that says whose the rows are, then the rows.
fn vector_of(bytes: &[u8], visitor: &Visitor) -> Option<Vec<f32>> {
    let (header, numbers) = bytes.split_at_checked(bytes.iter().position(|byte| *byte == b'\n')?)?;
    let header: Value = serde_json::from_slice(header).ok()?;
    let dims = usize::try_from(header.get("dims")?.as_u64()?).ok()?;
    let (products, visitors) = (header.get("products")?.as_array()?, header.get("visitors")?.as_array()?);
    let name = visitor.to_string();
    let row = products.len() + visitors.iter().position(|other| other.as_str() == Some(name.as_str()))?;
    let from = row.checked_mul(dims)?.checked_mul(4)?.checked_add(1)?;
    let row = numbers.get(from..from + dims.checked_mul(4)?)?;
    Some(row.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
