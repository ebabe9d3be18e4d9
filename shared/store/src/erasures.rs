//! Erasing a visitor from the table, and the records by which what lies behind the table follows.
//!
//! The order is what makes it safe to end at any moment: the tombstones first, so that nothing new is written; then the
//! record, so that the lake, the shop's own vectors and the models follow at the next training; then what lies in the table,
//! devices before the person, because only the person's links say which devices there are. A link goes after whatever is
//! found by it. Asking again finishes what was begun.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use serde::{Deserialize, Serialize};
use vitrine_domain::erasure::times_of;
use vitrine_domain::profile::Link;
use vitrine_domain::{Millis, Shop, Span, Visitor};

use crate::places::Place;
use crate::sweep::Erased;
use crate::table::{Item, Table, document, document_text, item, key, nonce, partition_key, place_of, sort_key};
use crate::tombstones::{Tombstone, TombstoneKey, forget_named};
use crate::{Error, Result, decisions, events, keys};

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

impl Reach {
    /// Whether a visitor's own side of a link is erased on its own turn.
    fn holds(&self, visitor: &Visitor) -> bool {
        self.whole.contains(visitor) || self.shared.iter().any(|(device, _)| device == visitor)
    }
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
            Until::Now => Span::until(now),
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
            self.erase_partition(shop, erased, &reach, &mut record).await?;
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

    /// Deletes a partition: its own links last, since they say which other sides there are. Those of whoever is erased with it go
    /// on their own turn: the person's side of a link to a device is what leads there as long as anything is left of it.
    async fn erase_partition(&self, shop: &Shop, visitor: &Visitor, reach: &Reach, record: &mut Record) -> Result<()> {
        let items = self.all(&keys::visitor(shop, visitor), EVERYTHING).await?;
        let (links, others): (Vec<&Item>, Vec<&Item>) = items.iter().partition(|item| sort_key(item).starts_with("L#"));
        self.delete_items(&others, record).await?;
        let sides = links.iter().filter_map(|item| keys::parse_link(sort_key(item)));
        let sides = sides.filter(|other| !reach.holds(other));
        let sides: Vec<Item> = sides.map(|other| key(keys::visitor(shop, &other), keys::link(visitor))).collect();
        self.delete_items(&sides.iter().collect::<Vec<_>>(), record).await?;
        self.delete_items(&links, record).await
    }

    /// Deletes what is one person's of a device that others use too. Its profile is made again from what is left, so it goes
    /// after that. The link goes last of all: it tells the person's times, and without it whatever is left of them would be
    /// another person's.
    async fn erase_times(
        &self,
        shop: &Shop,
        device: &Visitor,
        user: &Visitor,
        spans: &[Span],
        record: &mut Record,
    ) -> Result<()> {
        let items = self.all(&keys::visitor(shop, device), EVERYTHING).await?;
        let theirs =
            |item: &Item| moment(device, item).is_some_and(|(t, re)| spans.iter().any(|span| span.holds(t, re)));
        let mut gone: Vec<&Item> = items.iter().filter(|item| theirs(item)).collect();
        let events = gone.iter().filter_map(|item| keys::parse_event(sort_key(item)));
        let marks: HashSet<String> = events.map(|(_, id)| keys::mark(&id)).collect();
        gone.extend(items.iter().filter(|item| marks.contains(sort_key(item))));
        self.delete_items(&gone, record).await?;
        for last in [&[keys::PROFILE, keys::BASE][..], &[&keys::link(user)]] {
            let gone: Vec<&Item> = items.iter().filter(|item| last.contains(&sort_key(item))).collect();
            self.delete_items(&gone, record).await?;
        }
        Ok(())
    }

