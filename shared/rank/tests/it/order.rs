//! Diversity, bounds, what the visitor knows, rotation, novelty and objectives.

use std::collections::HashMap;

use proptest::prelude::*;
use vitrine_domain::{Action, Millis, Objective, PastAction, Placement, Rotation, Seen};
use vitrine_rank::Request;

use crate::support::{ARTIFACT, NOW, SHELF, answer, history, ids, of_row, open, past};

fn leaf(row: u32) -> String {
    of_row(&SHELF, row).category.last().cloned().unwrap()
}

/// The mean cosine of neighbours in a list: how alike they are.
fn likeness(rows: &[u32]) -> f32 {
    let cosine = |a: u32, b: u32| {
        let (a, b) = (SHELF.vector(a), SHELF.vector(b));
        let dot = |x: &[half::f16], y: &[half::f16]| x.iter().zip(y).map(|(x, y)| x.to_f32() * y.to_f32()).sum::<f32>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-9)
    };
    let pairs: Vec<f32> =
        rows.iter().flat_map(|a| rows.iter().filter(move |b| *b > a).map(move |b| cosine(*a, *b))).collect();
    pairs.iter().sum::<f32>() / pairs.len() as f32
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_bound_holds_as_long_as_there_are_others(history in history(), bound in 1_usize..4) {
        let placement = Placement { per_category: bound, ..open(12) };
        let found = answer(&SHELF, &Request { history: &history, ..Request::new(&placement, NOW) });
        let mut counts: HashMap<String, usize> = HashMap::new();
        found.items.iter().for_each(|item| *counts.entry(leaf(item.row)).or_default() += 1);
        // Twelve aisles: there are always others.
        prop_assert_eq!(found.items.len(), 12);
        prop_assert!(counts.values().all(|count| *count <= bound), "{:?}", counts);
    }

    #[test]
    fn what_is_known_is_hidden_or_preferred(history in history()) {
        let of = |viewed, bought| Placement { viewed, bought, ..open(100) };
        let rank = |placement: &Placement| {
            let request = Request { history: &history, ..Request::new(placement, NOW) };
            answer(&SHELF, &request).items.iter().map(|item| item.row).collect::<Vec<_>>()
        };
        let bought: Vec<u32> = history.iter().filter(|p| p.action == Action::Order).filter_map(|p| SHELF.row(p.product.as_str())).collect();
        let hidden = rank(&of(Seen::Allow, Seen::Hide));
        prop_assert!(bought.iter().all(|row| !hidden.contains(row)));
        let (allowed, preferred) = (rank(&of(Seen::Allow, Seen::Allow)), rank(&of(Seen::Allow, Seen::Prefer)));
        let place = |list: &[u32], row: u32| list.iter().position(|other| *other == row);
        for row in bought {
            prop_assert!(place(&preferred, row) <= place(&allowed, row));
        }
    }
}

/// The direction of a product's vector without what all have in common.
fn direction(row: u32) -> Vec<f32> {
    let mut direction: Vec<f32> = SHELF.vector(row).iter().map(|x| x.to_f32()).collect();
    for part in ARTIFACT.parts().iter().filter(|part| part.range.len() == 1) {
        direction[part.range.start] = 0.0;
    }
    let length = direction.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
    direction.iter().map(|x| x / length).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_slot_goes_to_the_candidate_of_most_marginal_relevance(
        history in history(),
        diversity in 0.0_f32..1.0,
        among in prop::sample::subsequence((0..96_u32).collect::<Vec<_>>(), 30),
    ) {
        let list = |diversity| {
            let placement = Placement { diversity, ..open(30) };
            let request = Request { history: &history, among: Some(&among), ..Request::new(&placement, NOW) };
            answer(&SHELF, &request).items.iter().map(|item| (item.row, item.score)).collect::<Vec<_>>()
        };
        let mut rest: HashMap<u32, f32> = list(0.0).into_iter().collect();
        let (low, high) = rest.values().fold((f32::MAX, f32::MIN), |(low, high), s| (low.min(*s), high.max(*s)));
        let mut above: Vec<Vec<f32>> = Vec::new();
        for (row, _) in list(diversity) {
            let value = |row: u32, score: f32| {
                let own = direction(row);
                let cosine = |other: &Vec<f32>| own.iter().zip(other).map(|(a, b)| a * b).sum::<f32>();
                let likeness = above.iter().map(cosine).fold(0.0, f32::max);
                let utility = if low < high { (score - low) / (high - low) } else { 0.0 };
                (1.0 - diversity) * utility - diversity * likeness
            };
            let most = rest.iter().map(|(row, score)| value(*row, *score)).fold(f32::MIN, f32::max);
            let picked = value(row, rest.remove(&row).unwrap());
            prop_assert!(picked >= most - 1e-4, "{picked} {most}");
            above.push(direction(row));
        }
        prop_assert!(rest.is_empty());
    }
}

