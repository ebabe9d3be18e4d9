//! k-means, and how many groups there are.

use super::Table;

/// Most steps of a grouping.
const STEPS: usize = 40;
/// Groupings from other beginnings, of which the tightest stays.
const BEGINNINGS: u64 = 4;
/// Pairs of halves that are compared.
const PAIRS: u64 = 6;

/// The same for the same number.
const fn mix(mut x: u64) -> u64 {
    // SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[allow(clippy::cast_precision_loss, reason = "53 bits")]
fn uniform(x: u64) -> f64 {
    (mix(x) >> 11) as f64 / (1_u64 << 53) as f64
}

fn far(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The nearest center of a point, and how far it is, squared.
fn nearest(point: &[f64], centers: &[Vec<f64>]) -> (usize, f64) {
    let all = centers.iter().enumerate().map(|(at, center)| (at, far(point, center)));
    all.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
}

/// Centers that are far from each other: each is drawn by its squared distance from those before.
fn begin(points: &[&[f64]], count: usize, seed: u64) -> Vec<Vec<f64>> {
    #[allow(clippy::cast_possible_truncation, reason = "a place in memory")]
    let first = (mix(seed) % points.len() as u64) as usize;
    let mut centers = vec![points[first].to_vec()];
    let mut distances: Vec<f64> = points.iter().map(|point| far(point, &centers[0])).collect();
    while centers.len() < count {
        let mut left = uniform(seed ^ (centers.len() as u64) << 32) * distances.iter().sum::<f64>();
        let drawn = distances.iter().position(|distance| {
            left -= distance;
            left < 0.0
        });
        let center = points[drawn.unwrap_or(0)].to_vec();
        distances.iter_mut().zip(points).for_each(|(d, point)| *d = d.min(far(point, &center)));
        centers.push(center);
    }
    centers
}

/// Groups of points: their centers.
fn group(points: &[&[f64]], count: usize, seed: u64) -> Vec<Vec<f64>> {
    let width = points.first().map_or(0, |point| point.len());
    let attempt = |seed: u64| {
        let mut centers = begin(points, count, seed);
        let mut spread = f64::INFINITY;
        for _ in 0..STEPS {
            let mut sums = vec![(vec![0.0; width], 0.0_f64); count];
            let mut now = 0.0;
            for point in points {
                let (at, distance) = nearest(point, &centers);
                now += distance;
                sums[at].1 += 1.0;
                sums[at].0.iter_mut().zip(*point).for_each(|(sum, x)| *sum += x);
            }
            for (center, (sum, of)) in centers.iter_mut().zip(&sums).filter(|(_, (_, of))| *of > 0.0) {
                center.iter_mut().zip(sum).for_each(|(x, sum)| *x = sum / of);
            }
            if now >= spread * (1.0 - 1e-6) {
                break;
            }
            spread = now;
        }
        (spread, centers)
    };
    let attempts = (0..BEGINNINGS).map(|n| attempt(mix(seed.wrapping_add(n))));
    attempts.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, centers)| centers).unwrap_or_default()
}

/// How alike two divisions of the same things are: 1 for the same, about 0 for two that have nothing to do with each other.
pub(super) fn adjusted_rand(a: &[usize], b: &[usize]) -> f64 {
    let most = |of: &[usize]| of.iter().max().map_or(0, |most| most + 1);
    let mut counts = vec![vec![0.0_f64; most(b)]; most(a)];
    a.iter().zip(b).for_each(|(a, b)| counts[*a][*b] += 1.0);
    let pairs = |n: f64| n * (n - 1.0) / 2.0;
    let together: f64 = counts.iter().flatten().map(|n| pairs(*n)).sum();
    let of_a: f64 = counts.iter().map(|row| pairs(row.iter().sum())).sum();
    let of_b: f64 = (0..most(b)).map(|at| pairs(counts.iter().map(|row| row[at]).sum())).sum();
    #[allow(clippy::cast_precision_loss, reason = "counts of visitors")]
    let all = pairs(a.len() as f64);
    let chance = of_a * of_b / all.max(1.0);
    let highest = (of_a + of_b) / 2.0;
    if highest - chance == 0.0 { 1.0 } else { (together - chance) / (highest - chance) }
}

/// How alike halves of the points divide all of them into so many groups.
fn stability(points: &[&[f64]], count: usize) -> f64 {
    let divided = |half: &[&[f64]], seed: u64| -> Vec<usize> {
        let centers = group(half, count, seed);
        points.iter().map(|point| nearest(point, &centers).0).collect()
    };
    let pair = |n: u64| {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (at, point) in points.iter().enumerate() {
            if mix(n << 40 ^ at as u64) & 1 == 0 { left.push(*point) } else { right.push(*point) }
        }
        adjusted_rand(&divided(&left, 2 * n + 1), &divided(&right, 2 * n + 2))
    };
    #[allow(clippy::cast_precision_loss, reason = "a few pairs")]
    let mean = (0..PAIRS).map(pair).sum::<f64>() / PAIRS as f64;
    mean
}

/// Points that stability is measured on.
const JUDGED: usize = 3_000;

/// How much nearer points are to their own center than to the next one: the silhouette (Rousseeuw 1987) by centers, -1 to 1.
fn silhouette(points: &[&[f64]], centers: &[Vec<f64>]) -> f64 {
    let of = |point: &&[f64]| {
        let (mut own, mut next) = (f64::INFINITY, f64::INFINITY);
        for distance in centers.iter().map(|center| far(point, center).sqrt()) {
            if distance < own {
                (own, next) = (distance, own);
            } else {
                next = next.min(distance);
            }
        }
        if next > 0.0 { (next - own) / next } else { 0.0 }
    };
    #[allow(clippy::cast_precision_loss, reason = "counts of visitors")]
    let mean = points.iter().map(of).sum::<f64>() / points.len().max(1) as f64;
    mean
}

/// Points in groups.
pub(super) struct Chosen {
    /// The stability of each number of groups from two.
    pub(super) stability: Vec<f64>,
    /// Whether the number that was taken is stable.
    pub(super) stable: bool,
    /// The group of each point.
    pub(super) groups: Vec<usize>,
}

/// Of the stable numbers of groups the one is taken whose groups lie apart most clearly; where none is stable, the most stable one.
pub(super) fn choose(table: &Table, most: usize, stable: f64) -> Chosen {
    let points: Vec<&[f64]> = table.rows().collect();
    let step = points.len().div_ceil(JUDGED).max(1);
    let judged: Vec<&[f64]> = points.iter().copied().step_by(step).collect();
    let found: Vec<f64> = (2..=most).map(|count| stability(&judged, count)).collect();
    let clear = |at: &usize| silhouette(&judged, &group(&judged, at + 2, 1));
    let best = (0..found.len()).filter(|at| found[*at] >= stable).map(|at| (at, clear(&at)));
    let best = best.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at);
    let is_stable = best.is_some();
    let best = best.or_else(|| (0..found.len()).max_by(|a, b| found[*a].total_cmp(&found[*b]))).unwrap_or(0);
    let centers = group(&points, best + 2, 1);
    let groups = points.iter().map(|point| nearest(point, &centers).0).collect();
    Chosen { stability: found, stable: is_stable, groups }
}
