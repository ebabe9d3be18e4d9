//! What a recorded run counted. Nothing in here is assumed, and nothing is in dollars.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::figures::Figures;
use crate::units::Units;

/// How densely calls follow each other, which decides what they share: settings that are read once a second, batches of the
/// stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Seconds between calls: a small shop.
    Quiet,
    /// Many calls a second on each running function: a large shop.
    Busy,
    /// Done once.
    Once,
}

/// What kind of call it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A recommendation of one list.
    List,
    /// All lists of a page in one recommendation.
    Page,
    /// The first recommendation of a process, which opens the model.
    ColdStart,
    /// An event in a request of its own, as browser SDKs send them.
    Event,
    /// Several events in a request, as app and server SDKs send them.
    Batch,
    /// A batch of the stream into profiles.
    Fold,
    /// A batch of the stream into the lake.
    Archive,
    /// A training.
    Train,
    /// A scheduled look whether there is something to train.
    IdleTrain,
    /// Merging of the lake's files.
    Compact,
    /// A scheduled look whether there is something to merge.
    IdleCompact,
    /// A look at every visitor.
    Sweep,
    /// A scheduled look whether visitors are to be looked at.
    IdleSweep,
    /// The first filling of the shop.
    Import,
}

impl Kind {
    /// The function that is called.
    #[must_use]
    pub const fn function(self) -> &'static str {
        match self {
            Self::List | Self::Page | Self::ColdStart => "recommend",
            Self::Event | Self::Batch => "collect",
            Self::Fold => "fold",
            Self::Archive => "archive",
            Self::Train | Self::IdleTrain => "retrain",
            Self::Compact | Self::IdleCompact => "compact",
            Self::Sweep | Self::IdleSweep => "sweep",
            Self::Import => "import",
        }
    }
}

/// Calls of an operation of the table.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Operation {
    /// How many.
    pub calls: u64,
    /// How many were refused, by a condition for instance.
    pub refused: u64,
    /// Bytes of the requests' bodies.
    pub request_bytes: u64,
    /// Bytes of the answers' bodies.
    pub answer_bytes: u64,
    /// Read units by the published rules.
    pub read_units: f64,
    /// Write units by the published rules.
    pub write_units: f64,
    /// Units that the engine says it would bill, of both kinds.
    pub engine_units: f64,
    /// Units by the rules, of the calls for which the engine said something.
    pub compared_units: f64,
    /// Items written.
    pub items: u64,
    /// Their bytes.
    pub stored_bytes: u64,
}

impl Operation {
    /// Counts a call.
    pub fn count(&mut self, units: Units, request: u64, answer: u64, engine: Option<f64>, refused: bool) {
        self.calls += 1;
        self.refused += u64::from(refused);
        self.request_bytes += request;
        self.answer_bytes += answer;
        self.read_units += units.read;
        self.write_units += units.write;
        if let Some(engine) = engine {
            self.engine_units += engine;
            self.compared_units += units.read + units.write;
        }
        if !refused {
            self.items += units.items;
            self.stored_bytes += units.stored;
        }
    }

    /// Counts everything of another count.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.refused += other.refused;
        self.request_bytes += other.request_bytes;
        self.answer_bytes += other.answer_bytes;
        self.read_units += other.read_units;
        self.write_units += other.write_units;
        self.engine_units += other.engine_units;
        self.compared_units += other.compared_units;
        self.items += other.items;
        self.stored_bytes += other.stored_bytes;
    }
}

/// What was asked of the table.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// By operation.
    pub operations: BTreeMap<String, Operation>,
    /// Times that something was waited for that only read; what is asked at once is waited for once.
    pub read_rounds: u64,
    /// Times that something was waited for that wrote.
    pub write_rounds: u64,
}

impl Tally {
    /// Counts everything of another tally.
    pub fn add(&mut self, other: &Self) {
        for (name, operation) in &other.operations {
            self.operations.entry(name.clone()).or_default().add(operation);
        }
        self.read_rounds += other.read_rounds;
        self.write_rounds += other.write_rounds;
    }

    /// All operations together.
    #[must_use]
    pub fn all(&self) -> Operation {
        let mut all = Operation::default();
        self.operations.values().for_each(|operation| all.add(operation));
        all
    }
}

