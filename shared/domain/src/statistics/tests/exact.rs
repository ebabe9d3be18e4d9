//! Published values and properties.

use proptest::prelude::*;
use statrs::function::beta::ln_beta;

use crate::statistics::*;

fn near(a: f64, b: f64, within: f64) -> bool {
    (a - b).abs() <= within
}

/// Abramowitz and Stegun, Handbook of Mathematical Functions, tables 26.1 and 26.5.
#[test]
fn the_normal_distribution_is_as_tabulated() {
    for (z, p) in [(0.0, 0.5), (1.0, 0.841_344_746_1), (1.96, 0.975_002_104_9), (3.0, 0.998_650_102_0)] {
        assert!(near(normal_cdf(z), p, 1e-9), "{z}: {}", normal_cdf(z));
        assert!(near(normal_cdf(-z), 1.0 - p, 1e-9));
    }
    for (p, z) in [(0.8, 0.841_621_23), (0.975, 1.959_963_98), (0.995, 2.575_829_30), (0.9995, 3.290_526_73)] {
        assert!(near(normal_quantile(p), z, 1e-7), "{p}: {}", normal_quantile(p));
        assert!(near(normal_quantile(1.0 - p), -z, 1e-7));
    }
}

/// The fifteen p-values of Benjamini and Hochberg (1995), section 3.2: their procedure rejects four, Bonferroni and
/// Holm three.
#[test]
fn several_comparisons_are_adjusted_as_published() {
    let p = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
        1.0,
    ];
    let below = |adjusted: &[f64]| adjusted.iter().filter(|p| **p <= 0.05).count();
    assert_eq!((below(&benjamini_hochberg(&p)), below(&holm(&p))), (4, 3));
    assert!(near(holm(&p)[0], 0.0015, 1e-12) && near(benjamini_hochberg(&p)[3], 0.0095 * 15.0 / 4.0, 1e-12));
    assert_eq!(holm(&[]), [0.0; 0]);
    assert_eq!(holm(&[f64::NAN, 0.01]), [1.0, 0.02]);
}

/// Two of the 2x2 table of Montgomery, Design and Analysis of Experiments, example of section 6.2: totals of three runs
/// 80, 100, 60, 90.
#[test]
fn factorial_effects_are_as_published() {
    // The first factor runs slowest: (1), b, a, ab.
    let cell = |total: f64| Estimate { n: 3, value: total / 3.0, variance: 1.0 };
    let found = contrasts(&[2, 2], &[cell(80.0), cell(60.0), cell(100.0), cell(90.0)], Reading::once(0.05)).unwrap();
    let values: Vec<f64> = found.iter().map(|contrast| contrast.effect.value).collect();
    assert!(near(values[0], 8.333, 1e-3) && near(values[1], -5.0, 1e-9));
    // The book halves an interaction.
    assert!(near(values[2] / 2.0, 1.667, 1e-3));
    assert_eq!(found[2].of, [Step { factor: 0, level: 1 }, Step { factor: 1, level: 1 }]);
    assert_eq!(contrasts(&[2, 2], &[cell(1.0)], Reading::once(0.05)), None);
}

#[test]
fn a_sequence_is_wider_than_one_look_and_tightest_near_the_plan() {
    let any_time = Reading::any_time(0.05, 10_000);
    assert!(near(Reading::once(0.05).half_width(7), 1.959_964, 1e-6));
    // 2 (1 + r) / r · ln(√(1 + r) / α) with r = 7.9362, under a root.
    assert!(near(any_time.half_width(10_000), 3.035, 1e-3), "{}", any_time.half_width(10_000));
    let width = |visitors: u64| any_time.half_width(visitors) / (visitors as f64).sqrt();
    // No other plan makes the interval narrower at 10,000 visitors.
    for planned in [2_000, 5_000, 20_000, 50_000] {
        assert!(Reading::any_time(0.05, planned).half_width(10_000) > any_time.half_width(10_000));
    }
    assert!(width(20_000) < width(10_000));
}

#[test]
fn a_ratio_takes_its_variance_from_both_sums() {
    let mut moments = Moments::default();
    for (y, x) in [(10.0, 1.0), (0.0, 0.0), (50.0, 2.0), (20.0, 1.0)] {
        moments.add(y, x);
    }
    let ratio = Estimate::of(MetricKind::Ratio, &moments).unwrap();
    assert!(near(ratio.value, 20.0, 1e-12));
    // Residuals y - 20 x: -10, 0, 10, 0; their variance 200 / 3, over four visitors and the square of the mean of x.
    assert!(near(ratio.variance, 200.0 / 3.0 / 4.0, 1e-12));
    // In the ratio's unit: the mean of x is 1.
    assert!(near(ratio.deviation(), (200.0_f64 / 3.0).sqrt(), 1e-12));
    let observed = bandit::Observed::from(&moments);
    assert!(near(observed.sum, 80.0, 1e-9) && near(observed.squares, 3_000.0, 1e-9) && observed.visitors == 4.0);
    assert_eq!(Estimate::of(MetricKind::Ratio, &Moments::of_counts(100, 3)), None);
    assert_eq!(Estimate::of(MetricKind::Mean, &Moments::of(1.0, 1.0)), None);
}

