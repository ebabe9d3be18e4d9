//! Tests of the sample shop as others use it: the embedded data, the generated browsing, and the files beside them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod content;
mod files;
mod grocery;
mod segments;
mod simulate;

use std::sync::OnceLock;

use vitrine_domain::{Event, Millis};
use vitrine_samples::{Grocery, Options, history};

/// 2026-11-22T14:40:00Z.
const END: Millis = Millis(1_795_358_400_000);

fn shop() -> &'static Grocery {
    static SHOP: OnceLock<Grocery> = OnceLock::new();
    SHOP.get_or_init(|| vitrine_samples::grocery().unwrap())
}

fn events() -> &'static [Event] {
    static EVENTS: OnceLock<Vec<Event>> = OnceLock::new();
    EVENTS.get_or_init(|| history(shop(), &Options::until(END)).unwrap())
}
