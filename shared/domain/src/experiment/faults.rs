//! What is wrong with an experiment, and which others it gets into.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::{Change, Design, Experiment, MAX_CHANGES, MAX_FACTORS, MAX_PAYLOAD, MAX_TEXT, MAX_VARIANTS, Status};
use crate::fault::{Fault, is_id, told};
use crate::rule::{MAX_ID, MAX_NAME};

/// Whether these can be what the weights of parts are multiplied by.
pub(crate) fn are_factors(factors: &BTreeMap<String, f64>) -> bool {
    let named = |name: &String| (1..=MAX_NAME).contains(&name.len());
    factors.len() <= MAX_CHANGES && factors.iter().all(|(name, factor)| named(name) && (0.0..=100.0).contains(factor))
}

struct Faults(Vec<Fault>);

impl Faults {
    fn must(&mut self, holds: bool, at: impl Into<String>, how: impl Into<String>) {
        if !holds {
            self.0.push(Fault::new(at, how));
        }
    }

    fn id(&mut self, id: &str, at: impl Into<String>) {
        if !is_id(id) {
            self.0.push(Fault::of_id(at));
        }
    }

    fn text(&mut self, text: &str, at: impl Into<String>) {
        self.must(text.len() <= MAX_TEXT, at, format!("at most {MAX_TEXT} bytes"));
    }

    /// Ids of one list: each in order, none twice.
    fn ids<'a>(&mut self, ids: impl Iterator<Item = &'a str>, at: &str) {
        let mut seen = BTreeSet::new();
        for (place, id) in ids.enumerate() {
            let at = format!("{at}/{place}/id");
            self.must(seen.insert(id), &at, "another id: this one is used twice");
            self.id(id, at);
        }
    }

    fn changes(&mut self, changes: &[Change], at: &str) {
        self.must(changes.len() <= MAX_CHANGES, at, format!("at most {MAX_CHANGES} changes"));
        let mut seen = BTreeSet::new();
        for (place, change) in changes.iter().enumerate() {
            let at = format!("{at}/{place}");
            let (kind, target) = change.target();
            self.must(
                seen.insert((kind, target)),
                &at,
                format!("one change of the {kind} of `{}`, not two", told(target)),
            );
            let named = |name: &str| (1..=MAX_NAME).contains(&name.len());
            match change {
                Change::Strategy { placement, .. } => self.must(named(placement), format!("{at}/placement"), NAME),
                Change::Blend { placement, factors } => {
                    self.must(named(placement), format!("{at}/placement"), NAME);
                    self.must(
                        !factors.is_empty() && are_factors(factors),
                        format!("{at}/factors"),
                        "the names of 1 to 20 parts with a factor of 0 to 100 each",
                    );
                }
                Change::Rule { rule } => {
                    for Fault { at: below, how } in rule.faults() {
                        let below = below.trim_start_matches('/');
                        self.0.push(Fault::new(format!("{at}/rule/{below}"), how));
                    }
                }
                Change::Layout { placement, payload } => {
                    self.must(named(placement), format!("{at}/placement"), NAME);
                    self.payload(payload, &at);
                }
                Change::Content { slot, payload } => {
                    self.must(named(slot), format!("{at}/slot"), NAME);
                    self.payload(payload, &at);
                }
            }
        }
    }

    fn payload(&mut self, payload: &Value, at: &str) {
        let small = !payload.is_null() && payload.to_string().len() <= MAX_PAYLOAD;
        self.must(small, format!("{at}/payload"), format!("any JSON but null, at most {MAX_PAYLOAD} bytes"));
    }

    fn design(&mut self, design: &Design) {
        match design {
            Design::Variants { variants } => {
                let count = (2..=MAX_VARIANTS).contains(&variants.len());
                self.must(count, "/design/variants", format!("2 to {MAX_VARIANTS} variants, the control first"));
                self.ids(variants.iter().map(|variant| variant.id.as_str()), "/design/variants");
                for (place, variant) in variants.iter().enumerate() {
                    let at = format!("/design/variants/{place}");
                    self.text(&variant.name, format!("{at}/name"));
                    self.changes(&variant.changes, &format!("{at}/changes"));
                    let fits = variant.weight.is_none_or(|weight| (0.0..=1.0).contains(&weight));
                    self.must(fits, format!("{at}/weight"), "0 to 1");
                }
                let said = variants.iter().filter_map(|variant| variant.weight);
                let (count, sum) = said.fold((0, 0.0), |(count, sum), weight| (count + 1, sum + weight));
                let whole = count == 0 || count == variants.len() && (sum - 1.0_f64).abs() <= 0.001;
                self.must(whole, "/design/variants", "a `weight` for every variant or for none; together they are 1");
                let differ = variants.iter().skip(1).all(|variant| !variant.changes.is_empty());
                self.must(differ, "/design/variants", "at least one change for every variant but the control");
            }
            Design::Factorial { factors } => {
                let count = (2..=MAX_FACTORS).contains(&factors.len());
                self.must(count, "/design/factors", format!("2 to {MAX_FACTORS} factors"));
                let cells = factors.iter().map(|factor| factor.levels.len());
                let cells = cells.fold(1_usize, |cells, levels| cells.saturating_mul(levels));
                let how = format!("levels with at most {MAX_VARIANTS} combinations; these have {cells}");
                self.must(cells <= MAX_VARIANTS, "/design/factors", how);
                self.ids(factors.iter().map(|factor| factor.id.as_str()), "/design/factors");
                for (place, factor) in factors.iter().enumerate() {
                    let at = format!("/design/factors/{place}");
                    self.text(&factor.name, format!("{at}/name"));
                    self.must(factor.levels.len() >= 2, format!("{at}/levels"), "2 or more, the present one first");
                    self.ids(factor.levels.iter().map(|level| level.id.as_str()), &format!("{at}/levels"));
                    for (place, level) in factor.levels.iter().enumerate() {
                        self.text(&level.name, format!("{at}/levels/{place}/name"));
                        self.changes(&level.changes, &format!("{at}/levels/{place}/changes"));
                    }
                    let mine = design.targets_of(place);
                    let clash = (0..place)
                        .find_map(|other| design.targets_of(other).into_iter().find(|target| mine.contains(target)));
                    let how = clash.map(|(kind, target)| {
                        format!("changes of other things: another factor changes the {kind} of `{}`", told(target))
                    });
                    self.must(clash.is_none(), format!("{at}/levels"), how.unwrap_or_default());
                }
            }
        }
    }
}

