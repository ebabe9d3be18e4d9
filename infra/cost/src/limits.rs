//! The limits that the largest shop meets, and how it passes each, with the arithmetic.

use crate::bill::Deployment;
use crate::plan::{self, AGE_MONTHS, DAYS, Shop, VISITS_A_DEVICE};
use crate::record::{Kind, Pace, Phase, Record};

/// Peak over mean, assumed.
pub const PEAK: f64 = 3.0;
/// Units a second of one partition of the table.
const PARTITION_WRITES: f64 = 1000.0;
const PARTITION_READS: f64 = 3000.0;
/// Units a second of one table, unless more is asked for.
const TABLE: f64 = 40_000.0;
/// Write units a second that a new on-demand table takes at once.
const NEW_TABLE: f64 = 4000.0;
/// Functions at work at once in an account, unless more is asked for, and how many more in ten seconds.
const CONCURRENCY: f64 = 1000.0;
/// Requests a second of an account's gateways, unless more is asked for.
const GATEWAY: f64 = 10_000.0;
/// Readers of a shard of the stream.
const READERS: f64 = 2.0;
/// Batches of a shard that the template lets fold take at once.
const LANES: f64 = 4.0;
/// Largest payload of a call, in bytes.
const PAYLOAD: f64 = 6e6;
/// Largest function, in megabytes.
const LARGEST_MB: f64 = 10_240.0;
/// Bytes of a vector of 130 numbers in Qdrant, by its own rule of thumb: half as much again for the graph.
const VECTOR: f64 = 130.0 * 4.0 * 1.5;
/// Products of the largest shop, assumed.
const PRODUCTS: f64 = 5e6;
/// Gigabytes of the server that the price file has.
const SERVER_GB: f64 = 32.0;
/// Bytes of an action in a training.
const ACTION: f64 = 100.0;
/// Seconds that a run of a function may take.
const RUN: f64 = 900.0;
/// Gigabytes of the largest task.
const LARGEST_TASK_GB: f64 = 120.0;

/// A limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Its name and size.
    pub name: String,
    /// What comes near it, and how that was reckoned.
    pub meets: String,
    /// How it is passed.
    pub passes: String,
    /// Whether it is, with what there is.
    pub passed: bool,
}

/// Rates of a shop in its busiest hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Recommendation calls a second.
    pub recommendations: f64,
    /// Calls of collect a second.
    pub intake: f64,
    /// Events a second.
    pub events: f64,
    /// Records of the stream a second: events, decisions, profiles.
    pub records: f64,
    /// Write units a second.
    pub writes: f64,
    /// Read units a second.
    pub reads: f64,
    /// Processes of recommend at work at once.
    pub recommend: f64,
    /// Processes of collect at work at once.
    pub collect: f64,
    /// Batches of fold at work at once.
    pub fold: f64,
    /// Batches of archive at work at once.
    pub archive: f64,
}

/// The rates of a shop at its peak.
#[must_use]
pub fn rates(record: &Record, deployment: &Deployment, shop: &Shop) -> Rates {
    let a_second = shop.visits / (DAYS * 86_400.0) * PEAK;
    let phase = |kind| record.phase(shop.pace, kind);
    let calls = |kind| record.calls_a_visit(shop.pace, kind) * a_second;
    let items = |kind| record.items_a_visit(shop.pace, kind) * a_second;
    let busy = |kind| calls(kind) * deployment.millis(&phase(kind)) / 1000.0;
    let each = |pick: fn(&Phase) -> f64| {
        let kinds = [Kind::List, Kind::Page, Kind::Event, Kind::Batch, Kind::Fold];
        kinds.into_iter().map(|kind| calls(kind) * phase(kind).each(pick(&phase(kind)))).sum::<f64>()
    };
    Rates {
        recommendations: calls(Kind::List) + calls(Kind::Page),
        intake: calls(Kind::Event) + calls(Kind::Batch),
        events: items(Kind::Event) + items(Kind::Batch),
        records: each(|phase| phase.table.all().items as f64),
        writes: each(|phase| phase.table.all().write_units),
        reads: each(|phase| phase.table.all().read_units),
        recommend: busy(Kind::List) + busy(Kind::Page),
        collect: busy(Kind::Event) + busy(Kind::Batch),
        fold: busy(Kind::Fold),
        archive: busy(Kind::Archive),
    }
}

