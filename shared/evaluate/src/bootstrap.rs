//! Confidence intervals by the Poisson bootstrap.
//!
//! A resample of `n` people with replacement takes each person a number of times that is Binomial(n, 1/n), for all but the
//! smallest `n` the same as Poisson(1); drawing those numbers independently (Hanley and MacGibbon 2006; Chamandy et al.
//! 2012, *Estimating uncertainty for massive data streams*) needs no second pass and no memory. The mean of a resample is
//! the weighted mean of its cases. The interval is the percentile interval: the 2.5 % and 97.5 % quantiles of the means.
//!
//! Cases of one person or session are drawn together (a cluster bootstrap), all models of a run share the draws, and every
//! draw is a hash of seed, resample and cluster: the same figures give the same intervals, for any number of threads.

use vitrine_learn::parallel;

/// Resamples that one pass over the cases serves.
const CHUNK: usize = 20;
/// Outside the interval, on each side.
const TAIL: f64 = 0.025;

/// `P(X ≤ k)` for X ~ Poisson(1), in 2^-32, for k = 0, 1, ...: beyond the last step a draw is one in 10^9.
const STEPS: [u32; 12] = {
    let mut steps = [0; 12];
    let (mut term, mut sum, mut k) = (0.367_879_441_171_442_33_f64, 0.0, 0);
    while k < steps.len() {
        sum += term;
        steps[k] = (sum * 4_294_967_296.0) as u32;
        k += 1;
        term /= k as f64;
    }
    steps
};

/// Spreads every bit of a number over all 64 (the finaliser of splitmix64).
const fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// How often a resample takes a cluster.
fn draw(start: u64, cluster: u32) -> u32 {
    let uniform = (mix(start ^ u64::from(cluster)) >> 32) as u32;
    STEPS.iter().map(|step| u32::from(uniform >= *step)).sum()
}

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    /// How many resamples.
    pub resamples: usize,
    /// Starts the draws.
    pub seed: u64,
    /// Threads to use.
    pub threads: usize,
}

impl Bootstrap {
    /// The 95 % interval of the mean of each column. `values` has a row of `columns` numbers for each case, `clusters`
    /// the cluster of each case. Without cases, or if there is one cluster only, the interval is the mean itself.
    #[must_use]
    pub fn intervals(&self, values: &[f32], columns: usize, clusters: &[u32]) -> Vec<(f64, f64)> {
        let rows: Vec<&[f32]> = values.chunks_exact(columns.max(1)).collect();
        if self.resamples == 0 || clusters.windows(2).all(|pair| pair[0] == pair[1]) {
            return means(values, columns).into_iter().map(|mean| (mean, mean)).collect();
        }
        // Most cases score nothing at all: they only weigh.
        let silent: Vec<bool> = rows.iter().map(|row| row.iter().all(|value| *value == 0.0)).collect();
        let pieces = parallel::chunks(
            self.resamples,
            CHUNK,
            self.threads,
            &mut |_| (),
            || (),
            |(), range| {
                let starts: Vec<u64> =
                    range.map(|resample| mix(mix(self.seed).wrapping_add(resample as u64))).collect();
                self.resample(&rows, &silent, columns, clusters, &starts)
            },
        );
        let resamples: Vec<Vec<f64>> = pieces.into_iter().flatten().collect();
        (0..columns)
            .map(|column| {
                let mut means: Vec<f64> = resamples.iter().map(|resample| resample[column]).collect();
                means.sort_unstable_by(f64::total_cmp);
                (quantile(&means, TAIL), quantile(&means, 1.0 - TAIL))
            })
            .collect()
    }

    /// The column means of some resamples, in one pass.
    fn resample(
        &self,
        rows: &[&[f32]],
        silent: &[bool],
        columns: usize,
        clusters: &[u32],
        starts: &[u64],
    ) -> Vec<Vec<f64>> {
        let mut sums = vec![vec![0.0_f64; columns]; starts.len()];
        let mut weights = vec![0_u64; starts.len()];
        for ((row, silent), cluster) in rows.iter().zip(silent).zip(clusters) {
            for ((start, sums), total) in starts.iter().zip(&mut sums).zip(&mut weights) {
                let weight = draw(*start, *cluster);
                *total += u64::from(weight);
                if weight > 0 && !silent {
                    sums.iter_mut().zip(*row).for_each(|(sum, value)| *sum += f64::from(weight) * f64::from(*value));
                }
            }
        }
        for (sums, weight) in sums.iter_mut().zip(weights) {
            sums.iter_mut().for_each(|sum| *sum /= weight.max(1) as f64);
        }
        sums
    }
}

