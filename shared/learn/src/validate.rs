//! How good the parts are, on actions that training has not seen.
//!
//! **Held out** is the newest part of the log. A time is chosen, and models are trained on the shop as if the log had ended
//! just before it. Each person who did something after it gives a case for each [`Question`]: the last event in which
//! they met a product new to them, and the last event at all (that does not just take the same product one step further,
//! such as the order of what was put in the basket a moment before). The models know everything that the person did before
//! that event, as serving would, and have to name its products. The time is the newest that gives enough cases, but at most
//! 15 % of the log is held out; in a shop where that is too little for a judgement, the last events of some people are held
//! out instead, whenever they were.
//!
//! **Ranking** is over the whole catalogue; for [`Question::New`] without the products the person had already met. **Ties**
//! count against the truth: a product that scores no better than a hundred others stands behind all of them. HR@20 is the
//! share of cases with at least one truth among the first 20; NDCG@20 has the ideal over all truths (a basket has several).
//!
//! Half of the people choose parameters and weights (coordinate ascent over a grid), the other half judge the blend and
//! every part alone ([`judge`]): a figure in the model card is never one that something was fitted to.

use std::collections::{BTreeMap, BTreeSet};

use vitrine_domain::profile::ACTIONS;
use vitrine_domain::{Action, Millis};

use crate::artifact::Artifact;
use crate::blend::Question;
use crate::dataset::{Dataset, days};
use crate::history::Interaction;
use crate::parallel;
use crate::settings;

mod exam;
mod figures;
mod scores;
mod search;

pub use exam::Exam;
pub use figures::Figures;
pub use scores::{Judge, Scores};
pub(crate) use search::choose;

use figures::ranks;

/// Cases a thread works on at a time.
const CHUNK: usize = 16;
/// Most of the log that is held out, as one in so many actions.
const MOST_HELD_OUT: usize = 7;

/// What a person did next.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Which person of the data set.
    pub person: usize,
    /// How many of the person's first steps serving would know.
    pub kept: usize,
    /// When the held-out event happened.
    pub at: Millis,
    /// What is asked.
    pub question: Question,
    /// The answer: products of the event, ascending. For [`Question::New`] those that the person met in it for the first
    /// time.
    pub truth: Vec<u32>,
}

/// What is held out: how many steps of each person training may see, and the cases.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HoldOut {
    /// Steps that are left, by person.
    pub keep: Vec<(usize, usize)>,
    /// The cases, in the order of the data set.
    pub cases: Vec<Case>,
}

/// Holds out the newest actions of a shop: at most so many cases of each question, and at least `least` of the first, or
/// nothing at all.
#[must_use]
pub fn hold_out(data: &Dataset<'_>, most: usize, least: usize) -> HoldOut {
    let all: Vec<Case> = (0..data.people()).flat_map(|person| cases_of(data, person)).collect();
    let by_time = split_time(data, &all, most).map(|at| before(data, &all, at, most));
    let enough = |held: &HoldOut| held.cases.iter().filter(|case| case.question == Question::New).count() >= least;
    match by_time.filter(enough) {
        Some(held) => held,
        None => Some(leave_last(data, all, most)).filter(enough).unwrap_or_default(),
    }
}

/// The newest time that leaves enough cases after it, without more of the log than may be held out; one moment is always
/// taken whole.
fn split_time(data: &Dataset<'_>, cases: &[Case], most: usize) -> Option<Millis> {
    let mut times: Vec<Millis> = cases.iter().filter(|case| case.question == Question::New).map(|c| c.at).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    let wanted = *times.get(times.len().min(most).checked_sub(1)?)?;
    let mut steps: Vec<Millis> = data.histories().flatten().map(|step| step.at).collect();
    let allowed = steps.len() / MOST_HELD_OUT;
    let (_, bound, _) = steps.select_nth_unstable_by(allowed, |a, b| b.cmp(a));
    // Steps at the bound itself would be too many: the next newer case is the first that may be held out.
    let newer = times.iter().rev().find(|at| **at > *bound);
    Some(wanted.max(newer.copied().unwrap_or(times[0])))
}

fn before(data: &Dataset<'_>, all: &[Case], at: Millis, most: usize) -> HoldOut {
    let kept = |person| data.history(person).partition_point(|step| step.at < at);
    let keep = (0..data.people()).map(|person| (person, kept(person))).collect();
    let mut cases = Vec::new();
    for question in Question::ALL {
        cases.extend(drawn(data, all.iter().filter(|case| case.question == question && case.at >= at), most));
    }
    cases.sort_by_key(|case| (case.person, case.question));
    HoldOut { keep, cases }
}

/// Holds out the last events of some people.
fn leave_last(data: &Dataset<'_>, all: Vec<Case>, most: usize) -> HoldOut {
    let mut cases = Vec::new();
    for question in Question::ALL {
        cases.extend(drawn(data, all.iter().filter(|case| case.question == question), most));
    }
    cases.sort_by_key(|case| (case.person, case.question));
    let mut keep: BTreeMap<usize, usize> = BTreeMap::new();
    for case in &cases {
        let kept = keep.entry(case.person).or_insert(case.kept);
        *kept = (*kept).min(case.kept);
    }
    HoldOut { keep: keep.into_iter().collect(), cases }
}

