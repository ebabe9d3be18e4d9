//! The files that people use by hand: feeds, order and customer files, scripts. The importers have tests of their own;
//! here every file is well formed, has the rows it is said to have, and names products that the shop sells.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::shop;

fn read(path: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn feed(name: &str) -> String {
    read(&format!("feeds/{name}"))
}

fn expected(name: &str, what: &str) -> usize {
    let all: Value = serde_json::from_str(&feed("expected.json")).unwrap();
    usize::try_from(all[name][what].as_u64().unwrap_or_else(|| panic!("{name} {what}"))).unwrap()
}

fn sold() -> HashSet<&'static str> {
    shop().products.iter().map(|product| product.id.as_str()).collect()
}

/// Rows of a table as (column, value) look-ups.
fn table(text: &str, delimiter: u8) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

#[test]
fn there_is_a_test_for_every_feed() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("feeds");
    let present: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let tested = [
        "content.ndjson",
        "customers.csv",
        "customers.ndjson",
        "expected.json",
        "google.atom.xml",
        "google.rss.xml",
        "google.tsv",
        "jsonld.json",
        "orders.csv",
        "orders.ndjson",
        "products.ndjson",
        "shopify-new.csv",
        "shopify-old.csv",
        "shopify.json",
    ];
    assert_eq!(present, tested.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn google_tsv() {
    let rows = table(&feed("google.tsv"), b'\t');
    assert_eq!(rows.len(), expected("google.tsv", "rows"));
    let without_id = rows.iter().filter(|row| row["id"].is_empty()).count();
    assert_eq!(without_id, expected("google.tsv", "refused"));
    assert!(rows.iter().filter(|row| !row["id"].is_empty()).all(|row| sold().contains(row["id"].as_str())));
    let groups: BTreeSet<&str> = rows
        .iter()
        .filter(|row| !row["id"].is_empty())
        .map(|row| if row["item_group_id"].is_empty() { row["id"].as_str() } else { row["item_group_id"].as_str() })
        .collect();
    assert_eq!(groups.len(), expected("google.tsv", "products"));
    let spellings: BTreeSet<&str> = rows.iter().map(|row| row["availability"].as_str()).collect();
    assert_eq!(spellings, BTreeSet::from(["in stock", "in_stock", "out of stock", "out_of_stock"]));
    assert!(rows.iter().any(|row| row["sale price"].ends_with(" USD")));
    assert!(rows.iter().any(|row| row["description"].contains("\t") && row["description"].contains('"')));
    assert!(rows.iter().all(|row| row["Product Type"].contains(" > ")));
}

#[test]
fn google_xml() {
    for (name, tag) in [("google.rss.xml", "item"), ("google.atom.xml", "entry")] {
        let text = feed(name);
        assert_eq!(text.matches(&format!("<{tag}>")).count(), expected(name, "rows"), "{name}");
        assert_eq!(text.matches(&format!("</{tag}>")).count(), expected(name, "rows"), "{name}");
        let ids = text.split("<g:id>").skip(1).map(|rest| rest.split('<').next().unwrap());
        assert_eq!(ids.filter(|id| sold().contains(id)).count(), expected(name, "rows"), "{name}");
        assert!(text.contains("<g:item_group_id>") && text.contains("<g:sale_price>") && text.contains("out_of_stock"));
        assert!(!text.contains(" & "), "{name} has an ampersand that is none");
    }
}

#[test]
fn shopify_tables() {
    for (name, handle, title, sku, price, status) in [
        ("shopify-old.csv", "Handle", "Title", "Variant SKU", "Variant Price", "Status"),
        ("shopify-new.csv", "URL handle", "Title", "SKU", "Price", "Status"),
    ] {
        let rows = table(&feed(name), b',');
        assert_eq!(rows.len(), expected(name, "rows"), "{name}");
        let parents: Vec<_> = rows.iter().filter(|row| !row[title].is_empty()).collect();
        assert_eq!(parents.len(), expected(name, "products"), "{name}");
        assert_eq!(parents.iter().filter(|row| row[status] == "draft").count(), expected(name, "drafts"));
        let handles: BTreeSet<&str> = rows.iter().map(|row| row[handle].as_str()).collect();
        assert_eq!(handles.len(), parents.len(), "every product's rows share a handle");
        let variants: Vec<_> = rows.iter().filter(|row| !row[sku].is_empty()).collect();
        assert!(variants.len() > parents.len() && variants.len() < rows.len(), "variants and a row for a picture only");
        assert!(variants.iter().all(|row| sold().contains(row[sku].as_str()) && row[price].parse::<f64>().is_ok()));
    }
}

#[test]
fn json_documents() {
    let shopify: Value = serde_json::from_str(&feed("shopify.json")).unwrap();
    let products = shopify["products"].as_array().unwrap();
    assert_eq!(products.len(), expected("shopify.json", "products"));
    let variants: Vec<&Value> = products.iter().flat_map(|product| product["variants"].as_array().unwrap()).collect();
    assert!(variants.iter().all(|variant| sold().contains(variant["sku"].as_str().unwrap())));
    assert!(variants.iter().any(|variant| variant["available"] == false));
    assert!(variants.iter().any(|variant| variant["compare_at_price"].is_string()));

    let linked: Value = serde_json::from_str(&feed("jsonld.json")).unwrap();
    let graph = linked["@graph"].as_array().unwrap();
    let of_type = |name: &str| graph.iter().filter(|node| node["@type"] == name).collect::<Vec<_>>();
    assert_eq!(of_type("ProductGroup").len(), 1);
    assert_eq!(of_type("Product").len() + 1, expected("jsonld.json", "products"));
    assert!(of_type("ProductGroup")[0]["hasVariant"].as_array().unwrap().len() > 1);
    assert!(of_type("Product").iter().all(|node| sold().contains(node["sku"].as_str().unwrap())));
}

#[test]
fn own_products_and_content_are_products_of_the_domain() {
    for (name, kind) in
        [("products.ndjson", vitrine_domain::Kind::Product), ("content.ndjson", vitrine_domain::Kind::Content)]
    {
        let text = feed(name);
        let read: Vec<Result<vitrine_domain::Product, _>> = text.lines().map(serde_json::from_str).collect();
        assert_eq!(read.len(), expected(name, "rows"));
        let good: Vec<_> = read.iter().flatten().collect();
        assert_eq!(good.len(), expected(name, "products"));
        assert_eq!(read.len() - good.len(), expected(name, "refused"));
        assert!(good.iter().all(|product| product.kind == kind));
        assert!(good.iter().all(|product| !product.attributes.is_empty() && !product.category.is_empty()));
    }
}

#[test]
fn orders_and_customers() {
    let lines: Vec<Value> = feed("orders.ndjson").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), expected("orders.ndjson", "rows"));
    let rows = table(&feed("orders.csv"), b',');
    assert_eq!(rows.len(), expected("orders.csv", "rows"));
    let nobody = |row: &&std::collections::BTreeMap<String, String>| row["product_id"].is_empty();
    assert_eq!(rows.iter().filter(nobody).count(), expected("orders.csv", "refused"));
    assert_eq!(rows.len(), lines.len() + 1);
    let orders: BTreeSet<&str> = lines.iter().map(|line| line["order_id"].as_str().unwrap()).collect();
    assert_eq!(orders.len(), expected("orders.ndjson", "orders"));
    let returned = lines.iter().filter(|line| line["return"] == true).count();
    assert_eq!(returned, expected("orders.ndjson", "returns"));
    assert!(lines.iter().any(|line| line.get("user_id").is_none() && line["anonymous_id"].is_string()));
    assert!(lines.iter().all(|l| vitrine_domain::Millis::parse(l["time"].as_str().unwrap()).is_some()));

    let rows = table(&feed("customers.csv"), b',');
    assert_eq!(rows.len(), expected("customers.csv", "rows"));
    let ids: HashSet<&str> = shop().customers.iter().map(|customer| customer.id.as_str()).collect();
    assert_eq!(
        rows.iter().filter(|row| ids.contains(row["user_id"].as_str())).count(),
        expected("customers.csv", "customers")
    );
    let lines: Vec<Value> = feed("customers.ndjson").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), expected("customers.ndjson", "customers"));
    assert!(lines.iter().any(|line| line["loyalty_tier"] == "gold"));
}

