//! Why a visitor could not be folded.

/// A failed fold. The records that rang for it are reported and come again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The table failed.
    #[error("the table failed")]
    Store(#[from] vitrine_store::Error),
    /// A part of the fold panicked.
    #[error("{0}")]
    Panicked(String),
}

impl Error {
    /// Whether the same fold may succeed at once.
    pub(crate) const fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }
}
