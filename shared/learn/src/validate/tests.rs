//! What is held out, and that what is judged is what is served.

use proptest::prelude::*;
use vitrine_domain::Action;

use super::*;
use crate::dataset::tests::{letters, person};
use crate::train::tests::quick;
use crate::{Lineup, Scratch, Tally, train};

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
        // The same order again is something to foresee.
        person(
            "w",
            &[(0, Action::View, &["e"]), (1, Action::Order, &["c", "b", "e"]), (2, Action::Order, &["b", "e"])],
        ),
    ];
    let data = Dataset::new(&products, &people, &Default::default()).unwrap();
    let at = |hour: i64| Millis(1_700_000_000_000 + hour * 3_600_000);
    // People stand in the order of their visitors: w, x, y, z.
    let case = |person, kept, hour, question, truth| Case { person, kept, at: at(hour), question, truth };
    let expected = [
        case(0, 1, 1, Question::New, vec![1, 2]),
        case(0, 4, 2, Question::Any, vec![1, 4]),
        case(1, 4, 2, Question::New, vec![3]),
        // What was put in the basket is what was looked at: no step on.
        case(1, 4, 2, Question::Any, vec![3]),
    ];
    assert_eq!(all_cases(&data), expected);
    assert_eq!(hold_out(&data, 10, 1).cases, expected[1..], "the newest, as more would be too much of the log");
    assert_eq!(hold_out(&data, 10, 2).cases, expected, "the last of each, where the newest are too few");
    assert_eq!(hold_out(&data, 10, 3), HoldOut::default(), "too little to judge by");
    let drawn = leave_last(&data, expected.to_vec(), 1);
    let smallest = [0, 1].into_iter().min_by_key(|person| data.key(*person)).unwrap();
    assert_eq!(drawn.cases.len(), 2);
    assert!(drawn.cases.iter().all(|case| case.person == smallest), "people are drawn by their key");

    let past = Past::of(&data, &expected[2]);
    assert_eq!(past.met, [0, 1, 2]);
    let actions: Vec<_> = past.history.iter().map(|past| past.action).collect();
    assert_eq!(actions, [Action::View, Action::Order, Action::Order, Action::Order]);
    assert!((past.history[0].age_days - 1.0 / 24.0).abs() < 1e-6 && past.history[3].age_days == 0.0);
}

