//! Things whose rows may stand apart: the lines of an order, the variants of a product.
//!
//! Each stays open while rows for it keep coming, in memory of a fixed size: when the open ones weigh more than the
//! window holds, the one that waited longest is taken as whole. Rows that come for it later are recognised (by a hash, in
//! a memory of fixed size too) and must be refused: what was handed on is not changed any more.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// How many closed things are remembered.
const REMEMBERED: usize = 1 << 20;

struct Entry<T> {
    value: T,
    weight: usize,
    touched: u64,
}

/// The open things, by name.
pub(super) struct Window<T> {
    open: HashMap<String, Entry<T>>,
    by_age: BTreeMap<u64, String>,
    clock: u64,
    weight: usize,
    capacity: usize,
    closed: HashSet<u64>,
    closed_in_order: VecDeque<u64>,
    remembered: usize,
}

/// What a thing weighs besides its content.
const OVERHEAD: usize = 200;

impl<T> Window<T> {
    /// A window for things of so many bytes together.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            open: HashMap::new(),
            by_age: BTreeMap::new(),
            clock: 0,
            weight: 0,
            capacity,
            closed: HashSet::new(),
            closed_in_order: VecDeque::new(),
            remembered: REMEMBERED,
        }
    }

    /// Whether a thing of that name was closed before and did not open since.
    pub(super) fn is_closed(&self, name: &str) -> bool {
        !self.closed.is_empty() && self.closed.contains(&hash(name))
    }

    /// The open thing of that name.
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.open.get(name).map(|entry| &entry.value)
    }

    /// The open thing of that name, opened if it is not; it grows by some bytes.
    pub(super) fn touch(&mut self, name: &str, weight: usize, open: impl FnOnce() -> T) -> &mut T {
        self.clock += 1;
        self.weight += weight;
        let clock = self.clock;
        let newest = self.by_age.last_key_value().is_some_and(|(_, newest)| newest == name);
        if !self.open.contains_key(name) {
            self.weight += OVERHEAD + 2 * name.len();
            self.by_age.insert(clock, name.to_owned());
        } else if !newest && let Some(entry) = self.open.get(name) {
            let name = self.by_age.remove(&entry.touched).unwrap_or_else(|| name.to_owned());
            self.by_age.insert(clock, name);
        }
        let entry = self.open.entry(name.to_owned()).or_insert_with(|| Entry {
            value: open(),
            weight: OVERHEAD + 2 * name.len(),
            touched: clock,
        });
        if !newest {
            entry.touched = clock;
        }
        entry.weight += weight;
        &mut entry.value
    }

    /// The thing that waited longest, if the open ones weigh too much; the one touched last always stays.
    pub(super) fn overflow(&mut self) -> Option<T> {
        if self.weight <= self.capacity || self.open.len() < 2 {
            return None;
        }
        let (_, name) = self.by_age.pop_first()?;
        let entry = self.open.remove(&name)?;
        self.weight -= entry.weight;
        self.remember(hash(&name));
        Some(entry.value)
    }

    fn remember(&mut self, name: u64) {
        if self.closed_in_order.len() >= self.remembered
            && let Some(oldest) = self.closed_in_order.pop_front()
        {
            self.closed.remove(&oldest);
        }
        self.closed.insert(name);
        self.closed_in_order.push_back(name);
    }

    /// Everything still open, the longest waiting first.
    pub(super) fn drain(&mut self) -> Vec<T> {
        let names = std::mem::take(&mut self.by_age);
        let mut open = std::mem::take(&mut self.open);
        self.weight = 0;
        names.into_values().filter_map(|name| open.remove(&name)).map(|entry| entry.value).collect()
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_waiting_leaves_first_and_is_remembered() {
        let mut window = Window::new(2 * OVERHEAD + 10);
        for name in ["a", "b", "a", "c"] {
            window.touch(name, 1, || name.to_owned());
        }
        assert_eq!(window.overflow().as_deref(), Some("b"));
        assert_eq!(window.overflow(), None);
        assert!(window.is_closed("b") && !window.is_closed("a"));
        assert_eq!(window.drain(), ["a", "c"]);
    }

    #[test]
    fn the_memory_of_closed_things_is_bounded() {
        let mut window = Window::new(0);
        window.remembered = 2;
        for name in ["a", "b", "c", "d"] {
            window.touch(name, 1, || ());
            window.overflow();
        }
        assert_eq!(["a", "b", "c", "d"].map(|name| window.is_closed(name)), [false, true, true, false]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_the_weight_stays_in_bounds(
            names in prop::collection::vec("[a-e]", 1..60),
            capacity in 0usize..2000,
        ) {
            let mut window: Window<u32> = Window::new(capacity);
            let mut seen = 0;
            for name in &names {
                *window.touch(name, 10, || 0) += 1;
                while let Some(count) = window.overflow() {
                    seen += count;
                }
                prop_assert!(window.weight <= capacity || window.open.len() == 1);
                prop_assert_eq!(window.open.len(), window.by_age.len());
                prop_assert_eq!(window.weight, window.open.values().map(|entry| entry.weight).sum::<usize>());
            }
            seen += window.drain().into_iter().sum::<u32>();
            prop_assert_eq!(seen as usize, names.len());
        }
    }
}
