//! Vectors that a shop computed itself: which sets there are, and where their bytes lie. What is in them is no concern of
//! the store.

use serde::{Deserialize, Serialize};
use vitrine_domain::{Millis, Shop};

use crate::settings::Versioned;
use crate::table::nonce;
use crate::{Objects, Result, Table};

/// Kind of the setting that lists a set.
pub const KIND: &str = "vectors";

/// A set of vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorSet {
    /// Where its bytes are in the object store: another key for every upload.
    pub object: String,
    /// Numbers of a vector.
    pub dims: usize,
    /// Products that have one.
    pub products: usize,
    /// Visitors that have one.
    pub visitors: usize,
    /// Size of the object in bytes.
    pub bytes: usize,
    /// When it was uploaded.
    pub uploaded: Millis,
}

/// Folder of a shop's sets.
#[must_use]
pub fn folder(shop: &Shop) -> String {
    format!("shops/{shop}/vectors")
}

/// How the name of identifiers ends that wait for their matrix. It begins with their time, so that they do not wait for ever.
const IDS: &str = "-ids.json";

/// Whether an object of a shop's sets is identifiers that wait for their matrix.
#[must_use]
pub fn is_ids(key: &str) -> bool {
    key.ends_with(IDS)
}

/// A key of the object store for identifiers that wait for the matrix of a set, never used before; a later one comes after it.
///
/// # Errors
/// If the operating system gives no random numbers.
pub fn new_ids(shop: &Shop, name: &str, now: Millis) -> Result<String> {
    Ok(format!("{}{IDS}", VectorSet::new_object(shop, name, now)?))
}

impl VectorSet {
    /// A key of the object store for the bytes of a set, never used before.
    ///
    /// # Errors
    /// If the operating system gives no random numbers.
    pub fn new_object(shop: &Shop, name: &str, now: Millis) -> Result<String> {
        Ok(format!("{}/{name}/{}-{}", folder(shop), now.sort_key(), nonce()?))
    }
}

impl Table {
    /// The sets of a shop, in the order of their names.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn vector_sets(&self, shop: &Shop) -> Result<Vec<Versioned<VectorSet>>> {
        self.settings(shop, KIND).await
    }

    /// Lists a set whose bytes are stored, over the version it replaces, and removes the bytes of that one.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) if somebody else wrote the set meanwhile.
    pub async fn put_vector_set(
        &self,
        objects: &Objects,
        shop: &Shop,
        name: &str,
        set: &VectorSet,
        over: Option<&Versioned<VectorSet>>,
    ) -> Result<()> {
        self.put_setting(shop, KIND, name, set, over.map_or(0, |old| old.version)).await?;
        if let Some(old) = over
            && let Err(error) = objects.delete(&old.value.object).await
        {
            // It lies there unnamed until the set is removed.
            tracing::warn!(%shop, name, cause = %error, "replaced vectors could not be deleted");
        }
        Ok(())
    }

    /// Forgets a set, and then its bytes.
    ///
    /// # Errors
    /// If a store fails; doing it again is right.
    pub async fn remove_vector_set(&self, objects: &Objects, shop: &Shop, name: &str) -> Result<()> {
        self.remove_setting(shop, KIND, name, None, "").await?;
        for entry in objects.list(&format!("{}/{name}", folder(shop))).await? {
            objects.delete(&entry.key).await?;
        }
        Ok(())
    }
}