/// Every limit that the shop meets.
#[must_use]
pub fn of(record: &Record, deployment: &Deployment, shop: &Shop) -> Vec<Limit> {
    let rates = rates(record, deployment, shop);
    let limit = |name: &str, meets: String, passes: String, passed: bool| Limit {
        name: name.to_owned(),
        meets,
        passes,
        passed,
    };
    let requests = rates.recommendations + rates.intake;
    let shards = (rates.writes / PARTITION_WRITES).ceil().max(1.0);
    let mut limits = vec![
        limit(
            "API gateway: 10,000 requests a second in an account unless raised; the template's ApiRate is 2,000",
            format!(
                "{:.0} recommendations + {:.0} of events = {requests:.0} a second",
                rates.recommendations, rates.intake
            ),
            if requests < GATEWAY {
                format!(
                    "{:.0} % of the account's; ApiRate has to be {:.0}",
                    requests / GATEWAY * 100.0,
                    round_up(requests)
                )
            } else {
                format!(
                    "the account's has to be raised to {:.0}, or function URLs, which have none",
                    round_up(requests)
                )
            },
            true,
        ),
        limit(
            "Lambda: 1,000 calls at once in an account unless raised, 1,000 more of a function every ten seconds",
            format!(
                "calls a second x seconds of a call: recommend {:.0}, collect {:.0}, fold {:.0}, archive {:.0}",
                rates.recommend, rates.collect, rates.fold, rates.archive
            ),
            passes(rates.recommend + rates.collect + rates.fold + rates.archive, CONCURRENCY),
            true,
        ),
    ];
    limits.push(limit(
        "DynamoDB table: 40,000 write and 40,000 read units a second unless raised; a new table starts at 4,000 writes",
        format!("{:.0} write units and {:.0} read units a second", rates.writes, rates.reads),
        format!(
            "writes: {}; reads: {}{}",
            passes(rates.writes, TABLE),
            passes(rates.reads, TABLE),
            if rates.writes > NEW_TABLE { "; before the first day its throughput is warmed" } else { "" }
        ),
        true,
    ));
    limits.push(one_visitor(record, shop));
    limits.push(shop_items(record, shop, &rates));
    limits.push(streams(record, deployment, shop, &rates, shards));
    limits.extend([memory(record), vectors(record, shop), sweep(record, deployment, shop), training(record, shop)]);
    limits
}

fn passes(needed: f64, bound: f64) -> String {
    if needed < bound {
        format!("{:.0} % of it", needed / bound * 100.0)
    } else {
        format!("it has to be raised to {:.0}", round_up(needed))
    }
}

/// To the next two digits, with a third more.
fn round_up(value: f64) -> f64 {
    let step = 10_f64.powf(value.max(1.0).log10().floor() - 1.0).max(1.0);
    (value * 1.33 / step).ceil() * step
}

/// The partition of a visitor.
fn one_visitor(record: &Record, shop: &Shop) -> Limit {
    let list = record.phase(shop.pace, Kind::List);
    let table = list.table.all();
    let (reads, writes) = (list.each(table.read_units), list.each(table.write_units));
    let bound = (PARTITION_READS / reads.max(0.1)).min(PARTITION_WRITES / writes.max(0.1));
    Limit {
        name: "DynamoDB partition: 1,000 write and 3,000 read units a second".to_owned(),
        meets: format!("a visitor's partition: {reads:.1} read and {writes:.1} write units a recommendation"),
        passes: format!(
            "one visitor would have to ask {bound:.0} times a second; visitors are spread over partitions by their ids"
        ),
        passed: true,
    }
}

/// Items of the shop that every process reads once a second.
fn shop_items(record: &Record, shop: &Shop, rates: &Rates) -> Limit {
    // What a call reads when it comes alone is the visitor and, because a second has passed, the shop's items.
    let of = |pace| {
        let list = record.phase(pace, Kind::List);
        list.each(list.table.all().read_units)
    };
    let refresh = (of(Pace::Quiet) - of(shop.pace)).max(1.0);
    // Processes that wait for their next call read as well as those at work.
    let processes = rates.recommend * 2.0;
    let reads = processes * refresh;
    Limit {
        name: "DynamoDB partition, items of the shop: model pointer, changes, settings, 3,000 read units a second each"
            .to_owned(),
        meets: format!(
            "every process of recommend reads them once a second: {processes:.0} processes x {refresh:.1} units = {reads:.0} \
             a second over three partitions"
        ),
        passes: format!(
            "{:.0} % of one partition; {:.0} processes would be too many, then eventually consistent reads halve it",
            reads / PARTITION_READS * 100.0,
            PARTITION_READS / refresh
        ),
        passed: reads < PARTITION_READS,
    }
}