#[test]
fn scripts_are_portable_and_speak_to_the_local_stack() {
    let scripts = [
        ("send-event", "/v1/track"),
        ("identify", "/v1/identify"),
        ("recommend", "/v1/recommendations/"),
        ("page", "/v1/recommendations"),
        ("rank", "/v1/rank"),
        ("decision", "/v1/decisions/"),
        ("import-products", "/v1/products/import?"),
        ("import-orders", "/v1/orders/import?"),
        ("visitor", "/v1/visitors/"),
        ("retrain", "/v1/retrain"),
        ("rules", "/v1/rules"),
        ("results", "/v1/results"),
        ("segments", "/v1/segments/size"),
        ("keys", "/v1/keys"),
    ];
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("curl");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), scripts.len(), "a script without a test");
    for (name, path) in scripts {
        let text = read(&format!("curl/{name}.sh"));
        assert!(text.starts_with("#!/bin/sh\n") && text.contains("\nset -eu\n"), "{name}");
        assert!(text.contains("${VITRINE_URL:-http://127.0.0.1:8080}") && text.contains(path), "{name}");
        let checked =
            std::process::Command::new("sh").arg("-n").arg(folder.join(format!("{name}.sh"))).status().unwrap();
        assert!(checked.success(), "{name} is no shell script");
    }
    let product = read("curl/send-event.sh").split("${2:-").nth(1).unwrap().split('}').next().unwrap().to_owned();
    let known = shop().products.iter().find(|known| known.id.as_str() == product).unwrap();
    assert!(known.is_sellable(), "the example looks at {known:?}");
}
