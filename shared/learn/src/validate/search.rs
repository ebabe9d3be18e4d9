//! Choosing the weights of the blend: a small, deterministic search for the largest NDCG@20.
//!
//! First the decay of voices, by the lists alone. Then the weights, one after the other over a fixed grid, until a round
//! changes nothing (coordinate ascent). A weight moves only for a gain that is worth it, so a part that a shop has no data
//! for keeps its default. Each person's candidates are the best of every part, as in serving; the score of a candidate is
//! a sum, so trying a value costs one multiplication a candidate.

use super::figures::{AT, ndcg};
use super::parts::{PARTS, POPULARITY, Scores, VECTORS};
use super::{CHUNK, Case, Past};
use crate::artifact::Artifact;
use crate::blend::Blend;
use crate::covisitation::Pair;
use crate::dataset::Dataset;
use crate::parallel;
use crate::popularity::best;
use crate::tally::Tally;

/// The values tried for a weight.
const GRID: [f32; 14] = [0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0];
/// The values tried for the decay.
const DECAYS: [f32; 5] = [0.5, 0.6, 0.7, 0.9, 0.97];
/// What popularity counts at least: something has to decide where nothing else does.
const LEAST_PRIOR: f32 = 0.01;
/// The gain in NDCG that a change must bring.
const WORTH: f64 = 1e-4;
/// Rounds over all weights.
const ROUNDS: usize = 5;
/// Candidates that each part names.
const CANDIDATES: usize = 100;

/// One person's candidates: scores by part, and which of them are the truth.
struct Slate {
    scores: [Vec<f32>; PARTS.len()],
    /// Places of the truths among the candidates; a truth that no part names is missing.
    truth: Vec<usize>,
    truths: usize,
}

/// Chooses decay and weights, starting from `start`. `report` hears how many cases are done.
pub(crate) fn choose(
    data: &Dataset<'_>,
    artifact: &Artifact,
    start: Blend,
    cases: &[Case],
    threads: usize,
    report: &mut dyn FnMut(usize),
) -> Blend {
    let blend = choose_decay(data, artifact, start, cases, threads);
    let slates = parallel::chunks(
        cases.len(),
        CHUNK,
        threads,
        report,
        || Scores::new(artifact.len()),
        |scores, range| {
            let slate = |case| {
                let past = Past::of(data, case);
                scores.fill(artifact, &blend, &past);
                slate(scores, artifact.popular(), &past, case)
            };
            cases[range].iter().map(slate).collect::<Vec<_>>()
        },
    );
    let slates: Vec<Slate> = slates.into_iter().flatten().collect();
    choose_weights(&slates, blend, threads)
}

/// The candidates of one person.
fn slate(scores: &Scores, popular: &[u32], past: &Past, case: &Case) -> Slate {
    let is_new = |row: &u32| past.met.binary_search(row).is_err();
    let products = scores.part(0).len() as u32;
    let mut rows: Vec<u32> = popular.iter().copied().filter(is_new).take(CANDIDATES).collect();
    for part in [0, 1] {
        rows.extend(best(scores.part(part), (0..products).filter(is_new), CANDIDATES));
    }
    for part in VECTORS..PARTS.len() {
        rows.extend(best(scores.part(part), scores.touched(part).iter().copied().filter(is_new), CANDIDATES));
    }
    rows.sort_unstable();
    rows.dedup();
    Slate {
        scores: std::array::from_fn(|part| rows.iter().map(|row| scores.part(part)[*row as usize]).collect()),
        truth: case.truth.iter().filter_map(|row| rows.binary_search(row).ok()).collect(),
        truths: case.truth.len(),
    }
}

/// NDCG@20 of one person, ties against the truth.
fn slate_ndcg(scores: &[f32], truth: &[usize], truths: usize) -> f64 {
    let rank = |at: &usize| scores.iter().map(|s| u32::from(*s >= scores[*at])).sum::<u32>() as usize;
    ndcg(truth.iter().map(rank), truths, AT)
}

