//! What candidates are found by: a query, a list that is given, or one number a product.

use vitrine_index::{Bitmap, Hit, dot_f16};

use crate::query::Query;
use crate::reason::Source;
use crate::{Shelf, Workspace};

/// A product that may be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) row: u32,
    pub(crate) score: f32,
    /// Found by what everybody wants, because the ranking itself says nothing of it.
    pub(crate) filler: bool,
}

/// A way to order products.
#[derive(Debug)]
pub(crate) enum Ranking<'a> {
    /// By the model: the vector's dot product and the tallies.
    Query(Query, Source<'a>),
    /// Rows and their scores, best first.
    Listed(Vec<(u32, f32)>),
    /// By one number a row; rows without one have zero.
    Numbers(&'a [f32]),
}

/// What was found, best first: score descending, then row ascending.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    pub(crate) found: Vec<Candidate>,
    /// How many vectors were compared.
    pub(crate) touched: usize,
}

impl Ranking<'_> {
    /// Makes ready what all searches of one decision share.
    pub(crate) fn prepare(&self, shelf: &Shelf, work: &mut Workspace) {
        if let (Self::Query(query, _), Some(artifact)) = (self, shelf.artifact()) {
            query.terms(artifact, work);
        }
    }

    /// The best of the allowed rows. What the model says nothing of comes last, the most wanted first.
    pub(crate) fn best(&self, shelf: &Shelf, allowed: &Bitmap, most: usize, work: &mut Workspace) -> Candidates {
        match self {
            Self::Query(query, _) => {
                let mut candidates = by_query(shelf, query, allowed, most, work);
                if query.vector.is_empty() {
                    fill(shelf, allowed, most, &mut candidates.found);
                }
                candidates
            }
            Self::Listed(rows) => {
                let rows = rows.iter().filter(|(row, _)| allowed.contains(*row)).take(most);
                let found = rows.map(|(row, score)| Candidate { row: *row, score: *score, filler: false }).collect();
                Candidates { found, touched: 0 }
            }
            Self::Numbers(numbers) => Candidates { found: by_number(numbers, allowed, most), touched: 0 },
        }
    }

    /// The score of one row.
    pub(crate) fn score(&self, shelf: &Shelf, row: u32, work: &Workspace) -> f32 {
        match self {
            Self::Query(query, _) => dot_f16(&query.vector, shelf.vector(row)) + work.terms.sum(row),
            Self::Listed(rows) => rows.iter().find(|(known, _)| *known == row).map_or(0.0, |(_, score)| *score),
            Self::Numbers(numbers) => numbers.get(row as usize).copied().unwrap_or_default(),
        }
    }
}

/// The best by the whole score. Terms of tallies are never negative, so a row without any can only be among the best of all
/// if it is among the best by its vector alone: the nearest neighbours and the rows with a term hold every one of them.
fn by_query(shelf: &Shelf, query: &Query, allowed: &Bitmap, most: usize, work: &mut Workspace) -> Candidates {
    let mut found: Vec<Candidate> = Vec::new();
    work.found.hits.clear();
    work.found.touched = 0;
    if !query.vector.is_empty() {
        shelf.nearest(&query.vector, allowed, most, query.near.as_deref(), work);
    }
    work.marked.grow(shelf.len());
    for Hit { row, score } in &work.found.hits {
        work.marked.insert(*row);
        found.push(Candidate { row: *row, score: score + work.terms.sum(*row), filler: false });
    }
    work.rows.clear();
    let rest = work.terms.rows().iter().filter(|row| allowed.contains(**row) && !work.marked.contains(**row));
    work.rows.extend(rest);
    work.found.hits.iter().for_each(|hit| work.marked.remove(hit.row));
    keep_best(&mut found, most);
    let least = found.last().filter(|_| found.len() >= most).map(|candidate| candidate.score);
    let touched = work.found.touched + work.rows.len();
    if !query.vector.is_empty() {
        score_rest(shelf, query, least, work);
    }
    for (at, row) in work.rows.iter().enumerate() {
        let score = work.scores.get(at).filter(|_| !query.vector.is_empty()).copied().unwrap_or_default();
        let score = score + work.terms.sum(*row);
        if !score.is_nan() {
            found.push(Candidate { row: *row, score, filler: false });
        }
    }
    keep_best(&mut found, most);
    Candidates { found, touched }
}

/// Scores `work.rows` by their vectors, into `work.scores`. Rows that cannot reach `least`, going by their coarse scores and
/// how far these may be off, are taken out before.
fn score_rest(shelf: &Shelf, query: &Query, least: Option<f32>, work: &mut Workspace) {
    work.scores.clear();
    let Some(stored) = shelf.index() else { return };
    let coarse = stored.prepare(&query.vector, &mut work.prepared).unwrap_or(false);
    if let Some(least) = least.filter(|_| coarse) {
        stored.approximate(&work.prepared, &work.rows, &mut work.index, &mut work.scores);
        let error = work.prepared.max_error();
        let mut at = 0;
        work.rows.retain(|row| {
            let score = work.scores.get(at).copied().unwrap_or(f32::NAN);
            at += 1;
            // Anything but a certain no stays: what is no number too.
            let most = score + error + work.terms.sum(*row);
            most >= least || most.is_nan()
        });
    }
    if stored.scores_of(&query.vector, &work.rows, &mut work.scores).is_err() {
        work.scores.clear();
    }
}

fn keep_best(found: &mut Vec<Candidate>, most: usize) {
    let order = |a: &Candidate, b: &Candidate| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row));
    if found.len() > most {
        found.select_nth_unstable_by(most, order);
        found.truncate(most);
    }
    found.sort_unstable_by(order);
}

fn by_number(numbers: &[f32], allowed: &Bitmap, most: usize) -> Vec<Candidate> {
    let number = |row: u32| numbers.get(row as usize).copied().filter(|x| !x.is_nan()).unwrap_or_default();
    let mut found: Vec<Candidate> =
        allowed.iter().map(|row| Candidate { row, score: number(row), filler: false }).collect();
    keep_best(&mut found, most);
    found
}

/// Adds the most wanted of the allowed rows until there are as many as asked for.
fn fill(shelf: &Shelf, allowed: &Bitmap, most: usize, found: &mut Vec<Candidate>) {
    if found.len() >= most {
        return;
    }
    let mut rest = allowed.clone();
    found.iter().for_each(|known| rest.remove(known.row));
    let wanted = shelf.artifact().map_or(&[][..], |artifact| artifact.popularity());
    let more = by_number(wanted, &rest, most - found.len());
    found.extend(more.into_iter().map(|candidate| Candidate { score: 0.0, filler: true, ..candidate }));
}
