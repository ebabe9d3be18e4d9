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
        let Scratch { level, rows, sums, wider, prepared, .. } = scratch;
        wider.start(k, rows_total);
        sums.clear();
        sums.resize(BLOCK, 0);
        let mut touched = 0;
        if let Some(allowed) = allowed {
            let mut blocks = allowed.blocks(rows_total);
            while blocks.next(rows, BLOCK) {
                let sums = &mut sums[..rows.len()];
                kernel::codes(*level, &prepared.whole, self.codes, self.stride, &rows[..], sums);
                offer_sums(wider, rows.iter().copied(), sums);
                touched += rows.len();
            }
        } else {
            for first in (0..rows_total).step_by(BLOCK) {
                let sums = &mut sums[..BLOCK.min(rows_total - first)];
                kernel::codes(*level, &prepared.whole, self.codes, self.stride, From(first), sums);
                offer_sums(wider, first as u32.., sums);
                touched += sums.len();
            }
        }
        found.touched += touched;
        found.bytes += touched * self.stride;
    }

    /// Writes the coarse scores of the given rows over `out`; a row that does not exist scores minus infinity.
    pub(crate) fn approximate(&self, prepared: &Prepared, rows: &[u32], scratch: &mut Scratch, out: &mut Vec<f32>) {
        let Scratch { level, sums, .. } = scratch;
        sums.clear();
        sums.resize(rows.len(), 0);
        kernel::codes(*level, &prepared.whole, self.codes, self.stride, rows, sums);
        let score = |sum: &i32| if *sum == NO_ROW { f32::NEG_INFINITY } else { prepared.score(*sum) };
        out.clear();
        out.extend(sums.iter().map(score));
    }
}

fn offer_sums(top: &mut Top, rows: impl Iterator<Item = u32>, sums: &[i32]) {
    for (row, sum) in rows.zip(sums) {
        top.offer(rank_of_sum(*sum), row);
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