#[test]
fn the_newest_are_held_out_of_everybody_and_not_too_many() {
    let products = letters(6);
    // Forty people, one after the other, three steps each; the last step of the last five is asked for.
    let people: Vec<_> = (0..40)
        .map(|i| {
            let hour = i * 10;
            let steps: [(i64, Action, &[&str]); 3] =
                [(hour, Action::View, &["a"]), (hour + 1, Action::View, &["b"]), (hour + 2, Action::View, &["c"])];
            person(&format!("p{i:02}"), &steps)
        })
        .collect();
    let data = Dataset::new(&products, &people, &Default::default()).unwrap();
    let held = hold_out(&data, 5, 1);
    let cases: Vec<_> = held.cases.iter().filter(|case| case.question == Question::New).collect();
    assert_eq!(cases.iter().map(|case| case.person).collect::<Vec<_>>(), [35, 36, 37, 38, 39]);
    assert!(cases.iter().all(|case| case.kept == 2), "what came before in the same visit is known");
    let split = cases.iter().map(|case| case.at).min().unwrap();
    let cut = data.cut(&held.keep);
    assert!(cut.histories().flatten().all(|step| step.at < split));
    assert_eq!(cut.histories().map(<[_]>::len).sum::<usize>(), 35 * 3 + 2);
    // However many cases are wished for, most of the log is left to learn from.
    let held = hold_out(&data, 1_000, 1);
    assert!(data.cut(&held.keep).counts().actions * 7 >= data.counts().actions * 6);
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
        for held in [hold_out(&data, usize::MAX, 1), leave_last(&data, all_cases(&data), usize::MAX)] {
            let cut = data.cut(&held.keep);
            for case in &held.cases {
                let past = Past::of(&data, case);
                prop_assert!(!case.truth.is_empty() && case.truth.is_sorted());
                prop_assert!(case.question == Question::Any || case.truth.iter().all(|row| !past.met.contains(row)));
                prop_assert!(past.history.iter().any(|past| past.interest() > 0.0));
                prop_assert!(cut.history(case.person).len() <= case.kept);
                prop_assert!(cut.history(case.person).iter().all(|step| step.at < case.at));
            }
        }
    }

    #[test]
    fn what_is_judged_is_what_is_served(histories in prop::collection::vec(history(), 3..8)) {
        let products = letters(6);
        let data = Dataset::new(&products, &people(&histories), &Default::default()).unwrap();
        let bytes = train(&data, &quick(), &mut |_, _, _| ()).unwrap().0;
        let artifact = Artifact::from_bytes(bytes, &Lineup::default()).unwrap();
        let judge = Judge::new(&artifact);
        let (mut scores, mut scratch) = (judge.scores(), Scratch::default());
        // One room for all people: nothing of one may be left for the next.
        for case in all_cases(&data) {
            let past = Past::of(&data, &case);
            scores.fill(&past.history, past.visitor);
            let mut visitor = vec![0.0; artifact.dims()];
            artifact.visitor_vector(&past.history, case.question, &mut scratch, &mut visitor);
            let mut served: Vec<f32> = (0..artifact.len() as u32)
                .map(|row| artifact.vector(row).iter().zip(&visitor).map(|(a, b)| a.to_f32() * b).sum())
                .collect();
            for (at, part) in artifact.parts().iter().enumerate().filter(|(_, part)| !part.has_vectors()) {
                let mut tally = Tally::new(artifact.len());
                artifact.part_tally(at, &past.history, &mut scratch, &mut tally);
                for (row, served) in (0..).zip(&mut served) {
                    *served += part.weight(case.question) * part.curve.of(tally.sum(row));
                }
            }
            for (judged, served) in scores.blended(case.question).iter().zip(served) {
                prop_assert!((judged - served).abs() < 1e-3, "{judged} {served}");
            }
        }
    }

    #[test]
    fn every_counted_reason_is_a_share_of_its_sum(histories in prop::collection::vec(history(), 3..8)) {
        let products = letters(6);
        let data = Dataset::new(&products, &people(&histories), &Default::default()).unwrap();
        let bytes = train(&data, &quick(), &mut |_, _, _| ()).unwrap().0;
        let artifact = Artifact::from_bytes(bytes, &Lineup::default()).unwrap();
        let mut scratch = Scratch::default();
        for case in all_cases(&data) {
            let history = Past::of(&data, &case).history;
            for (at, _) in artifact.parts().iter().enumerate().filter(|(_, part)| !part.has_vectors()) {
                reasons_add_up(&artifact, at, &history, &mut scratch);
            }
        }
    }
}

/// Compares what the past actions add to a part's sums with the sums; how many rows have one.
pub(crate) fn reasons_add_up(model: &Artifact, part: usize, history: &[Interaction], scratch: &mut Scratch) -> usize {
    let mut tally = Tally::new(model.len());
    model.part_tally(part, history, scratch, &mut tally);
    let page: Vec<u32> = (0..model.len() as u32).collect();
    let mut sums = vec![0.0; page.len()];
    model.part_evidence(part, history, &page, scratch, &mut |place, at, amount| {
        assert!(at < history.len() && amount >= 0.0 && history[at].interest() > 0.0);
        sums[place] += amount;
    });
    for (row, said) in page.into_iter().zip(sums) {
        let sum = tally.sum(row);
        assert!((said - sum).abs() <= 1e-4 * sum.max(1.0), "{}: {said} {sum}", model.parts()[part].name);
    }
    tally.rows().len()
}

fn all_cases(data: &Dataset<'_>) -> Vec<Case> {
    (0..data.people()).flat_map(|person| cases_of(data, person)).collect()
}

#[test]
fn both_halves_are_used_and_keep_apart() {
    let products = letters(6);
    let histories: Vec<_> = (0..100).map(|i| vec![(i % 6, Action::View), ((i + 1) % 6, Action::View)]).collect();
    let data = Dataset::new(&products, &people(&histories), &Default::default()).unwrap();
    let cases = all_cases(&data);
    let (choosing, judging) = halves(&data, cases.clone());
    assert_eq!(choosing.len() + judging.len(), cases.len());
    assert!(choosing.len() > 30 && judging.len() > 30);
    assert!(choosing.iter().all(|case| !judging.contains(case)));
}
