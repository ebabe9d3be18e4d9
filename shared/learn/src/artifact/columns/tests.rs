//! Columns say what the domain says of every product.

use proptest::prelude::*;
use serde_json::{Value, json};
use vitrine_domain::filter::Attributes;
use vitrine_domain::{Product, ProductId};

use super::*;
use crate::dataset::tests::letters;
use crate::train::tests::quick;
use crate::{Artifact, Dataset, Lineup, Settings, Trainer};

/// An artifact of a catalogue that nobody has visited.
fn artifact(products: &[Product]) -> Artifact {
    let settings: Settings = quick();
    let data = Dataset::new(products, &[], &settings.limits).unwrap();
    let lineup = Lineup::default().only(|name| name == "popularity");
    let trainer = Trainer { lineup, settings, ..Trainer::default() };
    let bytes = trainer.train(&data, &mut |_, _, _| ()).unwrap().bytes;
    let artifact = Artifact::from_bytes(bytes, &Lineup::default()).unwrap();
    artifact.verify().unwrap();
    artifact
}

fn with(attributes: &[Value]) -> Vec<Product> {
    let mut products = letters(attributes.len() as u8);
    for (product, value) in products.iter_mut().zip(attributes) {
        product.attributes.insert("it".into(), value.clone());
    }
    products
}

/// What a column holds of a row, as JSON, and whether it holds texts.
fn held(column: Column<'_>, row: u32) -> (Vec<Value>, bool) {
    match column {
        Column::Numbers(numbers) => {
            (Some(numbers[row as usize]).filter(|x| !x.is_nan()).map(Value::from).into_iter().collect(), false)
        }
        Column::NumberLists(lists) => (lists.of(row).iter().copied().map(Value::from).collect(), false),
        Column::Flags(flags) => match flags[row as usize] {
            Column::NO => (vec![json!(false)], false),
            Column::YES => (vec![json!(true)], false),
            other => {
                assert_eq!(other, Column::NEITHER);
                (Vec::new(), false)
            }
        },
        Column::Texts(texts) => {
            for code in texts.codes(row) {
                assert_eq!(texts.code_of(texts.text(*code)), Some(*code));
            }
            (texts.codes(row).iter().map(|code| texts.text(*code).into()).collect(), true)
        }
    }
}

/// Values as a column holds them: in the order of texts, numbers as `f64`.
fn expected(values: Vec<Value>, texts: bool) -> Vec<Value> {
    let form = |value: Value| match value {
        Value::String(text) => Value::from(cut(&text)),
        other if texts => other.to_string().into(),
        Value::Number(number) => number.as_f64().into(),
        other => other,
    };
    let mut values: Vec<Value> = values.into_iter().map(form).collect();
    if texts {
        values.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        values.dedup();
    }
    values
}

#[test]
fn the_form_of_an_attribute_is_chosen_from_all_its_values() {
    let null = Value::Null;
    for (values, form) in [
        (vec![json!(1), json!(2.5), null.clone()], Some(Form::Numbers)),
        (vec![json!([1]), json!(2.5)], Some(Form::Numbers)),
        (vec![json!([1, 3]), json!(2.5), json!([])], Some(Form::NumberLists)),
        (vec![json!(true), null.clone(), json!(false)], Some(Form::Flags)),
        (vec![json!([true, false]), json!(true)], Some(Form::TextLists)),
        (vec![json!("red"), json!(7), null.clone()], Some(Form::Texts)),
        (vec![json!("red"), json!(["blue", "red"])], Some(Form::TextLists)),
        (vec![json!(7), json!(false)], Some(Form::Texts)),
        (vec![null, json!({"a": 1}), json!([])], None),
    ] {
        let products = with(&values);
        let products: Vec<&Product> = products.iter().collect();
        assert_eq!(super::write::form(&products, "it"), form, "{values:?}");
    }
}

#[test]
fn what_several_types_mix_is_text() {
    let artifact = artifact(&with(&[json!("red"), json!(7.5), json!([true, "7.5"])]));
    let Some(Column::Texts(column)) = artifact.column("it") else { panic!("texts") };
    assert_eq!(column.names().collect::<Vec<_>>(), ["7.5", "red", "true"]);
    assert_eq!(
        (column.codes(0), column.codes(1), column.codes(2), column.codes(3)),
        (&[1][..], &[0][..], &[0, 2][..], &[][..])
    );
    assert_eq!((column.search("red"), column.search("blue"), column.search("z")), (Ok(1), Err(1), Err(3)));
    assert!(column.all_codes().0.is_some());
}

