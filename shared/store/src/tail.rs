//! What a fold reads of a visitor's partition: its newest end in one query, and older events page by page.
//!
//! An event that cannot be read is counted and left out: it was reported when its own stream record could not be read,
//! and it must not keep the rest of its visitor from being folded.

use vitrine_domain::profile::{Link, in_fold_order};
use vitrine_domain::{Event, Millis, Profile, Shop, Visitor};

use crate::table::{Item, Table, document, sort_key, version_of};
use crate::{Result, events, keys};

/// The newest end of a visitor's partition.
#[derive(Debug, Clone, Default)]
pub struct Tail {
    /// The profile, if it was asked for, is there and can be read.
    pub profile: Option<Profile>,
    /// Version of the stored profile, readable or not; zero if there is none or it was not asked for.
    pub version: u64,
    /// All links.
    pub links: Vec<Link>,
    /// The newest events in fold order.
    pub events: Vec<Event>,
    /// Whether the events are all there are from the asked time on.
    pub complete: bool,
    /// Events and links that could not be read.
    pub unreadable: usize,
}

impl Tail {
    /// Whether the events are all there are from a time on, even if not from the time that was asked for.
    #[must_use]
    pub fn reaches(&self, from: Millis) -> bool {
        self.complete || self.events.first().is_some_and(|oldest| oldest.time < from)
    }
}

/// Where a page of events ended.
#[derive(Debug, Clone)]
pub struct Cursor(Item);

/// A page of events.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The events in the order of their keys, which is fold order but for events of one millisecond.
    pub events: Vec<Event>,
    /// Where to go on; none at the end.
    pub next: Option<Cursor>,
    /// Events that could not be read.
    pub unreadable: usize,
}

impl Table {
    /// The profile, the links and the newest events from a time on, in one query unless there are very many links.
    ///
    /// The query runs newest first, so the profile is read before the events: whatever a fold before this one has seen
    /// is seen here.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn tail(&self, shop: &Shop, visitor: &Visitor, from: Millis, limit: usize) -> Result<Tail> {
        self.newest(shop, visitor, (&keys::events_from(from), keys::PROFILE), limit).await
    }

    /// As [`tail`](Self::tail) without the profile, for a device that is read on behalf of its user.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn tail_of_device(&self, shop: &Shop, device: &Visitor, from: Millis, limit: usize) -> Result<Tail> {
        self.newest(shop, device, (&keys::events_from(from), "L$"), limit).await
    }

    async fn newest(&self, shop: &Shop, visitor: &Visitor, range: (&str, &str), limit: usize) -> Result<Tail> {
        let pk = keys::visitor(shop, visitor);
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let (items, next) = self.page(&pk, range, true, Some(limit), None).await?;
        let mut tail = Tail { complete: next.is_none(), ..Tail::default() };
        for item in &items {
            tail.take(visitor, item);
        }
        // Links come before events here, so only a page without any event may have left links out.
        let cut_off = !items.iter().any(|item| sort_key(item).starts_with("E#"));
        if next.is_some() && cut_off {
            tail.links = self.links(shop, visitor).await?;
        }
        in_fold_order(&mut tail.events);
        Ok(tail)
    }

    /// All links of a visitor; what cannot be read is left out.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn links(&self, shop: &Shop, visitor: &Visitor) -> Result<Vec<Link>> {
        let items = self.all(&keys::visitor(shop, visitor), ("L#", "L$")).await?;
        Ok(items.iter().filter_map(|item| events::link_from(item).ok()).collect())
    }

    /// A page of a visitor's events from a time on, oldest first.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn events_page(
        &self,
        shop: &Shop,
        visitor: &Visitor,
        from: Millis,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page> {
        let pk = keys::visitor(shop, visitor);
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let range = (keys::events_from(from), "E$");
        let after = after.map(|Cursor(item)| item);
        let (items, next) = self.page(&pk, (&range.0, range.1), false, Some(limit), after).await?;
        let mut page = Page { next: next.map(Cursor), ..Page::default() };
        for item in &items {
            match events::from_item(visitor, item) {
                Ok(event) => page.events.push(event),
                Err(error) => page.unreadable += unreadable(item, &error),
            }
        }
        Ok(page)
    }
}

impl Tail {
    fn take(&mut self, visitor: &Visitor, item: &Item) {
        let sk = sort_key(item);
        if sk == keys::PROFILE {
            self.version = version_of(item);
            match document::<Profile>(item, "profile") {
                Ok(profile) => self.profile = Some(Profile { version: self.version, ..profile }),
                Err(error) => self.unreadable += unreadable(item, &error),
            }
        } else if sk.starts_with("L#") {
            match events::link_from(item) {
                Ok(link) => self.links.push(link),
                Err(error) => self.unreadable += unreadable(item, &error),
            }
        } else if sk.starts_with("E#") {
            match events::from_item(visitor, item) {
                Ok(event) => self.events.push(event),
                Err(error) => self.unreadable += unreadable(item, &error),
            }
        }
    }
}

/// Notes in the log what kind of item could not be read; neither its key nor the cause, which may quote it.
fn unreadable(item: &Item, error: &crate::Error) -> usize {
    let kind = sort_key(item).chars().next().unwrap_or_default();
    tracing::warn!(%kind, %error, "a stored item cannot be read and is left out");
    1
}
