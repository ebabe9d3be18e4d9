//! The gate: a model is published only if it is not worse than the live one on the newest days.
//!
//! **Who judges.** People who met a new product after the newest event that the live model has seen: of each, the last
//! event with a new product is held out, so neither model has seen it. The candidate is not the model that would be
//! published, which has seen everything, but its rehearsal, trained in the same way without the held-out actions. Its
//! parameters and weights were chosen by one half of the people ([`vitrine_learn::validate`]); only the other half judges.
//!
//! **What is compared.** NDCG@20 of each held-out event over the catalogue of now, ties against the truth. A product that
//! the live model does not know gains nothing under it: that is what the visitors have from it.
//!
//! **When it is refused.** If the whole 95 % confidence interval of the mean of the paired differences lies below zero
//! (Student's t): worse by more than noise. Each person is their own control, so what makes people easy or hard to please
//! cancels out. Of models that are equally good, one in forty is refused; the next training tries again.
//!
//! With fewer people than the setting asks for nothing can be told, and the model is published; its card says so.

use serde::{Deserialize, Serialize};
use vitrine_domain::{Millis, Shop};
use vitrine_learn::validate::{Case, Judge, Past, Scores};
use vitrine_learn::{Artifact, Dataset, Interaction, Lineup, Question};
use vitrine_runtime::Context;
use vitrine_store::models::Live;

use crate::Error;
use crate::card;

/// The length of the list that is judged.
const AT: usize = 20;

/// Two models on the same held-out events.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// How many events, each of another person.
    pub cases: usize,
    /// Mean NDCG@20 of the new model's rehearsal.
    pub candidate: f64,
    /// Mean NDCG@20 of the live model.
    pub live: f64,
    /// Bounds of the 95 % confidence interval of the mean difference, candidate minus live.
    pub interval: [f64; 2],
}

impl Judgement {
    /// Whether the candidate is worse by more than noise.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.interval[1] < 0.0
    }
}

/// Compares what two models gained on the same events, pair by pair. Gains are from zero to one. Of fewer than two pairs
/// nothing can be told: the interval is everything there is.
#[must_use]
pub fn decide(candidate: &[f64], live: &[f64]) -> Judgement {
    let n = candidate.len().min(live.len());
    let count = n.max(1) as f64;
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / count;
    let difference = || candidate.iter().zip(live).map(|(a, b)| a - b);
    let middle = mean(&mut difference());
    let interval = if n < 2 {
        [-1.0, 1.0]
    } else {
        let variance = difference().map(|d| (d - middle).powi(2)).sum::<f64>() / (count - 1.0);
        let half = t_975(count - 1.0) * (variance / count).sqrt();
        [middle - half, middle + half]
    };
    let (candidate, live) = (mean(&mut candidate.iter().take(n).copied()), mean(&mut live.iter().take(n).copied()));
    Judgement { cases: n, candidate, live, interval }
}

/// The 97.5 % quantile of Student's t, by the expansion of Cornish and Fisher around the normal one (Abramowitz and
/// Stegun, 26.7.5); within a thousandth from 9 degrees of freedom on.
fn t_975(freedom: f64) -> f64 {
    let z = 1.959_964_f64;
    let (z3, z5, z7) = (z.powi(3), z.powi(5), z.powi(7));
    z + (z3 + z) / (4.0 * freedom)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * freedom.powi(2))
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * freedom.powi(3))
}

/// What the gate had to say of a published model; part of its card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Gate {
    /// It was compared and is not worse.
    Passed(Judgement),
    /// It was not compared.
    NotJudged {
        /// Why.
        reason: String,
    },
}

impl Gate {
    pub(crate) fn not_judged(reason: impl Into<String>) -> Self {
        Self::NotJudged { reason: reason.into() }
    }
}

/// The live model, to compare with.
#[derive(Debug)]
pub(crate) struct Opponent {
    pub(crate) artifact: Artifact,
    /// It has seen events up to here.
    seen: Millis,
    /// With fewer cases nothing is compared.
    least: usize,
}

