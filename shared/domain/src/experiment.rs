//! Experiments: several ways to do something, each shown to a share of the visitors, to learn which is best.
//!
//! The variants are written down one by one (A/B/n), or follow from factors, each level of one with each level of the
//! others (full factorial). What a variant changes is anything that a decision depends on: a placement's strategy or
//! blend, a rule, the payload of a layout, content. Visitors are divided by the public hash of GrowthBook, version 2
//! ([`hash`]), so that another SDK computes the same variant from the same key. Whoever has seen a variant keeps it
//! ([`Memory`]): shares that move, an audience that is left or a log-in change nothing for them.

mod assign;
mod exposure;
mod faults;
pub mod hash;
mod metric;
mod outcome;
mod part;
mod shift;
mod treatment;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rule::Effect;
use crate::statistics::{Measured, MetricKind, Moments, Reading, Role, Study};
use crate::{Filter, Millis, Rule, Strategy};

pub use assign::{Assignment, Exclusion, HoldOut, Subject, assign};
pub use exposure::exposed_by;
pub(crate) use faults::are_factors;
pub use faults::{Overlap, overlaps};
pub use metric::{Direction, Guardrail, Metric, Metrics};
pub use outcome::{Outcome, Pricing};
pub use part::{CARRIED, Drawn, Memory, Part};
pub use shift::Measurement;
pub use treatment::Treatment;

/// Longest name or hypothesis.
pub const MAX_TEXT: usize = 500;
/// Most variants, and most cells of a factorial test.
pub const MAX_VARIANTS: usize = 32;
/// Most factors.
pub const MAX_FACTORS: usize = 5;
/// Most changes of a variant or level.
pub const MAX_CHANGES: usize = 20;
/// Most experiments of a shop, those that are over among them: all are read together.
pub const MAX_EXPERIMENTS: usize = 100;
/// Largest experiment, as JSON.
pub const MAX_BYTES: usize = 64 * 1024;
/// Largest payload, as JSON.
pub const MAX_PAYLOAD: usize = 16 * 1024;

/// An experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Lower-case letters, digits and hyphens. The key that other SDKs know it by.
    pub id: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What is expected to happen, and why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hypothesis: String,
    /// Where it stands.
    #[serde(default)]
    pub status: Status,
    /// What is hashed with the visitor; the id unless said otherwise. Another one divides visitors anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// What is compared.
    pub design: Design,
    /// Who takes part: visitors of whom this holds, `segments in ["deal-hunters"] and orders > 0`. Everybody if it is
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Filter>,
    /// The share of them that takes part, 0 to 1. A visitor who took part at a smaller share keeps the variant at a
    /// larger one.
    #[serde(default = "whole", skip_serializing_if = "is_whole")]
    pub traffic: f64,
    /// Its part of a group of experiments of which a visitor meets at most one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<Slice>,
    /// What it is judged by.
    pub metrics: Metrics,
    /// Shifts traffic to what is best; without it the shares stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandit: Option<Bandit>,
    /// Accepted probability of seeing an effect where there is none.
    #[serde(default = "usual_alpha")]
    pub alpha: f64,
    /// Visitors of two compared variants together after which a decision is intended, [`USUAL_PLAN`] unless said otherwise:
    /// results may be read at any time, and are tightest around that number, see [`Reading::planned`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<u64>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Millis>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Millis>,
}

const fn whole() -> f64 {
    1.0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_whole(share: &f64) -> bool {
    *share == 1.0
}

const fn usual_alpha() -> f64 {
    0.05
}

/// Where an experiment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is written.
    #[default]
    Draft,
    /// Visitors are divided.
    Running,
    /// It is over. What is to be tried again is another experiment: visitors remember the first one.
    Stopped,
}

impl Status {
    /// Whether an experiment that stands here may come to stand there.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        self == next || matches!((self, next), (Self::Draft, Self::Running) | (Self::Running, Self::Stopped))
    }
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Design {
    /// Variants, the control first.
    Variants {
        /// 2 or more.
        variants: Vec<Variant>,
    },
    /// Every level of a factor with every level of the others, all with the same share. The control has the first level
    /// of each.
    Factorial {
        /// 2 or more.
        factors: Vec<Factor>,
    },
}

