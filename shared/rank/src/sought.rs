//! What another index is asked for, so that a decision need not search the artifact's own: the nearest rows to the query's
//! vector among what may be shown. Whoever asks hands the rows to the decision as [`Request::near`].

use vitrine_domain::Filter;
use vitrine_index::{Condition, SELLABLE, Value};

use crate::condition;
use crate::decide::{allowed, ranking};
use crate::order::candidates;
use crate::ranking::Ranking;
use crate::wishes::Surroundings;
use crate::{FilterError, Request, Shelf, Workspace, compile};

/// Rows beyond those that are needed: scores that another program adds up differ in their last digits.
const SLACK: usize = 24;
/// Most rows that are named in a condition.
const NAMED: usize = 1_000;
/// Most rows asked for where what may be shown cannot be said.
const MOST: usize = 2_000;

/// A search of the artifact's vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Sought {
    /// What rows should be near to, by dot product.
    pub vector: Vec<f32>,
    /// What they must be like. Where it cannot be said in full, it allows more than may be shown.
    pub condition: Condition,
    /// How many rows it allows.
    pub matches: usize,
    /// How many rows are wanted.
    pub most: usize,
}

/// What a decision would search the artifact for. None if it would not: without a model, for a list that is given, where
/// products are not looked for by their vectors, or where nothing may be shown.
///
/// # Errors
/// As [`decide`](crate::decide).
pub fn sought(shelf: &Shelf, request: &Request<'_>, work: &mut Workspace) -> Result<Option<Sought>, FilterError> {
    let Some(catalogue) = shelf.catalogue().filter(|_| request.among.is_none()) else { return Ok(None) };
    let around = Surroundings::new(shelf, request);
    let (mut wanted, _) = allowed(shelf, request, &around)?;
    let (Ranking::Query(query, _), ..) = ranking(shelf, request, around.context, work) else { return Ok(None) };
    // What changed is looked at anyway.
    shelf.changed().for_each(|row| wanted.remove(row));
    let count = wanted.count_below(shelf.known());
    if query.vector.is_empty() || count == 0 {
        return Ok(None);
    }
    let mut inside = catalogue.sellable.clone();
    let mut conditions = vec![Condition::Equals(SELLABLE.to_owned(), Value::Bool(true))];
    for filter in request.placement.filter.iter().chain(request.filter) {
        let resolved = around.resolved(filter)?;
        for part in parts(resolved.as_ref().unwrap_or(filter)) {
            if let Some(condition) = condition::of(catalogue, part) {
                compile::narrow(catalogue, part, &mut inside);
                conditions.push(condition);
            }
        }
    }
    let mut matches = inside.count();
    let mut most = candidates(request.limit) + SLACK;
    // What the conditions allow and may not be shown: on the page already, hidden by rules, sold out since.
    inside.and_not(&wanted);
    let over = inside.count();
    if over > 0 && over <= NAMED {
        conditions.push(Condition::Not(Box::new(Condition::in_set(&inside))));
        matches -= over;
    } else if over > 0 && count <= NAMED {
        let rows = wanted.iter().take_while(|row| (*row as usize) < shelf.known());
        conditions = vec![Condition::Rows(rows.collect())];
        matches = count;
    } else if over > 0 {
        // As many more as there are too many, and half as many again, as they are not spread evenly.
        most = (most * matches / count * 3 / 2).min(MOST.max(most));
    }
    Ok(Some(Sought { vector: query.vector, condition: Condition::And(conditions), matches, most: most.min(matches) }))
}

/// The filters that must all hold for a filter to hold.
fn parts(filter: &Filter) -> Vec<&Filter> {
    match filter {
        Filter::And { and } => and.iter().flat_map(parts).collect(),
        one => vec![one],
    }
}
