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
    pub(crate) fn new(at: impl Into<String>, how: impl Into<String>) -> Self {
        Self { at: at.into(), how: how.into() }
    }

    pub(crate) fn of_id(at: impl Into<String>) -> Self {
        Self::new(at, format!("1 to {MAX_ID} lower-case letters, digits and hyphens, no hyphen first"))
    }
}

/// Whether something is 1 to [`MAX_ID`] lower-case letters, digits and hyphens, no hyphen first.
pub(crate) fn is_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(plain) && !id.starts_with('-')
}
