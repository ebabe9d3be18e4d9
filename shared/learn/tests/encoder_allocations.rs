//! A request must not allocate: counted by an allocator of its own.
#![allow(unsafe_code, clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::ControlFlow;

use vitrine_learn::encoder::{Catalogue, Past, Scratch, Sequences, View, train};
use vitrine_learn::settings;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn encoding_a_history_allocates_nothing() {
    let settings = settings::Encoder { epochs: 1, ..settings::Encoder::default() };
    let catalogue = Catalogue { products: 20, ..Catalogue::default() };
    let history: Vec<u32> = (0..20).collect();
    let sequences = Sequences::of_views([&history[..]]);
    let weights = train(&sequences, &catalogue, &settings, 1, 1, None, &mut |_, _| ControlFlow::Break(()));
    let table = weights.products_table(&catalogue);
    let view = View::new(weights.layout(), weights.dense()).unwrap();
    let mut scratch = Scratch::new(&weights.layout());
    let past: Vec<Past> = (0..60).map(|row| Past { row: row % 20, kind: 0, gap_days: 1.0 }).collect();
    let mut out = vec![0.0; 64];
    let before = ALLOCATIONS.get();
    assert!(before > 0);
    for length in [0, 1, 50, 60] {
        let copy = |row: u32, to: &mut [f32]| to.copy_from_slice(&table[row as usize * 64..][..64]);
        view.encode(&past[..length], copy, &mut scratch, &mut out);
    }
    assert_eq!(ALLOCATIONS.get(), before);
    assert!(out.iter().any(|x| *x != 0.0));
}
