//! Simulated shops whose rates and intervals are known; closed forms; playing back against plain reading.

use proptest::prelude::*;
use vitrine_domain::{Action, Event, Visitor};

use super::cases::{Case, orders, play};
use super::*;
use crate::dataset::mix;
use crate::dataset::tests::{letters, person};

/// A number in [0, 1) for a place in a simulation.
fn chance(seed: u64, a: u64, b: u64) -> f64 {
    (mix(mix(mix(seed) ^ a) ^ b) >> 11) as f64 / (1_u64 << 53) as f64
}

fn learn(people: &[(Visitor, Vec<Event>)], products: u8) -> Repurchase {
    let products = letters(products);
    let data = Dataset::new(&products, people, &Default::default()).unwrap();
    Repurchase::learn(&data, &settings::Repurchase::default())
}

fn past(row: u32, age_days: f32) -> Interaction {
    Interaction { row, action: Action::Order, age_days }
}

fn globals(clock: Clock) -> Globals {
    Globals {
        orders_only: true,
        rate: 0.2,
        interval: 10.0,
        strength: 4.0,
        intervals: 2.0,
        clock,
        timing: std::array::from_fn(|step| 0.5 + 0.1 * step as f32),
    }
}

fn habit(times: u32, orders_since_first: u32) -> Habit {
    Habit { row: 0, times, orders_since_first, orders_since_last: 0, days_since_first: 40.0, days_since_last: 10.0 }
}

#[test]
fn a_history_gives_habits() {
    let mut history =
        [past(3, 9.0), past(1, 9.0), past(3, 5.0), past(2, 4.0), past(1, 4.0), past(1, 4.0), past(2, 1.0)];
    history[2].action = Action::View;
    let mut scratch = Scratch::default();
    scratch.fold(&history, true);
    let of = |row, times, (a, b), (days_since_first, days_since_last)| Habit {
        row,
        times,
        orders_since_first: a,
        orders_since_last: b,
        days_since_first,
        days_since_last,
    };
    let (three, one) = (of(3, 1, (2, 2), (9.0, 9.0)), of(1, 2, (2, 1), (9.0, 4.0)));
    assert_eq!(scratch.habits(), [three, one, of(2, 2, (1, 0), (4.0, 1.0))]);
    scratch.fold(&history[2..3], true);
    assert_eq!(scratch.habits(), []);
    scratch.fold(&history[2..3], false);
    assert_eq!(scratch.habits(), [of(3, 1, (0, 0), (5.0, 5.0))]);
}

#[test]
fn the_score_is_its_closed_form() {
    let g = globals(Clock::Days);
    let view = View { rates: &[0.5], intervals: &[20.0], globals: &g };
    let known = view.strength(&habit(3, 6));
    assert!((known.rate - (2.0 + 4.0 * 0.5) / (6.0 + 4.0)).abs() < 1e-6);
    assert!((known.expected - (2.0 * 20.0 + 30.0) / (2.0 + 2.0)).abs() < 1e-5);
    // 10 days of 17.5: log2 is -0.81, the second half octave before it is due.
    assert!((known.timing - g.timing[DUE as usize - 2]).abs() < 1e-6);
    // A product learned of later has the shop's means.
    let known = view.strength(&Habit { row: 7, ..habit(1, 0) });
    assert!((known.rate - 0.2).abs() < 1e-6 && (known.expected - (20.0 + 30.0) / 2.0).abs() < 1e-5);
    let mut tally = Tally::new(3);
    view.score_habits(&[habit(3, 6)], &mut tally);
    assert_eq!(tally.rows(), [0]);
    // Step 5 of the timing counts 1, so what is left is the rate.
    assert!((tally.sum(0) - 0.4).abs() < 1e-6);
}

#[test]
fn steps_are_half_octaves_and_due_begins_one() {
    assert_eq!(step(10.0, 10.0), 7);
    assert_eq!(step(9.99, 10.0), 6);
    assert_eq!(step(14.2, 10.0), 8);
    assert_eq!((step(0.0, 10.0), step(1e9, 10.0)), (0, STEPS - 1));
    assert!(step(f32::NAN, f32::NAN) < STEPS);
}

