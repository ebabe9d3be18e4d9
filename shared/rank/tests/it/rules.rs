//! Rules do what they say, on every list.

use proptest::prelude::*;
use serde_json::{Value, json};
use vitrine_domain::{Exploration, PastAction, Placement, Rule};
use vitrine_rank::{Answer, ReasonKind, Request, Shelf};

use crate::support::{CHANGED, NOW, SHELF, answer, fresh, history, ids, of_row, open, past};

fn rule(id: &str, effect: Value) -> Rule {
    let rule: Rule = serde_json::from_value(json!({ "id": id, "effect": effect })).unwrap();
    assert!(rule.faults().is_empty(), "{:?}", rule.faults());
    rule
}

fn under(shelf: &Shelf, placement: &Placement, history: &[PastAction], rules: &[Rule]) -> Answer {
    answer(shelf, &Request { history, rules, ..Request::new(placement, NOW) })
}

fn brand(shelf: &Shelf, row: u32) -> Option<String> {
    of_row(shelf, row).brand
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn all_at_once_each_holds(history in history(), bound in 1_usize..4, slot in 1_usize..10, share in 0.1_f32..0.6) {
        let rules = [
            rule("hide", json!({"kind": "hide", "filter": "brand = \"Borealis\""})),
            rule("only", json!({"kind": "include_only", "filter": "price < 12 or price is missing"})),
            rule("bound", json!({"kind": "at_most", "attribute": "brand", "count": bound})),
            rule("pin", json!({"kind": "pin", "product": "p04", "slot": slot})),
            rule("gone", json!({"kind": "pin", "product": "p02", "slot": slot + 1})),
            rule("share", json!({"kind": "share", "filter": "colour = \"red\"", "share": share})),
        ];
        let placement = fresh(10);
        let found = under(&CHANGED, &placement, &history, &rules);
        let rows: Vec<u32> = found.items.iter().map(|item| item.row).collect();
        for row in &rows {
            let product = of_row(&CHANGED, *row);
            prop_assert!(product.brand.as_deref() != Some("Borealis"));
            prop_assert!(product.current_price().is_none_or(|price| price < 12.0));
            prop_assert!(CHANGED.sellable().contains(*row));
        }
        for name in ["Acme", "Corvo", "Dune", "Elan"] {
            let count = rows.iter().filter(|row| brand(&CHANGED, **row).as_deref() == Some(name)).count();
            prop_assert!(count <= bound, "{} {}", name, count);
        }
        let pinned = CHANGED.row("p04").unwrap();
        let hidden = history.iter().any(|past| past.product.as_str() == "p04" && NOW.since(past.at) < 30 * 60_000 && past.action != vitrine_domain::Action::Order);
        let product = of_row(&CHANGED, pinned);
        if product.is_sellable() && product.current_price().is_none_or(|p| p < 12.0) && !hidden && rows.len() >= slot {
            prop_assert_eq!(rows.iter().position(|row| *row == pinned), Some(slot - 1));
            prop_assert_eq!(found.items[slot - 1].propensity, 1.0);
            prop_assert_eq!(found.items[slot - 1].reasons[0].rule.as_deref(), Some("pin"));
        }
        // Enough red ones are free of other bounds: those without a brand.
        let red = |row: &u32| of_row(&CHANGED, *row).attributes.get("colour") == Some(&json!("red"));
        let left = (0..CHANGED.len() as u32).filter(|row| {
            let product = of_row(&CHANGED, *row);
            CHANGED.sellable().contains(*row) && red(row) && product.current_price().is_none_or(|p| p < 12.0)
                && product.brand.as_deref() != Some("Borealis") && !rows.contains(row)
        });
        let free = left.filter(|row| {
            let brand = brand(&CHANGED, *row);
            let taken = rows.iter().filter(|other| brand.is_some() && self::brand(&CHANGED, **other) == brand).count();
            let id = CHANGED.id(*row);
            let seen = history.iter().any(|past| past.product.as_str() == id);
            taken < bound && !seen && id != "p04"
        }).count();
        let count = rows.iter().filter(|row| red(row)).count();
        prop_assert!(free == 0 || count >= (share * rows.len() as f32) as usize, "{} of {} red, {} free", count, rows.len(), free);
    }

    #[test]
    fn a_boost_lifts_and_a_bury_lowers_and_nothing_else_moves(history in history(), factor in 1.1_f32..20.0) {
        let placement = open(100);
        let plain = under(&SHELF, &placement, &history, &[]);
        let of = |kind: &str| [rule("r", json!({"kind": kind, "filter": "brand = \"Acme\"", "factor": factor}))];
        let (up, down) = (under(&SHELF, &placement, &history, &of("boost")), under(&SHELF, &placement, &history, &of("bury")));
        let place = |answer: &Answer, row: u32| answer.items.iter().position(|item| item.row == row).unwrap();
        for item in &plain.items {
            if brand(&SHELF, item.row).as_deref() == Some("Acme") {
                prop_assert!(place(&up, item.row) <= place(&plain, item.row));
                prop_assert!(place(&down, item.row) >= place(&plain, item.row));
                prop_assert!(up.items[place(&up, item.row)].reasons.iter().any(|reason| reason.kind == ReasonKind::Rule));
            }
            // The score itself stays what the model says.
            prop_assert_eq!(up.items[place(&up, item.row)].score, item.score);
        }
        let others = |answer: &Answer| answer.items.iter().map(|item| item.row).filter(|row| brand(&SHELF, *row).as_deref() != Some("Acme")).collect::<Vec<_>>();
        prop_assert_eq!(others(&up), others(&plain));
        prop_assert_eq!(others(&down), others(&plain));
    }
}

