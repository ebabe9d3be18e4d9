//! Google Merchant feeds: tables, RSS and Atom.

use serde_json::json;
use vitrine_domain::Availability;

use super::*;
use crate::import::{Limits, Notice};

/// A table with tabs, its header and rows written with bars.
fn table(text: &str) -> String {
    text.replace('|', "\t")
}

#[test]
fn a_row_is_understood_whatever_the_spelling_of_its_header() {
    let spellings = [
        table("id|title|image_link|product_type|sale_price|price|cost_of_goods_sold\n1|Penne|/a.jpg|Food > Pasta|1,99 EUR|2,49 EUR|1 EUR"),
        table("ID|Title|Image Link|Product Type|Sale Price|Price|Cost of goods sold\r\n1|Penne|/a.jpg|Food > Pasta|1.99 EUR|EUR 2.49|1 EUR\r\n"),
        "\u{feff}\"g:id\",\"g:title\",\"g:image_link\",g:product_type,g:sale_price,g:price,g:cost_of_goods_sold\n1,Penne,/a.jpg,Food > Pasta,\"1,99 €\",\"2,49 €\",1 EUR".to_owned(),
        "sku;name;Image URL;Category;special price;PRICE;cost\n1;Penne;/a.jpg;Food > Pasta;1,99;2,49 EUR;1,00".to_owned(),
    ];
    let first = one_product(&spellings[0]);
    assert_eq!((first.price, first.sale_price, first.cost), (Some(2.49), Some(1.99), Some(1.0)));
    assert_eq!((first.currency.as_deref(), first.image.as_deref()), (Some("EUR"), Some("/a.jpg")));
    assert_eq!(first.category, ["Food", "Pasta"]);
    for text in &spellings {
        assert_eq!(one_product(text), first, "{text}");
    }
}

#[test]
fn a_sale_counts_only_while_it_lasts() {
    let with = |dates: &str| {
        one_product(&table(&format!("id|title|price|sale_price|sale_price_effective_date\n1|A|2 EUR|1 EUR|{dates}")))
            .sale_price
    };
    assert_eq!(with(""), Some(1.0));
    assert_eq!(with("2026-11-22T00:00-0100/2026-11-23T00:00-0100"), Some(1.0));
    assert_eq!(with("2026-10-01T00:00Z/2026-10-31T00:00Z"), None);
    assert_eq!(with("2026-12-01/2026-12-31"), None);
    assert_eq!(with("whenever"), None);
}

#[test]
fn rows_that_cannot_be_kept_say_why_and_cost_nothing_else() {
    let (report, found) = read_products(&table(
        "id|title|price|availability\n1|A|2 EUR|in stock\n|B|2 EUR|\n3||2 EUR|\n4|D|free|\n5|E|2 EUR|sold out|\n6|F|3 EUR||stray\n7|G|4 EUR|soon",
    ));
    assert_eq!(ids(&found), ["1", "5", "7"]);
    let expected = [(2, Reason::MissingId), (3, Reason::MissingTitle), (4, Reason::BadPrice), (6, Reason::Malformed)];
    assert_eq!(refusals(&report), expected);
    let price = report.rows.get(2).unwrap();
    assert_eq!((price.column.as_deref(), price.value.as_deref(), price.line), (Some("price"), Some("free"), Some(5)));
    assert_eq!(found[1].availability, Availability::OutOfStock);
    assert_eq!(
        report.warnings.iter().map(|w| (w.notice, w.first_row)).collect::<Vec<_>>(),
        [(Notice::UnknownAvailability, 7)]
    );
    assert!(!report.is_whole());
}

#[test]
fn unknown_attributes_are_kept_with_their_types() {
    let product = one_product(&table(
        "id|title|Spice Level|vegan|gtin|custom_label_0|is_bundle|additional_image_link|size\n1|A|3|TRUE|0123|new|no|/b.jpg,/c.jpg|42",
    ));
    let expected = json!({
        "spice_level": 3, "vegan": true, "gtin": "0123", "custom_label_0": "new", "is_bundle": false, "size": 42,
        "additional_image_link": ["/c.jpg"],
    });
    assert_eq!(product.image.as_deref(), Some("/b.jpg"));
    assert_eq!(json!(product.attributes), expected);
}

#[test]
fn quotation_marks_may_hold_tabs_and_line_breaks() {
    let text = "id\ttitle\tdescription\n1\tThe 27\" screen\t\"two\n\"\"lines\"\"\tand a tab\"\n2\tB\t<b>x</b>\n";
    let (report, found) = read_products(text);
    assert_eq!((report.read, ids(&found)), (2, vec!["1", "2"]));
    assert_eq!(found[0].title, "The 27\" screen");
    assert_eq!(found[0].description, "two \"lines\" and a tab");
    assert_eq!(found[1].description, "x");
}

