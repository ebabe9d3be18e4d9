//! The pointer to the live model, flipped by a conditional write, and the versions behind it.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use vitrine_domain::{Millis, Shop};

use crate::table::{Table, document, item, version_of, with_version};
use crate::{Error, Result, keys};

/// The live model of a shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// Version of the artifact: time of publication and a part of its hash.
    pub version: String,
    /// Where the artifact is in the object store.
    pub artifact: String,
    /// Where the catalogue it was built from is.
    pub catalogue: String,
    /// The catalogue holds every change written before this time; the delta begins here.
    pub delta_from: Millis,
    /// When it was published.
    pub published: Millis,
}

impl Table {
    /// The live model and the number of times the pointer was flipped.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn live_model(&self, shop: &Shop) -> Result<Option<(Live, u64)>> {
        let found = self.get(keys::models(shop), keys::CURRENT).await?;
        found.map(|item| Ok((document(&item, "model pointer")?, version_of(&item)))).transpose()
    }

    /// Points the shop at a model, if the pointer still stands where the caller saw it (zero: there was none).
    ///
    /// # Errors
    /// [`Error::Conflict`] if another training was faster.
    pub async fn publish_model(&self, shop: &Shop, live: &Live, seen: u64) -> Result<()> {
        let pointer = with_version(item(keys::models(shop), keys::CURRENT, "model pointer", live)?, seen + 1);
        let version = item(keys::models(shop), format!("V#{}", live.version), "model", live)?;
        let condition = if seen == 0 { "attribute_not_exists(PK)" } else { "v = :seen" };
        let mut flip = self.put_of(pointer, Some(condition))?;
        if seen > 0 {
            flip.expression_attribute_values = Some([(":seen".to_owned(), AttributeValue::N(seen.to_string()))].into());
        }
        let failed = self.transact(vec![flip, self.put_of(version, None)?]).await?;
        if failed.is_empty() { Ok(()) } else { Err(Error::Conflict { what: "model pointer" }) }
    }

    /// All published versions that are still kept, oldest first.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn model_versions(&self, shop: &Shop) -> Result<Vec<Live>> {
        let items = self.all(&keys::models(shop), ("V#", "V$")).await?;
        items.iter().map(|item| document(item, "model")).collect()
    }

    /// Forgets a version.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn forget_model(&self, shop: &Shop, version: &str) -> Result<()> {
        self.delete(keys::models(shop), &format!("V#{version}")).await
    }
}
