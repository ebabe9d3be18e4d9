//! What is done for a million recommendations, a million events, a training, an idle month and a shop's month, in the
//! quantities that have a price. Pure arithmetic; every number that was not recorded is a constant here, with its reason.

use crate::bill::{Deployment, Usage, gb_seconds, of_call};
use crate::record::{Kind, Pace, Phase, Record};
use crate::units::OVERHEAD;

/// A million.
pub const MILLION: f64 = 1e6;
/// Days of a month.
pub const DAYS: f64 = 365.0 / 12.0;
/// Scheduled trainings, and mergings of the lake, a day.
pub const RUNS_A_DAY: f64 = 4.0;
/// States that a training passes in the state machine: measure, each; and for a shop that is trained: where, train.
const STATES_IDLE: f64 = 2.0;
const STATES_TRAINED: f64 = 4.0;
/// Months that a decision stays in the table: 90 days.
const DECISION_MONTHS: f64 = 90.0 / DAYS;
/// Age of the shops in the simulated month: their tables hold a year of events.
pub const AGE_MONTHS: f64 = 12.0;
/// Visits of one device in its life, assumed: how many profiles there are.
pub const VISITS_A_DEVICE: f64 = 3.0;
/// Alarms of the template, by the metrics that they read: expressions are billed by the metric.
pub const ALARM_METRICS: f64 = 3.0 + 2.0 + 1.0 + 10.0 + 10.0 + 2.0 + 2.0 + 2.0;
/// Longest run of a function, in milliseconds.
const FUNCTION_MS: f64 = 900_000.0;
/// What a training task in AWS Batch has.
pub const TASK_CORES: f64 = 4.0;
/// Its gigabytes.
pub const TASK_GB: f64 = 30.0;
/// Most actions that a training takes: `training.actions` unless set otherwise.
pub const TRAINING_ACTIONS: f64 = 20e6;
/// Seconds that the service keeps the table's key for a caller.
const KEY_SECONDS: f64 = 300.0;

const GB: f64 = 1e9;

/// How requests come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Through the HTTP API.
    Gateway,
    /// Through a function's own address.
    Url,
}

impl Way {
    const fn price(self) -> &'static str {
        match self {
            Self::Gateway => "http_api_requests",
            Self::Url => "function_url_requests",
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "HTTP API",
            Self::Url => "function URL",
        }
    }
}

/// Recommendations until a new process has to be started, assumed: a quiet shop's pauses end processes, a busy one's do
/// not.
#[must_use]
pub const fn calls_a_start(pace: Pace) -> f64 {
    match pace {
        Pace::Busy => 10_000.0,
        Pace::Quiet | Pace::Once => 100.0,
    }
}

/// Recommendation calls of a kind, with what follows from them: starts of processes and the lake.
#[must_use]
pub fn recommendations(
    record: &Record,
    deployment: &Deployment,
    pace: Pace,
    kind: Kind,
    way: Way,
    calls: f64,
) -> Usage {
    let phase = record.phase(pace, kind);
    let mut usage = Usage::default();
    if phase.calls == 0 {
        return usage;
    }
    usage.add(way.price(), way.name(), calls);
    usage.add_times(&of_call(&phase, deployment), calls);
    usage.add_times(&starts(record, deployment), calls / calls_a_start(pace));
    let decisions = phase.each(phase.table.all().items as f64);
    usage.add_times(&archived(record, deployment, pace), calls * decisions);
    usage
}

/// What a start of a process takes beyond a call.
fn starts(record: &Record, deployment: &Deployment) -> Usage {
    let cold = record.phase(Pace::Once, Kind::ColdStart);
    let mut usage = Usage::default();
    if cold.calls > 0 {
        let seconds = gb_seconds(deployment.memory(cold.kind), deployment.billed(&cold));
        usage.add("lambda_gb_seconds", "recommend: starts of processes", seconds);
        usage.add("s3_gets", "recommend: models read", cold.each(cold.gets as f64));
    }
    usage
}

/// A record on its way to the lake.
fn archived(record: &Record, deployment: &Deployment, pace: Pace) -> Usage {
    of_item(&record.phase(pace, Kind::Archive), deployment)
}

