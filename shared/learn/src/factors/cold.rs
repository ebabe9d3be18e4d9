//! Tastes of products that nobody, or hardly anybody, has met: read from their content.
//!
//! A linear map `W` from content vectors to factors is fitted by ridge regression on the products that have been met, each
//! weighing `n / (n + 20)` for the `n` people who met it. A product's factors become `(n e + k W c) / (n + k)`: its own for
//! one that many have met, what its text suggests for a new one, and one formula for everything between. The guesses
//! `W c` are scaled so that they are as long as the factors of products met by 1 to 5 people: regression shrinks towards
//! zero, and a dot product never shows what is too short.

use crate::linear::{add_outer, add_scaled, dot, factorise, substitute};

/// What a long map costs, relative to the mean weight of a content dimension.
const RIDGE: f32 = 0.1;
/// How many people count as half certain.
const HALF_CERTAIN: f32 = 20.0;

fn certainty(people: u32) -> f32 {
    people as f32 / (people as f32 + HALF_CERTAIN)
}

/// The map from content to factors: for each factor a vector of content weights.
fn map(factors: &[f32], d: usize, content: &[f32], c: usize, people: &[u32]) -> Option<Vec<f32>> {
    let mut normal = vec![0.0; c * c];
    let mut right = vec![0.0; c * d];
    for ((e, v), n) in factors.chunks_exact(d).zip(content.chunks_exact(c)).zip(people) {
        let weight = certainty(*n);
        if weight > 0.0 {
            add_outer(&mut normal, weight, v);
            for (factor, sums) in e.iter().zip(right.chunks_exact_mut(c)) {
                add_scaled(sums, weight * factor, v);
            }
        }
    }
    let trace: f32 = (0..c).map(|i| normal[i * c + i]).sum();
    for i in 0..c {
        normal[i * c + i] += RIDGE * trace / c as f32;
    }
    if !factorise(&mut normal, c) {
        return None;
    }
    right.chunks_exact_mut(c).for_each(|weights| substitute(&normal, weights));
    Some(right)
}

/// Root mean square length of the rows of which `pick` holds; none if there are none.
fn length(rows: &[f32], d: usize, people: &[u32], pick: impl Fn(u32) -> bool) -> Option<f32> {
    let squares: Vec<f32> =
        rows.chunks_exact(d).zip(people).filter(|(_, n)| pick(**n)).map(|(row, _)| dot(row, row)).collect();
    let mean = squares.iter().sum::<f32>() / squares.len() as f32;
    (!squares.is_empty() && mean > 0.0).then(|| mean.sqrt())
}

/// Shrinks the factors of every product toward what its content suggests; `k` is how many people's interest the
/// suggestion is worth.
pub(crate) fn warm(factors: &mut [f32], d: usize, content: &[f32], c: usize, people: &[u32], k: f32) {
    if k <= 0.0 {
        return;
    }
    let Some(map) = map(factors, d, content, c, people) else { return };
    let mut guesses = vec![0.0; factors.len()];
    for (guess, v) in guesses.chunks_exact_mut(d).zip(content.chunks_exact(c)) {
        guess.iter_mut().zip(map.chunks_exact(c)).for_each(|(x, weights)| *x = dot(weights, v));
    }
    let few = |n: u32| (1..=5).contains(&n);
    let scale = match (length(factors, d, people, few), length(&guesses, d, people, few)) {
        (Some(own), Some(guessed)) => own / guessed,
        _ => 1.0,
    };
    for ((e, guess), n) in factors.chunks_exact_mut(d).zip(guesses.chunks_exact(d)).zip(people) {
        let n = *n as f32;
        for (x, g) in e.iter_mut().zip(guess) {
            *x = (n * *x + k * scale * g) / (n + k);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::mix;

    fn noise(i: u64) -> f32 {
        (mix(i) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    #[test]
    fn a_planted_map_is_found_and_new_products_get_what_it_says() {
        let (c, d, n) = (6, 3, 400);
        let planted: Vec<f32> = (0..(c * d) as u64).map(noise).collect();
        let content: Vec<f32> = (0..(n * c) as u64).map(|i| noise(1_000 + i)).collect();
        let truth: Vec<f32> = content
            .chunks_exact(c)
            .flat_map(|v| planted.chunks_exact(c).map(|w| dot(w, v)).collect::<Vec<_>>())
            .collect();
        // The last fifty products have never been met, the ten before by three people.
        let people: Vec<u32> = (0..n)
            .map(|i| {
                if i < 340 {
                    1_000
                } else if i < 350 {
                    3
                } else {
                    0
                }
            })
            .collect();
        let mut factors = truth.clone();
        factors[350 * d..].fill(0.0);
        warm(&mut factors, d, &content, c, &people, 5.0);
        let error = |range: std::ops::Range<usize>| {
            let pairs = factors[range.clone()].iter().zip(&truth[range]);
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        assert!(error(0..340 * d) < 0.01, "{}", error(0..340 * d));
        assert!(error(350 * d..n * d) < 0.2, "{}", error(350 * d..n * d));
    }

    #[test]
    fn without_content_the_unknown_stay_at_zero() {
        let mut factors = [1.0, 2.0, 0.0, 0.0];
        warm(&mut factors, 2, &[0.0; 6], 3, &[1_000_000, 0], 5.0);
        assert_eq!(factors[2..], [0.0, 0.0]);
        assert!((factors[0] - 1.0).abs() < 1e-4);
    }
}
