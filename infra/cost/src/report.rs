//! The report: tables of text, and whether the bars are met.

use std::fmt::Write as _;

use crate::bill::{Bill, Deployment, Usage};
use crate::limits::{self, PEAK};
use crate::plan::{self, MILLION, SHOPS, Way};
use crate::prices::{Error, Prices, Region};
use crate::record::{Kind, Pace, Record};

/// Dollars that a million recommendations may cost through the HTTP API.
const GATEWAY: f64 = 2.5;
/// And through a function's own address.
const URL: f64 = 1.5;
/// Dollars of an idle month, alarms and dashboard excluded.
const IDLE: f64 = 1.0;

/// A bar and what was measured against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What it is about.
    pub what: String,
    /// Dollars.
    pub measured: f64,
    /// Dollars that it has to stay under.
    pub bar: f64,
}

impl Bar {
    /// Whether it is met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.measured < self.bar
    }
}

/// A report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Its text.
    pub text: String,
    /// Its bars.
    pub bars: Vec<Bar>,
}

/// What a report is made from.
#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    record: &'a Record,
    deployment: &'a Deployment,
    prices: &'a Prices,
    region: &'a Region,
    name: &'a str,
}

impl Report {
    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn title(&mut self, text: &str) {
        self.line("");
        self.line(text);
        self.line(&"-".repeat(text.chars().count()));
    }

    fn bar(&mut self, what: String, measured: f64, bar: f64) {
        let bar = Bar { what, measured, bar };
        let verdict = if bar.is_met() { "met" } else { "NOT MET" };
        self.line(&format!("  {:<66} {:>8.3}  bar {:.2}: {verdict}", bar.what, bar.measured, bar.bar));
        self.bars.push(bar);
    }

    /// The report for one region; `detailed` tells what does not depend on it.
    ///
    /// # Errors
    /// If something has no price.
    pub fn of(
        record: &Record,
        deployment: &Deployment,
        prices: &Prices,
        region: &str,
        detailed: bool,
    ) -> Result<Self, Error> {
        let source = Source { record, deployment, prices, region: prices.region(region)?, name: region };
        let mut report = Self::default();
        if detailed {
            report.counted(source);
        }
        report.recommendations(source)?;
        report.events(source)?;
        report.training(source)?;
        report.idle(source)?;
        report.months(source)?;
        if detailed {
            report.limits(source);
        }
        Ok(report)
    }

