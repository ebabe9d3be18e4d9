//! Products as JSON-LD and in Vitrine's own words.

use serde_json::json;
use vitrine_domain::{Availability, Kind};

use super::*;
use crate::import::{Limits, Notice};

#[test]
fn a_product_in_our_own_words_comes_out_as_it_went_in() {
    let whole = json!({
        "id": "1", "kind": "content", "title": "Penne & more", "description": "Fine.", "url": "https://shop.example/1",
        "image": "/1.jpg", "category": ["Food", "Pasta"], "brand": "Grano", "price": 2.49, "sale_price": 1.99, "cost": 1.0,
        "currency": "EUR", "availability": "backorder", "stock": 7,
        "variants": [{"id": "1-a", "title": "A", "price": 2.0, "availability": "in_stock", "stock": 3}],
        "attributes": {"size": "500 g", "vegan": true, "tags": ["a", "b"], "n": 2, "text": "25", "deep": {"x": [1]}},
    });
    let expected: Product = serde_json::from_value(whole.clone()).unwrap();
    for text in [whole.to_string(), json!([whole]).to_string(), json!({"products": [whole]}).to_string()] {
        assert_eq!(one_product(&text), expected, "{text}");
    }
    assert_eq!(serde_json::to_value(&expected).unwrap(), whole);
}

#[test]
fn small_liberties_are_understood_and_unknown_members_kept() {
    let product = one_product(
        r#"{"id": 17, "title": "Penne", "price": "2,49 EUR", "category": "Food > Pasta", "image": ["/a.jpg", "/b.jpg"],
            "availability": "https://schema.org/OutOfStock", "stock": "3.0", "spiceLevel": 2, "brand": null}"#,
    );
    assert_eq!((product.id.as_str(), product.price, product.currency.as_deref()), ("17", Some(2.49), Some("EUR")));
    assert_eq!((product.stock, product.availability), (Some(3), Availability::OutOfStock));
    assert_eq!(product.category, ["Food", "Pasta"]);
    assert_eq!(json!(product.attributes), json!({"spice_level": 2, "additional_image_link": ["/b.jpg"]}));
}

#[test]
fn a_wrong_member_is_named() {
    let lines = [
        r#"{"id": "1", "title": ["A"]}"#,
        r#"{"id": "2", "title": "B", "price": true}"#,
        r#"{"id": "3", "title": "C", "kind": "advert"}"#,
        r#"{"id": "4", "title": "D", "variants": [{"title": "no id"}]}"#,
        r#"{"id": "5", "title": "E", "price": -1}"#,
        r#"{"id": "6", "title": "F", "attributes": 1}"#,
        r#"{"id": "7", "title": "G"}"#,
        r#"{"id": "8", "title": "H""#,
        "[1]",
    ];
    let (report, found) = read_products(&lines.join("\n"));
    assert_eq!(ids(&found), ["7"]);
    let columns: Vec<_> = report.rows.iter().map(|row| (row.row, row.column.as_deref().unwrap_or("-"))).collect();
    let expected =
        [(1, "title"), (2, "price"), (3, "kind"), (4, "variants"), (5, "price"), (6, "attributes"), (8, "-"), (9, "-")];
    assert_eq!(columns, expected);
    assert_eq!(report.rows[6].line, Some(8));
}

#[test]
fn a_line_too_long_costs_one_row() {
    let limits = Limits { row_bytes: 5_000, ..Limits::default() };
    let long = format!(r#"{{"id": "1", "title": "{}"}}"#, "x".repeat(500_000));
    let text = format!("{{\"id\": \"0\", \"title\": \"A\"}}\n{long}\n{{\"id\": \"2\", \"title\": \"B\"}}\n");
    for format in [Format::Ndjson, Format::Json] {
        let input = Input::stream(text.as_bytes()).format(Some(format));
        let (report, found) = try_products(input, &Options { limits: limits.clone(), ..options() }).unwrap();
        assert_eq!((ids(&found), refusals(&report)), (vec!["0", "2"], vec![(2, Reason::TooLong)]));
        assert_eq!(report.stopped, None);
    }
}

#[test]
fn an_array_that_breaks_off_keeps_what_came_before() {
    let (report, found) = read_products("[{\"id\": \"1\", \"title\": \"A\"},\n{\"id\": \"2\", \"ti");
    assert_eq!((report.read, ids(&found)), (1, vec!["1"]));
    let stopped = report.stopped.unwrap();
    assert_eq!(stopped.code, "malformed_json");
    assert!(stopped.what.contains("row 2"), "{}", stopped.what);
}

#[test]
fn a_schema_org_product_is_read() {
    let product = one_product(
        r#"{"@context": "https://schema.org", "@type": ["Product"], "sku": "1", "gtin13": "0123456789012", "name": "Penne &amp; more",
        "description": "<b>Fine</b>", "brand": {"@type": "Brand", "name": "Grano"}, "category": "Food > Pasta",
        "image": [{"@type": "ImageObject", "url": "/a.jpg", "name": "front"}, "/b.jpg"], "url": "https://shop.example/1",
        "aggregateRating": {"ratingValue": "4.4", "reviewCount": 89}, "weight": {"@type": "QuantitativeValue", "value": 500, "unitCode": "GRM"},
        "additionalProperty": [{"name": "Cooking Time", "value": "11"}, {"name": "vegan", "value": true}],
        "review": [{"@type": "Review", "reviewBody": "good"}],
        "offers": {"@type": "Offer", "price": 1.99, "priceCurrency": "eur", "availability": "https://schema.org/LimitedAvailability",
          "itemCondition": "https://schema.org/NewCondition", "inventoryLevel": {"value": 4},
          "priceSpecification": [{"price": "2.49", "priceType": "https://schema.org/StrikethroughPrice"}]}}"#,
    );
    assert_eq!((product.id.as_str(), product.title.as_str()), ("1", "Penne & more"));
    assert_eq!((product.price, product.sale_price, product.currency.as_deref()), (Some(2.49), Some(1.99), Some("EUR")));
    assert_eq!((product.availability, product.stock), (Availability::InStock, Some(4)));
    assert_eq!((product.image.as_deref(), product.brand.as_deref()), (Some("/a.jpg"), Some("Grano")));
    let attributes = json!({
        "additional_image_link": ["/b.jpg"], "condition": "new", "cooking_time": 11, "vegan": true, "weight": 500,
        "gtin13": "0123456789012", "rating": 4.4, "review_count": 89,
    });
    assert_eq!(json!(product.attributes), attributes);
}

