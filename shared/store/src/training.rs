//! How a shop's models are trained and kept: the setting `shop` / `training`. A stored setting names only what it changes.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vitrine_domain::{Fault, Shop};

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
    /// What a stored setting says; as shipped where there is none, or one that cannot be read.
    #[must_use]
    pub fn read(setting: Option<Value>) -> Self {
        let read = setting.map(serde_json::from_value).transpose().inspect_err(|error| {
            tracing::warn!(%error, "a training setting cannot be read; the shipped one is used");
        });
        read.unwrap_or_default().unwrap_or_default()
    }

    /// The members that are out of their range, each with what it has to be.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let rules = [
            ("/keep", (1..=20).contains(&self.keep), "1 to 20"),
            ("/gate_cases", (10..=100_000).contains(&self.gate_cases), "10 to 100,000"),
            ("/actions", (1..=1_000_000_000).contains(&self.actions), "1 to 1,000,000,000"),
            ("/memory_mb", (100..=1_000_000).contains(&self.memory_mb), "100 to 1,000,000"),
            ("/threads", self.threads <= 256, "0 to 256"),
        ];
        rules.into_iter().filter(|(_, holds, _)| !holds).map(|(at, _, how)| Fault::new(at, how)).collect()
    }
}

impl Table {
    /// How a shop's models are trained.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn training(&self, shop: &Shop) -> Result<Training> {
        Ok(Training::read(self.setting(shop, KIND, ID).await?.map(|setting| setting.value)))
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
        assert_eq!(wrong.faults(), [Fault::new("/keep", "1 to 20"), Fault::new("/threads", "0 to 256")]);
        assert_eq!(Training::read(Some(serde_json::json!({"keep": "many"}))), Training::default());
    }
}
