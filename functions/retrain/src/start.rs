//! Where a training starts from: nothing, or the live version.
//!
//! A model remembers what it was trained on, and one that goes on from it does too. So a training starts from the live
//! version only while nothing was erased from the shop's events since that one (or the version it went on from) was
//! trained: erasures are counted ([`Table::erasures`](vitrine_store::Table::erasures)), each model's card has the count
//! that was read before its events were, and only equal counts go on from one another.

use serde::{Deserialize, Serialize};

/// Where a training starts from; part of the card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "start", rename_all = "snake_case")]
pub enum Start {
    /// From nothing.
    Cold {
        /// Why.
        reason: String,
    },
    /// From a version.
    Warm {
        /// Which one.
        parent: String,
    },
}

/// What a live version is to a training that may start from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parent<'a> {
    /// Its name.
    pub(crate) version: &'a str,
    /// How often something had been erased before its events were read; none if its card does not say.
    pub(crate) erasures: Option<u64>,
}

/// Decides where to start from. `erasures` is the count now, read before the events are.
pub(crate) fn decide(wanted: bool, erasures: u64, parent: Option<Parent<'_>>) -> Start {
    let cold = |reason: &str| Start::Cold { reason: reason.to_owned() };
    match parent {
        _ if !wanted => cold("as the shop's training setting says"),
        None => cold("there was no live model"),
        Some(Parent { erasures: None, .. }) => cold("the live model does not say what had been erased before it"),
        Some(Parent { erasures: Some(then), .. }) if then != erasures => {
            cold("something was erased since the live model was trained")
        }
        Some(Parent { version, .. }) => Start::Warm { parent: version.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_training_goes_on_only_from_what_has_seen_nothing_that_is_erased() {
        let live = |erasures| Some(Parent { version: "v", erasures });
        let warm = |wanted, now, parent| matches!(decide(wanted, now, parent), Start::Warm { parent } if parent == "v");
        assert!(warm(true, 0, live(Some(0))) && warm(true, 7, live(Some(7))));
        assert!(!warm(false, 0, live(Some(0))), "cold unless asked for");
        assert!(!warm(true, 0, None));
        assert!(!warm(true, 0, live(None)), "a model from before erasures were counted");
        assert!(!warm(true, 1, live(Some(0))));
        // Gone back to a version from after an erasure that the count, read too early, does not show yet.
        assert!(!warm(true, 0, live(Some(1))));
    }
}