/// One way to do it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Lower-case letters, digits and hyphens.
    pub id: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its share of those who take part. All variants say theirs, or none: then all have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// What is different from the shop without the experiment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// Something that is varied independently of other factors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factor {
    /// Lower-case letters, digits and hyphens.
    pub id: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// 2 or more, the present one first.
    pub levels: Vec<Level>,
}

/// One form of a factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Lower-case letters, digits and hyphens.
    pub id: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What is different from the shop without the experiment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// The number of visitors around which the results of an experiment are tightest that says none: they can be read at any time
/// all the same.
pub const USUAL_PLAN: u64 = 10_000;

/// A difference from the shop without the experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// Something else fills a placement.
    Strategy {
        /// Which placement.
        placement: String,
        /// What fills it.
        strategy: Strategy,
    },
    /// The parts of a placement's score count differently.
    Blend {
        /// Which placement.
        placement: String,
        /// What each named part's weight is multiplied by, 0 to 100, in the place of what the placement says of it; a part
        /// that is not named keeps its weight.
        factors: BTreeMap<String, f64>,
    },
    /// A rule acts, in the place of the one with the same id if there is one. A rule that is not `enabled` switches
    /// that one off.
    Rule {
        /// The rule.
        rule: Box<Rule>,
    },
    /// The storefront lays a placement out differently.
    Layout {
        /// Which placement.
        placement: String,
        /// What the storefront gets, as it is.
        payload: Value,
    },
    /// Other content is shown: a banner, a text.
    Content {
        /// Where, in the storefront's own words.
        slot: String,
        /// What the storefront gets, as it is.
        payload: Value,
    },
}

impl Change {
    /// What is changed: two changes of the same thing cannot both be made.
    #[must_use]
    pub fn target(&self) -> (&'static str, &str) {
        match self {
            Self::Strategy { placement, .. } => ("strategy", placement),
            Self::Blend { placement, .. } => ("blend", placement),
            Self::Rule { rule } => ("rule", &rule.id),
            Self::Layout { placement, .. } => ("layout", placement),
            Self::Content { slot, .. } => ("content", slot),
        }
    }
}

/// An experiment's part of an exclusive group: visitors whose place in the group, 0 to 1, lies in it (a GrowthBook
/// namespace).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// The group: lower-case letters, digits and hyphens.
    pub group: String,
    /// From here on.
    pub from: f64,
    /// To before here.
    pub to: f64,
}

/// How traffic is shifted, for newcomers: whoever has seen a variant keeps it. See
/// [`allocate`](crate::statistics::bandit::allocate).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bandit {
    /// The share that every variant keeps.
    pub floor: f64,
    /// Days after which an observation counts half; 0 never forgets.
    #[serde(default)]
    pub half_life_days: f64,
}

/// A variant as visitors meet it: one that was written down, or a combination of levels.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell<'a> {
    /// The variant's id; the ids of the levels joined by dots.
    pub id: String,
    /// Its share of those who take part.
    pub weight: f64,
    /// Everything that is different.
    pub changes: Vec<&'a Change>,
}

impl Experiment {
    /// What is hashed with the visitor.
    #[must_use]
    pub fn seed(&self) -> &str {
        self.seed.as_deref().unwrap_or(&self.id)
    }

    /// Whether a variant shows other content.
    pub(crate) fn shows_content(&self) -> bool {
        self.design.changes().any(|change| match change {
            Change::Content { .. } => true,
            Change::Rule { rule } => matches!(rule.effect, Effect::Content { .. }),
            _ => false,
        })
    }

    /// The variants as visitors meet them, the control first. For a factorial test the last factor runs fastest.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell<'_>> {
        match &self.design {
            Design::Variants { variants } => {
                let weights = hash::weights(variants.len(), self.design.weights().as_deref());
                let cells = variants.iter().zip(weights).map(|(variant, weight)| Cell {
                    id: variant.id.clone(),
                    weight,
                    changes: variant.changes.iter().collect(),
                });
                cells.collect()
            }
            Design::Factorial { factors } => {
                let mut cells = vec![Cell { id: String::new(), weight: 1.0, changes: Vec::new() }];
                for factor in factors {
                    cells = cells.iter().flat_map(|cell| factor.levels.iter().map(|level| cell.with(level))).collect();
                    cells.truncate(MAX_VARIANTS);
                }
                let weights = hash::weights(cells.len(), None);
                cells.iter_mut().zip(weights).for_each(|(cell, weight)| cell.weight = weight);
                cells
            }
        }
    }

    /// How many levels each factor has; empty for a test that is not factorial.
    #[must_use]
    pub fn levels(&self) -> Vec<usize> {
        match &self.design {
            Design::Variants { .. } => Vec::new(),
            Design::Factorial { factors } => factors.iter().map(|factor| factor.levels.len()).collect(),
        }
    }
}

