//! The indexed score against a naive one over all sessions, its decomposition, and what the index and the search keep.

use proptest::collection::vec;
use proptest::prelude::*;
use vitrine_domain::{Action, Event, Product, Visitor};

use super::index::PLACES;
use super::*;
use crate::dataset::Dataset;
use crate::dataset::tests::{event, letters, person};
use crate::settings::{Limits, Sessions as Bounds};
use crate::tally::Tally;

const PRODUCTS: u8 = 8;

/// Sessions as a log: each of another person, an hour after the one before; all steps at once.
fn log(sessions: &[Vec<u32>]) -> Vec<(Visitor, Vec<Event>)> {
    let products = letters(PRODUCTS);
    let people = sessions.iter().enumerate().map(|(number, rows)| {
        // Names in falling order, so that the order of persons is not that of time.
        let name = format!("p{:04}", 9_999 - number);
        let events =
            rows.iter().map(|row| event(&name, number as i64, Action::View, &[products[*row as usize].id.as_str()]));
        (Visitor::anonymous(&name).unwrap(), events.collect())
    });
    people.collect()
}

fn dataset<'a>(products: &'a [Product], people: &[(Visitor, Vec<Event>)]) -> Dataset<'a> {
    Dataset::new(products, people, &Limits::default()).unwrap()
}

fn build(sessions: &[Vec<u32>], bounds: &Bounds) -> Sessions {
    Sessions::build(&dataset(&letters(PRODUCTS), &log(sessions)), bounds)
}

fn companions(lists: &[Vec<(u32, f32)>]) -> impl Fn(u32) -> std::vec::IntoIter<(u32, f32)> + '_ {
    |row| lists.get(row as usize).cloned().unwrap_or_default().into_iter()
}

fn current(rows: &[u32]) -> Vec<(u32, f32)> {
    rows.iter().enumerate().map(|(at, row)| (*row, (rows.len() - 1 - at) as f32)).collect()
}

fn score(
    index: &Sessions,
    parameters: Parameters,
    current: &[(u32, f32)],
    lists: &[Vec<(u32, f32)>],
    scratch: &mut Scratch,
) -> Vec<f32> {
    let factors = Factors::of(index, &parameters);
    let mut tally = Tally::new(PRODUCTS as usize);
    let view = View::new(index, &factors, parameters, usize::MAX);
    view.neighbours_score(current, companions(lists), scratch, &mut tally);
    (0..u32::from(PRODUCTS)).map(|row| tally.sum(row)).collect()
}

/// The formulas of the module, session by session, in double precision.
fn naive(sessions: &[Vec<u32>], p: &Parameters, current: &[(u32, f32)], lists: &[Vec<(u32, f32)>]) -> Vec<f64> {
    let f = f64::from;
    let sessions: Vec<&Vec<u32>> = sessions.iter().filter(|rows| rows.len() >= 2).collect();
    let total = sessions.len();
    let having = |row: u32| sessions.iter().filter(|rows| rows.contains(&row)).count() as f64;
    let idf = |row: u32| {
        let n = having(row);
        if n == 0.0 { 0.0 } else { (total as f64 / n).ln_1p().powf(f(p.idf)) }
    };
    let mut weights = vec![0.0; PRODUCTS as usize];
    for (at, (row, back)) in current.iter().enumerate() {
        let voice = (-f(*back) / f(p.step)).exp();
        weights[*row as usize] += voice * idf(*row);
        if at + 2 >= current.len() {
            let list = &lists[*row as usize];
            for (x, weight) in list.iter().take(p.companions as usize) {
                weights[*x as usize] += f(p.expansion) * voice * f(*weight) / f(list[0].1) * idf(*x);
            }
        }
    }
    // The ages that the log of the tests gives: sessions of at least two places, evenly spread or with holes.
    let ages = build_ages(&sessions);
    let mut near: Vec<(f64, f64, usize)> = Vec::new();
    for (number, rows) in sessions.iter().enumerate() {
        let mut distinct = (*rows).clone();
        distinct.sort_unstable();
        distinct.dedup();
        let common: f64 = distinct.iter().map(|row| weights[*row as usize]).sum();
        let gain = (rows.len() as f64).powf(-f(p.length)) * (-ages[number] / f(p.recency)).exp();
        if common > 0.0 {
            near.push((gain * common, common, number));
        }
    }
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.truncate(p.neighbours as usize);
    let mut scores = vec![0.0; PRODUCTS as usize];
    for (similarity, common, number) in near {
        let rows = sessions[number];
        for (r, x) in rows.iter().enumerate() {
            let times = rows.iter().filter(|row| *row == x).count() as f64;
            for (q, j) in rows.iter().enumerate() {
                let fall = |steps: usize| (-((steps - 1) as f64) / f(p.distance)).exp();
                let delta = match q.cmp(&r) {
                    std::cmp::Ordering::Greater => fall(q - r),
                    std::cmp::Ordering::Less => f(p.backward) * fall(r - q),
                    std::cmp::Ordering::Equal => f(p.itself),
                };
                scores[*j as usize] += similarity.powf(f(p.sharpness)) / common * weights[*x as usize] / times * delta;
            }
        }
    }
    for (row, score) in (0..).zip(&mut scores) {
        let n = having(row);
        *score *= if n == 0.0 { 0.0 } else { n.powf(-f(p.popularity)) };
        *score *= if current.iter().any(|(seen, _)| *seen == row) { f(p.seen) } else { 1.0 };
    }
    scores
}

