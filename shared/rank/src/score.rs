//! Scores: what every part of the model says of a product, added up, and the same sum taken apart again.
//!
//! `score(j) = Σ_p w_p s_p(j)`: parts with vectors are one dot product together, the others tallies of what the evidence
//! leads to (see `vitrine_learn::algorithm`). The evidence is the visitor's past actions, the product being looked at, or
//! the basket.

use vitrine_domain::Visitor;
use vitrine_index::dot_f16;
use vitrine_learn::{Artifact, Interaction, Question, Scratch, Tally};

use crate::Shelf;

/// What candidates are scored by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    /// Dot product with a product's vector; empty for none.
    pub(crate) vector: Vec<f32>,
    /// Products that speak for others, oldest first.
    pub(crate) evidence: Vec<Interaction>,
    /// The place of each in what the caller knows: a past action, a line of the basket.
    pub(crate) sources: Vec<usize>,
    /// The tallies that count: place among the artifact's parts, and weight.
    pub(crate) tallies: Vec<(usize, f32)>,
    /// Who asks, for parts that know visitors.
    pub(crate) visitor: Option<u64>,
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
    /// A part of the model as a whole, by its name.
    Whole(String),
    /// What one piece of evidence says, by its source.
    Evidence(usize),
}

impl Query {
    /// What a visitor and their history ask for. New products have rows that the artifact does not know; they are no evidence
    /// yet.
    pub(crate) fn personal(
        artifact: &Artifact,
        question: Question,
        visitor: Option<&Visitor>,
        history: impl Iterator<Item = (usize, Interaction)>,
    ) -> Self {
        let (sources, evidence) = history.filter(|(_, past)| (past.row as usize) < artifact.len()).unzip();
        let visitor = visitor.map(Scratch::visitor_key);
        let mut query = Self { sources, evidence, vector: vec![0.0; artifact.dims()], visitor, ..Self::default() };
        let mut scratch = query.scratch();
        artifact.visitor_vector(&query.evidence, question, &mut scratch, &mut query.vector);
        let parts = artifact.parts().iter().enumerate().filter(|(_, part)| !part.has_vectors());
        query.tallies = parts.map(|(at, part)| (at, part.weight(question))).filter(|(_, w)| *w > 0.0).collect();
        query
    }

    /// What products lead to by some of the tallies, named with their weights.
    pub(crate) fn of_evidence(
        artifact: Option<&Artifact>,
        weights: &[(&str, f32)],
        evidence: impl Iterator<Item = (usize, Interaction)>,
    ) -> Self {
        let (sources, evidence) = evidence.unzip();
        let parts = artifact.map_or(&[][..], Artifact::parts);
        let place = |(name, weight): &(&str, f32)| Some((parts.iter().position(|part| part.name == *name)?, *weight));
        Self { sources, evidence, tallies: weights.iter().filter_map(place).collect(), ..Self::default() }
    }

    fn scratch(&self) -> Scratch {
        let mut scratch = Scratch::default();
        scratch.visitor = self.visitor;
        scratch
    }

    /// The score of every row.
    pub(crate) fn scores(&self, shelf: &Shelf) -> Vec<f32> {
        let rows = u32::try_from(shelf.len()).unwrap_or(u32::MAX);
        let mut scores: Vec<f32> = (0..rows).map(|row| dot_f16(&self.vector, shelf.vector(row))).collect();
        let Some(artifact) = shelf.artifact() else { return scores };
        let (mut tally, mut scratch) = (Tally::new(artifact.len()), self.scratch());
        for (at, weight) in &self.tallies {
            let Some(part) = artifact.parts().get(*at) else { continue };
            artifact.part_tally(*at, &self.evidence, &mut scratch, &mut tally);
            for row in tally.rows() {
                if let Some(score) = scores.get_mut(*row as usize) {
                    *score += weight * part.curve.of(tally.sum(*row));
                }
            }
            tally.clear();
        }
        scores
    }

    /// The parts of some rows' scores; each row's add up to its score.
    pub(crate) fn explain(&self, shelf: &Shelf, rows: &[u32]) -> Vec<Vec<Share>> {
        let mut shares = vec![Vec::new(); rows.len()];
        let Some(artifact) = shelf.artifact() else { return shares };
        for (row, shares) in rows.iter().zip(&mut shares) {
            let vector = shelf.vector(*row);
            for part in artifact.parts().iter().filter(|part| part.has_vectors()) {
                let range = part.range.clone();
                if let (Some(query), Some(product)) = (self.vector.get(range.clone()), vector.get(range)) {
                    shares.push(Share { part: Part::Whole(part.name.clone()), amount: dot_f16(query, product) });
                }
            }
        }
        let (mut tally, mut scratch) = (Tally::new(artifact.len()), self.scratch());
        for (at, weight) in &self.tallies {
            let Some(part) = artifact.parts().get(*at) else { continue };
            artifact.part_tally(*at, &self.evidence, &mut scratch, &mut tally);
            let sums: Vec<f32> = rows.iter().map(|row| tally.sum(*row)).collect();
            let terms: Vec<f32> = sums.iter().map(|sum| weight * part.curve.of(*sum)).collect();
            self.explain_tally(artifact, *at, rows, (&terms, &sums), &mut scratch, &mut shares);
            tally.clear();
        }
        shares.into_iter().map(merge).collect()
    }

    /// Shares a tally's terms among the evidence, each by what it adds to the sums; what no evidence is named for stays with
    /// the part.
    fn explain_tally(
        &self,
        artifact: &Artifact,
        part: usize,
        rows: &[u32],
        (terms, sums): (&[f32], &[f32]),
        scratch: &mut Scratch,
        shares: &mut [Vec<Share>],
    ) {
        let mut rests = terms.to_vec();
        artifact.part_evidence(part, &self.evidence, rows, scratch, &mut |row, at, said| {
            if sums[row] <= 0.0 {
                return;
            }
            let amount = (terms[row] * said / sums[row]).min(rests[row]);
            if let Some(source) = self.sources.get(at).filter(|_| amount > 0.0) {
                rests[row] -= amount;
                shares[row].push(Share { part: Part::Evidence(*source), amount });
            }
        });
        for ((rest, term), shares) in rests.into_iter().zip(terms).zip(shares) {
            if rest > term * 1e-3 {
                let name = artifact.parts().get(part).map_or_else(String::new, |part| part.name.clone());
                shares.push(Share { part: Part::Whole(name), amount: rest });
            }
        }
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