/// What an item of a batch uses.
fn of_item(phase: &Phase, deployment: &Deployment) -> Usage {
    let mut usage = Usage::default();
    if phase.items > 0 {
        usage.add_times(&of_call(phase, deployment), phase.calls as f64 / phase.items as f64);
    }
    usage
}

/// Events in requests of a kind, from the request to profile and lake.
#[must_use]
pub fn events(record: &Record, deployment: &Deployment, pace: Pace, kind: Kind, way: Way, events: f64) -> Usage {
    let phase = record.phase(pace, kind);
    let mut usage = Usage::default();
    if phase.items == 0 {
        return usage;
    }
    let calls = events * phase.calls as f64 / phase.items as f64;
    usage.add(way.price(), way.name(), calls);
    usage.add_times(&of_call(&phase, deployment), calls);
    usage.add_times(&of_item(&record.phase(pace, Kind::Fold), deployment), events);
    usage.add_times(&archived(record, deployment, pace), events);
    usage
}

/// What is kept of so many decisions for as long as they are kept, in the table and its backup.
#[must_use]
pub fn kept_decisions(record: &Record, pace: Pace, decisions: f64) -> Usage {
    let mut usage = Usage::default();
    let months = decisions * (decision_bytes(record, pace) + OVERHEAD as f64) / GB * DECISION_MONTHS;
    usage.add("dynamodb_storage", "table: decisions of 90 days", months);
    usage.add("dynamodb_backup", "table: backup of decisions", months);
    usage
}

/// Bytes of a stored decision.
#[must_use]
pub fn decision_bytes(record: &Record, pace: Pace) -> f64 {
    stored_bytes(&record.phase(pace, Kind::List))
}

/// Bytes of an item that such calls write.
#[must_use]
pub fn stored_bytes(phase: &Phase) -> f64 {
    let table = phase.table.all();
    if table.items == 0 { 0.0 } else { table.stored_bytes as f64 / table.items as f64 }
}

/// A training of the recorded shop in the function, with what begins it.
#[must_use]
pub fn training(record: &Record, deployment: &Deployment) -> Usage {
    let mut usage = Usage::default();
    usage.add("scheduler_invocations", "schedule", 1.0);
    usage.add("step_transitions", "state machine", STATES_TRAINED);
    usage.add_times(&of_call(&record.phase(Pace::Once, Kind::IdleTrain), deployment), 1.0);
    usage.add_times(&of_call(&record.phase(Pace::Once, Kind::Train), deployment), 1.0);
    usage
}

/// CPU seconds of a training on so many actions, from the recorded one: it grows with the log.
#[must_use]
pub fn training_cpu_seconds(record: &Record, actions: f64) -> f64 {
    let train = record.phase(Pace::Once, Kind::Train);
    train.each(train.cpu_ms) / 1000.0 * (actions / record.shop.events.max(1) as f64)
}

/// A training on so many actions: in the function while that is fast enough, otherwise as a task. The flag says which.
#[must_use]
pub fn training_of(record: &Record, deployment: &Deployment, actions: f64) -> (Usage, bool) {
    let train = record.phase(Pace::Once, Kind::Train);
    let factor = actions / record.shop.events.max(1) as f64;
    let grown = Phase { cpu_ms: train.cpu_ms * factor, ..train };
    let in_function = deployment.millis(&grown) < FUNCTION_MS;
    let mut usage = Usage::default();
    usage.add("scheduler_invocations", "schedule", 1.0);
    usage.add("step_transitions", "state machine", STATES_TRAINED);
    usage.add_times(&of_call(&record.phase(Pace::Once, Kind::IdleTrain), deployment), 1.0);
    if in_function {
        usage.add_times(&of_call(&grown, deployment), 1.0);
    } else {
        // A minute passes until a task runs.
        let hours = (training_cpu_seconds(record, actions) / TASK_CORES + 60.0) / 3600.0;
        usage.add("fargate_vcpu_hours", "training task: cores", hours * TASK_CORES);
        usage.add("fargate_gb_hours", "training task: memory", hours * TASK_GB);
        usage.add("public_ipv4_hours", "training task: address", hours);
        usage.add("s3_gets", "training task: objects read", train.gets as f64);
        usage.add("s3_puts", "training task: objects written", (train.puts + train.listings) as f64);
    }
    (usage, in_function)
}

