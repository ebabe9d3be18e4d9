//! Everything that is kept under a visitor's name beside profile and links, page by page, for whoever asks what is held.

use serde_json::value::RawValue;
use vitrine_domain::{Event, Shop, Visitor};

use crate::decisions::{self, DecisionKey};
use crate::table::{Item, Table, document_text, key, sort_key};
use crate::{Result, events, keys};

/// One thing that is held.
#[derive(Debug)]
pub enum Held {
    /// What was shown.
    Decision(DecisionKey, Box<RawValue>),
    /// What was done.
    Event(Box<Event>),
    /// What this version cannot read: its key and its text as they are stored.
    Unreadable(String, String),
}

/// A page of what is held.
#[derive(Debug)]
pub struct Page {
    /// Decisions, then events, each from the oldest to the newest.
    pub held: Vec<Held>,
    /// Behind which sort key to go on; none at the end.
    pub next: Option<String>,
}

impl Table {
    /// A page of the decisions and events of a visitor, of at most `limit` of them, behind a sort key if one is named.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn held(&self, shop: &Shop, visitor: &Visitor, after: Option<&str>, limit: usize) -> Result<Page> {
        let pk = keys::visitor(shop, visitor);
        let from = after.map(|after| key(pk.as_str(), after));
        let limit = i32::try_from(limit.max(1)).unwrap_or(i32::MAX);
        let (items, next) = self.page(&pk, ("D#", "E$"), false, Some(limit), from).await?;
        let next = next.map(|item| sort_key(&item).to_owned());
        Ok(Page { held: items.iter().map(|item| read(visitor, item)).collect(), next })
    }
}

fn read(visitor: &Visitor, item: &Item) -> Held {
    let sk = sort_key(item);
    let decision = || {
        let (time, nonce) = keys::parse_decision_key(sk)?;
        Some((DecisionKey { visitor: Some(visitor.clone()), time, nonce }, decisions::from_item(item).ok()?))
    };
    if let Some((key, stored)) = decision() {
        return Held::Decision(key, stored);
    }
    match events::from_item(visitor, item) {
        Ok(event) => Held::Event(Box::new(event)),
        Err(_) => Held::Unreadable(sk.to_owned(), document_text(item, "item").unwrap_or_default().to_owned()),
    }
}
