//! Compiled filters mean what one-by-one evaluation says.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use vitrine_domain::filter::{MAX_JSON, Op};
use vitrine_rank::{Filter, FilterError, Shelf};

use crate::support::{ARTIFACT, CHANGED, SHELF, of_row};

fn text(values: &[&str]) -> BoxedStrategy<Value> {
    prop::sample::select(values.iter().map(|v| json!(v)).collect::<Vec<_>>()).boxed()
}

/// Comparisons of attributes with values of their type.
fn comparison() -> impl Strategy<Value = Filter> {
    let texts = prop_oneof![
        (Just("category"), text(&["Department 0", "Department 2", "Aisle 4", "Aisle 11", "Nowhere"])),
        (Just("brand"), text(&["Acme", "Corvo", "Elan", "acme", "Zzz", ""])),
        (Just("colour"), text(&["red", "blue", "gold"])),
        (Just("sizes"), text(&["S", "M", "XL", "XXL"])),
        (Just("availability"), text(&["in_stock", "out_of_stock"])),
        (Just("kind"), text(&["product", "content"])),
        (Just("price_band"), text(&["1-2", "5-10"])),
        (Just("id"), text(&["p04", "p50", "new03", "x"])),
        (Just("title"), text(&["Article 4", "Article 50", "Zebra"])),
    ];
    let number = prop_oneof![Just(4.0), Just(7.75), Just(0.2), -1.0..20.0_f64].prop_map(|x| json!(x));
    let numbers = (prop::sample::select(vec!["price", "sale_price", "regular_price", "discount", "stock"]), number);
    let flags = (Just("organic"), any::<bool>().prop_map(|flag| json!(flag)));
    let ordered = prop::sample::select(vec![Op::Equal, Op::NotEqual, Op::Less, Op::AtMost, Op::Greater, Op::AtLeast]);
    let one = (prop_oneof![texts, numbers, flags.clone()], ordered.clone())
        .prop_map(|((attribute, value), op)| Filter::Compare { attribute: attribute.into(), op, value });
    let list = prop::collection::vec(text(&["Acme", "Dune", "Nobody"]), 0..3);
    let any_of = (list, prop_oneof![Just(Op::In), ordered]).prop_map(|(list, op)| Filter::Compare {
        attribute: "brand".into(),
        op,
        value: Value::Array(list),
    });
    let missing = prop::sample::select(vec!["brand", "price", "colour", "sizes", "organic", "mixed", "stock", "url"])
        .prop_map(|name| Filter::Compare { attribute: name.into(), op: Op::Missing, value: Value::Null });
    prop_oneof![5 => one, 1 => any_of, 1 => missing]
}

pub(crate) fn filter() -> impl Strategy<Value = Filter> {
    comparison().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|and| Filter::And { and }),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|or| Filter::Or { or }),
            inner.prop_map(|not| Filter::Not { not: Box::new(not) }),
        ]
    })
}

fn one_by_one(shelf: &Shelf, filter: &Filter) -> Vec<u32> {
    (0..shelf.len() as u32).filter(|row| filter.holds(&of_row(shelf, *row)).unwrap()).collect()
}

proptest! {
    #[test]
    fn a_compiled_filter_holds_of_the_same_products(filter in filter()) {
        for shelf in [&*SHELF, &*CHANGED] {
            let rows = shelf.rows(&filter).unwrap();
            prop_assert_eq!(rows.iter().collect::<Vec<_>>(), one_by_one(shelf, &filter), "{}", filter);
        }
    }
}

fn error(shelf: &Shelf, text: &str) -> Option<FilterError> {
    shelf.rows(&Filter::parse(text).unwrap()).err()
}

#[test]
fn unknown_attributes_and_wrong_types_are_named() {
    let unknown = |name: &str| Some(FilterError::UnknownAttribute(name.into()));
    assert_eq!(error(&SHELF, "size = 3"), unknown("size"));
    assert_eq!(error(&SHELF, "price < 3 and (brand = \"Acme\" or season = \"spring\")"), unknown("season"));
    assert_eq!(error(&CHANGED, "season = \"spring\""), None);
    // What a product costs the shop is nobody's business.
    assert_eq!(error(&SHELF, "cost < 3"), unknown("cost"));
    assert_eq!(error(&SHELF, "margin < 3"), unknown("margin"));
    for (text, name, is) in [
        ("price < \"cheap\"", "price", "a number"),
        ("colour = 3", "colour", "text"),
        ("organic = \"yes\"", "organic", "true or false"),
        ("brand in [\"Acme\", 4]", "brand", "text"),
        // Found before anything is evaluated: nothing passes the first condition.
        ("id = \"nothing\" and title > 4", "title", "text"),
    ] {
        match error(&SHELF, text) {
            Some(FilterError::WrongType { attribute, is: found, .. }) => {
                assert_eq!((attribute.as_str(), found), (name, is))
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn all_of_nothing_and_one_of_nothing_do_not_share_their_rows() {
    let of = |value: Value| Filter::from_json(&value).unwrap();
    let everything = [of(json!({"and": []})), of(json!({"not": {"or": []}}))];
    let nothing = [of(json!({"or": []})), of(json!({"not": {"and": []}}))];
    let asked: Vec<_> = everything.iter().map(|f| (f, SHELF.len())).chain(nothing.iter().map(|f| (f, 0))).collect();
    let mut backwards = asked.clone();
    backwards.reverse();
    for asked in [asked, backwards] {
        // Whichever is asked first is the one that is kept.
        let shelf = Shelf::new(Some(ARTIFACT.clone()), &[]);
        for (filter, expected) in asked.iter().chain(&asked) {
            assert_eq!(shelf.rows(filter).unwrap().count(), *expected, "{filter:?}");
        }
    }
}

#[test]
fn rows_are_kept_but_not_of_filters_without_end() {
    let of = |length: usize| Filter::Compare {
        attribute: "brand".into(),
        op: Op::NotEqual,
        value: json!("x".repeat(length)),
    };
    let is_kept = |filter: &Filter| Arc::ptr_eq(&SHELF.rows(filter).unwrap(), &SHELF.rows(filter).unwrap());
    assert!(is_kept(&of(MAX_JSON / 2)));
    assert!(!is_kept(&of(MAX_JSON)));
}

#[test]
fn an_empty_shop_refuses_nothing() {
    let shelf = Shelf::new(None, &[]);
    assert_eq!(shelf.rows(&Filter::parse("anything = 3").unwrap()).unwrap().count(), 0);
}
