//! Who was erased: keyed hashes, the only thing that stays of a visitor.
//!
//! An erasure writes the tombstones first and deletes afterwards. So whatever was written before the tombstone is deleted by
//! the erasure, and whatever comes after it can be known by the tombstone: intake, imports and recommendations ask before
//! they write, and remember the answer for half a minute. What slips through in between is met by the archive, which reads
//! every write of the table's stream, asks again without remembering anything, and deletes it; what was written of somebody
//! shortly after they refused too.
//!
//! The hash is HMAC-SHA-256 over shop and visitor under a key that is derived from the stack's secret, cut to 128 bits. With
//! the table alone nobody can tell whether a name they know was erased.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::types::AttributeValue;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vitrine_domain::time::SECOND;
use vitrine_domain::{Event, Millis, Shop, Span, Visitor, id};

use crate::api_keys::hex;
use crate::calls::Call;
use crate::error::{classify, code};
use crate::table::{Table, document, item, key, partition_key, version_of, with_version};
use crate::{Error, Result, keys};

/// How long a function trusts that somebody was not erased.
pub const TRUST: i64 = 30 * SECOND;
/// How long a refusal may be unknown somewhere: trust, and half a minute for a write under way and clocks that differ.
const UNKNOWN: i64 = 2 * TRUST;
/// Answers remembered at once.
const MEMORY: usize = 8192;
/// Digits of a hash: 128 bits.
const DIGITS: usize = 32;
/// Tries of a write that others are faster than.
const ATTEMPTS: usize = 8;

/// What is remembered of a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tombstone {
    /// The times that were erased.
    #[serde(rename = "s", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub spans: BTreeSet<Span>,
    /// Since when the visitor refuses to be personalised for, if they do.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Millis>,
}

impl Tombstone {
    /// Adds a time; what it holds need not be named any more.
    pub fn add(&mut self, new: Span) {
        self.spans.retain(|span| !new.contains(*span));
        if !self.spans.iter().any(|span| span.contains(new)) {
            self.spans.insert(new);
        }
    }

    /// Whether what happened at a time, and was received at another, was erased.
    #[must_use]
    pub fn holds(&self, time: Millis, received: Millis) -> bool {
        self.spans.iter().any(|span| span.holds(time, received))
    }

    /// Whether the visitor was erased as a whole.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.spans.contains(&Span::ALWAYS)
    }
}

/// Makes the hashes.
#[derive(Clone)]
pub struct TombstoneKey([u8; 32]);

impl std::fmt::Debug for TombstoneKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TombstoneKey")
    }
}

impl TombstoneKey {
    /// The key of a stack, derived from its secret.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self(Sha256::new_with_prefix(b"vitrine tombstone ").chain_update(secret).finalize().into())
    }

    /// The hash of a shop's visitor.
    #[must_use]
    pub fn hash(&self, shop: &Shop, visitor: &Visitor) -> String {
        // HMAC takes keys of every length, so the construction cannot fail.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(shop.as_str().as_bytes());
        mac.update(b"#");
        mac.update(visitor.to_string().as_bytes());
        hex(&mac.finalize().into_bytes()).chars().take(DIGITS).collect()
    }
}

/// Who of some visitors may not be written of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Barred(HashMap<Visitor, Tombstone>);

impl Barred {
    /// Whether nobody is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether what a visitor did at a time was erased: a time of our own clock, as those of decisions are.
    #[must_use]
    pub fn holds(&self, visitor: &Visitor, time: Millis) -> bool {
        self.0.get(visitor).is_some_and(|tombstone| tombstone.holds(time, time))
    }

    /// Whether an event was erased, by the client's clock or by when it was received.
    #[must_use]
    pub fn holds_event(&self, event: &Event) -> bool {
        self.0.get(&event.visitor).is_some_and(|tombstone| tombstone.holds(event.time, event.received))
    }

    /// Whether a visitor was erased as a whole.
    #[must_use]
    pub fn is_whole(&self, visitor: &Visitor) -> bool {
        self.0.get(visitor).is_some_and(Tombstone::is_whole)
    }

