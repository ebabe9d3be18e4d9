//! What a shop's events may be used for when they say nothing themselves: the setting `shop` / `privacy`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use vitrine_domain::consent::Purpose;
use vitrine_domain::time::SECOND;
use vitrine_domain::{Millis, Purposes, Shop};
use vitrine_store::{Result, Table};

/// Kind of the setting.
const KIND: &str = "shop";
/// Its identifier.
const ID: &str = "privacy";
/// How long a setting is trusted.
const TRUST: i64 = 30 * SECOND;
/// Shops remembered at once.
const MEMORY: usize = 1024;

/// The setting: `{"default_purposes": ["measure"]}`, or the set as it is stored in events.
#[derive(Debug, Deserialize)]
struct Privacy {
    default_purposes: Default,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Default {
    Stored(Purposes),
    Named(Vec<Purpose>),
}

/// Reads the setting of a shop; everything is granted where there is none. One that cannot be read grants nothing: a
/// shop that wrote it meant to restrict something.
fn default_of(setting: Option<Value>, shop: &Shop) -> Purposes {
    let Some(setting) = setting else { return Purposes::ALL };
    match serde_json::from_value(setting) {
        Ok(Privacy { default_purposes: Default::Stored(purposes) }) => purposes,
        Ok(Privacy { default_purposes: Default::Named(names) }) => {
            names.into_iter().fold(Purposes::NONE, Purposes::with)
        }
        Err(error) => {
            tracing::warn!(%shop, %error, "the privacy setting cannot be read; nothing is granted");
            Purposes::NONE
        }
    }
}

/// The settings read lately.
#[derive(Debug, std::default::Default)]
pub(crate) struct Consent(Mutex<HashMap<Shop, (Millis, Purposes)>>);

impl Consent {
    /// The default purposes of a shop's events.
    pub(crate) async fn of(&self, table: &Table, shop: &Shop, now: Millis) -> Result<Purposes> {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(shop).copied();
        if let Some((at, purposes)) = remembered
            && now.since(at) < TRUST
        {
            return Ok(purposes);
        }
        let settings = table.settings::<Value>(shop, KIND).await?;
        let setting = settings.into_iter().find(|setting| setting.id == ID).map(|setting| setting.value);
        let purposes = default_of(setting, shop);
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= MEMORY {
            memory.clear();
        }
        memory.insert(shop.clone(), (now, purposes));
        Ok(purposes)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_and_what_they_grant() {
        let shop = Shop::new("demo").unwrap();
        for (setting, expected) in [
            (None, Purposes::ALL),
            (Some(json!({"default_purposes": ["measure"]})), Purposes::NONE.with(Purpose::Measure)),
            (Some(json!({"default_purposes": []})), Purposes::NONE),
            (Some(json!({"default_purposes": Purposes::ALL})), Purposes::ALL),
            (Some(json!({"default_purposes": 3})), Purposes::NONE.with(Purpose::Measure).with(Purpose::Personalise)),
            (Some(json!({"default_purposes": ["everything"]})), Purposes::NONE),
            (Some(json!({})), Purposes::NONE),
        ] {
            assert_eq!(default_of(setting.clone(), &shop), expected, "{setting:?}");
        }
    }
}