/// What grows with the table of the recorded sweep, which reads all of it; and how often it is in one of so many gigabytes.
#[must_use]
pub fn sweep_of(record: &Record, table_gb: f64) -> (Phase, f64) {
    let recorded = record.phase(Pace::Once, Kind::Sweep);
    let grows = Phase { puts: 0, put_bytes: 0, gets: 0, listings: 0, log_lines: 0, log_bytes: 0, ..recorded };
    (grows, table_gb * GB / record.shop.table_bytes.max(1) as f64)
}

/// What runs by schedule, whether or not anything happened.
#[must_use]
pub fn schedules(record: &Record, deployment: &Deployment) -> Usage {
    let mut usage = Usage::default();
    let runs = RUNS_A_DAY * DAYS;
    usage.add("scheduler_invocations", "schedules", 2.0 * runs + DAYS);
    usage.add("step_transitions", "state machine", runs * STATES_IDLE);
    usage.add_times(&of_call(&record.phase(Pace::Once, Kind::IdleTrain), deployment), runs);
    usage.add_times(&of_call(&record.phase(Pace::Once, Kind::IdleCompact), deployment), runs);
    usage.add_times(&of_call(&record.phase(Pace::Once, Kind::IdleSweep), deployment), DAYS);
    usage.add("kms_requests", "keys of the table for the functions", runs * 3.0 + DAYS);
    usage
}

/// A month in which nobody comes: the schedules, and what the recorded shop keeps.
#[must_use]
pub fn idle_month(record: &Record, deployment: &Deployment) -> Usage {
    let mut usage = schedules(record, deployment);
    let table = (record.shop.table_bytes + OVERHEAD * record.shop.table_items) as f64 / GB;
    usage.add("dynamodb_storage", "table: storage", table);
    usage.add("dynamodb_backup", "table: backup", table);
    usage.add("s3_storage", "bucket: lake and models", record.shop.object_bytes as f64 / GB);
    usage
}

/// What can be switched on besides.
#[must_use]
pub fn extras() -> Usage {
    let mut usage = Usage::default();
    usage.add("alarm_metrics", "alarms", ALARM_METRICS);
    usage.add("dashboards", "dashboard", 1.0);
    usage
}

/// A shop of the simulated month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shop {
    /// What it is called here.
    pub name: &'static str,
    /// Visits a month.
    pub visits: f64,
    /// The pace of its calls.
    pub pace: Pace,
}

/// The three shops.
pub const SHOPS: [Shop; 3] = [
    Shop { name: "small", visits: 50e3, pace: Pace::Quiet },
    Shop { name: "large", visits: 5e6, pace: Pace::Busy },
    Shop { name: "very large", visits: 500e6, pace: Pace::Busy },
];

/// Calls of recommend in the shop's month.
#[must_use]
pub fn recommendation_calls(record: &Record, shop: &Shop) -> f64 {
    let a_visit = record.calls_a_visit(shop.pace, Kind::List) + record.calls_a_visit(shop.pace, Kind::Page);
    a_visit * shop.visits
}

/// Lists that are recommended in the shop's month.
#[must_use]
pub fn lists(record: &Record, shop: &Shop) -> f64 {
    let a_visit = record.items_a_visit(shop.pace, Kind::List) + record.items_a_visit(shop.pace, Kind::Page);
    a_visit * shop.visits
}

/// Events of the shop's month.
#[must_use]
pub fn event_count(record: &Record, shop: &Shop) -> f64 {
    let a_visit = record.items_a_visit(shop.pace, Kind::Event) + record.items_a_visit(shop.pace, Kind::Batch);
    a_visit * shop.visits
}

