//! A shop's settings, versioned, each written only over the version it was made from; and what they were before.
//!
//! Every change raises the shop's **revision** by one, and one transaction writes the setting, the revision and an entry
//! that holds what the setting was before. So what stands in the table at a revision never changes, and any revision of
//! the last 100 days can be read: what stands now, and the entries since undone, newest first.
//!
//! | item | SK | attributes |
//! |---|---|---|
//! | setting | `<kind>#<id>` | `d` document, `v` its version, `r` revision that wrote it (absent: before revisions) |
//! | revision | `revision` | `v` the shop's revision (absent: 0) |
//! | what was before | `~H#<revision, 12 digits>` | `k` the setting's SK; its `d`, `v` and `r` before this revision, none if it was not there; `e` expiry |
//!
//! An entry's 100 days begin when what it holds was replaced, so the newest state of a setting never expires.

mod snapshot;
mod write;

use serde::de::DeserializeOwned;
use vitrine_domain::Shop;

use crate::table::{Item, Table, document, sort_key, version_of};
use crate::{Result, keys};

pub use snapshot::Snapshot;

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

/// The identifier in a setting's sort key.
fn id_of(item: &Item) -> String {
    keys::unescape(sort_key(item).split_once('#').map_or("", |(_, id)| id))
}

impl Table {
    /// All settings of a kind.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn settings<T: DeserializeOwned>(&self, shop: &Shop, kind: &'static str) -> Result<Vec<Versioned<T>>> {
        let items = self.all(&keys::settings(shop), (&format!("{kind}#"), &format!("{kind}$"))).await?;
        let read =
            |item: &Item| Ok(Versioned { id: id_of(item), version: version_of(item), value: document(item, kind)? });
        items.iter().map(read).collect()
    }
}
