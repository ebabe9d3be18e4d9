//! A shop's settings, versioned, each written only over the version it was made from.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use vitrine_domain::Shop;

use crate::table::{Table, document, item, sort_key, version_of, with_version};
use crate::{Error, Result, keys};

/// A setting and the version it stands at.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned<T> {
    /// Its identifier within its kind.
    pub id: String,
    /// Grows by one with every change.
    pub version: u64,
    /// The setting.
    pub value: T,
}

impl Table {
    /// All settings of a kind.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn settings<T: DeserializeOwned>(&self, shop: &Shop, kind: &'static str) -> Result<Vec<Versioned<T>>> {
        let items = self.all(&keys::settings(shop), (&format!("{kind}#"), &format!("{kind}$"))).await?;
        let read = |item: &crate::table::Item| {
            let id = keys::unescape(sort_key(item).split_once('#').map_or("", |(_, id)| id));
            Ok(Versioned { id, version: version_of(item), value: document(item, kind)? })
        };
        items.iter().map(read).collect()
    }

    /// Writes a setting over the version it was made from; zero for a new one.
    ///
    /// # Errors
    /// [`Error::Conflict`] if somebody else changed it meanwhile.
    pub async fn put_setting<T: Serialize>(
        &self,
        shop: &Shop,
        kind: &'static str,
        id: &str,
        value: &T,
        from: u64,
    ) -> Result<()> {
        let stored = item(keys::settings(shop), format!("{kind}#{}", keys::escape(id)), kind, value)?;
        let condition = if from == 0 { "attribute_not_exists(PK)" } else { "v = :from" };
        let mut put = self.put_of(with_version(stored, from + 1), Some(condition))?;
        if from > 0 {
            put.expression_attribute_values = Some([(":from".to_owned(), AttributeValue::N(from.to_string()))].into());
        }
        let failed = self.transact(vec![put]).await?;
        if failed.is_empty() { Ok(()) } else { Err(Error::Conflict { what: kind }) }
    }

    /// Removes a setting; one that is gone already is no error.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn remove_setting(&self, shop: &Shop, kind: &'static str, id: &str) -> Result<()> {
        self.delete(keys::settings(shop), &format!("{kind}#{}", keys::escape(id))).await
    }
}
