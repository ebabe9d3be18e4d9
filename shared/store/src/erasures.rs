//! Erasing a visitor from the table, and the records by which what lies behind the table follows.
//!
//! The order is what makes it safe to end at any moment: the tombstones first, so that nothing new is written; then the
//! record, so that the lake, the shop's own vectors and the models follow at the next training; then what lies in the table,
//! devices before the person, because only the person's links say which devices there are. Asking again finishes what was
//! begun.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vitrine_domain::erasure::times_of;
use vitrine_domain::profile::Link;
use vitrine_domain::{Millis, Shop, Span, Visitor};

use crate::places::Place;
use crate::sweep::Erased;
use crate::table::{Item, Table, document, document_text, item, key, nonce, partition_key, sort_key};
use crate::tombstones::TombstoneKey;
use crate::{Error, Result, events, keys};

/// What an erasure reaches and what became of it. It names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its identifier: when it was asked for, and 64 random bits.
    pub id: String,
    /// When it was asked for.
    pub requested: Millis,
    /// The times that are erased, by the keyed hash of the visitor.
    pub reach: BTreeMap<String, BTreeSet<Span>>,
    /// How much was deleted, rewritten or taken out, by place.
    pub touched: BTreeMap<Place, u64>,
    /// When nothing was left but backups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<Millis>,
    /// The live model since, if there is one: it was trained without the visitor, and no older version is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl Record {
    fn new(requested: Millis) -> Result<Self> {
        Ok(Self {
            id: format!("{}-{}", requested.sort_key(), nonce()?),
            requested,
            reach: BTreeMap::new(),
            touched: BTreeMap::new(),
            completed: None,
            model: None,
        })
    }

    fn sort_key(&self) -> String {
        format!("{}{}", if self.completed.is_some() { DONE } else { WAITING }, self.id)
    }

    /// Counts what was touched in a place.
    pub fn touch(&mut self, place: Place, count: u64) {
        if count > 0 {
            *self.touched.entry(place).or_default() += count;
        }
    }
}

/// How the sort keys of records begin that wait for a training, and of those that are done.
const WAITING: &str = "W#";
const DONE: &str = "D#";

/// Up to when an erasure reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// What comes later is dropped too: the visitor is not to be known any more.
    Ever,
    /// What was before: the visitor withdrew their consent, and may give it again.
    Now,
}

/// Whom an erasure reaches.
struct Reach {
    /// Partitions that go as a whole.
    whole: Vec<Visitor>,
    /// Devices that others use too, and the times on them that are the person's.
    shared: Vec<(Visitor, Vec<Span>)>,
    /// Customers who stay and used an erased device.
    others: Vec<(Visitor, Visitor)>,
}

impl Table {
    /// Erases a visitor from the table and leaves a record for what lies behind it.
    ///
    /// # Errors
    /// If the table fails; asking again goes on.
    pub async fn erase(
        &self,
        key: &TombstoneKey,
        shop: &Shop,
        visitor: &Visitor,
        until: Until,
        now: Millis,
    ) -> Result<Record> {
        let reach = self.reach(shop, visitor, now).await?;
        let mut record = Record::new(now)?;
        let whole = match until {
            Until::Ever => Span::ALWAYS,
            Until::Now => Span { to: now, ..Span::ALWAYS },
        };
        for erased in &reach.whole {
            record.reach.entry(key.hash(shop, erased)).or_default().insert(whole);
        }
        for (device, spans) in &reach.shared {
            record.reach.entry(key.hash(shop, device)).or_default().extend(spans.iter().copied());
        }
        for (hash, spans) in &record.reach {
            self.change_tombstone(shop, hash, |tombstone| spans.iter().for_each(|span| tombstone.add(*span))).await?;
        }
        self.put_erasure(shop, &record).await?;
        for (device, spans) in &reach.shared {
            self.erase_times(shop, device, visitor, spans, &mut record).await?;
        }
        for (device, user) in &reach.others {
            self.erase_mentions(shop, device, user, &mut record).await?;
        }
        for erased in &reach.whole {
            self.erase_partition(shop, erased, &reach.shared, &mut record).await?;
        }
        self.put_erasure(shop, &record).await?;
        Ok(record)
    }

    async fn reach(&self, shop: &Shop, visitor: &Visitor, now: Millis) -> Result<Reach> {
        let links = self.links(shop, visitor).await?;
        let mut reach = Reach { whole: Vec::new(), shared: Vec::new(), others: Vec::new() };
        if !visitor.is_known() {
            let users = links.into_iter().filter(|link| link.other.is_known());
            reach.others = users.map(|link| (visitor.clone(), link.other)).collect();
            reach.whole.push(visitor.clone());
            return Ok(reach);
        }
        for Link { other: device, .. } in links {
            let of_device = self.links(shop, &device).await?;
            if of_device.iter().any(|link| link.other.is_known() && link.other != *visitor) {
                reach.shared.push((device, times_of(visitor, &of_device, now)));
            } else {
                reach.whole.push(device);
            }
        }
        // The person comes last: their links name the devices.
        reach.whole.push(visitor.clone());
        Ok(reach)
    }

