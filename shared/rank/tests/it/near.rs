//! What another index proposes changes no answer: it is asked for what a search of the artifact would find.

use proptest::prelude::*;
use serde_json::Value;
use vitrine_domain::filter::Attributes;
use vitrine_domain::{Filter, Placement, Product};
use vitrine_index::{Condition, SELLABLE, Value as Field, dot_f16};
use vitrine_rank::{Request, Shelf, Sought, Workspace, sought};

use crate::filters::filter;
use crate::support::{CHANGED, CODED, NOW, PRODUCTS, SHELF, answer, fresh, history, open};

/// What a server would say of a product whose point was written from the artifact.
fn holds(condition: &Condition, row: u32, product: &Product) -> bool {
    let texts = |field: &str| -> Vec<String> {
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        product.values(field).into_iter().map(text).collect()
    };
    match condition {
        Condition::Equals(field, Field::Bool(so)) if field == SELLABLE => product.is_sellable() == *so,
        Condition::Equals(field, Field::Bool(so)) => product.values(field).contains(&Value::Bool(*so)),
        Condition::In(field, words) => texts(field).iter().any(|text| words.contains(text)),
        Condition::Range { field, from, to } => {
            let inside = |x: f64| from.is_none_or(|from| x >= from) && to.is_none_or(|to| x <= to);
            product.values(field).iter().filter_map(Value::as_f64).any(inside)
        }
        Condition::Missing(field) => product.values(field).is_empty(),
        Condition::Rows(rows) => rows.contains(&row),
        Condition::And(all) => all.iter().all(|one| holds(one, row, product)),
        Condition::Or(any) => any.iter().any(|one| holds(one, row, product)),
        Condition::Not(one) => !holds(one, row, product),
        Condition::Equals(..) => panic!("nothing asks so: {condition:?}"),
    }
}

/// The nearest rows as an exact index finds them, and whether as many are allowed as was said.
fn nearest(sought: &Sought) -> (Vec<u32>, bool) {
    let products = (0..PRODUCTS as u32).map(|row| (row, SHELF.product(row).unwrap()));
    let mut rows: Vec<u32> =
        products.filter(|(row, product)| holds(&sought.condition, *row, product)).map(|(row, _)| row).collect();
    let as_said = rows.len() == sought.matches;
    let score = |row: &u32| dot_f16(&sought.vector, SHELF.vector(*row));
    rows.sort_by(|a, b| score(b).total_cmp(&score(a)));
    rows.truncate(sought.most);
    (rows, as_said)
}

fn ask(shelf: &Shelf, request: &Request<'_>) -> Option<Sought> {
    sought(shelf, request, &mut Workspace::default()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn the_answer_is_the_same_with_what_another_index_proposes(
        history in history(),
        limit in 1_usize..12,
        new in any::<bool>(),
        filter in prop::option::of(filter()),
        shown in prop::collection::vec(0..PRODUCTS as u32, 0..20),
        diversity in prop::sample::select(vec![0.0_f32, 0.4]),
    ) {
        for shelf in [&*SHELF, &*CHANGED, &*CODED] {
            let placement = Placement { diversity, per_category: 2, ..if new { fresh(limit) } else { open(limit) } };
            let request = Request { history: &history, filter: filter.as_ref(), shown: &shown, ..Request::new(&placement, NOW) };
            let alone = answer(shelf, &request);
            let Some(sought) = ask(shelf, &request) else { continue };
            let (near, as_said) = nearest(&sought);
            prop_assert!(as_said, "{:?} rows expected of {:?}", sought.matches, sought.condition);
            let mut with = answer(shelf, &Request { near: Some(&near), ..request });
            with.touched = alone.touched;
            prop_assert_eq!(&with, &alone);
            // Too few, or the wrong ones: what may be shown is decided here.
            let few: Vec<u32> = near.iter().copied().take(3).chain([9_999]).collect();
            let mut with = answer(shelf, &Request { near: Some(&few), ..request });
            with.touched = alone.touched;
            prop_assert_eq!(&with, &alone);
        }
    }
}

#[test]
fn nothing_is_asked_where_nothing_would_be_searched() {
    let placement = open(10);
    let request = Request::new(&placement, NOW);
    assert!(ask(&SHELF, &request).is_some());
    assert_eq!(ask(&Shelf::new(None, &[]), &request), None, "without a model");
    assert_eq!(ask(&SHELF, &Request { among: Some(&[1, 2]), ..request }), None, "a list that is given");
    let nobody = Filter::parse("brand = \"Nobody\"").unwrap();
    assert_eq!(ask(&SHELF, &Request { filter: Some(&nobody), ..request }), None, "nothing may be shown");
    let basket = Placement::shipped().into_iter().find(|placement| placement.name == "basket").unwrap();
    let lines = ["p03".to_owned()];
    assert_eq!(ask(&SHELF, &Request { basket: &lines, ..Request::new(&basket, NOW) }), None, "lists lead to products");
}