    /// What was recorded, by kind of call.
    fn counted(&mut self, of: Source<'_>) {
        let (record, deployment) = (of.record, of.deployment);
        self.title("Recorded");
        self.line(&format!("  {}, {}", record.made, record.what));
        self.line(&format!("  {}; {:.0} MB at most, table and proxy included", record.machine, record.peak_mb));
        let shop = &record.shop;
        self.line(&format!(
            "  {} products, {} events in the lake ({:.1} MB), a model of {:.1} MB, {} items of {:.1} MB in the table",
            shop.products,
            shop.events,
            shop.lake_bytes as f64 / 1e6,
            shop.model_bytes as f64 / 1e6,
            shop.table_items,
            shop.table_bytes as f64 / 1e6
        ));
        self.line("");
        self.line(&format!(
            "  {:<22} {:>6} {:>6} {:>8} {:>6} {:>9} {:>8} {:>7} {:>7} {:>8} {:>8} {:>9}",
            "a call",
            "calls",
            "items",
            "CPU ms",
            "MB",
            "billed ms",
            "waits",
            "reads",
            "writes",
            "log B",
            "in B",
            "out B"
        ));
        for phase in record.phases.iter().filter(|phase| phase.kind != Kind::Import) {
            let table = phase.table.all();
            self.line(&format!(
                "  {:<22} {:>6} {:>6.1} {:>8.2} {:>6.0} {:>9.1} {:>8.2} {:>7.2} {:>7.2} {:>8.0} {:>8.0} {:>9.0}",
                format!("{} ({})", name(phase.kind), pace(phase.pace)),
                phase.calls,
                phase.each(phase.items as f64),
                phase.each(phase.cpu_ms),
                deployment.memory(phase.kind),
                deployment.billed(phase),
                phase.each((phase.table.read_rounds + phase.table.write_rounds) as f64),
                phase.each(table.read_units),
                phase.each(table.write_units),
                phase.each(phase.log_bytes as f64),
                phase.each(phase.request_bytes as f64),
                phase.each(phase.answer_bytes as f64),
            ));
        }
        let mut all = crate::record::Tally::default();
        record.phases.iter().for_each(|phase| all.add(&phase.table));
        self.line("");
        self.line(&format!(
            "  {:<20} {:>9} {:>8} {:>12} {:>12} {:>11} {:>11} {:>22}",
            "table", "calls", "refused", "sent B", "received B", "read units", "write units", "the engine would bill"
        ));
        for (name, operation) in &all.operations {
            let engine = match operation.compared_units {
                0.0 => "says nothing".to_owned(),
                rules => format!("{:.1} for {rules:.1}", operation.engine_units),
            };
            self.line(&format!(
                "  {name:<20} {:>9} {:>8} {:>12} {:>12} {:>11.1} {:>11.1} {engine:>22}",
                operation.calls,
                operation.refused,
                operation.request_bytes,
                operation.answer_bytes,
                operation.read_units,
                operation.write_units
            ));
        }
        self.line("");
        self.line(&format!(
            "  Billed ms: CPU x {:.0} / MB where a function has less than a core, plus {:.0} ms a read and {:.0} ms a write of the \
             table waited for and {:.0} ms an object (assumed), plus half a millisecond of rounding up.",
            crate::bill::CORE_MB,
            deployment.read_ms,
            deployment.write_ms,
            deployment.object_ms
        ));
        self.line(&format!(
            "  Quiet: {} ms between calls; busy: {} ms, on one process of each function.",
            record.gaps.get(&Pace::Quiet).unwrap_or(&0),
            record.gaps.get(&Pace::Busy).unwrap_or(&0)
        ));
    }

    fn head(&mut self, of: Source<'_>, what: &str) {
        self.title(&format!("{what}, {}", of.name));
    }

    /// Lines of two usages side by side.
    fn pair(&mut self, of: Source<'_>, columns: [&str; 2], usages: [&Usage; 2]) -> Result<[f64; 2], Error> {
        let bills = [usages[0].price(of.region)?, usages[1].price(of.region)?];
        let mut names: Vec<&str> = Vec::new();
        for line in bills.iter().flat_map(|bill| &bill.lines) {
            if !names.contains(&line.what.as_str()) {
                names.push(&line.what);
            }
        }
        self.line(&format!(
            "  {:<42} {:>14} {:>9}   {:>14} {:>9}  {}",
            "", columns[0], "dollars", columns[1], "dollars", "unit"
        ));
        for name in names {
            let found = bills.each_ref().map(|bill: &Bill| bill.lines.iter().find(|line| line.what == name));
            let unit = found.iter().flatten().next().map_or("", |line| line.unit.as_str());
            let mut text = format!("  {name:<42}");
            for line in found {
                let (quantity, dollars) = line.map_or((0.0, 0.0), |line| (line.quantity, line.dollars));
                // Writing to a text does not fail.
                write!(text, " {:>14} {dollars:>9.4}  ", amount(quantity)).ok();
            }
            self.line(&format!("{text} {unit}"));
        }
        let totals = [bills[0].total(), bills[1].total()];
        self.line(&format!("  {:<42} {:>14} {:>9.4}   {:>14} {:>9.4}", "together", "", totals[0], "", totals[1]));
        Ok(totals)
    }

