//! Bandits against the truth, an even division, and a taste that turns.

use super::draws::Draws;
use crate::statistics::bandit::*;
use crate::statistics::{Effect, Estimate, MetricKind, Moments, Reading, Weighted, normal_cdf};

#[test]
fn two_normal_arms_are_as_in_closed_form() {
    // With many visitors the prior is gone: P(a > b) = Φ((m_a - m_b) / √(v_a / n_a + v_b / n_b)).
    let arm = |n: f64, mean: f64, variance: f64| Observed {
        visitors: n,
        sum: n * mean,
        squares: n * (variance + mean * mean),
    };
    let (a, b) = (arm(1e6, 2.0, 90.0), arm(4e5, 2.01, 110.0));
    let shares = allocate(Reward::Value, &[a, b], 0.0).unwrap();
    let expected = normal_cdf(-0.01 / (90.0 / 1e6 + 110.0 / 4e5_f64).sqrt());
    assert!((shares[0] - expected).abs() < 1e-3, "{shares:?} {expected}");
    let nothing = allocate(Reward::Value, &[Observed::default(); 3], 0.1).unwrap();
    assert!(nothing.iter().all(|share| (share - 1.0 / 3.0).abs() < 1e-9), "{nothing:?}");
}

#[test]
fn what_cannot_be_is_refused() {
    let arm = |visitors, sum| Observed { visitors, sum, squares: sum };
    let two = [arm(10.0, 1.0); 2];
    assert_eq!(allocate(Reward::Conversion, &two[..1], 0.0), Err(BanditError::Arms));
    assert_eq!(allocate(Reward::Conversion, &two, 0.6), Err(BanditError::Floor));
    assert_eq!(allocate(Reward::Conversion, &two, f64::NAN), Err(BanditError::Floor));
    assert_eq!(allocate(Reward::Conversion, &[two[0], arm(1.0, 2.0)], 0.0), Err(BanditError::Observed(1)));
    assert_eq!(allocate(Reward::Value, &[two[0], arm(f64::INFINITY, 2.0)], 0.0), Err(BanditError::Observed(1)));
    assert!(allocate(Reward::Conversion, &two, 0.5).unwrap().iter().all(|share| *share == 0.5));
}

proptest::proptest! {
    #[test]
    fn every_arm_keeps_the_floor_and_shares_add_up(
        arms in proptest::collection::vec((0.0..1e5_f64, 0.0..=1.0_f64), 2..8), floor in 0.0..0.125_f64, value: bool,
    ) {
        let reward = if value { Reward::Value } else { Reward::Conversion };
        let arms: Vec<Observed> =
            arms.iter().map(|(n, share)| Observed { visitors: *n, sum: n * share, squares: n * share }).collect();
        let shares = allocate(reward, &arms, floor).unwrap();
        proptest::prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{:?}", shares);
        proptest::prop_assert!(shares.iter().all(|share| *share >= floor - 1e-12), "{:?}", shares);
    }
}

/// Everybody wants more day by day while a bandit shifts to the better variant. Plain means credit it with the later days;
/// weighted by the logged probabilities the true difference comes out, in as many intervals as it should.
#[test]
fn what_a_bandit_s_variants_achieve_is_told_without_bias() {
    const RUNS: u64 = 120;
    const TRUTH: f64 = 0.03;
    let (mut plain, mut weighted, mut held) = (0.0, 0.0, 0);
    for run in 0..RUNS {
        let mut draws = Draws::new(9_000_000 + run);
        let mut arms = [Observed::default(); 2];
        let (mut sums, mut weights) = ([Moments::default(); 2], [Weighted::default(); 2]);
        for day in 0..15 {
            let base = 0.05 + 0.02 * f64::from(day);
            let shares = allocate(Reward::Conversion, &arms, 0.1).unwrap();
            for _ in 0..200 {
                let arm = usize::from(draws.unit() >= shares[0]);
                let did = f64::from(u8::from(draws.chance(base + [0.0, TRUTH][arm])));
                arms[arm] = arms[arm].with(did);
                sums[arm].add(did, 0.0);
                weights[arm] = weights[arm].merged(&Weighted::of(did, 0.0, shares[arm]));
            }
        }
        plain += (sums[1].y - sums[0].y) / RUNS as f64;
        let [control, other] = weights.map(|of| Estimate::of(MetricKind::Proportion, &of.moments()).unwrap());
        let effect = Effect::between(&control, &other, Reading::once(0.05)).unwrap();
        weighted += effect.absolute.value / RUNS as f64;
        held += u64::from(effect.absolute.holds(TRUTH));
    }
    println!(
        "bandit, days that differ: a difference of {TRUTH} is told as {weighted:.4} on average, {plain:.4} by plain means; {held} of {RUNS} intervals of 95 % hold it"
    );
    assert!((weighted - TRUTH).abs() < 0.006, "{weighted}");
    assert!((plain - TRUTH).abs() > 0.02, "{plain}");
    assert!(held >= RUNS * 90 / 100, "{held}");
}

