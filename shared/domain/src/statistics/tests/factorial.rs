//! A factorial test with a planted interaction.

use super::draws::Draws;
use super::{runs, slack};
use crate::statistics::*;

/// Two layouts, three strategies: each does something alone, the second layout gains .04 more with the third strategy.
const CONVERSION: [f64; 6] = [0.10, 0.12, 0.10, 0.13, 0.15, 0.17];

#[test]
fn planted_effects_and_interactions_are_found() {
    // Main effects average over the other factor; then interactions of the second layout with the second and third
    // strategy.
    let truth = [0.13 / 3.0, 0.02, 0.02, 0.0, 0.04];
    let runs = runs() / 4;
    let (mut held, mut found) = ([0_usize; 5], [0_usize; 5]);
    for run in 0..runs {
        let mut draws = Draws::new(6_000_000 + run as u64);
        let cells = CONVERSION.map(|share| {
            let did = draws.successes(4_000, share);
            Estimate::of(MetricKind::Proportion, &Moments::of_counts(4_000, did)).unwrap()
        });
        let contrasts = contrasts(&[2, 3], &cells, Reading::once(0.05)).unwrap();
        for (at, contrast) in contrasts.iter().enumerate() {
            held[at] += usize::from(contrast.effect.holds(truth[at]));
            found[at] += usize::from(contrast.adjusted_p <= 0.05);
        }
    }
    let share = |counts: [usize; 5]| counts.map(|count| count as f64 / runs as f64);
    println!("factorial 2x3, {runs} runs (layout, two strategies, two interactions), truth {truth:.4?}:");
    println!("  interval holds it {:.3?}, called an effect {:.3?}", share(held), share(found));
    // Intervals are for all contrasts of a kind together, so each holds more often than 95 %.
    assert!(share(held).iter().all(|share| *share >= 0.95), "{held:?}");
    assert!(share(found)[..3].iter().all(|share| *share > 0.95) && share(found)[4] > 0.7, "{found:?}");
    assert!(share(found)[3] <= 0.05 + slack(0.05, runs), "nothing was planted there: {found:?}");
}
