//! A prefix tree over bytes, laid out in three flat slices so that it can be read where it lies in a file.
//!
//! Nodes are numbered level by level, so the children of a node are neighbours: those of node `i` are
//! `children[i]..children[i + 1]`, their labels ascending. `values[i]` is what the path to node `i` stands for, or [`NONE`].

use std::ops::Range;

/// The value of a node at which no key ends.
pub(crate) const NONE: u32 = u32::MAX;

/// A prefix tree in three flat slices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trie<'a> {
    /// Where the children of each node start, and one more for the end.
    pub(crate) children: &'a [u32],
    /// The byte on the way to each node; the root has none, so its own is never read.
    pub(crate) labels: &'a [u8],
    /// What each node stands for.
    pub(crate) values: &'a [u32],
}

/// The slices of a [`Trie`], owned.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nodes {
    pub(crate) children: Vec<u32>,
    pub(crate) labels: Vec<u8>,
    pub(crate) values: Vec<u32>,
}

impl Nodes {
    /// The tree of some keys and their values; of equal keys the last one counts.
    pub(crate) fn new<'k>(keys: impl IntoIterator<Item = (&'k [u8], u32)>) -> Self {
        let mut keys: Vec<(&[u8], u32)> = keys.into_iter().collect();
        keys.sort_by_key(|(key, _)| *key);
        let mut nodes = Self { children: Vec::new(), labels: vec![0], values: Vec::new() };
        // The keys below each node of a level, level after level.
        let mut level: Vec<Range<usize>> = std::iter::once(0..keys.len()).collect();
        let mut depth = 0;
        while !level.is_empty() {
            let mut next = Vec::new();
            for mut range in level {
                let mut value = NONE;
                while keys[range.clone()].first().is_some_and(|(key, _)| key.len() == depth) {
                    value = keys[range.start].1;
                    range.start += 1;
                }
                nodes.values.push(value);
                nodes.children.push(nodes.labels.len() as u32);
                while let Some((first, _)) = keys[range.clone()].first() {
                    let label = first[depth];
                    let size = keys[range.clone()].partition_point(|(key, _)| key[depth] == label);
                    nodes.labels.push(label);
                    next.push(range.start..range.start + size);
                    range.start += size;
                }
            }
            level = next;
            depth += 1;
        }
        nodes.children.push(nodes.labels.len() as u32);
        nodes
    }

    #[cfg(test)]
    pub(crate) fn trie(&self) -> Trie<'_> {
        Trie { children: &self.children, labels: &self.labels, values: &self.values }
    }
}

impl<'a> Trie<'a> {
    fn child(&self, node: usize, label: u8) -> Option<usize> {
        let (start, end) = (*self.children.get(node)? as usize, *self.children.get(node + 1)? as usize);
        let found = self.labels.get(start..end)?.binary_search(&label).ok()?;
        Some(start + found)
    }

    /// Every key that `bytes` begins with, shortest first: its length and its value. The empty key is none.
    pub(crate) fn prefixes<'b>(self, bytes: &'b [u8]) -> impl Iterator<Item = (usize, u32)> + use<'a, 'b> {
        let mut node = 0;
        bytes
            .iter()
            .enumerate()
            .map_while(move |(i, byte)| {
                node = self.child(node, *byte)?;
                Some((i + 1, *self.values.get(node)?))
            })
            .filter(|(_, value)| *value != NONE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_exactly_the_keys_that_a_text_begins_with(
            keys in prop::collection::vec(prop::collection::vec(0_u8..4, 1..6), 0..40),
            text in prop::collection::vec(0_u8..4, 0..8),
        ) {
            let nodes = Nodes::new(keys.iter().map(Vec::as_slice).zip(0..));
            let found: Vec<(usize, u32)> = nodes.trie().prefixes(&text).collect();
            let expected: Vec<(usize, u32)> = (1..=text.len())
                .filter_map(|len| Some((len, keys.iter().rposition(|key| *key == text[..len])? as u32)))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn broken_slices_end_the_search() {
        let trie = Trie { children: &[1, 9, 0], labels: &[0, 7], values: &[NONE] };
        assert_eq!(trie.prefixes(&[7, 7]).count(), 0);
        let trie = Trie { children: &[], labels: &[], values: &[] };
        assert_eq!(trie.prefixes(b"abc").count(), 0);
    }
}
