//! The arithmetic of training: conjugate gradients for one row of the normal equations, and Gram matrices.
//!
//! The normal equations of a row (see [`super`]) are `A x = b` with `A = G + Σ_seen (c - 1) y yᵀ`. Conjugate gradients need
//! only products `A p`, which cost two passes over the seen vectors instead of a factorisation: `G p` and one dot product
//! and one addition for each `y`. Every step lowers the same quadratic that the exact solution minimises, and the last
//! iteration's vector is a good place to start from, so a few steps an iteration are enough (Takács, Pilászy, Tikk,
//! *Applications of the Conjugate Gradient Method for Implicit Feedback Collaborative Filtering*, 2011).
//!
//! Everything is written once, over a [`Register`] of sixteen numbers, and compiled for what the processor has ([`simd`]).

use super::simd::{Block, LANES, Register, versions};

/// A vector of `B` blocks, padded with zeros.
pub(super) type Vector<const B: usize> = [Block; B];

/// The zero vector.
pub(super) const fn zero<const B: usize>() -> Vector<B> {
    [Block([0.0; LANES]); B]
}

#[inline(always)]
pub(super) fn load<R: Register, const B: usize>(vector: &Vector<B>) -> [R; B] {
    std::array::from_fn(|b| R::load(&vector[b]))
}

#[inline(always)]
pub(super) fn store<R: Register, const B: usize>(registers: [R; B], vector: &mut Vector<B>) {
    registers.into_iter().zip(vector).for_each(|(register, block)| register.store(block));
}

#[inline(always)]
fn dot<R: Register, const B: usize>(a: &[R; B], b: &[R; B]) -> f32 {
    let mut sum = a[0].mul(b[0]);
    for (a, b) in a.iter().zip(b).skip(1) {
        sum = sum.add(a.mul(*b));
    }
    sum.sum()
}

/// `to += factor * from`.
#[inline(always)]
fn add<R: Register, const B: usize>(to: &mut [R; B], factor: f32, from: &[R; B]) {
    let factor = R::splat(factor);
    to.iter_mut().zip(from).for_each(|(to, from)| *to = to.add(factor.mul(*from)));
}

/// `Σ_j v_j · row j` of a matrix.
#[inline(always)]
fn times<R: Register, const B: usize>(matrix: &[Vector<B>], v: &Vector<B>) -> [R; B] {
    let mut sum = [R::splat(0.0); B];
    for (row, factor) in matrix.iter().zip(v.iter().flat_map(|block| &block.0)) {
        add(&mut sum, *factor, &load(row));
    }
    sum
}

/// One side's normal equations.
#[derive(Clone, Copy)]
pub(super) struct Side<'a, const B: usize> {
    /// The shared matrix `G`, all of it: symmetric.
    pub(super) gram: &'a [Vector<B>],
    /// The vectors of the other side.
    pub(super) other: &'a [Vector<B>],
    /// Steps of conjugate gradients.
    pub(super) steps: usize,
}

impl<const B: usize> Side<'_, B> {
    /// Brings `x` nearer to the solution of its row's equations, starting from what it is. `seen` has `c - 1` with the sign
    /// of the interest.
    #[inline(always)]
    fn improve<R: Register>(&self, seen: &[(u32, f32)], place: &mut Vector<B>) {
        if !seen.iter().any(|(_, certainty)| certainty.is_sign_positive()) {
            *place = zero();
            return;
        }
        let mut x: [R; B] = load(place);
        // b - A x
        let mut rest = [R::splat(0.0); B];
        add(&mut rest, -1.0, &times(self.gram, place));
        for (column, certainty) in seen {
            let y = load(&self.other[*column as usize]);
            let more = certainty.abs();
            let wanted = if certainty.is_sign_positive() { 1.0 + more } else { 0.0 };
            add(&mut rest, wanted - more * dot(&y, &x), &y);
        }
        let mut direction = rest;
        let mut squares = dot(&rest, &rest);
        for _ in 0..self.steps {
            let mut numbers = zero();
            store(direction, &mut numbers);
            let mut image = times(self.gram, &numbers);
            for (column, certainty) in seen {
                let y = load(&self.other[*column as usize]);
                add(&mut image, certainty.abs() * dot(&y, &direction), &y);
            }
            let step = squares / dot(&direction, &image);
            // The solution is reached, or as near as these numbers go.
            if !step.is_finite() {
                break;
            }
            add(&mut x, step, &direction);
            add(&mut rest, -step, &image);
            let before = std::mem::replace(&mut squares, dot(&rest, &rest));
            let mut next = rest;
            add(&mut next, squares / before, &direction);
            direction = next;
        }
        store(x, place);
    }
}

versions! {
    /// Brings some rows of a side nearer to their solutions; `starts` has the bounds of each one's entries.
    pub(super) fn improve<R, B>(side: Side<'_, B>, entries: &[(u32, f32)], starts: &[usize], rows: &mut [Vector<B>]) {
        for (bounds, x) in starts.windows(2).zip(rows) {
            side.improve::<R>(&entries[bounds[0]..bounds[1]], x);
        }
    }
}

/// Rows of a Gram matrix at a time, so that their sums stay in registers.
const ROWS: usize = 4;

versions! {
    /// `Σ v vᵀ` over some vectors, added up in their order: row by row, all of it.
    pub(super) fn outer<R, B>(vectors: &[Vector<B>], sums: &mut [Vector<B>]) {
        for (at, four) in sums.chunks_exact_mut(ROWS).enumerate() {
            let (block, lane) = (at * ROWS / LANES, at * ROWS % LANES);
            let mut rows = [[R::splat(0.0); B]; ROWS];
            for v in vectors {
                let all = load(v);
                for (row, factor) in rows.iter_mut().zip(&v[block].0[lane..lane + ROWS]) {
                    add(row, *factor, &all);
                }
            }
            rows.into_iter().zip(four).for_each(|(row, sum)| store(row, sum));
        }
    }
}
