//! What the catalogue says of the products that events name, remembered for a minute.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use vitrine_domain::profile::{self, Facts};
use vitrine_domain::time::MINUTE;
use vitrine_domain::{Event, Millis, ProductId, Purpose, Shop};
use vitrine_runtime::Clock;
use vitrine_store::Table;

/// How long an answer of the catalogue is believed.
const BELIEVED: i64 = MINUTE;
/// Products remembered at once, over all shops: some ten megabytes.
const REMEMBERED: usize = 50_000;

/// The facts of a product, or that there are none, and when they were read.
type Entry = (Millis, Option<Arc<Facts>>);

/// Reads facts from the table and remembers them.
pub(crate) struct Catalogue {
    table: Table,
    clock: Clock,
    memory: Mutex<HashMap<Shop, HashMap<ProductId, Entry>>>,
}

/// The facts that a run of events needs.
#[derive(Debug, Default)]
pub(crate) struct Known(HashMap<ProductId, Arc<Facts>>);

impl profile::Catalogue for Known {
    fn facts(&self, product: &str) -> Option<Facts> {
        self.0.get(product).map(|facts| facts.as_ref().clone())
    }
}

/// The products of which the fold will ask: those of events that speak of taste and may be learned from.
fn asked_for(events: &[Event]) -> BTreeSet<&ProductId> {
    let learned = events.iter().filter(|e| e.action.is_interest() && e.purposes.allows(Purpose::Personalise));
    learned.flat_map(|event| event.lines.iter().map(|line| &line.product)).collect()
}

impl Catalogue {
    pub(crate) fn new(table: Table, clock: Clock) -> Self {
        Self { table, clock, memory: Mutex::default() }
    }

    /// The facts for a run of events.
    pub(crate) async fn of(&self, shop: &Shop, events: &[Event]) -> Result<Known, vitrine_store::Error> {
        let asked = asked_for(events);
        let now = self.clock.now();
        let (mut known, missing) = self.recall(shop, asked, now);
        if missing.is_empty() {
            return Ok(known);
        }
        let mut found = self.table.products(shop, &missing).await?;
        let mut read = Vec::with_capacity(missing.len());
        for id in missing {
            let facts = found.remove(&id).map(|product| Arc::new(Facts::from(&product)));
            if let Some(facts) = &facts {
                known.0.insert(id.clone(), facts.clone());
            }
            read.push((id, facts));
        }
        self.remember(shop, read, now);
        Ok(known)
    }

    fn recall(&self, shop: &Shop, asked: BTreeSet<&ProductId>, now: Millis) -> (Known, Vec<ProductId>) {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let products = memory.get(shop);
        let mut known = Known::default();
        let mut missing = Vec::new();
        for id in asked {
            match products.and_then(|p| p.get(id)).filter(|(at, _)| now.since(*at) < BELIEVED) {
                Some((_, Some(facts))) => drop(known.0.insert(id.clone(), facts.clone())),
                Some((_, None)) => {}
                None => missing.push(id.clone()),
            }
        }
        (known, missing)
    }

    fn remember(&self, shop: &Shop, read: Vec<(ProductId, Option<Arc<Facts>>)>, now: Millis) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.values().map(HashMap::len).sum::<usize>() + read.len() > REMEMBERED {
            memory.clear();
        }
        let products = memory.entry(shop.clone()).or_default();
        products.extend(read.into_iter().take(REMEMBERED).map(|(id, facts)| (id, (now, facts))));
    }
}
