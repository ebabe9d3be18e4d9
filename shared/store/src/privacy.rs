//! What a shop's events may be used for when they say nothing themselves: the setting `shop` / `privacy`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vitrine_domain::{Purpose, Purposes, Shop};

use crate::{Result, Table};

/// Kind of the setting.
pub const KIND: &str = "shop";
/// Its identifier.
pub const ID: &str = "privacy";

/// The setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privacy {
    /// What events without a consent signal may be used for.
    pub default_purposes: Vec<Purpose>,
}

impl Privacy {
    /// The purposes as a set.
    #[must_use]
    pub fn purposes(&self) -> Purposes {
        self.default_purposes.iter().copied().fold(Purposes::NONE, Purposes::with)
    }

    /// The same with every purpose once, in one order.
    #[must_use]
    pub fn in_order(&self) -> Self {
        let granted = self.purposes();
        Self { default_purposes: Purpose::ALL.into_iter().filter(|purpose| granted.allows(*purpose)).collect() }
    }

    /// What a stored setting grants; everything where there is none. One that cannot be read grants nothing: a shop that
    /// wrote it meant to restrict something.
    #[must_use]
    pub fn read(setting: Option<Value>) -> Self {
        let Some(setting) = setting else { return Self { default_purposes: Purpose::ALL.to_vec() } };
        serde_json::from_value(setting).unwrap_or_else(|error| {
            tracing::warn!(%error, "a privacy setting cannot be read; nothing is granted");
            Self { default_purposes: Vec::new() }
        })
    }
}

impl Table {
    /// What events of a shop may be used for when they say nothing themselves.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn default_purposes(&self, shop: &Shop) -> Result<Purposes> {
        Ok(Privacy::read(self.setting(shop, KIND, ID).await?.map(|setting| setting.value)).purposes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_and_what_they_grant() {
        let measure = Purposes::NONE.with(Purpose::Measure);
        for (setting, expected) in [
            (None, Purposes::ALL),
            (Some(json!({"default_purposes": ["measure"]})), measure),
            (Some(json!({"default_purposes": []})), Purposes::NONE),
            (Some(json!({"default_purposes": ["everything"]})), Purposes::NONE),
            (Some(json!({})), Purposes::NONE),
        ] {
            assert_eq!(Privacy::read(setting.clone()).purposes(), expected, "{setting:?}");
        }
    }
}
