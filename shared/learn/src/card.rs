//! The model card: what an artifact was made of, how, and how good it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vitrine_domain::Millis;

use crate::Settings;
use crate::blend::{Part, Question};
use crate::dataset::Counts;
use crate::validate::Figures;

/// What is written beside an artifact. Equal for equal input, like the artifact: whoever publishes adds when and how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Format of the artifact.
    pub format: u32,
    /// Size of the artifact in bytes.
    pub bytes: usize,
    /// CRC-32 of the artifact.
    pub checksum: u32,
    /// What was read and left out.
    pub counts: Counts,
    /// The oldest event.
    pub oldest: Millis,
    /// The newest event: windows count back from it.
    pub newest: Millis,
    /// How it was trained.
    pub settings: Settings,
    /// The parts of the score and what each counts.
    pub parts: Vec<Part>,
    /// Parameters that were chosen on held-out actions, by part.
    pub chosen: BTreeMap<String, Value>,
    /// Which index was built over the vectors and why, as who built it says; null without one.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub index: Value,
    /// How good the parts are on held-out actions; none if there was too little to hold out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Outcome>,
}

/// The outcome of a validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Cases that chose parameters and weights.
    pub choosing: usize,
    /// Cases of other people, that the figures are from.
    pub judging: usize,
    /// Each part alone and the `blend`, trained without the held-out actions, over the whole catalogue; see
    /// [`crate::validate`].
    pub figures: BTreeMap<Question, BTreeMap<String, Figures>>,
}

impl Card {
    /// Takes down that an index was added to the artifact, and why this one.
    pub fn indexed(&mut self, artifact: &[u8], why: Value) {
        (self.bytes, self.checksum, self.index) = (artifact.len(), crc32fast::hash(artifact), why);
    }

    /// The figures of every part and of the `blend` for a question, if there was a validation.
    #[must_use]
    pub fn figures(&self, question: Question) -> Option<&BTreeMap<String, Figures>> {
        self.validation.as_ref()?.figures.get(&question)
    }
}
