//! API keys. Only their hashes are stored; what a key may do stands beside the hash.
//!
//! A server key that may read has a second, derived key with a public id: the shop's own server signs user tokens with it, and a
//! function checks them without ever seeing the server key.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vitrine_domain::{Millis, Shop};

use crate::table::{Table, document};
use crate::{Error, Result, keys};

mod entry;
mod scope;
mod session;

pub use entry::{Entry, Grant, MAX_KEYS, MAX_LABEL};
pub use scope::{Scope, Scopes, all_of, include};
pub use session::MAX_SESSIONS;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Stands in a storefront's page: writes events, asks for recommendations, reads the catalogue.
    Browser,
    /// Stays on the shop's servers: may do in its shop what its scopes say, at most everything.
    Server,
}

/// What is stored of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Names the key in the shop's list; made from its hash.
    #[serde(skip)]
    pub id: String,
    /// Whose key it is.
    pub shop: Shop,
    /// What it is for.
    pub kind: KeyKind,
    /// What it may do.
    #[serde(default = "scope::unsaid")]
    pub scopes: Scopes,
    /// When it was made.
    pub created: Millis,
    /// When it ends, if it was rotated or is a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Millis>,
    /// Public id of the key that signs user tokens; server keys that may read only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_key: Option<String>,
    /// Who signed in, if the key is a session of one of the shop's staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
}

impl ApiKey {
    /// Whether the key may do this.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        include(&self.scopes, scope) && all_of(self.kind).contains(&scope)
    }

    /// The name under which changes are noted: of a session that of whoever signed in, else the key's own.
    #[must_use]
    pub fn author(&self) -> &str {
        self.staff.as_deref().unwrap_or(&self.id)
    }
}

/// The key that checks user tokens.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenKey {
    /// Whose it is.
    pub shop: Shop,
    /// The key's 32 bytes in hexadecimal digits.
    pub secret: String,
    /// When it ends, if the key that it was made from was rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Millis>,
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

/// The name of a key in the shop's list: the first 64 bits of its hash.
#[must_use]
pub fn id_of(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
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
    /// What a key may do; none if it is unknown.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn api_key(&self, key: &str) -> Result<Option<ApiKey>> {
        let hash = hash(key);
        let found = self.get(keys::api_key(&hash), keys::KEY).await?;
        let found: Option<ApiKey> = found.map(|item| document(&item, "API key")).transpose()?;
        Ok(found.map(|found| ApiKey { id: id_of(&hash).to_owned(), ..found }))
    }

    /// The key that checks user tokens, by its public id.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn token_key(&self, id: &str) -> Result<Option<TokenKey>> {
        self.get(keys::token_key(id), keys::KEY).await?.map(|i| document(&i, "token key")).transpose()
    }
}