/// Mean NDCG@20 by the lists alone, for a decay.
fn lists_ndcg(data: &Dataset<'_>, artifact: &Artifact, blend: &Blend, cases: &[Case], threads: usize) -> f64 {
    let sums = parallel::chunks(
        cases.len(),
        CHUNK,
        threads,
        &mut |_| (),
        || (Tally::new(artifact.len()), Tally::new(artifact.len())),
        |(one, all), range| {
            let mut sum = 0.0;
            for case in &cases[range] {
                let past = Past::of(data, case);
                for pair in Pair::ALL {
                    artifact.tally(pair, past.evidence(pair, blend), one);
                    one.rows().iter().for_each(|row| all.add(*row, blend.pair(pair) * one.sum(*row).sqrt()));
                    one.clear();
                }
                sum += tally_ndcg(all, &past.met, case);
                all.clear();
            }
            sum
        },
    );
    sums.iter().sum::<f64>() / cases.len().max(1) as f64
}

/// NDCG@20 of one person by a tally: what has no sum is not recommended.
fn tally_ndcg(tally: &Tally, met: &[u32], case: &Case) -> f64 {
    let named = case.truth.iter().map(|row| tally.sum(*row)).filter(|own| *own > 0.0);
    let rank = |own: f32| {
        let not_worse = tally.rows().iter().filter(|row| tally.sum(**row) >= own).count();
        not_worse - met.iter().filter(|row| tally.sum(**row) >= own).count()
    };
    ndcg(named.map(rank), case.truth.len(), AT)
}

fn choose_decay(data: &Dataset<'_>, artifact: &Artifact, start: Blend, cases: &[Case], threads: usize) -> Blend {
    let quality = |blend: &Blend| lists_ndcg(data, artifact, blend, cases, threads);
    let mut chosen = (quality(&start), start);
    for decay in DECAYS {
        let blend = Blend { decay, ..start };
        let ndcg = quality(&blend);
        if ndcg > chosen.0 + WORTH {
            chosen = (ndcg, blend);
        }
    }
    chosen.1
}

