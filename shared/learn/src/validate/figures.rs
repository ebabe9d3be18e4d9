//! Hit rate and NDCG from ranks.

use serde::{Deserialize, Serialize};

/// How many first places the search for weights looks at, and the longer of the two lists that figures are given for.
pub(super) const AT: usize = 20;
/// The shorter list.
const SHORT: usize = 10;

/// Means over people.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Share of people with at least one truth among the first 10.
    #[serde(rename = "hr@10")]
    pub hr10: f64,
    /// Normalised discounted cumulative gain of the first 10, the ideal over all truths.
    #[serde(rename = "ndcg@10")]
    pub ndcg10: f64,
    /// Share of people with at least one truth among the first 20.
    #[serde(rename = "hr@20")]
    pub hr20: f64,
    /// Normalised discounted cumulative gain of the first 20, the ideal over all truths.
    #[serde(rename = "ndcg@20")]
    pub ndcg20: f64,
    /// How many people.
    pub people: usize,
}

/// NDCG of the first `most` places for one person: a hit at a rank, from one, gains `1 / log2(rank + 1)`.
pub(super) fn ndcg(ranks: impl Iterator<Item = usize>, truths: usize, most: usize) -> f64 {
    let gain = |rank: usize| if rank > most { 0.0 } else { 1.0 / (rank as f64 + 1.0).log2() };
    let ideal: f64 = (1..=truths.min(most)).map(gain).sum();
    if ideal > 0.0 { ranks.map(gain).sum::<f64>() / ideal } else { 0.0 }
}

impl Figures {
    fn numbers(&mut self) -> [&mut f64; 4] {
        [&mut self.hr10, &mut self.ndcg10, &mut self.hr20, &mut self.ndcg20]
    }

    /// Adds one person, given the ranks of all truths.
    pub(super) fn add(&mut self, ranks: &[usize]) {
        let hit = |most: usize| if ranks.iter().any(|rank| *rank <= most) { 1.0 } else { 0.0 };
        let gain = |most: usize| ndcg(ranks.iter().copied(), ranks.len(), most);
        let one = [hit(SHORT), gain(SHORT), hit(AT), gain(AT)];
        self.numbers().into_iter().zip(one).for_each(|(sum, x)| *sum += x);
        self.people += 1;
    }

    pub(super) fn merge(&mut self, mut other: Self) {
        self.numbers().into_iter().zip(other.numbers()).for_each(|(sum, x)| *sum += *x);
        self.people += other.people;
    }

    /// From sums to means.
    pub(super) fn mean(mut self) -> Self {
        let people = self.people.max(1) as f64;
        self.numbers().into_iter().for_each(|sum| *sum /= people);
        self
    }
}

/// The rank of each truth among all rows but those already met; rows that score the same count as better. `met` and
/// `truth` are ascending and have nothing in common.
pub(super) fn ranks(scores: &[f32], met: &[u32], truth: &[u32]) -> Vec<usize> {
    let score = |row: &u32| scores.get(*row as usize).copied().unwrap_or(f32::MIN);
    truth
        .iter()
        .map(|row| {
            let own = score(row);
            // The truth itself is among those that are not worse: the count is its rank.
            let not_worse = scores.iter().map(|s| u32::from(*s >= own)).sum::<u32>() as usize;
            not_worse - met.iter().filter(|row| score(row) >= own).count()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_skip_what_was_met_and_ties_stand_in_front() {
        let scores = [0.9, 0.5, 0.5, 0.7, 0.1];
        assert_eq!(ranks(&scores, &[], &[0, 1, 4]), [1, 4, 5]);
        assert_eq!(ranks(&scores, &[0, 2], &[1, 3, 4]), [2, 1, 3]);
    }

    #[test]
    fn figures_are_their_definitions() {
        let mut sum = Figures::default();
        sum.add(&[1]);
        sum.add(&[3, 21]);
        sum.add(&[40]);
        let mean = sum.mean();
        assert!((mean.hr20 - 2.0 / 3.0).abs() < 1e-12 && (mean.hr10 - 2.0 / 3.0).abs() < 1e-12);
        // The truth at place 3 gains 1 / log2(4); two truths could have stood at places 1 and 2.
        let second = 0.5 / (1.0 + 1.0 / 3.0_f64.log2());
        assert!((mean.ndcg20 - (1.0 + second) / 3.0).abs() < 1e-12);
        let mut far = Figures::default();
        far.add(&[11]);
        assert_eq!((far.hr10, far.ndcg10, far.hr20), (0.0, 0.0, 1.0));
        assert!((far.ndcg20 - 1.0 / 12.0_f64.log2()).abs() < 1e-12);
        assert_eq!(Figures::default().mean(), Figures::default());
    }
}
