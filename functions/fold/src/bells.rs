//! Stream records as bells: which visitors they ring for.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::event::dynamodb::EventRecord;
use vitrine_domain::profile::{DEVICES, Link, owner};
use vitrine_domain::{MessageId, Millis, Shop, Visitor};
use vitrine_runtime::telemetry::{reason, reason_of_panic};
use vitrine_store::stream::{Failures, Record, decode};

/// A visitor of a shop.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) shop: Shop,
    pub(crate) visitor: Visitor,
}

/// What identifies an event in its shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) visitor: Visitor,
    pub(crate) time: Millis,
    pub(crate) id: MessageId,
}

/// A record that rings for a visitor.
#[derive(Debug, Clone)]
pub(crate) struct Bell {
    /// Its place in the batch.
    pub(crate) record: usize,
    /// The event it is about; none for a link.
    pub(crate) event: Option<EventId>,
}

/// All that rings for one visitor in a batch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub(crate) bells: Vec<Bell>,
    /// Time of the oldest event that rings.
    pub(crate) earliest: Option<Millis>,
    /// Whether a link is new or has changed, so that events far back may have changed hands.
    pub(crate) relinked: bool,
}

impl Group {
    fn ring_event(&mut self, bell: Bell, time: Millis) {
        self.earliest = Some(self.earliest.map_or(time, |earliest| earliest.min(time)));
        self.bells.push(bell);
    }

    /// Takes in what rings for the same visitor on another partition.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.earliest = [self.earliest, other.earliest].into_iter().flatten().min();
        self.relinked |= other.relinked;
        self.bells.extend(other.bells);
    }

    /// The records of an event.
    pub(crate) fn records_of<'a>(&'a self, event: &'a EventId) -> impl Iterator<Item = usize> + 'a {
        self.bells.iter().filter(move |bell| bell.event.as_ref() == Some(event)).map(|bell| bell.record)
    }

    /// The users for whom a device's records ring too.
    ///
    /// A new link on a device that more than [`DEVICES`] people share rings for those who came last.
    pub(crate) fn ring(&self, links: &[Link]) -> BTreeMap<Visitor, Self> {
        let mut users: BTreeMap<Visitor, Self> = BTreeMap::new();
        for bell in &self.bells {
            let Some(event) = &bell.event else { continue };
            if let Some(user) = owner(links, event.time) {
                users.entry(user.clone()).or_default().ring_event(bell.clone(), event.time);
            }
        }
        if !self.relinked {
            return users;
        }
        let mut last: Vec<&Link> = links.iter().filter(|link| link.other.is_known()).collect();
        last.sort_by_key(|link| std::cmp::Reverse(link.since));
        for link in last.into_iter().take(DEVICES) {
            let bells = self.bells.iter().filter(|bell| bell.event.is_none()).cloned().collect();
            users.entry(link.other.clone()).or_default().absorb(Self { bells, earliest: None, relinked: true });
        }
        users
    }
}

/// Groups the records of a batch by visitor, and names those that cannot be read.
pub(crate) fn read(records: &[EventRecord]) -> (BTreeMap<Key, Group>, Failures) {
    let mut groups: BTreeMap<Key, Group> = BTreeMap::new();
    let mut failed = Failures::default();
    for (index, record) in records.iter().enumerate() {
        let decoded = std::panic::catch_unwind(AssertUnwindSafe(|| decode(record)));
        let decoded = match decoded {
            Ok(decoded) => decoded.map_err(|error| reason(&error)),
            Err(panic) => Err(reason_of_panic(panic.as_ref())),
        };
        match decoded {
            Ok(Record::Event { shop, event }) => {
                let id = EventId { visitor: event.visitor.clone(), time: event.time, id: event.id };
                let group = groups.entry(Key { shop, visitor: event.visitor }).or_default();
                group.ring_event(Bell { record: index, event: Some(id) }, event.time);
            }
            Ok(Record::Link { shop, visitor }) => {
                let group = groups.entry(Key { shop, visitor }).or_default();
                group.relinked = true;
                group.bells.push(Bell { record: index, event: None });
            }
            Ok(Record::Decision { .. } | Record::Other) => {}
            Err(cause) => {
                tracing::error!(cause, sequence = record.change.sequence_number, "a stream record cannot be read");
                failed.note([index], &cause);
            }
        }
    }
    (groups, failed)
}