const NAME: &str = "a name of 1 to 200 bytes";

impl Design {
    /// What the levels of a factor change.
    fn targets_of(&self, factor: usize) -> BTreeSet<(&'static str, &str)> {
        let Self::Factorial { factors } = self else { return BTreeSet::new() };
        let levels = factors.get(factor).map_or(&[][..], |factor| &factor.levels);
        levels.iter().flat_map(|level| &level.changes).map(Change::target).collect()
    }

    /// What any variant changes.
    fn targets(&self) -> BTreeSet<(&'static str, &str)> {
        self.changes().map(Change::target).collect()
    }

    /// The same without shares.
    fn bare(&self) -> Self {
        let mut design = self.clone();
        if let Self::Variants { variants } = &mut design {
            variants.iter_mut().for_each(|variant| variant.weight = None);
        }
        design
    }
}

impl Experiment {
    /// What is wrong with it: where, and how to mend it. Empty for an experiment in order.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Faults(Vec::new());
        faults.id(&self.id, "/id");
        faults.text(&self.name, "/name");
        faults.text(&self.hypothesis, "/hypothesis");
        let seeded = self.seed.as_ref().is_none_or(|seed| (1..=MAX_ID).contains(&seed.len()));
        faults.must(seeded, "/seed", format!("1 to {MAX_ID} bytes"));
        faults.design(&self.design);
        if let Some(audience) = &self.audience {
            crate::segment::check(audience, "/audience", &mut faults.0);
        }
        faults.must(self.traffic > 0.0 && self.traffic <= 1.0, "/traffic", "above 0, at most 1");
        if let Some(slice) = &self.exclusive {
            faults.id(&slice.group, "/exclusive/group");
            let inside = slice.from >= 0.0 && slice.from < slice.to && slice.to <= 1.0;
            faults.must(inside, "/exclusive", "`from` at least 0 and below `to`, `to` at most 1");
        }
        let named: Vec<_> =
            std::iter::once(self.metrics.primary).chain(self.metrics.secondary.iter().copied()).collect();
        let distinct = named.iter().collect::<BTreeSet<_>>().len() == named.len();
        let few = named.len() - 1 <= super::metric::MAX_METRICS;
        faults.must(distinct && few, "/metrics/secondary", "at most 10, none twice and none that is the primary one");
        let guards = &self.metrics.guardrails;
        let guarded = guards.iter().map(|guard| guard.metric).collect::<BTreeSet<_>>().len() == guards.len();
        faults.must(guarded, "/metrics/guardrails", "each metric once");
        for (place, guard) in guards.iter().enumerate() {
            let fits = guard.margin > 0.0 && guard.margin <= 1.0;
            faults.must(fits, format!("/metrics/guardrails/{place}/margin"), "above 0, at most 1");
        }
        self.check_bandit(&mut faults);
        faults.must(self.alpha > 0.0 && self.alpha <= 0.5, "/alpha", "above 0, at most .5");
        faults.must(self.planned.is_none_or(|planned| planned >= 100), "/planned", "at least 100 visitors");
        let in_order = self.started.zip(self.stopped).is_none_or(|(started, stopped)| started <= stopped);
        faults.must(in_order, "/stopped", "not before `started`");
        faults.0
    }

    fn check_bandit(&self, faults: &mut Faults) {
        let Some(bandit) = self.bandit else { return };
        let Design::Variants { variants } = &self.design else {
            faults.must(false, "/bandit", "absent: the cells of a factorial test keep equal shares");
            return;
        };
        #[allow(clippy::cast_precision_loss, reason = "few variants")]
        let most = 1.0 / variants.len().max(1) as f64;
        let fits = bandit.floor > 0.0 && bandit.floor <= most;
        faults.must(fits, "/bandit/floor", format!("above 0, at most {most:.4}: 1 divided by the number of variants"));
        let days = (0.0..=3650.0).contains(&bandit.half_life_days);
        faults.must(days, "/bandit/half_life_days", "0 to 3650");
        let kind = self.metrics.primary.kind();
        let summed = kind != crate::statistics::MetricKind::Ratio;
        faults.must(summed, "/metrics/primary", "a proportion or a mean for a bandit, such as `conversion`");
    }

    /// What speaks against removing it: visitors are being divided.
    #[must_use]
    pub fn faults_of_removal(&self) -> Vec<Fault> {
        let mut faults = Faults(Vec::new());
        faults.must(self.status != Status::Running, "/status", "`stopped` before it is removed");
        faults.0
    }

    /// What may not be changed like this, given what is stored: an experiment that runs keeps what decides who meets
    /// what and how it is judged, or its result would mix two experiments. The shares of a bandit may move; traffic may
    /// grow.
    #[must_use]
    pub fn faults_of_change(&self, stored: &Self) -> Vec<Fault> {
        let mut faults = Faults(Vec::new());
        let may = stored.status.may_become(self.status);
        let how = "`draft` to `running`, `running` to `stopped`; start a new experiment to try again";
        faults.must(may, "/status", how);
        if stored.status == Status::Draft {
            return faults.0;
        }
        let kept = "as it is: the experiment has begun; start a new one to change it";
        let same_design = if stored.bandit.is_some() {
            self.design.bare() == stored.design.bare()
        } else {
            self.design == stored.design
        };
        for (same, at) in [
            (self.id == stored.id, "/id"),
            (self.seed() == stored.seed(), "/seed"),
            (same_design, "/design"),
            (self.audience == stored.audience, "/audience"),
            (self.exclusive == stored.exclusive, "/exclusive"),
            (self.metrics == stored.metrics, "/metrics"),
            (self.bandit == stored.bandit, "/bandit"),
            (self.alpha == stored.alpha, "/alpha"),
            (self.planned == stored.planned, "/planned"),
        ] {
            faults.must(same, at, kept);
        }
        faults.must(self.traffic >= stored.traffic, "/traffic", "at least what it is: who takes part stays in");
        faults.0
    }
}

/// Two experiments that can meet in one visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// The other experiment.
    pub with: String,
    /// A sentence: what will happen.
    pub text: String,
}

/// The experiments that take the same slice of an exclusive group, or change the same thing for the same visitors.
#[must_use]
pub fn overlaps(experiment: &Experiment, others: &[Experiment]) -> Vec<Overlap> {
    let mine = experiment.design.targets();
    let alive = |other: &&Experiment| other.id != experiment.id && other.status != Status::Stopped;
    let mut found = Vec::new();
    for other in others.iter().filter(alive) {
        let pair = experiment.exclusive.as_ref().zip(other.exclusive.as_ref()).filter(|(a, b)| a.group == b.group);
        let mut add = |text: String| found.push(Overlap { with: other.id.clone(), text });
        match pair {
            Some((a, b)) if a.from < b.to && b.from < a.to => {
                let (from, to) = (a.from.max(b.from), a.to.min(b.to));
                add(format!("both take {from} to {to} of the group `{}`: these visitors meet both", a.group));
            }
            Some(_) => {}
            None => {
                if let Some((kind, target)) = other.design.targets().intersection(&mine).next() {
                    add(format!("both change the {kind} of `{target}`; put them into one exclusive group"));
                }
            }
        }
    }
    found
}