    fn recommendations(&mut self, of: Source<'_>) -> Result<(), Error> {
        let (record, deployment) = (of.record, of.deployment);
        let usage = |pace, kind, way| plan::recommendations(record, deployment, pace, kind, way, MILLION);
        let mb = deployment.recommend_mb;
        self.head(of, &format!("A million recommendations of a list each, recommend with {mb:.0} MB"));
        let usages = [Pace::Busy, Pace::Quiet].map(|pace| usage(pace, Kind::List, Way::Gateway));
        let gateway = self.pair(of, ["busy", "quiet"], [&usages[0], &usages[1]])?;
        let url = [Pace::Busy, Pace::Quiet].map(|pace| usage(pace, Kind::List, Way::Url).price(of.region));
        let [busy, quiet] = url;
        let url = [busy?.total(), quiet?.total()];
        self.line("");
        for (at, pace) in ["busy", "quiet"].into_iter().enumerate() {
            self.bar(format!("{}: HTTP API, logs included, {pace}, {mb:.0} MB", of.name), gateway[at], GATEWAY);
            self.bar(format!("{}: function URL, logs included, {pace}, {mb:.0} MB", of.name), url[at], URL);
        }
        let list = record.phase(Pace::Busy, Kind::List);
        let mut egress = Usage::default();
        egress.add("egress", "egress", MILLION * list.each(list.answer_bytes as f64) / 1e9);
        let kept = plan::kept_decisions(record, Pace::Busy, MILLION).price(of.region)?.total();
        self.line(&format!(
            "  apart: egress of {:.1} GB {:.3}; decisions of {:.0} bytes kept for 90 days in table and backup {kept:.3}",
            egress.0.first().map_or(0.0, |one| one.quantity),
            egress.price(of.region)?.total(),
            plan::decision_bytes(record, Pace::Busy),
        ));
        let metrics = record.figures.metrics.len() as f64;
        let mut figures = Usage::default();
        figures.add("custom_metrics", "figures", metrics);
        self.line(&format!(
            "  apart: {metrics:.0} metrics in CloudWatch, {:.2} a month whatever their number of values; VITRINE_METRICS=off has none",
            figures.price(of.region)?.total()
        ));
        let page = record.phase(Pace::Busy, Kind::Page);
        let lists = page.each(page.items as f64);
        for way in [Way::Gateway, Way::Url] {
            let page = usage(Pace::Busy, Kind::Page, way).price(of.region)?.total();
            self.line(&format!(
                "  a million pages of {lists:.0} lists in one call, {}: {page:.3}, which is {:.3} a million lists",
                way.name(),
                page / lists.max(1.0)
            ));
        }
        Ok(())
    }

    fn events(&mut self, of: Source<'_>) -> Result<(), Error> {
        let mb = of.deployment.collect_mb;
        self.head(of, &format!("A million events, from the request to profile and lake, collect with {mb:.0} MB"));
        let usage = |kind, way| plan::events(of.record, of.deployment, Pace::Busy, kind, way, MILLION);
        let (one, many) = (usage(Kind::Event, Way::Gateway), usage(Kind::Batch, Way::Gateway));
        self.pair(of, ["one a request", "in batches"], [&one, &many])?;
        let batch = of.record.phase(Pace::Busy, Kind::Batch);
        self.line(&format!(
            "  batches hold {:.1} events; through a function URL {:.3} and {:.3}; a quiet shop's, one a request, {:.3}",
            batch.each(batch.items as f64),
            usage(Kind::Event, Way::Url).price(of.region)?.total(),
            usage(Kind::Batch, Way::Url).price(of.region)?.total(),
            plan::events(of.record, of.deployment, Pace::Quiet, Kind::Event, Way::Gateway, MILLION)
                .price(of.region)?
                .total()
        ));
        Ok(())
    }

    fn single(&mut self, of: Source<'_>, usage: &Usage) -> Result<f64, Error> {
        let bill = usage.price(of.region)?;
        for line in &bill.lines {
            self.line(&format!(
                "  {:<42} {:>14} {:>14.6}  {}",
                line.what,
                amount(line.quantity),
                line.dollars,
                line.unit
            ));
        }
        self.line(&format!("  {:<42} {:>14} {:>14.6}", "together", "", bill.total()));
        Ok(bill.total())
    }

