//! The models of an artifact by name: from a case's history to a score for every product. The one place that knows how
//! `vitrine-learn` names and computes its parts.

use vitrine_domain::profile::ACTIONS;
use vitrine_domain::time::DAY;
use vitrine_learn::validate::{PARTS, Past, Scores};
use vitrine_learn::{Artifact, Interaction};

use crate::data::{Case, rows};

/// Name of the sum of all parts, weighted as the artifact says: what a shop shows.
pub const BLEND: &str = "blend";

/// The names of all models: the blend, then every part alone.
#[must_use]
pub fn names() -> Vec<String> {
    std::iter::once(BLEND).chain(PARTS).map(str::to_owned).collect()
}

/// What serving would know of a case's person: the newest 50 actions with their age.
fn past(case: &Case) -> Past {
    let newest = &case.history[case.history.len().saturating_sub(ACTIONS)..];
    let age = |act: &crate::data::Act| (case.at.since(act.at).max(0) as f64 / DAY as f64) as f32;
    Past {
        history: newest
            .iter()
            .map(|act| Interaction { row: act.row, weight: act.action.interest(), age_days: age(act) })
            .collect(),
        actions: newest.iter().map(|act| act.action).collect(),
        met: rows(&case.history),
    }
}

/// Scores of all products by all models; kept from one case to the next.
#[derive(Debug)]
pub struct Scorer<'a> {
    artifact: &'a Artifact,
    scores: Scores,
    blended: Vec<f32>,
}

impl<'a> Scorer<'a> {
    /// Room for the products of an artifact.
    #[must_use]
    pub fn new(artifact: &'a Artifact) -> Self {
        Self { artifact, scores: Scores::new(artifact.len()), blended: Vec::new() }
    }

    /// Scores every product for a case.
    pub fn fill(&mut self, case: &Case) {
        let blend = self.artifact.weights();
        self.scores.fill(self.artifact, blend, &past(case));
        self.blended = self.scores.blended(blend);
    }

    /// The scores of a model by its place in [`names`], row by row.
    #[must_use]
    pub fn model(&self, place: usize) -> &[f32] {
        match place.checked_sub(1) {
            None => &self.blended,
            Some(part) => self.scores.part(part),
        }
    }
}