/// The last of the steps of each session is at a known hour: its number among all that were made.
fn build_ages(sessions: &[&Vec<u32>]) -> Vec<f64> {
    let last = sessions.len().saturating_sub(1).max(1) as f64;
    (0..sessions.len()).map(|number| (sessions.len() - 1 - number) as f64 / last).collect()
}

fn some_sessions() -> impl Strategy<Value = Vec<Vec<u32>>> {
    vec(vec(0..u32::from(PRODUCTS), 2..7), 1..25)
}

fn some_lists() -> impl Strategy<Value = Vec<Vec<(u32, f32)>>> {
    let list = vec((0..u32::from(PRODUCTS), 0.1_f32..2.0), 0..4).prop_map(|mut list| {
        list.sort_by(|a, b| b.1.total_cmp(&a.1));
        list
    });
    vec(list, PRODUCTS as usize)
}

fn some_parameters() -> impl Strategy<Value = Parameters> {
    let shape = (0.5_f32..5.0, 0.0_f32..2.0, 0.0_f32..1.0, 0.1_f32..2.0, 1.0_f32..2.0, 0.5_f32..5.0);
    let rest = (0.0_f32..1.0, 0.0_f32..1.0, 0.0_f32..3.0, 0.0_f32..0.5, 0.0_f32..0.5, 0_u32..4);
    (shape, rest).prop_map(|((step, idf, length, recency, sharpness, distance), rest)| {
        let (backward, itself, seen, popularity, expansion, companions) = rest;
        Parameters {
            step,
            idf,
            length,
            recency,
            neighbours: 1_000,
            sharpness,
            distance,
            backward,
            itself,
            seen,
            popularity,
            expansion,
            companions,
        }
    })
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-3 * a.abs().max(b.abs()) + 1e-6
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_index_scores_like_a_look_at_every_session(
        sessions in some_sessions(),
        rows in vec(0..u32::from(PRODUCTS), 1..6),
        lists in some_lists(),
        parameters in some_parameters(),
        neighbours in 1_u32..8,
    ) {
        let index = build(&sessions, &Bounds::default());
        let current = current(&rows);
        let mut scratch = Scratch::default();
        for limited in [parameters, Parameters { neighbours, ..parameters }] {
            let expected = naive(&sessions, &limited, &current, &lists);
            // Twice, with the scratch of the first: nothing may be left in it.
            for _ in 0..2 {
                let found = score(&index, limited, &current, &lists, &mut scratch);
                for (found, expected) in found.iter().zip(&expected) {
                    prop_assert!(close(f64::from(*found), *expected), "{found} {expected}");
                }
            }
        }
    }

    #[test]
    fn the_actions_parts_sum_up_to_the_score(
        sessions in some_sessions(),
        rows in vec(0..u32::from(PRODUCTS), 1..6),
        lists in some_lists(),
        parameters in some_parameters(),
        neighbours in 1_u32..8,
    ) {
        let parameters = Parameters { neighbours, ..parameters };
        let index = build(&sessions, &Bounds::default());
        let current = current(&rows);
        let mut scratch = Scratch::default();
        let scores = score(&index, parameters, &current, &lists, &mut scratch);
        let factors = Factors::of(&index, &parameters);
        let view = View::new(&index, &factors, parameters, usize::MAX);
        // In no order, and one of them twice.
        let page: Vec<u32> = (0..u32::from(PRODUCTS)).rev().chain([3]).collect();
        let mut sums = vec![0.0; page.len()];
        view.evidence(&current, companions(&lists), &page, &mut scratch, &mut |place, at, part| {
            assert!(at < current.len() && part > 0.0);
            sums[place] += f64::from(part);
        });
        for (row, sum) in page.iter().zip(sums) {
            let score = scores[*row as usize];
            prop_assert!(close(sum, f64::from(score)), "{sum} {score}");
        }
    }

    #[test]
    fn the_scores_of_a_page_are_those_of_all_whatever_was_asked_before(
        sessions in some_sessions(),
        asked in vec(vec(0..u32::from(PRODUCTS), 1..6), 1..4),
        lists in some_lists(),
        parameters in some_parameters(),
        neighbours in 1_u32..8,
    ) {
        let parameters = Parameters { neighbours, ..parameters };
        let index = build(&sessions, &Bounds::default());
        let factors = Factors::of(&index, &parameters);
        let view = View::new(&index, &factors, parameters, usize::MAX).with_serial(7);
        let page: Vec<u32> = (0..u32::from(PRODUCTS)).rev().chain([3]).collect();
        let mut kept = Scratch::default();
        // Each is asked for twice: what was found for one session is no answer for another, nor for another index.
        for rows in asked.iter().chain(&asked).flat_map(|rows| [rows, rows]) {
            let current = current(rows);
            let expected = score(&index, parameters, &current, &lists, &mut Scratch::default());
            let mut sums = vec![f32::NAN; page.len()];
            view.scores_of(&current, companions(&lists), &page, &mut kept, &mut sums);
            for (row, sum) in page.iter().zip(sums) {
                prop_assert_eq!(sum, expected[*row as usize]);
            }
            let without = Parameters { neighbours: 1, ..parameters };
            let other = View::new(&index, &factors, without, usize::MAX).with_serial(8);
            other.scores_of(&current, companions(&lists), &page, &mut kept, &mut vec![0.0; page.len()]);
        }
    }

    #[test]
    fn less_evidence_never_scores_higher_while_no_neighbour_is_cut_off(
        sessions in some_sessions(),
        rows in vec(0..u32::from(PRODUCTS), 2..6),
        lists in some_lists(),
        parameters in some_parameters(),
        gone in 0_usize..6,
    ) {
        // The two newest have companions: an older one must not become one of them by the removal.
        let gone = gone % rows.len();
        let parameters = Parameters { expansion: 0.0, ..parameters };
        let index = build(&sessions, &Bounds::default());
        let all = current(&rows);
        let mut fewer = all.clone();
        let (removed, _) = fewer.remove(gone);
        let mut scratch = Scratch::default();
        let before = score(&index, parameters, &all, &lists, &mut scratch);
        let after = score(&index, parameters, &fewer, &lists, &mut scratch);
        for row in (0..u32::from(PRODUCTS)).filter(|row| *row != removed) {
            let (before, after) = (before[row as usize], after[row as usize]);
            prop_assert!(after <= before * 1.000_1 + 1e-6, "{row}: {before} {after}");
        }
    }

    #[test]
    fn numbers_of_a_damaged_file_do_not_panic(
        starts in vec(any::<u32>(), 0..6), small in vec(0..9_u32, 0..9), factors in vec(any::<f32>(), 0..9),
        rows in vec(any::<u32>(), 1..5),
    ) {
        let parameters = Parameters::default();
        let mut tally = Tally::new(PRODUCTS as usize);
        for [a, b, c, d] in [[&starts, &small, &small, &small], [&small, &starts, &starts, &small], [&small; 4]] {
            let view = View::over([a, b, c, d], [&factors; 3], parameters, 100);
            let mixed: Vec<u32> = rows.iter().flat_map(|row| [*row, *row % 9]).collect();
            view.neighbours_score(&current(&mixed), |_| small.iter().map(|x| (*x, 1.0)), &mut Scratch::default(), &mut tally);
        }
    }
}

