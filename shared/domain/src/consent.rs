//! What an event may be used for. The purposes are part of every event from its first byte, so that code further down
//! cannot forget to ask.

use serde::{Deserialize, Serialize};

/// One use of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Counting visits and sales.
    Measure,
    /// Choosing what this visitor sees and learning from what they did.
    Personalise,
    /// Assigning the visitor to experiments.
    Experiment,
    /// Sending the visitor messages.
    Market,
}

impl Purpose {
    /// All of them, in the order of their bits.
    pub const ALL: [Self; 4] = [Self::Measure, Self::Personalise, Self::Experiment, Self::Market];

    const fn bit(self) -> u8 {
        match self {
            Self::Measure => 1,
            Self::Personalise => 2,
            Self::Experiment => 4,
            Self::Market => 8,
        }
    }
}

/// A set of purposes, stored as one small number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Purposes(u8);

impl Purposes {
    /// Nothing is allowed.
    pub const NONE: Self = Self(0);
    /// Everything is allowed.
    pub const ALL: Self = Self(15);

    /// This set and one purpose more.
    #[must_use]
    pub const fn with(self, purpose: Purpose) -> Self {
        Self(self.0 | purpose.bit())
    }

    /// This set without one purpose.
    #[must_use]
    pub const fn without(self, purpose: Purpose) -> Self {
        Self(self.0 & !purpose.bit())
    }

    /// Whether a purpose is in the set.
    #[must_use]
    pub const fn allows(self, purpose: Purpose) -> bool {
        self.0 & purpose.bit() != 0
    }

    /// Reads `context.consent.categoryPreferences` of the Segment protocol: a purpose named there is granted or refused,
    /// one that is not named keeps what the shop's setting says.
    #[must_use]
    pub fn from_preferences(default: Self, preferences: &serde_json::Map<String, serde_json::Value>) -> Self {
        let mut purposes = default;
        for (name, granted) in preferences {
            let Some(granted) = granted.as_bool() else {
                continue;
            };
            let purpose = match name.to_ascii_lowercase().as_str() {
                "measure" | "analytics" | "statistics" => Purpose::Measure,
                "personalise" | "personalize" | "personalization" | "functional" => Purpose::Personalise,
                "experiment" | "performance" => Purpose::Experiment,
                "market" | "marketing" | "advertising" => Purpose::Market,
                _ => continue,
            };
            purposes = if granted { purposes.with(purpose) } else { purposes.without(purpose) };
        }
        purposes
    }
}

impl Default for Purposes {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_refusal_wins_over_the_shop_setting() {
        let preferences = serde_json::json!({"Personalization": false, "Analytics": true, "unheard of": true});
        let purposes = Purposes::from_preferences(Purposes::ALL, preferences.as_object().unwrap());
        assert!(!purposes.allows(Purpose::Personalise));
        assert!(purposes.allows(Purpose::Measure) && purposes.allows(Purpose::Market));
        let purposes = Purposes::from_preferences(Purposes::NONE, preferences.as_object().unwrap());
        assert_eq!(purposes, Purposes::NONE.with(Purpose::Measure));
    }
}