/// Calls of one kind at one pace, all together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Their pace.
    pub pace: Pace,
    /// Their kind.
    pub kind: Kind,
    /// How many.
    pub calls: u64,
    /// Events, lists or records in them.
    pub items: u64,
    /// Milliseconds of CPU.
    pub cpu_ms: f64,
    /// Milliseconds of the clock on the recording machine, which nothing is priced by.
    pub wall_ms: f64,
    /// What they asked of the table.
    pub table: Tally,
    /// Objects written.
    pub puts: u64,
    /// Their bytes.
    pub put_bytes: u64,
    /// Objects read.
    pub gets: u64,
    /// Listings of objects, a thousand each.
    pub listings: u64,
    /// Lines logged.
    pub log_lines: u64,
    /// Their bytes.
    pub log_bytes: u64,
    /// Bytes of the requests, the gateway's envelope excluded.
    pub request_bytes: u64,
    /// Bytes of the answers with their headers.
    pub answer_bytes: u64,
}

impl Phase {
    /// Nothing yet.
    #[must_use]
    pub fn new(pace: Pace, kind: Kind) -> Self {
        Self {
            pace,
            kind,
            calls: 0,
            items: 0,
            cpu_ms: 0.0,
            wall_ms: 0.0,
            table: Tally::default(),
            puts: 0,
            put_bytes: 0,
            gets: 0,
            listings: 0,
            log_lines: 0,
            log_bytes: 0,
            request_bytes: 0,
            answer_bytes: 0,
        }
    }

    /// Counts everything of other calls.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.items += other.items;
        self.cpu_ms += other.cpu_ms;
        self.wall_ms += other.wall_ms;
        self.table.add(&other.table);
        self.puts += other.puts;
        self.put_bytes += other.put_bytes;
        self.gets += other.gets;
        self.listings += other.listings;
        self.log_lines += other.log_lines;
        self.log_bytes += other.log_bytes;
        self.request_bytes += other.request_bytes;
        self.answer_bytes += other.answer_bytes;
    }

    /// Something of it for each call.
    #[must_use]
    pub fn each(&self, all: f64) -> f64 {
        if self.calls == 0 { 0.0 } else { all / self.calls as f64 }
    }

    /// Something of it for each item.
    #[must_use]
    pub fn of_item(&self, all: f64) -> f64 {
        if self.items == 0 { 0.0 } else { all / self.items as f64 }
    }
}

/// What the shop is, whose run it was.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Shop {
    /// Products.
    pub products: u64,
    /// Events in its lake when it was trained.
    pub events: u64,
    /// Items in the table.
    pub table_items: u64,
    /// Their bytes.
    pub table_bytes: u64,
    /// Bytes of the lake.
    pub lake_bytes: u64,
    /// Bytes of the models and all else in the object store.
    pub object_bytes: u64,
    /// Bytes of the published model.
    pub model_bytes: u64,
}

/// A recorded run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When it was made.
    pub made: String,
    /// On what.
    pub machine: String,
    /// What was run.
    pub what: String,
    /// The shop.
    pub shop: Shop,
    /// Visits at each pace.
    pub visits: BTreeMap<Pace, u64>,
    /// Milliseconds between calls at each pace.
    pub gaps: BTreeMap<Pace, u64>,
    /// Most memory held at once by everything in one process, in megabytes.
    pub peak_mb: f64,
    /// The calls.
    pub phases: Vec<Phase>,
    /// The figures that functions wrote, which are in the calls' log bytes too.
    #[serde(default)]
    pub figures: Figures,
}

impl Record {
    /// The calls of a kind at a pace; none were made if there is no such phase.
    #[must_use]
    pub fn phase(&self, pace: Pace, kind: Kind) -> Phase {
        let found = self.phases.iter().find(|phase| phase.pace == pace && phase.kind == kind);
        found.cloned().unwrap_or_else(|| Phase::new(pace, kind))
    }

    /// How many calls of a kind a visit makes.
    #[must_use]
    pub fn calls_a_visit(&self, pace: Pace, kind: Kind) -> f64 {
        let visits = self.visits.get(&pace).copied().unwrap_or_default().max(1) as f64;
        self.phase(pace, kind).calls as f64 / visits
    }

    /// How many items of a kind a visit makes.
    #[must_use]
    pub fn items_a_visit(&self, pace: Pace, kind: Kind) -> f64 {
        let visits = self.visits.get(&pace).copied().unwrap_or_default().max(1) as f64;
        self.phase(pace, kind).items as f64 / visits
    }
}
