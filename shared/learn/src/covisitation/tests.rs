//! Counting checked against sums written out by hand and against a plain counter of all pairs.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vitrine_domain::{Event, Visitor};

use super::*;
use crate::dataset::tests::{letters, person};
use crate::settings::{Covisitation, Limits};

/// Settings under which weights are easy to write out: no decay, no shrinkage.
fn plain() -> Covisitation {
    Covisitation { gap_days: 1e12, half_life_days: 1e12, shrinkage: 0.0, ..Covisitation::default() }
}

fn lists(people: &[(Visitor, Vec<Event>)], pair: Pair, settings: &Covisitation) -> Lists {
    let products = letters(6);
    let data = Dataset::new(&products, people, &Limits::default()).unwrap();
    count(&data, pair, settings, 1, &mut |_| ())
}

/// The list of a product, divided by its first weight of all lists so that the scale of the lists drops out.
fn ratios(lists: &Lists, row: u32, unit: f32) -> Vec<(u32, f32)> {
    let (rows, weights) = lists.of(row);
    rows.iter().copied().zip(weights.iter().map(|w| w / unit)).collect()
}

fn close(found: &[(u32, f32)], expected: &[(u32, f32)]) {
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    for (f, e) in found.iter().zip(expected) {
        assert!(f.0 == e.0 && (f.1 - e.1).abs() < 1e-4, "{found:?} {expected:?}");
    }
}

#[test]
fn views_count_by_distance_direction_and_popularity() {
    // One person: a b a c. Looks: a 2, b 1, c 1.
    let views: [(i64, Action, &[&str]); 4] =
        [(0, Action::View, &["a"]), (1, Action::View, &["b"]), (2, Action::Click, &["a"]), (3, Action::Add, &["c"])];
    let lists = lists(&[person("x", &views)], Pair::ViewView, &plain());
    let a_to_b = (1.0 + 0.5) / 2.0_f32.sqrt();
    let a_to_c = (1.0 / 3.0 + 1.0) / 2.0_f32.sqrt();
    let b_to_a = (0.5 + 1.0) / 2.0_f32.sqrt();
    let b_to_c = 1.0 / 2.0;
    let c_to_a = (0.5 + 0.5 / 3.0) / 2.0_f32.sqrt();
    let c_to_b = 0.5 / 2.0;
    let unit = 3.0 / (a_to_b + b_to_a + c_to_a);
    close(&ratios(&lists, 0, unit), &[(1, a_to_b), (2, a_to_c)]);
    close(&ratios(&lists, 1, unit), &[(0, b_to_a), (2, b_to_c)]);
    close(&ratios(&lists, 2, unit), &[(0, c_to_a), (1, c_to_b)]);
    assert_eq!(lists.of(3), (&[][..], &[][..]));
    assert_eq!(lists.of(99), (&[][..], &[][..]));
}

#[test]
fn reloading_a_page_is_no_step() {
    let with =
        [(0, Action::View, &["a"][..]), (1, Action::View, &["a"]), (2, Action::Add, &["a"]), (3, Action::View, &["b"])];
    let without = [(0, Action::View, &["a"][..]), (3, Action::View, &["b"])];
    let (with, without) = (person("x", &with), person("x", &without));
    assert_eq!(lists(&[with], Pair::ViewView, &plain()), lists(&[without], Pair::ViewView, &plain()));
}

#[test]
fn far_apart_in_time_counts_less_and_long_ago_too() {
    let settings = Covisitation { gap_days: 30.0, ..plain() };
    let people = [
        person("x", &[(0, Action::View, &["a"]), (1, Action::View, &["b"])]),
        person("y", &[(0, Action::View, &["a"]), (24 * 60, Action::View, &["c"])]),
    ];
    let found = lists(&people, Pair::ViewView, &settings);
    let (rows, weights) = found.of(0);
    assert_eq!(rows, [1, 2]);
    assert!((weights[1] / weights[0] - 1.0 / 3.0).abs() < 0.01, "{weights:?}");

    let settings = Covisitation { half_life_days: 10.0, ..plain() };
    let people = [
        person("x", &[(0, Action::View, &["a"]), (1, Action::View, &["b"])]),
        person("y", &[(240, Action::View, &["a"]), (241, Action::View, &["c"])]),
    ];
    let (rows, weights) = (lists(&people, Pair::ViewView, &settings).of(0).0.to_vec(), ());
    assert_eq!((rows, weights), (vec![2, 1], ()));
}

#[test]
fn rare_pairs_do_not_win_a_lift() {
    // b is ordered with a in 30 of its 40 baskets; the pair a, c met once, and c was ordered only then.
    let mut people = Vec::new();
    for i in 0..400 {
        let lines: &[&str] = match i {
            0..30 => &["a", "b"],
            30 => &["a", "c"],
            31..41 => &["b"],
            41..60 => &["a"],
            _ => &["d"],
        };
        people.push(person(&format!("p{i}"), &[(0, Action::Order, lines)]));
    }
    let shrunk = lists(&people, Pair::OrderTogether, &Covisitation { shrinkage: 3.0, ..plain() });
    assert_eq!(shrunk.of(0).0, [1, 2]);
    let lift = |n: f32, n_i: f32, n_j: f32| ((n + 3.0) / (n_i * n_j / 400.0 + 3.0)).ln();
    let (_, weights) = shrunk.of(0);
    let expected = lift(1.0, 50.0, 1.0) / lift(30.0, 50.0, 40.0);
    assert!((weights[1] / weights[0] - expected).abs() < 1e-3, "{weights:?} {expected}");
    // Without imagined meetings the pair that met once has the larger lift.
    assert_eq!(lists(&people, Pair::OrderTogether, &plain()).of(0).0, [2, 1]);
}