#[test]
fn text_in_windows_1252_is_read_and_said() {
    let text = b"id;title;price\n1;Cr\xe8me br\xfbl\xe9e;2,50 \x80\n".to_vec();
    let (report, found) = try_products(Input::bytes(text), &options()).unwrap();
    assert_eq!((found[0].title.as_str(), found[0].currency.as_deref()), ("Crème brûlée", Some("EUR")));
    assert_eq!(report.warnings[0].notice, Notice::NotUtf8);
}

#[test]
fn variants_become_one_product_even_if_they_stand_apart() {
    let (report, found) = read_products(&table(
        "id|title|item_group_id|color|size|price|availability\n\
         a1|Shirt red|shirt|red|M|20 EUR|out of stock\n\
         b|Belt|||one|9 EUR|in stock\n\
         a2|Shirt blue|shirt|blue|M|25 EUR|in stock\n\
         |No id|shirt|green|M|1 EUR|in stock",
    ));
    assert_eq!((report.read, report.kept, report.products), (4, 3, 2));
    assert_eq!(refusals(&report), [(4, Reason::MissingId)]);
    let shirt = found.iter().find(|product| product.id.as_str() == "shirt").unwrap();
    assert_eq!((shirt.price, shirt.availability), (Some(25.0), Availability::InStock));
    assert_eq!(json!(shirt.attributes), json!({"color": ["red", "blue"], "size": "M"}));
    let variants: Vec<_> = shirt.variants.iter().map(|v| (v.id.as_str(), v.title.as_deref(), v.price)).collect();
    assert_eq!(variants, [("a1", Some("red / M"), Some(20.0)), ("a2", Some("blue / M"), None)]);
}

#[test]
fn a_variant_beyond_the_window_is_refused_and_the_memory_bounded() {
    let mut text = table("id|title|item_group_id\n");
    for group in 0..50 {
        text += &table(&format!("{group}-1|A|g{group}\n"));
    }
    text += &table("0-2|A|g0\n49-2|A|g49\n");
    let limits = Limits { window_bytes: 10_000, ..Limits::default() };
    let small = Options { limits, ..options() };
    let (report, found) = try_products(Input::bytes(text.clone()), &small).unwrap();
    assert_eq!((report.read, report.kept, found.len()), (52, 51, 50));
    assert_eq!(refusals(&report), [(51, Reason::Scattered)]);
    let (report, _) = read_products(&text);
    assert_eq!(report.kept, 52);
}

