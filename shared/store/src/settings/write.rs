//! Changes of settings: the setting, the shop's revision and what was before, in one transaction.

use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};
use serde::Serialize;
use vitrine_domain::time::DAY;
use vitrine_domain::{Millis, Shop};

use crate::keys::REVISION;
use crate::table::{Item, Table, is_contended, item, key, text, version_of, with_expiry, with_version};
use crate::{Error, Result, keys};

/// Days for which it can be read what a setting was: longer than a decision made with it is kept.
const DAYS: i64 = 100;
/// How often a change is tried again when others change other settings of the shop at the same time.
const ATTEMPTS: u32 = 12;

/// A change of one setting.
struct Change<'a> {
    kind: &'static str,
    pk: &'a str,
    sk: &'a str,
    /// What it shall be; none to remove it.
    new: Option<Item>,
    /// The version it is made from, zero for a new one; none to take whatever there is.
    from: Option<u64>,
    /// Who makes it; empty for the program itself.
    by: &'a str,
}

impl Table {
    /// Writes a setting over the version it was made from; zero for a new one. Answers the shop's new revision.
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
    ) -> Result<u64> {
        self.put_setting_by(shop, kind, id, value, from, "").await
    }

    /// The same, with the name of whoever made the change.
    ///
    /// # Errors
    /// As above.
    pub async fn put_setting_by<T: Serialize>(
        &self,
        shop: &Shop,
        kind: &'static str,
        id: &str,
        value: &T,
        from: u64,
        by: &str,
    ) -> Result<u64> {
        let (pk, sk) = (keys::settings(shop), keys::setting(kind, id));
        let new = with_version(item(&pk, &sk, kind, value)?, from + 1);
        let changed = self.change(&Change { kind, pk: &pk, sk: &sk, new: Some(new), from: Some(from), by }).await?;
        Ok(changed.unwrap_or_default())
    }

    /// Removes a setting that stands at a version, or whatever its version. Answers the shop's new revision; none if it was
    /// gone already.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it stands at another version.
    pub async fn remove_setting(
        &self,
        shop: &Shop,
        kind: &'static str,
        id: &str,
        from: Option<u64>,
        by: &str,
    ) -> Result<Option<u64>> {
        let (pk, sk) = (keys::settings(shop), keys::setting(kind, id));
        self.change(&Change { kind, pk: &pk, sk: &sk, new: None, from, by }).await
    }

    async fn change(&self, change: &Change<'_>) -> Result<Option<u64>> {
        let conflict = || Error::Conflict { what: change.kind };
        for attempt in 0..ATTEMPTS {
            let (old, revision) =
                tokio::try_join!(self.get(change.pk.to_owned(), change.sk), self.get(change.pk.to_owned(), REVISION))?;
            if old.is_none() && change.new.is_none() {
                return Ok(None);
            }
            let matches = |from| if from == 0 { old.is_none() } else { old.as_ref().map(version_of) == Some(from) };
            if !change.from.is_none_or(matches) {
                return Err(conflict());
            }
            let seen = revision.as_ref().map(version_of).unwrap_or_default();
            match self.transact_all(self.writes(change, old.as_ref(), seen)?).await {
                Ok(failed) if failed.is_empty() => return Ok(Some(seen + 1)),
                Ok(failed) if failed.first() == Some(&true) && change.from.is_some() => return Err(conflict()),
                Ok(_) => {}
                Err(error) if is_contended(&error) => {}
                Err(error) => return Err(error),
            }
            pause(attempt).await?;
        }
        Err(Error::Unavailable { operation: "TransactWriteItems", source: "the shop's revision kept moving".into() })
    }

    /// The setting, the revision, and what was before.
    fn writes(&self, change: &Change<'_>, old: Option<&Item>, seen: u64) -> Result<Vec<TransactWriteItem>> {
        let revision = seen + 1;
        let clean_up = self.wall_clock();
        let mut by = Item::new();
        if let Some(now) = self.time().or(clean_up) {
            by.insert(TIME.to_owned(), AttributeValue::N(now.0.to_string()));
        }
        if !change.by.is_empty() {
            by.insert(AUTHOR.to_owned(), text(change.by));
        }
        let setting = match &change.new {
            Some(new) => {
                let mut new = new.clone();
                new.insert(REVISION_OF.to_owned(), AttributeValue::N(revision.to_string()));
                new.extend(by.clone());
                let mut put = self.put_of(new, Some(unmoved(old)))?;
                put.expression_attribute_values = old.map(values);
                TransactWriteItem::builder().put(put).build()
            }
            None => {
                let delete = Delete::builder().table_name(&self.name).set_key(Some(key(change.pk, change.sk)));
                let delete = delete
                    .condition_expression(unmoved(old))
                    .set_expression_attribute_values(old.map(values))
                    .build()
                    .map_err(|e| Error::corrupt("delete", e))?;
                TransactWriteItem::builder().delete(delete).build()
            }
        };
        let counter = with_version(key(change.pk, REVISION), revision);
        let condition = if seen == 0 { "attribute_not_exists(PK)" } else { "v = :seen" };
        let mut counter = self.put_of(counter, Some(condition))?;
        if seen > 0 {
            counter.expression_attribute_values =
                Some([(":seen".to_owned(), AttributeValue::N(seen.to_string()))].into());
        }
        let mut before = old.cloned().unwrap_or_default();
        before.extend(key(change.pk, keys::before(revision)));
        before.insert(SETTING.to_owned(), text(change.sk));
        before.extend(by.into_iter().map(|(name, value)| (format!("{OF_CHANGE}{name}"), value)));
        if let Some(now) = clean_up {
            before = with_expiry(before, now.plus(DAYS * DAY));
        }
        let counter = TransactWriteItem::builder().put(counter).build();
        Ok(vec![setting, counter, self.write_of(before)?])
    }

    /// The time that the table's own clean-up goes by, which no test moves.
    fn wall_clock(&self) -> Option<Millis> {
        let since = self.client.config().time_source()?.now().duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok().map(Millis)
    }
}

/// Attribute of the revision that wrote a setting.
pub(super) const REVISION_OF: &str = "r";
/// Attribute of the setting's sort key in an entry of what was before.
pub(super) const SETTING: &str = "k";

/// Attribute of who wrote a setting.
pub(super) const AUTHOR: &str = "a";
/// Attribute of when it was written, in milliseconds.
pub(super) const TIME: &str = "t";
/// Begins the attributes of the change itself in an entry of what was before.
pub(super) const OF_CHANGE: &str = "c";

/// The condition that a setting is still what was read. The version alone would not do: a setting that is removed and made
/// anew begins at one again.
fn unmoved(old: Option<&Item>) -> &'static str {
    match old {
        None => "attribute_not_exists(PK)",
        Some(old) if old.contains_key(REVISION_OF) => "v = :v AND r = :r",
        Some(_) => "v = :v AND attribute_not_exists(r)",
    }
}

/// The values in [`unmoved`].
fn values(old: &Item) -> Item {
    let named = [(":v", AttributeValue::N(version_of(old).to_string()))];
    let revision = old.get(REVISION_OF).map(|revision| (":r", revision.clone()));
    named.into_iter().chain(revision).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Waits a little, longer each time, and never as long as whoever was in the way.
pub(crate) async fn pause(attempt: u32) -> Result<()> {
    let most = 10_u64 << attempt.min(5);
    let chance = getrandom::u64().map_err(Error::Random)?;
    tokio::time::sleep(Duration::from_millis(chance % most + 1)).await;
    Ok(())
}
