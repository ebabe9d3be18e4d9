//! Figures of one ranking, by full ranking over all candidates.
//!
//! With `r_1 < r_2 < ...` the ranks (from one) of the `t` relevant products and `k` a length of list:
//!
//! * **HR@k** (hit rate, P@k in papers on sessions): 1 if `r_1 ≤ k`, else 0;
//! * **recall@k**: relevant products with `r_i ≤ k`, of `t`;
//! * **NDCG@k** (Järvelin and Kekäläinen 2002): `Σ_{r_i ≤ k} 1/log2(r_i + 1)` over the same sum for ranks `1..t`, the
//!   ideal over all relevant products, as published for next baskets; so where `t > k` even a perfect list has less than 1;
//! * **MRR@k**: `1/r_1` if `r_1 ≤ k`, else 0.
//!
//! **Ties count against the truth**: the rank of a relevant product is the number of candidates that do not score less,
//! itself included. A model that scores everything the same stands last, whatever the order of the rows. A score that is
//! no number counts as better than the truth, and a relevant product without a finite score stands last.
//!
//! **Shown** are by the same rule the products that stand among the first `k` however ties are broken: those that score
//! more than the product at place `k + 1`.

/// A rank behind every list: of a relevant product that is no candidate.
pub const NEVER: u32 = u32::MAX;

/// The figures of each list length, in the order in which [`figures`] writes them.
pub const KINDS: [&str; 4] = ["hr", "recall", "ndcg", "mrr"];

/// The rank of each truth among the candidates, ascending. `scores` are those of all rows, `excluded` (ascending) are no
/// candidates.
#[must_use]
pub fn ranks(scores: &[f32], excluded: &[u32], truth: &[u32]) -> Vec<u32> {
    let rank = |row: &u32| {
        let own = scores.get(*row as usize).copied().filter(|own| own.is_finite());
        let Some(own) = own.filter(|_| excluded.binary_search(row).is_err()) else { return NEVER };
        // Not less: what is no number compares with nothing, and so counts as better.
        let less = scores.iter().map(|score| u32::from(*score < own)).sum::<u32>();
        let less_excluded = excluded.iter().filter(|row| scores.get(**row as usize).is_some_and(|s| *s < own)).count();
        let excluded = excluded.iter().filter(|row| (**row as usize) < scores.len()).count();
        (scores.len() - excluded) as u32 - (less - less_excluded as u32)
    };
    let mut ranks: Vec<u32> = truth.iter().map(rank).collect();
    ranks.sort_unstable();
    ranks
}

/// Writes the figures of one case, given its ascending ranks: for each list length those of [`KINDS`].
pub fn figures(ranks: &[u32], cuts: &[usize], out: &mut [f32]) {
    let gain = |rank: u32| 1.0 / (f64::from(rank) + 1.0).log2();
    for (k, out) in cuts.iter().zip(out.chunks_exact_mut(KINDS.len())) {
        let hits = ranks.partition_point(|rank| *rank as usize <= *k);
        let ideal: f64 = (1..=ranks.len() as u32).map(gain).sum();
        let gained: f64 = ranks[..hits].iter().copied().map(gain).sum();
        let values = [
            if hits > 0 { 1.0 } else { 0.0 },
            hits as f64 / ranks.len().max(1) as f64,
            if ideal > 0.0 { gained / ideal } else { 0.0 },
            if hits > 0 { 1.0 / f64::from(ranks[0]) } else { 0.0 },
        ];
        out.iter_mut().zip(values).for_each(|(out, value)| *out = value as f32);
    }
}

/// Scores looked at together: most blocks hold nothing better than what is already kept.
const BLOCK: usize = 64;