const RSS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE rss [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title><link>https://shop.example</link>
<item>
  <g:id>1</g:id><title>Salt &amp; pepper &b; caf&eacute;</title><link>https://shop.example/1?a=1&amp;b=2</link>
  <description><![CDATA[<p>Fine &amp; dry</p>]]></description>
  <g:price>2.49 EUR</g:price> <g:availability>in_stock</g:availability>
  <g:product_type>Food &gt; Spices</g:product_type>
  <g:additional_image_link>/b.jpg</g:additional_image_link><g:additional_image_link>/c.jpg</g:additional_image_link>
  <g:image_link>/a.jpg</g:image_link>
  <g:shipping>
    <g:country>FR</g:country>
    <g:price>5 EUR</g:price>
  </g:shipping>
  <g:product_detail><g:section_name>X</g:section_name><g:attribute_name>Grind Size</g:attribute_name><g:attribute_value>fine</g:attribute_value></g:product_detail>
  <!-- a comment --><g:gtin/><guid>other</guid><pubDate>Mon</pubDate>
</item>
<item><title>No id</title></item>
</channel></rss>"#;

#[test]
fn rss_items_are_read() {
    let (report, found) = read_products(RSS);
    assert_eq!((report.read, refusals(&report)), (2, vec![(2, Reason::MissingId)]));
    let product = &found[0];
    assert_eq!((product.id.as_str(), product.title.as_str()), ("1", "Salt & pepper &b; café"));
    assert_eq!(product.url.as_deref(), Some("https://shop.example/1?a=1&b=2"));
    assert_eq!((product.description.as_str(), product.image.as_deref()), ("Fine & dry", Some("/a.jpg")));
    assert_eq!(product.category, ["Food", "Spices"]);
    assert_eq!(product.price, Some(2.49));
    let expected = json!({"additional_image_link": ["/b.jpg", "/c.jpg"], "shipping": "FR:5 EUR", "grind_size": "fine"});
    assert_eq!(json!(product.attributes), expected);
}

#[test]
fn an_atom_entry_s_own_names_give_way_to_google_s() {
    let product = one_product(
        r#"<feed xmlns="http://www.w3.org/2005/Atom" xmlns:x="http://base.google.com/ns/1.0"><id>feed</id>
        <entry><id>tag:atom</id><x:id>7</x:id><title>Atom</title><x:title>Google</x:title><updated>2026-01-01T00:00:00Z</updated>
        <link rel="self" href="/self"/><link href="https://shop.example/7?a=1&amp;b=2"/><summary>Short</summary></entry></feed>"#,
    );
    assert_eq!((product.id.as_str(), product.title.as_str()), ("7", "Google"));
    assert_eq!(product.url.as_deref(), Some("https://shop.example/7?a=1&b=2"));
    assert_eq!((product.description.as_str(), product.attributes.len()), ("Short", 0));
}

#[test]
fn a_document_that_breaks_off_keeps_what_came_before() {
    let cut = RSS.replace("<item><title>No id</title></item>", "<item><g:id>2</g:id><title>B</title>");
    let (report, found) = read_products(&cut.replace("</channel></rss>", ""));
    assert_eq!((report.read, found.len()), (1, 1));
    assert_eq!(report.stopped.as_ref().map(|stopped| stopped.code.as_str()), Some("malformed_xml"));
    assert!(!report.is_whole());
    let (report, _) = read_products(&cut);
    assert!(report.stopped.unwrap().what.contains("row 2"));
}

#[test]
fn groups_that_wait_when_the_input_breaks_off_are_not_handed_on() {
    let item = |id: &str| format!("<item><g:id>{id}</g:id><title>A</title><g:item_group_id>g</g:item_group_id></item>");
    let (report, found) = read_products(&format!("<rss>{}{}<item>", item("1"), item("2")));
    assert_eq!((report.read, report.kept, found.len()), (2, 0, 0));
    assert_eq!(report.reasons.get(&Reason::Unfinished), Some(&2));
    assert_eq!(report.rows[0].rows, 2);
}

#[test]
fn what_is_no_feed_is_an_error() {
    for (text, code) in [
        ("title\tprice\nA\t1", "missing_column"),
        ("Dear shop, please find attached", "missing_column"),
        ("<html", "malformed_xml"),
        ("", "empty_input"),
    ] {
        let error = try_products(Input::bytes(text), &options()).unwrap_err();
        assert_eq!(error.code(), code, "{text}");
    }
    let (report, _) = read_products("<html><body>Sorry</body></html>");
    assert_eq!(report.read, 0);
}

#[test]
fn a_row_without_end_stops_the_import_and_not_the_machine() {
    let endless = std::io::repeat(b'x');
    let start = "id\ttitle\n1\tA\n2\t\"B";
    let input = Input::stream(std::io::Read::chain(start.as_bytes(), endless));
    let limits = Limits { row_bytes: 10_000, ..Limits::default() };
    let (report, found) = try_products(input, &Options { limits, ..options() }).unwrap();
    assert_eq!((report.read, found.len()), (1, 1));
    assert_eq!(report.stopped.unwrap().code, "row_too_long");

    let deep = std::io::Read::chain(&b"<rss>"[..], Repeated(b"<a>", 0));
    let limits = Limits { row_bytes: 10_000, ..Limits::default() };
    let error = try_products(Input::stream(deep), &Options { limits, ..options() }).unwrap_err();
    assert_eq!(error.code(), "row_too_long");
}

/// Some bytes without end.
struct Repeated(&'static [u8], usize);

impl std::io::Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        for byte in &mut *buffer {
            *byte = self.0[self.1 % self.0.len()];
            self.1 += 1;
        }
        Ok(buffer.len())
    }
}

#[test]
fn more_rows_than_allowed_are_not_read() {
    let limits = Limits { rows: 2, ..Limits::default() };
    let input = Input::bytes("id\ttitle\n1\tA\n2\tB\n3\tC\n");
    let (report, found) = try_products(input, &Options { limits, ..options() }).unwrap();
    assert_eq!((report.read, found.len()), (2, 2));
    assert_eq!(report.stopped.unwrap().code, "too_many_rows");
}

#[test]
fn a_receiver_that_fails_ends_the_import() {
    let mut taken = 0;
    let outcome = crate::import::products(Input::bytes("id\ttitle\n1\tA\n2\tB\n3\tC\n"), &options(), &mut |_| {
        taken += 1;
        if taken < 2 { Ok(()) } else { Err("the table is full") }
    });
    assert!(matches!(outcome, Err(ImportError::Sink(error)) if error.to_string() == "the table is full"));
    assert_eq!(taken, 2);
}
