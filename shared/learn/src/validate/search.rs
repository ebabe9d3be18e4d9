//! Choosing the weights of the blend: a small, deterministic search for the largest NDCG@20.
//!
//! Parts have units of their own, so scores are first divided by how much they vary among the candidates of a case; a weight of
//! one means the same for each. The weights move one after the other over a fixed grid, until a round changes nothing (coordinate ascent); then by
//! smaller and smaller factors around where they stand. A weight moves only for a gain that is worth it, so a part that a
//! shop has no data for keeps its default. Each case's candidates are the best of every part, as in serving; the score
//! of a candidate is a sum, so trying a value costs one multiplication a candidate.

use super::figures::{AT, ndcg};
use super::scores::{Judge, Scores};
use super::{CHUNK, Case, Past};
use crate::artifact::Artifact;
use crate::blend::{Part, Question};
use crate::dataset::Dataset;
use crate::parallel;
use crate::popularity::{POPULARITY, best};

/// The values tried for a weight.
const GRID: [f32; 14] = [0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0];
/// Then: factors around the value found.
const FACTORS: [f32; 4] = [0.75, 0.87, 1.15, 1.33];
/// What popularity counts at least: something has to decide where nothing else does.
const LEAST_PRIOR: f32 = 0.003;
/// The gain in NDCG that a change must bring.
const WORTH: f64 = 1e-4;
/// Rounds over all weights, by grid and by factors.
const ROUNDS: usize = 5;
/// Candidates that each part names.
const CANDIDATES: usize = 100;

/// The weights of all parts for one question.
pub(crate) type Chosen = Vec<f32>;

/// One case's candidates: scores by part, and which of them are the truth.
#[derive(Clone)]
struct Slate {
    scores: Vec<Vec<f32>>,
    /// Places of the truths among the candidates; a truth that no part names is missing.
    truth: Vec<usize>,
    truths: usize,
}

/// Chooses the weights for a question. `report` hears how many cases are done. Without cases they are as they were.
pub(crate) fn choose(
    data: &Dataset<'_>,
    artifact: &Artifact,
    question: Question,
    cases: &[Case],
    threads: usize,
    report: &mut dyn FnMut(usize),
) -> Chosen {
    let judge = Judge::new(artifact);
    let cases: Vec<&Case> = cases.iter().filter(|case| case.question == question).collect();
    let slates = parallel::chunks(
        cases.len(),
        CHUNK,
        threads,
        report,
        || judge.scores(),
        |scores, range| {
            let slate = |case: &&Case| {
                let past = Past::of(data, case);
                scores.fill(&past.history, past.visitor);
                slate(scores, artifact, past.hidden(question), case)
            };
            cases[range].iter().map(slate).collect::<Vec<_>>()
        },
    );
    let mut slates: Vec<Slate> = slates.into_iter().flatten().collect();
    choose_weights(&mut slates, artifact.parts(), question, threads)
}

/// The candidates of one case.
fn slate(scores: &Scores<'_>, artifact: &Artifact, hidden: &[u32], case: &Case) -> Slate {
    let shown = |row: &u32| hidden.binary_search(row).is_err();
    let mut rows: Vec<u32> = artifact.popular().iter().copied().filter(shown).take(CANDIDATES).collect();
    for (at, part) in artifact.parts().iter().enumerate() {
        let scored = scores.part(at);
        if !part.has_vectors() {
            rows.extend(best(scored, scores.touched(at).iter().copied().filter(shown), CANDIDATES));
        } else if part.range.len() > 1 {
            rows.extend(best(scored, (0..artifact.len() as u32).filter(shown), CANDIDATES));
        }
    }
    rows.sort_unstable();
    rows.dedup();
    let of_part = |part: usize| rows.iter().map(|row| scores.part(part)[*row as usize]).collect();
    Slate {
        scores: (0..artifact.parts().len()).map(of_part).collect(),
        truth: case.truth.iter().filter_map(|row| rows.binary_search(row).ok()).collect(),
        truths: case.truth.len(),
    }
}

/// NDCG@20 of one case, ties against the truth.
fn slate_ndcg(scores: &[f32], truth: &[usize], truths: usize) -> f64 {
    let rank = |at: &usize| scores.iter().map(|s| u32::from(*s >= scores[*at])).sum::<u32>() as usize;
    ndcg(truth.iter().map(rank), truths, AT)
}

