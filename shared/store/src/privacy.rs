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
}

/// What a stored setting grants; everything where there is none. One that cannot be read grants nothing: a shop that
/// wrote it meant to restrict something.
fn granted(setting: Option<Value>, shop: &Shop) -> Purposes {
    let Some(setting) = setting else { return Purposes::ALL };
    match serde_json::from_value::<Privacy>(setting) {
        Ok(privacy) => privacy.purposes(),
        Err(error) => {
            tracing::warn!(%shop, %error, "the privacy setting cannot be read; nothing is granted");
            Purposes::NONE
        }
    }
}

impl Table {
    /// What events of a shop may be used for when they say nothing themselves.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn default_purposes(&self, shop: &Shop) -> Result<Purposes> {
        Ok(granted(self.setting(shop, KIND, ID).await?.map(|setting| setting.value), shop))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_and_what_they_grant() {
        let shop = Shop::new("demo").unwrap();
        let measure = Purposes::NONE.with(Purpose::Measure);
        for (setting, expected) in [
            (None, Purposes::ALL),
            (Some(json!({"default_purposes": ["measure"]})), measure),
            (Some(json!({"default_purposes": []})), Purposes::NONE),
            (Some(json!({"default_purposes": ["everything"]})), Purposes::NONE),
            (Some(json!({})), Purposes::NONE),
        ] {
            assert_eq!(granted(setting.clone(), &shop), expected, "{setting:?}");
        }
    }
}
