//! From counts to dollars. Pure arithmetic.

use crate::prices::{Error, Free, Region};
use crate::record::{Kind, Phase};

/// Megabytes at which a function has one whole core.
pub const CORE_MB: f64 = 1769.0;
/// Bytes that CloudWatch counts for each log line beyond its own.
const LOG_LINE: f64 = 26.0;
/// Bytes of a gigabyte.
const GB: f64 = 1e9;

/// How it is deployed: the defaults of the template, and what is assumed of the distances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deployment {
    /// Megabytes of recommend.
    pub recommend_mb: f64,
    /// Megabytes of collect.
    pub collect_mb: f64,
    /// Megabytes of fold and archive.
    pub stream_mb: f64,
    /// Megabytes of the merging of the lake.
    pub compact_mb: f64,
    /// Megabytes of training.
    pub retrain_mb: f64,
    /// Megabytes of recommend's scratch disk.
    pub scratch_mb: f64,
    /// Months that logs are kept.
    pub log_months: f64,
    /// Milliseconds that a read of the table is waited for.
    pub read_ms: f64,
    /// Milliseconds that a write of the table is waited for.
    pub write_ms: f64,
    /// Milliseconds that an object is waited for.
    pub object_ms: f64,
}

impl Default for Deployment {
    fn default() -> Self {
        Self {
            recommend_mb: 1024.0,
            collect_mb: 512.0,
            stream_mb: 512.0,
            compact_mb: 2048.0,
            retrain_mb: 3008.0,
            scratch_mb: 2048.0,
            log_months: 1.0,
            read_ms: 4.0,
            write_ms: 6.0,
            object_ms: 30.0,
        }
    }
}

impl Deployment {
    /// Megabytes of the function that a kind of call is made to.
    #[must_use]
    pub fn memory(&self, kind: Kind) -> f64 {
        match kind.function() {
            "recommend" => self.recommend_mb,
            "collect" => self.collect_mb,
            "retrain" => self.retrain_mb,
            "compact" | "sweep" => self.compact_mb,
            _ => self.stream_mb,
        }
    }

    /// Milliseconds that a call takes there: the CPU time at the function's share of a core, and what it waits for. A
    /// training uses all cores that it has; whatever else is done one thing after the other.
    #[must_use]
    pub fn millis(&self, phase: &Phase) -> f64 {
        let cores = self.memory(phase.kind) / CORE_MB;
        let cores = if phase.kind == Kind::Train { cores } else { cores.min(1.0) };
        let waits = phase.table.read_rounds as f64 * self.read_ms + phase.table.write_rounds as f64 * self.write_ms;
        let objects = (phase.puts + phase.gets + phase.listings) as f64 * self.object_ms;
        phase.each(phase.cpu_ms / cores + waits + objects)
    }

    /// Milliseconds that are billed on average for calls that take `millis` on average: each is rounded up.
    #[must_use]
    pub fn billed(&self, phase: &Phase) -> f64 {
        self.millis(phase) + 0.5
    }
}

/// Gigabyte-seconds of a call.
#[must_use]
pub fn gb_seconds(memory_mb: f64, millis: f64) -> f64 {
    memory_mb / 1024.0 * millis / 1000.0
}

/// A quantity of something that has a price.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// Name of the price.
    pub price: &'static str,
    /// What for.
    pub what: String,
    /// How much.
    pub quantity: f64,
}

/// Quantities, in the order in which they are told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Usage(pub Vec<Use>);

impl Usage {
    /// Adds to a quantity of the same price and purpose.
    pub fn add(&mut self, price: &'static str, what: &str, quantity: f64) {
        if quantity <= 0.0 {
            return;
        }
        match self.0.iter_mut().find(|known| known.price == price && known.what == what) {
            Some(known) => known.quantity += quantity,
            None => self.0.push(Use { price, what: what.to_owned(), quantity }),
        }
    }

    /// Adds all of another, so many times.
    pub fn add_times(&mut self, other: &Self, times: f64) {
        for one in &other.0 {
            self.add(one.price, &one.what, one.quantity * times);
        }
    }

