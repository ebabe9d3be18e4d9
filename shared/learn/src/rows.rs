//! Small sets of rows that are asked for again and again, and rows' lists that are about to be read.

use std::hint::black_box;

/// Bytes that come from memory at once.
const LINE: usize = 64;

/// Bits of a sieve; a power of two.
const BITS: usize = 1 << 15;

/// Says of a row that it is not in a set, without a look at the set: for sets of a few hundred rows it is wrong about one
/// in a hundred others. It fits the CPU's nearest cache, which what it spares does not.
#[derive(Debug, Clone)]
pub(crate) struct Sieve(Box<[u64; BITS / 64]>);

impl Default for Sieve {
    fn default() -> Self {
        Self(Box::new([0; BITS / 64]))
    }
}

impl Sieve {
    /// The word and the bit of a row.
    #[inline]
    fn place(row: u32) -> (usize, u64) {
        // Multiplicative hashing: neighbouring rows are often asked for together.
        let hash = row.wrapping_mul(0x9e37_79b9) >> (32 - BITS.trailing_zeros());
        (hash as usize / 64, 1 << (hash % 64))
    }

    /// Takes a row in.
    #[inline]
    pub(crate) fn insert(&mut self, row: u32) {
        let (word, bit) = Self::place(row);
        self.0[word] |= bit;
    }

    /// Whether a row may be in the set; true for all that are.
    #[inline]
    pub(crate) fn may_hold(&self, row: u32) -> bool {
        let (word, bit) = Self::place(row);
        self.0[word] & bit != 0
    }

    /// Empties the set.
    pub(crate) fn clear(&mut self) {
        self.0.fill(0);
    }
}

/// The rows of a page, to be found among many others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    sieve: Sieve,
    /// Each row with its places on the page, in the order of rows.
    places: Vec<(u32, usize)>,
}

impl Asked {
    /// Takes down the rows of another page.
    pub(crate) fn set(&mut self, rows: &[u32]) {
        self.sieve.clear();
        rows.iter().for_each(|row| self.sieve.insert(*row));
        self.places.clear();
        self.places.extend(rows.iter().enumerate().map(|(place, row)| (*row, place)));
        self.places.sort_unstable();
    }

    /// Calls with each of many rows that is on the page, in their order: its place among them, and its place on the page.
    #[inline]
    pub(crate) fn each(&self, rows: &[u32], mut call: impl FnMut(usize, usize)) {
        let (blocks, rest) = rows.as_chunks::<8>();
        let mut read = 0;
        for block in blocks.iter().map(|block| &block[..]).chain([rest]) {
            // Hardly any block has one, so there is one branch a block.
            if block.iter().fold(false, |some, row| some | self.sieve.may_hold(*row)) {
                for (at, row) in block.iter().enumerate() {
                    self.places(*row).for_each(|place| call(read + at, place));
                }
            }
            read += block.len();
        }
    }

    /// The places of a row on the page; none if it is not on it.
    #[inline]
    pub(crate) fn places(&self, row: u32) -> impl Iterator<Item = usize> + '_ {
        let known = if self.sieve.may_hold(row) { &self.places[..] } else { &[] };
        let first = known.partition_point(|(other, _)| *other < row);
        known[first..].iter().take_while(move |(other, _)| *other == row).map(|(_, place)| *place)
    }
}

/// What the lists of an artifact have of a page's products. Each list is read once for a page: whoever asks what the page
/// would be without a past action finds it here.
#[derive(Debug, Default)]
pub(crate) struct OnPage {
    /// Of which artifact; none if it is not to be known again.
    serial: Option<u64>,
    page: Vec<u32>,
    asked: Asked,
    /// The lists that were read, to be found by their numbers: a number in the upper half of a place, in the lower half the
    /// list's turn from one on. A place is looked for from where a hash says; half of them at least are zero.
    turns: Vec<u64>,
    /// Where the entries of each list that was read end.
    ends: Vec<usize>,
    /// `(place on the page, place in the list)`, list by list, each in its order.
    entries: Vec<(u32, u32)>,
}

