//! What a shop's events may be used for when they say nothing themselves, remembered for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use vitrine_domain::time::SECOND;
use vitrine_domain::{Millis, Purposes, Shop};
use vitrine_store::{Result, Table};

/// How long a setting is trusted.
const TRUST: i64 = 30 * SECOND;
/// Shops remembered at once.
const MEMORY: usize = 1024;

/// The settings read lately.
#[derive(Debug, Default)]
pub(crate) struct Consent(Mutex<HashMap<Shop, (Millis, Purposes)>>);

impl Consent {
    /// The default purposes of a shop's events.
    pub(crate) async fn of(&self, table: &Table, shop: &Shop, now: Millis) -> Result<Purposes> {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(shop).copied();
        if let Some((at, purposes)) = remembered
            && now.since(at) < TRUST
        {
            return Ok(purposes);
        }
        let purposes = table.default_purposes(shop).await?;
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= MEMORY {
            memory.clear();
        }
        memory.insert(shop.clone(), (now, purposes));
        Ok(purposes)
    }
}