    /// Deletes a partition and the other sides of its links, but for those that are gone already, and its own links last.
    async fn erase_partition(
        &self,
        shop: &Shop,
        visitor: &Visitor,
        gone: &[(Visitor, Vec<Span>)],
        record: &mut Record,
    ) -> Result<()> {
        let items = self.all(&keys::visitor(shop, visitor), EVERYTHING).await?;
        let (links, others): (Vec<&Item>, Vec<&Item>) = items.iter().partition(|item| sort_key(item).starts_with("L#"));
        self.delete_items(&others, record).await?;
        let sides = links.iter().filter_map(|item| keys::parse_link(sort_key(item)));
        let sides = sides.filter(|other| !gone.iter().any(|(device, _)| device == other));
        let sides: Vec<Item> = sides.map(|other| key(keys::visitor(shop, &other), keys::link(visitor))).collect();
        self.delete_items(&sides.iter().collect::<Vec<_>>(), record).await?;
        self.delete_items(&links, record).await
    }

    /// Deletes what is one person's of a device that others use too. Its profile is made again from what is left.
    async fn erase_times(
        &self,
        shop: &Shop,
        device: &Visitor,
        user: &Visitor,
        spans: &[Span],
        record: &mut Record,
    ) -> Result<()> {
        let items = self.all(&keys::visitor(shop, device), EVERYTHING).await?;
        let theirs = |time: Millis| spans.iter().any(|span| span.holds(time));
        let gone = items.iter().filter_map(|item| keys::parse_event(sort_key(item))).filter(|(time, _)| theirs(*time));
        let marks: HashSet<String> = gone.map(|(_, id)| keys::mark(&id)).collect();
        let link = keys::link(user);
        let goes = |item: &&Item| {
            let sk = sort_key(item);
            let time = keys::parse_event(sk).map(|(time, _)| time).or_else(|| keys::parse_decision(sk));
            time.is_some_and(theirs) || [keys::PROFILE, keys::BASE, &link].contains(&sk) || marks.contains(sk)
        };
        self.delete_items(&items.iter().filter(goes).collect::<Vec<_>>(), record).await
    }

    /// Takes a device out of what a customer who stays did with it. Their profile is made again from that.
    async fn erase_mentions(&self, shop: &Shop, device: &Visitor, user: &Visitor, record: &mut Record) -> Result<()> {
        let items = self.all(&keys::visitor(shop, user), EVERYTHING).await?;
        let (mut gone, mut rewritten) = (Vec::new(), Vec::new());
        for item in &items {
            match Place::of_item(&keys::visitor(shop, user), sort_key(item)) {
                Some(Place::Profile | Place::CompactedState) => gone.push(item),
                Some(Place::Decision) if decision_names(document_text(item, "decision")?, device) => gone.push(item),
                Some(Place::Event) => {
                    let mut event = events::from_item(user, item)?;
                    if event.device_id.as_deref() == Some(device.id()) {
                        event.device_id = None;
                        rewritten.push(event);
                    }
                }
                _ => {}
            }
        }
        self.delete_items(&gone, record).await?;
        self.import_events(shop, &rewritten).await?;
        record.touch(Place::Event, rewritten.len() as u64);
        Ok(())
    }

    async fn delete_items(&self, items: &[&Item], record: &mut Record) -> Result<()> {
        let mut requests = Vec::with_capacity(items.len());
        for item in items {
            let (pk, sk) = (partition_key(item).to_owned(), sort_key(item).to_owned());
            if let Some(place) = Place::of_item(&pk, &sk) {
                record.touch(place, 1);
            }
            requests.push(delete_request(pk, sk)?);
        }
        self.write_all(requests).await
    }

    /// Notes that a visitor refuses to be personalised for, or does so no longer. What was known of one who refuses now is
    /// erased; what they do later may be taken in if they agree again.
    ///
    /// # Errors
    /// If the table fails; asking again goes on.
    pub async fn note_refusal(
        &self,
        key: &TombstoneKey,
        shop: &Shop,
        visitor: &Visitor,
        refuses: bool,
        now: Millis,
    ) -> Result<()> {
        let hash = key.hash(shop, visitor);
        self.change_tombstone(shop, &hash, |tombstone| tombstone.refused = refuses.then_some(now)).await?;
        if !refuses {
            return Ok(());
        }
        let (held, _) = self.page(&keys::visitor(shop, visitor), EVERYTHING, true, Some(1), None).await?;
        if !held.is_empty() {
            self.erase(key, shop, visitor, Until::Now, now).await?;
        }
        Ok(())
    }

