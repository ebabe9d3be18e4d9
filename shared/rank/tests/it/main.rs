//! Decisions on a small trained shop, against brute force and against what each rule promises.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod chance;
mod filters;
mod near;
mod order;
mod reasons;
mod rules;
mod search;
mod skips;
mod support;
