//! What is wrong with a definition that somebody wrote.

use serde::Serialize;

use crate::rule::MAX_ID;

/// Something wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where: a JSON pointer.
    pub at: String,
    /// How to mend it: what it has to be.
    pub how: String,
}

impl Fault {
    /// A fault at a place.
    #[must_use]
    pub fn new(at: impl Into<String>, how: impl Into<String>) -> Self {
        Self { at: at.into(), how: how.into() }
    }

    pub(crate) fn of_id(at: impl Into<String>) -> Self {
        Self::new(at, format!("1 to {MAX_ID} lower-case letters, digits and hyphens, no hyphen first"))
    }
}

/// Longest word that is told.
const LONGEST_WORD: usize = 30;

/// Whether a name is a plain word, as the names of members and attributes are: told back, it shows where a letter is wrong. Keys,
/// tokens, e-mails and most identifiers have digits or signs in them, and an error may be kept by whoever is told it.
#[must_use]
pub fn is_word(name: &str) -> bool {
    name.len() <= LONGEST_WORD && name.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
}

/// A name, if it may be told back.
pub(crate) fn told(name: &str) -> &str {
    if is_word(name) { name } else { "…" }
}

/// Whether something is 1 to [`MAX_ID`] lower-case letters, digits and hyphens, no hyphen first.
pub(crate) fn is_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(plain) && !id.starts_with('-')
}
