//! Held-out cases to choose parameters by: full ranking by one part alone.

use std::collections::BTreeSet;

use super::figures::{AT, ndcg, ranks};
use super::{Case, Past};
use crate::algorithm::Scratch;
use crate::blend::Question;
use crate::dataset::Dataset;
use crate::history::Interaction;
use crate::linear::dots;
use crate::parallel;
use crate::tally::Tally;

/// Cases a thread works on at a time.
const CHUNK: usize = 32;

/// Most cases for which all products are scored.
const FULL_RANKINGS: usize = 1_500;

/// Most cases for which a tally is made.
const TALLIES: usize = 3_000;

/// Held-out actions of some people, with what serving would know of each.
#[derive(Debug)]
pub struct Exam<'a> {
    cases: Vec<(&'a Case, Past)>,
    products: usize,
    threads: usize,
}

impl<'a> Exam<'a> {
    /// The exam of some cases of a data set.
    #[must_use]
    pub fn new(data: &Dataset<'_>, cases: &'a [Case], threads: usize) -> Self {
        let cases = cases.iter().map(|case| (case, Past::of(data, case))).collect();
        Self { cases, products: data.products().len(), threads }
    }

    /// How many cases there are.
    #[must_use]
    pub fn len(&self, question: Question) -> usize {
        self.cases.iter().filter(|(case, _)| case.question == question).count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// A difference in quality that chance alone would make: a tenth of the standard error of a mean of hits.
    #[must_use]
    pub fn noise(&self) -> f64 {
        0.02 / (self.cases.len().max(1) as f64).sqrt()
    }

    /// Mean NDCG@20 over the cases of a question, of what `rank` says of one.
    fn mean<S>(
        &self,
        question: Question,
        most: usize,
        scratch: impl Fn() -> S + Sync,
        rank: impl Fn(&mut S, &Case, &Past) -> f64 + Sync,
    ) -> f64 {
        let cases = self.cases.iter().filter(|(case, _)| case.question == question);
        let stride = self.len(question).div_ceil(most).max(1);
        let cases: Vec<&(&Case, Past)> = cases.step_by(stride).collect();
        let sums = parallel::chunks(cases.len(), CHUNK, self.threads, &mut |_| (), scratch, |scratch, range| {
            cases[range].iter().map(|(case, past)| rank(scratch, case, past)).sum::<f64>()
        });
        sums.iter().sum::<f64>() / cases.len().max(1) as f64
    }

    /// Mean NDCG@20 when products stand in the order of a tally's sums; what has no sum is not recommended.
    pub fn by_tally(&self, question: Question, tally: impl Fn(&[Interaction], &mut Scratch, &mut Tally) + Sync) -> f64 {
        let room = || (Scratch::default(), Tally::new(self.products));
        self.mean(question, TALLIES, room, |(scratch, sums), case, past| {
            scratch.visitor = Some(past.visitor);
            tally(&past.history, scratch, sums);
            let hidden: &[u32] = if question == Question::New { &past.met } else { &[] };
            let named = case.truth.iter().map(|row| sums.sum(*row)).filter(|own| *own > 0.0);
            let rank = |own: f32| {
                let not_worse = sums.rows().iter().filter(|row| sums.sum(**row) >= own).count();
                not_worse - hidden.iter().filter(|row| sums.sum(**row) >= own).count()
            };
            let quality = ndcg(named.map(rank), case.truth.len(), AT);
            sums.clear();
            quality
        })
    }

    /// Mean NDCG@20 when products stand in the order of the dot products of their vectors with a query.
    pub fn by_vectors(
        &self,
        question: Question,
        dims: usize,
        rows: &[f32],
        query: impl Fn(&[Interaction], &mut Scratch, &mut [f32]) + Sync,
    ) -> f64 {
        if rows.iter().all(|x| *x == 0.0) {
            return 0.0;
        }
        let room = || (Scratch::default(), vec![0.0; dims], vec![0.0; self.products]);
        self.mean(question, FULL_RANKINGS, room, |(scratch, asked, scores), case, past| {
            scratch.visitor = Some(past.visitor);
            query(&past.history, scratch, asked);
            dots(asked, rows, scores);
            let hidden: &[u32] = if question == Question::New { &past.met } else { &[] };
            ndcg(ranks(scores, hidden, &case.truth).into_iter(), case.truth.len(), AT)
        })
    }

    /// The products that are the answers, each once.
    #[must_use]
    pub fn answers(&self) -> BTreeSet<u32> {
        self.cases.iter().flat_map(|(case, _)| case.truth.iter().copied()).collect()
    }
}
