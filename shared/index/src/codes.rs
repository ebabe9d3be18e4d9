//! Vectors in one byte a number: a coarse score that costs a quarter of the exact one, with a bound on its error.
//!
//! A dimension has a middle and a step of its own over the catalogue (parts of different size are concatenated in a
//! vector): `v ≈ middle + scale · (code − 128)`. A query is multiplied by the scales, so that its weights and the sizes of
//! the parts meet, and then written in whole numbers of fifteen bits. So a coarse score is a sum of integers: the same on
//! every machine, and within [`Prepared::max_error`] of the exact one.

use crate::kernel::Whole;

/// What a code of zero is stored as.
pub(crate) const ZERO: u8 = 128;
/// Largest whole number of a query.
const MOST: f64 = 16_256.0;
/// Largest sum of a query's whole numbers: 255 times it, and a rounding of each, fits in 32 bits.
const MOST_SUM: f64 = 8_400_000.0;
/// More dimensions than this are not coded: the roundings would no longer fit.
pub(crate) const MOST_DIMS: usize = 4096;

/// Bytes from one row's codes to the next.
pub(crate) const fn stride_of(dims: usize) -> usize {
    dims.next_multiple_of(16)
}

/// A query made ready for coarse scores.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    pub(crate) whole: Whole,
    weights: Vec<f32>,
    /// Score of one unit of a sum.
    pub(crate) step: f32,
    base: f32,
    offset: i32,
    max_error: f32,
}

impl Prepared {
    /// How far a coarse score may be from the exact one, in either direction.
    ///
    /// Codes are off by half a step at most, which a query multiplies: `Σ |q_d| scale_d / 2`. To it come the rounding of the
    /// query to whole numbers and the roundings of both sums. So a row whose coarse score is more than twice the bound
    /// below that of `k` others is not among the best `k`.
    #[must_use]
    pub const fn max_error(&self) -> f32 {
        self.max_error
    }

    /// The coarse score of a sum.
    #[inline]
    pub(crate) fn score(&self, sum: i32) -> f32 {
        self.base + self.step * sum.wrapping_sub(self.offset) as f32
    }

    /// Takes a query of as many numbers as there are scales and middles; false if it cannot be told in whole numbers,
    /// being zero, tiny, or not finite.
    pub(crate) fn set(&mut self, query: &[f32], scales: &[[u8; 4]], middles: &[[u8; 4]]) -> bool {
        let (mut base, mut most, mut sum, mut absolute) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
        self.weights.clear();
        for (q, (scale, middle)) in query.iter().zip(scales.iter().zip(middles)) {
            let (scale, middle) = (f32::from_le_bytes(*scale), f32::from_le_bytes(*middle));
            let weight = q * scale;
            self.weights.push(weight);
            most = most.max(f64::from(weight.abs()));
            sum += f64::from(weight.abs());
            base += f64::from(*q) * f64::from(middle);
            absolute += f64::from(q.abs()) * (f64::from(middle.abs()) + 128.0 * f64::from(scale.abs()));
        }
        // `most` does not see NaN; the sums do.
        let usable = most > 1e-30 && absolute.is_finite() && absolute < 1e37 && sum.is_finite();
        let step = if usable { (most / MOST).max(sum / MOST_SUM) } else { 1.0 };
        let whole = |weight: &f32| (f64::from(*weight) / step).round().clamp(-MOST, MOST) as i16;
        let zeros = stride_of(self.weights.len()) - self.weights.len();
        self.whole.set(self.weights.iter().map(whole).chain(std::iter::repeat_n(0, zeros)));
        self.step = step as f32;
        self.base = base as f32;
        self.offset = i32::from(ZERO) * self.whole.wide.iter().map(|number| i32::from(*number)).sum::<i32>();
        let dims = self.weights.len() as f64;
        let rounding = absolute * (dims / 16.0 + 8.0) * f64::from(f32::EPSILON);
        self.max_error = ((sum * 0.5 + step * 0.5 * 127.0 * dims + rounding) * 1.001) as f32;
        usable
    }
}

/// How the numbers of each dimension are told in a byte.
#[derive(Debug, Clone)]
pub(crate) struct Coder {
    pub(crate) scales: Vec<f32>,
    pub(crate) middles: Vec<f32>,
}

