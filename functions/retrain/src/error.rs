//! Why a shop could not be trained.

/// A failed training. What was live before is live still.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The table or the object store failed.
    #[error("a store failed")]
    Store(#[from] vitrine_store::Error),
    /// The files of the lake were merged again and again while they were read.
    #[error("the files of the lake changed while they were read; try again")]
    LakeMoved,
    /// The shop is too large, a setting is wrong, or a product cannot be written.
    #[error("the shop cannot be learned from")]
    Learn(#[from] vitrine_learn::Error),
    /// The index of the model cannot be built.
    #[error("the index cannot be built")]
    Index(#[from] vitrine_index::Error),
    /// The vector server could not be asked, or did not take what was to be written.
    #[error("the vector server (QDRANT_URL) failed")]
    Server(#[source] vitrine_index::Error),
    /// The vector server holds something else than what was written.
    #[error("of {wanted} {what} the vector server holds {found}; what it holds is not used")]
    Carried {
        /// Which points.
        what: String,
        /// How many were written.
        wanted: usize,
        /// How many it counts.
        found: usize,
    },
    /// The vector server misses too many of the nearest products.
    #[error(
        "the vector server finds {:.1} % of the 10 nearest products, {:.0} % are needed; what it holds is not used",
        found * 100.0,
        needed * 100.0
    )]
    Recall {
        /// The share that it finds.
        found: f64,
        /// The share that is needed.
        needed: f64,
    },
    /// A set of the shop's own vectors is damaged.
    #[error("the vectors `{name}` cannot be read")]
    Vectors {
        /// Name of the set.
        name: String,
        /// Why.
        source: vitrine_learn::vectors::Invalid,
    },
    /// The weights of the text embedding cannot be used.
    #[error("the weights of the text embedding (VITRINE_TEXT_WEIGHTS) cannot be used")]
    Text(#[source] vitrine_learn::Error),
    /// What was learned does not open; it is not published.
    #[error("what was learned cannot be opened")]
    Unsound(#[source] vitrine_learn::Error),
    /// Training panicked or was stopped.
    #[error("training was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
    /// Catalogue or card could not be packed.
    #[error("{what} could not be packed")]
    Pack {
        /// Which of them.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The function was invoked with something it does not know.
    #[error("the invocation cannot be understood: {0}")]
    Payload(String),
    /// Shops that could not be trained, while others were.
    #[error("{failed} of {all} shops could not be trained: {first}")]
    Shops {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
        /// Name and causes of the first of them.
        first: String,
    },
}
