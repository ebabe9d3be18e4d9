//! What was known of a visitor when a decision was made, for a replay of it.
//!
//! As for a fold, an event that cannot be read is counted and left out.

use vitrine_domain::profile::{Link, in_fold_order};
use vitrine_domain::{Event, Shop, Visitor};

use crate::table::Table;
use crate::{Result, events, keys};

/// Most events of one partition: many more than a recommendation looks at.
pub const MAX_EVENTS: usize = 400;

/// The end of a visitor's history as it may have been at a time.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The newest events up to a sort key, newest first. Some of them may have come later than others of newer keys: each
    /// says when it was received.
    pub events: Vec<Event>,
    /// All links as they are now; each says since when.
    pub links: Vec<Link>,
    /// Whether the events go back to the first.
    pub complete: bool,
    /// Events that could not be read.
    pub unreadable: usize,
}

impl Table {
    /// A visitor's events up to and with that of a sort key, at most [`MAX_EVENTS`], and their links. A key before every
    /// event's, such as an empty one, finds none.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn history_until(&self, shop: &Shop, visitor: &Visitor, newest: &str) -> Result<Past> {
        let (links, mut past) = tokio::try_join!(self.links(shop, visitor), self.events_until(shop, visitor, newest))?;
        past.links = links;
        Ok(past)
    }

    async fn events_until(&self, shop: &Shop, visitor: &Visitor, newest: &str) -> Result<Past> {
        let mut past = Past::default();
        let newest = newest.min("E$");
        if newest < "E#" {
            past.complete = true;
            return Ok(past);
        }
        let pk = keys::visitor(shop, visitor);
        let (mut from, mut left) = (None, MAX_EVENTS);
        while left > 0 {
            let limit = i32::try_from(left).unwrap_or(i32::MAX);
            let (items, next) = self.page(&pk, ("E#", newest), true, Some(limit), from).await?;
            for item in &items {
                match events::from_item(visitor, item) {
                    Ok(event) => past.events.push(event),
                    Err(error) => {
                        tracing::warn!(%error, "a stored event cannot be read and is left out");
                        past.unreadable += 1;
                    }
                }
            }
            left -= items.len().min(left);
            from = next;
            if from.is_none() {
                past.complete = true;
                break;
            }
        }
        in_fold_order(&mut past.events);
        past.events.reverse();
        Ok(past)
    }
}
