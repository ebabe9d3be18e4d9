//! The routes against a real table.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod erase;
mod export;
mod support;
mod visitor;