/// The month of a shop that is a year old. The flag says whether it is trained in the function.
#[must_use]
pub fn month(record: &Record, deployment: &Deployment, shop: &Shop, way: Way) -> (Usage, bool) {
    let pace = shop.pace;
    let mut usage = Usage::default();
    for kind in [Kind::List, Kind::Page] {
        let calls = record.calls_a_visit(pace, kind) * shop.visits;
        usage.add_times(&recommendations(record, deployment, pace, kind, way, calls), 1.0);
    }
    for kind in [Kind::Event, Kind::Batch] {
        let count = record.items_a_visit(pace, kind) * shop.visits;
        usage.add_times(&events(record, deployment, pace, kind, way, count), 1.0);
    }
    let (one, in_function) = training_of(record, deployment, trained_actions(record, shop));
    usage.add_times(&one, RUNS_A_DAY * DAYS);
    usage.add("scheduler_invocations", "schedule", (RUNS_A_DAY + 1.0) * DAYS);
    usage.add_times(&of_call(&record.phase(Pace::Once, Kind::Compact), deployment), RUNS_A_DAY * DAYS);
    let stored = stored_gb(record, shop);
    let (sweep, factor) = sweep_of(record, stored);
    usage.add_times(&of_call(&sweep, deployment), factor * DAYS);
    // Three functions are at work all the time.
    usage.add("kms_requests", "keys of the table for the functions", 3.0 * DAYS * 86_400.0 / KEY_SECONDS);
    usage.add("custom_metrics", "figures in CloudWatch", record.figures.metrics.len() as f64);
    usage.add("dynamodb_storage", "table: storage after a year", stored);
    usage.add("dynamodb_backup", "table: backup after a year", stored);
    usage.add("s3_storage", "bucket: lake and models after a year", lake_gb(record, shop));
    (usage, in_function)
}

/// Actions that the shop's training takes: a year of them, up to the most it may take.
#[must_use]
pub fn trained_actions(record: &Record, shop: &Shop) -> f64 {
    (event_count(record, shop) * AGE_MONTHS).min(TRAINING_ACTIONS)
}

/// Gigabytes of the shop's table after a year: its events, 90 days of decisions, profiles.
#[must_use]
pub fn stored_gb(record: &Record, shop: &Shop) -> f64 {
    let overhead = OVERHEAD as f64;
    let event = stored_bytes(&record.phase(shop.pace, Kind::Event)) + overhead;
    let decision = decision_bytes(record, shop.pace) + overhead;
    let profile = stored_bytes(&record.phase(shop.pace, Kind::Fold)) + overhead;
    let bytes = event_count(record, shop) * AGE_MONTHS * event
        + lists(record, shop) * DECISION_MONTHS * decision
        + shop.visits * AGE_MONTHS / VISITS_A_DEVICE * profile;
    bytes / GB
}

