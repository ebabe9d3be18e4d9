//! The whole stack on one machine: the deployed functions, an embedded DynamoDB-compatible engine in place of the table,
//! a folder in place of the bucket, a poller in place of event source mappings, a loop in place of schedules.
//!
//! The functions are the deployed ones, called with the same event types through the same AWS client. What is different
//! here is only what surrounds them.

mod erasures;
mod jobs;
mod leftovers;
mod poller;
mod readers;
mod running;
mod sample;
mod schedule;
mod serve;
mod stack;
mod uploads;
mod web;

pub mod client;
pub mod keys;
pub mod letters;
pub mod progress;
pub mod shops;
pub mod staff;

pub use erasures::{Again, erase_again};
pub use running::Running;
pub use serve::{Serve, serve, serve_table};
pub use stack::{Options, Stack, stores};
pub use web::openapi;
