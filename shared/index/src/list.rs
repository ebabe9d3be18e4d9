//! Inverted lists: rows grouped by where they lie, searched from the most promising list on.
//!
//! A list is worth `q · centre + margin · spread(q) · reach`: what its best row may score. Lists are taken in that order
//! until the next one is worth less than the `k`-th best row so far. So a query in a crowd ends early, and a filter that
//! has nothing to do with the query's neighbourhood makes the search go on, because what is allowed scores low. `margin`
//! is calibrated when the index is built; `spread(q)` is how far rows lie from their centres in the query's direction.

use crate::Bitmap;
use crate::found::{Found, rank_of, rank_of_sum, score_of, sum_of};
use crate::kernel::{self, From};
use crate::scan::Codes;
use crate::search::{BLOCK, Scratch};

/// Lists put in order at a time.
const CHUNK: usize = 32;
/// Rows that are allowed gather to this number before they are scored together.
const GATHER: usize = 64;
/// Rows looked up in a filter cost as much as one scored.
const WALKED: usize = 8;
/// A search that has done this part of the work of a scan of the allowed rows gives up in its favour: what it wastes is
/// little, and a filter that leads away from the query would have cost more than the scan.
const GIVE_UP: usize = 8;

/// The order of the lists for one query.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists {
    keys: Vec<u64>,
    at: usize,
    sorted: usize,
}

impl Lists {
    /// The next list and its worth.
    fn next(&mut self) -> Option<(usize, f32)> {
        if self.at == self.sorted {
            let rest = &mut self.keys[self.sorted..];
            let chunk = rest.len().min(CHUNK);
            if rest.len() > chunk {
                rest.select_nth_unstable_by(chunk, |a, b| b.cmp(a));
            }
            rest[..chunk].sort_unstable_by(|a, b| b.cmp(a));
            self.sorted += chunk;
        }
        let key = *self.keys.get(self.at)?;
        self.at += 1;
        Some((!(key as u32) as usize, score_of((key >> 32) as u32)))
    }
}

/// Inverted lists where they lie in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inverted<'a> {
    /// Codes of the centres, a row a list.
    pub(crate) centres: &'a [u8],
    /// How far rows lie from their centres, a number a dimension.
    pub(crate) spread: &'a [[u8; 4]],
    /// How far those of a list do, relative to all.
    pub(crate) reach: &'a [[u8; 4]],
    /// Where each list starts among the rows, and the end.
    pub(crate) starts: &'a [[u8; 4]],
    /// The rows, list by list.
    pub(crate) rows: &'a [[u8; 4]],
    pub(crate) margin: f32,
}

/// What is searched for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) k: usize,
    /// How many are to be scored exactly.
    pub(crate) wider: usize,
    pub(crate) allowed: Option<&'a Bitmap>,
    /// How many rows are allowed.
    pub(crate) matches: usize,
    /// Whether a search that finds too little may give up.
    pub(crate) may_stop: bool,
}

impl<'a> Inverted<'a> {
    pub(crate) const fn count(&self) -> usize {
        self.reach.len()
    }

    /// The rows of a list; none if the file is damaged.
    pub(crate) fn list(&self, list: usize) -> &'a [[u8; 4]] {
        let start = |list: usize| self.starts.get(list).map(|start| u32::from_le_bytes(*start) as usize);
        match (start(list), start(list + 1)) {
            (Some(start), Some(end)) => self.rows.get(start..end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Puts the lists in order for the prepared query.
    fn order(&self, codes: &Codes<'_>, query: &[f32], scratch: &mut Scratch, found: &mut Found) {
        let Scratch { level, sums, prepared, lists, .. } = scratch;
        let spread = query.iter().zip(self.spread).map(|(q, spread)| q * f32::from_le_bytes(*spread));
        let spread = spread.map(|x| x * x).sum::<f32>().sqrt();
        let margin = self.margin * spread / prepared.step;
        sums.clear();
        sums.resize(self.count(), 0);
        kernel::codes(*level, &prepared.whole, self.centres, codes.stride, From(0), sums);
        found.bytes += self.count() * codes.stride;
        let worth = |(sum, reach): (&i32, &[u8; 4])| *sum as f32 + margin * f32::from_le_bytes(*reach);
        lists.keys.clear();
        lists.keys.extend(
            sums.iter()
                .zip(self.reach)
                .map(worth)
                .zip(0_u32..)
                .map(|(worth, l)| u64::from(rank_of(worth)) << 32 | u64::from(!l)),
        );
        (lists.at, lists.sorted) = (0, 0);
    }

    /// Leaves the best rows by coarse score in the wider top; false if it gave up because a scan of the allowed rows is
    /// less work. The work so far is counted either way.
    pub(crate) fn probe(
        &self,
        codes: &Codes<'_>,
        query: &[f32],
        wanted: Wanted<'_>,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> bool {
        self.order(codes, query, scratch, found);
        scratch.top.start(wanted.k, wanted.matches);
        scratch.wider.start(wanted.wider, wanted.matches);
        scratch.rows.clear();
        let mut walked = 0;
        while let Some((list, worth)) = scratch.lists.next() {
            if scratch.top.worst().is_some_and(|worst| worth < sum_of(worst) as f32) {
                break;
            }
            let rows = self.list(list);
            for block in rows.chunks(BLOCK) {
                let block = block.iter().map(|row| u32::from_le_bytes(*row));
                match wanted.allowed {
                    Some(allowed) => scratch.rows.extend(block.filter(|row| allowed.contains(*row))),
                    None => scratch.rows.extend(block),
                }
                if scratch.rows.len() >= GATHER {
                    score(codes, scratch, found);
                }
            }
            walked += rows.len();
            found.bytes += size_of_val(rows);
            if wanted.may_stop && found.touched + walked / WALKED > wanted.matches / GIVE_UP {
                return false;
            }
        }
        score(codes, scratch, found);
        true
    }
}

/// Scores the rows gathered and offers them.
fn score(codes: &Codes<'_>, scratch: &mut Scratch, found: &mut Found) {
    let (rows, prepared) = (std::mem::take(&mut scratch.rows), std::mem::take(&mut scratch.prepared));
    codes.sums(&prepared, &rows, scratch);
    (scratch.rows, scratch.prepared) = (rows, prepared);
    let Scratch { rows, sums, top, wider, .. } = scratch;
    found.touched += rows.len();
    found.bytes += rows.len() * codes.stride;
    for (row, sum) in rows.iter().zip(sums.iter()) {
        if *sum != kernel::NO_ROW {
            top.offer(rank_of_sum(*sum), *row);
            wider.offer(rank_of_sum(*sum), *row);
        }
    }
    rows.clear();
}
