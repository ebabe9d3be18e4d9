//! Customer tables.

use parquet::data_type::{ByteArrayType, DoubleType, Int32Type};
use serde_json::json;
use vitrine_domain::Action;

use super::*;
use crate::import::parquet::tests::{column, file, text};

const TABLE: &str = "\
Customer ID,Loyalty Tier,age,newsletter,zip,Updated At
13085.0,gold,42,TRUE,01234,2026-03-01T10:00:00Z
7,,65+,,,
,silver,,,,
8,x,1,,,never
";

#[test]
fn columns_become_traits_of_the_customer() {
    let (report, found) = try_customers(Input::bytes(TABLE), &options()).unwrap();
    assert_eq!((report.read, report.kept), (4, 2));
    assert_eq!(refusals(&report), [(3, Reason::MissingId), (4, Reason::BadTime)]);
    let event = &found[0];
    assert_eq!((event.visitor.to_string().as_str(), event.action), ("u:13085", Action::Identify));
    assert_eq!(json!(event.traits), json!({"loyalty_tier": "gold", "age": 42, "newsletter": true, "zip": "01234"}));
    assert_eq!((Some(event.time), event.received), (Millis::parse("2026-03-01T10:00:00Z"), now()));
    assert!(event.id.as_str().starts_with("customer:13085:"), "{}", event.id);
    assert_eq!((json!(found[1].traits), found[1].time), (json!({"age": "65+"}), now()));
}

#[test]
fn an_event_is_named_by_what_it_says() {
    let of = |text: &str| try_customers(Input::bytes(text.to_owned()), &options()).unwrap().1.remove(0).id;
    let first = of("id,tier,age\n7,gold,42\n");
    assert_eq!(first, of("age,id,tier\n42,7,gold\n"));
    assert_eq!(first, of("{\"id\": 7, \"traits\": {\"tier\": \"gold\", \"age\": \"42\"}}"));
    assert_ne!(first, of("id,tier,age\n7,silver,42\n"));
    assert_ne!(first, of("id,tier,age\n8,gold,42\n"));
    assert_ne!(of("id,a,b\n7,1,\n"), of("id,a,b\n7,,1\n"));
    let long = "x".repeat(190);
    assert!(of(&format!("id,tier\n{long},gold\n")).as_str().len() <= 100);
}

#[test]
fn parquet_and_nested_json_say_the_same() {
    let schema = "message m { optional double customer_id; optional binary tier (UTF8); optional int32 age; }";
    let bytes = file(schema, 1, |_, group| {
        column::<DoubleType>(group, &[Some(7.0), None], true);
        column::<ByteArrayType>(group, &[text("gold"), text("silver")], true);
        column::<Int32Type>(group, &[Some(42), None], true);
    });
    let (report, found) = try_customers(Input::bytes(bytes), &options()).unwrap();
    assert_eq!(refusals(&report), [(2, Reason::MissingId)]);
    let json = "{\"userId\": \"7\", \"traits\": {\"tier\": \"gold\", \"age\": 42}, \"anonymousId\": \"d\"}\n{\"tier\": \"silver\"}\n";
    let (_, nested) = try_customers(Input::bytes(json), &options()).unwrap();
    assert_eq!(nested[0].device_id.as_deref(), Some("d"));
    assert_eq!((&found[0].id, &found[0].traits), (&nested[0].id, &nested[0].traits));
    let (_, deep) =
        try_customers(Input::bytes("[{\"id\": 1, \"address\": {\"city\": \"Lyon\"}}]"), &options()).unwrap();
    assert_eq!(json!(deep[0].traits), json!({"address_city": "Lyon"}));
}

#[test]
fn a_table_without_customers_is_an_error() {
    let error = try_customers(Input::bytes("age,tier\n1,2\n"), &options()).unwrap_err();
    assert_eq!(error.code(), "missing_column");
}

/// Whatever stands in such a row, in whichever column, may be somebody's name, and a report is kept with its job.
#[test]
fn a_report_on_customers_or_orders_repeats_no_cell() {
    let who = "anna@example.com";
    let long = format!("{who}{}", "x".repeat(200));
    let customers = format!("id,updated\n7,{who}\n8,,{who}\n{long},\n");
    let (report, _) = try_customers(Input::bytes(customers), &options()).unwrap();
    assert_eq!(refusals(&report), [(1, Reason::BadTime), (2, Reason::Malformed), (3, Reason::BadId)]);
    let (cut_off, _) =
        try_customers(Input::bytes(format!("{{\"id\": 7}}\n{{\"id\": \"{who}\", 8}}\n")), &options()).unwrap();
    assert_eq!(refusals(&cut_off), [(2, Reason::Malformed)]);
    let orders = format!(
        "order_id,product_id,quantity,time,price\n\
         {long},a,1,2026-01-01,1.0\n\
         1,{long},1,2026-01-01,1.0\n\
         2,a,{who},2026-01-01,1.0\n\
         3,a,1,{who},1.0\n\
         4,a,1,2026-01-01,{who}\n\
         {who},a,1,,1.0\n\
         5,a,1,2026-01-01,1.0,{who}\n\
         {who},a,1,2026-01-01,1.0\n\
         {who},b,1,2026-01-01,1.0\n"
    );
    let mut few = options();
    few.limits.order_lines = 1;
    let (of_orders, _) = try_orders(Input::bytes(orders), &few).unwrap();
    let reasons: Vec<Reason> = of_orders.rows.iter().map(|row| row.reason).collect();
    assert_eq!(
        reasons,
        [
            Reason::BadId,
            Reason::BadId,
            Reason::BadQuantity,
            Reason::BadTime,
            Reason::BadPrice,
            Reason::BadTime,
            Reason::Malformed,
            Reason::TooManyLines,
        ]
    );
    assert_eq!(of_orders.rows[4].column.as_deref(), Some("price"));
    for report in [report, cut_off, of_orders] {
        let told = json!(report).to_string();
        assert!(!told.contains("anna") && !told.contains("example.com"), "{told}");
    }
}
