//! The segments that every shop begins with, on everybody who came to the sample shop: each finds a plausible share, and the
//! README tells it.

use std::collections::BTreeMap;

use vitrine_domain::filter::Person;
use vitrine_domain::profile::{Facts, Found, in_fold_order};
use vitrine_domain::segment::{Customer, Scale, memberships, shipped};
use vitrine_domain::{Event, State, Visitor};

use crate::{END, events, shop};

/// Everybody, as their profiles say at the end of the history.
fn everybody() -> Vec<State> {
    let mut found = Found::default();
    events().iter().for_each(|event| found.note(event));
    let people = found.people();
    let mut of: BTreeMap<&Visitor, Vec<Event>> = BTreeMap::new();
    for event in events() {
        of.entry(people.owner(&event.visitor, event.time).unwrap_or(&event.visitor)).or_default().push(event.clone());
    }
    let facts: BTreeMap<String, Facts> =
        shop().products.iter().map(|product| (product.id.as_str().to_owned(), Facts::from(product))).collect();
    let fold = |mut events: Vec<Event>| {
        in_fold_order(&mut events);
        State::default().fold(&events, &facts)
    };
    of.into_values().map(fold).filter(|state| !state.robot).collect()
}

/// Between which shares a segment is plausible: of everybody, for those that speak of visitors, and else of customers.
const PLAUSIBLE: [(&str, bool, f64, f64); 9] = [
    ("just-browsing", false, 0.005, 0.15),
    ("brand-loyal", true, 0.02, 0.40),
    ("deal-hunters", true, 0.05, 0.40),
    ("new-visitors", false, 0.02, 0.50),
    // The same households buy all year.
    ("new-customers", true, 0.0, 0.05),
    ("lapsing", true, 0.01, 0.30),
    // A fifth by definition, but for equals.
    ("big-spenders", true, 0.18, 0.22),
    ("champions", true, 0.05, 0.25),
    ("at-risk", true, 0.02, 0.25),
];

#[test]
fn each_shipped_segment_finds_a_plausible_share_which_the_readme_tells() {
    let everybody = everybody();
    let person = |state| Person { state, now: END };
    let customers: Vec<Customer> = everybody.iter().filter_map(|state| Customer::of(&person(state))).collect();
    let scale = Scale::of(&customers);
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for state in &everybody {
        for segment in memberships(&shipped(), person(state), scale.as_ref()) {
            *found.entry(segment).or_default() += 1;
        }
    }
    assert_eq!(shipped().len(), PLAUSIBLE.len());
    let of = |segment: &str| found.get(segment).copied().unwrap_or_default();
    let rows: Vec<String> = PLAUSIBLE
        .iter()
        .map(|(segment, ..)| {
            let share = of(segment) as f64 / everybody.len() as f64;
            format!("| `{segment}` | {} | {:.1} % |", of(segment), share * 100.0)
        })
        .collect();
    let head = format!("| of {} visitors, {} of them customers | visitors | share |", everybody.len(), customers.len());
    for (segment, of_customers, least, most) in PLAUSIBLE {
        let among = if of_customers { customers.len() } else { everybody.len() };
        let share = of(segment) as f64 / among as f64;
        assert!((least..=most).contains(&share), "{segment}: {share:.3}\n{head}\n{}", rows.join("\n"));
    }
    let readme = include_str!("../../README.md");
    for row in std::iter::once(&head).chain(&rows) {
        assert!(readme.contains(row), "the README says otherwise:\n{head}\n{}", rows.join("\n"));
    }
}
