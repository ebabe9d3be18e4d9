//! Asking a trained artifact every question, on all cores, and what its answers come to.
//!
//! Beside accuracy (see [`crate::metrics`]) a model has, over its lists of the first [`LIST`]:
//!
//! * **coverage**: the share of candidates that anybody is shown;
//! * **novelty** (mean self-information; Zhou et al. 2010): the mean over everything shown of `-log2 p`, where
//!   `p = (n + 1) / (N + products)` is a product's share of the actions trained on, one more imagined for each product;
//! * **popularity** (Abdollahpouri et al. 2019): the mean number of actions trained on of what is shown, averaged over a
//!   list and then over lists; its **bias** is the ratio to the same mean over the histories that the lists answer, or over
//!   the truths. Above one, a model shows people more popular products than they look for themselves.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vitrine_learn::{Artifact, parallel};

use crate::bootstrap::{Bootstrap, means};
use crate::data::{Case, Split};
use crate::metrics::{KINDS, figures, ranks, shown};
use crate::models::Scorer;
use vitrine_learn::validate::Judge;

/// Cases that a thread works on at a time.
const CHUNK: usize = 16;
/// Length of the lists that coverage, novelty and popularity speak of.
pub const LIST: usize = 10;

/// The answers of some models to all cases.
#[derive(Debug)]
pub struct Answers {
    /// Names of the models.
    models: Vec<String>,
    cuts: Vec<usize>,
    /// Figures: case by case, model by model, then as [`figures`] writes them.
    values: Vec<f32>,
    /// What was shown: case by case, model by model.
    lists: Vec<Vec<u32>>,
}

/// Lets models answer. `models` are names with their places in [`crate::models::names`]; `report` hears how many cases
/// are done.
#[must_use]
pub fn ask(
    split: &Split,
    artifact: &Artifact,
    models: &[(usize, String)],
    threads: usize,
    report: &mut dyn FnMut(usize),
) -> Answers {
    let width = split.cuts.len() * KINDS.len();
    let judge = Judge::new(artifact);
    let pieces = parallel::chunks(
        split.cases.len(),
        CHUNK,
        threads,
        report,
        || Scorer::new(&judge),
        |scorer, range| {
            let mut values = vec![0.0; range.len() * models.len() * width];
            let mut lists = Vec::with_capacity(range.len() * models.len());
            let mut rows = values.chunks_exact_mut(width);
            for case in &split.cases[range] {
                scorer.fill(case);
                for (place, _) in models {
                    let (ranks, list) = answer(scorer.model(*place), case, split.candidates.as_deref());
                    if let Some(row) = rows.next() {
                        figures(&ranks, &split.cuts, row);
                    }
                    lists.push(list);
                }
            }
            (values, lists)
        },
    );
    let mut answers = Answers {
        models: models.iter().map(|(_, name)| name.clone()).collect(),
        cuts: split.cuts.clone(),
        values: Vec::new(),
        lists: Vec::new(),
    };
    for (values, lists) in pieces {
        answers.values.extend(values);
        answers.lists.extend(lists);
    }
    answers
}

/// The ranks of the truth and the rows shown.
fn answer(scores: &[f32], case: &Case, candidates: Option<&[u32]>) -> (Vec<u32>, Vec<u32>) {
    let Some(candidates) = candidates else {
        return (ranks(scores, &case.excluded, &case.truth), shown(scores, &case.excluded, LIST));
    };
    // Among a few: their scores alone, their rows as places among them.
    let scores: Vec<f32> =
        candidates.iter().map(|row| scores.get(*row as usize).copied().unwrap_or(f32::NEG_INFINITY)).collect();
    let places = |rows: &[u32]| -> Vec<u32> {
        // A row that is no candidate stands behind them all.
        rows.iter().map(|row| candidates.binary_search(row).map_or(u32::MAX, |place| place as u32)).collect()
    };
    let mut excluded = places(&case.excluded);
    excluded.retain(|place| *place != u32::MAX);
    let list = shown(&scores, &excluded, LIST).into_iter().map(|place| candidates[place as usize]).collect();
    (ranks(&scores, &excluded, &places(&case.truth)), list)
}