#[test]
fn a_boost_reaches_what_stands_far_down() {
    let history = [past(4, vitrine_domain::Action::View, 5)];
    let placement = open(3);
    let far = under(&SHELF, &open(100), &history, &[]);
    let last = SHELF.id(far.items.iter().rev().find(|item| item.score > 0.0).unwrap().row).to_owned();
    let boost = rule("r", json!({"kind": "boost", "filter": format!("id = \"{last}\""), "factor": 100.0}));
    assert!(ids(&SHELF, &under(&SHELF, &placement, &history, &[boost])).contains(&last.as_str()));
}

#[test]
fn pins_stand_in_their_slots_over_all_pages() {
    let rules = [
        rule("first", json!({"kind": "pin", "product": "p10", "slot": 1})),
        rule("later", json!({"kind": "pin", "product": "p11", "slot": 7})),
    ];
    let placement = open(5);
    let first = under(&SHELF, &placement, &[], &rules);
    let shown: Vec<u32> = first.items.iter().map(|item| item.row).collect();
    let request = Request { rules: &rules, shown: &shown, offset: 5, ..Request::new(&placement, NOW) };
    let second = answer(&SHELF, &request);
    assert_eq!(ids(&SHELF, &first)[0], "p10");
    assert!(!ids(&SHELF, &first).contains(&"p11"));
    assert_eq!(ids(&SHELF, &second)[1], "p11");
}

#[test]
fn a_pin_below_the_end_of_a_list_stands_at_its_end() {
    let only = |count: usize| {
        let ids: Vec<String> = (0..count).map(|n| format!("\"p{:02}\"", n * 12)).collect();
        rule("only", json!({"kind": "include_only", "filter": format!("id in [{}]", ids.join(", "))}))
    };
    let pin = |product: &str, slot: usize| rule(product, json!({"kind": "pin", "product": product, "slot": slot}));
    // Exploration makes everything else uncertain.
    let exploration = Exploration::Softmax { temperature: 1.0 };
    for limit in [12, 8, 6] {
        let placement = Placement { exploration, ..open(limit) };
        let rules = [only(6), pin("p24", 11), pin("p12", 10), pin("p36", 2)];
        let found = under(&SHELF, &placement, &[], &rules);
        let shown = ids(&SHELF, &found);
        assert_eq!((shown.len(), shown[1], &shown[4..], found.more), (6, "p36", &["p12", "p24"][..], false), "{limit}");
        for item in &found.items[4..] {
            assert_eq!((item.propensity, item.reasons[0].kind), (1.0, ReasonKind::Rule));
            assert_eq!(item.reasons[0].rule.as_deref(), Some(SHELF.id(item.row)), "by its own rule");
        }
        assert!(found.items[0].propensity < 1.0);
    }
    // A list that is full goes on: what is pinned further down comes at the end of its last page.
    let rules = [only(6), pin("p12", 10)];
    let first = under(&SHELF, &open(5), &[], &rules);
    let shown: Vec<u32> = first.items.iter().map(|item| item.row).collect();
    assert!(shown.len() == 5 && !ids(&SHELF, &first).contains(&"p12") && first.more);
    let placement = open(5);
    let last = Request { rules: &rules, shown: &shown, offset: 5, ..Request::new(&placement, NOW) };
    assert_eq!(ids(&SHELF, &answer(&SHELF, &last)), ["p12"]);
}