#[test]
fn an_effect_that_cannot_be_told_is_none() {
    let none = Estimate::of(MetricKind::Proportion, &Moments::of_counts(50, 0)).unwrap();
    assert_eq!(Effect::between(&none, &none, Reading::once(0.05)), None);
    let few = Estimate::of(MetricKind::Proportion, &Moments::of_counts(50, 1)).unwrap();
    let effect = Effect::between(&few, &few, Reading::once(0.05)).unwrap();
    assert_eq!(effect.relative, None, "one conversion is too near to none");
}

/// Under H0 the chance that Beta(a, b) is above Beta(c, d) in closed form (Evan Miller, "Formulas for Bayesian A/B
/// Testing").
fn beats(a: u32, b: u32, c: u32, d: u32) -> f64 {
    let [a, b, c, d] = [a, b, c, d].map(f64::from);
    (0..a as u32)
        .map(f64::from)
        .map(|i| (ln_beta(c + i, b + d) - (b + i).ln() - ln_beta(1.0 + i, b) - ln_beta(c, d)).exp())
        .sum()
}

#[test]
fn the_probability_of_being_best_is_as_in_closed_form() {
    use bandit::{Observed, Reward, allocate};
    let arm = |visitors: u32, did: u32| Observed { visitors: visitors.into(), sum: did.into(), squares: did.into() };
    for ((n, x), (m, y)) in [
        ((0, 0), (0, 0)),
        ((100, 5), (100, 9)),
        ((10, 0), (10_000, 500)),
        ((50_000, 2_500), (50_000, 2_600)),
        ((40, 40), (3, 0)),
    ] {
        let shares = allocate(Reward::Conversion, &[arm(n, x), arm(m, y)], 0.0).unwrap();
        let expected = beats(x + 1, n - x + 1, y + 1, m - y + 1);
        assert!(near(shares[0], expected, 1e-4), "{n} {x} {m} {y}: {} {expected}", shares[0]);
        assert!(near(shares.iter().sum(), 1.0, 1e-12));
    }
}

fn any_moments() -> impl Strategy<Value = Vec<(f64, f64)>> {
    prop::collection::vec((0.0..200.0, 0.0..5.0), 0..40)
}

fn summed(visitors: &[(f64, f64)]) -> Moments {
    let mut moments = Moments::default();
    visitors.iter().for_each(|(y, x)| moments.add(*y, *x));
    moments
}

proptest! {
    #[test]
    fn merging_is_as_good_as_summing(a in any_moments(), b in any_moments()) {
        let all = summed(&[a.clone(), b.clone()].concat());
        let merged = summed(&a).merged(&summed(&b));
        prop_assert_eq!(all.n, merged.n);
        for (one, other) in [(all.y, merged.y), (all.x, merged.x), (all.yy, merged.yy), (all.yx, merged.yx), (all.xx, merged.xx)] {
            prop_assert!(near(one, other, 1e-9 * (1.0 + one.abs())), "{one} {other}");
        }
        let stored: Moments = serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap();
        prop_assert_eq!(stored, all);
    }

    #[test]
    fn counts_are_a_proportion_s_sums(visitors in 0..60_u64, share in 0.0..=1.0) {
        let did = (share * visitors as f64) as u64;
        let one_by_one = summed(&(0..visitors).map(|n| (f64::from(u8::from(n < did)), 0.0)).collect::<Vec<_>>());
        let counted = Moments::of_counts(visitors, did);
        prop_assert!(counted.n == one_by_one.n && near(counted.y, one_by_one.y, 1e-12) && near(counted.yy, one_by_one.yy, 1e-9));
    }

    #[test]
    fn an_interval_leaves_out_zero_just_if_the_p_value_is_below_alpha(
        difference in -3.0..3.0, variance in 0.01..2.0, n in 10..100_000_u64, planned in prop::option::of(100..100_000_u64),
        alpha in 0.001..0.2,
    ) {
        let control = Estimate { n, value: 10.0, variance };
        let variant = Estimate { n, value: 10.0 + difference, variance };
        let effect = Effect::between(&control, &variant, Reading { alpha, planned }).unwrap();
        if !near(effect.p, alpha, 1e-6) {
            prop_assert_eq!(effect.p < alpha, !effect.absolute.holds(0.0));
        }
    }

    #[test]
    fn adjusted_p_values_are_no_smaller_and_keep_their_order(p in prop::collection::vec(0.0..=1.0, 0..20)) {
        for adjusted in [holm(&p), benjamini_hochberg(&p)] {
            prop_assert!(adjusted.iter().zip(&p).all(|(adjusted, p)| adjusted >= p && *adjusted <= 1.0));
            for (a, b) in p.iter().zip(&adjusted).zip(p.iter().zip(&adjusted).skip(1)) {
                prop_assert!((a.0 <= b.0) == (a.1 <= b.1) || a.1 == b.1);
            }
        }
        let pairs = holm(&p).into_iter().zip(benjamini_hochberg(&p));
        prop_assert!(pairs.into_iter().all(|(holm, bh)| bh <= holm + 1e-12));
    }
}
