//! Reasons are true: they add up, and without what they name the score is lower.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vitrine_domain::{Action, PastAction, Placement, Strategy as Fill};
use vitrine_rank::{Answer, Audience, Language, ReasonKind, Request, Words};

use crate::support::{NOW, SHELF, answer, history, open, past, product};

fn list(history: &[PastAction], placement: &Placement) -> Answer {
    answer(&SHELF, &Request { history, ..Request::new(placement, NOW) })
}

/// A page's scores by row, of everything that may be shown.
fn scores(history: &[PastAction]) -> std::collections::HashMap<u32, f32> {
    list(history, &open(100)).items.iter().map(|item| (item.row, item.score)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_amounts_add_up_to_the_score(history in history()) {
        let basket = [product(3).id.to_string(), product(17).id.to_string()];
        for strategy in [Fill::Personal, Fill::Similar, Fill::BoughtTogether, Fill::Basket, Fill::Trending, Fill::RecentlyViewed] {
            let placement = Placement::new("p", strategy, 25);
            let request = Request { history: &history, product: Some("p30"), basket: &basket, ..Request::new(&placement, NOW) };
            for item in answer(&SHELF, &request).items {
                let sum: f32 = item.reasons.iter().map(|reason| reason.amount).sum();
                prop_assert!((sum - item.score).abs() < 1e-4 * (1.0 + item.score.abs()), "{:?}", item);
                prop_assert!(!item.reasons.is_empty() && item.reasons.len() <= 6);
                for reason in &item.reasons {
                    let parts: f32 = reason.parts.iter().map(|part| part.amount).sum();
                    prop_assert!(reason.parts.is_empty() || (parts - reason.amount).abs() < 1e-4, "{:?}", reason);
                    prop_assert!(!reason.text.is_empty());
                }
            }
        }
    }

    #[test]
    fn without_what_is_named_the_score_is_lower(history in history()) {
        let found = list(&history, &open(20));
        for item in &found.items {
            for reason in item.reasons.iter().filter(|reason| reason.product_id.is_some()) {
                let named = |past: &PastAction| Some(past.product.as_str()) == reason.product_id.as_deref();
                let told = |past: &PastAction| named(past) && Some(past.at) == reason.at && Some(past.action) == reason.action;
                prop_assert!(history.iter().any(told), "{:?} names what was not done", reason);
                let without: Vec<PastAction> = history.iter().filter(|past| !named(past)).cloned().collect();
                let score = scores(&without)[&item.row];
                prop_assert!(score < item.score, "{} {} {:?}", score, item.score, reason);
            }
        }
    }
}

#[test]
fn a_part_that_counts_nothing_says_nothing_and_one_that_counts_double_says_twice_as_much() {
    let history = [past(4, Action::View, 20), past(16, Action::Order, 9), past(28, Action::View, 3)];
    let placement = open(100);
    let (parts, basket) = (SHELF.artifact().unwrap().parts(), [product(3).id.to_string()]);
    let told = |placement: &Placement, blend: BTreeMap<String, f64>| {
        let placement = Placement { blend, ..placement.clone() };
        let request =
            Request { history: &history, product: Some("p30"), basket: &basket, ..Request::new(&placement, NOW) };
        let mut amounts: BTreeMap<(u32, String), f32> = BTreeMap::new();
        for item in answer(&SHELF, &request).items {
            let sum: f32 = item.reasons.iter().map(|reason| reason.amount).sum();
            assert!((sum - item.score).abs() < 1e-4 * (1.0 + item.score.abs()), "{item:?}");
            for part in item.reasons.iter().flat_map(|reason| &reason.parts) {
                *amounts.entry((item.row, part.part.to_string())).or_default() += part.amount;
            }
        }
        amounts
    };
    let mut changed = 0;
    for part in parts {
        for strategy in [Fill::Personal, Fill::Similar, Fill::Basket] {
            let placement = Placement { strategy, ..placement.clone() };
            let with = |factor: f64| told(&placement, BTreeMap::from([(part.name.clone(), factor)]));
            let (plain, none, twice) = (told(&placement, BTreeMap::new()), with(0.0), with(2.0));
            assert!(none.iter().all(|((_, name), amount)| *name != part.name || *amount == 0.0), "{}", part.name);
            for ((row, name), amount) in &plain {
                let times = if *name == part.name { 2.0 } else { 1.0 };
                let Some(then) = twice.get(&(*row, name.clone())) else { continue };
                assert!((then - times * amount).abs() < 1e-3 * (1.0 + amount.abs()), "{name} {amount} {then}");
                changed += usize::from(times == 2.0);
            }
        }
    }
    assert!(changed > 100, "{changed}");
}

#[test]
fn a_click_and_the_look_that_it_led_to_are_named_together() {
    let steps = [(4, 20), (16, 9), (28, 3)];
    let history: Vec<PastAction> = steps
        .into_iter()
        .flat_map(|(number, minutes)| [past(number, Action::Click, minutes), past(number, Action::View, minutes - 1)])
        .collect();
    let found = list(&history, &open(12));
    let named = |item: &&vitrine_rank::Item| item.reasons.iter().any(|reason| reason.product_id.is_some());
    assert!(found.items.iter().filter(named).count() >= 6, "{:?}", found.items);
}

#[test]
fn what_was_looked_at_is_named_for_what_goes_with_it() {
    let history = [past(4, Action::View, 20), past(16, Action::View, 9), past(28, Action::View, 3)];
    let found = list(&history, &open(12));
    let named = |item: &vitrine_rank::Item| item.reasons.iter().any(|reason| reason.product_id.is_some());
    let count = found.items.iter().filter(|item| named(item)).count();
    assert!(count >= 6, "most of the page is told by what was done: {count}");
    let texts: Vec<&str> = found.items.iter().flat_map(|item| item.reasons.iter().map(|r| r.text.as_str())).collect();
    assert!(texts.iter().any(|text| text.contains("Article 28")), "{texts:?}");
}

#[test]
fn a_list_for_nobody_is_the_same_list_without_reasons() {
    let history = [past(4, Action::View, 20), past(4, Action::Order, 19)];
    let placement = open(30);
    let of = |audience| {
        let words = Words { audience, ..Words::default() };
        answer(&SHELF, &Request { history: &history, words, ..Request::new(&placement, NOW) })
    };
    let (told, mut silent) = (of(Audience::Shopper), of(Audience::Nobody));
    assert!(told.items.iter().all(|item| !item.reasons.is_empty()));
    assert!(silent.items.iter().all(|item| item.reasons.is_empty()));
    silent.items.iter_mut().zip(told.items.clone()).for_each(|(silent, told)| silent.reasons = told.reasons);
    assert_eq!(silent, told);
}

#[test]
fn reasons_speak_the_language_that_is_asked_for() {
    let history = [past(4, Action::View, 20), past(4, Action::Order, 19)];
    let placement = open(30);
    let of = |language, audience| {
        let request =
            Request { history: &history, words: Words { language, audience }, ..Request::new(&placement, NOW) };
        answer(&SHELF, &request)
    };
    let french = of(Language::Fr, Audience::Shopper);
    let english = of(Language::En, Audience::Merchandiser);
    for (fr, en) in french.items.iter().zip(&english.items) {
        for (fr, en) in fr.reasons.iter().zip(&en.reasons) {
            assert_ne!(fr.text, en.text);
            assert_eq!((fr.kind, fr.amount), (en.kind, en.amount));
            assert!(en.kind == ReasonKind::Rule || en.amount == 0.0 || en.text.contains("of the score"), "{}", en.text);
        }
    }
}
