//! How good the parts are, on actions that training has not seen.
//!
//! **Held out** is, of each person drawn, the last event in which they met a product new to them, and everything after it.
//! The models are trained on the shop as if those people's histories had ended just before ([`Dataset::cut`]); then each
//! person is given recommendations from what is left of their history, at the time of the held-out event, and the new
//! products of that event are the truth.
//!
//! **Ranking** is over the whole catalogue without the products the person had already met. **Ties** count against the
//! truth: a product that scores no better than a hundred others stands behind all of them. HR@20 is the share of people
//! with at least one truth among the first 20; NDCG@20 has the ideal over all truths (a basket has several).
//!
//! Half of the people choose the weights of the blend (coordinate ascent over a fixed grid), the other half judge it and
//! every part alone ([`judge`]): a figure in the model card is never one that something was fitted to.

use std::collections::{BTreeMap, BTreeSet};

use vitrine_domain::profile::ACTIONS;
use vitrine_domain::{Action, Millis};

use crate::artifact::Artifact;
use crate::blend::{Blend, Interaction};
use crate::covisitation::Pair;
use crate::dataset::{Dataset, days};
use crate::parallel;
use crate::settings;

mod figures;
mod parts;
mod search;

pub use figures::Figures;
pub use parts::{PARTS, Scores};
pub(crate) use search::choose;

use figures::ranks;

/// People a thread works on at a time.
const CHUNK: usize = 16;

/// A person's held-out new products.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Which person of the data set.
    pub person: usize,
    /// How many of the person's first steps training may see.
    pub kept: usize,
    /// When the held-out event happened.
    pub at: Millis,
    /// The products that the person met in it for the first time, ascending.
    pub truth: Vec<u32>,
}

/// Draws people and finds what to hold out of their histories, in the order of the data set. People with nothing to hold
/// out, or nothing left then, are not drawn.
#[must_use]
pub fn hold_out(data: &Dataset<'_>, people: usize) -> Vec<Case> {
    let mut cases: Vec<Case> = (0..data.people()).filter_map(|person| last_new(data, person)).collect();
    if cases.len() > people {
        cases.select_nth_unstable_by_key(people, |case| (data.key(case.person), case.person));
        cases.truncate(people);
        cases.sort_unstable_by_key(|case| case.person);
    }
    cases
}

fn last_new(data: &Dataset<'_>, person: usize) -> Option<Case> {
    let history = data.history(person);
    let mut met = BTreeSet::new();
    let (mut start, mut liked, mut last) = (0, false, None);
    for event in history.chunk_by(|a, b| a.event == b.event) {
        let truth: BTreeSet<u32> =
            event.iter().filter(|step| step.weight > 0.0 && !met.contains(&step.row)).map(|step| step.row).collect();
        if liked && !truth.is_empty() {
            last = Some((start, event[0].at, truth));
        }
        met.extend(event.iter().map(|step| step.row));
        liked |= event.iter().any(|step| step.weight > 0.0);
        start += event.len();
    }
    last.map(|(kept, at, truth)| Case { person, kept, at, truth: truth.into_iter().collect() })
}

/// What serving would know of a case's person: the newest past actions, oldest first, with what was done.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The past actions as [`Artifact::visitor_vector`] takes them.
    pub history: Vec<Interaction>,
    /// What was done, action by action.
    pub actions: Vec<Action>,
    /// Every product the person has met, also longer ago; ascending.
    pub met: Vec<u32>,
}

impl Past {
    /// The past of a case.
    #[must_use]
    pub fn of(data: &Dataset<'_>, case: &Case) -> Self {
        let steps = data.history(case.person).get(..case.kept).unwrap_or(&[]);
        let newest = &steps[steps.len().saturating_sub(ACTIONS)..];
        let met: BTreeSet<u32> = steps.iter().map(|step| step.row).collect();
        Self {
            history: newest
                .iter()
                .map(|s| Interaction { row: s.row, weight: s.weight, age_days: days(case.at, s.at) })
                .collect(),
            actions: newest.iter().map(|step| step.action).collect(),
            met: met.into_iter().collect(),
        }
    }

    /// The rows and voices of the actions that are evidence for a pair.
    pub fn evidence<'p>(&'p self, pair: Pair, blend: &Blend) -> impl Iterator<Item = (u32, f32)> + 'p {
        let actions = &self.actions;
        blend
            .voices(&self.history)
            .filter(move |(at, _)| pair.starts_at(actions[*at]))
            .map(|(at, voice)| (self.history[at].row, voice))
    }
}

/// The two halves: who chooses, and who judges.
pub(crate) fn halves(data: &Dataset<'_>, cases: Vec<Case>) -> (Vec<Case>, Vec<Case>) {
    cases.into_iter().partition(|case| data.key(case.person).is_multiple_of(2))
}

/// Figures of every part alone, and of the blend as `blend`, by full ranking.
#[must_use]
pub fn judge(
    data: &Dataset<'_>,
    artifact: &Artifact,
    blend: &Blend,
    cases: &[Case],
    threads: usize,
    report: &mut dyn FnMut(usize),
) -> BTreeMap<String, Figures> {
    let pieces = parallel::chunks(
        cases.len(),
        CHUNK,
        threads,
        report,
        || Scores::new(artifact.len()),
        |scores, range| {
            let mut sums = vec![Figures::default(); PARTS.len() + 1];
            for case in &cases[range] {
                let past = Past::of(data, case);
                scores.fill(artifact, blend, &past);
                for (sum, part) in sums.iter_mut().zip(0..PARTS.len()) {
                    sum.add(&ranks(scores.part(part), &past.met, &case.truth));
                }
                sums[PARTS.len()].add(&ranks(&scores.blended(blend), &past.met, &case.truth));
            }
            sums
        },
    );
    let names = PARTS.into_iter().chain(["blend"]);
    names
        .enumerate()
        .map(|(at, name)| {
            let mut total = Figures::default();
            pieces.iter().for_each(|sums| total.merge(sums[at]));
            (name.to_owned(), total.mean())
        })
        .collect()
}

impl settings::Validation {
    /// How many people to draw from a shop of so many products.
    pub(crate) fn people_of(&self, products: usize) -> usize {
        self.people.min(self.scores.checked_div(products).unwrap_or(0))
    }

    /// Whether there are enough people to choose weights by.
    pub(crate) const fn suffices(&self, cases: usize) -> bool {
        cases >= self.least_people
    }
}

#[cfg(test)]
mod tests;
