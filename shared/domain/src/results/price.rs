//! What the cloud takes for what a shop does.

use serde::{Deserialize, Serialize};

use crate::{Fault, Millis};

/// Most pages that prices are from, and the longest of all texts.
const MAX_SOURCES: usize = 20;
const MAX_TEXT: usize = 300;
/// Highest price, in dollars.
const MOST: f64 = 1e6;

/// Dollars for what a shop does, as `vitrine-cost --json` prints them: a recorded run, multiplied by dated list prices. Whatever an
/// account gets for nothing is not taken off, and every call is charged as if it came alone, so it is at most that.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudPrices {
    /// Where.
    pub region: String,
    /// For which day the oldest of the prices is known, such as `2026-11-01`.
    pub as_of: String,
    /// Whether all of them were compared with the pages that they are from.
    pub verified: bool,
    /// These pages.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Which run was multiplied.
    pub recorded: String,
    /// Dollars for a million lists.
    pub million_decisions: f64,
    /// Dollars for a million events.
    pub million_events: f64,
    /// Dollars of a month in which nobody comes: storage, schedules, trainings.
    pub month: f64,
}

impl CloudPrices {
    /// What is wrong with them: where, and how to mend it.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (at, price) in [
            ("/million_decisions", self.million_decisions),
            ("/million_events", self.million_events),
            ("/month", self.month),
        ] {
            if !(0.0..=MOST).contains(&price) {
                faults.push(Fault::new(at, "0 to 1,000,000"));
            }
        }
        for (at, text) in [("/region", &self.region), ("/recorded", &self.recorded)] {
            if text.is_empty() || text.len() > MAX_TEXT {
                faults.push(Fault::new(at, "1 to 300 bytes"));
            }
        }
        if Millis::parse(&self.as_of).is_none_or(|time| time.day() != self.as_of) {
            faults.push(Fault::new("/as_of", "a day, such as `2026-11-30`"));
        }
        let is_page = |source: &String| source.starts_with("https://") && source.len() <= MAX_TEXT;
        if self.sources.len() > MAX_SOURCES || !self.sources.iter().all(is_page) {
            faults.push(Fault::new("/sources", "at most 20 addresses that begin with `https://`, of 300 bytes each"));
        }
        faults
    }

    /// Dollars for so many lists.
    #[must_use]
    pub fn of_decisions(&self, decisions: u64) -> f64 {
        self.million_decisions * super::real(decisions) / 1e6
    }

    /// Dollars for so many events.
    #[must_use]
    pub fn of_events(&self, events: u64) -> f64 {
        self.million_events * super::real(events) / 1e6
    }
}
