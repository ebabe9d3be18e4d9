//! What can go wrong.

/// Why a search or a build was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The query has another number of dimensions than the vectors.
    #[error("the query has {query} dimensions, the vectors have {vectors}")]
    Query {
        /// Length of the query.
        query: usize,
        /// Dimensions of the vectors.
        vectors: usize,
    },
    /// The vectors do not fill whole rows, or their rows cannot be numbered in 32 bits.
    #[error("{len} numbers are no rows of {dims} dimensions")]
    Vectors {
        /// How many numbers there are.
        len: usize,
        /// Dimensions of a row.
        dims: usize,
    },
    /// A vector to build from holds NaN or an infinity.
    #[error("the vector of row {row} holds what is no number")]
    NotFinite {
        /// The first such row.
        row: u32,
    },
    /// An order of rows does not name each of them once.
    #[error("the order does not name each of {rows} rows once")]
    Order {
        /// How many rows there are.
        rows: usize,
    },
    /// A section of a stored index is missing or damaged.
    #[error("section {section} {problem}")]
    Stored {
        /// Name of the section.
        section: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The graph was built so that no path leads to many of its rows.
    #[error("no path in the graph leads to {rows} of {of} rows")]
    Unreachable {
        /// How many rows a search for themselves does not find.
        rows: usize,
        /// Of how many.
        of: usize,
    },
    /// A server refused a call, or was unavailable in every try.
    #[cfg(feature = "qdrant")]
    #[error("the vector server did not {call}")]
    Remote {
        /// What was asked for.
        call: &'static str,
        /// What it answered.
        #[source]
        source: Box<qdrant_client::QdrantError>,
    },
    /// A server did not answer in time in any try.
    #[cfg(feature = "qdrant")]
    #[error("the vector server did not {call} within {after:?}")]
    RemoteTimeout {
        /// What was asked for.
        call: &'static str,
        /// How long each try waited.
        after: std::time::Duration,
    },
    /// A server did not get done with indexing what was written.
    #[cfg(feature = "qdrant")]
    #[error("the vector server did not index {collection} within {after:?}")]
    NotIndexed {
        /// Name of the collection.
        collection: String,
        /// How long was waited.
        after: std::time::Duration,
    },
    /// The report cannot be written.
    #[error("the report of the index cannot be written")]
    Report(#[source] serde_json::Error),
}

impl Error {
    pub(crate) const fn stored(section: &'static str, problem: &'static str) -> Self {
        Self::Stored { section, problem }
    }

    /// Whether a server says that there is no such collection.
    #[cfg(feature = "qdrant")]
    #[must_use]
    pub fn is_missing(&self) -> bool {
        crate::remote::is_missing(self)
    }
}