    /// What is left after what an account gets for nothing.
    #[must_use]
    pub fn beyond_free(&self, free: &std::collections::BTreeMap<String, Free>) -> Self {
        let mut left: std::collections::BTreeMap<&str, f64> =
            free.iter().map(|(name, free)| (name.as_str(), free.quantity)).collect();
        let mut beyond = Self::default();
        for one in &self.0 {
            let rest = left.entry(one.price).or_default();
            let paid = (one.quantity - *rest).max(0.0);
            *rest = (*rest - one.quantity).max(0.0);
            beyond.add(one.price, &one.what, paid);
        }
        beyond
    }

    /// What it costs, line by line. Tiers hold for all of a price together, and each line bears its part.
    ///
    /// # Errors
    /// If something has no price.
    pub fn price(&self, region: &Region) -> Result<Bill, Error> {
        let mut lines = Vec::new();
        for one in &self.0 {
            let price = region.get(one.price).ok_or_else(|| Error::Missing(one.price.to_owned()))?;
            let all: f64 = self.0.iter().filter(|other| other.price == one.price).map(|other| other.quantity).sum();
            let dollars = if all > 0.0 { price.dollars(all) * one.quantity / all } else { 0.0 };
            lines.push(Line { what: one.what.clone(), quantity: one.quantity, unit: price.unit.clone(), dollars });
        }
        Ok(Bill { lines })
    }
}

/// A line of a bill.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What for.
    pub what: String,
    /// How much.
    pub quantity: f64,
    /// Of what.
    pub unit: String,
    /// Dollars.
    pub dollars: f64,
}

/// A bill.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bill {
    /// Its lines.
    pub lines: Vec<Line>,
}

impl Bill {
    /// Dollars altogether.
    #[must_use]
    pub fn total(&self) -> f64 {
        // Not `sum`, whose zero has a sign.
        self.lines.iter().fold(0.0, |total, line| total + line.dollars)
    }
}

