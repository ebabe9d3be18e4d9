//! Random numbers that follow from a seed (splitmix64).

use crate::statistics::Moments;

pub(super) struct Draws(u64);

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    /// At least 0, below 1.
    pub(super) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Failures before the first success, each success with a probability below 1: as many draws as there are successes say
    /// the same as one for each try.
    pub(super) fn failures(&mut self, probability: f64) -> u64 {
        ((1.0 - self.unit()).ln() / (-probability).ln_1p()) as u64
    }

    /// Successes among so many tries.
    pub(super) fn successes(&mut self, tries: u64, probability: f64) -> u64 {
        let (mut at, mut count) = (self.failures(probability), 0);
        while at < tries {
            count += 1;
            at += 1 + self.failures(probability);
        }
        count
    }

    /// Standard normal (Box and Muller).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (2.0 * std::f64::consts::PI * self.unit()).cos()
    }
}

/// Visitors of a shop: revenue as the measure, orders as the companion.
#[derive(Clone, Copy)]
pub(super) struct Shop {
    /// Probability of an order.
    pub(super) conversion: f64,
    /// What order values are multiplied by; their logarithm is normal with mean 3.5 and deviation .8.
    pub(super) value: f64,
}

impl Shop {
    pub(super) const USUAL: Self = Self { conversion: 0.05, value: 1.0 };

    pub(super) fn visitors(self, count: usize, draws: &mut Draws) -> Moments {
        let customers = draws.successes(count as u64, self.conversion);
        let mut moments = Moments::of_counts(count as u64 - customers, 0);
        for _ in 0..customers {
            // Some order twice, so that a ratio is not a mean over orders of independent visitors.
            let orders = 1 + usize::from(draws.chance(0.2));
            let value: f64 = (0..orders).map(|_| self.value * (3.5 + 0.8 * draws.normal()).exp()).sum();
            moments.add(value, orders as f64);
        }
        moments
    }

    pub(super) fn mean_value(self) -> f64 {
        self.value * (3.5_f64 + 0.32).exp()
    }
}
