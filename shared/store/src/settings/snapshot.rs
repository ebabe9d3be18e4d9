//! All settings of some kinds as they stood at one revision, now or before.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use vitrine_domain::segment::in_force;
use vitrine_domain::{Segment, Shop};

use super::write::{REVISION_OF, SETTING};
use super::{ONE, SEGMENT, Versioned};
use crate::keys::REVISION;
use crate::table::{DOCUMENT, Item, Table, document_text, sort_key, text, version_of};
use crate::{Error, Result, keys};

/// All settings of some kinds at a revision.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The shop's revision: it grows by one with every change of any setting.
    pub revision: u64,
    kinds: BTreeMap<&'static str, Vec<Versioned<Box<RawValue>>>>,
}

impl Snapshot {
    /// The settings of a kind as they are stored, in the order of their keys; none of a kind that was not asked for.
    #[must_use]
    pub fn stored(&self, kind: &str) -> &[Versioned<Box<RawValue>>] {
        self.kinds.get(kind).map_or(&[], Vec::as_slice)
    }

    /// The settings of a kind.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn of<T: DeserializeOwned>(&self, kind: &'static str) -> Result<Vec<Versioned<T>>> {
        let read = |setting: &Versioned<Box<RawValue>>| {
            let value = serde_json::from_str(setting.value.get()).map_err(|e| Error::corrupt(kind, e))?;
            let Versioned { id, version, author, written, .. } = setting.clone();
            Ok(Versioned { id, version, value, author, written })
        };
        self.stored(kind).iter().map(read).collect()
    }
}

/// What can be read, for those who act upon settings: one that cannot must not take all others with it.
impl Snapshot {
    /// The settings of a kind that can be read.
    #[must_use]
    pub fn readable<T: DeserializeOwned>(&self, kind: &'static str) -> Vec<T> {
        self.stored(kind).iter().filter_map(|stored| read(kind, stored)).collect()
    }

    /// The one setting of a kind that there is one of.
    #[must_use]
    pub fn one<T: DeserializeOwned>(&self, kind: &'static str) -> Option<T> {
        self.stored(kind).iter().find(|stored| stored.id == ONE).and_then(|stored| read(kind, stored))
    }

    /// The shop's segments in the order of their ids: the shipped ones as it has changed them, and its own.
    #[must_use]
    pub fn segments(&self) -> Vec<Segment> {
        let own = self.stored(SEGMENT).iter();
        in_force(own.map(|stored| (stored.id.clone(), read::<Option<Segment>>(SEGMENT, stored).flatten())))
    }
}

fn read<T: DeserializeOwned>(kind: &'static str, stored: &Versioned<Box<RawValue>>) -> Option<T> {
    serde_json::from_str(stored.value.get())
        .inspect_err(|error| tracing::error!(kind, id = stored.id, %error, "a setting cannot be read"))
        .ok()
}

impl Table {
    /// All settings of some kinds at a revision; none is now.
    ///
    /// What is now is one query, over everything between the first and the last kind in alphabetical order: what a decision
    /// is made from lies side by side, the revision among it. A revision of the past takes a second one, over the changes since.
    ///
    /// # Errors
    /// [`Error::NotKept`] for a revision whose settings are no longer known or that never was; if the table fails or holds
    /// something unreadable.
    pub async fn settings_at(&self, shop: &Shop, kinds: &[&'static str], revision: Option<u64>) -> Result<Snapshot> {
        let (now, mut items) = self.settings_now(shop, kinds).await?;
        let revision = revision.unwrap_or(now);
        if revision != now {
            self.undo(shop, &mut items, revision, now).await?;
        }
        let mut snapshot = Snapshot { revision, ..Snapshot::default() };
        for kind in kinds {
            let of_kind = items.values().filter(|item| is_of(item, kind));
            snapshot.kinds.insert(kind, of_kind.map(|item| stored(item, kind)).collect::<Result<_>>()?);
        }
        Ok(snapshot)
    }

    async fn settings_now(&self, shop: &Shop, kinds: &[&'static str]) -> Result<(u64, BTreeMap<String, Item>)> {
        let low = kinds.iter().map(|kind| format!("{kind}#")).fold(REVISION.to_owned(), Ord::min);
        let high = kinds.iter().map(|kind| format!("{kind}$")).fold(REVISION.to_owned(), Ord::max);
        let mut revision = 0;
        let mut items = BTreeMap::new();
        for item in self.all(&keys::settings(shop), (&low, &high)).await? {
            // A query may meet a transaction half-way: whichever of its items came through names the revision.
            if sort_key(&item) == REVISION {
                revision = revision.max(version_of(&item));
            } else if kinds.iter().any(|kind| is_of(&item, kind)) {
                revision = revision.max(revision_of(&item));
                items.insert(sort_key(&item).to_owned(), item);
            }
        }
        Ok((revision, items))
    }

    /// Takes the settings of one revision back to those of an earlier one.
    async fn undo(&self, shop: &Shop, items: &mut BTreeMap<String, Item>, to: u64, from: u64) -> Result<()> {
        let not_kept = Error::NotKept { what: "settings" };
        if to > from {
            return Err(not_kept);
        }
        let entries =
            self.all(&keys::settings(shop), (&keys::before(to.saturating_add(1)), &keys::before(from))).await?;
        // Each revision has its entry until it expires, and with one missing the state before it is anybody's guess.
        if entries.len() as u64 != from - to {
            return Err(not_kept);
        }
        for mut entry in entries.into_iter().rev() {
            let setting = entry.remove(SETTING).and_then(|sk| sk.as_s().ok().cloned());
            let setting = setting.ok_or_else(|| Error::corrupt("settings of the past", "no key"))?;
            if entry.contains_key(DOCUMENT) {
                entry.insert("SK".to_owned(), text(setting.clone()));
                items.insert(setting, entry);
            } else {
                items.remove(&setting);
            }
        }
        Ok(())
    }
}

fn is_of(item: &Item, kind: &str) -> bool {
    sort_key(item).strip_prefix(kind).is_some_and(|rest| rest.starts_with('#'))
}

pub(super) fn revision_of(item: &Item) -> u64 {
    item.get(REVISION_OF).map(AttributeValue::as_n).and_then(|n| n.ok()?.parse().ok()).unwrap_or_default()
}

fn stored(item: &Item, kind: &'static str) -> Result<Versioned<Box<RawValue>>> {
    let text = document_text(item, kind)?.to_owned();
    let value = RawValue::from_string(text).map_err(|e| Error::corrupt(kind, e))?;
    Ok(Versioned::of(item, value))
}
