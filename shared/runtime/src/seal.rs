//! Identifiers that carry something the client must neither read nor change: decision ids and cursors.
//!
//! ChaCha20-Poly1305 (RFC 8439) under a key derived from the stack's secret. The purpose is authenticated too, so that a
//! cursor never passes for a decision id.
//!
//! Sealing is deterministic, so that a replayed answer has the same bytes: the nonce in front is a synthetic one, the first
//! 96 bits of HMAC-SHA-256 over purpose and clear text under a second key (the construction of SIV; Rogaway and Shrimpton,
//! EUROCRYPT 2006). What a random nonce guards against is two texts under one nonce. Here the same nonce means the same
//! purpose and text, and so the same sealed text, but for a collision of the first 96 bits: one in four billion after 2³²
//! identifiers of one stack. What is given up is only that somebody can see that two sealed texts say the same. Decision ids
//! carry 64 random bits of their own and cursors the decision they follow, so no two of them do.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use vitrine_domain::Shop;
use vitrine_domain::experiment::Drawn;
use vitrine_store::decisions::open_id;

/// Longest sealed text that is looked at.
pub const MAX: usize = 8192;

/// Seals and opens.
#[derive(Clone)]
pub struct Sealer {
    cipher: ChaCha20Poly1305,
    nonces: [u8; 32],
    signatures: [u8; 32],
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// A sealer with keys derived from a secret.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        let derive =
            |label: &[u8]| -> [u8; 32] { Sha256::new_with_prefix(label).chain_update(secret).finalize().into() };
        Self {
            cipher: ChaCha20Poly1305::new(&Key::from(derive(b"vitrine seal "))),
            nonces: derive(b"vitrine nonce "),
            signatures: derive(b"vitrine signature "),
        }
    }

    /// Signs bytes for a purpose: HMAC-SHA-256 as lower-case hexadecimal digits.
    #[must_use]
    pub fn sign(&self, purpose: &'static str, clear: &[u8]) -> Option<String> {
        Some(vitrine_store::api_keys::hex(&mac(&self.signatures, purpose, clear)?))
    }

    fn nonce(&self, purpose: &'static str, clear: &[u8]) -> Option<[u8; 12]> {
        mac(&self.nonces, purpose, clear)?.first_chunk().copied()
    }

    /// Seals bytes for a purpose, the same bytes always in the same way; none only if they are far too many.
    #[must_use]
    pub fn seal(&self, purpose: &'static str, clear: &[u8]) -> Option<String> {
        let nonce = self.nonce(purpose, clear)?;
        let payload = Payload { msg: clear, aad: purpose.as_bytes() };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload).ok()?;
        Some(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what was sealed for the same purpose.
    #[must_use]
    pub fn open(&self, purpose: &'static str, sealed: &str) -> Option<Vec<u8>> {
        if sealed.len() > MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<12>()?;
        let payload = Payload { msg: sealed, aad: purpose.as_bytes() };
        self.cipher.decrypt(&Nonce::from(*nonce), payload).ok()
    }

    /// What was drawn for the decision of an id; nothing if the id is not one of this stack and shop.
    #[must_use]
    pub fn drawn(&self, shop: &Shop, decision: &str) -> Vec<Drawn> {
        open_id(shop, |purpose| self.open(purpose, decision)).map(|(_, drawn)| drawn).unwrap_or_default()
    }
}

fn mac(key: &[u8; 32], purpose: &'static str, clear: &[u8]) -> Option<[u8; 32]> {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).ok()?;
    mac.update(&(purpose.len() as u64).to_le_bytes());
    mac.update(purpose.as_bytes());
    mac.update(clear);
    Some(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_the_same_secret_and_purpose_open(clear in prop::collection::vec(any::<u8>(), 0..80), flip in any::<prop::sample::Index>()) {
            let sealer = Sealer::new("one");
            let sealed = sealer.seal("a", &clear).unwrap();
            prop_assert_eq!(sealer.open("a", &sealed), Some(clear.clone()));
            prop_assert_eq!(sealer.seal("a", &clear).unwrap(), sealed.clone());
            prop_assert_ne!(&sealer.seal("b", &clear).unwrap()[..16], &sealed[..16]);
            prop_assert_eq!(sealer.open("b", &sealed), None);
            prop_assert_eq!(Sealer::new("two").open("a", &sealed), None);
            let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
            let at = flip.index(bytes.len());
            bytes[at] ^= 1;
            prop_assert_eq!(sealer.open("a", &URL_SAFE_NO_PAD.encode(bytes)), None);
        }
    }
}