impl OnPage {
    /// Forgets what was read, if it was for another page or an artifact that is not known again.
    pub(crate) fn turn_to(&mut self, serial: Option<u64>, page: &[u32]) {
        if serial.is_some() && self.serial == serial && self.page == page {
            return;
        }
        self.serial = serial;
        self.page.clear();
        self.page.extend_from_slice(page);
        self.asked.set(page);
        self.turns.fill(0);
        self.ends.clear();
        self.entries.clear();
    }

    /// What a list of rows has of the page. `list` is its number.
    #[inline]
    pub(crate) fn of(&mut self, list: u32, rows: &[u32]) -> &[(u32, u32)] {
        if self.turns.len() <= 2 * self.ends.len() {
            self.grow();
        }
        let place = self.place(list);
        if self.turns[place] == 0 {
            let Self { asked, entries, .. } = self;
            asked.each(rows, |at, place| entries.push((place as u32, at as u32)));
            self.ends.push(self.entries.len());
            self.turns[place] = u64::from(list) << 32 | self.ends.len() as u64;
        }
        let turn = self.turns[place] as u32 as usize;
        let from = turn.checked_sub(2).map_or(0, |before| self.ends[before]);
        &self.entries[from..self.ends[turn - 1]]
    }

    /// Where a list is among the turns, or would be.
    #[inline]
    fn place(&self, list: u32) -> usize {
        let last = self.turns.len() - 1;
        let mut place = (list.wrapping_mul(0x9e37_79b9) >> 8) as usize & last;
        while self.turns[place] != 0 && (self.turns[place] >> 32) as u32 != list {
            place = (place + 1) & last;
        }
        place
    }

    #[cold]
    fn grow(&mut self) {
        let larger = (2 * self.turns.len()).max(64);
        let before = std::mem::replace(&mut self.turns, vec![0; larger]);
        for turn in before.into_iter().filter(|turn| *turn != 0) {
            let place = self.place((turn >> 32) as u32);
            self.turns[place] = turn;
        }
    }
}

/// Reads one number of each cache line. None of these reads waits for another, as those of a loop that works with what it
/// reads do; after it the numbers are near.
#[inline]
pub(crate) fn bring_in<T: Copy>(numbers: &[T]) {
    for number in numbers.iter().step_by((LINE / size_of::<T>()).max(1)).chain(numbers.last()) {
        black_box(*number);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_asked_for_is_found_where_it_stands(
            rows in prop::collection::vec(prop_oneof![0..20_u32, any::<u32>()], 0..40),
            others in prop::collection::vec(any::<u32>(), 0..40),
        ) {
            let mut asked = Asked::default();
            asked.set(&[1, 2, 3]);
            asked.set(&rows);
            let all: Vec<u32> = rows.iter().chain(&others).copied().chain(0..20).collect();
            let mut each = Vec::new();
            asked.each(&all, |at, place| each.push((at, place)));
            let one_by_one = all.iter().enumerate().flat_map(|(at, row)| asked.places(*row).map(move |place| (at, place)));
            prop_assert_eq!(&each, &one_by_one.collect::<Vec<_>>());
            let mut on_page = OnPage::default();
            for (serial, page, list) in [(None, &others, 3), (Some(1), &others, 3), (Some(1), &rows, 7), (Some(1), &rows, 3)] {
                on_page.turn_to(serial, page);
                on_page.of(list, &all);
            }
            // What was read of a list is not read again for the same page of the same artifact, and is for any other.
            let expected: Vec<(u32, u32)> = each.iter().map(|(at, place)| (*place as u32, *at as u32)).collect();
            for list in [3, 7] {
                prop_assert_eq!(on_page.of(list, &[]), &expected[..]);
            }
            for serial in [Some(2), None, None] {
                on_page.turn_to(serial, &rows);
                prop_assert_eq!(on_page.of(3, &[]), &[]);
                on_page.turn_to(serial.map(|serial| serial + 1), &rows);
                prop_assert_eq!(on_page.of(3, &all), &expected[..]);
            }
            for row in all {
                let found: Vec<usize> = asked.places(row).collect();
                let expected: Vec<usize> = (0..rows.len()).filter(|place| rows[*place] == row).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
