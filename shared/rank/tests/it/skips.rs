//! What was passed over makes room at once, and what was dwelled on does not.

use proptest::prelude::*;
use vitrine_domain::{Action, Millis, PastAction, Placement, Skips};
use vitrine_rank::Request;

use crate::support::{NOW, PRODUCTS, SHELF, answer, fresh, history, ids, open, past, product};

const MINUTE: i64 = 60_000;

/// The first products of an aisle as they were passed over some minutes ago.
fn passed(aisle: usize, count: usize, minutes_ago: i64) -> Vec<(String, Millis)> {
    let numbers = (aisle..PRODUCTS).step_by(12).take(count);
    numbers.map(|number| (product(number).id.to_string(), NOW.plus(-minutes_ago * MINUTE))).collect()
}

/// Numbers of the products that are shown, in their order.
fn list(placement: &Placement, history: &[PastAction], passed: &[(String, Millis)]) -> Vec<usize> {
    let passed: Vec<(&str, Millis)> = passed.iter().map(|(id, at)| (id.as_str(), *at)).collect();
    let found = answer(&SHELF, &Request { history, passed: &passed, ..Request::new(placement, NOW) });
    ids(&SHELF, &found).into_iter().map(|id| id[1..].parse().unwrap()).collect()
}

/// The places of an aisle's products, added up.
fn places(list: &[usize], aisle: usize) -> usize {
    list.iter().enumerate().filter(|(_, number)| **number % 12 == aisle).map(|(place, _)| place).sum()
}

fn of(list: &[usize], aisle: usize) -> usize {
    list.iter().filter(|number| **number % 12 == aisle).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_category_that_was_passed_over_ranks_lower_and_one_dwelled_on_does_not(
        history in history(),
        aisle in 0..12_usize,
        count in 1..8_usize,
        skips in (0.2..1.0_f32, 1..5_usize).prop_map(|(keep, after)| Skips { keep, after }),
    ) {
        let placement = Placement { skips: Some(skips), ..open(PRODUCTS) };
        let passed = passed(aisle, count, 2);
        let (before, after) = (list(&placement, &history, &[]), list(&placement, &history, &passed));
        prop_assert!(places(&after, aisle) >= places(&before, aisle), "{:?} {:?}", before, after);
        // The others keep their order.
        let others = |list: &[usize]| list.iter().copied().filter(|number| number % 12 != aisle).collect::<Vec<_>>();
        prop_assert_eq!(others(&before), others(&after));

        // A dwell on one of them takes it back from its category: of what was not passed over nothing moves.
        let mut dwelled = history;
        dwelled.push(past(aisle, Action::Dwell, 0));
        let unmoved = |list: Vec<usize>| {
            let is_passed = |number: &usize| passed.iter().any(|(id, _)| *id == product(*number).id.as_str());
            list.into_iter().filter(|number| !is_passed(number)).collect::<Vec<_>>()
        };
        let (alone, with) = (list(&placement, &dwelled, &[]), list(&placement, &dwelled, &passed));
        prop_assert_eq!(unmoved(alone), unmoved(with));
    }
}

#[test]
fn the_next_page_has_less_of_what_was_passed_over_and_more_of_what_was_dwelled_on() {
    let placement = Placement { skips: Some(Skips { keep: 0.7, after: 3 }), ..fresh(12) };
    let history = [past(4, Action::View, 12), past(5, Action::View, 11)];
    let skipped: Vec<_> = passed(4, 5, 2).into_iter().skip(1).chain(passed(5, 5, 2).into_iter().skip(1)).collect();
    let (before, after) = (list(&placement, &history, &[]), list(&placement, &history, &skipped));
    assert!(of(&after, 4) < of(&before, 4), "{before:?} {after:?}");
    assert!(of(&after, 5) < of(&before, 5), "{before:?} {after:?}");
    let dwelled = [history[0].clone(), history[1].clone(), past(17, Action::Dwell, 1)];
    let looked = list(&placement, &dwelled, &skipped);
    assert!(of(&looked, 5) > of(&after, 5) && of(&looked, 5) > of(&looked, 4), "{after:?} {looked:?}");
    // Nobody has opened it, so that it may come again.
    assert!(list(&Placement { limit: PRODUCTS, ..placement.clone() }, &dwelled, &[]).contains(&17));
    assert!(!list(&Placement { limit: PRODUCTS, ..placement }, &dwelled, &[]).contains(&5));
}

#[test]
fn what_was_passed_over_is_forgotten_after_the_visit_and_where_nobody_asks_for_it() {
    let history = [past(4, Action::View, 50)];
    let placement = Placement { skips: Some(Skips { keep: 0.3, after: 1 }), ..open(12) };
    let before = list(&placement, &history, &[]);
    assert_ne!(list(&placement, &history, &passed(4, 6, 29)), before);
    assert_eq!(list(&placement, &history, &passed(4, 6, 30)), before);
    let without = Placement { skips: None, ..placement };
    assert_eq!(list(&without, &history, &passed(4, 6, 1)), before);
}

#[test]
fn what_was_passed_over_counts_up_to_a_bound() {
    let worth = |count| {
        let placement = Placement { skips: Some(Skips { keep: 0.5, after: 2 }), ..open(PRODUCTS) };
        let history = [past(4, Action::View, 10)];
        list(&placement, &history, &passed(4, count, 1))
    };
    // One is no run; from the sixth on only the product itself moves.
    let rest = |list: Vec<usize>, count: usize| {
        list.into_iter().filter(|number| number % 12 != 4 || number / 12 >= count).collect::<Vec<_>>()
    };
    assert_eq!(rest(worth(0), 1), rest(worth(1), 1));
    assert_ne!(rest(worth(1), 2), rest(worth(2), 2));
    assert_eq!(rest(worth(6), 7), rest(worth(7), 7));
}