#[test]
fn what_is_always_bought_goes_with_nothing_in_particular() {
    let people: Vec<_> = (0..20)
        .map(|i| {
            let lines: &[&str] = if i % 2 == 0 { &["a", "b"] } else { &["a", "c"] };
            person(&format!("p{i}"), &[(0, Action::Order, lines)])
        })
        .collect();
    assert!(lists(&people, Pair::OrderTogether, &plain()).of(1).0.is_empty());
}

#[test]
fn orders_follow_looks_and_orders() {
    let events: [(i64, Action, &[&str]); 6] = [
        (0, Action::View, &["a"]),
        (1, Action::Order, &["a", "b"]),
        (2, Action::Order, &["c"]),
        (3, Action::Order, &["d"]),
        (4, Action::View, &["e"]),
        (24 * 40, Action::Order, &["f"]),
    ];
    let people = [person("x", &events), person("y", &[(5, Action::Order, &["f"])])];
    // The look at `a` explains two orders, the look at `e` none: 40 days are too long.
    let found = lists(&people, Pair::ViewOrder, &plain());
    assert_eq!(found.of(0).0, [2, 1]);
    let (_, weights) = found.of(0);
    assert!((weights[1] / weights[0] - 1.0 / 2.0_f32.sqrt()).abs() < 1e-5);
    assert!(found.of(4).0.is_empty());

    let found = lists(&people, Pair::OrderNext, &plain());
    assert_eq!(found.of(0).0, [2]);
    assert_eq!((found.of(2).0, found.of(3).0), (&[3][..], &[5][..]));
    assert!(found.of(5).0.is_empty(), "another person's order is no next order");
}

#[test]
fn stock_orders_are_left_out() {
    let people = [
        person("x", &[(0, Action::Order, &["a", "b", "c"])]),
        person("y", &[(0, Action::Order, &["a", "d"])]),
        person("z", &[(0, Action::Order, &["e"])]),
    ];
    let found = lists(&people, Pair::OrderTogether, &Covisitation { basket: 2, ..plain() });
    assert_eq!(found.of(0).0, [3]);
}

/// Random histories of six products.
fn histories() -> impl Strategy<Value = Vec<(Visitor, Vec<Event>)>> {
    let step = (0_u8..6, prop::sample::select(vec![Action::View, Action::Add, Action::Order, Action::Refund]));
    prop::collection::vec(prop::collection::vec(step, 0..15), 0..8).prop_map(|people| {
        let event = |hour: usize, (row, action): &(u8, Action)| {
            let second = char::from(b'a' + (row * 5 + 1) % 6).to_string();
            let first = char::from(b'a' + row).to_string();
            let names = if *action == Action::Order { vec![first, second] } else { vec![first] };
            (hour as i64, *action, names)
        };
        people
            .iter()
            .enumerate()
            .map(|(i, steps)| {
                let events: Vec<_> = steps.iter().enumerate().map(|(hour, step)| event(hour, step)).collect();
                let names: Vec<Vec<&str>> =
                    events.iter().map(|(_, _, names)| names.iter().map(String::as_str).collect()).collect();
                let events: Vec<_> =
                    events.iter().zip(&names).map(|((hour, action, _), names)| (*hour, *action, &names[..])).collect();
                person(&format!("p{i}"), &events)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn equals_a_plain_count_of_all_pairs(people in histories()) {
        let settings = Covisitation { window: 3, ..plain() };
        let products = letters(6);
        let data = Dataset::new(&products, &people, &Limits::default()).unwrap();
        let mut sums = BTreeMap::<(u32, u32), f64>::new();
        let mut looks = [0.0_f64; 6];
        for history in data.histories() {
            let mut sequence: Vec<u32> = history.iter().filter(|s| s.is_browsing()).map(|s| s.row).collect();
            sequence.dedup();
            sequence.iter().for_each(|row| looks[*row as usize] += 1.0);
            for (p, i) in sequence.iter().enumerate() {
                for (q, j) in sequence.iter().enumerate().filter(|(q, j)| q.abs_diff(p) <= 3 && *j != i) {
                    *sums.entry((*i, *j)).or_default() += if q > p { 1.0 } else { 0.5 } / q.abs_diff(p) as f64;
                }
            }
        }
        sums.iter_mut().for_each(|((i, j), sum)| *sum /= (looks[*i as usize] * looks[*j as usize]).sqrt());
        let found = count(&data, Pair::ViewView, &settings, 1, &mut |_| ());
        let best: Vec<f64> = (0..6)
            .map(|i| sums.iter().filter(|((from, _), _)| *from == i).map(|(_, sum)| *sum).fold(0.0, f64::max))
            .filter(|best| *best > 0.0)
            .collect();
        let scale = best.len() as f64 / best.iter().sum::<f64>();
        let mut seen = 0;
        for i in 0..6 {
            let (rows, weights) = found.of(i);
            prop_assert!(weights.is_sorted_by(|a, b| a >= b));
            for (j, weight) in rows.iter().zip(weights) {
                let expected = sums[&(i, *j)] * scale;
                prop_assert!((f64::from(*weight) - expected).abs() < 1e-4, "{weight} {expected}");
                seen += 1;
            }
        }
        prop_assert_eq!(seen, sums.len());
    }

    #[test]
    fn threads_change_nothing(people in histories()) {
        let products = letters(6);
        let data = Dataset::new(&products, &people, &Limits::default()).unwrap();
        for pair in Pair::ALL {
            let settings = Covisitation::default();
            let one = count(&data, pair, &settings, 1, &mut |_| ());
            prop_assert_eq!(&one, &count(&data, pair, &settings, 3, &mut |_| ()));
            prop_assert_eq!(one.starts.len(), 7);
        }
    }
}
