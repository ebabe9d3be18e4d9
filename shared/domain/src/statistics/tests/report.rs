//! The whole report.

use crate::experiment::Direction;
use crate::statistics::*;

fn measured(metric: &str, role: Role, better: Direction, counts: [(u64, u64); 3]) -> Measured {
    Measured {
        metric: metric.to_owned(),
        kind: MetricKind::Proportion,
        better,
        role,
        covariate: false,
        counts: false,
        variants: counts.map(|(visitors, did)| Moments::of_counts(visitors, did)).to_vec(),
    }
}

fn study() -> Study {
    Study {
        variants: ["control", "red", "blue"].map(str::to_owned).to_vec(),
        shares: vec![0.5, 0.25, 0.25],
        exposed: vec![20_000, 10_010, 9_990],
        levels: Vec::new(),
        reading: Reading::any_time(0.05, 30_000),
        metrics: vec![
            measured("conversion", Role::Primary, Direction::Up, [(20_000, 1_000), (10_010, 700), (9_990, 510)]),
            measured("repeat", Role::Secondary, Direction::Up, [(20_000, 400), (10_010, 190), (9_990, 120)]),
            measured(
                "return",
                Role::Guardrail { margin: 0.3 },
                Direction::Down,
                [(20_000, 2_000), (10_010, 1_000), (9_990, 1_500)],
            ),
        ],
    }
}

#[test]
fn each_variant_gets_its_word() {
    let report = report(&study()).unwrap();
    let words = |at: usize| report.metrics[at].variants.iter().map(|variant| variant.verdict).collect::<Vec<_>>();
    assert_eq!(words(0), [Verdict::Open, Verdict::Better, Verdict::Open]);
    assert_eq!(words(1), [Verdict::Open, Verdict::Open, Verdict::Worse]);
    assert_eq!(words(2), [Verdict::Open, Verdict::Safe, Verdict::Worse]);
    assert!(!report.mismatch.as_ref().unwrap().alarm);
    let red = &report.metrics[0].variants[1];
    let effect = red.effect.unwrap();
    assert!(effect.relative.unwrap().holds(0.4) && effect.absolute.low > 0.0);
    assert!(red.adjusted_p.unwrap() >= effect.p);
    assert_eq!(report.metrics[0].variants[0].effect, None);
    let stored: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(stored, report);
}

#[test]
fn few_visitors_are_too_early_and_a_lost_variant_an_alarm() {
    let mut early = study();
    early.metrics.truncate(1);
    early.metrics[0].variants = [(80, 10), (90, 10), (0, 0)].map(|(n, did)| Moments::of_counts(n, did)).to_vec();
    early.exposed = vec![2_000, 800, 1_000];
    let report = report(&early).unwrap();
    assert!(report.metrics[0].variants.iter().all(|variant| variant.verdict == Verdict::TooEarly));
    assert!(report.mismatch.unwrap().alarm);
}

/// Visitors of whom some order at one price, for a ratio of amounts or of counts.
fn ratio(visitors: u64, orders: u64, of: impl Fn(u64) -> f64) -> Moments {
    let mut moments = Moments::of_counts(visitors - orders, 0);
    (0..orders).for_each(|n| moments.add(of(n), 1.0));
    moments
}

/// Order values that are all the same vary by nothing but rounding; and of an order in each variant nothing is known.
#[test]
fn a_ratio_of_few_or_of_rounding_is_no_verdict() {
    let told = |counts: bool, role: Role, variants: [Moments; 2]| {
        let better = if counts { Direction::Down } else { Direction::Up };
        let metric = Measured {
            kind: MetricKind::Ratio,
            counts,
            variants: variants.to_vec(),
            ..measured("ratio", role, better, [(0, 0); 3])
        };
        let study = Study {
            variants: ["control", "other"].map(str::to_owned).to_vec(),
            shares: vec![0.5; 2],
            exposed: vec![250; 2],
            metrics: vec![metric],
            ..study()
        };
        report(&study).unwrap().metrics.remove(0).variants.remove(1)
    };
    for (from, to) in [(60.0, 61.0), (60.1, 60.7), (1.0 / 3.0, 0.7)] {
        for orders in [1, 30, 100] {
            let all = told(false, Role::Primary, [from, to].map(|value| ratio(250, orders, |_| value)));
            assert!(all.effect.is_none_or(|effect| effect.p > 0.05), "{orders} orders of {from} and {to}: {all:?}");
            assert!(!matches!(all.verdict, Verdict::Better | Verdict::Worse), "{all:?}");
        }
    }
    let value = |n: u64, from: f64| from + (n % 7) as f64;
    let values =
        |orders: u64| told(false, Role::Primary, [10.0, 90.0].map(|from| ratio(250, orders, |n| value(n, from))));
    assert_eq!((values(29).verdict, values(30).verdict), (Verdict::TooEarly, Verdict::Better));
    // Thirty orders of one customer are one number.
    let mut one = ratio(250, 1, |_| 60.0);
    one.add(3_000.0, 60.0);
    assert_eq!(told(false, Role::Primary, [one, ratio(250, 60, |n| value(n, 90.0))]).verdict, Verdict::TooEarly);
    // Returns are counted: of too few none is known, however many orders there are; for a guardrail as well.
    for role in [Role::Primary, Role::Guardrail { margin: 0.5 }] {
        let returns = |counts: [u64; 2]| {
            told(true, role, counts.map(|returned| ratio(4_000, 400, |n| f64::from(u8::from(n < returned))))).verdict
        };
        assert_eq!((returns([9, 100]), returns([60, 9])), (Verdict::TooEarly, Verdict::TooEarly));
        assert_eq!((returns([10, 100]), returns([100, 10])), (Verdict::Worse, Verdict::Better));
    }
}

