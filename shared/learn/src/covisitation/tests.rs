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
fn orders_follow_looks() {
    let people = [
        // The look at `a` explains two orders, not the third.
        person(
            "x",
            &[
                (0, Action::View, &["a"][..]),
                (1, Action::Order, &["b"]),
                (2, Action::Order, &["a", "c"]),
                (3, Action::Order, &["d"]),
            ],
        ),
        person("y", &[(4, Action::View, &["e"]), (5, Action::Order, &["f"])]),
        // 40 days later is no consequence, and what came before neither.
        person("z", &[(0, Action::Order, &["b"]), (1, Action::View, &["d"]), (24 * 40, Action::Order, &["c"])]),
    ];
    let found = lists(&people, Pair::ViewOrder, &plain());
    assert_eq!((found.of(0).0, found.of(4).0), (&[1, 2][..], &[5][..]));
    // Three occasions, two of them started by `a`: the expected meetings of a pair are 2/3 and 1/3.
    let (a, e) = (found.of(0).1, found.of(4).1);
    assert!((a[0] - a[1]).abs() < 1e-6 && (e[0] / a[0] - 3.0_f32.ln() / 1.5_f32.ln()).abs() < 1e-4, "{a:?} {e:?}");
    assert!(found.of(3).0.is_empty());
}

#[test]
fn orders_follow_orders() {
    let people = [
        person("x", &[(0, Action::Order, &["a", "b"]), (2, Action::Order, &["b", "c"]), (3, Action::Order, &["d"])]),
        person("y", &[(5, Action::Order, &["f"])]),
    ];
    let found = lists(&people, Pair::OrderNext, &plain());
    let rows = |row| found.of(row).0;
    assert_eq!((rows(0), rows(1), rows(2)), (&[2][..], &[][..], &[3][..]), "`b` came before everything: no lift");
    assert!(rows(3).is_empty() && rows(5).is_empty(), "another person's order is no next order");
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
    fn lifts_equal_a_plain_count_of_all_baskets(people in histories()) {
        let settings = Covisitation { shrinkage: 1.0, ..plain() };
        let products = letters(6);
        let data = Dataset::new(&products, &people, &Limits::default()).unwrap();
        for pair in [Pair::OrderTogether, Pair::OrderNext] {
            let (mut meetings, mut from, mut to, mut occasions) = ([[0.0_f64; 6]; 6], [0.0; 6], [0.0; 6], 0.0);
            for history in data.histories() {
                let baskets: Vec<Vec<usize>> = history
                    .chunk_by(|a, b| a.event == b.event)
                    .filter(|event| event[0].action == Action::Order)
                    .map(|event| event.iter().map(|step| step.row as usize).collect())
                    .collect();
                let mut occasion = |start: &Vec<usize>, end: Vec<usize>| {
                    occasions += 1.0;
                    start.iter().for_each(|i| from[*i] += 1.0);
                    end.iter().for_each(|j| to[*j] += 1.0);
                    start.iter().for_each(|i| end.iter().for_each(|j| meetings[*i][*j] += 1.0));
                };
                match pair {
                    Pair::OrderTogether => baskets.iter().for_each(|basket| occasion(basket, basket.clone())),
                    _ => baskets.windows(2).for_each(|two| {
                        occasion(&two[0], two[1].iter().copied().filter(|j| !two[0].contains(j)).collect());
                    }),
                }
            }
            let found = count(&data, pair, &settings, 1, &mut |_| ());
            let lift = |i: usize, j: usize| {
                let lift = ((meetings[i][j] + 1.0) / (from[i] * to[j] / occasions + 1.0)).ln();
                if i == j || meetings[i][j] == 0.0 { 0.0 } else { lift }
            };
            let best: Vec<f64> = (0..6).map(|i| (0..6).map(|j| lift(i, j)).fold(0.0, f64::max)).collect();
            let lists = best.iter().filter(|best| **best > 1e-6).count();
            let scale = lists as f64 / best.iter().sum::<f64>();
            for i in 0..6 {
                let (rows, weights) = found.of(i as u32);
                for j in 0..6 {
                    let weight = rows.iter().position(|row| *row as usize == j).map_or(0.0, |at| f64::from(weights[at]));
                    let expected = if lists == 0 { 0.0 } else { lift(i, j).max(0.0) * scale };
                    prop_assert!((weight - expected).abs() < 1e-3, "{pair:?} {i} {j}: {weight} {expected}");
                }
            }
        }
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

#[test]
fn lists_are_cut_to_what_the_artifact_has_room_for() {
    let lengths = [5, 1, 3, 3];
    for (entries, longest) in [(100, 5), (12, 5), (11, 4), (10, 3), (9, 2), (7, 2), (6, 1), (0, 1)] {
        assert_eq!(super::longest(lengths.into_iter(), entries), longest, "{entries}");
    }
}
