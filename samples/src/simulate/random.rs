//! Random numbers for generated data: small, seeded, and the same on every machine.
//!
//! SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014). Only integer arithmetic,
//! multiplication and square roots are used on the results, which IEEE 754 defines to the bit.

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Random {
    /// The stream of one thing: the seed and the numbers that name the thing. Streams do not depend on one another, so
    /// the order in which things are generated cannot matter.
    pub(crate) fn of(seed: u64, name: &[u64]) -> Self {
        let state = name.iter().fold(mix(seed ^ STEP), |state, part| mix(state.wrapping_add(STEP) ^ mix(*part)));
        Self(state)
    }

    /// 64 random bits.
    pub(crate) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// From 0 (included) to 1 (excluded).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the numbers below `n`; 0 if there are none.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// One of the numbers from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as usize) as i64
    }

    /// How often in a row a coin shows heads, at most `most` times.
    pub(crate) fn run(&mut self, probability: f64, most: usize) -> usize {
        (0..most).take_while(|_| self.chance(probability)).count()
    }

    /// An index, each with the weight by which the sums rise at it; 0 if there are none.
    pub(crate) fn by_weight(&mut self, sums: &[f64]) -> usize {
        let target = self.unit() * sums.last().copied().unwrap_or(0.0);
        sums.partition_point(|sum| *sum <= target).min(sums.len().saturating_sub(1))
    }
}

/// Running sums of weights, for [`Random::by_weight`].
pub(crate) fn sums(weights: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let rise = |sum: &mut f64, weight: f64| {
        *sum += weight;
        Some(*sum)
    };
    weights.into_iter().scan(0.0, rise).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_repeatable_and_apart() {
        let draw = |seed, name: &[u64]| Random::of(seed, name).bits();
        assert_eq!(draw(1, &[2, 3]), draw(1, &[2, 3]));
        let all = [draw(1, &[2, 3]), draw(1, &[3, 2]), draw(2, &[2, 3]), draw(1, &[2]), draw(1, &[])];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn draws_follow_their_weights() {
        let mut random = Random::of(7, &[]);
        let sums = sums([1.0, 0.0, 3.0]);
        let mut counts = [0_usize; 3];
        for _ in 0..40_000 {
            counts[random.by_weight(&sums)] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((counts[2] as f64 / 40_000.0 - 0.75).abs() < 0.01, "{counts:?}");
        let mean = (0..40_000).map(|_| random.between(2, 5)).sum::<i64>() as f64 / 40_000.0;
        assert!((mean - 3.5).abs() < 0.03, "{mean}");
        assert!((0..1_000).all(|_| random.below(3) < 3));
    }
}