impl Coder {
    /// Fits the range of each dimension over rows of finite numbers.
    pub(crate) fn fit(vectors: &[half::f16], dims: usize) -> Self {
        let mut least = vec![f32::INFINITY; dims];
        let mut most = vec![f32::NEG_INFINITY; dims];
        for vector in vectors.chunks_exact(dims) {
            for (number, (least, most)) in vector.iter().zip(least.iter_mut().zip(&mut most)) {
                let number = number.to_f32();
                *least = least.min(number);
                *most = most.max(number);
            }
        }
        let ranges =
            least.iter().zip(&most).map(|(least, most)| if least <= most { (*least, *most) } else { (0.0, 0.0) });
        let (scales, middles) = ranges.map(|(least, most)| ((most - least) / 254.0, (least + most) / 2.0)).unzip();
        Self { scales, middles }
    }

    /// The code of a number in a dimension; one out of range takes the nearest.
    #[inline]
    pub(crate) fn code(&self, dimension: usize, number: f32) -> u8 {
        let scale = self.scales[dimension];
        if scale <= 0.0 {
            return ZERO;
        }
        (((number - self.middles[dimension]) / scale).round().clamp(-127.0, 127.0) + f32::from(ZERO)) as u8
    }

    /// Writes the codes of one row and zeros up to the stride.
    pub(crate) fn write(&self, vector: impl Iterator<Item = f32>, codes: &mut [u8]) {
        codes.fill(ZERO);
        for (dimension, (number, code)) in vector.zip(codes).enumerate() {
            *code = self.code(dimension, number);
        }
    }
}

#[cfg(test)]
mod tests {
    use half::f16;
    use proptest::prelude::*;

    use super::*;
    use crate::dot_f16;
    use crate::kernel::{From, Level, codes};

    fn bytes(numbers: &[f32]) -> Vec<[u8; 4]> {
        numbers.iter().map(|number| number.to_le_bytes()).collect()
    }

    proptest! {
        #[test]
        fn a_coarse_score_is_within_the_bound(
            (dims, vectors, query) in (1_usize..300, 1_usize..12).prop_flat_map(|(dims, rows)| (
                Just(dims),
                prop::collection::vec(-1.0_f32..1.0, dims * rows),
                prop::collection::vec(-1.0_f32..1.0, dims),
            )),
            shift in -9.0_f32..9.0,
            size in prop::sample::select(vec![1e-4_f32, 1.0, 1e3]),
        ) {
            // Dimensions of different size and place.
            let grown = |at: usize, x: f32| f16::from_f32(x * size * (1 + at % dims % 7) as f32 + shift * (at % 3) as f32);
            let vectors: Vec<f16> = vectors.iter().enumerate().map(|(at, x)| grown(at, *x)).collect();
            let coder = Coder::fit(&vectors, dims);
            let stride = stride_of(dims);
            let mut all = vec![0; vectors.len() / dims * stride];
            for (vector, codes) in vectors.chunks(dims).zip(all.chunks_mut(stride)) {
                coder.write(vector.iter().map(|x| x.to_f32()), codes);
            }
            let mut prepared = Prepared::default();
            if !prepared.set(&query, &bytes(&coder.scales), &bytes(&coder.middles)) {
                return Ok(());
            }
            let mut sums = vec![0; vectors.len() / dims];
            codes(Level::best(), &prepared.whole, &all, stride, From(0), &mut sums);
            for (vector, sum) in vectors.chunks(dims).zip(sums) {
                let error = (dot_f16(&query, vector) - prepared.score(sum)).abs();
                prop_assert!(error <= prepared.max_error(), "{error} of {}", prepared.max_error());
            }
        }

        #[test]
        fn whole_numbers_never_overflow(query in prop::collection::vec(-1.0_f32..1.0, 1..2000), one: bool) {
            let query: Vec<f32> = query.iter().map(|x| if one { x.signum() } else { *x }).collect();
            let ones = bytes(&vec![1.0; query.len()]);
            let mut prepared = Prepared::default();
            prop_assert!(prepared.set(&query, &ones, &ones));
            let sum: i64 = prepared.whole.wide.iter().map(|x| i64::from(*x).abs()).sum();
            prop_assert!(sum * 255 < i64::from(i32::MAX));
        }
    }

    #[test]
    fn queries_without_a_size_are_not_told_in_whole_numbers() {
        let ones = bytes(&[1.0; 2]);
        for query in [[0.0, 0.0], [1e-38, 0.0], [f32::NAN, 1.0], [f32::INFINITY, 1.0], [3e38, 3e38]] {
            assert!(!Prepared::default().set(&query, &ones, &ones), "{query:?}");
        }
    }
}
