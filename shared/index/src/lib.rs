//! Nearest neighbours: which products have the largest dot product with a visitor's vector?
//!
//! The crate knows vectors and row numbers, nothing of shops. Filters are part of the search, never a sieve after it:
//! a search for `k` rows among the allowed ones returns `k` rows if that many are allowed, whatever the filter.
//!
//! # The contract of a search
//!
//! * **Score**: the dot product of query and row in `f32`. It is summed in a fixed order, so the same bytes give the same
//!   score on every machine; it may differ from a sum in another order by rounding.
//! * **Order**: score descending, then row ascending. Rows of equal score never change places between two calls, and
//!   `-0.0` equals `0.0`.
//! * **NaN never**: a row whose score is not a number is left out.
//! * **Completeness**: the exact kinds return the first `min(k, allowed rows)` of that order.
//! * **Work**: [`Found::touched`] counts the vectors whose score was computed. Kinds are compared by it, not by time, so
//!   that a choice made on one machine is reproduced on another.
//!
//! The exact scan is the first kind: up to some hundred thousand products nothing is faster and right.
//!
//! ```
//! use vitrine_index::{Bitmap, top_k, top_k_in};
//!
//! let vectors = [1.0, 0.0, /* row 1 */ 0.0, 1.0, /* row 2 */ 0.8, 0.6];
//! let found = top_k(&vectors, 2, &[1.0, 0.2], 2, |_| true)?;
//! assert_eq!(found.rows().collect::<Vec<_>>(), [0, 2]);
//!
//! let allowed = Bitmap::from_rows(3, [1, 2]);
//! let found = top_k_in(&vectors, 2, &[1.0, 0.2], 1, &allowed)?;
//! assert_eq!((found.hits[0].row, found.touched), (2, 2));
//! # Ok::<(), vitrine_index::Error>(())
//! ```

mod bitmap;
mod exact;

pub use bitmap::Bitmap;
pub use exact::{Found, Hit, dot, dot_f16, top_k, top_k_in};

/// Why a search was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
}