/// Gigabytes of the shop's lake after a year, as packed as the recorded one, and its models.
#[must_use]
pub fn lake_gb(record: &Record, shop: &Shop) -> f64 {
    let archive = record.phase(Pace::Busy, Kind::Archive);
    let records = (event_count(record, shop) + lists(record, shop)) * AGE_MONTHS;
    (records * archive.of_item(archive.put_bytes as f64) + 3.0 * record.shop.model_bytes as f64) / GB
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::prices::Prices;
    use crate::record::{Operation, Shop as Recorded};

    /// Two visits of one list and two events each.
    pub(crate) fn record() -> Record {
        let phase = |pace, kind, calls, items| {
            let mut phase = Phase { calls, items, cpu_ms: calls as f64, ..Phase::new(pace, kind) };
            let put = Operation {
                calls,
                write_units: items as f64,
                items,
                stored_bytes: items * 500,
                ..Operation::default()
            };
            phase.table.operations = BTreeMap::from([("PutItem".to_owned(), put)]);
            phase.table.write_rounds = calls;
            phase
        };
        let mut phases = Vec::new();
        for pace in [Pace::Quiet, Pace::Busy] {
            phases.push(phase(pace, Kind::List, 2, 2));
            phases.push(phase(pace, Kind::Event, 4, 4));
            phases.push(phase(pace, Kind::Fold, 1, 4));
            phases.push(Phase {
                puts: 2,
                put_bytes: 600,
                ..Phase { table: Default::default(), ..phase(pace, Kind::Archive, 1, 6) }
            });
        }
        for kind in [
            Kind::ColdStart,
            Kind::Train,
            Kind::IdleTrain,
            Kind::Compact,
            Kind::IdleCompact,
            Kind::Sweep,
            Kind::IdleSweep,
        ] {
            phases.push(Phase { table: Default::default(), ..phase(Pace::Once, kind, 1, 1) });
        }
        Record {
            made: String::new(),
            machine: String::new(),
            what: String::new(),
            shop: Recorded { products: 10, events: 1000, ..Recorded::default() },
            visits: BTreeMap::from([(Pace::Quiet, 2), (Pace::Busy, 2)]),
            gaps: BTreeMap::new(),
            peak_mb: 0.0,
            phases,
            figures: crate::figures::Figures::default(),
        }
    }

    fn dollars(usage: &Usage) -> f64 {
        usage.price(&Prices::built_in().unwrap().regions["us-east-1"]).unwrap().total()
    }

    #[test]
    fn a_million_recommendations_by_hand() {
        let usage = recommendations(&record(), &Deployment::default(), Pace::Busy, Kind::List, Way::Gateway, MILLION);
        let quantity = |what: &str| usage.0.iter().find(|one| one.what == what).map(|one| one.quantity);
        assert_eq!(quantity("HTTP API"), Some(1e6));
        assert_eq!(quantity("recommend: requests"), Some(1e6));
        assert_eq!(quantity("recommend: table writes"), Some(1e6));
        // A millisecond of CPU at 1,024 of 1,769 MB, six of waiting, half of rounding up.
        let millis = 1769.0 / 1024.0 + 6.0 + 0.5;
        assert!((quantity("recommend: compute").unwrap() - 1000.0 * millis).abs() < 1e-6);
        // One call of archive for six records, two objects each.
        assert!((quantity("archive: objects written and listed").unwrap() - 1e6 / 6.0 * 2.0).abs() < 1e-6);
        let url = recommendations(&record(), &Deployment::default(), Pace::Busy, Kind::List, Way::Url, MILLION);
        assert!((dollars(&usage) - dollars(&url) - 1.0).abs() < 1e-9, "the gateway is a dollar");
    }

    #[test]
    fn recommendations_and_events_are_linear_in_their_number() {
        let (record, deployment) = (record(), Deployment::default());
        for way in [Way::Gateway, Way::Url] {
            let calls = |n| dollars(&recommendations(&record, &deployment, Pace::Quiet, Kind::List, way, n));
            let events = |n| dollars(&events(&record, &deployment, Pace::Quiet, Kind::Event, way, n));
            assert!((calls(3e6) / calls(1e6) - 3.0).abs() < 1e-9 && (events(3e6) / events(1e6) - 3.0).abs() < 1e-9);
        }
    }

    #[test]
    fn an_idle_month_has_no_requests() {
        let usage = idle_month(&record(), &Deployment::default());
        assert!(usage.0.iter().all(|one| !one.price.ends_with("api_requests") && !one.what.starts_with("recommend")));
        assert!(dollars(&usage) < 0.1);
    }

    #[test]
    fn a_training_leaves_the_function_when_it_takes_too_long() {
        let (record, deployment) = (record(), Deployment::default());
        assert!(training_of(&record, &deployment, 1000.0).1);
        let (usage, in_function) = training_of(&record, &deployment, 1e12);
        assert!(!in_function && usage.0.iter().any(|one| one.price == "fargate_vcpu_hours"));
    }

    #[test]
    fn a_month_grows_with_its_visits() {
        let (record, deployment) = (record(), Deployment::default());
        let of = |visits| dollars(&month(&record, &deployment, &Shop { visits, ..SHOPS[1] }, Way::Gateway).0);
        assert!(of(1e6) < of(2e6) && of(2e6) < 2.1 * of(1e6));
        assert!((event_count(&record, &SHOPS[0]) - 100e3).abs() < 1e-6);
        assert!((lists(&record, &SHOPS[0]) - 50e3).abs() < 1e-6);
    }
}