/// The rows shown in a list of `k`, best first.
#[must_use]
pub fn shown(scores: &[f32], excluded: &[u32], k: usize) -> Vec<u32> {
    // The best k + 1, best first; the last of them is the bar.
    let mut best: Vec<(f32, u32)> = Vec::with_capacity(k + 2);
    let mut bar = f32::NEG_INFINITY;
    for (block, start) in scores.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
        let highest = block.iter().fold(f32::NEG_INFINITY, |high, score| if *score > high { *score } else { high });
        if highest <= bar {
            continue;
        }
        for (score, row) in block.iter().zip(start..) {
            if *score > bar && excluded.binary_search(&row).is_err() {
                let place = best.partition_point(|(kept, _)| kept >= score);
                best.insert(place, (*score, row));
                best.truncate(k + 1);
                bar = best.get(k).map_or(bar, |(last, _)| *last);
            }
        }
    }
    best.into_iter().filter(|(score, _)| *score > bar).take(k).map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: f32, b: f64) -> bool {
        (f64::from(a) - b).abs() < 1e-6
    }

    #[test]
    fn ranks_count_what_is_not_worse() {
        let scores = [0.9, 0.5, 0.5, 0.7, 0.1];
        assert_eq!(ranks(&scores, &[], &[0, 1, 4]), [1, 4, 5]);
        assert_eq!(ranks(&scores, &[0, 2], &[1, 3, 4]), [1, 2, 3]);
        assert_eq!(ranks(&[0.0; 7], &[], &[3]), [7], "a model that says nothing stands last");
        assert_eq!(ranks(&scores, &[1], &[1, 9]), [NEVER, NEVER], "no candidates");
    }

    #[test]
    fn a_score_that_is_no_number_never_helps_the_truth() {
        assert_eq!(ranks(&[f32::NAN, 0.5, 0.1], &[], &[1]), [2]);
        assert_eq!(ranks(&[f32::NAN, 0.5, 0.1], &[], &[0]), [NEVER]);
    }

    #[test]
    fn figures_are_their_definitions() {
        let mut out = [0.0; 8];
        // Three relevant products at places 2, 5 and 30; lists of 5 and 2.
        figures(&[2, 5, 30], &[5, 2], &mut out);
        let log = |x: f64| x.log2();
        let ideal = 1.0 + 1.0 / log(3.0) + 0.5;
        assert!(close(out[0], 1.0) && close(out[1], 2.0 / 3.0));
        assert!(close(out[2], (1.0 / log(3.0) + 1.0 / log(6.0)) / ideal) && close(out[3], 0.5));
        assert!(close(out[4], 1.0) && close(out[5], 1.0 / 3.0));
        assert!(close(out[6], (1.0 / log(3.0)) / ideal) && close(out[7], 0.5));
        figures(&[NEVER], &[5, 2], &mut out);
        assert_eq!(out, [0.0; 8]);
        figures(&[], &[5, 2], &mut out);
        assert_eq!(out, [0.0; 8]);
    }

    #[test]
    fn products_tied_across_the_end_of_the_list_are_not_shown() {
        assert_eq!(shown(&[0.1, 0.9, 0.5, 0.5, 0.0], &[], 2), [1]);
        assert_eq!(shown(&[0.1, 0.9, 0.5, 0.5, 0.0], &[], 3), [1, 2, 3]);
        assert_eq!(shown(&[0.1, 0.9, 0.5], &[1], 3), [2, 0], "fewer candidates than places");
        assert!(shown(&[0.0; 9], &[], 3).is_empty());
    }

    proptest! {
        #[test]
        fn like_sorting(
            scores in prop::collection::vec(0_i8..12, 1..300),
            excluded in prop::collection::btree_set(0_u32..300, 0..20),
            truth in prop::collection::btree_set(0_u32..300, 1..5),
            k in 1_usize..12,
        ) {
            let len = scores.len() as u32;
            let scores: Vec<f32> = scores.into_iter().map(f32::from).collect();
            let excluded: Vec<u32> = excluded.into_iter().filter(|row| *row < len).collect();
            let truth: Vec<u32> = truth.into_iter().filter(|row| *row < len).collect();
            let mut order: Vec<u32> = (0..len).filter(|row| !excluded.contains(row)).collect();
            let score = |row: u32| scores[row as usize];

            // The truth is put behind its equals, then its place is looked up.
            let mut places: Vec<u32> = truth.iter().map(|t| {
                order.sort_by(|a, b| score(*b).total_cmp(&score(*a)).then((a == t).cmp(&(b == t))));
                order.iter().position(|row| row == t).map_or(NEVER, |place| place as u32 + 1)
            }).collect();
            places.sort_unstable();
            prop_assert_eq!(ranks(&scores, &excluded, &truth), places);

            // Shown is whoever has a rank within the list, ties against it.
            let mut listed = shown(&scores, &excluded, k);
            prop_assert!(listed.is_sorted_by(|a, b| score(*a) >= score(*b)));
            listed.sort_unstable();
            let within: Vec<u32> = (0..len).filter(|row| ranks(&scores, &excluded, &[*row])[0] <= k as u32).collect();
            prop_assert_eq!(listed, within);
        }
    }
}
