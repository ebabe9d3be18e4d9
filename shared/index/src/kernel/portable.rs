//! The loops in plain Rust: what every level is measured against, and what the compiler vectorises for other machines.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::{NO_ROW, Rows, Whole};

/// Partial sums that run side by side: wide enough for the registers of any CPU we run on, and fixed, because the order
/// of the additions is part of the result.
pub(super) const LANES: usize = 16;

/// Adds the products of one block, or of a shorter rest, to the lanes.
#[inline]
pub(super) fn add_products(sums: &mut [f32; LANES], a: &[f32], b: &[f32]) {
    for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
        *sum += a * b;
    }
}

/// The sum of the lanes: the upper half is added to the lower until one is left.
#[inline]
pub(super) fn fold(mut sums: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

#[inline]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let len = a.len().min(b.len());
    let (a_blocks, a_rest) = a[..len].as_chunks::<LANES>();
    let (b_blocks, b_rest) = b[..len].as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    add_products(&mut sums, a_rest, b_rest);
    fold(sums)
}

/// As [`dot`] of the widened vector, bit by bit.
pub(super) fn dot_f16(a: &[f32], b: &[f16]) -> f32 {
    const BLOCK: usize = 8 * LANES;
    let mut wide = [0.0_f32; BLOCK];
    let mut sums = [0.0_f32; LANES];
    let len = a.len().min(b.len());
    for (a, b) in a[..len].chunks(BLOCK).zip(b[..len].chunks(BLOCK)) {
        let wide = &mut wide[..b.len()];
        b.convert_to_f32_slice(wide);
        for (a, b) in a.chunks(LANES).zip(wide.chunks(LANES)) {
            add_products(&mut sums, a, b);
        }
    }
    fold(sums)
}

pub(super) fn rows<T: Copy, R: Rows>(
    query: &[f32],
    vectors: &[T],
    rows: R,
    out: &mut [f32],
    dot: impl Fn(&[f32], &[T]) -> f32,
) {
    for (place, out) in out.iter_mut().enumerate() {
        *out = rows.at(place).and_then(|row| row_of(vectors, query.len(), row)).map_or(f32::NAN, |v| dot(query, v));
    }
}

pub(super) fn codes<R: Rows>(query: &Whole, codes: &[u8], stride: usize, rows: R, out: &mut [i32]) {
    for (place, out) in out.iter_mut().enumerate() {
        *out = rows.at(place).and_then(|row| row_of(codes, stride, row)).map_or(NO_ROW, |codes| {
            codes
                .iter()
                .zip(&query.wide)
                .fold(0_i32, |sum, (code, q)| sum.wrapping_add(i32::from(*code) * i32::from(*q)))
        });
    }
}

/// The numbers of a row, if it exists.
#[inline]
pub(super) fn row_of<T>(all: &[T], width: usize, row: usize) -> Option<&[T]> {
    let start = row.checked_mul(width)?;
    all.get(start..start.checked_add(width)?)
}
