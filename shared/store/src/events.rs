//! Events: written once, under a key that the client decided.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, WriteRequest};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use vitrine_domain::profile::{Link, in_fold_order};
use vitrine_domain::time::DAY;
use vitrine_domain::{Action, Event, MessageId, Millis, Shop, Visitor};

use crate::calls::Call;
use crate::error::classify;
use crate::table::{Item, Table, expiry, item, put_request, sort_key, text, with_expiry};
use crate::{Error, Result, keys};

/// What became of an event that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is in the table now.
    New,
    /// It was there already; nothing changed.
    Duplicate,
}

/// Items in one batch write, the table's own bound.
const BATCH: usize = 25;
/// Batch writes under way at once.
const CONCURRENCY: usize = 8;

/// The document of an event leaves out what its key says. An old order book is kept as long as if it had happened when it was
/// imported; a day more, for clocks that are ahead.
fn to_item(shop: &Shop, event: &Event, retention: i64) -> Result<Item> {
    let mut document = serde_json::to_value(event).map_err(|e| Error::corrupt("event", e))?;
    if let Value::Object(fields) = &mut document {
        for field in ["m", "v", "t"] {
            fields.remove(field);
        }
    }
    let stored = item(keys::visitor(shop, &event.visitor), keys::event(event.time, &event.id), "event", &document)?;
    // What a training tells of a visitor is over with what the visitor did.
    let from = if event.action == Action::Audience { event.received } else { event.time.max(event.received) };
    Ok(with_expiry(stored, from.plus(retention + DAY)))
}

/// Puts the key's part back into a stored document.
pub(crate) fn from_document(visitor: &Visitor, sk: &str, document: &str) -> Result<Event> {
    let (time, id) = keys::parse_event(sk).ok_or_else(|| Error::corrupt("event", format!("key {sk:?}")))?;
    let mut value: Value = serde_json::from_str(document).map_err(|e| Error::corrupt("event", e))?;
    if let Value::Object(fields) = &mut value {
        fields.insert("m".into(), id.as_str().into());
        fields.insert("v".into(), visitor.to_string().into());
        fields.insert("t".into(), time.0.into());
    }
    serde_json::from_value(value).map_err(|e| Error::corrupt("event", e))
}

pub(crate) fn from_item(visitor: &Visitor, item: &Item) -> Result<Event> {
    from_document(visitor, sort_key(item), crate::table::document_text(item, "event")?)
}

impl Table {
    /// Writes an event unless it is there: first write wins, a retry changes nothing.
    ///
    /// # Errors
    /// If the table cannot take it; then it may or may not be there, and sending it again is right.
    pub async fn put_event(&self, shop: &Shop, event: &Event) -> Result<Written> {
        let new = self.put_new(to_item(shop, event, self.retention)?).await?;
        Ok(if new { Written::New } else { Written::Duplicate })
    }

    /// Writes an event that came without a usable time of its own. Its key holds the time of first receipt, which a
    /// retry would not repeat, so a mark under its message id is written in the same transaction.
    ///
    /// # Errors
    /// As for [`put_event`](Self::put_event).
    pub async fn put_event_without_time(&self, shop: &Shop, event: &Event) -> Result<Written> {
        let mark = crate::table::key(keys::visitor(shop, &event.visitor), keys::mark(&event.id));
        let mark = with_expiry(mark, event.received.plus(self.retention + DAY));
        let new = Some("attribute_not_exists(PK)");
        let puts = vec![self.put_of(mark, new)?, self.put_of(to_item(shop, event, self.retention)?, new)?];
        let failed = self.transact(puts).await?;
        Ok(if failed.is_empty() { Written::New } else { Written::Duplicate })
    }

    /// Writes the events of an import: last write wins, so that a corrected order book can be imported again.
    ///
    /// # Errors
    /// If the table cannot take them all; importing again is right.
    pub async fn import_events(&self, shop: &Shop, events: &[Event]) -> Result<()> {
        let mut requests = Vec::with_capacity(events.len());
        let mut seen = std::collections::HashSet::with_capacity(events.len());
        // A batch may not name a key twice; the last one wins, as it would one after the other.
        for event in events.iter().rev() {
            if !seen.insert((&event.visitor, event.time, &event.id)) {
                continue;
            }
            requests.push(put_request(to_item(shop, event, self.retention)?)?);
        }
        self.write_all(requests).await
    }