    /// Takes a device out of what a customer who stays did with it. Their profile is made again from that: after their link
    /// went, for nothing rings when one does, and before their events are written again, which rings.
    async fn erase_mentions(&self, shop: &Shop, device: &Visitor, user: &Visitor, record: &mut Record) -> Result<()> {
        let items = self.all(&keys::visitor(shop, user), EVERYTHING).await?;
        let (mut gone, mut rewritten) = (Vec::new(), Vec::new());
        // The receipt counts it with the device's own side.
        self.delete_keys([(keys::visitor(shop, user), keys::link(device))].into()).await?;
        for item in &items {
            match Place::of_item(&keys::visitor(shop, user), sort_key(item)) {
                Some(Place::Profile | Place::CompactedState) => gone.push(item),
                Some(Place::Decision) if decision_names(document_text(item, "decision")?, device) => gone.push(item),
                Some(Place::Event) => {
                    let mut event = events::from_item(user, item)?;
                    if forget_named(&mut event, |id| id == device.id()) {
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

    /// Notes that a visitor refuses to be personalised for, or does so no longer. What is known of one who refuses is erased,
    /// whether or not they refused already: the erasure that began then may not have come to its end. What they do later may
    /// be taken in if they agree again. Answers whether anything changed.
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
    ) -> Result<bool> {
        let hash = key.hash(shop, visitor);
        let since = |tombstone: &Tombstone| refuses.then(|| tombstone.refused.unwrap_or(now));
        let changed = self.change_tombstone(shop, &hash, |tombstone| tombstone.refused = since(tombstone)).await?;
        if !refuses {
            return Ok(changed);
        }
        let (held, _) = self.page(&keys::visitor(shop, visitor), EVERYTHING, true, Some(1), None).await?;
        if !held.is_empty() {
            self.erase(key, shop, visitor, Until::Now, now).await?;
        }
        Ok(changed || !held.is_empty())
    }

    /// Erases once more from a table that was restored from before the erasures: writes their tombstones again, deletes what
    /// is there of those whom they reach, and takes their devices out of what others did. It reads the whole table. An erasure
    /// that the table does not know as done waits for the next training again, for the objects may have been restored too.
    /// Answers how many items went or were rewritten.
    ///
    /// # Errors
    /// If the table fails; doing it again goes on.
    pub async fn replay_erasures(&self, key: &TombstoneKey, shop: &Shop, records: &[Record]) -> Result<usize> {
        for (hash, spans) in records.iter().flat_map(|record| &record.reach) {
            self.change_tombstone(shop, hash, |tombstone| spans.iter().for_each(|span| tombstone.add(*span))).await?;
        }
        for record in records {
            if self.erasure(shop, &record.id).await?.is_none_or(|known| known.completed.is_none()) {
                self.put_erasure(shop, &Record { completed: None, model: None, ..record.clone() }).await?;
            }
        }
        let mut erased = Erased::of(key, shop, records);
        let (mut touched, mut from) = (0, None);
        loop {
            let (items, next) = self.scan(from).await?;
            touched += self.erase_items(shop, &items, &mut erased).await?;
            from = next;
            if from.is_none() {
                return Ok(touched);
            }
        }
    }

    /// Erases from some items of the table. Of those who stay and used an erased device the profile goes too, before what says
    /// so, and once more after it: it is made again from what is left.
    async fn erase_items(&self, shop: &Shop, items: &[Item], erased: &mut Erased<'_>) -> Result<usize> {
        let of_visitors = format!("S#{shop}#V#");
        let (mut gone, mut rewritten, mut stale) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
        for item in items.iter().filter(|item| partition_key(item).starts_with(&of_visitors)) {
            let (pk, sk) = (partition_key(item), sort_key(item));
            // Decisions of nobody lie there too.
            let visitor = keys::parse_visitor(pk).map(|(_, visitor)| visitor);
            if visitor.as_ref().is_some_and(|visitor| is_of_erased(erased, visitor, item)) {
                gone.insert(place_of(item));
                continue;
            }
            match Place::of_item(pk, sk) {
                Some(Place::Link) if links_erased(erased, item) => {
                    stale.insert(pk);
                    gone.insert(place_of(item));
                }
                Some(Place::Decision) if names_erased(erased, item) => {
                    gone.insert(place_of(item));
                }
                Some(Place::Event) => {
                    let event = visitor.and_then(|visitor| events::from_item(&visitor, item).ok());
                    if let Some(mut event) = event
                        && erased.forget(&mut event)
                    {
                        stale.insert(pk);
                        rewritten.push(event);
                    }
                }
                _ => {}
            }
        }
        let profiles = stale.iter().flat_map(|pk| [keys::PROFILE, keys::BASE].map(|sk| key(*pk, sk)));
        let profiles: BTreeSet<_> = self.get_all(profiles.collect()).await?.iter().map(place_of).collect();
        let touched = gone.union(&profiles).count() + rewritten.len();
        self.delete_keys(profiles.clone()).await?;
        self.delete_keys(gone).await?;
        self.delete_keys(profiles).await?;
        self.import_events(shop, &rewritten).await?;
        Ok(touched)
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

/// When what an event or a decision tells of was, and when we knew of it. An event that cannot be read tells only the first.
fn moment(visitor: &Visitor, item: &Item) -> Option<(Millis, Millis)> {
    let sk = sort_key(item);
    if let Some(time) = keys::parse_decision(sk) {
        return Some((time, time));
    }
    let (time, _) = keys::parse_event(sk)?;
    Some((time, events::from_item(visitor, item).map_or(time, |event| event.received)))
}

/// Whether an item of a visitor is of somebody whom erasures reach. Profiles are of all time: one that holds any time that is
/// erased is made again.
fn is_of_erased(erased: &mut Erased<'_>, visitor: &Visitor, item: &Item) -> bool {
    let name = visitor.to_string();
    if !erased.reaches(&name) {
        return false;
    }
    match moment(visitor, item) {
        Some((time, received)) => erased.holds_received(&name, time, received),
        None => [keys::PROFILE, keys::BASE].contains(&sort_key(item)) || erased.is_whole(&name),
    }
}

/// Whether a link leads to somebody who is erased since before it held.
fn links_erased(erased: &mut Erased<'_>, item: &Item) -> bool {
    let Some(other) = keys::parse_link(sort_key(item)) else { return false };
    let since = events::link_from(item).map_or(Millis::MAX, |link| link.since);
    erased.is_gone(&other.to_string(), since)
}

/// Whether a decision names an erased visitor beside its own. One that cannot be read may name anybody.
fn names_erased(erased: &mut Erased<'_>, item: &Item) -> bool {
    let time = keys::parse_decision(sort_key(item)).unwrap_or(Millis::MAX);
    let named = document_text(item, "decision").ok().and_then(decisions::named);
    named.is_none_or(|named| named.iter().any(|visitor| erased.is_gone(&visitor.to_string(), time)))
}

/// Whether a decision names a device beside its own visitor.
fn decision_names(document: &str, device: &Visitor) -> bool {
    decisions::named(document).is_none_or(|named| named.contains(device))
}

#[cfg(test)]
mod tests;