/// So many of the cases, drawn by person, evenly.
fn drawn<'c>(data: &Dataset<'_>, cases: impl Iterator<Item = &'c Case>, most: usize) -> Vec<Case> {
    let mut cases: Vec<&Case> = cases.collect();
    if cases.len() > most {
        cases.select_nth_unstable_by_key(most, |case| (data.key(case.person), case.person));
        cases.truncate(most);
    }
    cases.into_iter().cloned().collect()
}

/// The cases of a person, at most one for each question.
fn cases_of(data: &Dataset<'_>, person: usize) -> impl Iterator<Item = Case> {
    let history = data.history(person);
    let mut met = BTreeSet::new();
    let (mut start, mut liked) = (0, false);
    let mut last: [Option<Case>; 2] = [None, None];
    let mut previous: (Option<Action>, BTreeSet<u32>) = (None, BTreeSet::new());
    for event in history.chunk_by(|a, b| a.event == b.event) {
        let rows: BTreeSet<u32> = event.iter().filter(|step| step.weight > 0.0).map(|step| step.row).collect();
        let new: Vec<u32> = rows.difference(&met).copied().collect();
        let case = |question, truth| Case { person, kept: start, at: event[0].at, question, truth };
        if liked && !new.is_empty() {
            last[0] = Some(case(Question::New, new));
        }
        // The order of what was just put in the basket, which was just looked at, is no step on; the same again is one.
        let action = Some(event[0].action);
        let further = previous.0 != action && rows.is_subset(&previous.1);
        if liked && !rows.is_empty() && !further {
            last[1] = Some(case(Question::Any, rows.iter().copied().collect()));
        }
        met.extend(event.iter().map(|step| step.row));
        liked |= !rows.is_empty();
        previous = (action, rows);
        start += event.len();
    }
    last.into_iter().flatten()
}

/// What serving would know of a case's person: the newest past actions, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The past actions.
    pub history: Vec<Interaction>,
    /// Every product the person has met, also longer ago; ascending.
    pub met: Vec<u32>,
    /// Who it is, see [`Scratch::visitor_key`](crate::Scratch::visitor_key).
    pub visitor: u64,
}

impl Past {
    /// The past of a case. Ages count back from the person's newest action, as in serving.
    #[must_use]
    pub fn of(data: &Dataset<'_>, case: &Case) -> Self {
        let steps = data.history(case.person).get(..case.kept).unwrap_or(&[]);
        let newest = &steps[steps.len().saturating_sub(ACTIONS)..];
        let met: BTreeSet<u32> = steps.iter().map(|step| step.row).collect();
        let now = newest.last().map_or(case.at, |step| step.at);
        let history =
            newest.iter().map(|s| Interaction { row: s.row, action: s.action, age_days: days(now, s.at) }).collect();
        Self { history, met: met.into_iter().collect(), visitor: data.key(case.person) }
    }

    /// The products that are no answer to a question.
    #[must_use]
    pub fn hidden(&self, question: Question) -> &[u32] {
        match question {
            Question::New => &self.met,
            Question::Any => &[],
        }
    }
}

/// The two halves: who chooses, and who judges.
pub(crate) fn halves(data: &Dataset<'_>, cases: Vec<Case>) -> (Vec<Case>, Vec<Case>) {
    cases.into_iter().partition(|case| data.key(case.person).is_multiple_of(2))
}

/// Figures of every part alone and of the `blend`, by full ranking, over the cases of a question.
#[must_use]
pub fn judge(
    data: &Dataset<'_>,
    artifact: &Artifact,
    cases: &[Case],
    question: Question,
    threads: usize,
    report: &mut dyn FnMut(usize),
) -> BTreeMap<String, Figures> {
    let judge = Judge::new(artifact);
    let cases: Vec<&Case> = cases.iter().filter(|case| case.question == question).collect();
    let parts = artifact.parts();
    let pieces = parallel::chunks(
        cases.len(),
        CHUNK,
        threads,
        report,
        || judge.scores(),
        |scores, range| {
            let mut sums = vec![Figures::default(); parts.len() + 1];
            for case in &cases[range] {
                let past = Past::of(data, case);
                scores.fill(&past.history, past.visitor);
                let hidden = past.hidden(question);
                for (part, sum) in sums.iter_mut().enumerate() {
                    let of_part = if part == parts.len() { scores.blended(question) } else { scores.part(part) };
                    sum.add(&ranks(of_part, hidden, &case.truth));
                }
            }
            sums
        },
    );
    let names = parts.iter().map(|part| part.name.as_str()).chain(["blend"]);
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
    /// How many cases to draw from a shop of so many products.
    pub(crate) fn cases_of(&self, products: usize) -> usize {
        self.people.min(self.scores.checked_div(products).unwrap_or(0))
    }
}

#[cfg(test)]
pub(crate) mod tests;