    fn training(&mut self, of: Source<'_>) -> Result<(), Error> {
        let train = of.record.phase(Pace::Once, Kind::Train);
        self.head(of, &format!("A training of the recorded shop, retrain with {:.0} MB", of.deployment.retrain_mb));
        self.single(of, &plan::training(of.record, of.deployment))?;
        self.line(&format!(
            "  {:.1} CPU seconds, {:.1} seconds with {:.2} cores",
            train.each(train.cpu_ms) / 1000.0,
            of.deployment.millis(&train) / 1000.0,
            of.deployment.retrain_mb / crate::bill::CORE_MB
        ));
        Ok(())
    }

    fn idle(&mut self, of: Source<'_>) -> Result<(), Error> {
        self.head(of, "An idle month of the recorded shop, alarms and dashboard excluded");
        let usage = plan::idle_month(of.record, of.deployment);
        let total = self.single(of, &usage)?;
        self.bar(format!("{}: idle month", of.name), total, IDLE);
        let free = usage.beyond_free(&of.prices.free_each_month).price(of.region)?.total();
        let extras = plan::extras();
        let paid = extras.beyond_free(&of.prices.free_each_month).price(of.region)?.total();
        self.line(&format!("  apart: with what an account gets for nothing each month {free:.3}"));
        self.line(&format!(
            "  apart: the alarms' {:.0} metrics and the dashboard, if they are switched on, {:.2}; {paid:.2} beyond what is free",
            plan::ALARM_METRICS,
            extras.price(of.region)?.total()
        ));
        Ok(())
    }

    fn months(&mut self, of: Source<'_>) -> Result<(), Error> {
        let (record, deployment) = (of.record, of.deployment);
        self.head(of, "A month of three shops that are a year old, through the HTTP API");
        let months = SHOPS.map(|shop| plan::month(record, deployment, &shop, Way::Gateway));
        let bills: Vec<Bill> = months.iter().map(|(usage, _)| usage.price(of.region)).collect::<Result<_, _>>()?;
        let visits = |visits: f64| {
            if visits < 1e6 { format!("{:.0} thousand", visits / 1e3) } else { format!("{:.0} million", visits / 1e6) }
        };
        let row = |name: &str, cells: [String; 3], unit: &str| {
            format!("  {name:<46} {:>15} {:>15} {:>15}  {unit}", cells[0], cells[1], cells[2])
        };
        self.line(&row("", SHOPS.map(|shop| format!("{} visits", visits(shop.visits))), ""));
        self.line(&row(
            "recommendation calls",
            SHOPS.map(|shop| amount(plan::recommendation_calls(record, &shop))),
            "",
        ));
        self.line(&row("lists in them", SHOPS.map(|shop| amount(plan::lists(record, &shop))), ""));
        self.line(&row("events", SHOPS.map(|shop| amount(plan::event_count(record, &shop))), ""));
        self.line(&row("pace", SHOPS.map(|shop| pace(shop.pace).to_owned()), ""));
        let place = |at: usize| if months[at].1 { "function" } else { "AWS Batch" }.to_owned();
        self.line(&row("trained in", [place(0), place(1), place(2)], ""));
        self.line("");
        let mut names: Vec<&str> = Vec::new();
        for line in bills.iter().flat_map(|bill| &bill.lines) {
            if !names.contains(&line.what.as_str()) {
                names.push(&line.what);
            }
        }
        for name in names {
            let cell = |at: usize| {
                let line = bills[at].lines.iter().find(|line| line.what == name);
                line.map_or_else(|| "-".to_owned(), |line| money(line.dollars))
            };
            self.line(&row(name, [cell(0), cell(1), cell(2)], "dollars"));
        }
        let totals = [bills[0].total(), bills[1].total(), bills[2].total()];
        self.line(&row("together", totals.map(money), "dollars"));
        let mut urls = [0.0; 3];
        let mut egress = [0.0; 3];
        for (at, shop) in SHOPS.iter().enumerate() {
            urls[at] = plan::month(record, deployment, shop, Way::Url).0.price(of.region)?.total();
            let out = [Kind::List, Kind::Page, Kind::Event, Kind::Batch].map(|kind| {
                let phase = record.phase(shop.pace, kind);
                record.calls_a_visit(shop.pace, kind) * shop.visits * phase.each(phase.answer_bytes as f64)
            });
            let mut usage = Usage::default();
            usage.add("egress", "egress", out.iter().sum::<f64>() / 1e9);
            egress[at] = usage.price(of.region)?.total();
        }
        self.line(&row("together, through function URLs", urls.map(money), "dollars"));
        self.line(&row("apart: egress", egress.map(money), "dollars"));
        let per_visit = |at: usize| money(totals[at] / SHOPS[at].visits * 1e3);
        self.line(&row("a thousand visits", [per_visit(0), per_visit(1), per_visit(2)], "dollars"));
        self.line("");
        self.line("  Others, for the same calls of recommendations alone (list prices, none of them verified here):");
        for other in &of.prices.others {
            let cost = SHOPS.map(|shop| {
                let calls = plan::recommendation_calls(record, &shop);
                money(other.price.dollars(calls).max(other.idle_month))
            });
            self.line(&row(&other.name, cost, if other.price.verified { "" } else { "unverified" }));
            self.line(&format!("      {}", other.note));
        }
        Ok(())
    }

