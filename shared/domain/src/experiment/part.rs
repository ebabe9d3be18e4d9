//! The part that somebody takes in an experiment: how it is logged, carried by a decision's id, and remembered.
//!
//! A variant is drawn once for a person and then stays theirs, also when a bandit moves the shares, or when they leave the
//! audience (sticky bucketing, as GrowthBook does it). It stays from the first list that they saw: whoever did not see
//! anything is in no result either. Decisions' ids carry what was drawn, and events that name one are stored with it, so the
//! memory is a fold of events like everything else in a profile.
//!
//! What is remembered with a variant is the **probability of the draw**, not that of the decision at hand, which is one for
//! whoever has a variant already. It is what a result divides by where shares move ([`Weighted`](crate::statistics::Weighted)),
//! and it is the same with every decision of a person, so a log whose beginning is gone tells it too.

use serde::{Deserialize, Serialize};

use super::{Experiment, hash};
use crate::profile::push_bounded;

/// Most experiments that a profile remembers: those seen last.
const REMEMBERED: usize = 64;
/// Most draws that a decision's id carries: with the longest names of a shop and a visitor it is still as short as that of an
/// event has to be.
pub const CARRIED: usize = 8;

/// A part in an experiment, as a decision is logged with it: `["home-order",1,333333]`, with `true` behind it if the variant
/// was had before.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Logged", into = "Logged")]
pub struct Part {
    /// The experiment.
    pub experiment: String,
    /// The place of the variant among its variants, the control being zero.
    pub cell: usize,
    /// The probability with which it was drawn, in millionths and at least one; none of decisions from before it was noted.
    pub propensity: Option<u32>,
    /// Whether it was had before this decision, and not drawn for it.
    pub remembered: bool,
}

/// The forms in which it is stored.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Logged {
    Drawn(String, usize, u32),
    Remembered(String, usize, u32, bool),
    Old(String, usize),
}

impl From<Logged> for Part {
    fn from(logged: Logged) -> Self {
        let (experiment, cell, propensity, remembered) = match logged {
            Logged::Drawn(experiment, cell, propensity) => (experiment, cell, Some(propensity), false),
            Logged::Remembered(experiment, cell, propensity, before) => (experiment, cell, Some(propensity), before),
            Logged::Old(experiment, cell) => (experiment, cell, None, false),
        };
        Self { experiment, cell, propensity, remembered }
    }
}

impl From<Part> for Logged {
    fn from(part: Part) -> Self {
        let Part { experiment, cell, propensity, remembered } = part;
        match propensity {
            Some(propensity) if remembered => Self::Remembered(experiment, cell, propensity, true),
            Some(propensity) => Self::Drawn(experiment, cell, propensity),
            None => Self::Old(experiment, cell),
        }
    }
}

impl Part {
    /// The probability with which it was drawn, if that was noted.
    #[must_use]
    pub fn probability(&self) -> Option<f64> {
        self.propensity.map(|millionths| f64::from(millionths) / 1e6)
    }

    /// What is carried and remembered of it; none of one whose probability was not noted.
    #[must_use]
    pub fn drawn(&self) -> Option<Drawn> {
        let cell = u8::try_from(self.cell).ok()?;
        Some(Drawn { experiment: hash::fnv1a32(&self.experiment), cell, propensity: self.propensity? })
    }
}

/// What is carried and remembered of a part: short, because every event of a list carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, u8, u32)", into = "(u32, u8, u32)")]
pub struct Drawn {
    /// FNV-1a, 32 bits, of the experiment's id.
    pub experiment: u32,
    /// The place of the variant.
    pub cell: u8,
    /// The probability with which it was drawn, in millionths.
    pub propensity: u32,
}

impl From<(u32, u8, u32)> for Drawn {
    fn from((experiment, cell, propensity): (u32, u8, u32)) -> Self {
        Self { experiment, cell, propensity }
    }
}

impl From<Drawn> for (u32, u8, u32) {
    fn from(drawn: Drawn) -> Self {
        (drawn.experiment, drawn.cell, drawn.propensity)
    }
}

impl Drawn {
    /// Eight bytes: experiment, propensity, variant.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        let (e, p) = (self.experiment.to_be_bytes(), self.propensity.to_be_bytes());
        [e[0], e[1], e[2], e[3], p[1], p[2], p[3], self.cell]
    }

    /// What eight bytes say.
    #[must_use]
    pub fn from_bytes([a, b, c, d, p, q, r, cell]: [u8; 8]) -> Self {
        Self { experiment: u32::from_be_bytes([a, b, c, d]), cell, propensity: u32::from_be_bytes([0, p, q, r]) }
    }
}

/// The variants that somebody has seen, the one seen first of each experiment: the last 64 experiments.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Memory(Vec<Drawn>);

impl Memory {
    /// Whether nothing was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes in what a list that was seen was made with. Of an experiment that was seen before, that remains.
    pub fn see(&mut self, drawn: &[Drawn]) {
        for drawn in drawn.iter().copied() {
            if !self.0.iter().any(|seen| seen.experiment == drawn.experiment) {
                push_bounded(&mut self.0, drawn, REMEMBERED);
            }
        }
    }

    /// What was seen of an experiment.
    #[must_use]
    pub fn of(&self, experiment: &Experiment) -> Option<Drawn> {
        let id = hash::fnv1a32(&experiment.id);
        self.0.iter().find(|seen| seen.experiment == id).copied()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_of_older_decisions_are_read() {
        let part = |propensity, remembered| Part { experiment: "a".to_owned(), cell: 1, propensity, remembered };
        for (stored, read) in [
            (json!(["a", 1]), part(None, false)),
            (json!(["a", 1, 333_333]), part(Some(333_333), false)),
            (json!(["a", 1, 333_333, true]), part(Some(333_333), true)),
        ] {
            assert_eq!(serde_json::from_value::<Part>(stored.clone()).unwrap(), read);
            assert_eq!(serde_json::from_str::<Part>(&stored.to_string()).unwrap(), read);
            assert_eq!(serde_json::to_value(&read).unwrap(), stored);
        }
        assert_eq!((part(None, false).drawn(), part(Some(250_000), true).probability()), (None, Some(0.25)));
    }

    #[test]
    fn the_first_variant_that_was_seen_is_remembered_and_the_memory_is_bounded() {
        let drawn = |experiment, cell| Drawn { experiment, cell, propensity: 999_999 };
        assert_eq!(Drawn::from_bytes(drawn(0xdead_beef, 31).to_bytes()), drawn(0xdead_beef, 31));
        let mut memory = Memory::default();
        memory.see(&[drawn(1, 0), drawn(2, 5)]);
        memory.see(&[drawn(2, 0), drawn(1, 1)]);
        assert_eq!(memory.0, [drawn(1, 0), drawn(2, 5)]);
        (3..=REMEMBERED as u32 + 1).for_each(|n| memory.see(&[drawn(n, 0)]));
        assert_eq!((memory.0.len(), memory.0[0]), (REMEMBERED, drawn(2, 5)));
        let stored = serde_json::to_string(&memory).unwrap();
        assert_eq!(serde_json::from_str::<Memory>(&stored).unwrap(), memory);
    }
}
