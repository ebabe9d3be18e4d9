//! The pointer to the live model, flipped by a conditional write, and the versions behind it.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem};
use serde::{Deserialize, Serialize};
use vitrine_domain::{Millis, Shop};

use crate::calls::Call;
use crate::error::classify;
use crate::table::{Table, document, item, key, version_of, with_version};
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

/// Who made a kept version live, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The name of whoever signed in, or the key's id.
    pub author: String,
    /// When.
    pub at: Millis,
}

/// What the shop's pointer says.
#[derive(Debug, Serialize, Deserialize)]
struct Pointer<L> {
    #[serde(flatten)]
    live: L,
    /// None of a version that a training made live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chosen: Option<Choice>,
}

impl Table {
    /// The live model, and who went back to it if somebody did.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn live_model_and_choice(&self, shop: &Shop) -> Result<Option<(Live, Option<Choice>)>> {
        Ok(self.pointer(shop).await?.map(|(pointer, _)| (pointer.live, pointer.chosen)))
    }

    async fn pointer(&self, shop: &Shop) -> Result<Option<(Pointer<Live>, u64)>> {
        let found = self.get(keys::models(shop), keys::CURRENT).await?;
        found.map(|item| Ok((document(&item, "model pointer")?, version_of(&item)))).transpose()
    }

    /// The live model and the number of times the pointer was flipped.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn live_model(&self, shop: &Shop) -> Result<Option<(Live, u64)>> {
        Ok(self.pointer(shop).await?.map(|(pointer, flips)| (pointer.live, flips)))
    }

    /// Points the shop at a model, if the pointer still stands where the caller saw it (zero: there was none).
    ///
    /// # Errors
    /// [`Error::Conflict`] if another training was faster.
    pub async fn publish_model(&self, shop: &Shop, live: &Live, seen: u64) -> Result<()> {
        let pointer = with_version(item(keys::models(shop), keys::CURRENT, "model pointer", live)?, seen + 1);
        let version = item(keys::models(shop), keys::model(&live.version), "model", live)?;
        let condition = if seen == 0 { "attribute_not_exists(PK)" } else { "v = :seen" };
        let mut flip = self.put_of(pointer, Some(condition))?;
        if seen > 0 {
            flip.expression_attribute_values = Some([(":seen".to_owned(), AttributeValue::N(seen.to_string()))].into());
        }
        let failed = self.transact(vec![flip, self.put_of(version, None)?]).await?;
        if failed.is_empty() { Ok(()) } else { Err(Error::Conflict { what: "model pointer" }) }
    }

    /// A published version, if it is still kept: its files, and the changes of the catalogue from its `delta_from` on, are
    /// there as long as it is.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn model_version(&self, shop: &Shop, version: &str) -> Result<Option<Live>> {
        let found = self.get(keys::models(shop), &keys::model(version)).await?;
        found.map(|item| document(&item, "model")).transpose()
    }

    /// All published versions that are still kept, oldest first.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn model_versions(&self, shop: &Shop) -> Result<Vec<Live>> {
        let items = self.all(&keys::models(shop), ("V#", "V$")).await?;
        items.iter().map(|item| document(item, "model")).collect()
    }

    /// Points the shop at a version that is kept, newer or older, if the pointer still stands where the caller saw it.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the pointer was flipped meanwhile, or the version is kept no longer.
    pub async fn activate_model(&self, shop: &Shop, version: &Live, seen: u64, by: Choice) -> Result<()> {
        let pointer = Pointer { live: version, chosen: Some(by) };
        let pointer = with_version(item(keys::models(shop), keys::CURRENT, "model pointer", &pointer)?, seen + 1);
        let mut flip = self.put_of(pointer, Some("v = :seen"))?;
        flip.expression_attribute_values = Some([(":seen".to_owned(), AttributeValue::N(seen.to_string()))].into());
        // Written as it was: what counts is that it is still there.
        let kept = item(keys::models(shop), keys::model(&version.version), "model", version)?;
        let kept = self.put_of(kept, Some("attribute_exists(PK)"))?;
        let failed = self.transact(vec![flip, kept]).await?;
        if failed.is_empty() { Ok(()) } else { Err(Error::Conflict { what: "model pointer" }) }
    }

    /// Forgets a version, if the pointer still stands where the caller saw it: nobody can have gone back to the version
    /// meanwhile.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the pointer was flipped meanwhile.
    pub async fn forget_model(&self, shop: &Shop, version: &str, seen: u64) -> Result<()> {
        let unmoved = ConditionCheck::builder()
            .table_name(&self.name)
            .set_key(Some(key(keys::models(shop), keys::CURRENT)))
            .condition_expression("v = :seen")
            .expression_attribute_values(":seen", AttributeValue::N(seen.to_string()))
            .build()
            .map_err(|e| Error::corrupt("condition", e))?;
        let unmoved = TransactWriteItem::builder().condition_check(unmoved).build();
        let forget = self.delete_of(key(keys::models(shop), keys::model(version)))?;
        let failed = self.transact_all(vec![unmoved, forget]).await?;
        if failed.is_empty() { Ok(()) } else { Err(Error::Conflict { what: "model pointer" }) }
    }

    /// How often something was erased from the shop's events. A model that was trained at another count may remember what
    /// is gone, so nothing is learned on from it.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn erasures(&self, shop: &Shop) -> Result<u64> {
        let found = self.get(keys::models(shop), keys::ERASURES).await?;
        Ok(found.as_ref().map(version_of).unwrap_or_default())
    }

    /// Counts an erasure. Whoever erases events says so *after* the last of them is gone from the lake: a training that
    /// read the lake before then has read a smaller count.
    ///
    /// # Errors
    /// If the table fails; counting once too often is harmless.
    pub async fn note_erasure(&self, shop: &Shop) -> Result<()> {
        let call = self.client.update_item().table_name(&self.name);
        let call = call.set_key(Some(key(keys::models(shop), keys::ERASURES)));
        let call =
            call.update_expression("ADD v :one").expression_attribute_values(":one", AttributeValue::N("1".into()));
        call.ask().await.map_err(|e| classify("UpdateItem", e))?;
        Ok(())
    }
}