#[test]
fn diversity_makes_a_list_less_alike() {
    let history: Vec<PastAction> = (0..6).map(|n| past(n * 12 + 4, Action::View, 60 - n as i64)).collect();
    let list = |diversity| {
        let placement = Placement { diversity, ..open(10) };
        let found = answer(&SHELF, &Request { history: &history, ..Request::new(&placement, NOW) });
        found.items.iter().map(|item| item.row).collect::<Vec<_>>()
    };
    let (plain, mixed, most) = (list(0.0), list(0.5), list(1.0));
    assert!(likeness(&mixed) < likeness(&plain), "{} {}", likeness(&mixed), likeness(&plain));
    assert!(likeness(&most) <= likeness(&mixed) + 0.02);
    assert_eq!(plain[0], mixed[0], "the first has nothing above it");
}

#[test]
fn what_was_shown_without_a_click_makes_room() {
    let history = [past(4, Action::View, 90)];
    let placement = Placement { rotation: Some(Rotation { keep: 0.5, hours: 2.0 }), ..open(5) };
    let list = |impressions: &[(&str, Millis)], history: &[PastAction]| {
        let request = Request { history, impressions, ..Request::new(&placement, NOW) };
        ids(&SHELF, &answer(&SHELF, &request)).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let before = list(&[], &history);
    let first = before[0].as_str();
    let shown = [(first, NOW.plus(-60_000)), (first, NOW.plus(-120_000)), (first, NOW.plus(-180_000))];
    assert_ne!(list(&shown, &history)[0], first, "three times is enough");
    let long_ago = shown.map(|(id, at)| (id, at.plus(-3 * 3_600_000)));
    assert_eq!(list(&long_ago, &history), before, "forgotten");
    let number: usize = first[1..].parse().unwrap();
    let clicked = [history[0].clone(), past(number, Action::Click, 0)];
    let open_list = list(&[], &clicked);
    assert_eq!(list(&shown, &clicked), open_list, "clicked since");
}

#[test]
fn an_objective_lifts_what_it_is_good_for() {
    let mean = |objective, of: &dyn Fn(u32) -> f32| {
        let placement = Placement { objective, ..open(15) };
        let found = answer(&SHELF, &Request::new(&placement, NOW));
        found.items.iter().map(|item| of(item.row)).sum::<f32>() / 15.0
    };
    let price = |row| SHELF.price(row).unwrap_or_default();
    let orders = |row: u32| ARTIFACT.conversion()[row as usize];
    let margin = |row| ARTIFACT.margin(row).unwrap_or_default() * orders(row);
    assert!(mean(Objective::Orders, &orders) > mean(Objective::Clicks, &orders));
    let revenue = |row| price(row) * orders(row);
    assert!(mean(Objective::Revenue, &revenue) > mean(Objective::Clicks, &revenue));
    assert!(mean(Objective::Margin, &margin) > mean(Objective::Clicks, &margin));
}

#[test]
fn novelty_lifts_what_few_know() {
    let people = |novelty| {
        let placement = Placement { novelty, ..open(20) };
        let found = answer(&SHELF, &Request { history: &[past(4, Action::View, 5)], ..Request::new(&placement, NOW) });
        found.items.iter().map(|item| ARTIFACT.people()[item.row as usize]).sum::<u32>()
    };
    assert!(people(1.0) <= people(0.0));
}
