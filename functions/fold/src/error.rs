//! Why a visitor could not be folded.

use std::error::Error as _;

/// A failed fold. The records that rang for it are reported and come again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The table failed.
    #[error("the table failed")]
    Store(#[from] vitrine_store::Error),
    /// A part of the fold panicked.
    #[error("the fold panicked")]
    Panicked,
}

impl Error {
    /// Whether the same fold may succeed at once.
    pub(crate) const fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }

    /// The nearest cause in words: our own, which name no visitor.
    pub(crate) fn cause(&self) -> String {
        self.source().map(ToString::to_string).unwrap_or_default()
    }
}