#[test]
fn names_and_texts_are_bounded_and_the_frequent_attributes_stay() {
    let mut products = letters(3);
    for number in 0..300 {
        let of = if number == 299 { &mut products[..] } else { &mut products[..1] };
        of.iter_mut().for_each(|product| drop(product.attributes.insert(format!("x{number:03}"), json!(number))));
    }
    let long = format!("{}ä", "a".repeat(LONGEST_TEXT - 1));
    products[0].attributes.insert("n".repeat(LONGEST_NAME + 1), json!(1));
    products.iter_mut().for_each(|product| drop(product.attributes.insert("long".into(), long.clone().into())));
    let artifact = artifact(&products);
    let names = artifact.column_names();
    assert!(names.contains(&"x299") && names.contains(&"x000") && !names.contains(&"x298"));
    assert!(names.contains(&"kind") && names.contains(&"category") && !names.contains(&"brand"));
    assert!(names.is_sorted() && names.iter().all(|name| name.len() <= LONGEST_NAME));
    let Some(Column::Texts(column)) = artifact.column("long") else { panic!("texts") };
    assert_eq!((column.text(0).len(), column.code_of(&long), column.code_of("a")), (LONGEST_TEXT - 1, Some(0), None));
}

#[test]
fn what_is_no_column_stays_hidden() {
    let mut product = Product::new(ProductId::new("a").unwrap(), "title");
    (product.price, product.cost, product.description) = (Some(3.0), Some(1.0), "text".into());
    for name in ["cost", "title", "id", "variants", "brand"] {
        product.attributes.insert(name.into(), json!("from the feed"));
    }
    let artifact = artifact(&[product, Product::new(ProductId::new("b").unwrap(), "")]);
    assert_eq!(artifact.column_names(), ["availability", "kind", "price", "price_band", "regular_price"]);
    for name in ["cost", "title", "id", "variants", "brand", "margin", "conversion", "category", "stock", ""] {
        assert!(artifact.column(name).is_none(), "{name}");
    }
    assert_eq!((artifact.margin(0), artifact.margin(1), artifact.margin(2)), (Some(2.0), None, None));
    assert_eq!(artifact.conversion(), [0.0, 0.0]);
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = || {
        prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i16>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-cä]{0,3}".prop_map(Value::from),
        ]
    };
    prop_oneof![4 => scalar(), 2 => prop::collection::vec(scalar(), 0..4).prop_map(Value::from), 1 => Just(Value::Null)]
}

fn number() -> impl Strategy<Value = Option<f64>> {
    prop::option::of(prop_oneof![(-1.0..300.0), Just(f64::NAN), Just(0.0)])
}

prop_compose! {
    fn product()(
        attributes in prop::collection::btree_map("[a-e]|price|cost|kind", value(), 0..5),
        prices in (number(), number(), number()),
        stock in prop::option::of(any::<i32>()),
        category in prop::collection::vec("[xyz]", 0..3),
        words in (prop::option::of("[pq]"), prop::option::of("EUR|USD"), any::<bool>(), any::<bool>()),
    ) -> Product {
        let mut product = Product::new(ProductId::new("a").unwrap(), "title");
        (product.price, product.sale_price, product.cost) = prices;
        (product.stock, product.category) = (stock.map(i64::from), category);
        (product.brand, product.currency) = (words.0, words.1);
        if words.2 {
            product.kind = vitrine_domain::Kind::Content;
        }
        if words.3 {
            product.availability = vitrine_domain::Availability::Preorder;
        }
        product.attributes = attributes;
        product
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn columns_say_what_the_domain_says(mut products in prop::collection::vec(product(), 1..8)) {
        for (product, letter) in products.iter_mut().zip('a'..) {
            product.id = ProductId::new(letter.to_string()).unwrap();
        }
        let artifact = artifact(&products);
        let mut names: Vec<&str> = products.iter().flat_map(|product| product.attributes.keys()).map(String::as_str).collect();
        names.extend(["availability", "currency", "discount", "kind", "price", "price_band", "regular_price", "sale_price"]);
        names.extend(["stock", "category", "brand", "cost"]);
        for name in names {
            let column = artifact.column(name);
            prop_assert_eq!(column.is_some(), products.iter().any(|product| !product.values(name).is_empty()), "{}", name);
            prop_assert_eq!(column.is_some(), artifact.column_names().contains(&name));
            for (row, product) in (0..).zip(&products) {
                let (found, texts) = column.map_or((Vec::new(), false), |column| held(column, row));
                let mut found = found;
                // The path of categories stands in its own order.
                if texts {
                    found.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                    found.dedup();
                }
                prop_assert_eq!(found, expected(product.values(name), texts), "{} of {}", name, row);
            }
        }
        for (row, product) in (0..).zip(&products) {
            let margin = product.margin().map(|margin| margin as f32).filter(|margin| margin.is_finite());
            prop_assert_eq!(artifact.margin(row), margin);
        }
    }
}
