//! What candidates are found by: a query, a list that is given, or one number a product.

use vitrine_index::{Bitmap, Hit, dot_f16};

use crate::query::Query;
use crate::reason::Source;
use crate::workspace::Searches;
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
    /// Makes ready what all searches of one decision share; each of them is among the allowed rows.
    pub(crate) fn prepare(&self, shelf: &Shelf, allowed: &Bitmap, work: &mut Workspace) {
        if let (Self::Query(query, _), Some(artifact)) = (self, shelf.artifact()) {
            query.terms(artifact, work);
        }
        let Workspace { terms, reached, limits, searches, .. } = work;
        *searches = Searches::First;
        limits.clear();
        reached.clear();
        reached.extend(terms.rows().iter().filter(|row| allowed.contains(**row)));
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
    limit(shelf, query, work);
    work.marked.grow(shelf.len());
    for Hit { row, score } in &work.found.hits {
        work.marked.insert(*row);
        found.push(Candidate { row: *row, score: score + work.terms.sum(*row), filler: false });
    }
    keep_best(&mut found, most);
    let least = found.last().filter(|_| found.len() >= most).map(|candidate| candidate.score);
    let Workspace { reached, limits, marked, rows, .. } = work;
    rows.clear();
    let mut touched = work.found.touched;
    let rest = reached.iter().zip(limits.iter()).filter(|(row, _)| allowed.contains(**row) && !marked.contains(**row));
    for (row, limit) in rest {
        touched += 1;
        // Anything but a certain no stays: what is no number too.
        if least.is_none_or(|least| *limit >= least || limit.is_nan()) {
            rows.push(*row);
        }
    }
    work.found.hits.iter().for_each(|hit| work.marked.remove(hit.row));
    let scored = !query.vector.is_empty()
        && shelf.index().is_some_and(|stored| stored.scores_of(&query.vector, &work.rows, &mut work.scores).is_ok());
    for (at, row) in work.rows.iter().enumerate() {
        let score = work.scores.get(at).filter(|_| scored).copied().unwrap_or_default();
        let score = score + work.terms.sum(*row);
        if !score.is_nan() {
            found.push(Candidate { row: *row, score, filler: false });
        }
    }
    keep_best(&mut found, most);
    Candidates { found, touched }
}

/// The most that each reached row may score, by its coarse score and how far that may be off; found once a decision.
fn limit(shelf: &Shelf, query: &Query, work: &mut Workspace) {
    let Workspace { reached, limits, prepared, index, terms, .. } = work;
    if limits.len() == reached.len() {
        return;
    }
    limits.clear();
    if let Some(stored) = shelf.index().filter(|stored| stored.prepare(&query.vector, prepared).unwrap_or(false)) {
        stored.approximate(prepared, reached, index, limits);
        let error = prepared.max_error();
        limits.iter_mut().zip(reached.iter()).for_each(|(limit, row)| *limit = *limit + error + terms.sum(*row));
    }
    limits.resize(reached.len(), f32::INFINITY);
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
