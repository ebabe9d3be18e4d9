//! A set of rows: one bit a row, 64 rows a word.

/// A set of rows out of `0..len`.
///
/// Filters compile to it: a set for `category = "Pasta"`, one for `price < 5`, and their [`and`](Self::and).
/// When two sets differ in length, the rows that the shorter one does not have are not in it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bitmap {
    words: Vec<u64>,
    len: usize,
}

impl std::fmt::Debug for Bitmap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Bitmap {
    /// No row of `len`.
    #[must_use]
    pub fn empty(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// Every row of `len`.
    #[must_use]
    pub fn full(len: usize) -> Self {
        let mut all = Self { words: vec![u64::MAX; len.div_ceil(64)], len };
        all.trim();
        all
    }

    /// The rows of `len` for which `test` holds.
    #[must_use]
    pub fn from_fn(len: usize, mut test: impl FnMut(u32) -> bool) -> Self {
        let mut set = Self::empty(len);
        for (word, first) in set.words.iter_mut().zip((0_u32..).step_by(64)) {
            let rows = (len - first as usize).min(64);
            for bit in 0..rows {
                *word |= u64::from(test(first + bit as u32)) << bit;
            }
        }
        set
    }

    /// The given rows of `len`; rows beyond it are ignored.
    #[must_use]
    pub fn from_rows(len: usize, rows: impl IntoIterator<Item = u32>) -> Self {
        let mut set = Self::empty(len);
        for row in rows {
            set.insert(row);
        }
        set
    }

    /// How many rows there are, in the set or not.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no row is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Whether a row is in the set.
    #[must_use]
    pub fn contains(&self, row: u32) -> bool {
        self.words.get(row as usize / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Puts a row into the set; nothing happens if it is beyond [`len`](Self::len).
    pub fn insert(&mut self, row: u32) {
        if (row as usize) < self.len {
            self.words[row as usize / 64] |= 1 << (row % 64);
        }
    }

    /// Takes a row out of the set.
    pub fn remove(&mut self, row: u32) {
        if (row as usize) < self.len {
            self.words[row as usize / 64] &= !(1 << (row % 64));
        }
    }

    /// Keeps the rows that are in `other` too.
    pub fn and(&mut self, other: &Self) {
        for (index, word) in self.words.iter_mut().enumerate() {
            *word &= other.words.get(index).copied().unwrap_or(0);
        }
    }

    /// Takes out the rows that are in `other`.
    pub fn and_not(&mut self, other: &Self) {
        for (word, less) in self.words.iter_mut().zip(&other.words) {
            *word &= !less;
        }
    }

    /// Makes room for rows up to a larger number; the new ones are not in the set.
    pub fn grow(&mut self, len: usize) {
        self.len = self.len.max(len);
        self.words.resize(self.len.div_ceil(64), 0);
    }

    /// Empties the set and makes room for so many rows, in the memory that it has.
    pub fn clear(&mut self, len: usize) {
        self.words.clear();
        self.words.resize(len.div_ceil(64), 0);
        self.len = len;
    }

    /// Makes this set equal to another, in the memory that it has.
    pub fn copy_from(&mut self, other: &Self) {
        self.words.clone_from(&other.words);
        self.len = other.len;
    }

    /// The set as words: row `64 i + b` is bit `b` of word `i`; bits beyond [`len`](Self::len) are zero.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// How many rows both sets have, without making their intersection.
    #[must_use]
    pub fn count_and(&self, other: &Self) -> usize {
        self.words.iter().zip(&other.words).map(|(a, b)| (a & b).count_ones() as usize).sum()
    }

    /// How many rows below a bound are in the set.
    #[must_use]
    pub fn count_below(&self, bound: usize) -> usize {
        let whole = self.words.iter().take(bound / 64).map(|word| word.count_ones() as usize).sum::<usize>();
        let rest = self.words.get(bound / 64).map_or(0, |word| word & ((1 << (bound % 64)) - 1));
        whole + rest.count_ones() as usize
    }

    /// Adds the rows of `other` that this set can hold.
    pub fn or(&mut self, other: &Self) {
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
        self.trim();
    }

    /// Keeps the rows for which `test` holds; it is asked of rows of the set, and of rows next to them.
    pub fn retain(&mut self, test: impl Fn(u32) -> bool) {
        for (word, first) in self.words.iter_mut().zip((0_u32..).step_by(64)) {
            // Where many are in the set, all are tested: a word without a branch is faster than one bit after the other.
            if word.count_ones() > 24 {
                let mut holds = 0;
                for bit in 0..64.min(self.len as u32 - first) {
                    holds |= u64::from(test(first + bit)) << bit;
                }
                *word &= holds;
                continue;
            }
            let (mut rest, mut holds) = (*word, 0);
            while rest != 0 {
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                // No branch: what the test says cannot be foretold.
                holds |= u64::from(test(first + bit)) << bit;
            }
            *word = holds;
        }
    }

    /// Turns the set into the rows that were not in it.
    pub fn not(&mut self) {
        for word in &mut self.words {
            *word = !*word;
        }
        self.trim();
    }

    /// How many rows are in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The rows of the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().zip((0_u32..).step_by(64)).flat_map(|(word, first)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                Some(first + bit)
            })
        })
    }

    /// The rows below a bound, ascending, block by block.
    pub(crate) fn blocks(&self, bound: usize) -> Blocks<'_> {
        let words = &self.words[..self.words.len().min(bound.div_ceil(64))];
        Blocks {
            words,
            at: 0,
            rest: words.first().copied().unwrap_or(0),
            bound: u32::try_from(bound).unwrap_or(u32::MAX),
        }
    }

    /// Clears the bits of the last word that stand for no row: every other method may rely on it.
    fn trim(&mut self) {
        let used = self.len % 64;
        if used == 0 {
            return;
        }
        if let Some(last) = self.words.last_mut() {
            *last &= (1 << used) - 1;
        }
    }
}

