//! Memory does not grow with the number of answers. A process of its own whose allocator counts the bytes that are in use:
//! the most of them in the last third of all requests is the most of them in the third before.
//!
//! 6,000 requests in plain `cargo test`; `VITRINE_REQUESTS=1000000` makes a million.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]
#![allow(clippy::print_stdout, reason = "the figures are to be seen")]
#![allow(unsafe_code, reason = "an allocator that counts is one")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

#[allow(dead_code, reason = "the other tests use all of it")]
#[path = "it/bucket.rs"]
mod bucket;
#[allow(dead_code, reason = "the other tests use all of it")]
#[path = "it/proxy.rs"]
mod proxy;
#[allow(dead_code, reason = "the other tests use all of it")]
#[path = "it/support.rs"]
mod support;

/// Bytes in use.
static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as promised by whoever calls.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as promised by whoever calls.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[tokio::test]
async fn memory_does_not_grow_with_the_number_of_answers() {
    #[allow(clippy::disallowed_methods, reason = "a longer run is asked for by a variable")]
    let requests: usize = std::env::var("VITRINE_REQUESTS").map_or(6_000, |count| count.parse().unwrap());
    let stack = support::Stack::start().await.patient();
    let mut most = [0_usize; 3];
    for number in 0..requests {
        // Nobody asks the same: other products, other filters.
        let product = |step: usize| format!("p{:02}", (number * 7 + step * 11) % support::PRODUCTS);
        let history: Vec<_> = (0..10)
            .map(|step| json!({"product_id": product(step), "action": "view", "timestamp": stack.now().0}))
            .collect();
        let filter = format!("price > {}.{:03}", number % 7, number % 1_000);
        let answer = match number % 3 {
            0 => {
                let question = json!({"history": history, "filter": filter});
                stack.post("browser", "/v1/recommendations/home", question).await
            }
            1 => {
                let lists = json!([{"placement": "home", "filter": filter}, {"placement": "trending"}]);
                let question = json!({"history": history, "placements": lists});
                stack.post("browser", "/v1/recommendations", question).await
            }
            _ => {
                let question = json!({"history": history, "items": [product(1), product(5)], "filter": filter});
                stack.post("browser", "/v1/rank", question).await
            }
        };
        drop(answer.ok());
        // So fast that the key's bucket would run empty if time stood still.
        stack.later(1);
        // The proxy remembers what it saw.
        drop(stack.proxy.seen());
        let third = &mut most[(number * 3 / requests).min(2)];
        *third = (*third).max(LIVE.load(Ordering::Relaxed));
    }
    let [first, before, last] = most.map(|bytes| bytes / 1024);
    println!("{requests} requests: at most {first}, {before}, {last} KB in use in each third");
    assert!(last <= before + 64, "memory grows: {before} KB, then {last} KB");
}
