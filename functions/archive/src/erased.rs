//! The second line of an erasure: whatever is written of somebody after they were erased comes by here.
//!
//! Intake and recommendations remember for a moment that somebody is not erased, and a write may be under way while its
//! visitor is. Every write of the table is in its stream, and it comes after the tombstone if the erasure did not see it.
//! So the archive asks for the visitors of each batch, keeps nothing of the erased, and deletes from the table what should
//! not be there. It asks before it writes a file and once more afterwards: an erasure in between may have read the lake
//! already.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use aws_lambda_events::event::dynamodb::EventRecord;
use vitrine_domain::{Event, Shop, Visitor};
use vitrine_runtime::Context;
use vitrine_store::keys;
use vitrine_store::stream::{Record, decode, place_of};
use vitrine_store::tombstones::{Barred, named};

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
        let Some((shop, visitor, (_, sk))) = place_of(record) else { continue };
        let of_shop = visitors.entry(shop).or_default();
        of_shop.insert(visitor);
        of_shop.extend(keys::parse_link(&sk));
        if let Some(event) = event_of(record) {
            of_shop.extend(named(&event));
        }
    }
    visitors
}

fn event_of(record: &EventRecord) -> Option<Event> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| decode(record))) {
        Ok(Ok(Record::Event { event, .. })) => Some(*event),
        _ => None,
    }
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
            let Some((shop, visitor, place)) = place_of(record) else { continue };
            let barred = self.of(&shop);
            if let Some(event) = event_of(record) {
                match barred.admit(event.clone()) {
                    Some(admitted) if admitted == event => {}
                    Some(admitted) => changed.entry(shop).or_default().push(admitted),
                    None => drop(gone.insert(place)),
                }
                continue;
            }
            let other = keys::parse_link(&place.1);
            let whole = barred.is_whole(&visitor) || other.is_some_and(|other| barred.is_whole(&other));
            let then = keys::parse_decision(&place.1).is_some_and(|time| barred.holds(&visitor, time));
            if whole || then {
                gone.insert(place);
            }
        }
        context.table.delete_keys(gone).await?;
        for (shop, events) in changed {
            context.table.import_events(&shop, &events).await?;
        }
        Ok(())
    }
}