/// For each value of the grid, mean NDCG@20 when one weight takes it.
fn along(slates: &[Slate], weights: &[f32; PARTS.len()], part: usize, values: &[f32], threads: usize) -> Vec<f64> {
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
                for (other, weight) in weights.iter().enumerate().filter(|(other, _)| *other != part) {
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
    let people = slates.len().max(1) as f64;
    (0..values.len()).map(|at| pieces.iter().map(|sums| sums[at]).sum::<f64>() / people).collect()
}

/// Scales weights so that the largest is one, which changes no ranking but keeps scores and grid in range. Parts without
/// any score are left as they are, and popularity keeps its least weight.
fn scale(weights: &mut [f32; PARTS.len()], scored: &[bool; PARTS.len()]) {
    let largest = weights.iter().zip(scored).filter(|(_, scored)| **scored).map(|(w, _)| *w).fold(0.0, f32::max);
    if largest > 0.0 {
        weights.iter_mut().zip(scored).filter(|(_, scored)| **scored).for_each(|(weight, _)| *weight /= largest);
    }
    weights[POPULARITY] = weights[POPULARITY].max(LEAST_PRIOR);
}

fn choose_weights(slates: &[Slate], start: Blend, threads: usize) -> Blend {
    let scored = std::array::from_fn(|part| slates.iter().any(|s| s.scores[part].iter().any(|score| *score != 0.0)));
    let mut weights = start.by_part();
    for _ in 0..ROUNDS {
        let before = weights;
        for part in 0..PARTS.len() {
            let mut values = vec![weights[part]];
            values.extend(GRID.map(|value| if part == POPULARITY { value.max(LEAST_PRIOR) } else { value }));
            let quality = along(slates, &weights, part, &values, threads);
            let mut chosen = 0;
            for (at, ndcg) in quality.iter().enumerate() {
                let least = quality[chosen] + if chosen == 0 { WORTH } else { 0.0 };
                chosen = if *ndcg > least { at } else { chosen };
            }
            weights[part] = values[chosen];
        }
        scale(&mut weights, &scored);
        if weights == before {
            break;
        }
    }
    start.with_parts(&weights)
}

#[cfg(test)]
mod tests {
    use vitrine_domain::Action;

    use super::*;
    use crate::dataset::mix;
    use crate::dataset::tests::{letters, person};
    use crate::{Settings, train};

    fn noise(i: u64) -> f32 {
        (mix(i) >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// Slates in which one part knows the truth, one knows a little, the others only make noise.
    fn slates(knows: usize, hints: usize) -> Vec<Slate> {
        (0..300)
            .map(|person| Slate {
                scores: std::array::from_fn(|part| {
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
                }),
                truth: vec![7],
                truths: 1,
            })
            .collect()
    }

    #[test]
    fn parts_that_know_win_and_parts_that_only_make_noise_lose() {
        for (knows, hints) in [(0, 4), (3, 2), (6, 1)] {
            let slates = slates(knows, hints);
            let start = Blend::default();
            let chosen = choose_weights(&slates, start, 1);
            assert_eq!(chosen, choose_weights(&slates, start, 2));
            let weights = chosen.by_part();
            for part in 0..PARTS.len() {
                let ratio = weights[part] / weights[knows];
                let most = if part == hints { 1.0 } else { 0.25 };
                assert!(part == knows || ratio <= most, "{part} {weights:?}");
            }
            assert!(weights[hints] > 0.0, "{weights:?}");
            let quality = |blend: &Blend| along(&slates, &blend.by_part(), 0, &[blend.factors], 1)[0];
            assert!(quality(&chosen) > quality(&start) + 0.05);
        }
    }

    #[test]
    fn a_part_without_scores_keeps_its_weight_and_popularity_never_vanishes() {
        let mut slates = slates(0, 3);
        for slate in &mut slates {
            slate.scores[5].fill(0.0);
        }
        let chosen = choose_weights(&slates, Blend::default(), 1);
        assert_eq!(chosen.order_together, Blend::default().order_together);
        assert_eq!(chosen.factors, 1.0, "the strongest part");
        assert!(chosen.prior >= LEAST_PRIOR);
    }
    /// 24 products in a row; people walk along it, some steps apart.
    fn walkers() -> Vec<(vitrine_domain::Visitor, Vec<vitrine_domain::Event>)> {
        let person = |number: u64| {
            let mut place = mix(number) % 24;
            let walk: Vec<String> = (0..5)
                .map(|step| {
                    place = (place + 1 + mix(number * 10 + step) % 2) % 24;
                    char::from(b'a' + place as u8).to_string()
                })
                .collect();
            let lines: Vec<[&str; 1]> = walk.iter().map(|name| [name.as_str()]).collect();
            let events: Vec<(i64, Action, &[&str])> =
                (0..).zip(&lines).map(|(hour, lines)| (hour, Action::View, &lines[..])).collect();
            person(&format!("p{number}"), &events)
        };
        (0..200).map(person).collect()
    }

    #[test]
    fn the_quick_figure_of_the_lists_is_that_of_full_ranking() {
        let (products, people) = (letters(24), walkers());
        let data = Dataset::new(&products, &people, &Default::default()).unwrap();
        let cases = super::super::hold_out(&data, usize::MAX);
        let cut = data.cut(&cases.iter().map(|case| (case.person, case.kept)).collect::<Vec<_>>());
        let (bytes, _) = train(&cut, &Settings::default(), &mut |_, _, _| ()).unwrap();
        let artifact = Artifact::from_bytes(bytes).unwrap();
        let lists = Blend { factors: 0.0, content: 0.0, prior: 0.0, ..Blend::default() };
        let mut figures = Vec::new();
        for decay in [0.3, 0.97] {
            let blend = Blend { decay, ..lists };
            let full = super::super::judge(&data, &artifact, &blend, &cases, 1, &mut |_| ())["blend"];
            let quick = lists_ndcg(&data, &artifact, &blend, &cases, 2);
            assert!((full.ndcg20 - quick).abs() < 1e-9, "{} {quick}", full.ndcg20);
            figures.push(quick);
        }
        // Where somebody stands says where they go; where they came from says little.
        assert!(figures[0] > figures[1] + 0.02, "{figures:?}");
        let chosen = choose_decay(&data, &artifact, Blend { decay: 0.97, ..lists }, &cases, 1);
        assert!(chosen.decay <= 0.7, "{chosen:?}");
    }
}
