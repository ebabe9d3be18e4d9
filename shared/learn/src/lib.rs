//! Learning from a shop's log: bytes and events in, bytes out.
pub mod artifact;
pub mod blend;
pub mod card;
pub mod content;
pub mod covisitation;
pub mod dataset;
mod error;
pub mod factors;
mod linear;
mod parallel;
pub mod popularity;
pub mod progress;
pub mod settings;
pub mod tally;
mod train;
pub mod validate;

pub use artifact::{Artifact, Part};
pub use blend::{Blend, Interaction};
pub use card::Card;
pub use covisitation::Pair;
pub use dataset::Dataset;
pub use error::Error;
pub use progress::{Progress, Stage};
pub use settings::Settings;
pub use tally::Tally;
pub use train::train;
