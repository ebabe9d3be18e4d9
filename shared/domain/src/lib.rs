//! What a shop, a visitor, a product and an event are, and the rules between them.
//!
//! Nothing here does I/O, is asynchronous, reads a clock or draws a random number: time, seeds and stored state come in
//! as arguments, and a value goes out. That is what lets the property tests say everything worth saying.

pub mod alike;
mod chosen;
pub mod clusters;
pub mod consent;
pub mod erasure;
pub mod event;
pub mod experiment;
pub mod fault;
pub mod filter;
pub mod id;
mod orders;
pub mod placement;
pub mod product;
pub mod profile;
pub mod results;
pub mod robot;
pub mod rule;
pub mod segment;
pub mod statistics;
pub mod time;

pub use consent::{Purpose, Purposes};
pub use erasure::Span;
pub use event::{Action, Channel, Context, Event, Line, Order};
pub use experiment::Experiment;
pub use fault::Fault;
pub use filter::{Filter, FilterError};
pub use id::{InvalidId, MessageId, ProductId, Shop, Visitor};
pub use placement::{Exploration, Objective, Placement, Rotation, Seen, Skips, Strategy};
pub use product::{Availability, Change, Kind, Product, Variant};
pub use profile::{PastAction, Profile, State};
pub use rule::Rule;
pub use segment::Segment;
pub use time::Millis;
