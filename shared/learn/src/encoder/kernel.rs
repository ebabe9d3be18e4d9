//! The numerical kernels: matrix products by the `gemm` crate, and loops compiled for wide vectors.
//!
//! This is the only file of the crate's training code with `unsafe`: calling `gemm`, which takes raw pointers (every
//! bound is checked here first), and calling a function compiled for vector instructions that were found at run time.
//!
//! Loops are written so that the order of additions is fixed; [`wide`] changes how many run at a time, never the result.
//! `gemm` picks its kernel by the CPU's features, so results are equal between machines of one feature level only.
#![allow(unsafe_code)]

/// A matrix inside a slice: element `(i, j)` is at `i * row_step + j * column_step`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
}

impl<'a> Matrix<'a> {
    /// A row-major matrix without gaps.
    pub(super) fn new(data: &'a [f32], columns: usize) -> Self {
        Self { data, rows: data.len() / columns, columns, row_step: columns, column_step: 1 }
    }

    /// Rows and columns exchanged; nothing is moved.
    pub(super) const fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_step: self.column_step,
            column_step: self.row_step,
        }
    }

    fn fits(&self) -> bool {
        let last = self.rows.saturating_sub(1) * self.row_step + self.columns.saturating_sub(1) * self.column_step;
        self.rows == 0 || self.columns == 0 || last < self.data.len()
    }
}

/// `to = keep * to + left · right`, with `to` row-major without gaps.
///
/// # Panics
/// If the shapes do not match: a mistake of the caller, not of the data.
pub(super) fn multiply(to: &mut [f32], keep: f32, left: Matrix<'_>, right: Matrix<'_>) {
    let (rows, columns, inner) = (left.rows, right.columns, left.columns);
    assert!(inner == right.rows && to.len() == rows * columns && left.fits() && right.fits(), "shapes of a product");
    if to.is_empty() {
        return;
    }
    // SAFETY: the assertion above keeps every element that the shapes and steps reach inside its slice; `to` is borrowed
    // exclusively, so it overlaps neither operand. With `read_dst` the destination is initialised, being a slice.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            to.as_mut_ptr(),
            1,
            columns as isize,
            keep != 0.0,
            left.data.as_ptr(),
            left.column_step as isize,
            left.row_step as isize,
            right.data.as_ptr(),
            right.column_step as isize,
            right.row_step as isize,
            keep,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Runs `work` compiled for the widest vectors that the CPU has, as far as it is inlined.
///
/// No fused multiply-add is allowed, so the result is the same bits as without.
#[inline(always)]
pub(crate) fn wide<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has the instructions, as was just asked.
            return unsafe { with_avx2(work) };
        }
    }
    work()
}

/// Lanes that sums run in side by side.
const LANES: usize = 16;

/// The dot product, summed in a fixed order.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += a * b;
    }
    fold(sums)
}

/// The sum of a slice, in a fixed order.
#[inline(always)]
pub(super) fn sum(a: &[f32]) -> f32 {
    let (blocks, rest) = a.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for block in blocks {
        for lane in 0..LANES {
            sums[lane] += block[lane];
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *sum += x;
    }
    fold(sums)
}

#[inline(always)]
fn fold(mut sums: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// The largest value; minus infinity of nothing.
#[inline(always)]
pub(super) fn largest(a: &[f32]) -> f32 {
    let (blocks, rest) = a.as_chunks::<LANES>();
    let mut best = [f32::NEG_INFINITY; LANES];
    for block in blocks {
        for lane in 0..LANES {
            best[lane] = if block[lane] > best[lane] { block[lane] } else { best[lane] };
        }
    }
    rest.iter().chain(&best).fold(f32::NEG_INFINITY, |a, b| a.max(*b))
}

/// `to += factor * from`.
#[inline(always)]
pub(super) fn add_scaled(to: &mut [f32], factor: f32, from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}

/// `to += from`.
#[inline(always)]
pub(super) fn add(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// `eˣ` for `x` up to 88, within three units of the last place; what is below -87 gives `e⁻⁸⁷`.
///
/// `eˣ = 2ᵏ 2ᶠ` with `k` whole and `|f| <= ½`, and `2ᶠ` by its Taylor polynomial of degree 7: no branches, no calls, so
/// that loops over it become vector code.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Adding this rounds to a whole number and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    // ln 2 in two parts, so that the remainder is exact.
    let f = x - k * 0.693_359_4 + k * 2.121_944_4e-4;
    let p = 1.0 / 5040.0;
    let p = p * f + 1.0 / 720.0;
    let p = p * f + 1.0 / 120.0;
    let p = p * f + 1.0 / 24.0;
    let p = p * f + 1.0 / 6.0;
    let p = p * f + 0.5;
    let p = p * f + 1.0;
    let p = p * f + 1.0;
    p * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn products_are_sums_of_products(
            (m, n, k) in (1_usize..20, 1_usize..20, 1_usize..20),
            keep in prop::sample::select(vec![0.0_f32, 1.0, 0.5]),
            turned in any::<(bool, bool)>(),
            values in prop::collection::vec(-1.0_f32..1.0, 3 * 400),
        ) {
            let (a, b) = (&values[..m * k], &values[400..400 + k * n]);
            let mut to = values[800..800 + m * n].to_vec();
            let left = if turned.0 { Matrix::new(a, m).transposed() } else { Matrix::new(a, k) };
            let right = if turned.1 { Matrix::new(b, k).transposed() } else { Matrix::new(b, n) };
            multiply(&mut to, keep, left, right);
            for i in 0..m {
                for j in 0..n {
                    let one = |p: usize| {
                        let x = if turned.0 { a[p * m + i] } else { a[i * k + p] };
                        let y = if turned.1 { b[j * k + p] } else { b[p * n + j] };
                        f64::from(x) * f64::from(y)
                    };
                    let expected = f64::from(keep * values[800 + i * n + j]) + (0..k).map(one).sum::<f64>();
                    prop_assert!((f64::from(to[i * n + j]) - expected).abs() < 1e-5);
                }
            }
        }

        #[test]
        fn exponentials(x in -86.0_f32..20.0) {
            let expected = f64::from(x).exp();
            prop_assert!((f64::from(exp(x)) / expected - 1.0).abs() < 4e-7, "{} {expected}", exp(x));
        }

        #[test]
        fn wide_loops_give_the_same_bits(values in prop::collection::vec(-1.0_f32..1.0, 0..200)) {
            let plain = (dot(&values, &values), sum(&values), largest(&values));
            let vectors = wide(|| (dot(&values, &values), sum(&values), largest(&values)));
            prop_assert_eq!(plain, vectors);
            let exact: f64 = values.iter().map(|x| f64::from(*x)).sum();
            prop_assert!((f64::from(plain.1) - exact).abs() < 1e-5);
            prop_assert_eq!(plain.2, values.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        }
    }

    #[test]
    fn exponentials_at_the_ends() {
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NEG_INFINITY) > 0.0 && exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    #[should_panic(expected = "shapes of a product")]
    fn shapes_that_do_not_match_are_refused() {
        multiply(&mut [0.0; 4], 0.0, Matrix::new(&[0.0; 4], 2), Matrix::new(&[0.0; 3], 3));
    }
}
