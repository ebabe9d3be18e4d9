//! The models of an artifact by name: from a case's history to a score for every product. The one place that knows how
//! `vitrine-learn` names and computes its parts.

use vitrine_domain::profile::ACTIONS;
use vitrine_domain::time::DAY;
use vitrine_learn::validate::{Judge, Scores};
use vitrine_learn::{Artifact, Interaction, Question};

use crate::data::Case;

/// Name of the sum of all parts, weighted as the artifact says: what a shop shows.
pub const BLEND: &str = "blend";

/// The names of the models of an artifact: the blend, then every part alone.
#[must_use]
pub fn names(artifact: &Artifact) -> Vec<String> {
    let parts = artifact.parts().iter().map(|part| part.name.as_str());
    std::iter::once(BLEND).chain(parts).map(str::to_owned).collect()
}

/// What serving would know of a case's person: the newest 50 actions, with their age at the newest.
fn past(case: &Case) -> Vec<Interaction> {
    let newest = &case.history[case.history.len().saturating_sub(ACTIONS)..];
    let now = newest.last().map_or(case.at, |act| act.at);
    let age = |act: &crate::data::Act| (now.since(act.at).max(0) as f64 / DAY as f64) as f32;
    newest.iter().map(|act| Interaction { row: act.row, action: act.action, age_days: age(act) }).collect()
}

/// What a case asks: something new, unless what the person knows is ranked too.
const fn question(case: &Case) -> Question {
    if case.excluded.is_empty() { Question::Any } else { Question::New }
}

/// Scores of all products by all models; kept from one case to the next.
#[derive(Debug)]
pub struct Scorer<'a> {
    scores: Scores<'a>,
    question: Question,
}

impl<'a> Scorer<'a> {
    /// Room for the products of an artifact.
    #[must_use]
    pub fn new(judge: &'a Judge<'a>) -> Self {
        Self { scores: judge.scores(), question: Question::New }
    }

    /// Scores every product for a case.
    pub fn fill(&mut self, case: &Case) {
        self.question = question(case);
        self.scores.fill(&past(case), 0);
    }

    /// The scores of a model by its place in [`names`], row by row.
    pub fn model(&mut self, place: usize) -> &[f32] {
        match place.checked_sub(1) {
            None => self.scores.blended(self.question),
            Some(part) => self.scores.part(part),
        }
    }
}
