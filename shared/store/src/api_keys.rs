//! API keys. Only their hashes are stored; what a key may do stands beside the hash.
//!
//! A server key has a second, derived key with a public id: the shop's own server signs user tokens with it, and a
//! function checks them without ever seeing the server key.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vitrine_domain::{Millis, Shop};

use crate::table::{Table, document, item};
use crate::{Error, Result, keys};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Stands in a storefront's page: writes events, asks for recommendations, reads the catalogue.
    Browser,
    /// Stays on the shop's servers: may do everything in its shop.
    Server,
}

/// What is stored of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Whose key it is.
    pub shop: Shop,
    /// What it is for.
    pub kind: KeyKind,
    /// When it was made.
    pub created: Millis,
    /// Public id of the key that signs user tokens; server keys only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_key: Option<String>,
}

/// The key that checks user tokens.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenKey {
    /// Whose it is.
    pub shop: Shop,
    /// The key's 32 bytes in hexadecimal digits.
    pub secret: String,
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenKey").field("shop", &self.shop).finish_non_exhaustive()
    }
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// What is stored in place of a key. Keys are random and long, so that a plain hash cannot be turned back.
#[must_use]
pub fn hash(key: &str) -> String {
    hex(&Sha256::digest(key.as_bytes()))
}

/// Public id and secret of the key that signs user tokens, derived from a server key.
#[must_use]
pub fn derive_token_key(server_key: &str) -> (String, [u8; 32]) {
    let derive = |label: &[u8]| -> [u8; 32] {
        // HMAC takes keys of every length, so the construction cannot fail.
        Hmac::<Sha256>::new_from_slice(server_key.as_bytes())
            .map(|mut mac| {
                mac.update(label);
                mac.finalize().into_bytes().into()
            })
            .unwrap_or_default()
    };
    let id = hex(&derive(b"vitrine user token id")).chars().take(16).collect();
    (id, derive(b"vitrine user token key"))
}

/// Makes a new key: a readable prefix and 160 random bits.
///
/// # Errors
/// If the operating system gives no random numbers.
pub fn generate(kind: KeyKind) -> Result<String> {
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes).map_err(Error::Random)?;
    let prefix = match kind {
        KeyKind::Browser => "vb_",
        KeyKind::Server => "vs_",
    };
    Ok(format!("{prefix}{}", hex(&bytes)))
}

impl Table {
    /// Stores a key's hash and what it may do.
    ///
    /// # Errors
    /// If the table cannot take it.
    pub async fn put_api_key(&self, key: &str, shop: &Shop, kind: KeyKind, now: Millis) -> Result<()> {
        let (token_id, secret) = derive_token_key(key);
        let token_key = (kind == KeyKind::Server).then(|| token_id.clone());
        let stored = ApiKey { shop: shop.clone(), kind, created: now, token_key };
        self.put(item(keys::api_key(&hash(key)), keys::KEY, "API key", &stored)?).await?;
        if kind == KeyKind::Server {
            let token = TokenKey { shop: shop.clone(), secret: hex(&secret) };
            self.put(item(keys::token_key(&token_id), keys::KEY, "token key", &token)?).await?;
        }
        Ok(())
    }

    /// What a key may do; none if it is unknown.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn api_key(&self, key: &str) -> Result<Option<ApiKey>> {
        self.get(keys::api_key(&hash(key)), keys::KEY).await?.map(|i| document(&i, "API key")).transpose()
    }

    /// The key that checks user tokens, by its public id.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn token_key(&self, id: &str) -> Result<Option<TokenKey>> {
        self.get(keys::token_key(id), keys::KEY).await?.map(|i| document(&i, "token key")).transpose()
    }
}
