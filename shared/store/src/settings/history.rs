//! What one setting was, change by change: read from the entries of what was before, which are there for every kind.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::value::RawValue;
use vitrine_domain::{Millis, Shop};

use super::snapshot::revision_of;
use super::write::{AUTHOR, OF_CHANGE, SETTING, TIME};
use super::{text_of, time_of};
use crate::error::classify;
use crate::table::{DOCUMENT, Item, Table, document_text, sort_key, text, version_of};
use crate::{Error, Result, keys};

/// Most states of a setting that are told, the present one among them.
pub const HISTORY: usize = 20;
/// Pages of the shop's changes that are looked through for one setting, of a megabyte each.
const PAGES: usize = 16;

/// What a setting was from one of its changes to the next.
#[derive(Debug, Clone)]
pub struct State {
    /// The shop's revision that began it; zero for one from before revisions were counted.
    pub revision: u64,
    /// The setting's version; none where it was not there.
    pub version: Option<u64>,
    /// Who made it so; none for the program itself, and where it was not noted.
    pub author: Option<String>,
    /// When.
    pub written: Option<Millis>,
    /// The document; none where it was removed, or not there yet.
    pub value: Option<Box<RawValue>>,
}

impl State {
    fn of(kind: &'static str, item: &Item) -> Result<Self> {
        let value = document_text(item, kind)?.to_owned();
        Ok(Self {
            revision: revision_of(item),
            version: Some(version_of(item)),
            author: text_of(item, AUTHOR),
            written: time_of(item, TIME),
            value: Some(RawValue::from_string(value).map_err(|e| Error::corrupt(kind, e))?),
        })
    }

    /// The state of not being there that an entry's revision began.
    fn gone(entry: Option<&Item>) -> Self {
        let of = |name: &str| format!("{OF_CHANGE}{name}");
        Self {
            revision: entry.and_then(revision_of_entry).unwrap_or_default(),
            version: None,
            author: entry.and_then(|entry| text_of(entry, &of(AUTHOR))),
            written: entry.and_then(|entry| time_of(entry, &of(TIME))),
            value: None,
        }
    }
}

fn revision_of_entry(entry: &Item) -> Option<u64> {
    sort_key(entry).strip_prefix(keys::BEFORE)?.parse().ok()
}

impl Table {
    /// What a setting is and was, newest first: the present state, and those before it, [`HISTORY`] at most, as far as the
    /// changes of the last 100 days tell. Empty for one that never was there.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn setting_history(&self, shop: &Shop, kind: &'static str, id: &str) -> Result<Vec<State>> {
        let (pk, sk) = (keys::settings(shop), keys::setting(kind, id));
        // What is now is read first: a change in between is then missing at the new end, where it is seen by its revision.
        let now = self.get(pk.clone(), &sk).await?;
        let known = now.as_ref().map(revision_of);
        let mut entries = self.entries_of(&pk, &sk).await?;
        entries.retain(|entry| known.is_none_or(|known| revision_of_entry(entry).is_some_and(|at| at <= known)));
        if now.is_none() && entries.is_empty() {
            return Ok(Vec::new());
        }
        let mut states = vec![match &now {
            Some(item) => State::of(kind, item)?,
            None => State::gone(entries.first()),
        }];
        for (at, entry) in entries.iter().enumerate() {
            states.push(if entry.contains_key(DOCUMENT) {
                State::of(kind, entry)?
            } else {
                State::gone(entries.get(at + 1))
            });
        }
        states.truncate(HISTORY);
        Ok(states)
    }

    /// The newest entries of what a setting was, newest first.
    async fn entries_of(&self, pk: &str, sk: &str) -> Result<Vec<Item>> {
        let (mut found, mut from) = (Vec::new(), None);
        for _ in 0..PAGES {
            let call = self.client.query().table_name(&self.name).consistent_read(true).scan_index_forward(false);
            let call = call.key_condition_expression("PK = :pk AND begins_with(SK, :before)");
            let values = [(":pk", pk), (":before", keys::BEFORE), (":sk", sk)];
            let values: HashMap<String, AttributeValue> =
                values.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
            let call = call.filter_expression(format!("{SETTING} = :sk")).set_expression_attribute_values(Some(values));
            let answer = call.set_exclusive_start_key(from).send().await.map_err(|e| classify("Query", e))?;
            found.extend(answer.items.unwrap_or_default().into_iter().filter(|item| !self.is_over(item)));
            from = answer.last_evaluated_key;
            if from.is_none() || found.len() >= HISTORY {
                break;
            }
        }
        Ok(found)
    }
}
