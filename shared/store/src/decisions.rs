//! Decisions: what was shown, where, with which probability.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use vitrine_domain::{Millis, Shop, Visitor};

use crate::error::classify;
use crate::table::{Item, Table, document_text, item, put_request, sort_key, text, with_expiry};
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

/// What decision ids are sealed for.
const PURPOSE: &str = "decision";

/// A decision's id, sealed by whoever can.
pub fn seal_id(
    shop: &Shop,
    key: &DecisionKey,
    seal: impl FnOnce(&'static str, &[u8]) -> Option<String>,
) -> Option<String> {
    let visitor = key.visitor.as_ref().map(ToString::to_string).unwrap_or_default();
    seal(PURPOSE, format!("{shop}\n{}\n{}\n{visitor}", key.time.0, key.nonce).as_bytes())
}

/// Where the decision of an id is kept, by whoever can open the id; none if it is not of this shop.
pub fn open_id(shop: &Shop, open: impl FnOnce(&'static str) -> Option<Vec<u8>>) -> Option<DecisionKey> {
    let clear = String::from_utf8(open(PURPOSE)?).ok()?;
    let mut parts = clear.splitn(4, '\n');
    let (of, time, nonce, visitor) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if of != shop.as_str() {
        return None;
    }
    let visitor = if visitor.is_empty() { None } else { Some(Visitor::parse(visitor).ok()?) };
    Some(DecisionKey { visitor, time: Millis(time.parse().ok()?), nonce: nonce.to_owned() })
}

fn to_item(shop: &Shop, key: &DecisionKey, decision: &RawValue) -> Result<Item> {
    let stored = item(key.partition(shop), keys::decision(key.time, &key.nonce), "decision", decision)?;
    Ok(with_expiry(stored, key.time.plus(DAYS * vitrine_domain::time::DAY)))
}

fn from_item(item: &Item) -> Result<Box<RawValue>> {
    let text = document_text(item, "decision")?.to_owned();
    RawValue::from_string(text).map_err(|e| Error::corrupt("decision", e))
}

impl Table {
    /// Writes a decision.
    ///
    /// # Errors
    /// If the table cannot take it.
    pub async fn put_decision(&self, shop: &Shop, key: &DecisionKey, decision: &RawValue) -> Result<()> {
        self.put(to_item(shop, key, decision)?).await
    }

    /// Writes the decisions of one request: up to 25 in one call. Of two with the same key the last one counts.
    ///
    /// # Errors
    /// If the table cannot take them all; writing them again is right.
    pub async fn put_decisions(&self, shop: &Shop, decisions: &[(DecisionKey, Box<RawValue>)]) -> Result<()> {
        // A batch may not name a key twice.
        let items: BTreeMap<(String, String), Item> = decisions
            .iter()
            .map(|(key, decision)| {
                let place = (key.partition(shop), keys::decision(key.time, &key.nonce));
                Ok((place, to_item(shop, key, decision)?))
            })
            .collect::<Result<_>>()?;
        self.write_all(items.into_values().map(put_request).collect::<Result<_>>()?).await
    }

    /// What was shown to a visitor, newest first: the newest decisions with their times, up to and with those of a time if one
    /// is named. Read eventually consistent, at half the price: a decision of the last second may be missing.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn recent_decisions(
        &self,
        shop: &Shop,
        visitor: &Visitor,
        limit: usize,
        up_to: Option<Millis>,
    ) -> Result<Vec<(Millis, Box<RawValue>)>> {
        // Nonces are letters and digits, and `~` comes after all of them.
        let up_to = up_to.map_or_else(|| "D$".to_owned(), |time| keys::decision(time, "~"));
        let call = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("PK = :pk AND SK BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(keys::visitor(shop, visitor)))
            .expression_attribute_values(":first", text("D#"))
            .expression_attribute_values(":last", text(up_to))
            .scan_index_forward(false)
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX));
        let answer = call.send().await.map_err(|e| classify("Query", e))?;
        let read = |item: &Item| {
            let time = keys::parse_decision(sort_key(item)).ok_or_else(|| Error::corrupt("decision", "key"))?;
            Ok((time, from_item(item)?))
        };
        answer.items().iter().filter(|item| !self.is_over(item)).map(read).collect()
    }

    /// What was shown to a visitor, newest first, with where each decision is kept.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn visitor_decisions(
        &self,
        shop: &Shop,
        visitor: &Visitor,
        limit: usize,
    ) -> Result<Vec<(DecisionKey, Box<RawValue>)>> {
        let pk = keys::visitor(shop, visitor);
        let (mut found, mut from) = (Vec::new(), None);
        while found.len() < limit {
            let left = i32::try_from(limit - found.len()).unwrap_or(i32::MAX);
            let (items, next) = self.page(&pk, ("D#", "D$"), true, Some(left), from).await?;
            for item in &items {
                let (time, nonce) =
                    keys::parse_decision_key(sort_key(item)).ok_or_else(|| Error::corrupt("decision", "key"))?;
                found.push((DecisionKey { visitor: Some(visitor.clone()), time, nonce }, from_item(item)?));
            }
            from = next;
            if from.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// A decision as it was written.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn decision(&self, shop: &Shop, key: &DecisionKey) -> Result<Option<Box<RawValue>>> {
        let found = self.get(key.partition(shop), &keys::decision(key.time, &key.nonce)).await?;
        found.as_ref().map(from_item).transpose()
    }
}
