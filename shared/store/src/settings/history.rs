//! What one setting was, change by change, and which were removed: read from the entries of what was before, which are there
//! for every kind.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::value::RawValue;
use vitrine_domain::{Millis, Shop};

use super::snapshot::revision_of;
use super::write::{AUTHOR, OF_CHANGE, SETTING, TIME};
use super::{text_of, time_of};
use crate::calls::Call;
use crate::error::classify;
use crate::table::{DOCUMENT, Item, Table, document_text, sort_key, text, version_of};
use crate::{Error, Result, keys};

/// Most states of a setting that are told, the present one among them; and most removed settings of a kind.
pub const HISTORY: usize = 20;
/// Pages of the shop's changes that are looked through, of a megabyte each.
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

/// A setting that was removed.
#[derive(Debug, Clone)]
pub struct Removed {
    /// Its identifier within its kind.
    pub id: String,
    /// That it is not there: since when, and by whom. It has a version if this is itself stored, as `null`.
    pub now: State,
    /// What it was before; without a value if it was as shipped.
    pub was: State,
}

fn revision_of_entry(entry: &Item) -> Option<u64> {
    sort_key(entry).strip_prefix(keys::BEFORE)?.parse().ok()
}

/// Whether an item holds a state that the program itself made: nobody is noted, at a time from which on somebody would be.
fn is_by_program(item: &Item) -> bool {
    item.contains_key(DOCUMENT) && item.contains_key(TIME) && !item.contains_key(AUTHOR)
}

impl Table {
    /// What a setting is and was, newest first: the present state, and those before it, [`HISTORY`] at most, as far as the
    /// changes of the last 100 days tell. Of states that the program itself made one after the other, as a bandit does with
    /// every training, the last one is told, so that they push out nothing that people wrote. Empty for a setting that never
    /// was there.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn setting_history(&self, shop: &Shop, kind: &'static str, id: &str) -> Result<Vec<State>> {
        let (pk, sk) = (keys::settings(shop), keys::setting(kind, id));
        // What is now is read first: a change in between is then missing at the new end, where it is seen by its revision.
        let now = self.get(pk.clone(), &sk).await?;
        let known = now.as_ref().map(revision_of);
        let mut by_program = now.as_ref().is_some_and(is_by_program);
        let takes = |entry: &Item| {
            if known.is_some_and(|known| revision_of_entry(entry).is_none_or(|at| at > known)) {
                return false;
            }
            let stood_for = by_program && is_by_program(entry);
            by_program = is_by_program(entry);
            !stood_for
        };
        let one = format!("{SETTING} = :sk");
        let entries = self.entries(&pk, (&one, &sk), takes, |found| found.len() >= HISTORY).await?;
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

    /// The settings of a kind that were removed in the last 100 days and are not there, the last removed first, [`HISTORY`] at
    /// most.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn removed_settings(&self, shop: &Shop, kind: &'static str) -> Result<Vec<Removed>> {
        let (pk, of_kind) = (keys::settings(shop), format!("{kind}#"));
        let all = self.all(&pk, (&of_kind, &format!("{kind}$"))).await?;
        let stored: HashMap<&str, &Item> = all.iter().map(|item| (sort_key(item), item)).collect();
        let is_something = |item: &Item| document_text(item, kind).is_ok_and(|document| document != "null");
        // The newest entry of each, of which nothing is left to tell if it is there, or as shipped again.
        let newest = |entries: &[Item]| {
            let mut seen = BTreeSet::new();
            let first = |entry: &&Item| {
                let sk = text_of(entry, SETTING).unwrap_or_default();
                let gone = stored.get(sk.as_str()).map_or(is_something(entry), |item| !is_something(item));
                seen.insert(sk) && gone
            };
            entries.iter().filter(first).cloned().collect::<Vec<_>>()
        };
        let begins = format!("begins_with({SETTING}, :sk)");
        let entries = self.entries(&pk, (&begins, &of_kind), |_| true, |found| newest(found).len() >= HISTORY).await?;
        let removed = newest(&entries).into_iter().take(HISTORY).map(|entry| {
            let sk = text_of(&entry, SETTING).unwrap_or_default();
            let now =
                stored.get(sk.as_str()).map_or_else(|| Ok(State::gone(Some(&entry))), |item| State::of(kind, item));
            let was = if entry.contains_key(DOCUMENT) { State::of(kind, &entry)? } else { State::gone(None) };
            let id = sk.strip_prefix(&of_kind).unwrap_or_default();
            Ok(Removed { id: keys::unescape(id), now: State { value: None, ..now? }, was })
        });
        removed.collect()
    }

    /// The newest entries of what was before that pass a condition on `:sk` and are taken, newest first, until there are enough.
    async fn entries(
        &self,
        pk: &str,
        (condition, sk): (&str, &str),
        mut takes: impl FnMut(&Item) -> bool,
        enough: impl Fn(&[Item]) -> bool,
    ) -> Result<Vec<Item>> {
        let (mut found, mut from): (Vec<Item>, _) = (Vec::new(), None);
        for _ in 0..PAGES {
            let call = self.client.query().table_name(&self.name).consistent_read(true).scan_index_forward(false);
            let call = call.key_condition_expression("PK = :pk AND begins_with(SK, :before)");
            let values = [(":pk", pk), (":before", keys::BEFORE), (":sk", sk)];
            let values: HashMap<String, AttributeValue> =
                values.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
            let call = call.filter_expression(condition).set_expression_attribute_values(Some(values));
            let answer = call.set_exclusive_start_key(from).ask().await.map_err(|e| classify("Query", e))?;
            let items = answer.items.unwrap_or_default();
            found.extend(items.into_iter().filter(|item| !self.is_over(item) && takes(item)));
            from = answer.last_evaluated_key;
            if from.is_none() || enough(&found) {
                break;
            }
        }
        Ok(found)
    }
}