#[test]
fn a_pin_below_the_end_passes_no_bound() {
    let brand = |number: usize| crate::support::product(number).brand;
    assert!(brand(30) == brand(60) && brand(30).is_some());
    let mut rules = vec![
        rule("only", json!({"kind": "include_only", "filter": "id in [\"p30\", \"p60\", \"p02\"]"})),
        rule("bound", json!({"kind": "at_most", "attribute": "brand", "count": 1})),
        rule("pin", json!({"kind": "pin", "product": "p60", "slot": 90})),
    ];
    let mut shown = ids(&SHELF, &under(&SHELF, &open(12), &[], &rules));
    shown.sort_unstable();
    assert_eq!(shown, ["p02", "p30"]);
    // Of this page it is counted before all others.
    rules[2] = rule("pin", json!({"kind": "pin", "product": "p60", "slot": 9}));
    assert_eq!(ids(&SHELF, &under(&SHELF, &open(12), &[], &rules)), ["p02", "p60"]);
}

#[test]
fn a_share_of_nothing_leaves_the_others_theirs() {
    let dear = |row: u32| of_row(&SHELF, row).current_price().is_some_and(|price| price > 12.0);
    let share = |id: &str, filter: &str| rule(id, json!({"kind": "share", "filter": filter, "share": 0.5}));
    let history = [past(4, vitrine_domain::Action::View, 5)];
    let dear_ones = |rules: &[Rule]| {
        let found = under(&SHELF, &open(10), &history, rules);
        assert_eq!(found.items.len(), 10);
        let by_share = |item: &&vitrine_rank::Item| item.reasons.iter().any(|r| r.rule.as_deref() == Some("dear"));
        (found.items.iter().filter(|i| dear(i.row)).count(), found.items.iter().filter(by_share).count())
    };
    assert!(dear_ones(&[]).0 < 5, "there is something to do for the rule");
    let (alone, by_share) = dear_ones(&[share("dear", "price > 12")]);
    assert!(alone >= 5 && by_share > 0);
    // Sold out, none such, and one product that is shown soon and then used up.
    for other in ["id = \"p05\"", "brand = \"Nobody\"", "id = \"p08\""] {
        let rules = [share("a-first", other), share("dear", "price > 12")];
        let (dear, by_share) = dear_ones(&rules);
        assert!(dear >= 5 && by_share > 0, "{other}: {dear} {by_share}");
    }
}

#[test]
fn a_bound_makes_a_list_shorter_rather_than_giving_way() {
    let rules = [
        rule("only", json!({"kind": "include_only", "filter": "brand = \"Acme\""})),
        rule("bound", json!({"kind": "at_most", "attribute": "brand", "count": 2})),
    ];
    assert_eq!(under(&SHELF, &open(12), &[], &rules).items.len(), 2);
}

#[test]
fn rules_whose_filter_fits_nothing_speak_of_nothing_and_are_named() {
    let rules = [
        rule("odd", json!({"kind": "hide", "filter": "moon = 1"})),
        rule("odd-only", json!({"kind": "include_only", "filter": "price = \"cheap\""})),
    ];
    let found = under(&SHELF, &open(5), &[], &rules[..1]);
    assert_eq!((found.items.len(), found.idle), (5, vec![0]));
    let found = under(&SHELF, &open(5), &[], &rules);
    assert_eq!((found.items.len(), found.idle), (0, vec![0, 1]), "what may be shown is never guessed");
}

#[test]
fn filters_of_rules_speak_of_the_page() {
    let dearer = [rule("dearer", json!({"kind": "include_only", "filter": "price > context.price"}))];
    let placement = Placement::new("similar", vitrine_domain::Strategy::Similar, 50);
    let request = Request { rules: &dearer, product: Some("p08"), ..Request::new(&placement, NOW) };
    let price = SHELF.price(SHELF.row("p08").unwrap()).unwrap();
    let found = answer(&SHELF, &request);
    assert!(!found.items.is_empty());
    assert!(found.items.iter().all(|item| SHELF.price(item.row).unwrap() > price));
}
