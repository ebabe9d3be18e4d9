//! After a few searches the request path allocates nothing.
#![allow(unsafe_code, reason = "an allocator that counts has to be one")]

#[path = "data/mod.rs"]
mod data;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use data::{Data, Shape};
use vitrine_index::{Bitmap, Found, Index, Kind, Layered, Prepared, Scratch, Settings, Stored, build};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_warm_search_allocates_nothing() -> anyhow::Result<()> {
    // As many lists as leave nothing to be switched off, and filters of all widths.
    let data = Data::new(6000, 48, 40, Shape::Crowded, 3);
    let mut filters: Vec<Option<Bitmap>> = [0.6, 0.3, 0.05, 0.002].map(|share| Some(data.by_chance(share, 9))).into();
    filters.extend([None, Some(data.of_category(0))]);
    for kind in [Kind::ExactF16, Kind::Int8, Kind::Lists] {
        let settings = Settings { kind: Some(kind), ..Settings::default() };
        let built = build(&data.halves, data.dims, &data.queries, &settings, 1)?;
        let mut layered = Layered::new(Stored::open(|name| built.section(name), &data.halves, data.dims)?);
        layered.add(&data.halves[..data.dims])?;
        layered.remove(77);
        let (mut scratch, mut found) = (Scratch::default(), Found::default());
        let (mut prepared, mut scores, rows) = (Prepared::default(), Vec::new(), [3, 1, 4000, 9000]);
        let mut all = || -> anyhow::Result<()> {
            for query in data.queries() {
                for allowed in &filters {
                    let index = Stored::open(|name| built.section(name), &data.halves, data.dims)?;
                    index.search(query, 10, allowed.as_ref(), &mut scratch, &mut found)?;
                    layered.search(query, 10, allowed.as_ref(), &mut scratch, &mut found)?;
                    index.scores_of(query, &rows, &mut scores)?;
                    if index.prepare(query, &mut prepared)? {
                        index.approximate(&prepared, &rows, &mut scratch, &mut scores);
                    }
                }
            }
            Ok(())
        };
        all()?;
        let before = COUNT.get();
        assert!(before > 0);
        all()?;
        assert_eq!(COUNT.get(), before, "{kind:?}");
    }
    Ok(())
}
