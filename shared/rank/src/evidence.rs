//! Which product of a history is told of: one that the score is lower without. Everything that was done with it is left out
//! at once: a click and the look that it led to say the same, and either would cover up for the other.

use crate::query::{LeftOut, Query};
use crate::reason::Source;
use crate::{Shelf, Workspace};

/// Products of the history that are left out once for each page, to see what they are worth.
const LEFT_OUT: usize = 2;

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
        loudest(query, &told).into_iter().filter_map(|product| query.leave_out(shelf, product, rows, work)).collect();
    let next = shelf.artifact().and_then(|a| a.parts().iter().position(|part| part.name == "encoder"));
    let product_of = |evidence: usize| query.evidence.get(evidence).map(|past| past.row);
    for (at, (row, told)) in rows.iter().zip(&mut told).enumerate() {
        let proven = |product: Option<u32>| left_out.iter().any(|l| Some(l.product) == product && l.drops[at] > 0.0);
        for piece in told.iter_mut() {
            piece.evidence = piece.evidence.filter(|evidence| proven(product_of(*evidence)));
            if Some(piece.part) == next && piece.amount > 0.0 {
                let product = next_from(shelf, &left_out, *row, at, piece.part);
                piece.evidence = query.evidence.iter().rposition(|past| Some(past.row) == product);
            }
        }
    }
    told
}

/// The product that the encoder's score of a row is lowest without, among those that were left out.
fn next_from(shelf: &Shelf, left_out: &[LeftOut], row: u32, at: usize, part: usize) -> Option<u32> {
    let range = shelf.artifact()?.parts().get(part)?.range.clone();
    let vector = shelf.vector(row).get(range.clone())?;
    let worth = |left: &LeftOut| left.difference.get(range.clone()).map_or(0.0, |d| vitrine_index::dot_f16(d, vector));
    let proven = left_out.iter().filter(|left| left.drops[at] > 0.0).map(|left| (worth(left), left.product));
    proven.filter(|(worth, _)| *worth > 0.0).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, product)| product)
}

/// The products that speak loudest on a page: the newest one, which the encoder hears best, and those that add most to the
/// products' scores.
fn loudest(query: &Query, told: &[Vec<Told>]) -> Vec<u32> {
    let mut voices: Vec<(u32, f32)> = Vec::new();
    for told in told {
        // Each product of the page has one voice, so that its first does not speak for all.
        let total: f32 = told.iter().filter(|piece| piece.evidence.is_some()).map(|piece| piece.amount).sum();
        for piece in told.iter().filter(|_| total > 0.0) {
            let Some(past) = piece.evidence.and_then(|evidence| query.evidence.get(evidence)) else { continue };
            match voices.iter_mut().find(|(row, _)| *row == past.row) {
                Some((_, voice)) => *voice += piece.amount / total,
                None => voices.push((past.row, piece.amount / total)),
            }
        }
    }
    let newest = query.evidence.iter().rfind(|past| past.interest() > 0.0).map(|past| past.row);
    voices.retain(|(row, _)| Some(*row) != newest);
    voices.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    newest.into_iter().chain(voices.into_iter().map(|(row, _)| row)).take(LEFT_OUT).collect()
}