    /// Erases once more from a table that was restored from before the erasures: writes their tombstones again and deletes
    /// what is there of those whom they reach. It reads the whole table. Answers how many items went.
    ///
    /// # Errors
    /// If the table fails; doing it again goes on.
    pub async fn replay_erasures(&self, key: &TombstoneKey, shop: &Shop, records: &[Record]) -> Result<usize> {
        for (hash, spans) in records.iter().flat_map(|record| &record.reach) {
            self.change_tombstone(shop, hash, |tombstone| spans.iter().for_each(|span| tombstone.add(*span))).await?;
        }
        let mut erased = Erased::of(key, shop, records);
        let (mut deleted, mut from) = (0, None);
        loop {
            let (places, next) = self.places(from).await?;
            let gone: BTreeSet<(String, String)> =
                places.into_iter().filter(|(pk, sk)| is_of_erased(&mut erased, shop, pk, sk)).collect();
            deleted += gone.len();
            self.delete_keys(gone).await?;
            from = next;
            if from.is_none() {
                return Ok(deleted);
            }
        }
    }

    /// Deletes items by their keys: what was written of somebody after they were erased.
    ///
    /// # Errors
    /// If the table fails; deleting again is right.
    pub async fn delete_keys(&self, keys: BTreeSet<(String, String)>) -> Result<()> {
        self.write_all(keys.into_iter().map(|(pk, sk)| delete_request(pk, sk)).collect::<Result<_>>()?).await
    }

    /// Writes the record of an erasure.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn put_erasure(&self, shop: &Shop, record: &Record) -> Result<()> {
        self.put(item(keys::erasures(shop), record.sort_key(), "erasure", record)?).await
    }

    /// Writes the record of an erasure that is done: it stands among those that are, and no longer among those that wait.
    ///
    /// # Errors
    /// If the table fails; ending it again is right.
    pub async fn end_erasure(&self, shop: &Shop, record: &Record) -> Result<()> {
        self.put_erasure(shop, record).await?;
        self.delete(keys::erasures(shop), &format!("{WAITING}{}", record.id)).await
    }

    /// An erasure, by its identifier.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn erasure(&self, shop: &Shop, id: &str) -> Result<Option<Record>> {
        for state in [DONE, WAITING] {
            let found = self.get(keys::erasures(shop), &format!("{state}{}", keys::escape(id))).await?;
            if let Some(found) = found {
                return document(&found, "erasure").map(Some);
            }
        }
        Ok(None)
    }

    /// The erasures that wait for a training, oldest first.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn waiting_erasures(&self, shop: &Shop) -> Result<Vec<Record>> {
        self.records(shop, (WAITING, "W$")).await
    }

    /// The erasures that were asked for since a time, done or not.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn erasures_since(&self, shop: &Shop, from: Millis) -> Result<Vec<Record>> {
        let mut records = self.records(shop, (&format!("{DONE}{}", from.sort_key()), "D$")).await?;
        records.extend(self.waiting_erasures(shop).await?);
        Ok(records)
    }

    async fn records(&self, shop: &Shop, range: (&str, &str)) -> Result<Vec<Record>> {
        let items = self.all(&keys::erasures(shop), range).await?;
        items.iter().map(|item| document(item, "erasure")).collect()
    }
}

/// Every sort key lies between these.
const EVERYTHING: (&str, &str) = ("!", "~~");

fn delete_request(pk: String, sk: String) -> Result<WriteRequest> {
    let delete = DeleteRequest::builder().set_key(Some(key(pk, sk))).build();
    Ok(WriteRequest::builder().delete_request(delete.map_err(|e| Error::corrupt("delete", e))?).build())
}

/// Whether an item of the table is of somebody whom erasures reach. Profiles are of all time: one that holds any time that
/// is erased is made again.
fn is_of_erased(erased: &mut Erased<'_>, of: &Shop, pk: &str, sk: &str) -> bool {
    let Some((_, visitor)) = keys::parse_visitor(pk).filter(|(shop, _)| shop == of) else { return false };
    let visitor = visitor.to_string();
    let other = keys::parse_link(sk).is_some_and(|other| erased.is_whole(&other.to_string()));
    let time = keys::parse_event(sk).map(|(time, _)| time).or_else(|| keys::parse_decision(sk));
    match time {
        Some(time) => erased.holds(&visitor, time),
        None if [keys::PROFILE, keys::BASE].contains(&sk) => erased.reaches(&visitor),
        None => other || erased.is_whole(&visitor),
    }
}

/// Whether a decision names a device beside its own visitor.
fn decision_names(document: &str, device: &Visitor) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(document) else { return true };
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    text("/dv") == Some(device.id()) || text("/a/v") == Some(&device.to_string())
}
