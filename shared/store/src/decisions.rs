//! Decisions: what was shown, where, with which probability.

use serde_json::value::RawValue;
use vitrine_domain::{Millis, Shop, Visitor};

use crate::table::{Table, document_text, item, with_expiry};
use crate::{Error, Result, keys};

/// Days a decision stays in the table; the lake keeps it longer.
const DAYS: i64 = 90;

/// Where a decision is kept: beside its visitor, or alone if there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionKey {
    /// Whose decision it was.
    pub visitor: Option<Visitor>,
    /// When it was made.
    pub time: Millis,
    /// Tells decisions of one millisecond apart; 1 to 40 letters and digits.
    pub nonce: String,
}

impl DecisionKey {
    fn partition(&self, shop: &Shop) -> String {
        match &self.visitor {
            Some(visitor) => keys::visitor(shop, visitor),
            None => format!("S#{shop}#V#n:{}", keys::escape(&self.nonce)),
        }
    }
}

impl Table {
    /// Writes a decision.
    ///
    /// # Errors
    /// If the table cannot take it.
    pub async fn put_decision(&self, shop: &Shop, key: &DecisionKey, decision: &RawValue) -> Result<()> {
        let sk = keys::decision(key.time, &key.nonce);
        let stored = item(key.partition(shop), sk, "decision", decision)?;
        self.put(with_expiry(stored, key.time.plus(DAYS * vitrine_domain::time::DAY))).await
    }

    /// A decision as it was written.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn decision(&self, shop: &Shop, key: &DecisionKey) -> Result<Option<Box<RawValue>>> {
        let found = self.get(key.partition(shop), &keys::decision(key.time, &key.nonce)).await?;
        let Some(item) = found else { return Ok(None) };
        let text = document_text(&item, "decision")?.to_owned();
        RawValue::from_string(text).map(Some).map_err(|e| Error::corrupt("decision", e))
    }
}
