//! Scores: what every part of the model says of a product, added up, and the same sum taken apart again.
//!
//! `score(j) = Σ_p w_p s_p(j)`: parts with vectors are one dot product together, the others tallies of what the evidence
//! leads to (see `vitrine_learn::algorithm`). The evidence is the visitor's past actions, the product being looked at, or
//! the basket.

use std::collections::BTreeMap;
use std::ops::Range;

use vitrine_domain::Visitor;
use vitrine_index::dot_f16;
use vitrine_learn::{Artifact, Interaction, Question, Scratch, Tally};

use crate::evidence::Told;
use crate::{Shelf, Workspace};

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
    /// What another index proposes as nearest.
    pub(crate) near: Option<Vec<u32>>,
    /// Dimensions of the vector that count otherwise than the model says, and how much.
    factors: Vec<(Range<usize>, f32)>,
    /// Which weights were taken; none where the vector is not a visitor's.
    question: Option<Question>,
    /// Who asks, for parts that know visitors.
    visitor: Option<u64>,
    /// How long ago the newest action was that is no evidence, in days.
    others: f32,
}

/// What everything that was done with one product is worth, found by leaving it out.
#[derive(Debug)]
pub(crate) struct LeftOut {
    /// Row of the product.
    pub(crate) product: u32,
    /// The query's vector less that of the query without it.
    pub(crate) difference: Vec<f32>,
    /// How much lower each row's score is without it.
    pub(crate) drops: Vec<f32>,
}

impl Query {
    /// What a visitor and their history ask for. New products have rows that the artifact does not know; they are no evidence
    /// yet.
    pub(crate) fn personal(
        artifact: &Artifact,
        question: Question,
        visitor: Option<&Visitor>,
        history: impl Iterator<Item = (usize, Interaction)>,
        work: &mut Workspace,
    ) -> Self {
        let mut others = f32::INFINITY;
        let known = |(_, past): &(usize, Interaction)| {
            let known = (past.row as usize) < artifact.len();
            others = if known { others } else { others.min(past.age_days) };
            known
        };
        let (sources, evidence) = history.filter(known).unzip();
        let visitor = visitor.map(Scratch::visitor_key);
        let parts = artifact.parts().iter().enumerate().filter(|(_, part)| !part.has_vectors());
        let tallies = parts.map(|(at, part)| (at, part.weight(question))).filter(|(_, w)| *w > 0.0).collect();
        let vector = vec![0.0; artifact.dims()];
        let question = Some(question);
        let mut query = Self { vector, evidence, sources, tallies, question, visitor, others, ..Self::default() };
        query.look(artifact, work);
        query
    }

    /// Computes the visitor's vector from the evidence.
    fn look(&mut self, artifact: &Artifact, work: &mut Workspace) {
        let Some(question) = self.question else { return };
        work.scratch.visitor = self.visitor;
        artifact.visitor_vector(&self.evidence, question, &mut work.scratch, &mut self.vector);
        self.weigh();
    }

    /// Multiplies what each part counts, by the parts' names. It is the model that is changed: what explains the score goes by
    /// the same weights.
    pub(crate) fn blended(mut self, artifact: Option<&Artifact>, blend: &BTreeMap<String, f64>) -> Self {
        let Some(artifact) = artifact.filter(|_| !blend.is_empty()) else { return self };
        #[allow(clippy::cast_possible_truncation, reason = "a factor of 0 to 100")]
        let factor = |name: &str| blend.get(name).map_or(1.0, |factor| *factor as f32);
        let parts = artifact.parts();
        for (at, weight) in &mut self.tallies {
            *weight *= parts.get(*at).map_or(1.0, |part| factor(&part.name));
        }
        self.tallies.retain(|(_, weight)| *weight > 0.0);
        let vectors = parts.iter().filter(|part| part.has_vectors());
        self.factors =
            vectors.map(|part| (part.range.clone(), factor(&part.name))).filter(|(_, f)| *f != 1.0).collect();
        self.weigh();
        self
    }

    fn weigh(&mut self) {
        for (range, factor) in &self.factors {
            let dims = self.vector.get_mut(range.clone()).unwrap_or_default();
            dims.iter_mut().for_each(|x| *x *= factor);
        }
    }

    /// What products lead to by some of the tallies, named with their weights.
    pub(crate) fn of_evidence(
        artifact: Option<&Artifact>,
        weights: &[(&str, f32)],
        evidence: impl Iterator<Item = (usize, Interaction)>,
    ) -> Self {
        let known = artifact.map_or(0, Artifact::len);
        let (sources, evidence) = evidence.filter(|(_, past)| (past.row as usize) < known).unzip();
        let parts = artifact.map_or(&[][..], Artifact::parts);
        let place = |(name, weight): &(&str, f32)| Some((parts.iter().position(|part| part.name == *name)?, *weight));
        Self { sources, evidence, tallies: weights.iter().filter_map(place).collect(), ..Self::default() }
    }