/// Figures of a model by name, such as `hr@10`.
pub type Figures = BTreeMap<String, Value>;

impl Answers {
    /// The figures of every model over the cases that pass.
    #[must_use]
    pub fn figures(
        &self,
        split: &Split,
        bootstrap: &Bootstrap,
        passes: impl Fn(&Case) -> bool,
    ) -> Vec<(String, Figures)> {
        let chosen: Vec<usize> = (0..split.cases.len()).filter(|at| passes(&split.cases[*at])).collect();
        let width = self.cuts.len() * KINDS.len();
        let columns = width * self.models.len();
        let values: Vec<f32> =
            chosen.iter().flat_map(|at| &self.values[at * columns..(at + 1) * columns]).copied().collect();
        let clusters: Vec<u32> = chosen.iter().map(|at| split.cases[*at].cluster).collect();
        let means = means(&values, columns);
        let intervals = bootstrap.intervals(&values, columns, &clusters);
        let popularity = split.training.popularity();
        let names: Vec<String> = self.cuts.iter().flat_map(|k| KINDS.map(|kind| format!("{kind}@{k}"))).collect();
        let figures = |(place, model): (usize, &String)| {
            let mut figures = Figures::new();
            for (column, name) in (place * width..).zip(&names) {
                let (low, high) = intervals[column];
                figures.insert(name.clone(), json!(means[column]));
                figures.insert(format!("{name}_ci"), json!([low, high]));
            }
            let lists = || chosen.iter().map(|at| (&split.cases[*at], &self.lists[at * self.models.len() + place]));
            beyond_accuracy(split, &popularity, lists, &mut figures);
            (model.clone(), figures)
        };
        self.models.iter().enumerate().map(figures).collect()
    }
}

/// Coverage, novelty and popularity of the lists of a model.
fn beyond_accuracy<'l, I: Iterator<Item = (&'l Case, &'l Vec<u32>)>>(
    split: &Split,
    popularity: &[u32],
    lists: impl Fn() -> I,
    figures: &mut Figures,
) {
    let actions: f64 = popularity.iter().copied().map(f64::from).sum();
    let products = popularity.len();
    let count = |row: &u32| popularity.get(*row as usize).copied().map_or(0.0, f64::from);
    let mut ever = vec![false; products];
    let (mut information, mut showings) = (0.0, 0_usize);
    for row in lists().flat_map(|(_, list)| list) {
        information -= ((count(row) + 1.0) / (actions + products as f64)).log2();
        showings += 1;
        if let Some(ever) = ever.get_mut(*row as usize) {
            *ever = true;
        }
    }
    let candidates = split.candidates.as_ref().map_or(products, Vec::len).max(1) as f64;
    let covered = ever.iter().filter(|ever| **ever).count() as f64;
    // Only where there is a list can it be compared with anything.
    let (mut shown, mut history, mut truth) = (Mean::default(), Mean::default(), Mean::default());
    for (case, list) in lists().filter(|(_, list)| !list.is_empty()) {
        shown.add(list.iter().map(count));
        history.add(case.history.iter().map(|act| count(&act.row)));
        truth.add(case.truth.iter().map(count));
    }
    let ratio = |other: f64| if other > 0.0 { json!(shown.mean() / other) } else { Value::Null };
    let values = [
        ("coverage", json!(covered / candidates)),
        ("novelty", if showings > 0 { json!(information / showings as f64) } else { Value::Null }),
        ("popularity", if showings > 0 { json!(shown.mean()) } else { Value::Null }),
        ("popularity_to_history", ratio(history.mean())),
        ("popularity_to_truth", ratio(truth.mean())),
    ];
    figures.extend(values.map(|(name, value)| (format!("{name}@{LIST}"), value)));
}

/// A mean of means.
#[derive(Default)]
struct Mean {
    sum: f64,
    lists: usize,
}

impl Mean {
    fn add(&mut self, values: impl ExactSizeIterator<Item = f64>) {
        let len = values.len();
        if len > 0 {
            self.sum += values.sum::<f64>() / len as f64;
            self.lists += 1;
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.lists.max(1) as f64
    }
}
