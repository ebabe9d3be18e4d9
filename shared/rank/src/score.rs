//! Scores: a dot product plus what the counted lists say, and the same sum taken apart again.
//!
//! `score(j) = query · vector(j) + Σ_pair w_pair √(Σ_e voice_e n_pair(e → j))`, where the evidence `e` is the visitor's
//! past actions, the product being looked at, or the basket (see `vitrine_learn::blend`).

use vitrine_index::dot;
use vitrine_learn::{Pair, Tally};

use crate::Shelf;

/// A product that speaks for others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Evidence {
    /// Its row.
    pub(crate) row: u32,
    /// How loud, for the lists that start at looking and at ordering.
    pub(crate) viewed: f32,
    /// See `viewed`; zero if it was not ordered.
    pub(crate) ordered: f32,
    /// Its place in what the caller knows: a past action, a line of the basket.
    pub(crate) source: usize,
}

/// What candidates are scored by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    /// Dot product with a product's vector; empty for none.
    pub(crate) vector: Vec<f32>,
    /// Products that speak for others.
    pub(crate) evidence: Vec<Evidence>,
    /// Weight of each pair's lists.
    pub(crate) pairs: [f32; Pair::ALL.len()],
}

/// A part of a score.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Share {
    /// Which part.
    pub(crate) part: Part,
    /// What it adds to the score.
    pub(crate) amount: f32,
}

/// Where a part of a score comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    /// A named range of the vector: `factors`, `content`, `prior`.
    Vector(String),
    /// What one piece of evidence says through the lists.
    Evidence(usize),
}

fn voice(evidence: &Evidence, pair: Pair) -> f32 {
    match pair {
        Pair::ViewView | Pair::ViewOrder => evidence.viewed,
        Pair::OrderTogether | Pair::OrderNext => evidence.ordered,
    }
}

impl Query {
    /// The score of every row.
    pub(crate) fn scores(&self, shelf: &Shelf) -> Vec<f32> {
        let rows = u32::try_from(shelf.len()).unwrap_or(u32::MAX);
        let mut scores: Vec<f32> = (0..rows).map(|row| dot(&self.vector, shelf.vector(row))).collect();
        let Some(artifact) = shelf.artifact() else { return scores };
        let mut tally = Tally::new(artifact.len());
        for pair in Pair::ALL.into_iter().filter(|pair| self.pairs[pair.index()] > 0.0) {
            let evidence = self.evidence.iter().map(|e| (e.row, voice(e, pair))).filter(|(_, voice)| *voice > 0.0);
            artifact.tally(pair, evidence, &mut tally);
            for row in tally.rows() {
                if let Some(score) = scores.get_mut(*row as usize) {
                    *score += self.pairs[pair.index()] * tally.sum(*row).sqrt();
                }
            }
            tally.clear();
        }
        scores
    }

    /// The parts of a row's score; they add up to it.
    pub(crate) fn explain(&self, shelf: &Shelf, row: u32) -> Vec<Share> {
        let mut shares = Vec::new();
        let Some(artifact) = shelf.artifact() else { return shares };
        let vector = shelf.vector(row);
        for part in artifact.parts() {
            let range = part.range.clone();
            let sides = (self.vector.get(range.clone()), vector.get(range));
            if let (Some(query), Some(product)) = sides {
                shares.push(Share { part: Part::Vector(part.name), amount: dot(query, product) });
            }
        }
        for pair in Pair::ALL.into_iter().filter(|pair| self.pairs[pair.index()] > 0.0) {
            let said: Vec<(usize, f32)> = self.said(shelf, pair, row).collect();
            let sum: f32 = said.iter().map(|(_, weight)| weight).sum();
            if sum <= 0.0 {
                continue;
            }
            let term = self.pairs[pair.index()] * sum.sqrt();
            for (source, weight) in said {
                shares.push(Share { part: Part::Evidence(source), amount: term * weight / sum });
            }
        }
        merge(shares)
    }

    /// What each piece of evidence says for a row through one pair's lists.
    fn said<'a>(&'a self, shelf: &'a Shelf, pair: Pair, row: u32) -> impl Iterator<Item = (usize, f32)> + 'a {
        self.evidence.iter().filter_map(move |evidence| {
            let (rows, weights) = shelf.artifact()?.neighbours(pair, evidence.row);
            let at = rows.iter().position(|neighbour| *neighbour == row)?;
            let said = voice(evidence, pair) * weights.get(at)?;
            (said > 0.0).then_some((evidence.source, said))
        })
    }
}

/// One share for each part.
fn merge(shares: Vec<Share>) -> Vec<Share> {
    let mut merged: Vec<Share> = Vec::new();
    for share in shares {
        match merged.iter_mut().find(|known| known.part == share.part) {
            Some(known) => known.amount += share.amount,
            None => merged.push(share),
        }
    }
    merged
}