/// What a bandit, or an even division, loses against always the best arm, over days of so many visitors; and the share
/// of the best arm on the last day.
fn regret(shift: bool, reward: Reward, half_life: f64, truth: &dyn Fn(usize) -> [f64; 3], seed: u64) -> (f64, f64) {
    const FLOOR: f64 = 0.05;
    let mut draws = Draws::new(seed);
    let mut arms = [Observed::default(); 3];
    let (mut lost, mut last) = (0.0, 0.0);
    for day in 0..40 {
        let means = truth(day);
        let best = means.iter().copied().fold(f64::MIN, f64::max);
        arms = arms.map(|arm| arm.after(1.0, half_life));
        let even = vec![1.0 / 3.0; 3];
        let shares = if shift { allocate(reward, &arms, FLOOR).unwrap() } else { even };
        assert!(shares.iter().all(|share| *share >= FLOOR));
        for _ in 0..300 {
            let place = draws.unit();
            let arm = usize::from(place >= shares[0]) + usize::from(place >= shares[0] + shares[1]);
            let reward = match reward {
                Reward::Conversion => f64::from(u8::from(draws.chance(means[arm]))),
                Reward::Value => means[arm] + 3.0 * draws.normal(),
            };
            arms[arm] = arms[arm].with(reward);
            lost += best - means[arm];
        }
        last = means.iter().zip(&shares).filter(|(mean, _)| **mean == best).map(|(_, share)| share).sum();
    }
    (lost, last)
}

#[test]
fn a_bandit_loses_less_than_an_even_division() {
    let conversion = |_: usize| [0.05, 0.05, 0.08];
    let value = |_: usize| [2.0, 2.5, 2.0];
    for (reward, truth) in [(Reward::Conversion, &conversion as &dyn Fn(usize) -> [f64; 3]), (Reward::Value, &value)] {
        let mean = |shift: bool| {
            let runs = (0..30).map(|seed| regret(shift, reward, 0.0, truth, 7_000_000 + seed));
            runs.fold((0.0, 0.0), |sum, (lost, last)| (sum.0 + lost / 30.0, sum.1 + last / 30.0))
        };
        let ((bandit, last), (even, _)) = (mean(true), mean(false));
        println!(
            "bandit, {reward:?}: lost {bandit:.1} against {even:.1} evenly; the best arm has {last:.2} of the last day (30 runs)"
        );
        assert!(bandit < 0.5 * even && last > 0.8, "{bandit} {even} {last}");
    }
}

#[test]
fn forgetting_follows_a_taste_that_turns() {
    let turning = |day: usize| if day < 20 { [0.05, 0.05, 0.10] } else { [0.10, 0.05, 0.05] };
    let mean = |half_life: f64| {
        let runs = (0..30).map(|seed| regret(true, Reward::Conversion, half_life, &turning, 8_000_000 + seed));
        runs.fold((0.0, 0.0), |sum, (lost, last)| (sum.0 + lost / 30.0, sum.1 + last / 30.0))
    };
    let ((forgetting, last), (remembering, kept)) = (mean(5.0), mean(0.0));
    println!(
        "bandit, the best arm changes on day 20 of 40: lost {forgetting:.1} (last day {last:.2}) with a half-life of 5 days, {remembering:.1} ({kept:.2}) without"
    );
    assert!(forgetting < remembering && last > kept, "{forgetting} {remembering} {last} {kept}");
}