/// Of comparisons that are looked at together, the surest ones lift those that are not sure: one made too early must not.
#[test]
fn what_is_too_early_lifts_nothing_else() {
    let p = |early: [(u64, u64); 3]| {
        let secondary = |name, counts| measured(name, Role::Secondary, Direction::Up, counts);
        let metrics = vec![secondary("early", early), secondary("late", [(9_000, 450), (9_000, 540), (9_000, 450)])];
        let report = report(&Study { reading: Reading::once(0.05), metrics, ..study() }).unwrap();
        let early = &report.metrics[0].variants;
        assert!(early.iter().all(|variant| variant.verdict == Verdict::TooEarly) || early[1].effect.unwrap().p < 1e-9);
        report.metrics[1].variants[1].adjusted_p.unwrap()
    };
    let (sure, same) = ([(9_000, 450), (9_000, 900), (9_000, 900)], [(99, 20), (99, 20), (99, 20)]);
    let early = [(99, 1), (99, 80), (99, 80)];
    assert!(p(sure) < p(same), "{} {}", p(sure), p(same));
    assert_eq!(p(early), p(same));
}

#[test]
fn a_covariate_and_factors_are_reported() {
    let mut draws = super::draws::Draws::new(9_000_000);
    let mut study = study();
    study.variants = ["a.x", "a.y", "b.x", "b.y"].map(str::to_owned).to_vec();
    study.shares = vec![0.25; 4];
    study.exposed = vec![2_000; 4];
    study.levels = vec![2, 2];
    let effects = [0.0, 0.0, 0.5, 0.5];
    let cells = effects.map(|effect| {
        let mut moments = Moments::default();
        for _ in 0..2_000 {
            let before = draws.normal();
            moments.add(10.0 + effect + 2.0 * before + draws.normal(), before);
        }
        moments
    });
    study.metrics = vec![Measured {
        kind: MetricKind::Mean,
        covariate: true,
        variants: cells.to_vec(),
        ..measured("revenue", Role::Primary, Direction::Up, [(0, 0); 3])
    }];
    let report = report(&study).unwrap();
    let revenue = &report.metrics[0];
    assert!((revenue.variance_reduction.unwrap() - 0.8).abs() < 0.03, "{:?}", revenue.variance_reduction);
    let called: Vec<bool> = revenue.contrasts.iter().map(|contrast| contrast.adjusted_p <= 0.05).collect();
    assert_eq!(called, [true, false, false]);
    assert!(revenue.contrasts[0].effect.holds(0.5));
    assert_eq!(revenue.variants[2].verdict, Verdict::Better);
}

#[test]
fn what_does_not_fit_is_named() {
    let wrong = |change: fn(&mut Study)| {
        let mut study = study();
        change(&mut study);
        report(&study).unwrap_err().at
    };
    assert_eq!(wrong(|study| study.variants.truncate(1)), "variants");
    assert_eq!(wrong(|study| study.shares.truncate(1)), "shares");
    assert_eq!(wrong(|study| study.exposed.truncate(1)), "exposed");
    assert_eq!(wrong(|study| study.levels = vec![2, 2]), "levels");
    assert_eq!(wrong(|study| study.reading.alpha = 0.0), "reading.alpha");
    assert_eq!(wrong(|study| study.metrics[1].variants.truncate(2)), "metrics/1/variants");
    assert_eq!(
        wrong(|study| {
            study.metrics[2].kind = MetricKind::Ratio;
            study.metrics[2].covariate = true;
        }),
        "metrics/2/covariate"
    );
}

/// Four equal variants, looked at every day: a wrong word about any of them is as rare as α says.
#[test]
fn several_equal_variants_are_rarely_called_different() {
    let (runs, days, a_day) = (super::runs() / 2, 14, 200);
    let (mut wrong, mut in_family) = (0, 0);
    for run in 0..runs {
        let mut draws = super::draws::Draws::new(10_000_000 + run as u64);
        let mut metric = measured("conversion", Role::Primary, Direction::Up, [(0, 0); 3]);
        metric.variants = vec![Moments::default(); 4];
        let mut study = Study {
            variants: ["control", "a", "b", "c"].map(str::to_owned).to_vec(),
            shares: vec![0.25; 4],
            exposed: vec![0; 4],
            levels: Vec::new(),
            reading: Reading::any_time(0.05, 2 * days * a_day),
            metrics: vec![metric],
        };
        let (mut called, mut unadjusted) = (false, false);
        for _ in 0..days {
            for (moments, exposed) in study.metrics[0].variants.iter_mut().zip(&mut study.exposed) {
                let did = draws.successes(a_day, 0.1);
                *moments = moments.merged(&Moments::of_counts(a_day, did));
                *exposed += a_day;
            }
            let report = report(&study).unwrap();
            let variants = &report.metrics[0].variants;
            called |= variants.iter().any(|v| matches!(v.verdict, Verdict::Better | Verdict::Worse));
            unadjusted |= variants.iter().any(|v| v.effect.is_some_and(|effect| effect.p <= 0.05));
        }
        wrong += usize::from(called);
        in_family += usize::from(unadjusted);
    }
    let share = |count: usize| count as f64 / runs as f64;
    println!(
        "A/A/A/A, {runs} runs, {days} daily looks: any variant called different in {:.4}; {:.4} without adjustment",
        share(wrong),
        share(in_family)
    );
    assert!(share(wrong) <= 0.05 && wrong < in_family, "{wrong} {in_family}");
}
