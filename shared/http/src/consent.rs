//! What an event or a request may be used for when it says nothing itself, and what its headers say.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use vitrine_domain::consent::Signal;
use vitrine_domain::time::SECOND;
use vitrine_domain::{Millis, Purposes, Shop};
use vitrine_store::{Result, Table};

/// How long a setting is trusted.
const TRUST: i64 = 30 * SECOND;
/// Shops remembered at once.
const MEMORY: usize = 1024;

/// The settings of shops that were read lately.
#[derive(Debug, Default)]
pub struct Defaults(Mutex<HashMap<Shop, (Millis, Purposes)>>);

impl Defaults {
    /// What a shop's events may be used for when they say nothing themselves.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn of(&self, table: &Table, shop: &Shop, now: Millis) -> Result<Purposes> {
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

/// What the headers of a request say: a browser with Global Privacy Control sends `Sec-GPC: 1` with every one.
#[must_use]
pub fn of_headers(headers: &HeaderMap) -> Signal {
    let gpc = headers.get("sec-gpc").is_some_and(|value| value.as_bytes().trim_ascii() == b"1");
    if gpc { Signal::GPC } else { Signal::SILENCE }
}
