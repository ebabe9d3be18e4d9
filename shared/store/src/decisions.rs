//! Decisions: what was shown, where, with which probability.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use vitrine_domain::experiment::{CARRIED, Drawn};
use vitrine_domain::time::{DAY, SECOND};
use vitrine_domain::{Millis, Shop, Visitor};

use crate::calls::Call;
use crate::error::classify;
use crate::table::{Item, Table, document_text, item, key, put_request, sort_key, text, with_expiry};
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
    /// Whether only the lake still has it.
    #[must_use]
    pub fn is_past(&self, now: Millis) -> bool {
        over(self.time).0 / SECOND * SECOND <= now.0
    }

    fn partition(&self, shop: &Shop) -> String {
        match &self.visitor {
            Some(visitor) => keys::visitor(shop, visitor),
            None => format!("S#{shop}#V#n:{}", keys::escape(&self.nonce)),
        }
    }
}

/// What decision ids are sealed for.
const PURPOSE: &str = "decision";

/// A decision's id, sealed by whoever can. In front of where it is kept it carries what was drawn for it, [`CARRIED`] at most:
/// their number as a byte, which no shop's name begins with, and eight bytes each; nothing if nothing was drawn.
pub fn seal_id(
    shop: &Shop,
    key: &DecisionKey,
    drawn: impl IntoIterator<Item = Drawn>,
    seal: impl FnOnce(&'static str, &[u8]) -> Option<String>,
) -> Option<String> {
    let visitor = key.visitor.as_ref().map(ToString::to_string).unwrap_or_default();
    let place = format!("{shop}\n{}\n{}\n{visitor}", key.time.0, key.nonce);
    let drawn: Vec<[u8; 8]> = drawn.into_iter().take(CARRIED).map(Drawn::to_bytes).collect();
    let count = u8::try_from(drawn.len()).ok().filter(|count| *count > 0);
    let clear: Vec<u8> = count.into_iter().chain(drawn.into_iter().flatten()).chain(place.into_bytes()).collect();
    seal(PURPOSE, &clear)
}

/// Where the decision of an id is kept and what was drawn for it, by whoever can open the id; none if it is not of this shop.
pub fn open_id(shop: &Shop, open: impl FnOnce(&'static str) -> Option<Vec<u8>>) -> Option<(DecisionKey, Vec<Drawn>)> {
    let clear = open(PURPOSE)?;
    let count = clear.first().filter(|count| usize::from(**count) <= CARRIED);
    let (drawn, place) = match count {
        Some(count) => clear.get(1..)?.split_at_checked(8 * usize::from(*count))?,
        None => (&[][..], clear.as_slice()),
    };
    let drawn = drawn.as_chunks().0.iter().map(|bytes| Drawn::from_bytes(*bytes)).collect();
    let mut parts = std::str::from_utf8(place).ok()?.splitn(4, '\n');
    let (of, time, nonce, visitor) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if of != shop.as_str() {
        return None;
    }
    let visitor = if visitor.is_empty() { None } else { Some(Visitor::parse(visitor).ok()?) };
    Some((DecisionKey { visitor, time: Millis(time.parse().ok()?), nonce: nonce.to_owned() }, drawn))
}

/// Whom a decision names beside its own visitor: the device of a customer, and whose list it goes on with. None if it cannot be
/// read.
#[must_use]
pub fn named(document: &str) -> Option<Vec<Visitor>> {
    let value: serde_json::Value = serde_json::from_str(document).ok()?;
    let text = |pointer: &str| value.pointer(pointer).and_then(serde_json::Value::as_str);
    let device = text("/dv").and_then(|id| Visitor::anonymous(id).ok());
    Some(device.into_iter().chain(text("/a/v").and_then(|visitor| Visitor::parse(visitor).ok())).collect())
}

fn to_item(shop: &Shop, key: &DecisionKey, decision: &RawValue) -> Result<Item> {
    let stored = item(key.partition(shop), keys::decision(key.time, &key.nonce), "decision", decision)?;
    Ok(with_expiry(stored, over(key.time)))
}

/// The last day of the lake that has decisions which only the lake has: what is made is archived within a day.
#[must_use]
pub fn past_day(now: Millis) -> String {
    now.plus((1 - DAYS) * DAY).day()
}

/// When the table lets a decision go.
fn over(made: Millis) -> Millis {
    made.plus(DAYS * DAY)
}

pub(crate) fn from_item(item: &Item) -> Result<Box<RawValue>> {
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
        let answer = call.ask().await.map_err(|e| classify("Query", e))?;
        let read = |item: &Item| {
            let time = keys::parse_decision(sort_key(item)).ok_or_else(|| Error::corrupt("decision", "key"))?;
            Ok((time, from_item(item)?))
        };
        answer.items().iter().filter(|item| !self.is_over(item)).map(read).collect()
    }

    /// A page of what was shown to a visitor, newest first, with where each decision is kept: those before a decision, if one is
    /// named. Answers whether there may be more.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn visitor_decisions(
        &self,
        shop: &Shop,
        visitor: &Visitor,
        before: Option<&DecisionKey>,
        limit: usize,
    ) -> Result<(Vec<(DecisionKey, Box<RawValue>)>, bool)> {
        let pk = keys::visitor(shop, visitor);
        let mut from = before.map(|before| key(pk.as_str(), keys::decision(before.time, &before.nonce)));
        let mut found = Vec::new();
        loop {
            let left = i32::try_from(limit.saturating_sub(found.len()).max(1)).unwrap_or(i32::MAX);
            let (items, next) = self.page(&pk, ("D#", "D$"), true, Some(left), from).await?;
            for item in &items {
                let (time, nonce) =
                    keys::parse_decision_key(sort_key(item)).ok_or_else(|| Error::corrupt("decision", "key"))?;
                found.push((DecisionKey { visitor: Some(visitor.clone()), time, nonce }, from_item(item)?));
            }
            from = next;
            if from.is_none() || found.len() >= limit {
                return Ok((found, from.is_some()));
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(shop: &str, visitor: Option<Visitor>) -> (Shop, DecisionKey) {
        (Shop::new(shop).unwrap(), DecisionKey { visitor, time: Millis(1_763_822_400_000), nonce: "f".repeat(18) })
    }

    #[test]
    fn an_id_carries_where_the_decision_is_kept_and_what_was_drawn() {
        let plain = |_: &'static str, clear: &[u8]| Some(clear.iter().map(|byte| char::from(*byte)).collect());
        let bytes = |id: &str| Some(id.chars().map(|byte| byte as u8).collect());
        let all: Vec<Drawn> =
            (0..12).map(|n| Drawn { experiment: u32::MAX - n, cell: 10, propensity: 1_000_000 }).collect();
        for visitor in [None, Some(Visitor::known("anna").unwrap())] {
            let (shop, key) = of("demo", visitor);
            for count in 0..=12 {
                let id = seal_id(&shop, &key, all[..count].iter().copied(), plain).unwrap();
                let (found, drawn) = open_id(&shop, |_| bytes(&id)).unwrap();
                assert_eq!((&found, drawn.as_slice()), (&key, &all[..count.min(CARRIED)]));
                assert_eq!(open_id(&Shop::new("other").unwrap(), |_| bytes(&id)), None);
            }
            // As ids were before they carried anything, and one that is cut off.
            let old = seal_id(&shop, &key, [], plain).unwrap();
            assert!(old.starts_with("demo\n"), "{old}");
            assert_eq!(open_id(&shop, |_| bytes("\u{8}demo\n1\nf\n")), None);
        }
    }

    #[test]
    fn the_longest_id_is_as_short_as_that_of_an_event_has_to_be() {
        let (shop, key) = of(&"s".repeat(40), Some(Visitor::anonymous("v".repeat(200)).unwrap()));
        let drawn = [Drawn { experiment: 1, cell: 1, propensity: 1 }; 2 * CARRIED];
        let mut length = 0;
        seal_id(&shop, &key, drawn, |_, clear| {
            length = clear.len();
            None
        });
        // Sealing puts 12 bytes before it and 16 behind, and writes four letters for three bytes.
        assert!((length + 28).div_ceil(3) * 4 <= 512, "{length}");
    }
}
