//! Figures of the running functions: how long answers take and where the time goes, what was refused, how far profiles are
//! behind. They are counted by the `metrics` crate; where they go is chosen once, when the program starts.
//!
//! | name | unit | labels | says |
//! |---|---|---|---|
//! | `latency` | ms | `function` | from a request's arrival to its answer |
//! | `requests` | | `function`, `status` | answers by the first digit of their status |
//! | `stage` | ms | `stage` | where a recommendation's time goes |
//! | `candidates` | | | products whose vectors were compared for a request |
//! | `degraded` | | `without` | lists that had to do without something |
//! | `cold_start` | ms | `function` | from the start of the process to its first answer |
//! | `fold_lag` | ms | | from an event's receipt to the profile that knows it |
//! | `longest_run` | ms | `function` | the longest call of a reader of the stream; on one machine alone, in the cloud it is Lambda's `Duration` |
//! | `events_accepted`, `events_refused` | | | what came in |
//! | `limited` | | `by` | requests and events refused because a key or a visitor asked too much |
//! | `robots` | | | events that came from declared robots |
//! | `segment_entered`, `segment_left` | | | times that a visitor came into a segment, or went out of one |
//!
//! In the cloud they are lines of CloudWatch's embedded metric format
//! ([specification](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)):
//! nothing is called and nothing waits. A line is written when ten seconds have passed since the one before or fifty
//! answers have been counted, so what an idle copy of a function counted last may be lost with it.
//! `VITRINE_METRICS=off` writes none. On one machine the same figures are at `/metrics`.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_cloudwatch_embedded::Collector;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Name under which CloudWatch keeps the figures.
const NAMESPACE: &str = "Vitrine";
/// A line is written this long after the one before.
const WINDOW: Duration = Duration::from_secs(10);
/// After so many answers a line is written: of each figure a hundred values fit one.
const VALUES: usize = 50;
/// Upper ends of the buckets in which milliseconds are counted on one machine.
const MILLIS: [f64; 14] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 5000.0];

static CLOUD: OnceLock<Cloud> = OnceLock::new();
static HERE: OnceLock<PrometheusHandle> = OnceLock::new();
static STARTED: OnceLock<Instant> = OnceLock::new();

struct Cloud {
    collector: &'static Collector,
    window: Mutex<Window>,
}

struct Window {
    since: Instant,
    counted: usize,
}

fn describe() {
    STARTED.get_or_init(Instant::now);
    for name in ["latency", "stage", "cold_start", "fold_lag"] {
        describe_histogram!(name, Unit::Milliseconds, "");
    }
    describe_gauge!("longest_run", Unit::Milliseconds, "");
    describe_histogram!("candidates", Unit::Count, "");
    for name in ["requests", "degraded", "events_accepted", "events_refused", "limited", "robots"] {
        describe_counter!(name, Unit::Count, "");
    }
}

/// Writes figures as lines of CloudWatch's embedded format, unless `VITRINE_METRICS` is `off`. Nothing is counted if
/// something else counts already.
#[allow(clippy::disallowed_methods, reason = "one of the places where the environment is read")]
pub fn start_in_cloud() {
    STARTED.get_or_init(Instant::now);
    if std::env::var("VITRINE_METRICS").is_ok_and(|value| value == "off") {
        return;
    }
    match metrics_cloudwatch_embedded::Builder::new().cloudwatch_namespace(NAMESPACE).init() {
        Ok(collector) => {
            describe();
            let window = Mutex::new(Window { since: Instant::now(), counted: 0 });
            // Only the first one counts.
            CLOUD.set(Cloud { collector, window }).ok();
        }
        Err(error) => tracing::warn!(%error, "figures are not counted"),
    }
}

/// Counts in this process, for [`rendered`]. A second call changes nothing.
pub fn start_here() {
    let started = PrometheusBuilder::new().set_buckets(&MILLIS).and_then(PrometheusBuilder::install_recorder);
    if let Ok(handle) = started {
        describe();
        HERE.set(handle).ok();
    }
}

/// What was counted in this process, as text for Prometheus; none if nothing is counted here.
#[must_use]
pub fn rendered() -> Option<String> {
    HERE.get().map(PrometheusHandle::render)
}

/// Sums up what was counted in this process since the last call, so that it takes no more memory.
pub fn sum_up() {
    HERE.get().into_iter().for_each(PrometheusHandle::run_upkeep);
}

/// A key or a visitor asked too much.
pub fn limited(by: &'static str) {
    counter!("limited", "by" => by).increment(1);
}

/// The longest call of a reader of the stream so far, in microseconds.
#[allow(clippy::cast_precision_loss, reason = "microseconds of minutes")]
pub fn longest_run(function: &'static str, micros: u64) {
    gauge!("longest_run", "function" => function).set(micros as f64 / 1e3);
}

/// A function has answered. The first answer of a process ends its cold start.
pub fn answered(function: &'static str, status: u16, took: Duration) {
    static FIRST: OnceLock<()> = OnceLock::new();
    histogram!("latency", "function" => function).record(millis(took));
    let class = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"].get(usize::from(status / 100)).unwrap_or(&"other");
    counter!("requests", "function" => function, "status" => *class).increment(1);
    if FIRST.set(()).is_ok()
        && let Some(started) = STARTED.get()
    {
        histogram!("cold_start", "function" => function).record(millis(started.elapsed()));
    }
    flush_if_due();
}

/// Milliseconds of a duration.
#[must_use]
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Writes a line if it is time to.
pub fn flush_if_due() {
    let Some(cloud) = CLOUD.get() else { return };
    let mut window = cloud.window.lock().unwrap_or_else(PoisonError::into_inner);
    window.counted += 1;
    if window.counted < VALUES && window.since.elapsed() < WINDOW {
        return;
    }
    *window = Window { since: Instant::now(), counted: 0 };
    if let Err(error) = cloud.collector.flush(std::io::stdout().lock()) {
        tracing::warn!(%error, "figures could not be written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_here_is_told_to_prometheus() {
        assert_eq!(rendered(), None);
        start_here();
        start_here();
        answered("recommend", 200, Duration::from_millis(3));
        answered("recommend", 404, Duration::from_millis(30));
        let text = rendered().unwrap();
        for line in [
            "requests{function=\"recommend\",status=\"2xx\"} 1",
            "requests{function=\"recommend\",status=\"4xx\"} 1",
            "latency_bucket{function=\"recommend\",le=\"5\"} 1",
            "latency_count{function=\"recommend\"} 2",
            "cold_start_count{function=\"recommend\"} 1",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