    /// Whether a visitor refused to be personalised for.
    #[must_use]
    pub fn refused(&self, visitor: &Visitor) -> bool {
        self.refused_since(visitor).is_some()
    }

    /// Since when a visitor refuses to be personalised for, if they do.
    #[must_use]
    pub fn refused_since(&self, visitor: &Visitor) -> Option<Millis> {
        self.0.get(visitor)?.refused
    }

    /// Whether a visitor refuses, and so short before a time that whoever wrote then may not have known it.
    #[must_use]
    pub fn just_refused(&self, visitor: &Visitor, time: Millis) -> bool {
        self.refused_since(visitor).is_some_and(|since| time.since(since) <= UNKNOWN)
    }

    /// An event without what was erased: none if it is an erased visitor's, else without the erased devices it names.
    #[must_use]
    pub fn admit(&self, mut event: Event) -> Option<Event> {
        if self.holds_event(&event) {
            return None;
        }
        forget_named(&mut event, |id| Visitor::anonymous(id).is_ok_and(|device| self.is_whole(&device)));
        Some(event)
    }
}

/// The property of an alias that names another visitor.
const PREVIOUS: &str = "previousId";

/// Whom an event names.
pub fn named(event: &Event) -> impl Iterator<Item = Visitor> {
    let device = event.device_id.clone();
    let others = device
        .into_iter()
        .chain(event.properties.get(PREVIOUS).and_then(id::of_value))
        .filter_map(|id| Visitor::anonymous(id).ok());
    std::iter::once(event.visitor.clone()).chain(others)
}

/// Takes the devices that are erased out of what an event names beside its visitor. Answers whether it named one.
pub(crate) fn forget_named(event: &mut Event, mut erased: impl FnMut(&str) -> bool) -> bool {
    let device = event.device_id.take_if(|id| erased(id)).is_some();
    let previous = event.properties.get(PREVIOUS).and_then(id::of_value).is_some_and(|id| erased(&id));
    if previous {
        event.properties.remove(PREVIOUS);
    }
    device || previous
}

/// Answers by hash, and when each was given.
#[derive(Debug, Default)]
struct Memory {
    answers: HashMap<String, (Millis, Option<Tombstone>)>,
    /// How often all was forgotten: an answer to what was asked before is not remembered afterwards.
    forgotten: u64,
}

/// Knows the key, and lately given answers.
#[derive(Debug)]
pub struct Guard {
    key: TombstoneKey,
    memory: Mutex<Memory>,
}

impl Guard {
    /// A guard that remembers nothing yet.
    #[must_use]
    pub fn new(key: TombstoneKey) -> Self {
        Self { key, memory: Mutex::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self, hash: &str, now: Millis) -> Option<Option<Tombstone>> {
        self.memory().answers.get(hash).filter(|(at, _)| now.since(*at) < TRUST).map(|(_, known)| known.clone())
    }

    fn forgotten(&self) -> u64 {
        self.memory().forgotten
    }

    /// Remembers an answer, unless all was forgotten since `asked`.
    fn remember(&self, asked: u64, hash: String, now: Millis, tombstone: Option<Tombstone>) {
        let mut memory = self.memory();
        if memory.forgotten != asked {
            return;
        }
        if memory.answers.len() >= MEMORY {
            memory.answers.clear();
        }
        memory.answers.insert(hash, (now, tombstone));
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &TombstoneKey {
        &self.key
    }

    /// Forgets what was answered of a visitor, so that the table is asked again.
    pub fn doubt(&self, shop: &Shop, visitor: &Visitor) {
        self.memory().answers.remove(&self.key.hash(shop, visitor));
    }

    /// Forgets all answers, and those that are under way: tombstones were just written.
    pub fn forget(&self) {
        let mut memory = self.memory();
        memory.answers.clear();
        memory.forgotten += 1;
    }
}

impl Table {
    /// Who of some visitors was erased, or refused; answers of the last half minute are not asked for again.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn barred(
        &self,
        guard: &Guard,
        shop: &Shop,
        visitors: impl IntoIterator<Item = Visitor>,
        now: Millis,
    ) -> Result<Barred> {
        let mut barred = Barred::default();
        let mut asked: HashMap<String, Visitor> = HashMap::new();
        let before = guard.forgotten();
        for visitor in visitors {
            let hash = guard.key.hash(shop, &visitor);
            match guard.remembered(&hash, now) {
                Some(Some(tombstone)) => {
                    barred.0.insert(visitor, tombstone);
                }
                Some(None) => {}
                None => {
                    asked.insert(hash, visitor);
                }
            }
        }
        let mut found = self.tombstones(shop, asked.keys().cloned().collect()).await?;
        for (hash, visitor) in asked {
            let tombstone = found.remove(&hash);
            if let Some(tombstone) = &tombstone {
                barred.0.insert(visitor, tombstone.clone());
            }
            guard.remember(before, hash, now, tombstone);
        }
        Ok(barred)
    }

    /// As [`barred`](Self::barred), asking for everybody.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn barred_now(
        &self,
        key: &TombstoneKey,
        shop: &Shop,
        visitors: impl IntoIterator<Item = Visitor>,
    ) -> Result<Barred> {
        let asked: HashMap<String, Visitor> = visitors.into_iter().map(|v| (key.hash(shop, &v), v)).collect();
        let mut found = self.tombstones(shop, asked.keys().cloned().collect()).await?;
        Ok(Barred(asked.into_iter().filter_map(|(hash, v)| Some((v, found.remove(&hash)?))).collect()))
    }