/// Walks through a set without asking for each row.
pub(crate) struct Blocks<'a> {
    words: &'a [u64],
    at: usize,
    rest: u64,
    bound: u32,
}

impl Blocks<'_> {
    /// Overwrites `rows` with the next rows, `most` of them at most; false after the last.
    pub(crate) fn next(&mut self, rows: &mut Vec<u32>, most: usize) -> bool {
        rows.clear();
        while rows.len() < most && self.at < self.words.len() {
            let room = most - rows.len();
            let first = (self.at * 64) as u32;
            for _ in 0..room.min(64) {
                if self.rest == 0 {
                    break;
                }
                rows.push(first + self.rest.trailing_zeros());
                self.rest &= self.rest - 1;
            }
            if self.rest == 0 {
                self.at += 1;
                self.rest = self.words.get(self.at).copied().unwrap_or(0);
            }
        }
        // Only the last word can have rows beyond the bound, and they come last.
        while rows.last().is_some_and(|row| *row >= self.bound) {
            rows.pop();
        }
        !rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set() -> impl Strategy<Value = (usize, BTreeSet<u32>)> {
        (0_usize..200).prop_flat_map(|len| {
            let rows = prop::collection::btree_set(0..len.max(1) as u32, 0..=len);
            (Just(len), rows.prop_map(move |rows| rows.into_iter().filter(|row| (*row as usize) < len).collect()))
        })
    }

    proptest! {
        #[test]
        fn behaves_like_a_set_of_rows((len_a, a) in set(), (len_b, b) in set(), probe in 0_u32..300) {
            let (bits_a, bits_b) = (Bitmap::from_rows(len_a, a.clone()), Bitmap::from_rows(len_b, b.clone()));
            prop_assert_eq!(bits_a.iter().collect::<BTreeSet<_>>(), a.clone());
            prop_assert!(bits_a.iter().is_sorted());
            prop_assert_eq!(bits_a.count(), a.len());
            prop_assert_eq!(bits_a.is_empty(), a.is_empty());
            prop_assert_eq!(bits_a.contains(probe), a.contains(&probe));
            prop_assert_eq!(&Bitmap::from_fn(len_a, |row| a.contains(&row)), &bits_a);

            let mut and = bits_a.clone();
            and.and(&bits_b);
            prop_assert_eq!(and.iter().collect::<BTreeSet<_>>(), a.intersection(&b).copied().collect());
            let mut or = bits_a.clone();
            or.or(&bits_b);
            let expected = a.union(&b).copied().filter(|row| (*row as usize) < len_a).collect();
            prop_assert_eq!(or.iter().collect::<BTreeSet<_>>(), expected);
            let mut not = bits_a.clone();
            not.not();
            prop_assert_eq!(not.iter().collect::<BTreeSet<_>>(), (0..len_a as u32).filter(|row| !a.contains(row)).collect());
            prop_assert_eq!(not.count() + bits_a.count(), Bitmap::full(len_a).count());

            let mut kept = bits_a.clone();
            kept.retain(|row| row % 3 != 1);
            prop_assert_eq!(kept.iter().collect::<BTreeSet<_>>(), a.iter().copied().filter(|row| row % 3 != 1).collect());
            let mut grown = bits_a.clone();
            grown.grow(len_b);
            prop_assert_eq!((grown.len(), grown.iter().collect::<BTreeSet<_>>()), (len_a.max(len_b), a.clone()));
            let mut and_not = bits_a.clone();
            and_not.and_not(&bits_b);
            prop_assert_eq!(and_not.iter().collect::<BTreeSet<_>>(), a.difference(&b).copied().collect());
            prop_assert_eq!(bits_a.count_and(&bits_b), and.count());
            prop_assert_eq!(bits_a.count_below(probe as usize), a.iter().filter(|row| **row < probe).count());
            and_not.grow(probe as usize);
            prop_assert_eq!(and_not.len(), len_a.max(probe as usize));
            prop_assert_eq!(and_not.iter().collect::<BTreeSet<_>>(), a.difference(&b).copied().collect());
            and_not.clear(len_b);
            prop_assert_eq!(&and_not, &Bitmap::empty(len_b));
            and_not.copy_from(&bits_b);
            prop_assert_eq!(&and_not, &bits_b);
            let (mut blocks, mut rows, mut walked) = (bits_a.blocks(probe as usize), Vec::new(), Vec::<u32>::new());
            while blocks.next(&mut rows, len_b.max(1)) {
                prop_assert!(rows.len() <= len_b.max(1));
                walked.extend(&rows);
            }
            prop_assert_eq!(walked, a.iter().copied().filter(|row| *row < probe).collect::<Vec<_>>());

            let mut changed = bits_a.clone();
            changed.insert(probe);
            prop_assert_eq!(changed.contains(probe), (probe as usize) < len_a);
            changed.remove(probe);
            prop_assert!(!changed.contains(probe));
        }
    }
}