fn streams(record: &Record, deployment: &Deployment, shop: &Shop, rates: &Rates, shards: f64) -> Limit {
    let fold = record.phase(shop.pace, Kind::Fold);
    let archive = record.phase(shop.pace, Kind::Archive);
    let event = deployment.millis(&fold) * fold.calls as f64 / fold.items.max(1) as f64;
    let lane = 1000.0 / event.max(0.001);
    let archived = archive.of_item(archive.cpu_ms) / (deployment.stream_mb / crate::bill::CORE_MB).min(1.0);
    let needed = rates.events / shards / LANES;
    let payload = rates.records / shards * 60.0 * 1_500.0;
    Limit {
        name: "DynamoDB stream: two readers a shard, one shard a partition of the table; a call takes 6 MB".to_owned(),
        meets: format!(
            "fold and archive are the two; {:.0} write units / 1,000 = {shards:.0} shards or more; {:.0} events a second / \
             {shards:.0} shards / {LANES:.0} batches at once = {needed:.0} a second each",
            rates.writes, rates.events
        ),
        passes: format!(
            "one batch at a time folds {lane:.0} events a second ({event:.2} ms each in small batches, less in full ones); \
             archive needs {archived:.2} ms a record; a minute of a shard is {:.0} MB, so its batches end at 6 MB instead of \
             a minute. A third reader would need a fan-out behind one of the two ({READERS:.0} is the most)",
            payload / PAYLOAD * 6.0
        ),
        passed: needed < lane,
    }
}

fn memory(record: &Record) -> Limit {
    let bytes = record.shop.model_bytes as f64 / record.shop.products.max(1) as f64;
    let most = LARGEST_MB * 1e6 * 0.7 / bytes.max(1.0);
    Limit {
        name: "Lambda memory: 10,240 MB".to_owned(),
        meets: format!("the recorded model has {bytes:.0} bytes a product, its learned lists and vectors together"),
        passes: format!(
            "{:.1} million products fit into 70 % of the largest function; a larger catalogue searches its vectors in Qdrant",
            most / 1e6
        ),
        passed: true,
    }
}

fn vectors(record: &Record, shop: &Shop) -> Limit {
    let visitors = shop.visits * AGE_MONTHS / VISITS_A_DEVICE;
    let gb = |vectors: f64| vectors * VECTOR / 1e9;
    let servers = (gb(PRODUCTS) / (SERVER_GB * 0.7)).ceil();
    let _ = record;
    Limit {
        name: "Qdrant memory: vectors x 130 numbers x 4 bytes x 1.5".to_owned(),
        meets: format!(
            "{:.0} million products = {:.1} GB; {:.0} million visitors of a year = {:.0} GB",
            PRODUCTS / 1e6,
            gb(PRODUCTS),
            visitors / 1e6,
            gb(visitors)
        ),
        passes: format!(
            "products: {servers:.0} server of 32 GB; visitors: their vectors on disk and bytes in memory (a quarter: {:.0} GB \
             on {:.0} servers), or only the known customers",
            gb(visitors) / 4.0,
            (gb(visitors) / 4.0 / (SERVER_GB * 0.7)).ceil()
        ),
        passed: true,
    }
}

/// The daily sweep is one run of a function, and reads everything.
fn sweep(record: &Record, deployment: &Deployment, shop: &Shop) -> Limit {
    let stored = plan::stored_gb(record, shop);
    let (recorded, factor) = plan::sweep_of(record, stored);
    let seconds = deployment.millis(&recorded) * factor / 1000.0;
    let passed = seconds < RUN;
    Limit {
        name: "Lambda: a run ends after 15 minutes: the daily sweep of the visitors".to_owned(),
        meets: format!("{stored:.0} GB of table, as fast as the recorded sweep: {seconds:.0} s"),
        passes: if passed {
            format!("{:.0} % of a run", seconds / RUN * 100.0)
        } else {
            format!(
                "not passed above {:.0} GB: segments are as of each visitor's last event, and exact in every decision; their \
                 sizes are not counted (Schedules or SweepEvery)",
                stored * RUN / seconds
            )
        },
        passed,
    }
}

fn training(record: &Record, shop: &Shop) -> Limit {
    let month = plan::event_count(record, shop);
    let needed = month * AGE_MONTHS * ACTION / 1e9;
    let fits = LARGEST_TASK_GB * 0.8 * 1e9 / ACTION;
    let days = fits / (month / DAYS);
    Limit {
        name:
            "Training: 100 bytes an action in memory; at most 20 million actions unless set, 120 GB in the largest task"
                .to_owned(),
        meets: format!("a year is {:.0} million actions = {needed:.0} GB", month * AGE_MONTHS / 1e6),
        passes: if days >= 30.0 {
            format!(
                "{:.0} million fit into the largest task: {days:.0} days; VITRINE_RETENTION_DAYS bounds what is read",
                fits / 1e6
            )
        } else {
            format!(
                "it does not pass as it is: {:.0} million fit, {days:.1} days. A training refuses a longer log; it would have \
                 to draw a part of the visitors. The price above is that of a training at its default bound",
                fits / 1e6
            )
        },
        passed: days >= 30.0,
    }
}
