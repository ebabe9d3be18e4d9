//! The function's routes against the embedded table and a folder, through a proxy that can make the table fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod asked;
mod browse;
mod bucket;
mod consent;
mod degraded;
mod experiments;
mod explained;
mod nearby;
mod page;
mod preview;
mod proxy;
mod rank;
mod replay;
mod rotation;
mod segments;
mod shapes;
mod size;
mod support;
mod swap;
