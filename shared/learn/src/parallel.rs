//! Work spread over threads so that the result cannot depend on how many there are.
//!
//! The range is cut into chunks of a fixed size, each chunk is worked on alone, and results are put back in the order of
//! the chunks. Nothing is summed across threads.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many threads a setting of `threads` means: zero is one for each core.
#[must_use]
pub fn threads(setting: usize) -> usize {
    if setting > 0 {
        return setting;
    }
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Calls `work` with each chunk of `0..len` and returns the results in order. Each thread makes its own scratch space.
/// `report` hears, on the calling thread, how many of the `len` are done.
pub fn chunks<S, T: Send>(
    len: usize,
    chunk: usize,
    threads: usize,
    report: &mut dyn FnMut(usize),
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, Range<usize>) -> T + Sync,
) -> Vec<T> {
    let count = len.div_ceil(chunk);
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let run = |report: &mut dyn FnMut(usize)| {
        let mut space = scratch();
        let mut results = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return results;
            }
            let range = index * chunk..len.min((index + 1) * chunk);
            let size = range.len();
            results.push((index, work(&mut space, range)));
            report(done.fetch_add(size, Ordering::Relaxed) + size);
        }
    };
    let helpers = threads.min(count).saturating_sub(1);
    let mut results = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..helpers).map(|_| scope.spawn(|| run(&mut |_| ()))).collect();
        let mut results = run(report);
        for handle in handles {
            match handle.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Calls `work` once with each item. Which thread does is open, so `work` must not depend on it.
pub(crate) fn each<T: Send>(items: &mut [T], threads: usize, work: impl Fn(&mut T) + Sync) {
    let helpers = threads.min(items.len()).saturating_sub(1);
    if helpers == 0 {
        return items.iter_mut().for_each(work);
    }
    let queue = Mutex::new(items.iter_mut());
    // A function of its own, so that the lock is let go before the item is worked on.
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = || {
        while let Some(item) = next() {
            work(item);
        }
    };
    std::thread::scope(|scope| {
        (0..helpers).for_each(|_| drop(scope.spawn(run)));
        run();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_once() {
        for threads in [1, 2, 7] {
            let mut items: Vec<usize> = (0..100).collect();
            each(&mut items, threads, |item| *item += 1);
            assert_eq!(items, (1..101).collect::<Vec<_>>());
        }
    }

    #[test]
    fn items_are_worked_on_side_by_side() {
        // Each waits until the other has begun too; one after the other, the first would wait in vain.
        let begun = (Mutex::new(0), std::sync::Condvar::new());
        each(&mut [(), ()], 2, |()| {
            let mut count = begun.0.lock().unwrap();
            *count += 1;
            begun.1.notify_all();
            let limit = std::time::Duration::from_secs(60);
            let (count, _) = begun.1.wait_timeout_while(count, limit, |count| *count < 2).unwrap();
            assert_eq!(*count, 2);
        });
    }

    #[test]
    fn every_chunk_once_and_in_order_for_any_number_of_threads() {
        for threads in [1, 2, 7] {
            for len in [0, 1, 99, 100, 101] {
                let mut reports = Vec::new();
                let ranges = chunks(len, 10, threads, &mut |done| reports.push(done), || (), |(), range| range);
                let rows: Vec<usize> = ranges.into_iter().flatten().collect();
                assert_eq!(rows, (0..len).collect::<Vec<_>>());
                assert!(reports.iter().all(|done| (1..=len).contains(done)));
            }
        }
    }
}
