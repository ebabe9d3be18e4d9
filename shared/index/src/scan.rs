//! The scan of codes, and the exact scoring of what it leaves.

use half::f16;

use crate::found::{Found, Top, rank_of_sum};
use crate::kernel::{self, From, NO_ROW};
use crate::search::{BLOCK, Scratch, offer};
use crate::{Bitmap, Flat, Prepared};

/// Codes where they lie in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Codes<'a> {
    /// A row is `stride` bytes.
    pub(crate) codes: &'a [u8],
    pub(crate) stride: usize,
    /// A number a dimension.
    pub(crate) scales: &'a [[u8; 4]],
    /// A number a dimension.
    pub(crate) middles: &'a [[u8; 4]],
    /// Where rows lie, if not in their order.
    pub(crate) laid: Option<Laid<'a>>,
}

/// An order of rows other than their own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Laid<'a> {
    /// The place of each row.
    pub(crate) places: &'a [[u8; 4]],
    /// The row of each place.
    pub(crate) order: &'a [[u8; 4]],
}

impl Laid<'_> {
    /// The place of a row; beyond all places for one that does not exist.
    pub(crate) fn place(&self, row: u32) -> u32 {
        self.places.get(row as usize).map_or(u32::MAX, |place| u32::from_le_bytes(*place))
    }

    pub(crate) fn row(&self, place: u32) -> u32 {
        self.order.get(place as usize).map_or(u32::MAX, |row| u32::from_le_bytes(*row))
    }
}

impl Codes<'_> {
    pub(crate) fn prepare(&self, query: &[f32], prepared: &mut Prepared) -> bool {
        prepared.set(query, self.scales, self.middles)
    }

    /// Leaves the best `k` of the allowed rows by coarse score in the wider top.
    pub(crate) fn scan(
        &self,
        rows_total: usize,
        k: usize,
        allowed: Option<&Bitmap>,
        scratch: &mut Scratch,
        found: &mut Found,
    ) {
        let Scratch { level, rows, sums, wider, prepared, laid_out, kept, .. } = scratch;
        wider.start(k, rows_total);
        sums.clear();
        sums.resize(BLOCK, 0);
        let mut touched = 0;
        let row_of = |place: u32| self.laid.map_or(place, |laid| laid.row(place));
        if let Some(allowed) = allowed {
            // The allowed rows as places: then codes are read forwards, in runs where a filter takes what lies together.
            let allowed = match self.laid {
                None => allowed,
                Some(laid) => {
                    laid_out.clear(rows_total);
                    let mut blocks = allowed.blocks(rows_total);
                    while blocks.next(rows, BLOCK) {
                        rows.iter().for_each(|row| laid_out.insert(laid.place(*row)));
                    }
                    &*laid_out
                }
            };
            let mut blocks = allowed.blocks(rows_total);
            while blocks.next(rows, BLOCK) {
                let sums = &mut sums[..rows.len()];
                kernel::codes(*level, &prepared.whole, self.codes, self.stride, &rows[..], sums);
                offer_sums(wider, rows.iter().copied(), sums, row_of);
                if kept.wanted {
                    kept.sums.extend(rows.iter().map(|place| row_of(*place)).zip(sums.iter().copied()));
                    kept.full = true;
                }
                touched += rows.len();
            }
        } else {
            for first in (0..rows_total).step_by(BLOCK) {
                let sums = &mut sums[..BLOCK.min(rows_total - first)];
                kernel::codes(*level, &prepared.whole, self.codes, self.stride, From(first), sums);
                offer_sums(wider, first as u32.., sums, row_of);
                touched += sums.len();
            }
        }
        found.touched += touched;
        found.bytes += touched * self.stride;
    }

    /// Writes the coarse scores of the given rows over `out`; a row that does not exist scores minus infinity.
    pub(crate) fn approximate(&self, prepared: &Prepared, rows: &[u32], scratch: &mut Scratch, out: &mut Vec<f32>) {
        self.sums(prepared, rows, scratch);
        let sums = &scratch.sums;
        let score = |sum: &i32| if *sum == NO_ROW { f32::NEG_INFINITY } else { prepared.score(*sum) };
        out.clear();
        out.extend(sums.iter().map(score));
    }
}

impl Codes<'_> {
    /// Leaves the sums of rows that lie apart in the scratch space.
    pub(crate) fn sums(&self, prepared: &Prepared, rows: &[u32], scratch: &mut Scratch) {
        let Scratch { level, sums, places, .. } = scratch;
        sums.clear();
        sums.resize(rows.len(), 0);
        let rows = match self.laid {
            None => rows,
            Some(laid) => {
                places.clear();
                places.extend(rows.iter().map(|row| laid.place(*row)));
                places
            }
        };
        kernel::codes(*level, &prepared.whole, self.codes, self.stride, rows, sums);
    }
}

/// Offers the rows of places with their sums.
fn offer_sums(top: &mut Top, places: impl Iterator<Item = u32>, sums: &[i32], row_of: impl Fn(u32) -> u32) {
    for (place, sum) in places.zip(sums) {
        let rank = rank_of_sum(*sum);
        if top.may_take(rank) {
            top.offer(rank, row_of(place));
        }
    }
}

/// Scores what the wider top holds exactly and writes the best `k`.
pub(crate) fn score_again(
    flat: &Flat<'_, f16>,
    query: &[f32],
    k: usize,
    scratch: &mut Scratch,
    found: &mut Found,
) -> Result<(), crate::Error> {
    let Scratch { level, rows, scores, top, wider, .. } = scratch;
    rows.clear();
    rows.extend(wider.sorted().map(|(_, row)| row));
    flat.scores_on(*level, query, rows, scores)?;
    top.start(k, rows.len());
    offer(top, rows.iter().copied(), scores);
    top.write(&mut found.hits);
    found.bytes += rows.len() * query.len() * size_of::<f16>();
    Ok(())
}
