//! The model card: what an artifact was made of, how, and how good it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vitrine_domain::Millis;

use crate::dataset::Counts;
use crate::validate::Figures;
use crate::{Blend, Settings};

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
    /// What each part counts in a score.
    pub blend: Blend,
    /// Neighbours kept, by pair of actions.
    pub neighbours: BTreeMap<String, usize>,
    /// How good the parts are on held-out actions; none if there was too little to hold out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Outcome>,
}

/// The outcome of a validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// People whose held-out actions chose the weights.
    pub choosing: usize,
    /// Other people whose held-out actions the figures are from.
    pub judging: usize,
    /// Each part alone and the `blend`, trained without the held-out actions, over the whole catalogue; see
    /// [`crate::validate`].
    pub figures: BTreeMap<String, Figures>,
}

impl Card {
    /// The figures of every part and of the `blend`, if there was a validation.
    #[must_use]
    pub fn figures(&self) -> Option<&BTreeMap<String, Figures>> {
        self.validation.as_ref().map(|outcome| &outcome.figures)
    }
}
