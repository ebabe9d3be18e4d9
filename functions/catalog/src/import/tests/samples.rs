//! The feeds of the sample shop: every format says the same of the same products, and the counts are the ones its maker
//! expects.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use vitrine_domain::{Action, Kind};

use super::*;
use crate::import::ShopifyId;

/// Every feed.
pub(super) const FILES: [&str; 13] = [
    "google.tsv",
    "google.rss.xml",
    "google.atom.xml",
    "shopify-old.csv",
    "shopify-new.csv",
    "shopify.json",
    "jsonld.json",
    "products.ndjson",
    "content.ndjson",
    "orders.csv",
    "orders.ndjson",
    "customers.csv",
    "customers.ndjson",
];

pub(super) fn read(name: &str) -> Vec<u8> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/feeds")).join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the maker of the feeds says should be found in one.
fn expected(name: &str, what: &str) -> u64 {
    let all: Value = serde_json::from_slice(&read("expected.json")).unwrap();
    all[name].get(what).map_or(0, |n| n.as_u64().unwrap())
}

fn import(name: &str) -> (Report, BTreeMap<String, Product>) {
    let options = Options { currency: Some("USD".into()), shopify_id: ShopifyId::Handle, ..options() };
    let (report, found) = try_products(Input::bytes(read(name)).name(name), &options).unwrap();
    let by_id = found.into_iter().map(|product| (product.id.to_string(), product)).collect();
    (report, by_id)
}

#[test]
fn every_product_feed_is_read_as_its_maker_expects() {
    for name in FILES.into_iter().take(9) {
        let (report, found) = import(name);
        let drafts = report.reasons.get(&Reason::NotPublished).copied().unwrap_or(0);
        assert_eq!(report.read, expected(name, "rows"), "{name}");
        assert_eq!(report.products, expected(name, "products") - expected(name, "drafts"), "{name}");
        assert_eq!(report.refused - drafts, expected(name, "refused"), "{name}: {:?}", report.rows);
        assert_eq!(drafts > 0, expected(name, "drafts") > 0, "{name}");
        assert_eq!(found.len() as u64, report.products, "{name}: every product once");
    }
}

/// A product without what only one format says.
fn common(mut product: Product) -> Product {
    let kept = ["size", "storage", "condition"];
    product.attributes.retain(|name, _| kept.contains(&name.as_str()));
    product
}

#[test]
fn google_s_three_forms_of_a_product_are_equal() {
    let [table, rss, atom] = ["google.tsv", "google.rss.xml", "google.atom.xml"].map(|name| import(name).1);
    let mut compared = 0;
    for (id, product) in &table {
        for other in [rss.get(id), atom.get(id)].into_iter().flatten() {
            // The documents hold part of the items, so only products whose variants are all there can be equal.
            if product.variants.len() != other.variants.len() {
                continue;
            }
            let mut product = product.clone();
            // One text of the table is rewritten to test quotation marks.
            if product.description.contains("says the label") {
                product.description.clone_from(&other.description);
            }
            assert_eq!(common(product), common(other.clone()), "{id}");
            compared += 1;
        }
    }
    assert!(compared >= 20, "{compared}");
}

#[test]
fn shopify_s_three_forms_of_a_product_are_equal() {
    let [old, new, json] = ["shopify-old.csv", "shopify-new.csv", "shopify.json"].map(|name| import(name).1);
    assert_eq!(old, new);
    for (id, product) in &old {
        let from_json = &json[id];
        assert_eq!((&product.title, &product.description), (&from_json.title, &from_json.description));
        assert_eq!((product.price, product.sale_price), (from_json.price, from_json.sale_price), "{id}");
        assert_eq!((&product.image, &product.brand), (&from_json.image, &from_json.brand));
        assert_eq!(product.leaf_category(), from_json.leaf_category());
        assert_eq!(product.is_sellable(), from_json.is_sellable(), "{id}");
        assert_eq!(product.attributes.get("size"), from_json.attributes.get("size"));
        let variants = |product: &Product| -> Vec<_> {
            product.variants.iter().map(|v| (v.id.clone(), v.title.clone(), v.price, v.availability)).collect()
        };
        assert_eq!(variants(product), variants(from_json), "{id}");
    }
}

