//! The fold against a real table and its stream.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod compaction;
mod equality;
mod failures;
mod identity;
mod segments;
mod support;
