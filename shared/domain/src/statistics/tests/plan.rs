//! The planner against published sizes and simulated power.

use super::draws::Draws;
use super::{runs, slack};
use crate::statistics::*;

fn question() -> Question {
    serde_json::from_value(serde_json::json!({
        "kind": "proportion", "baseline": 0.05, "effect": 0.2, "any_time": false, "visitors_per_day": 1000.0,
    }))
    .unwrap()
}

#[test]
fn one_look_needs_the_usual_size() {
    // (1.9600 + 0.8416)² (.05 · .95 + .06 · .94) / .01²
    let plan = question().plan().unwrap();
    assert_eq!((plan.per_variant, plan.visitors, plan.compared, plan.days), (8_155, 16_310, 16_310, 17));
    // Cohen, Statistical Power Analysis, table 2.4.1: half a standard deviation, two-sided .05, power .8: 64 (63
    // without Student's t).
    let mean = Question { kind: MetricKind::Mean, baseline: 1.0, deviation: 2.0, effect: 1.0, ..question() };
    assert_eq!(mean.plan().unwrap().per_variant, 63);
    let cuped = Question { correlation: 0.6, ..mean.clone() };
    assert_eq!(cuped.plan().unwrap().per_variant, 41);
    let days = mean.plan().unwrap();
    let found = Question { visitors_per_day: 126.0, ..mean }.detectable(1).unwrap();
    assert!((found - 1.0).abs() < 0.01 && days.visitors == 126, "{found}");
}

#[test]
fn what_cannot_be_planned_says_why() {
    for (wrong, field) in [
        (Question { baseline: 0.0, ..question() }, "baseline"),
        (Question { effect: 0.0, ..question() }, "effect"),
        (Question { effect: 30.0, ..question() }, "effect"),
        (Question { effect: f64::NAN, ..question() }, "effect"),
        (Question { effect: 1e-7, ..question() }, "effect"),
        (Question { alpha: 1.0, ..question() }, "alpha"),
        (Question { power: 0.2, ..question() }, "power"),
        (Question { variants: 1, ..question() }, "variants"),
        (Question { correlation: 1.0, ..question() }, "correlation"),
        (Question { visitors_per_day: 0.0, ..question() }, "visitors_per_day"),
        (Question { traffic: 0.0, ..question() }, "traffic"),
        (Question { kind: MetricKind::Mean, ..question() }, "deviation"),
    ] {
        assert_eq!(wrong.plan().unwrap_err().field, field, "{wrong:?}");
    }
}

#[test]
fn planned_experiments_find_what_they_were_planned_for() {
    for any_time in [false, true] {
        let question = Question { baseline: 0.2, effect: 0.15, any_time, ..question() };
        let plan = question.plan().unwrap();
        let reading = Reading { alpha: 0.05, planned: any_time.then_some(plan.compared) };
        let (mut at_the_end, mut ever) = (0, 0);
        let (looks, runs) = (20, runs() / 2);
        for run in 0..runs {
            let mut draws = Draws::new(5_000_000 + run as u64);
            let mut both = [Moments::default(); 2];
            let (mut last, mut any) = (false, false);
            for look in 1..=looks {
                let upto = plan.per_variant * look / looks;
                for (moments, share) in both.iter_mut().zip([0.2, 0.23]) {
                    let more = upto - moments.n;
                    let did = draws.successes(more, share);
                    *moments = moments.merged(&Moments::of_counts(more, did));
                }
                let estimates = both.map(|moments| Estimate::of(MetricKind::Proportion, &moments).unwrap());
                let effect = Effect::between(&estimates[0], &estimates[1], reading);
                last = effect.is_some_and(|effect| effect.p <= 0.05);
                any |= last;
            }
            at_the_end += usize::from(last);
            ever += usize::from(any);
        }
        let (at_the_end, ever) = (at_the_end as f64 / runs as f64, ever as f64 / runs as f64);
        println!(
            "planner, any_time {any_time}: {} visitors a variant for power .8; found at the end {at_the_end:.3}, at any of {looks} looks {ever:.3}, {runs} runs",
            plan.per_variant
        );
        assert!((at_the_end - 0.8).abs() < 0.01 + slack(0.8, runs), "{at_the_end}");
        assert!(ever >= at_the_end);
    }
}