/// Everybody orders weekly; `a` with 60 %, `b` with 10 %, `c` once in a lifetime; `d` always, so that there are orders.
fn weekly(people: u64, orders: u64) -> Vec<(Visitor, Vec<Event>)> {
    (0..people)
        .map(|who| {
            let events: Vec<(i64, Action, Vec<&str>)> = (0..orders)
                .map(|week| {
                    let mut rows = vec!["d"];
                    let first = week == 0;
                    rows.extend((first || chance(1, who, week) < 0.6).then_some("a"));
                    rows.extend((first || chance(2, who, week) < 0.1).then_some("b"));
                    rows.extend(first.then_some("c"));
                    (week as i64 * 168, Action::Order, rows)
                })
                .collect();
            let borrowed: Vec<_> = events.iter().map(|(at, action, rows)| (*at, *action, &rows[..])).collect();
            person(&format!("p{who}"), &borrowed)
        })
        .collect()
}

#[test]
fn rates_are_those_of_the_simulation() {
    let people = weekly(120, 12);
    let model = learn(&people, 4);
    for (rate, truth) in model.rates.iter().zip([0.6, 0.1, 0.0, 1.0]) {
        assert!((rate - truth).abs() < 0.05, "{rate} {truth}");
    }
    // Everybody is alike, so what the product does weighs much against the own past.
    assert!(model.globals.strength >= 32.0, "{:?}", model.globals);
    // Evenly spaced times have no clock of their own.
    assert_ne!(model.globals.clock, Clock::Days);
    // What is in every order has an interval of one order.
    assert!((model.intervals[3] - 1.0).abs() < 0.05, "{:?}", model.intervals);

    let reversed: Vec<_> = people.into_iter().rev().collect();
    assert_eq!(learn(&reversed, 4), model);
}

#[test]
fn own_habits_count_where_people_differ() {
    // Half of the people always buy `a`, half never again.
    let people: Vec<_> = (0..100)
        .map(|who| {
            let events: Vec<(i64, Action, &[&str])> = (0..8_i64)
                .map(|week| {
                    let rows: &[&str] = if week == 0 || who % 2 == 0 { &["a", "b"] } else { &["b"] };
                    (week * 168, Action::Order, rows)
                })
                .collect();
            person(&format!("p{who}"), &events)
        })
        .collect();
    let model = learn(&people, 2);
    assert!(model.globals.strength <= 2.0, "{:?}", model.globals);
    let view = model.view();
    let again = view.strength(&habit(5, 4)).rate;
    let once = view.strength(&habit(1, 4)).rate;
    assert!(again > 0.8 && once < 0.2, "{again} {once}");
}

/// People order `b` on irregular days; every 30 days or so they are out of `a`, and have it in the next order.
fn used_up() -> Vec<(Visitor, Vec<Event>)> {
    (0..150_u64)
        .map(|who| {
            let (mut day, mut bought) = (0.0, -100.0);
            let events: Vec<(i64, Action, &[&str])> = (0..40_u64)
                .map(|number| {
                    day += if chance(3, who, number) < 0.8 { 2.0 } else { 24.0 };
                    let lasts = 25.0 + 10.0 * chance(4, who, number);
                    let rows: &[&str] = if day - bought >= lasts { &["a", "b"] } else { &["b"] };
                    if rows.len() == 2 {
                        bought = day;
                    }
                    ((day * 24.0) as i64, Action::Order, rows)
                })
                .collect();
            person(&format!("p{who}"), &events)
        })
        .collect()
}

#[test]
fn what_is_used_up_is_not_due_after_a_purchase_and_due_after_its_interval() {
    let model = learn(&used_up(), 2);
    assert_eq!(model.globals.clock, Clock::Days);
    assert!((25.0..50.0).contains(&model.intervals[0]), "{:?}", model.intervals);
    let view = model.view();
    let after = |days: f32| {
        let habit = Habit { times: 4, days_since_first: days + 120.0, days_since_last: days, ..habit(4, 24) };
        view.strength(&habit).score()
    };
    assert!(after(2.0) < 0.05 && after(45.0) > 0.5, "{} {}", after(2.0), after(45.0));
    assert!(after(2.0) < after(28.0) && after(28.0) < after(45.0));
}

#[test]
fn a_log_without_orders_learns_from_looks() {
    let people: Vec<_> = (0..40)
        .map(|who| {
            let other: &[&str] = if who % 4 == 0 { &["a"] } else { &["b"] };
            person(
                &format!("p{who}"),
                &[
                    (0, Action::View, &["a"]),
                    (1, Action::View, &["b"]),
                    (2, Action::View, &["c"]),
                    (3, Action::View, other),
                ],
            )
        })
        .collect();
    let model = learn(&people, 3);
    assert!(!model.globals.orders_only);
    // One of three later looks in a quarter of the cases; one of two in three quarters.
    assert!(model.rates[0] < model.rates[1] && model.rates[2] < model.rates[1], "{:?}", model.rates);
    let products = letters(3);
    let data = Dataset::new(&products, &people, &Default::default()).unwrap();
    assert_eq!(latest(&data), [0.25, 0.75, 0.0]);
}