    /// Batch writes, several at once, the unprocessed ones again with growing pauses.
    pub(crate) async fn write_all(&self, requests: Vec<WriteRequest>) -> Result<()> {
        let batches: Vec<Vec<WriteRequest>> = requests.chunks(BATCH).map(<[_]>::to_vec).collect();
        stream::iter(batches)
            .map(|batch| self.write_batch(batch))
            .buffer_unordered(CONCURRENCY)
            .try_collect::<Vec<()>>()
            .await
            .map(|_| ())
    }

    async fn write_batch(&self, mut batch: Vec<WriteRequest>) -> Result<()> {
        for attempt in 0..8_u32 {
            let call = self.client.batch_write_item().request_items(&self.name, batch);
            let answer = call.ask().await.map_err(|e| classify("BatchWriteItem", e))?;
            batch = answer.unprocessed_items.and_then(|mut all| all.remove(&self.name)).unwrap_or_default();
            if batch.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50 << attempt)).await;
        }
        Err(Error::Unavailable { operation: "BatchWriteItem", source: "items stayed unprocessed".into() })
    }

    /// A visitor's events from a time on, in fold order, and their links.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn history(&self, shop: &Shop, visitor: &Visitor, from: Millis) -> Result<(Vec<Event>, Vec<Link>)> {
        let items = self.all(&keys::visitor(shop, visitor), (&keys::events_from(from), "L$")).await?;
        let mut events = Vec::with_capacity(items.len());
        let mut links = Vec::new();
        for item in &items {
            match sort_key(item) {
                sk if sk.starts_with("E#") => events.push(from_item(visitor, item)?),
                sk if sk.starts_with("L#") => links.push(link_from(item)?),
                _ => {}
            }
        }
        in_fold_order(&mut events);
        Ok((events, links))
    }

    /// Notes that a device and a user belong together, on both sides; the earliest time stays. A link lives as long as events
    /// do, from the last time that it was noted.
    ///
    /// # Errors
    /// If the table cannot take it; linking again is right.
    pub async fn link(&self, shop: &Shop, device: &Visitor, user: &Visitor, since: Millis) -> Result<()> {
        tokio::try_join!(self.link_one(shop, device, user, since), self.link_one(shop, user, device, since))?;
        Ok(())
    }

    async fn link_one(&self, shop: &Shop, from: &Visitor, to: &Visitor, since: Millis) -> Result<()> {
        let over = self.time().map_or(since, |now| now.max(since)).plus(self.retention + DAY);
        let link = |since: &str| {
            let mut link = crate::table::key(keys::visitor(shop, from), keys::link(to));
            link.insert("t".to_owned(), text(since));
            with_expiry(link, over)
        };
        let since = since.sort_key();
        let Some(old) = self.put_link(link(&since), "attribute_not_exists(PK) OR t > :t", &since).await? else {
            return Ok(());
        };
        // It is there, and earlier. Its end moves only now and then: a write for each log-in would be paid for.
        let fresh = over.plus(-self.retention / 20);
        if expiry(&old).is_some_and(|end| end >= fresh) {
            return Ok(());
        }
        let Some(earlier) = old.get("t").and_then(|t| t.as_s().ok()) else { return Ok(()) };
        let link = if self.is_over(&old) { link(&since) } else { link(earlier) };
        self.put_link(link, "t = :t", earlier).await.map(drop)
    }

    /// Puts a link under a condition on a time; answers what is there if the condition does not hold.
    async fn put_link(&self, link: Item, condition: &str, time: &str) -> Result<Option<Item>> {
        let call = self.client.put_item().table_name(&self.name).set_item(Some(link));
        let call = call
            .condition_expression(condition)
            .expression_attribute_values(":t", text(time))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match call.ask().await {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Some(failed.item.clone().unwrap_or_default()))
                }
                _ => Err(classify("PutItem", error)),
            },
        }
    }

    /// Whether an event is in the table.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn has_event(&self, shop: &Shop, visitor: &Visitor, time: Millis, id: &MessageId) -> Result<bool> {
        Ok(self.get(keys::visitor(shop, visitor), &keys::event(time, id)).await?.is_some())
    }
}

pub(crate) fn link_from(item: &Item) -> Result<Link> {
    let other = keys::parse_link(sort_key(item)).ok_or_else(|| Error::corrupt("link", "key"))?;
    let since = item.get("t").and_then(|v| v.as_s().ok()).and_then(|t| t.parse().ok());
    let since = since.ok_or_else(|| Error::corrupt("link", "no time"))?;
    Ok(Link { other, since: Millis(since) })
}