/// For each value, mean NDCG@20 when one weight takes it.
fn along(slates: &[Slate], weights: &[f32], part: usize, values: &[f32], threads: usize) -> Vec<f64> {
    let pieces = parallel::chunks(
        slates.len(),
        CHUNK * 8,
        threads,
        &mut |_| (),
        || (Vec::new(), Vec::new()),
        |(rest, totals), range| {
            let mut sums = vec![0.0; values.len()];
            for slate in slates[range].iter().filter(|slate| !slate.truth.is_empty()) {
                rest.clear();
                rest.resize(slate.scores[0].len(), 0.0_f32);
                for (other, weight) in weights.iter().enumerate().filter(|(other, w)| *other != part && **w != 0.0) {
                    rest.iter_mut().zip(&slate.scores[other]).for_each(|(sum, score)| *sum += weight * score);
                }
                for (sum, value) in sums.iter_mut().zip(values) {
                    totals.clear();
                    totals.extend(rest.iter().zip(&slate.scores[part]).map(|(sum, score)| sum + value * score));
                    *sum += slate_ndcg(totals, &slate.truth, slate.truths);
                }
            }
            sums
        },
    );
    let cases = slates.len().max(1) as f64;
    (0..values.len()).map(|at| pieces.iter().map(|sums| sums[at]).sum::<f64>() / cases).collect()
}

/// Scales weights so that the largest is one, which changes no ranking but keeps scores and grid in range. Parts without
/// any score are left as they are, and popularity keeps its least weight.
fn scale(weights: &mut [f32], scored: &[bool], popularity: Option<usize>) {
    let largest = weights.iter().zip(scored).filter(|(_, scored)| **scored).map(|(w, _)| *w).fold(0.0, f32::max);
    if largest > 0.0 {
        weights.iter_mut().zip(scored).filter(|(_, scored)| **scored).for_each(|(weight, _)| *weight /= largest);
    }
    if let Some(weight) = popularity.and_then(|at| weights.get_mut(at)) {
        *weight = weight.max(LEAST_PRIOR);
    }
}

/// How much a part's scores vary within a case: the root of the mean variance. Zero if they are all the same.
fn spread(slates: &[Slate], part: usize) -> f32 {
    let variance = |scores: &[f32]| {
        let n = scores.len().max(1) as f64;
        let mean = scores.iter().map(|s| f64::from(*s)).sum::<f64>() / n;
        scores.iter().map(|s| (f64::from(*s) - mean).powi(2)).sum::<f64>() / n
    };
    let sum: f64 = slates.iter().map(|slate| variance(&slate.scores[part])).sum();
    (sum / slates.len().max(1) as f64).sqrt() as f32
}

fn choose_weights(slates: &mut [Slate], parts: &[Part], question: Question, threads: usize) -> Chosen {
    let start: Vec<f32> = parts.iter().map(|part| part.weight(question)).collect();
    if slates.is_empty() {
        return start;
    }
    let spreads: Vec<f32> = (0..parts.len()).map(|part| spread(slates, part)).collect();
    let scored: Vec<bool> = spreads.iter().map(|spread| *spread > 0.0).collect();
    for slate in &mut *slates {
        for (scores, spread) in slate.scores.iter_mut().zip(&spreads).filter(|(_, spread)| **spread > 0.0) {
            scores.iter_mut().for_each(|score| *score /= spread);
        }
    }
    let in_spreads = |weights: &[f32], invert: bool| -> Vec<f32> {
        let factor = |spread: f32| if invert { 1.0 / spread } else { spread };
        weights.iter().zip(&spreads).map(|(w, spread)| if *spread > 0.0 { w * factor(*spread) } else { *w }).collect()
    };
    let popularity = parts.iter().position(|part| part.name == POPULARITY).filter(|at| scored[*at]);
    let mut weights = in_spreads(&start, false);
    climb(slates, &mut weights, &scored, popularity, threads);
    in_spreads(&weights, true)
}

