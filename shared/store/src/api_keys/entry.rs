//! A shop's list of its keys, and what is done with one: making, rotating, revoking.
//!
//! A key is up to three items that are written together: the key by its hash, the key that checks its user tokens, and the
//! entry of the shop's list. The first two are read on every request and found without knowing the shop; the entry
//! is for people.

use serde::{Deserialize, Serialize};
use vitrine_domain::{Millis, Shop};

use super::{ApiKey, KeyKind, Scope, Scopes, TokenKey, all_of, derive_token_key, generate, hash, hex, id_of};
use crate::table::{Item, Table, document, item, key, with_expiry};
use crate::{Result, keys};

/// Most keys of a shop at once.
pub const MAX_KEYS: usize = 100;
/// Longest label, in bytes.
pub const MAX_LABEL: usize = 100;

/// What a new key shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What it is for.
    pub kind: KeyKind,
    /// What it may do.
    pub scopes: Scopes,
    /// What people call it; empty if they do not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Who signed in, if it is a session of one of the shop's staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
}

impl Grant {
    /// Everything that a kind of key can have.
    #[must_use]
    pub fn all(kind: KeyKind) -> Self {
        Self { kind, scopes: all_of(kind), label: String::new(), staff: None }
    }
}

/// A key as it stands in the shop's list. The key itself is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Names the key; no secret.
    pub id: String,
    /// What it is and may do.
    #[serde(flatten)]
    pub grant: Grant,
    /// When it was made.
    pub created: Millis,
    /// When it ends, if it was rotated or is a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Millis>,
    /// Hash of the key.
    pub hash: String,
    /// Public id of the key that signs user tokens, if it may sign them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_key: Option<String>,
}

impl Entry {
    pub(super) fn of(key: &str, grant: Grant, now: Millis) -> Self {
        let hash = hash(key);
        // Whoever may sign tokens may read what they open. People sign in; they do not sign for a shop's servers.
        let signs = grant.kind == KeyKind::Server && grant.scopes.contains(&Scope::Read) && grant.staff.is_none();
        let token_key = signs.then(|| derive_token_key(key).0);
        Self { id: id_of(&hash).to_owned(), grant, created: now, expires: None, hash, token_key }
    }

    fn api_key(&self, shop: &Shop) -> ApiKey {
        let Grant { kind, scopes, staff, .. } = self.grant.clone();
        let (created, expires, token_key) = (self.created, self.expires, self.token_key.clone());
        ApiKey { id: self.id.clone(), shop: shop.clone(), kind, scopes, created, expires, token_key, staff }
    }

    /// The items of the key: by its hash, of the list, and of its tokens with this secret.
    pub(super) fn items(&self, shop: &Shop, secret: Option<String>) -> Result<Vec<Item>> {
        let mut items = vec![
            item(keys::api_key(&self.hash), keys::KEY, "API key", &self.api_key(shop))?,
            item(keys::shop_keys(shop), &self.id, "entry of a key", self)?,
        ];
        if let (Some(id), Some(secret)) = (&self.token_key, secret) {
            let token = TokenKey { shop: shop.clone(), secret, expires: self.expires };
            items.push(item(keys::token_key(id), keys::KEY, "token key", &token)?);
        }
        Ok(match self.expires {
            Some(at) => items.into_iter().map(|item| with_expiry(item, at)).collect(),
            None => items,
        })
    }

    fn is_over(&self, now: Millis) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

impl Table {
    /// Stores a key that is known already, with everything that its kind can have.
    ///
    /// # Errors
    /// If the table cannot take it.
    pub async fn put_api_key(&self, key: &str, shop: &Shop, kind: KeyKind, now: Millis) -> Result<()> {
        self.put_key(key, shop, Grant::all(kind), now).await.map(drop)
    }

    async fn put_key(&self, key: &str, shop: &Shop, grant: Grant, now: Millis) -> Result<Entry> {
        let entry = Entry::of(key, grant, now);
        let puts = entry.items(shop, Some(hex(&derive_token_key(key).1)))?;
        let puts = puts.into_iter().map(|item| self.write_of(item)).collect::<Result<_>>()?;
        self.transact_all(puts).await?;
        Ok(entry)
    }

    /// Makes a key. It is answered once and stored as its hash.
    ///
    /// # Errors
    /// If the table cannot take it, or the operating system gives no random numbers.
    pub async fn create_key(&self, shop: &Shop, grant: Grant, now: Millis) -> Result<(String, Entry)> {
        let key = generate(grant.kind)?;
        let entry = self.put_key(&key, shop, grant, now).await?;
        Ok((key, entry))
    }

    /// A shop's keys, the newest first, without those that are over.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn keys_of(&self, shop: &Shop, now: Millis) -> Result<Vec<Entry>> {
        // Their names are hexadecimal digits.
        let items = self.all(&keys::shop_keys(shop), ("0", "g")).await?;
        let entries = items.iter().map(|item| document::<Entry>(item, "entry of a key"));
        let mut entries: Vec<Entry> = entries.collect::<Result<_>>()?;
        entries.retain(|entry| !entry.is_over(now));
        entries.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
        Ok(entries)
    }

    /// A key of a shop's list; none if there is none or it is over.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn key_entry(&self, shop: &Shop, id: &str, now: Millis) -> Result<Option<Entry>> {
        // What is no name of a key may be longer than the table looks for.
        if id.len() != 16 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let found = self.get(keys::shop_keys(shop), id).await?;
        let entry: Option<Entry> = found.map(|item| document(&item, "entry of a key")).transpose()?;
        Ok(entry.filter(|entry| !entry.is_over(now)))
    }

    /// Makes a key like another one, which ends at a time: until then both work, and so do the user tokens of both.
    ///
    /// # Errors
    /// If the table cannot take it, or the operating system gives no random numbers.
    pub async fn rotate_key(&self, shop: &Shop, old: &Entry, ends: Millis, now: Millis) -> Result<(String, Entry)> {
        let key = generate(old.grant.kind)?;
        let entry = Entry::of(&key, old.grant.clone(), now);
        let mut items = entry.items(shop, Some(hex(&derive_token_key(&key).1)))?;
        let secret = match &old.token_key {
            Some(id) => self.token_key(id).await?.map(|token| token.secret),
            None => None,
        };
        let ending = Entry { expires: Some(old.expires.map_or(ends, |at| at.min(ends))), ..old.clone() };
        items.extend(ending.items(shop, secret)?);
        let puts = items.into_iter().map(|item| self.write_of(item)).collect::<Result<_>>()?;
        self.transact_all(puts).await?;
        Ok((key, entry))
    }

    /// Takes a key back. Functions that have just read it know it for half a minute more.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn revoke_key(&self, shop: &Shop, entry: &Entry) -> Result<()> {
        let token = entry.token_key.as_ref().map(|id| key(keys::token_key(id), keys::KEY));
        let gone = [key(keys::api_key(&entry.hash), keys::KEY), key(keys::shop_keys(shop), &*entry.id)];
        let deletes = gone.into_iter().chain(token).map(|key| self.delete_of(key)).collect::<Result<_>>()?;
        self.transact_all(deletes).await.map(drop)
    }
}
