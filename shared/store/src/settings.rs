//! A shop's settings, versioned, each written only over the version it was made from; and what they were before.
//!
//! Every change raises the shop's **revision** by one, and one transaction writes the setting, the revision and an entry
//! that holds what the setting was before. So what stands in the table at a revision never changes, and any revision of
//! the last 100 days can be read: what stands now, and the entries since undone, newest first.
//!
//! | item | SK | attributes |
//! |---|---|---|
//! | setting | `<kind>#<id>` | `d` document, `v` its version, `r` revision that wrote it (absent: before revisions), `a` who wrote it (absent: the program itself, or before authors were noted), `t` when |
//! | revision | `revision` | `v` the shop's revision (absent: 0) |
//! | what was before | `~H#<revision, 12 digits>` | `k` the setting's SK; its `d`, `v`, `r`, `a` and `t` before this revision, none if it was not there; `ca` and `ct` who made this revision and when; `e` expiry |
//!
//! The same entries are the history of each setting, of every kind: [`Table::setting_history`]. An entry's 100 days begin when what it holds was replaced, so the newest state of a setting never expires.

mod history;
mod snapshot;
mod write;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use vitrine_domain::{Millis, Shop};

use crate::table::{Item, Table, document, sort_key, version_of};
use crate::{Result, keys};

pub use history::{HISTORY, Removed, State};
pub use snapshot::Snapshot;
pub(crate) use write::pause;

/// Kind of placements, by their names.
pub const PLACEMENT: &str = "placement";
/// Kind of rules.
pub const RULE: &str = "rule";
/// Kind of segments: a definition, or `null` for a shipped one that the shop removed.
pub const SEGMENT: &str = "segment";
/// Kind of experiments.
pub const EXPERIMENT: &str = "experiment";
/// Kind of the one setting of who is held out of all experiments, whose identifier is [`ONE`].
pub const HOLD_OUT: &str = "hold-out";
/// Kind of the one scale of customers, which the daily sweep writes, whose identifier is [`ONE`].
pub const SCALE: &str = "rfm";
/// Kind of the one setting of how results are made, whose identifier is [`ONE`].
pub const ATTRIBUTION: &str = "attribution";
/// Kind of the one setting of what the cloud takes, whose identifier is [`ONE`].
pub const CLOUD_PRICES: &str = "cloud-prices";
/// Identifier of a setting that there is one of.
pub const ONE: &str = "shop";
/// What decisions are made from: side by side in the order of keys, nothing else between.
pub const OF_DECISIONS: [&str; 6] = [EXPERIMENT, HOLD_OUT, PLACEMENT, SCALE, RULE, SEGMENT];

/// A setting and the version it stands at.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned<T> {
    /// Its identifier within its kind.
    pub id: String,
    /// Grows by one with every change.
    pub version: u64,
    /// The setting.
    pub value: T,
    /// Who wrote it; none for the program itself, and for what was written before authors were noted.
    pub author: Option<String>,
    /// When.
    pub written: Option<Millis>,
}

impl<T> Versioned<T> {
    /// A stored item with what was read from it.
    fn of(item: &Item, value: T) -> Self {
        let (author, written) = (text_of(item, write::AUTHOR), time_of(item, write::TIME));
        Self { id: id_of(item), version: version_of(item), value, author, written }
    }
}

fn text_of(item: &Item, name: &str) -> Option<String> {
    item.get(name).and_then(|value| value.as_s().ok()).cloned()
}

fn time_of(item: &Item, name: &str) -> Option<Millis> {
    item.get(name).map(AttributeValue::as_n).and_then(|n| n.ok()?.parse().ok()).map(Millis)
}

/// The identifier in a setting's sort key.
fn id_of(item: &Item) -> String {
    keys::unescape(sort_key(item).split_once('#').map_or("", |(_, id)| id))
}

impl Table {
    /// One setting, by a name that the program gives it; none if it is as shipped.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn setting<T: DeserializeOwned>(
        &self,
        shop: &Shop,
        kind: &'static str,
        id: &'static str,
    ) -> Result<Option<Versioned<T>>> {
        let item = self.get(keys::settings(shop), &keys::setting(kind, id)).await?;
        item.map(|item| Ok(Versioned::of(&item, document(&item, kind)?))).transpose()
    }

    /// All settings of a kind.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn settings<T: DeserializeOwned>(&self, shop: &Shop, kind: &'static str) -> Result<Vec<Versioned<T>>> {
        let items = self.all(&keys::settings(shop), (&format!("{kind}#"), &format!("{kind}$"))).await?;
        let read = |item: &Item| Ok(Versioned::of(item, document(item, kind)?));
        items.iter().map(read).collect()
    }
}
