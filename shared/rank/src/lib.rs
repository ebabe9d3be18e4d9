//! From candidates to the answer: which products may be shown, how they score, in which order they stand, and why.
//!
//! Pure: a [`Shelf`] (the model and what changed since), a visitor's history and a request go in, an [`Answer`] comes
//! out. The function around it reads the table and the clock.

mod compile;
mod decide;
mod reason;
mod score;
mod shelf;

pub use compile::Compile;
pub use decide::{Answer, Basis, Item, Request, decide};
pub use reason::{Reason, ReasonKind};
pub use shelf::Shelf;
pub use vitrine_domain::{Filter, FilterError};
