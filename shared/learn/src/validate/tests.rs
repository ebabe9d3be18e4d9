//! What is held out, and that what is judged is what is served.

use proptest::prelude::*;
use vitrine_domain::Action;

use super::*;
use crate::covisitation::Pair;
use crate::dataset::tests::{letters, person};
use crate::linear::dot;
use crate::{Settings, Tally, train};

#[test]
fn the_last_new_products_and_everything_after_are_held_out() {
    let products = letters(6);
    let people = [
        person(
            "x",
            &[
                (0, Action::View, &["a"]),
                (1, Action::Order, &["a", "c", "b"]),
                (2, Action::View, &["d"]),
                (3, Action::Add, &["d"]),
                (4, Action::Refund, &["e"]),
            ],
        ),
        // Nothing is left before the only product; a return is nothing to recommend from.
        person("y", &[(0, Action::View, &["a"]), (1, Action::Order, &["a"])]),
        person("z", &[(0, Action::Refund, &["a"]), (1, Action::View, &["b"])]),
        person("w", &[(0, Action::View, &["e"]), (1, Action::Order, &["c", "b", "e"])]),
    ];
    let data = Dataset::new(&products, &people, &Default::default()).unwrap();
    let at = |hour: i64| Millis(1_700_000_000_000 + hour * 3_600_000);
    // People stand in the order of their visitors: w, x, y, z.
    let expected = [
        Case { person: 0, kept: 1, at: at(1), truth: vec![1, 2] },
        Case { person: 1, kept: 4, at: at(2), truth: vec![3] },
    ];
    assert_eq!(hold_out(&data, 10), expected);
    let drawn = hold_out(&data, 1);
    assert_eq!(drawn.len(), 1);
    let smallest = [0, 1].into_iter().min_by_key(|person| data.key(*person)).unwrap();
    assert_eq!(drawn[0].person, smallest, "people are drawn by their key, not by their place");

    let past = Past::of(&data, &expected[1]);
    assert_eq!(past.met, [0, 1, 2]);
    assert_eq!(past.actions, [Action::View, Action::Order, Action::Order, Action::Order]);
    assert!((past.history[0].age_days - 2.0 / 24.0).abs() < 1e-6);
    let evidence: Vec<_> = past.evidence(Pair::OrderTogether, &Blend { decay: 0.5, ..Blend::default() }).collect();
    assert_eq!(evidence, [(1, 1.0), (2, 1.0), (0, 1.0)]);
}

fn history() -> impl Strategy<Value = Vec<(u8, Action)>> {
    let action = prop::sample::select(vec![Action::View, Action::Add, Action::Order, Action::Refund]);
    prop::collection::vec((0_u8..6, action), 1..12)
}

fn people(histories: &[Vec<(u8, Action)>]) -> Vec<(vitrine_domain::Visitor, Vec<vitrine_domain::Event>)> {
    let person = |(number, steps): (usize, &Vec<(u8, Action)>)| {
        let names: Vec<[String; 1]> = steps.iter().map(|(row, _)| [char::from(b'a' + row).to_string()]).collect();
        let lines: Vec<[&str; 1]> = names.iter().map(|[name]| [name.as_str()]).collect();
        let events: Vec<(i64, Action, &[&str])> =
            (0..).zip(steps).zip(&lines).map(|((hour, (_, action)), lines)| (hour, *action, &lines[..])).collect();
        person(&format!("p{number}"), &events)
    };
    histories.iter().enumerate().map(person).collect()
}

proptest! {
    #[test]
    fn nothing_held_out_was_met_before(histories in prop::collection::vec(history(), 1..6)) {
        let products = letters(6);
        let data = Dataset::new(&products, &people(&histories), &Default::default()).unwrap();
        let cases = hold_out(&data, usize::MAX);
        for case in &cases {
            let past = Past::of(&data, case);
            prop_assert!(!case.truth.is_empty() && case.truth.is_sorted());
            prop_assert!(case.truth.iter().all(|row| !past.met.contains(row)));
            prop_assert!(past.history.iter().any(|past| past.weight > 0.0));
            prop_assert!(past.history.iter().all(|past| past.age_days > 0.0));
        }
        let cut = data.cut(&cases.iter().map(|case| (case.person, case.kept)).collect::<Vec<_>>());
        for case in &cases {
            let kept: Vec<u32> = cut.history(case.person).iter().map(|step| step.row).collect();
            prop_assert!(case.truth.iter().all(|row| !kept.contains(row)));
        }
    }

    #[test]
    fn what_is_judged_is_what_is_served(histories in prop::collection::vec(history(), 3..8)) {
        let products = letters(6);
        let data = Dataset::new(&products, &people(&histories), &Default::default()).unwrap();
        let artifact = Artifact::from_bytes(train(&data, &Settings::default(), &mut |_, _, _| ()).unwrap().0).unwrap();
        let blend = *artifact.weights();
        let mut scores = Scores::new(artifact.len());
        // One room for all people: nothing of one may be left for the next.
        for case in hold_out(&data, usize::MAX) {
            let past = Past::of(&data, &case);
            scores.fill(&artifact, &blend, &past);
            let mut visitor = vec![0.0; artifact.dims()];
            artifact.visitor_vector(&past.history, &mut visitor);
            for (row, judged) in (0..).zip(scores.blended(&blend)) {
                let mut served = dot(&visitor, artifact.vector(row));
                for pair in Pair::ALL {
                    let mut tally = Tally::new(artifact.len());
                    artifact.tally(pair, past.evidence(pair, &blend), &mut tally);
                    served += blend.pair(pair) * tally.sum(row).sqrt();
                }
                prop_assert!((judged - served).abs() < 1e-4, "{judged} {served}");
            }
        }
    }
}

#[test]
fn both_halves_are_used_and_keep_apart() {
    let products = letters(6);
    let histories: Vec<_> = (0..100).map(|i| vec![(i % 6, Action::View), ((i + 1) % 6, Action::View)]).collect();
    let data = Dataset::new(&products, &people(&histories), &Default::default()).unwrap();
    let cases = hold_out(&data, usize::MAX);
    let (choosing, judging) = halves(&data, cases.clone());
    assert_eq!(choosing.len() + judging.len(), cases.len());
    assert!(choosing.len() > 30 && judging.len() > 30);
    assert!(choosing.iter().all(|case| !judging.contains(case)));
}