#[test]
fn a_pause_starts_a_session_and_a_single_look_is_none() {
    let products = letters(4);
    let people = [
        person("x", &[(0, Action::View, &["a"]), (0, Action::Add, &["b"]), (5, Action::View, &["c"])]),
        person("y", &[(3, Action::Order, &["c", "d"]), (3, Action::Refund, &["a"]), (9, Action::View, &["a", "b"])]),
    ];
    let index = Sessions::build(&dataset(&products, &people), &Bounds::default());
    assert_eq!((index.starts, index.rows), (vec![0, 2, 4, 6], vec![0, 1, 2, 3, 0, 1]));
    let third = 2.0 / 3.0;
    assert_eq!(index.ages, [1.0, third as f32, 0.0]);
    assert_eq!((index.posting_starts, index.postings), (vec![0, 2, 4, 5, 6], vec![2, 0, 2, 0, 1, 1]));
}

#[test]
fn the_newest_sessions_are_kept_and_listed() {
    let sessions = [vec![0, 1], vec![0, 2], vec![0, 3], vec![0, 0, 4]];
    let index = build(&sessions, &Bounds { sessions: 3, per_product: 2, ..Bounds::default() });
    assert_eq!((index.len(), &index.rows[..]), (3, &[0, 2, 0, 3, 0, 0, 4][..]));
    assert_eq!(index.postings[..index.posting_starts[1] as usize], [2, 1]);
    assert_eq!(index.counts, [3, 0, 1, 1, 1, 0, 0, 0]);
    let index = build(&sessions, &Bounds { places: 6, ..Bounds::default() });
    assert_eq!(index.rows, [0, 3, 0, 0, 4], "what does not fit whole is left out, and all that is older");
}

