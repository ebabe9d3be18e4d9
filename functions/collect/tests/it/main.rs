//! The function against a real table, driven through its router as a gateway drives it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod durable;
mod gateway;
mod harness;
mod intake;
mod privacy;
mod sdk;
