//! Shops and their keys.

use anyhow::{Context as _, Result, bail};
use vitrine_domain::{Millis, Shop};
use vitrine_store::Table;
use vitrine_store::api_keys::{KeyKind, generate};

use crate::sample;

/// The two keys of a shop; shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// For the storefront's page: public.
    pub browser: String,
    /// For the shop's servers: secret.
    pub server: String,
}

/// The server key of the sample shop, which is no secret.
pub const SAMPLE_KEY: &str = sample::SERVER_KEY;

/// The server key of a shop, if it is the sample shop.
#[must_use]
pub fn sample_key(shop: &str) -> Option<&'static str> {
    (shop == sample::SHOP).then_some(sample::SERVER_KEY)
}

/// Makes keys for a shop.
///
/// # Errors
/// If the name is no shop's name or the table does not answer.
pub async fn create(table: &Table, name: &str, now: Millis) -> Result<Keys> {
    let shop = Shop::new(name)?;
    let keys = Keys { browser: generate(KeyKind::Browser)?, server: generate(KeyKind::Server)? };
    put(table, &shop, &keys, now).await?;
    Ok(keys)
}

/// Stores given keys for a shop.
pub(crate) async fn put(table: &Table, shop: &Shop, keys: &Keys, now: Millis) -> Result<()> {
    if keys.browser == keys.server {
        bail!("a shop's two keys must differ");
    }
    table.put_api_key(&keys.browser, shop, KeyKind::Browser, now).await.context("the browser key was not stored")?;
    table.put_api_key(&keys.server, shop, KeyKind::Server, now).await.context("the server key was not stored")
}