/// The mean of each column.
#[must_use]
pub fn means(values: &[f32], columns: usize) -> Vec<f64> {
    let rows = values.chunks_exact(columns.max(1));
    let cases = rows.len().max(1) as f64;
    let mut sums = vec![0.0; columns];
    rows.for_each(|row| sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value)));
    sums.iter_mut().for_each(|sum| *sum /= cases);
    sums
}

/// A quantile of sorted numbers, interpolated.
fn quantile(sorted: &[f64], at: f64) -> f64 {
    let place = at * sorted.len().saturating_sub(1) as f64;
    let value = |place: f64| sorted.get(place as usize).copied().unwrap_or_default();
    let (below, above) = (value(place.floor()), value(place.ceil()));
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Bootstrap = Bootstrap { resamples: 400, seed: 7, threads: 1 };

    /// A coin for each of `n` cases.
    fn coins(n: u32, probability: f64, seed: u64) -> Vec<f32> {
        let unit = |i: u32| (mix(mix(seed) ^ u64::from(i)) >> 11) as f64 / (1_u64 << 53) as f64;
        (0..n).map(|i| if unit(i) < probability { 1.0 } else { 0.0 }).collect()
    }

    #[test]
    fn draws_are_poisson() {
        let n = 200_000;
        let mut counts = [0_u32; 16];
        (0..n).for_each(|cluster| counts[draw(mix(3), cluster) as usize] += 1);
        let mut probability = (-1.0_f64).exp();
        for (k, count) in counts.iter().enumerate().take(6) {
            let expected = f64::from(n) * probability;
            assert!((f64::from(*count) - expected).abs() < 5.0 * expected.sqrt(), "{k}: {count} of {expected}");
            probability /= (k + 1) as f64;
        }
    }

    #[test]
    fn an_interval_covers_the_truth_as_often_as_it_says() {
        let trials = 200;
        let covered = (0..trials)
            .filter(|trial| {
                let values = coins(150, 0.2, *trial);
                let clusters: Vec<u32> = (0..150).collect();
                let fast = Bootstrap { seed: *trial, resamples: 200, ..PLAIN };
                let (low, high) = fast.intervals(&values, 1, &clusters)[0];
                low <= 0.2 && 0.2 <= high
            })
            .count();
        // 95 % of 200 is 190, with a standard deviation of 3; the percentile interval is known to be a little narrow.
        assert!((178..=199).contains(&covered), "{covered} of {trials}");
    }

    #[test]
    fn cases_of_one_person_are_one_piece_of_evidence() {
        let once = coins(200, 0.3, 1);
        let tenfold: Vec<f32> = once.iter().flat_map(|value| [*value; 10]).collect();
        let people: Vec<u32> = (0..200).collect();
        let cases: Vec<u32> = people.iter().flat_map(|person| [*person; 10]).collect();
        assert_eq!(PLAIN.intervals(&once, 1, &people), PLAIN.intervals(&tenfold, 1, &cases));
        let apart: Vec<u32> = (0..2_000).collect();
        let width = |(low, high): (f64, f64)| high - low;
        let (clustered, independent) =
            (PLAIN.intervals(&tenfold, 1, &cases)[0], PLAIN.intervals(&tenfold, 1, &apart)[0]);
        // The width goes with the root of the number of independent cases.
        assert!((width(clustered) / width(independent) - 10.0_f64.sqrt()).abs() < 0.8);
    }

    #[test]
    fn intervals_depend_on_the_seed_and_on_nothing_else() {
        let values = [coins(90, 0.3, 1), coins(90, 0.1, 2)].concat();
        let clusters: Vec<u32> = (0..90).collect();
        let one = PLAIN.intervals(&values, 2, &clusters);
        for threads in [2, 5] {
            assert_eq!(Bootstrap { threads, ..PLAIN }.intervals(&values, 2, &clusters), one);
        }
        assert_ne!(Bootstrap { seed: 8, ..PLAIN }.intervals(&values, 2, &clusters), one);
        for ((low, high), mean) in one.into_iter().zip(means(&values, 2)) {
            assert!(low < mean && mean < high);
        }
    }

    #[test]
    fn little_evidence_gives_the_mean() {
        assert_eq!(PLAIN.intervals(&[1.0, 0.0], 1, &[4, 4]), [(0.5, 0.5)]);
        assert_eq!(PLAIN.intervals(&[], 2, &[]), [(0.0, 0.0), (0.0, 0.0)]);
        assert_eq!(Bootstrap { resamples: 0, ..PLAIN }.intervals(&[1.0, 0.0], 1, &[0, 1]), [(0.5, 0.5)]);
    }

    #[test]
    fn quantiles_are_interpolated() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile(&[1.0], 0.025), 1.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }
}