/// Coordinate ascent over weights, by grid and then by factors.
fn climb(slates: &[Slate], weights: &mut Vec<f32>, scored: &[bool], popularity: Option<usize>, threads: usize) {
    let mut fine = false;
    for _ in 0..ROUNDS * 2 {
        let before = weights.clone();
        for part in (0..weights.len()).filter(|part| scored[*part]) {
            let least = if Some(part) == popularity { LEAST_PRIOR } else { 0.0 };
            let own = weights[part];
            let mut values = vec![own];
            if fine {
                values.extend(FACTORS.map(|factor| (own * factor).max(least)));
            } else {
                values.extend(GRID.map(|value| value.max(least)));
            }
            let quality = along(slates, weights, part, &values, threads);
            let mut chosen = 0;
            for (at, ndcg) in quality.iter().enumerate() {
                let least = quality[chosen] + if chosen == 0 { WORTH } else { 0.0 };
                chosen = if *ndcg > least { at } else { chosen };
            }
            weights[part] = values[chosen];
        }
        scale(weights, scored, popularity);
        if *weights == before {
            if fine {
                break;
            }
            fine = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::Curve;
    use crate::dataset::mix;

    const PARTS: [&str; 7] = ["factors", "content", POPULARITY, "one", "two", "three", "four"];

    fn parts() -> Vec<Part> {
        PARTS.map(|name| Part { name: name.to_owned(), range: 0..0, curve: Curve::Root, new: 0.5, any: 0.3 }).to_vec()
    }

    fn noise(i: u64) -> f32 {
        (mix(i) >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// Slates in which one part knows the truth, one knows a little, the others only make noise.
    fn slates(knows: usize, hints: usize) -> Vec<Slate> {
        let slate = |person: u64| {
            let of_part = |part: usize| {
                let score = |at: u64| {
                    let noise = noise(person * 1_000_000 + part as u64 * 10_000 + at);
                    let truth = at == 7;
                    match part {
                        _ if part == knows => noise + if truth { 0.6 } else { 0.0 },
                        _ if part == hints => noise + if truth { 0.2 } else { 0.0 },
                        _ => noise,
                    }
                };
                (0..200).map(score).collect()
            };
            Slate { scores: (0..PARTS.len()).map(of_part).collect(), truth: vec![7], truths: 1 }
        };
        (0..300).map(slate).collect()
    }

    #[test]
    fn parts_that_know_win_and_parts_that_only_make_noise_lose() {
        for (knows, hints) in [(0, 4), (3, 2), (6, 1)] {
            let mut slates = slates(knows, hints);
            let weights = choose_weights(&mut slates.clone(), &parts(), Question::New, 1);
            assert_eq!(weights, choose_weights(&mut slates.clone(), &parts(), Question::New, 2));
            for part in 0..PARTS.len() {
                let ratio = weights[part] / weights[knows];
                let most = if part == hints { 1.0 } else { 0.3 };
                assert!(part == knows || ratio <= most, "{part} {weights:?}");
            }
            assert!(weights[hints] > 0.0, "{weights:?}");
            let quality = |weights: &[f32]| along(&slates, weights, 0, &[weights[0]], 1)[0];
            assert!(quality(&weights) > quality(&[0.5; 7]) + 0.05);
            // In whatever units a part scores, it counts the same.
            slates.iter_mut().for_each(|slate| slate.scores[hints].iter_mut().for_each(|score| *score *= 64.0));
            let scaled = choose_weights(&mut slates, &parts(), Question::New, 1);
            assert!((scaled[hints] * 64.0 / scaled[knows] - weights[hints] / weights[knows]).abs() < 0.3, "{scaled:?}");
        }
    }

    #[test]
    fn a_part_without_scores_keeps_its_weight_and_popularity_never_vanishes() {
        let mut slates = slates(0, 3);
        for slate in &mut slates {
            slate.scores[5].fill(0.0);
        }
        let weights = choose_weights(&mut slates, &parts(), Question::Any, 1);
        assert_eq!(weights[5], 0.3, "{weights:?}");
        assert!(weights[2] >= LEAST_PRIOR);
        assert_eq!(choose_weights(&mut [], &parts(), Question::Any, 1), [0.3; 7]);
    }

    proptest::proptest! {
        #[test]
        fn the_quick_figure_of_a_tally_is_that_of_full_ranking(
            sums in proptest::collection::vec(0.0_f32..1.0, 30),
            truth in proptest::collection::btree_set(0_u32..30, 1..4),
            met in proptest::collection::btree_set(0_u32..30, 0..6),
        ) {
            use crate::validate::figures::ranks;
            let truth: Vec<u32> = truth.difference(&met).copied().collect();
            let met: Vec<u32> = met.into_iter().collect();
            let full = ndcg(ranks(&sums, &met, &truth).into_iter(), truth.len(), AT);
            let candidates: Vec<u32> = (0..30).filter(|row| !met.contains(row)).collect();
            let scores: Vec<f32> = candidates.iter().map(|row| sums[*row as usize]).collect();
            let places: Vec<usize> = truth.iter().map(|row| candidates.iter().position(|c| c == row).unwrap()).collect();
            let quick = slate_ndcg(&scores, &places, truth.len());
            proptest::prop_assert!((full - quick).abs() < 1e-9, "{full} {quick}");
        }
    }
}