impl Experiment {
    /// Whether any variant can change what a placement shows, given the shop's rules: a rule that a variant sets acts where it
    /// says, and no longer where the one says that it replaces. Content is handed out with every list.
    #[must_use]
    pub fn concerns(&self, placement: &str, rules: &[Rule]) -> bool {
        let acts =
            |rule: &Rule| rule.when.placements.is_empty() || rule.when.placements.iter().any(|of| of == placement);
        let changes = |change: &Change| match change {
            Change::Strategy { placement: of, .. }
            | Change::Blend { placement: of, .. }
            | Change::Layout { placement: of, .. } => of == placement,
            Change::Rule { rule } => acts(rule) || rules.iter().any(|of_shop| of_shop.id == rule.id && acts(of_shop)),
            Change::Content { .. } => true,
        };
        self.design.changes().any(changes)
    }

    /// What [`report`](crate::statistics::report) compares: visitors exposed to each variant and, for each metric that
    /// was measured, the sums of each variant, all in the order of [`cells`](Self::cells). With `covariate` the
    /// companions of proportions and means are numbers from before the first exposure. A metric that is not the
    /// experiment's is left out.
    #[must_use]
    pub fn study(&self, exposed: Vec<u64>, sums: &BTreeMap<Metric, Vec<Moments>>, covariate: bool) -> Study {
        let metrics = &self.metrics;
        let roles = std::iter::once((metrics.primary, Role::Primary))
            .chain(metrics.secondary.iter().map(|metric| (*metric, Role::Secondary)))
            .chain(metrics.guardrails.iter().map(|guard| (guard.metric, Role::Guardrail { margin: guard.margin })));
        let measured = roles.filter_map(|(metric, role)| {
            Some(Measured {
                metric: metric.as_str().to_owned(),
                kind: metric.kind(),
                better: metric.better(),
                role,
                covariate: covariate && metric.kind() != MetricKind::Ratio,
                counts: metric.counts(),
                variants: sums.get(&metric)?.clone(),
            })
        });
        let (variants, shares) = self.cells().into_iter().map(|cell| (cell.id, cell.weight)).unzip();
        let reading = Reading::any_time(self.alpha, self.planned.unwrap_or(USUAL_PLAN));
        Study { variants, shares, exposed, levels: self.levels(), reading, metrics: measured.collect() }
    }
}

impl Design {
    /// Everything that any variant changes.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        let (variants, factors): (&[Variant], &[Factor]) = match self {
            Self::Variants { variants } => (variants, &[]),
            Self::Factorial { factors } => (&[], factors),
        };
        let of_levels = factors.iter().flat_map(|factor| &factor.levels).flat_map(|level| &level.changes);
        variants.iter().flat_map(|variant| &variant.changes).chain(of_levels)
    }

    /// The shares as they are written, if all variants say theirs.
    fn weights(&self) -> Option<Vec<f64>> {
        match self {
            Self::Variants { variants } => variants.iter().map(|variant| variant.weight).collect(),
            Self::Factorial { .. } => None,
        }
    }

    /// The same with other shares, in the order of the variants: what a bandit decides. A factorial test keeps its
    /// equal ones.
    #[must_use]
    pub fn with_weights(mut self, weights: &[f64]) -> Self {
        if let Self::Variants { variants } = &mut self
            && variants.len() == weights.len()
        {
            variants.iter_mut().zip(weights).for_each(|(variant, weight)| variant.weight = Some(*weight));
        }
        self
    }
}

impl<'a> Cell<'a> {
    fn with(&self, level: &'a Level) -> Self {
        let id = if self.id.is_empty() { level.id.clone() } else { format!("{}.{}", self.id, level.id) };
        let changes = self.changes.iter().copied().chain(&level.changes).collect();
        Self { id, weight: self.weight, changes }
    }
}

#[cfg(test)]
mod growthbook;
#[cfg(test)]
mod tests;