    fn limits(&mut self, of: Source<'_>) {
        let shop = &SHOPS[2];
        self.title(&format!(
            "Limits that {:.0} million visits a month meet, at {PEAK} times the mean",
            shop.visits / 1e6
        ));
        let rates = limits::rates(of.record, of.deployment, shop);
        self.line(&format!(
            "  {} visits / {:.1} days x {PEAK}: {:.0} recommendations, {:.0} calls of collect, {:.0} events, {:.0} records a second",
            amount(shop.visits),
            plan::DAYS,
            rates.recommendations,
            rates.intake,
            rates.events,
            rates.records
        ));
        for limit in limits::of(of.record, of.deployment, shop) {
            self.line("");
            self.line(&format!("  {}{}", limit.name, if limit.passed { "" } else { "  ** NOT PASSED **" }));
            self.line(&format!("    meets   {}", limit.meets));
            self.line(&format!("    passes  {}", limit.passes));
        }
    }
}

const fn pace(pace: Pace) -> &'static str {
    match pace {
        Pace::Quiet => "quiet",
        Pace::Busy => "busy",
        Pace::Once => "once",
    }
}

const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::List => "a list",
        Kind::Page => "a page",
        Kind::ColdStart => "a start",
        Kind::Event => "an event",
        Kind::Batch => "a batch",
        Kind::Fold => "fold",
        Kind::Archive => "archive",
        Kind::Train => "a training",
        Kind::IdleTrain => "nothing to train",
        Kind::Compact => "a merging",
        Kind::IdleCompact => "nothing to merge",
        Kind::Sweep => "a sweep",
        Kind::IdleSweep => "nobody to look at",
        Kind::Import => "the import",
    }
}

/// A quantity with as many digits as tell something.
fn amount(value: f64) -> String {
    match value {
        0.0 => "-".to_owned(),
        v if v >= 10_000.0 => grouped(v),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 1.0 => format!("{v:.2}"),
        v => format!("{v:.5}"),
    }
}

fn money(value: f64) -> String {
    if value >= 1000.0 { grouped(value) } else { format!("{value:.2}") }
}

/// A whole number with commas between thousands.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_with_the_digits_that_matter() {
        assert_eq!([amount(1_234_567.0), amount(123.4), amount(1.234), amount(0.0)], ["1,234,567", "123", "1.23", "-"]);
        assert_eq!([money(1234.5), money(0.125)], ["1,234", "0.12"]);
        assert_eq!(grouped(999.0), "999");
    }

    #[test]
    fn a_bar_is_met_below_it_only() {
        let bar = |measured| Bar { what: String::new(), measured, bar: 1.0 };
        assert!(bar(0.999).is_met() && !bar(1.0).is_met());
    }
}
