//! From candidates to the answer: which products may be shown, how they score, in which order they stand, and why.
//!
//! Pure: a [`Shelf`] (the model and what changed since), a visitor's history and a request go in, an [`Answer`] comes
//! out. The function around it reads the table and the clock.
//!
//! # The way of a decision
//!
//! 1. What may be shown: what can be bought, passes the filters of request, placement and rules, and is not hidden from this
//!    visitor ([`Filter`], compiled to sets of rows).
//! 2. The query: the visitor's vector, or that of the product or basket that the page is about.
//! 3. Candidates: nearest neighbours among what may be shown, and whatever the counting parts lead to. Together they hold the
//!    best by the whole score. The neighbours are searched for in the artifact, or another index was asked for them before
//!    ([`sought`] says what to ask it): it only proposes rows, what may be shown and how it scores is decided here.
//! 4. The order: what rules want, diversity, what was shown before, the objective, chance.
//! 5. Reasons: the score taken apart again.

mod catalogue;
mod chance;
mod compile;
mod condition;
mod decide;
mod evidence;
mod order;
mod piece;
mod query;
mod ranking;
mod reason;
mod request;
mod sentence;
mod shelf;
mod sought;
mod standing;
mod wishes;
mod workspace;

pub use decide::decide;
pub use reason::{PartAmount, Reason, ReasonKind};
pub use request::{Answer, Basis, Item, Request, Stage};
pub use sentence::{Audience, Language, Words};
pub use shelf::Shelf;
pub use sought::{Sought, sought};
pub use vitrine_domain::{Filter, FilterError};
pub use workspace::{Workspace, Workspaces};
