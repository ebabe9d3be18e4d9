//! The stores against a real table in memory and a folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod decisions;
mod erasures;
mod events;
mod keys;
mod lake;
mod models;
mod past;
mod products;
mod profiles;
mod retention;
mod settings;
mod shapes;
mod stream;
mod support;
mod tail;
mod versions;
