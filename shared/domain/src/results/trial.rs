//! What came of an experiment: of each variant, what those did who saw it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Results;
use crate::experiment::{Metric, Outcome, Pricing, exposed_by};
use crate::statistics::{MetricKind, Moments, Study};
use crate::time::DAY;
use crate::{Event, Experiment, Millis};

/// Days before somebody saw a variant whose actions foretell what they do afterwards (CUPED).
const BEFORE: i64 = 28 * DAY;

/// How a decision was made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(default)]
pub struct Made {
    /// Experiments, each with the place of the variant among its cells.
    #[serde(rename = "ex")]
    pub arms: Vec<(String, usize)>,
    /// The rules that acted on the list.
    #[serde(rename = "ru")]
    pub rules: Vec<String>,
}

/// How the decision of an id was made, if that is known.
pub type Logged<'a> = dyn Fn(&str) -> Option<&'a Made> + 'a;

/// Sums of an experiment, cell by cell. Those of some people and of others make those of all.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Trial {
    /// People who saw each variant; whoever saw two counts for the first.
    pub exposed: Vec<u64>,
    /// Of each metric, what they did from then on; and as covariate, what they had done in the four weeks before.
    pub metrics: BTreeMap<Metric, Vec<Moments>>,
    /// The first metric by the day on which people saw their variant first.
    pub days: BTreeMap<String, Vec<Moments>>,
}

fn merge(into: &mut Vec<Moments>, other: &[Moments]) {
    into.resize(into.len().max(other.len()), Moments::default());
    into.iter_mut().zip(other).for_each(|(sum, more)| *sum = sum.merged(more));
}

impl Trial {
    /// With those of other people.
    pub fn add(&mut self, other: &Self) {
        self.exposed.resize(self.exposed.len().max(other.exposed.len()), 0);
        self.exposed.iter_mut().zip(&other.exposed).for_each(|(sum, more)| *sum += more);
        for (metric, moments) in &other.metrics {
            merge(self.metrics.entry(*metric).or_default(), moments);
        }
        for (day, moments) in &other.days {
            merge(self.days.entry(day.clone()).or_default(), moments);
        }
    }

    /// What is to be [reported](crate::statistics::report) of its experiment.
    #[must_use]
    pub fn study(&self, experiment: &Experiment) -> Study {
        let cells = experiment.cells().len();
        let whole = |moments: &Vec<Moments>| {
            let mut moments = moments.clone();
            moments.resize(cells, Moments::default());
            moments
        };
        let mut exposed = self.exposed.clone();
        exposed.resize(cells, 0);
        experiment.study(exposed, &self.metrics.iter().map(|(metric, sums)| (*metric, whole(sums))).collect(), true)
    }

    /// One person, who saw a variant at a time.
    fn of(experiment: &Experiment, cell: usize, at: Millis, before: &Outcome, after: &Outcome) -> Self {
        let alone = |y: f64, x: f64| {
            let mut moments = vec![Moments::default(); cell + 1];
            moments[cell] = Moments::of(y, x);
            moments
        };
        let numbers = |metric: Metric| match metric.kind() {
            MetricKind::Ratio => after.numbers(metric),
            MetricKind::Proportion | MetricKind::Mean => (after.numbers(metric).0, before.numbers(metric).0),
        };
        let mut exposed = vec![0; cell + 1];
        exposed[cell] = 1;
        let of = |metric: Metric| {
            let (y, x) = numbers(metric);
            alone(y, x)
        };
        let of_experiment = &experiment.metrics;
        let besides = of_experiment.secondary.iter().copied().chain(of_experiment.guardrails.iter().map(|g| g.metric));
        let metrics =
            std::iter::once(of_experiment.primary).chain(besides).map(|metric| (metric, of(metric))).collect();
        Self { exposed, metrics, days: BTreeMap::from([(at.day(), of(experiment.metrics.primary))]) }
    }
}

impl Results {
    /// Takes in what a person did in experiments, given everything they did, in fold order.
    pub fn take_in_trials(
        &mut self,
        events: &[Event],
        experiments: &[Experiment],
        logged: &Logged<'_>,
        pricing: Pricing<'_>,
    ) {
        for experiment in experiments {
            let saw = |event: &Event| {
                let made = logged(exposed_by(event)?)?;
                made.arms.iter().find(|(id, _)| *id == experiment.id).map(|(_, cell)| *cell)
            };
            let first = events.iter().enumerate().find_map(|(at, event)| Some((at, saw(event)?)));
            let Some((first, cell)) = first.filter(|(_, cell)| *cell < experiment.cells().len()) else { continue };
            let at = events[first].at();
            let sum = |among: &[Event], from: Millis, to: Millis| {
                let mut outcome = Outcome::default();
                let within = among.iter().filter(|event| !event.robot && event.at() >= from && event.at() <= to);
                within.for_each(|event| outcome.add(event, pricing));
                outcome
            };
            let before = sum(&events[..first], at.plus(-BEFORE), at);
            let after = sum(&events[first..], at, experiment.stopped.unwrap_or(Millis(i64::MAX)));
            let trial = Trial::of(experiment, cell, at, &before, &after);
            self.trials.entry(experiment.id.clone()).or_default().add(&trial);
        }
    }
}