/// What one call uses on average, egress and the way to the function excluded.
#[must_use]
pub fn of_call(phase: &Phase, deployment: &Deployment) -> Usage {
    let mut usage = Usage::default();
    if phase.calls == 0 {
        return usage;
    }
    let function = phase.kind.function();
    let told = |what: &str| format!("{function}: {what}");
    let (table, billed) = (phase.table.all(), deployment.billed(phase));
    let memory = deployment.memory(phase.kind);
    usage.add("lambda_requests", &told("requests"), 1.0);
    usage.add("lambda_gb_seconds", &told("compute"), gb_seconds(memory, billed));
    if function == "recommend" {
        let scratch = (deployment.scratch_mb - 512.0).max(0.0);
        usage.add("lambda_scratch_gb_seconds", &told("scratch disk"), gb_seconds(scratch, billed));
    }
    usage.add("dynamodb_read_units", &told("table reads"), phase.each(table.read_units));
    usage.add("dynamodb_write_units", &told("table writes"), phase.each(table.write_units));
    usage.add("s3_puts", &told("objects written and listed"), phase.each((phase.puts + phase.listings) as f64));
    usage.add("eventbridge_events", &told("notices of objects"), phase.each(phase.puts as f64));
    usage.add("s3_gets", &told("objects read"), phase.each(phase.gets as f64));
    let logs = phase.each(phase.log_bytes as f64 + LOG_LINE * phase.log_lines as f64) / GB;
    usage.add("logs_ingested", &told("logs taken in"), logs);
    usage.add("logs_stored", &told("logs kept"), logs * deployment.log_months);
    usage
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::prices::Prices;
    use crate::record::Pace;

    /// One core's 1,769 MB exactly, so that CPU time is time.
    fn whole_core() -> Deployment {
        Deployment { recommend_mb: CORE_MB, ..Deployment::default() }
    }

    fn phase(calls: u64, cpu_ms: f64) -> Phase {
        Phase { calls, cpu_ms, ..Phase::new(Pace::Busy, Kind::List) }
    }

    #[test]
    fn ten_milliseconds_of_128_megabytes_by_hand() {
        // 0.125 GB for 0.01 s are 0.00125 GB-seconds, at 0.0000133334 dollars each.
        let region = &Prices::built_in().unwrap().regions["us-east-1"];
        let mut usage = Usage::default();
        usage.add("lambda_gb_seconds", "compute", gb_seconds(128.0, 10.0) * 1e6);
        usage.add("lambda_requests", "requests", 1e6);
        let bill = usage.price(region).unwrap();
        assert!((bill.lines[0].dollars - 0.016_666_75).abs() < 1e-9, "{bill:?}");
        assert!((bill.total() - 0.216_666_75).abs() < 1e-9);
    }

    #[test]
    fn a_smaller_function_takes_longer_and_waits_as_long() {
        let mut one = phase(10, 20.0);
        (one.table.read_rounds, one.table.write_rounds) = (10, 10);
        assert!((whole_core().millis(&one) - (2.0 + 4.0 + 6.0)).abs() < 1e-9);
        let half = Deployment { recommend_mb: CORE_MB / 2.0, ..Deployment::default() };
        assert!((half.millis(&one) - (4.0 + 4.0 + 6.0)).abs() < 1e-9);
        let large = Deployment { recommend_mb: 4.0 * CORE_MB, ..Deployment::default() };
        assert!((large.millis(&one) - whole_core().millis(&one)).abs() < 1e-9, "a request uses one core");
        let training = Phase { kind: Kind::Train, ..phase(1, 1000.0) };
        let two = Deployment { retrain_mb: 2.0 * CORE_MB, ..Deployment::default() };
        assert!((two.millis(&training) - 500.0).abs() < 1e-9, "a training uses all");
    }

    #[test]
    fn memory_is_what_the_template_says() {
        // Where the template is not there, there is nothing to differ from.
        let template = std::fs::read_to_string("../template.yaml").unwrap_or_default();
        let deployment = Deployment::default();
        for (name, megabytes) in [
            ("RecommendMemory", deployment.recommend_mb),
            ("CollectMemory", deployment.collect_mb),
            ("StreamMemory", deployment.stream_mb),
            ("ImportMemory", deployment.compact_mb),
            ("RetrainMemory", deployment.retrain_mb),
            ("RecommendScratch", deployment.scratch_mb),
        ] {
            let parameter = template.split_once(&format!("\n  {name}:\n")).map(|(_, rest)| rest);
            let default =
                parameter.and_then(|rest| rest.split_once("Default: ")).and_then(|(_, rest)| rest.lines().next());
            assert!(default.is_none_or(|default| default.trim() == format!("{megabytes}")), "{name}: {default:?}");
        }
    }

    #[test]
    fn what_is_free_is_taken_off_once() {
        let prices = Prices::built_in().unwrap();
        let mut usage = Usage::default();
        usage.add("lambda_requests", "a", 800_000.0);
        usage.add("lambda_requests", "b", 500_000.0);
        usage.add("s3_puts", "c", 10.0);
        let beyond = usage.beyond_free(&prices.free_each_month);
        let told: Vec<(&str, f64)> = beyond.0.iter().map(|one| (one.what.as_str(), one.quantity)).collect();
        assert_eq!(told, [("b", 300_000.0), ("c", 10.0)]);
    }

    proptest! {
        #[test]
        fn dollars_are_linear_in_the_volume(calls in 1.0_f64..1e6, cpu in 0.1_f64..100.0) {
            let region = &Prices::built_in().unwrap().regions["eu-west-3"];
            let once = of_call(&phase(1, cpu), &Deployment::default());
            let mut many = Usage::default();
            many.add_times(&once, calls);
            let (one, all) = (once.price(region).unwrap().total(), many.price(region).unwrap().total());
            prop_assert!((all / calls / one - 1.0).abs() < 1e-9);
        }

        #[test]
        fn a_call_costs_the_same_however_many_were_recorded(calls in 1_u64..1000, cpu in 0.1_f64..100.0) {
            let (one, many) = (phase(1, cpu), phase(calls, cpu * calls as f64));
            let deployment = Deployment::default();
            let quantity = |phase: &Phase| of_call(phase, &deployment).0[1].quantity;
            prop_assert!((quantity(&one) / quantity(&many) - 1.0).abs() < 1e-9);
        }

        #[test]
        fn lines_of_a_tiered_price_add_up_to_its_total(a in 1.0_f64..1e9, b in 1.0_f64..1e9) {
            let region = &Prices::built_in().unwrap().regions["us-east-1"];
            let mut usage = Usage::default();
            usage.add("http_api_requests", "a", a);
            usage.add("http_api_requests", "b", b);
            let total = region["http_api_requests"].dollars(a + b);
            prop_assert!((usage.price(region).unwrap().total() / total - 1.0).abs() < 1e-9);
        }
    }
}
