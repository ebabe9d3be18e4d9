//! What came of an experiment: of each variant, what those did who saw it.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Results;
use crate::consent::{Granted, Measure};
use crate::experiment::{Metric, Outcome, Part, Pricing, exposed_by};
use crate::orders::Numbers;
use crate::statistics::{MetricKind, Moments, Study, Weighted};
use crate::time::DAY;
use crate::{Experiment, Millis};

/// Days before somebody saw a variant whose actions foretell what they do afterwards (CUPED).
const BEFORE: i64 = 28 * DAY;

/// How a decision was made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(default)]
pub struct Made {
    /// The parts that its visitor took in experiments.
    #[serde(rename = "ex")]
    pub arms: Vec<Part>,
    /// The rules that acted on the list.
    #[serde(rename = "ru")]
    pub rules: Vec<String>,
    /// Those that handed content, which are among `rules` too, each with the place that it filled; none where an experiment's
    /// content stood there.
    #[serde(rename = "ct")]
    pub content: BTreeMap<String, Option<String>>,
}

impl Made {
    /// The rules that acted on the list; what becomes of its products says nothing of content beside it.
    pub(super) fn of_lists(&self) -> impl Iterator<Item = &String> {
        self.rules.iter().filter(|rule| !self.content.contains_key(*rule))
    }
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
    /// Of a bandit, the metrics with everybody weighted by how probable their variant was. Whose draw was not noted is not
    /// among them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub weighted: BTreeMap<Metric, Vec<Weighted>>,
}

fn merge<T: Copy + Default>(into: &mut Vec<T>, other: &[T], merged: fn(&T, &T) -> T) {
    into.resize(into.len().max(other.len()), T::default());
    into.iter_mut().zip(other).for_each(|(sum, more)| *sum = merged(sum, more));
}

impl Trial {
    /// With those of other people.
    pub fn add(&mut self, other: &Self) {
        self.exposed.resize(self.exposed.len().max(other.exposed.len()), 0);
        self.exposed.iter_mut().zip(&other.exposed).for_each(|(sum, more)| *sum += more);
        for (metric, moments) in &other.metrics {
            merge(self.metrics.entry(*metric).or_default(), moments, Moments::merged);
        }
        for (day, moments) in &other.days {
            merge(self.days.entry(day.clone()).or_default(), moments, Moments::merged);
        }
        for (metric, weighted) in &other.weighted {
            merge(self.weighted.entry(*metric).or_default(), weighted, Weighted::merged);
        }
    }

    /// What is to be [reported](crate::statistics::report) of its experiment: of a bandit the weighted sums, as soon as there
    /// are some.
    #[must_use]
    pub fn study(&self, experiment: &Experiment) -> Study {
        let cells = experiment.cells().len();
        let whole = |mut moments: Vec<Moments>| {
            moments.resize(cells, Moments::default());
            moments
        };
        let mut exposed = self.exposed.clone();
        exposed.resize(cells, 0);
        let sums = if self.weighted.is_empty() {
            self.metrics.iter().map(|(metric, sums)| (*metric, whole(sums.clone()))).collect()
        } else {
            let plain = |sums: &[Weighted]| whole(sums.iter().map(Weighted::moments).collect());
            self.weighted.iter().map(|(metric, sums)| (*metric, plain(sums))).collect()
        };
        experiment.study(exposed, &sums, true)
    }

    /// One person, who saw a variant at a time.
    fn of(experiment: &Experiment, part: &Part, at: Millis, before: &Outcome, after: &Outcome) -> Self {
        fn alone<T: Copy + Default>(cell: usize, one: T) -> Vec<T> {
            let mut all = vec![T::default(); cell + 1];
            all[cell] = one;
            all
        }
        let (cell, of_experiment) = (part.cell, &experiment.metrics);
        let numbers = |metric: Metric| match metric.kind() {
            MetricKind::Ratio => after.numbers(metric),
            MetricKind::Proportion | MetricKind::Mean => (after.numbers(metric).0, before.numbers(metric).0),
        };
        let of = |metric: Metric| {
            let (y, x) = numbers(metric);
            alone(cell, Moments::of(y, x))
        };
        let besides = of_experiment.secondary.iter().copied().chain(of_experiment.guardrails.iter().map(|g| g.metric));
        let all = || std::iter::once(of_experiment.primary).chain(besides.clone());
        let probability = part.probability().filter(|_| experiment.bandit.is_some());
        let weighted = probability.map(|probability| {
            let of = |metric: Metric| {
                let (y, x) = numbers(metric);
                alone(cell, Weighted::of(y, x, probability))
            };
            all().map(|metric| (metric, of(metric))).collect()
        });
        Self {
            exposed: alone(cell, 1),
            metrics: all().map(|metric| (metric, of(metric))).collect(),
            days: BTreeMap::from([(at.day(), of(of_experiment.primary))]),
            weighted: weighted.unwrap_or_default(),
        }
    }
}

impl Results {
    /// Takes in what a person did in experiments, given everything they did that may be measured, in fold order. They count in
    /// one from the first event on that may be used to experiment and proves that they saw a variant since it began: what an
    /// experiment of the same id showed that stood before is not of this one.
    pub fn take_in_trials(
        &mut self,
        events: &[Granted<'_, Measure>],
        experiments: &[Experiment],
        logged: &Logged<'_>,
        pricing: Pricing<'_>,
    ) {
        // An order from before a variant was seen is none afterwards, though it is told of again then: so this is asked of all
        // events together.
        let mut numbers = Numbers::default();
        let counts: Vec<bool> = events.iter().map(|event| !event.robot && numbers.is_news(event.event())).collect();
        for experiment in experiments {
            let saw = |event: &Granted<'_, Measure>| {
                // Who saw content saw nothing yet of the list that came with it.
                if event.action.is_promotion() && !experiment.shows_content() {
                    return None;
                }
                let since = experiment.started.is_none_or(|started| event.at() >= started);
                let made = logged(exposed_by(event.granted()?).filter(|_| since)?)?;
                made.arms.iter().find(|part| part.experiment == experiment.id)
            };
            let first = events.iter().enumerate().find_map(|(at, event)| Some((at, saw(event)?)));
            let Some((first, part)) = first.filter(|(_, part)| part.cell < experiment.cells().len()) else { continue };
            let at = events[first].at();
            let sum = |among: Range<usize>, from: Millis, to: Millis| {
                let among = among.filter(|place| counts[*place]).map(|place| events[place].event());
                Outcome::of(among.filter(|event| event.at() >= from && event.at() <= to), pricing)
            };
            let before = sum(0..first, at.plus(-BEFORE), at);
            let after = sum(first..events.len(), at, experiment.stopped.unwrap_or(Millis(i64::MAX)));
            let trial = Trial::of(experiment, part, at, &before, &after);
            self.trials.entry(experiment.id.clone()).or_default().add(&trial);
        }
    }
}
