//! Which past action is told of: one that the product's score is lower without.

use crate::query::{LeftOut, Query};
use crate::reason::Source;
use crate::{Shelf, Workspace};

/// Past actions that are left out once for each page, to see what they are worth.
const LEFT_OUT: usize = 1;

/// A piece of a score as it is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Told {
    /// Which part of the model, by its place.
    pub(crate) part: usize,
    /// The piece of evidence that is named, by its place in the query.
    pub(crate) evidence: Option<usize>,
    /// What it adds to the score.
    pub(crate) amount: f32,
}

/// The pieces of some rows' scores. Those of each row add up to its score.
pub(crate) fn told(
    shelf: &Shelf,
    query: &Query,
    source: Source<'_>,
    rows: &[u32],
    work: &mut Workspace,
) -> Vec<Vec<Told>> {
    let mut told = query.explain(shelf, rows, work);
    // Of a product on the page or in the basket the lists themselves say what it adds; leaving it out would say the same.
    if !matches!(source, Source::History(_)) {
        return told;
    }
    let left_out: Vec<LeftOut> =
        loudest(query, &told).into_iter().filter_map(|evidence| query.leave_out(shelf, evidence, rows, work)).collect();
    let next = shelf.artifact().and_then(|a| a.parts().iter().position(|part| part.name == "encoder"));
    for (at, (row, told)) in rows.iter().zip(&mut told).enumerate() {
        for piece in told.iter_mut() {
            let proven = |evidence: usize| left_out.iter().any(|l| l.evidence == evidence && l.drops[at] > 0.0);
            piece.evidence = piece.evidence.filter(|evidence| proven(*evidence));
            if Some(piece.part) == next && piece.amount > 0.0 {
                piece.evidence = next_from(shelf, &left_out, *row, at, piece.part);
            }
        }
    }
    told
}

/// The past action that the encoder's score of a row is lowest without, among those that were left out.
fn next_from(shelf: &Shelf, left_out: &[LeftOut], row: u32, at: usize, part: usize) -> Option<usize> {
    let range = shelf.artifact()?.parts().get(part)?.range.clone();
    let vector = shelf.vector(row).get(range.clone())?;
    let worth = |left: &LeftOut| left.difference.get(range.clone()).map_or(0.0, |d| vitrine_index::dot_f16(d, vector));
    let proven = left_out.iter().filter(|left| left.drops[at] > 0.0).map(|left| (worth(left), left.evidence));
    proven.filter(|(worth, _)| *worth > 0.0).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, evidence)| evidence)
}

/// The pieces of evidence that speak loudest on a page: the newest one, which the encoder hears best, and those that add
/// most to the products' scores.
fn loudest(query: &Query, told: &[Vec<Told>]) -> Vec<usize> {
    let mut voices = vec![0.0_f32; query.evidence.len()];
    for told in told {
        // Each product has one voice, so that the page's first does not speak for all.
        let total: f32 = told.iter().filter(|piece| piece.evidence.is_some()).map(|piece| piece.amount).sum();
        for piece in told {
            if let Some(voice) = piece.evidence.and_then(|evidence| voices.get_mut(evidence)).filter(|_| total > 0.0) {
                *voice += piece.amount / total;
            }
        }
    }
    let newest = query.evidence.iter().rposition(|past| past.interest() > 0.0);
    let mut order: Vec<usize> = (0..voices.len()).filter(|at| voices[*at] > 0.0 && Some(*at) != newest).collect();
    order.sort_by(|a, b| voices[*b].total_cmp(&voices[*a]).then(b.cmp(a)));
    newest.into_iter().chain(order).take(LEFT_OUT).collect()
}
