//! The dense weights of the encoder as one slice, and where each matrix lies in it.
//!
//! One slice makes the optimiser, the sum over threads, the artifact's section and a borrowed view the same simple thing.
//! The order is that of [`Layout::ranges`]; matrices are row-major, applied from the right (`y = x W`).
//!
//! | name | shape | what |
//! |---|---|---|
//! | `positions` | [`LENGTH`] x d | place in the window, counted forward |
//! | `kinds` | [`KINDS`] x d | kind of action, see [`kind_of`](super::kind_of) |
//! | `gaps` | [`GAPS`] x d | time since the action before, see [`gap_bucket`] |
//! | `distances` | [`LENGTH`] | added to the attention by distance in steps |
//! | `attention_norm` | 2 x d | scale and shift of the layer norm before attention |
//! | `query_key_value` | d x 3d | the three projections side by side |
//! | `attention_out` | d x d | |
//! | `forward_norm` | 2 x d | before the feed-forward layer |
//! | `inner` | d x f | followed by ReLU |
//! | `inner_shift` | f | |
//! | `outer` | f x d | |
//! | `outer_shift` | d | |
//! | `final_norm` | 2 x d | |
//! | `content` | c x d | maps a content vector into the space of the products |

use std::ops::Range;

use vitrine_domain::Action;

use crate::dataset::mix;

/// Most actions that the encoder looks back on.
pub const LENGTH: usize = 50;

/// Kinds of action: all but dwells, which nothing is learned from.
pub const KINDS: usize = Action::Dwell as usize;

/// Buckets of the time between two actions.
pub const GAPS: usize = 16;

/// The bucket of a gap in days: 0 for under a minute or so, then one more for each factor of about 2.6 up to two years.
#[must_use]
pub fn gap_bucket(days: f32) -> u8 {
    // 1,440 minutes a day; NaN and what is negative count as no time.
    let minutes = (days * 1440.0).max(0.0);
    ((1.0 + minutes).ln() * (15.0 / 14.0)).min((GAPS - 1) as f32) as u8
}

/// The shapes of one encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Layout {
    /// Dimensions of a product's vector and of every layer.
    pub dims: usize,
    /// Width of the feed-forward layer.
    pub inner: usize,
    /// Dimensions of a content vector; zero without content.
    pub content_dims: usize,
}

/// Where each matrix lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ranges {
    pub(super) positions: Range<usize>,
    pub(super) kinds: Range<usize>,
    pub(super) gaps: Range<usize>,
    pub(super) distances: Range<usize>,
    pub(super) attention_norm: Range<usize>,
    pub(super) query_key_value: Range<usize>,
    pub(super) attention_out: Range<usize>,
    pub(super) forward_norm: Range<usize>,
    pub(super) inner: Range<usize>,
    pub(super) inner_shift: Range<usize>,
    pub(super) outer: Range<usize>,
    pub(super) outer_shift: Range<usize>,
    pub(super) final_norm: Range<usize>,
    pub(super) content: Range<usize>,
}

impl Layout {
    pub(super) fn ranges(&self) -> Ranges {
        let (d, f) = (self.dims, self.inner);
        let mut end = 0;
        let mut next = |size: usize| {
            end += size;
            end - size..end
        };
        Ranges {
            positions: next(LENGTH * d),
            kinds: next(KINDS * d),
            gaps: next(GAPS * d),
            distances: next(LENGTH),
            attention_norm: next(2 * d),
            query_key_value: next(3 * d * d),
            attention_out: next(d * d),
            forward_norm: next(2 * d),
            inner: next(d * f),
            inner_shift: next(f),
            outer: next(f * d),
            outer_shift: next(d),
            final_norm: next(2 * d),
            content: next(self.content_dims * d),
        }
    }

    /// How many numbers the dense weights are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges().content.end
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Weights to start from: layer norms do nothing, matrices are normal with deviation `1 / sqrt(rows)`, what is added to
    /// a product's vector starts at zero so that products speak first.
    pub(super) fn start(&self, seed: u64) -> Vec<f32> {
        let ranges = self.ranges();
        let mut weights = vec![0.0; self.len()];
        let d = self.dims;
        for norm in [&ranges.attention_norm, &ranges.forward_norm, &ranges.final_norm] {
            weights[norm.start..norm.start + d].fill(1.0);
        }
        let matrices =
            [(&ranges.query_key_value, d), (&ranges.attention_out, d), (&ranges.inner, d), (&ranges.outer, self.inner)];
        for (range, rows) in matrices {
            normal(&mut weights[range.clone()], 1.0 / (rows as f32).sqrt(), seed ^ mix(range.start as u64));
        }
        if self.content_dims > 0 {
            let scale = 0.1 / (self.content_dims as f32).sqrt();
            normal(&mut weights[ranges.content.clone()], scale, seed ^ mix(ranges.content.start as u64));
        }
        weights
    }
}

/// Fills a slice with about normal numbers, a function of seed and place alone: the sum of four uniform ones.
pub(super) fn normal(values: &mut [f32], deviation: f32, seed: u64) {
    // Each of four 16-bit parts has variance 2^32 / 12.
    let scale = deviation / (65_536.0 * (4.0_f32 / 12.0).sqrt());
    for (place, value) in (0_u64..).zip(values) {
        let bits = mix(seed ^ mix(place));
        let parts = (0..4).map(|part| ((bits >> (16 * part)) & 0xffff) as f32).sum::<f32>();
        *value = (parts - 131_070.0) * scale;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_rise_and_end() {
        let buckets: Vec<u8> =
            [f32::NAN, -1.0, 0.0, 1.0 / 1440.0, 1.0 / 24.0, 1.0, 7.0, 30.0, 365.0, 1e9].map(gap_bucket).to_vec();
        assert_eq!(buckets, [0, 0, 0, 0, 4, 7, 9, 11, 14, 15]);
    }

    #[test]
    fn starts_are_about_normal() {
        let mut values = vec![0.0; 20_000];
        normal(&mut values, 0.5, 3);
        let mean = values.iter().sum::<f32>() / 20_000.0;
        let variance = values.iter().map(|x| x * x).sum::<f32>() / 20_000.0;
        assert!(mean.abs() < 0.01 && (variance.sqrt() - 0.5).abs() < 0.01, "{mean} {variance}");
    }
}