#[test]
fn of_a_long_session_the_newest_places_are_kept() {
    let rows: Vec<u32> = (0..PLACES as u32 + 20).map(|at| if at < 20 { 7 } else { at % 5 }).collect();
    let index = build(std::slice::from_ref(&rows), &Bounds::default());
    assert_eq!(index.rows, rows[20..]);
}

#[test]
fn reading_is_bounded() {
    let sessions: Vec<Vec<u32>> = (0..20).map(|_| vec![0, 1]).chain((0..20).map(|_| vec![2, 3])).collect();
    let index = build(&sessions, &Bounds::default());
    let parameters = Parameters { seen: 1.0, ..Parameters::default() };
    let factors = Factors::of(&index, &parameters);
    let scores = |reads: usize| {
        let mut tally = Tally::new(PRODUCTS as usize);
        let view = View::new(&index, &factors, parameters, reads);
        view.neighbours_score(&[(2, 1.0), (0, 0.0)], |_| std::iter::empty(), &mut Scratch::default(), &mut tally);
        [1, 3].map(|row| tally.sum(row))
    };
    // The newest action is read first.
    let (none, some, all) = (scores(0), scores(10), scores(40));
    assert_eq!(none, [0.0, 0.0]);
    assert!(some[0] > 0.0 && some[0] < all[0] && some[1] == 0.0 && all[1] > 0.0);
    assert_eq!(scores(20)[0].to_bits(), all[0].to_bits());
}

#[test]
fn the_search_climbs_to_the_best_values_and_only_for_what_is_worth_it() {
    // A smooth hill with its top at known steps of two ladders.
    let hill = |p: &Parameters| -f64::from((p.step - 5.0).abs() + (p.neighbours as f32 - 100.0).abs() / 100.0);
    let (best, most) = choose(Parameters::default(), 0.0, &mut |p| hill(p));
    assert_eq!(best, Parameters { step: 5.0, neighbours: 100, ..Parameters::default() });
    assert_eq!(most, 0.0);
    let (still, _) = choose(Parameters::default(), 10.0, &mut |p| hill(p));
    assert_eq!(still, Parameters::default());
}
