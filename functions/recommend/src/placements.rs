//! A shop's own placements, read from its settings at most once a second.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use vitrine_domain::time::SECOND;
use vitrine_domain::{Millis, Placement, Shop};
use vitrine_http::Problem;
use vitrine_runtime::Context;

/// How long what was read is trusted.
const FRESH: i64 = SECOND;
/// Shops remembered.
const MEMORY: usize = 256;

type Own = Arc<BTreeMap<String, Placement>>;

/// The placements that shops have made or changed.
#[derive(Debug, Default)]
pub(crate) struct Placements(Mutex<HashMap<Shop, (Millis, Own)>>);

impl Placements {
    /// A shop's own placement of a name.
    pub(crate) async fn get(&self, context: &Context, shop: &Shop, name: &str) -> Result<Option<Placement>, Problem> {
        let now = context.clock.now();
        if let Some(own) = self.fresh(shop, now) {
            return Ok(own.get(name).cloned());
        }
        let stored = context.table.settings::<Placement>(shop, "placement").await?;
        let own: Own =
            Arc::new(stored.into_iter().map(|setting| (setting.value.name.clone(), setting.value)).collect());
        let found = own.get(name).cloned();
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= MEMORY {
            memory.clear();
        }
        memory.insert(shop.clone(), (now, own));
        Ok(found)
    }

    fn fresh(&self, shop: &Shop, now: Millis) -> Option<Own> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.get(shop).filter(|(read, _)| now.since(*read) < FRESH).map(|(_, own)| own.clone())
    }
}
