//! A shop's segments, remembered for a minute.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use vitrine_domain::filter::Person;
use vitrine_domain::segment::{Scale, memberships};
use vitrine_domain::time::MINUTE;
use vitrine_domain::{Millis, Segment, Shop, State};
use vitrine_runtime::Context;
use vitrine_store::settings::{SCALE, SEGMENT};

/// How long definitions are believed. What a decision goes by is never older than a second: it evaluates them itself.
const BELIEVED: i64 = MINUTE;
/// Shops remembered at once.
const REMEMBERED: usize = 256;

/// What a shop's visitors are looked at by.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    pub(crate) segments: Vec<Segment>,
    pub(crate) scale: Option<Scale>,
    /// Those that the shop wrote itself, and their versions.
    pub(crate) versions: Vec<(String, u64)>,
}

impl Definitions {
    /// Those of a shop now.
    pub(crate) async fn read(context: &Context, shop: &Shop) -> vitrine_store::Result<Self> {
        let snapshot = context.table.settings_at(shop, &[SCALE, SEGMENT], None).await?;
        let versions = snapshot.stored(SEGMENT).iter().map(|stored| (stored.id.clone(), stored.version)).collect();
        Ok(Self { segments: snapshot.segments(), scale: snapshot.one(SCALE), versions })
    }

    /// The segments that a visitor is in.
    pub(crate) fn of(&self, state: &State, now: Millis) -> BTreeSet<String> {
        memberships(&self.segments, Person { state, now }, self.scale.as_ref())
    }
}

/// The definitions of all shops in memory.
#[derive(Default)]
pub(crate) struct AllDefinitions(Mutex<HashMap<Shop, (Millis, Arc<Definitions>)>>);

impl AllDefinitions {
    /// Those of a shop, at most a minute old.
    pub(crate) async fn of(&self, context: &Context, shop: &Shop) -> vitrine_store::Result<Arc<Definitions>> {
        let now = context.clock.now();
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(shop).cloned();
        if let Some((_, definitions)) = remembered.filter(|(at, _)| now.since(*at) < BELIEVED) {
            return Ok(definitions);
        }
        let definitions = Arc::new(Definitions::read(context, shop).await?);
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= REMEMBERED {
            memory.clear();
        }
        memory.insert(shop.clone(), (now, definitions.clone()));
        Ok(definitions)
    }
}

/// Counts who came and went, by segment: for the log's metrics, without a word of who it was.
pub(crate) fn count(shop: &Shop, changed: &vitrine_domain::segment::Transitions) {
    for (name, segments) in [("segment_entered", &changed.entered), ("segment_left", &changed.left)] {
        metrics::counter!(name).increment(segments.len() as u64);
        for segment in segments {
            tracing::debug!(%shop, segment, name, "a visitor's segments changed");
        }
    }
}
