//! How a shop's models are trained and kept: the setting `shop` / `training`. A stored setting names only what it changes.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vitrine_domain::Shop;

use crate::{Result, Table};

/// Kind of the setting.
pub const KIND: &str = "shop";
/// Its identifier.
pub const ID: &str = "training";

/// The setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// Newest versions that are kept to go back to; the live one always is.
    pub keep: usize,
    /// Whether a model that shows worse than the live one on the newest days is refused.
    pub gate: bool,
    /// With fewer people to judge by, a model is published without being compared.
    pub gate_cases: usize,
    /// Whether a training goes on from the live version instead of from nothing, while nothing was erased since.
    pub warm: bool,
    /// Most actions on products that are learned from; more is an error.
    pub actions: usize,
    /// Most memory that a training may be expected to take, in MB; more is an error.
    pub memory_mb: usize,
    /// Threads of a training; zero is one for each core.
    pub threads: usize,
}

impl Default for Training {
    fn default() -> Self {
        Self { keep: 3, gate: true, gate_cases: 50, warm: false, actions: 20_000_000, memory_mb: 16_000, threads: 0 }
    }
}

impl Training {
    /// The members that are out of their range, each with what it has to be.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let rules = [
            ("keep", (1..=20).contains(&self.keep), "1 to 20"),
            ("gate_cases", (10..=100_000).contains(&self.gate_cases), "10 to 100,000"),
            ("actions", (1..=1_000_000_000).contains(&self.actions), "1 to 1,000,000,000"),
            ("memory_mb", (100..=1_000_000).contains(&self.memory_mb), "100 to 1,000,000"),
            ("threads", self.threads <= 256, "0 to 256"),
        ];
        rules.into_iter().filter(|(_, holds, _)| !holds).map(|(name, _, rule)| (name, rule)).collect()
    }
}

impl Table {
    /// How a shop's models are trained, and the version of the setting; zero where there is none. One that cannot be read
    /// is as if it were not there.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn training(&self, shop: &Shop) -> Result<(Training, u64)> {
        let Some(setting) = self.setting::<Value>(shop, KIND, ID).await? else {
            return Ok((Training::default(), 0));
        };
        let training = serde_json::from_value(setting.value).unwrap_or_else(|error| {
            tracing::warn!(%shop, %error, "the training setting cannot be read; the shipped one is used");
            Training::default()
        });
        Ok((training, setting.version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_setting_names_only_what_it_changes_and_a_value_out_of_range_is_named() {
        let training: Training = serde_json::from_str(r#"{"keep": 5, "warm": true}"#).unwrap();
        assert_eq!(training, Training { keep: 5, warm: true, ..Training::default() });
        assert!(training.faults().is_empty());
        assert!(serde_json::from_str::<Training>(r#"{"kep": 5}"#).is_err());
        let wrong = Training { keep: 0, threads: 257, ..Training::default() };
        assert_eq!(wrong.faults(), [("keep", "1 to 20"), ("threads", "0 to 256")]);
    }
}
