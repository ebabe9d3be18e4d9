//! The second line of an erasure: whatever is written of somebody after they were erased comes by here.
//!
//! Intake and recommendations remember for a moment that somebody is not erased, and a write may be under way while its
//! visitor is. Every write of the table is in its stream, and it comes after the tombstone if the erasure did not see it.
//! So the archive asks for the visitors of each batch, keeps nothing of the erased, and deletes from the table what should
//! not be there. It asks before it writes a file and once more afterwards: an erasure in between may have read the lake
//! already. What was written of somebody just after they refused to be personalised for goes too: another running copy of a
//! function may have trusted for half a minute that they did not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use aws_lambda_events::event::dynamodb::EventRecord;
use vitrine_domain::{Event, Millis, Shop, Visitor};
use vitrine_runtime::Context;
use vitrine_store::stream::{Record, decode, keys_of, place_of};
use vitrine_store::tombstones::{Barred, named};
use vitrine_store::{decisions, keys};

static NOBODY: LazyLock<Barred> = LazyLock::new(Barred::default);

/// Who of a batch is erased, by shop.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Erased(BTreeMap<Shop, Barred>);

/// Visitors by shop.
pub(crate) type Visitors = BTreeMap<Shop, BTreeSet<Visitor>>;

/// Whom the records of a batch name.
pub(crate) fn visitors(records: &[EventRecord]) -> Visitors {
    let mut visitors = Visitors::new();
    for record in records {
        if let Some((shop, visitor, (_, sk))) = place_of(record) {
            let of_shop = visitors.entry(shop).or_default();
            of_shop.insert(visitor);
            of_shop.extend(keys::parse_link(&sk));
        }
        match read(record) {
            Some(Record::Event { shop, event }) => visitors.entry(shop).or_default().extend(named(&event)),
            Some(Record::Decision { shop, document, .. }) => {
                visitors.entry(shop).or_default().extend(decisions::named(&document).into_iter().flatten());
            }
            _ => {}
        }
    }
    visitors
}

/// When a record was written, as the stream tells it.
pub(crate) fn written(record: &EventRecord) -> Millis {
    Millis(record.change.approximate_creation_date_time.timestamp_millis())
}

fn read(record: &EventRecord) -> Option<Record> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| decode(record))).ok()?.ok()
}

/// An event without what may not be kept: none if it is of somebody who was erased or has just refused.
pub(crate) fn admit(barred: &Barred, event: Event) -> Option<Event> {
    if barred.just_refused(&event.visitor, event.received) { None } else { barred.admit(event) }
}

/// Whether a decision may not be kept: it is of somebody who was erased or has just refused, or it names an erased visitor.
pub(crate) fn bars(barred: &Barred, visitor: Option<&Visitor>, time: Millis, document: &str) -> bool {
    let own = visitor.is_some_and(|visitor| barred.just_refused(visitor, time) || barred.holds(visitor, time));
    own || decisions::named(document).is_some_and(|named| named.iter().any(|visitor| barred.is_whole(visitor)))
}

impl Erased {
    /// Asks who of some visitors is erased by now.
    pub(crate) async fn among(context: &Context, visitors: &Visitors) -> vitrine_store::Result<Self> {
        let key = context.tombstone_key();
        let mut erased = BTreeMap::new();
        for (shop, visitors) in visitors {
            let barred = context.table.barred_now(&key, shop, visitors.iter().cloned()).await?;
            if !barred.is_empty() {
                erased.insert(shop.clone(), barred);
            }
        }
        Ok(Self(erased))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn of(&self, shop: &Shop) -> &Barred {
        self.0.get(shop).unwrap_or(&NOBODY)
    }

    /// Deletes from the table what the records wrote of the erased, and takes their devices out of what others did.
    pub(crate) async fn mend_table(&self, context: &Context, records: &[EventRecord]) -> vitrine_store::Result<()> {
        let (mut gone, mut changed) = (BTreeSet::new(), BTreeMap::<Shop, Vec<Event>>::new());
        for record in records {
            match read(record) {
                Some(Record::Event { shop, event }) => match admit(self.of(&shop), (*event).clone()) {
                    Some(admitted) if admitted == *event => {}
                    Some(admitted) => changed.entry(shop).or_default().push(admitted),
                    None => gone.extend(keys_of(record)),
                },
                Some(Record::Decision { shop, visitor, time, document, .. }) => {
                    if bars(self.of(&shop), visitor.as_ref(), time, &document) {
                        gone.extend(keys_of(record));
                    }
                }
                _ => {
                    let Some((shop, visitor, place)) = place_of(record) else { continue };
                    let (barred, then) = (self.of(&shop), written(record));
                    let bars = |visitor: &Visitor| barred.is_whole(visitor) || barred.just_refused(visitor, then);
                    if bars(&visitor) || keys::parse_link(&place.1).is_some_and(|other| bars(&other)) {
                        gone.insert(place);
                    }
                }
            }
        }
        context.table.delete_keys(gone).await?;
        for (shop, events) in changed {
            context.table.import_events(&shop, &events).await?;
        }
        Ok(())
    }
}