#[test]
fn nothing_is_learned_from_nothing() {
    for people in [vec![], vec![person("x", &[(0, Action::Order, &["a"])])]] {
        let model = learn(&people, 2);
        assert_eq!(model.rates, [0.0, 0.0]);
        assert_eq!(model.globals.clock, Clock::None);
        let mut tally = Tally::new(2);
        model.view().score(&[past(0, 1.0)], &mut Scratch::default(), &mut tally);
        assert!(tally.rows().is_empty());
    }
}

/// Orders as sets of rows with the hours between them.
fn shop() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    proptest::collection::vec((1..50_u8, proptest::collection::vec(0..4_u8, 1..4)), 1..9)
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn one_person(orders: &[(u8, Vec<u8>)]) -> (Visitor, Vec<Event>) {
    let mut hour = 0;
    let events: Vec<(i64, Action, Vec<&str>)> = orders
        .iter()
        .map(|(gap, rows)| {
            hour += i64::from(*gap);
            (hour, Action::Order, rows.iter().map(|row| NAMES[usize::from(*row)]).collect())
        })
        .collect();
    let borrowed: Vec<_> = events.iter().map(|(at, action, rows)| (*at, *action, &rows[..])).collect();
    person("x", &borrowed)
}

proptest! {
    #[test]
    fn playing_back_knows_what_serving_would_have_known(shop in shop()) {
        let products = letters(4);
        let people = [one_person(&shop)];
        let data = Dataset::new(&products, &people, &Default::default()).unwrap();
        let all = orders(data.history(0), true, usize::MAX);
        let mut played = Vec::new();
        play(&all, 1, &mut played);

        let mut plain = Vec::new();
        for (number, order) in all.iter().enumerate() {
            let before: Vec<_> = all[..number].iter().flat_map(|order| order.iter()).collect();
            let now = order[0].at;
            let history: Vec<_> =
                before.iter().map(|step| past(step.row, crate::dataset::days(now, step.at))).collect();
            let mut scratch = Scratch::default();
            scratch.fold(&history, true);
            let mut habits = scratch.habits().to_vec();
            habits.sort_by_key(|habit| habit.row);
            for habit in habits {
                let holds = |order: &&[crate::dataset::Step]| order.iter().any(|step| step.row == habit.row);
                let times = all.iter().filter(|order| holds(order)).count() as u32;
                let first = all.iter().position(holds).unwrap();
                let own = (times - 1, (all.len() - 1 - first) as u32);
                plain.push(Case { habit, again: holds(order), own, half: 1 });
            }
        }
        prop_assert_eq!(played, plain);
    }

    #[test]
    fn the_more_often_the_likelier(
        times in 1..30_u32, more in 0..30_u32, rate in 0.0..1.0_f32, strength in 1.0..64.0_f32, since in 0..9_u32
    ) {
        let g = Globals { strength, ..globals(Clock::None) };
        let view = View { rates: &[rate], intervals: &[10.0], globals: &g };
        let orders = times - 1 + more;
        let base = view.strength(&Habit { orders_since_last: since.min(more), ..habit(times, orders) }).score();
        let oftener = view.strength(&Habit { orders_since_last: 0, ..habit(times + 1, orders + 1) }).score();
        let longer_ago = view.strength(&habit(times, orders + 1)).score();
        prop_assert!(oftener >= base && longer_ago <= base);
        prop_assert!((0.0..=1.0).contains(&base) && (0.0..=1.0).contains(&oftener));
    }

    #[test]
    fn any_history_has_finite_scores_for_its_own_products_only(
        history in proptest::collection::vec((0..6_u32, proptest::num::f32::ANY), 0..50)
    ) {
        let g = globals(Clock::Days);
        let view = View { rates: &[0.5, 0.0], intervals: &[20.0, 0.0], globals: &g };
        let history: Vec<_> = history.into_iter().map(|(row, age)| past(row, age)).collect();
        let mut tally = Tally::new(4);
        view.score(&history, &mut Scratch::default(), &mut tally);
        for row in tally.rows() {
            prop_assert!(history.iter().any(|past| past.row == *row));
            prop_assert!((0.0..=1.0).contains(&tally.sum(*row)));
        }
    }
}