impl Opponent {
    /// Opens the live model; why nothing can be compared, if it cannot.
    pub(crate) async fn open(
        context: &Context,
        shop: &Shop,
        live: Option<&Live>,
        lineup: &Lineup,
        least: usize,
    ) -> Result<Result<Self, Gate>, Error> {
        let Some(live) = live else { return Ok(Err(Gate::not_judged("there was no live model"))) };
        let artifact = match context.objects.file(&live.artifact) {
            Some(file) => Artifact::open(file, lineup),
            None => {
                let bytes = context.objects.get(&live.artifact).await?;
                Artifact::from_bytes(bytes.map_or_else(Vec::new, |bytes| bytes.to_vec()), lineup)
            }
        };
        let Ok(artifact) = artifact.and_then(|artifact| artifact.verify().map(|()| artifact)) else {
            return Ok(Err(Gate::not_judged("the live model cannot be opened")));
        };
        let Some(newest) = card::newest(context, shop, &live.version).await? else {
            return Ok(Err(Gate::not_judged("the live model has no card that says what it has seen")));
        };
        // One clock that is ahead must not hide a day from the gate.
        Ok(Ok(Self { artifact, seen: newest.min(live.delta_from), least }))
    }

    /// The held-out events that the live model has not seen. None if there are too few.
    pub(crate) fn cases(&self, mut cases: Vec<Case>) -> Result<Vec<Case>, Gate> {
        cases.retain(|case| case.at > self.seen && case.question == Question::New);
        if cases.len() < self.least {
            let (found, least) = (cases.len(), self.least);
            return Err(Gate::not_judged(format!(
                "{found} people to judge by since the live model, {least} are needed"
            )));
        }
        Ok(cases)
    }
}

/// What a model gains on each case: NDCG@20. The model may speak of another catalogue than the data.
pub(crate) fn gains(data: &Dataset<'_>, artifact: &Artifact, cases: &[Case], threads: usize) -> Vec<f64> {
    let rows: Vec<Option<u32>> = data.products().iter().map(|product| artifact.position(product.id.as_str())).collect();
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        some => some,
    };
    let scorer = Judge::new(artifact);
    let judge = |cases: &[Case]| -> Vec<f64> {
        let mut scores = scorer.scores();
        cases.iter().map(|case| gain(data, &rows, &mut scores, case)).collect()
    };
    std::thread::scope(|scope| {
        let share = cases.len().div_ceil(threads).max(1);
        let workers: Vec<_> = cases.chunks(share).map(|cases| scope.spawn(move || judge(cases))).collect();
        let joined = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|e| std::panic::resume_unwind(e)));
        joined.flatten().collect()
    })
}

fn gain(data: &Dataset<'_>, rows: &[Option<u32>], scores: &mut Scores<'_>, case: &Case) -> f64 {
    let of = |row: u32| rows.get(row as usize).copied().flatten();
    let past = Past::of(data, case);
    let known = past.history.iter().filter_map(|past| Some(Interaction { row: of(past.row)?, ..*past }));
    scores.fill(&known.collect::<Vec<_>>(), past.visitor);
    let blended = scores.blended(case.question);
    let score = |row: u32| of(row).and_then(|row| blended.get(row as usize)).copied();
    let ranks = case.truth.iter().filter_map(|truth| {
        let own = score(*truth)?;
        let not_worse = rows.iter().flatten().filter(|row| blended.get(**row as usize).is_some_and(|s| *s >= own));
        let met = past.met.iter().filter(|row| score(**row).is_some_and(|s| s >= own));
        Some(not_worse.count() - met.count())
    });
    let worth = |rank: usize| if rank > AT { 0.0 } else { 1.0 / (rank as f64 + 1.0).log2() };
    let ideal: f64 = (1..=case.truth.len().min(AT)).map(worth).sum();
    ranks.map(worth).sum::<f64>() / ideal.max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests;
