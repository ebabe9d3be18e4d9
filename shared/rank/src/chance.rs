//! Chance that can be drawn again: every number follows from a seed and a slot, so a decision can be replayed and its
//! probabilities computed once more.

/// Random numbers of one slot: splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The numbers of a slot of a list.
    pub(crate) fn of_slot(seed: u64, slot: usize) -> Self {
        Self(seed ^ (slot as u64 + 1).wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// At least 0, below 1.
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of `count`, the best one but for a share of the draws, in which all are equally likely; and how likely it was.
    pub(crate) fn share(&mut self, share: f32, count: usize, best: usize) -> (usize, f32) {
        let share = f64::from(share.clamp(0.0, 1.0));
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let any = if self.unit() < share { Some(((self.unit() * count as f64) as usize).min(count - 1)) } else { None };
        let drawn = any.unwrap_or(best);
        let sure = if drawn == best { 1.0 - share } else { 0.0 };
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "few candidates")]
        let propensity = (sure + share / count as f64) as f32;
        (drawn, propensity)
    }

    /// One of several values, each as likely as `exp(value / temperature)` says; and how likely it was.
    pub(crate) fn softmax(&mut self, values: &[f32], temperature: f32, best: usize) -> (usize, f32) {
        let top = values.get(best).copied().unwrap_or_default();
        let temperature = f64::from(temperature.max(1e-4));
        let weights: Vec<f64> = values.iter().map(|value| (f64::from(value - top) / temperature).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mut left = self.unit() * total;
        let drawn = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        let drawn = drawn.unwrap_or(best);
        #[allow(clippy::cast_possible_truncation, reason = "a probability")]
        let propensity = (weights.get(drawn).copied().unwrap_or_default() / total) as f32;
        (drawn, propensity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each of the candidates is drawn over many seeds, and what was said of each.
    fn frequencies(count: usize, draw: impl Fn(&mut Chance) -> (usize, f32)) -> Vec<(f64, f32)> {
        const DRAWS: u64 = 200_000;
        let mut drawn = vec![(0.0, 0.0); count];
        for seed in 0..DRAWS {
            let (one, propensity) = draw(&mut Chance::of_slot(seed.wrapping_mul(0x9e37), 3));
            drawn[one].0 += 1.0 / DRAWS as f64;
            drawn[one].1 = propensity;
        }
        drawn
    }

    #[test]
    fn things_happen_as_often_as_their_propensity_says() {
        let values = [0.2, 1.0, 0.9, 0.0];
        let by_share = frequencies(4, |chance| chance.share(0.2, 4, 1));
        let by_softmax = frequencies(4, |chance| chance.softmax(&values, 0.3, 1));
        for drawn in [by_share, by_softmax] {
            let total: f32 = drawn.iter().map(|(_, propensity)| propensity).sum();
            assert!((total - 1.0).abs() < 1e-5, "{drawn:?}");
            for (frequency, propensity) in drawn {
                // Four standard deviations of a frequency over 200,000 draws.
                assert!((frequency - f64::from(propensity)).abs() < 0.0045, "{frequency} {propensity}");
            }
        }
    }

    #[test]
    fn slots_of_one_seed_and_seeds_of_one_slot_differ() {
        let first = |seed, slot| Chance::of_slot(seed, slot).next();
        let mut numbers: Vec<u64> = (0..50).flat_map(|seed| (0..50).map(move |slot| first(seed, slot))).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 2_500);
        assert_eq!(first(7, 7), first(7, 7));
    }
}