#[test]
fn all_formats_agree_on_what_they_all_say() {
    let own = import("products.ndjson").1;
    let mut compared = BTreeMap::new();
    for name in ["google.tsv", "google.rss.xml", "google.atom.xml", "jsonld.json"] {
        for (id, product) in import(name).1 {
            let Some(ours) = own.get(&id).filter(|_| product.variants.is_empty()) else {
                continue;
            };
            let mut product = common(product);
            let mut ours = common(ours.clone());
            // What the other formats do not say.
            ours.stock = None;
            ours.variants = Vec::new();
            product.attributes.remove("condition");
            if name == "jsonld.json" {
                (ours.cost, ours.price, ours.sale_price) = (None, ours.current_price(), None);
            }
            if product.description.contains("says the label") {
                product.description.clone_from(&ours.description);
            }
            assert_eq!(product, ours, "{name} {id}");
            *compared.entry(name).or_insert(0) += 1;
        }
    }
    assert!(compared.len() == 4 && compared.values().all(|n| *n >= 5), "{compared:?}");
}

#[test]
fn variants_agree_between_google_and_shopify() {
    let (google, shopify) = (import("google.tsv").1, import("shopify-old.csv").1);
    let mut compared = 0;
    for (id, product) in &google {
        let Some(other) = shopify.get(id).filter(|_| !product.variants.is_empty()) else {
            continue;
        };
        let prices = |product: &Product| -> BTreeMap<_, _> {
            product.variants.iter().map(|v| (v.id.clone(), v.price.or(product.current_price()))).collect()
        };
        assert_eq!(prices(product), prices(other), "{id}");
        assert_eq!(
            (product.price, product.sale_price, product.cost),
            (other.price, other.sale_price, other.cost),
            "{id}"
        );
        assert_eq!(product.leaf_category(), other.leaf_category());
        compared += 1;
    }
    assert!(compared >= 5, "{compared}");
}

#[test]
fn content_stays_content() {
    let (_, found) = import("content.ndjson");
    assert!(found.values().all(|product| product.kind == Kind::Content && product.currency.is_none()));
}

#[test]
fn both_order_files_hold_the_same_orders() {
    let read = |name: &str| try_orders(Input::bytes(read(name)).name(name), &options()).unwrap();
    let (table, mut from_table) = read("orders.csv");
    let (json, mut from_json) = read("orders.ndjson");
    for (name, report) in [("orders.csv", &table), ("orders.ndjson", &json)] {
        assert_eq!(report.read, expected(name, "rows"), "{name}");
        assert_eq!(report.refused, expected(name, "refused"), "{name}");
        assert_eq!(report.orders + report.refunds, expected(name, "orders"), "{name}");
        assert_eq!(report.refunds, expected(name, "returns"), "{name}");
    }
    for events in [&mut from_table, &mut from_json] {
        events.sort_by(|a, b| a.id.cmp(&b.id));
    }
    assert_eq!(from_table, from_json);
    assert!(from_table.iter().any(|event| event.action == Action::Refund));
}

#[test]
fn both_customer_files_hold_the_same_customers() {
    let read = |name: &str| try_customers(Input::bytes(read(name)).name(name), &options()).unwrap();
    let (table, from_table) = read("customers.csv");
    let (json, from_json) = read("customers.ndjson");
    for (name, report) in [("customers.csv", &table), ("customers.ndjson", &json)] {
        assert_eq!(report.read, expected(name, "rows"), "{name}");
        assert_eq!(
            (report.customers, report.refused),
            (expected(name, "customers"), expected(name, "refused")),
            "{name}"
        );
    }
    assert_eq!(from_table, from_json);
}
