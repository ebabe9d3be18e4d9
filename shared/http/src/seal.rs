//! Identifiers that carry something the client must neither read nor change: decision ids and cursors.
//!
//! ChaCha20-Poly1305 (RFC 8439) under a key derived from the stack's secret, with a random nonce in front. The purpose
//! is authenticated too, so that a cursor never passes for a decision id.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use sha2::{Digest, Sha256};

/// Longest sealed text that is looked at.
const MAX: usize = 8192;

/// Seals and opens.
#[derive(Clone)]
pub struct Sealer(ChaCha20Poly1305);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// A sealer with a key derived from a secret.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        let key: [u8; 32] = Sha256::new_with_prefix(b"vitrine seal ").chain_update(secret).finalize().into();
        Self(ChaCha20Poly1305::new(&Key::from(key)))
    }

    /// Seals bytes for a purpose; none only if the operating system gives no random numbers.
    #[must_use]
    pub fn seal(&self, purpose: &'static str, clear: &[u8]) -> Option<String> {
        let mut nonce = [0_u8; 12];
        getrandom::fill(&mut nonce).ok()?;
        let payload = Payload { msg: clear, aad: purpose.as_bytes() };
        let sealed = self.0.encrypt(&Nonce::from(nonce), payload).ok()?;
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
        self.0.decrypt(&Nonce::from(*nonce), payload).ok()
    }
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
            prop_assert_eq!(sealer.open("a", &sealed), Some(clear));
            prop_assert_eq!(sealer.open("b", &sealed), None);
            prop_assert_eq!(Sealer::new("two").open("a", &sealed), None);
            let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
            let at = flip.index(bytes.len());
            bytes[at] ^= 1;
            prop_assert_eq!(sealer.open("a", &URL_SAFE_NO_PAD.encode(bytes)), None);
        }
    }
}