    /// The same query by somebody who did nothing with one product. Only of visitors' queries.
    fn without(&self, artifact: &Artifact, product: u32, work: &mut Workspace) -> Self {
        let mut other = self.clone();
        let mut kept = self.evidence.iter().map(|past| past.row != product);
        other.sources.retain(|_| kept.next().unwrap_or(true));
        other.evidence.retain(|past| past.row != product);
        // Ages count back from the newest action that is left.
        let newest = other.evidence.iter().map(|past| past.age_days).fold(self.others, f32::min);
        if newest.is_finite() {
            other.evidence.iter_mut().for_each(|past| past.age_days -= newest);
        }
        other.look(artifact, work);
        other
    }

    /// Adds up the tallies of every row that they lead to: each part's sums, and the terms of all of them.
    pub(crate) fn terms(&self, artifact: &Artifact, work: &mut Workspace) {
        work.terms.clear();
        work.terms.grow(artifact.len());
        work.sums.resize_with(work.sums.len().max(self.tallies.len()), Tally::default);
        work.scratch.visitor = self.visitor;
        for ((at, weight), sums) in self.tallies.iter().zip(&mut work.sums) {
            sums.clear();
            sums.grow(artifact.len());
            let Some(part) = artifact.parts().get(*at) else { continue };
            artifact.part_tally(*at, &self.evidence, &mut work.scratch, sums);
            for row in sums.rows() {
                work.terms.add(*row, weight * part.curve.of(sums.sum(*row)));
            }
        }
    }

    /// What some rows' scores are without what was done with one product, after [`terms`](Self::terms).
    pub(crate) fn leave_out(&self, shelf: &Shelf, product: u32, rows: &[u32], work: &mut Workspace) -> Option<LeftOut> {
        let artifact = shelf.artifact()?;
        let other = self.without(artifact, product, work);
        let difference: Vec<f32> = self.vector.iter().zip(&other.vector).map(|(a, b)| a - b).collect();
        let mut drops: Vec<f32> = rows.iter().map(|row| dot_f16(&difference, shelf.vector(*row))).collect();
        work.scores.clear();
        work.scores.resize(rows.len(), 0.0);
        for ((at, weight), sums) in self.tallies.iter().zip(&work.sums) {
            let Some(part) = artifact.parts().get(*at) else { continue };
            artifact.part_sums(*at, &other.evidence, rows, &mut work.scratch, &mut work.scores);
            for ((row, left), drop) in rows.iter().zip(&work.scores).zip(&mut drops) {
                *drop += weight * (part.curve.of(sums.sum(*row)) - part.curve.of(*left));
            }
        }
        Some(LeftOut { product, difference, drops })
    }

    /// The parts of some rows' scores, after [`terms`](Self::terms); each row's add up to its score.
    pub(crate) fn explain(&self, shelf: &Shelf, rows: &[u32], work: &mut Workspace) -> Vec<Vec<Told>> {
        let mut shares = vec![Vec::new(); rows.len()];
        let Some(artifact) = shelf.artifact() else { return shares };
        for (row, shares) in rows.iter().zip(&mut shares) {
            let vector = shelf.vector(*row);
            for (at, part) in artifact.parts().iter().enumerate().filter(|(_, part)| part.has_vectors()) {
                let range = part.range.clone();
                if let (Some(query), Some(product)) = (self.vector.get(range.clone()), vector.get(range)) {
                    shares.push(Told { part: at, evidence: None, amount: dot_f16(query, product) });
                }
            }
        }
        work.scratch.visitor = self.visitor;
        for ((at, weight), sums) in self.tallies.iter().zip(&work.sums) {
            let Some(part) = artifact.parts().get(*at) else { continue };
            let sums: Vec<f32> = rows.iter().map(|row| sums.sum(*row)).collect();
            let mut rests: Vec<f32> = sums.iter().map(|sum| weight * part.curve.of(*sum)).collect();
            let terms = rests.clone();
            artifact.part_evidence(*at, &self.evidence, rows, &mut work.scratch, &mut |row, evidence, said| {
                let (Some(rest), Some(sum)) = (rests.get_mut(row), sums.get(row).filter(|sum| **sum > 0.0)) else {
                    return;
                };
                let amount = (terms[row] * said / sum).min(*rest);
                if amount > 0.0 && evidence < self.evidence.len() {
                    *rest -= amount;
                    shares[row].push(Told { part: *at, evidence: Some(evidence), amount });
                }
            });
            // What no evidence is named for stays with the part.
            for (rest, shares) in rests.into_iter().zip(&mut shares).filter(|(rest, _)| *rest > 0.0) {
                shares.push(Told { part: *at, evidence: None, amount: rest });
            }
        }
        shares
    }
}
