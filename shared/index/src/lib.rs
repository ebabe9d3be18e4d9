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
//! * **Completeness**: every kind returns `min(k, allowed rows)` rows. The exact kinds return the first of that order;
//!   codes miss less than one in a thousand of them, lists and the graph less than one in a hundred (recall@10), under
//!   filters too, and filters need not have anything to do with where the query lies.
//! * **Work**: [`Found::touched`] counts the vectors whose score was computed. Kinds are compared by it, not by time, so
//!   that a choice made on one machine is reproduced on another.
//!
//! # The kinds
//!
//! | kind | what | for |
//! |---|---|---|
//! | [`Flat`] | every allowed row, `f32` or `f16` | small catalogues; the measure of all others |
//! | [`Stored`] | a file's index: `f16`, or codes of one byte, or inverted lists over them | functions |
//! | [`Layered`] | one of these and what has changed since | changes before the next build |
//! | `Graph` (feature `hnsw`) | the graph of `hnsw_rs`, guarded | processes that build and search in one place |
//! | `Remote` (feature `qdrant`) | a Qdrant server | catalogues that outgrow a function |
//!
//! [`build`] writes the sections that [`Stored`] reads, and chooses between them by recall and bytes read on held-out
//! queries. The README beside this crate has the measurements.
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

mod about;
mod bitmap;
mod build;
mod codes;
mod condition;
mod error;
mod exact;
mod found;
#[cfg(feature = "hnsw")]
mod graph;
mod kernel;
mod layered;
mod list;
#[cfg(feature = "qdrant")]
mod remote;
mod scan;
mod search;
mod stored;
#[cfg(feature = "testing")]
pub mod testing;
mod verify;

pub use about::Kind;
pub use bitmap::Bitmap;
pub use build::{Built, Candidate, Filtered, Measured, Report, Section, Settings, build};
pub use codes::Prepared;
pub use condition::{Condition, Field, Payload, Point, SELLABLE, Value, is_field};
pub use error::Error;
pub use exact::{dot, dot_f16, top_k, top_k_in};
pub use found::{Found, Hit};
#[cfg(feature = "hnsw")]
pub use graph::{Graph, GraphSettings};
pub use kernel::{Level, Number};
pub use layered::Layered;
#[cfg(feature = "qdrant")]
pub use remote::{Remote, RemoteSettings, State};
pub use search::{Flat, Index, Scratch};
pub use stored::Stored;

/// The names of an index's sections in a file.
pub mod sections {
    pub use crate::about::{
        ABOUT, CENTRES, CODES, MIDDLES, ORDER, PLACES, REACH, REPORT, ROWS, SCALES, SPREAD, STARTS,
    };
}