fn offered(offers: &str) -> (Option<f64>, Availability, Option<String>) {
    let product = one_product(&format!(r#"{{"@type": "Product", "sku": "1", "name": "A", "offers": {offers}}}"#));
    (product.price, product.availability, product.currency)
}

#[test]
fn of_several_offers_the_cheapest_that_can_be_bought_counts() {
    let list = r#"[{"price": "1", "priceCurrency": "EUR", "availability": "SoldOut"}, {"price": "3", "priceCurrency": "EUR"}, {"price": "2", "priceCurrency": "EUR", "availability": "http://schema.org/InStock"}]"#;
    let eur = Some("EUR".to_owned());
    assert_eq!(offered(list), (Some(2.0), Availability::InStock, eur.clone()));
    let sum =
        r#"{"@type": "AggregateOffer", "lowPrice": "5.00", "highPrice": 9, "priceCurrency": "EUR", "offerCount": 3}"#;
    assert_eq!(offered(sum), (Some(5.0), Availability::InStock, eur.clone()));
    let both = r#"{"@type": "AggregateOffer", "lowPrice": "1", "priceCurrency": "EUR", "offers": [{"price": 1, "availability": "OutOfStock"}, {"price": 4}]}"#;
    assert_eq!(offered(both), (Some(4.0), Availability::InStock, eur));
    assert_eq!(offered("[]"), (None, Availability::InStock, None));
}

#[test]
fn graphs_groups_lists_and_articles() {
    let (report, found) = read_products(
        r##"[{"@context": "https://schema.org/", "@type": "BreadcrumbList", "itemListElement": []},
        {"@type": "schema:ProductGroup", "productGroupID": "shirt", "name": "Shirt", "category": "Apparel",
          "hasVariant": [
            {"@type": "Product", "sku": "r", "name": "Shirt red", "color": "red", "size": "M", "offers": {"price": 20, "priceCurrency": "EUR"}},
            {"@type": "Product", "sku": "b", "name": "Shirt blue", "color": "blue", "offers": {"price": 18, "priceCurrency": "EUR", "availability": "OutOfStock"}},
            {"@id": "#elsewhere"}]},
        {"@type": "Product", "sku": "x1", "name": "Hat red", "color": "red", "isVariantOf": {"@type": "ProductGroup", "productGroupID": "hat"}},
        {"@type": "ProductGroup", "productGroupID": "hat", "name": "Hat", "description": "Warm"},
        {"@type": "Product", "sku": "x2", "name": "Hat blue", "color": "blue", "inProductGroupWithID": "hat"},
        {"@type": "ListItem", "position": 1, "item": {"@type": "Product", "sku": "mug", "name": "Mug"}},
        {"@type": "BlogPosting", "@id": "post", "headline": "How to wear hats", "url": "/post"},
        {"@type": "Product", "name": "Nameless"}]"##,
    );
    assert_eq!((report.read, report.kept, ids(&found)), (7, 6, vec!["shirt", "mug", "post", "hat"]));
    assert_eq!(report.warnings[0].notice, Notice::OtherElement);
    assert_eq!(report.reasons.get(&Reason::MissingId), Some(&1));
    let shirt = &found[0];
    assert_eq!((shirt.title.as_str(), shirt.price, shirt.variants.len()), ("Shirt", Some(20.0), 2));
    assert_eq!(json!(shirt.attributes), json!({"color": ["red", "blue"], "size": "M"}));
    assert_eq!(shirt.variants[0].title.as_deref(), Some("red / M"));
    assert_eq!((found[2].kind, found[2].title.as_str()), (Kind::Content, "How to wear hats"));
    let hat = &found[3];
    assert_eq!((hat.variants.len(), hat.description.as_str()), (2, "Warm"));

    let list = r#"{"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": {"@type": "Product", "sku": "1", "name": "A"}}]}"#;
    assert_eq!(one_product(list).id.as_str(), "1");
}