    async fn tombstones(&self, shop: &Shop, hashes: Vec<String>) -> Result<HashMap<String, Tombstone>> {
        let items = match hashes.as_slice() {
            [hash] => self.get(keys::tombstone(shop, hash), keys::TOMBSTONE).await?.into_iter().collect(),
            _ => {
                let wanted = hashes.iter().map(|hash| key(keys::tombstone(shop, hash), keys::TOMBSTONE));
                self.get_all(wanted.collect()).await?
            }
        };
        let found = items.iter().filter_map(|item| Some((keys::parse_tombstone(partition_key(item))?, item)));
        found.map(|(hash, item)| Ok((hash, document(item, "tombstone")?))).collect()
    }

    /// Changes the tombstone under a hash, whoever else changes it meanwhile. Answers whether it says something else now.
    ///
    /// # Errors
    /// If the table fails, or others are faster again and again.
    pub async fn change_tombstone(&self, shop: &Shop, hash: &str, change: impl Fn(&mut Tombstone)) -> Result<bool> {
        for _ in 0..ATTEMPTS {
            let stored = self.get(keys::tombstone(shop, hash), keys::TOMBSTONE).await?;
            let before = stored.as_ref().map(|item| document::<Tombstone>(item, "tombstone")).transpose()?;
            let mut after = before.clone().unwrap_or_default();
            change(&mut after);
            if after == before.clone().unwrap_or_default() {
                return Ok(false);
            }
            let version = stored.as_ref().map(version_of).unwrap_or_default();
            let new = item(keys::tombstone(shop, hash), keys::TOMBSTONE, "tombstone", &after)?;
            let call = self.client.put_item().table_name(&self.name).set_item(Some(with_version(new, version + 1)));
            let call = if before.is_none() {
                call.condition_expression("attribute_not_exists(PK)")
            } else {
                call.condition_expression("v = :before")
                    .expression_attribute_values(":before", AttributeValue::N(version.to_string()))
            };
            match call.ask().await {
                Ok(_) => return Ok(true),
                Err(error) if code(&error) == Some("ConditionalCheckFailedException") => {}
                Err(error) => return Err(classify("PutItem", error)),
            }
        }
        Err(Error::Conflict { what: "tombstone" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use vitrine_domain::{Action, MessageId};

    use super::*;

    fn shop(name: &str) -> Shop {
        Shop::new(name).unwrap()
    }

    #[test]
    fn a_hash_is_of_its_secret_its_shop_and_its_visitor() {
        let anna = Visitor::known("anna").unwrap();
        let hash = TombstoneKey::new("secret").hash(&shop("a"), &anna);
        assert_eq!(hash.len(), DIGITS);
        assert_eq!(hash, TombstoneKey::new("secret").hash(&shop("a"), &anna));
        for other in [
            TombstoneKey::new("other").hash(&shop("a"), &anna),
            TombstoneKey::new("secret").hash(&shop("b"), &anna),
            TombstoneKey::new("secret").hash(&shop("a"), &Visitor::anonymous("anna").unwrap()),
        ] {
            assert_ne!(hash, other);
        }
    }

    #[test]
    fn an_answer_that_was_under_way_while_all_was_forgotten_is_not_remembered() {
        let guard = Guard::new(TombstoneKey::new("secret"));
        let asked = guard.forgotten();
        guard.remember(asked, "1".to_owned(), Millis(0), None);
        guard.forget();
        guard.remember(asked, "2".to_owned(), Millis(0), None);
        guard.remember(guard.forgotten(), "3".to_owned(), Millis(0), None);
        assert_eq!(["1", "2", "3"].map(|hash| guard.remembered(hash, Millis(1)).is_some()), [false, false, true]);
    }

    #[test]
    fn an_erased_visitor_has_no_events_and_an_erased_device_is_not_named() {
        let (anna, phone) = (Visitor::known("anna").unwrap(), Visitor::anonymous("phone").unwrap());
        let event = |visitor: &Visitor, time| {
            let mut event = Event::new(MessageId::new("m").unwrap(), visitor.clone(), Millis(time), Action::View);
            event.device_id = visitor.is_known().then(|| "phone".to_owned());
            event
        };
        let whole = Tombstone { spans: [Span::ALWAYS].into(), refused: None };
        let erased = Barred([(phone.clone(), whole)].into());
        assert_eq!(erased.admit(event(&phone, 5)), None);
        assert_eq!(erased.admit(event(&anna, 5)).unwrap().device_id, None);
        let part = Tombstone { spans: [Span { from: Millis(2), to: Millis(4), ahead: None }].into(), refused: None };
        let shared = Barred([(phone.clone(), part)].into());
        assert_eq!([1, 2, 4, 5].map(|time| shared.admit(event(&phone, time)).is_some()), [true, false, false, true]);
        assert!(shared.admit(event(&anna, 3)).unwrap().device_id.is_some(), "others use it too");
    }

    #[test]
    fn a_clock_that_is_ahead_puts_no_event_out_of_reach() {
        let phone = Visitor::anonymous("phone").unwrap();
        let withdrawn = Tombstone { spans: [Span::until(Millis(10))].into(), refused: None };
        let barred = Barred([(phone.clone(), withdrawn)].into());
        let admitted = |(time, received)| {
            let event = Event::new(MessageId::new("m").unwrap(), phone.clone(), Millis(time), Action::View);
            barred.admit(Event { received: Millis(received), ..event }).is_some()
        };
        // Before, late, ahead; after, and after by a clock that is ahead.
        let times = [(5, 5), (5, 15), (99, 10), (11, 11), (99, 11)];
        assert_eq!(times.map(admitted), [false, false, false, true, true]);
    }

    #[test]
    fn a_former_identifier_is_named_and_forgotten_whether_it_is_text_or_a_number() {
        for former in [Value::from("42"), Value::from(42)] {
            let mut alias =
                Event::new(MessageId::new("m").unwrap(), Visitor::known("u").unwrap(), Millis(1), Action::Alias);
            alias.properties.insert(PREVIOUS.to_owned(), former);
            let device = Visitor::anonymous("42").unwrap();
            assert_eq!(named(&alias).collect::<Vec<_>>(), [alias.visitor.clone(), device.clone()]);
            let whole = Tombstone { spans: [Span::ALWAYS].into(), refused: None };
            let admitted = Barred([(device, whole)].into()).admit(alias.clone()).unwrap();
            assert!(admitted.properties.is_empty(), "{admitted:?}");
            assert_eq!(Barred::default().admit(alias.clone()).unwrap(), alias);
        }
    }
}
