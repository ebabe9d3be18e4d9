//! Order books: tables, JSON and Parquet.

use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use proptest::prelude::*;
use vitrine_domain::{Action, Channel, Line};

use super::*;
use crate::import::parquet::tests::{column, file, text};
use crate::import::{DateOrder, Derived, Limits};

/// A book with the columns of the UCI order book and rows of our own.
const BOOK: &str = "\
Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country
500001,20001,RED MUG,6,2010-01-04 09:30:00,2.95,13000.0,France
500001,20002A,BLUE MUG,2,2010-01-04 09:31:00,3.25,13000.0,France
500001,POST,POSTAGE,1,2010-01-04 09:30:00,18.0,13000.0,France
500002,20001,RED MUG,1,2010-01-04 10:00:00,2.95,,United Kingdom
500001,20003,,1,2010-01-04 09:30:00,1.0,13000.0,France
500003,20001,,-20,2010-01-04 11:00:00,0.0,,United Kingdom
C500004,20001,RED MUG,-2,2010-01-05 09:00:00,2.95,13000.0,France
C500005,M,Manual,1,2010-01-05 09:00:00,373.57,,France
A500006,B,Adjust bad debt,1,2010-01-06 09:00:00,-53594.36,,United Kingdom
500007,20001,RED MUG,x,2010-01-06 09:00:00,2.95,13001.0,France
500008,20001,RED MUG,0,2010-01-06 09:00:00,2.95,13001.0,France
500009,20001,RED MUG,1,someday,2.95,13001.0,France
,20001,RED MUG,1,2010-01-06 09:00:00,2.95,13001.0,France
500010,,RED MUG,1,2010-01-06 09:00:00,2.95,13001.0,France
500011,20001,RED MUG,1,2010-01-06 09:00:00,-2.95,13001.0,France
";

fn lines(event: &Event) -> Vec<(&str, f64, Option<f64>)> {
    event.lines.iter().map(|line| (line.product.as_str(), line.quantity, line.price)).collect()
}

#[test]
fn the_well_known_order_book_is_read_as_it_is() {
    let (report, found) = read_orders(BOOK);
    assert_eq!((report.read, report.kept, report.orders, report.refunds), (15, 5, 2, 1));
    let expected = [
        (3, Reason::NotAProduct),
        (6, Reason::BadPrice),
        (8, Reason::NotAProduct),
        (9, Reason::NotAProduct),
        (10, Reason::BadQuantity),
        (11, Reason::BadQuantity),
        (12, Reason::BadTime),
        (13, Reason::MissingId),
        (14, Reason::MissingId),
        (15, Reason::BadPrice),
    ];
    assert_eq!(refusals(&report), expected);
    let by_id = |id: &str| found.iter().find(|event| event.id.as_str() == id).unwrap();
    let order = by_id("order:500001");
    assert_eq!(lines(order), [("20001", 6.0, Some(2.95)), ("20002A", 2.0, Some(3.25)), ("20003", 1.0, Some(1.0))]);
    assert_eq!((order.visitor.to_string().as_str(), order.action), ("u:13000", Action::Order));
    assert_eq!(Some(order.time), Millis::parse("2010-01-04T09:30:00Z"));
    assert_eq!(order.order.as_ref().and_then(|head| head.id.as_deref()), Some("500001"));
    assert_eq!(order.properties.get("country").and_then(|country| country.as_str()), Some("France"));
    assert_eq!((order.channel, order.received), (Channel::Server, now()));
    assert!((order.revenue() - 25.2).abs() < 1e-9);
    let guest = by_id("order:500002");
    assert!(!guest.visitor.is_known() && !guest.visitor.id().contains("500002"));
    let back = by_id("refund:C500004");
    assert_eq!((back.action, lines(back)), (Action::Refund, vec![("20001", 2.0, Some(2.95))]));
}

#[test]
fn the_same_book_as_parquet_is_the_same() {
    let rows: Vec<Vec<&str>> = BOOK.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let texts = |at: usize| -> Vec<Option<ByteArray>> {
        rows.iter().map(|row| text(row[at]).filter(|t| !t.is_empty())).collect()
    };
    let numbers = |at: usize| -> Vec<Option<f64>> { rows.iter().map(|row| row[at].parse().ok()).collect() };
    let schema = "message schema { optional binary Invoice (UTF8); optional binary StockCode (UTF8);
        optional binary Description (UTF8); optional int64 Quantity; optional binary InvoiceDate (UTF8);
        optional double Price; optional double Customer_ID; optional binary Country (UTF8); }";
    let bytes = file(schema, 1, |_, group| {
        let quantities: Vec<_> = rows.iter().map(|row| Some(row[3].parse().unwrap_or(0))).collect();
        column::<ByteArrayType>(group, &texts(0), true);
        column::<ByteArrayType>(group, &texts(1), true);
        column::<ByteArrayType>(group, &texts(2), true);
        column::<Int64Type>(group, &quantities, true);
        column::<ByteArrayType>(group, &texts(4), true);
        column::<DoubleType>(group, &numbers(5), true);
        column::<DoubleType>(group, &numbers(6), true);
        column::<ByteArrayType>(group, &texts(7), true);
    });
    let (report, found) = try_orders(Input::bytes(bytes.clone()), &options()).unwrap();
    let (as_text, expected) = read_orders(BOOK);
    assert_eq!(found, expected);
    assert_eq!((report.format, report.reasons), (Format::Parquet, as_text.reasons));
    assert_eq!(try_orders(Input::stream(bytes.as_ref()), &options()).unwrap().1, expected);
    let wrong = try_products(Input::bytes(bytes), &options()).unwrap_err();
    assert_eq!(wrong.code(), "wrong_format");
}

#[test]
fn parquet_of_another_program_is_read_and_what_claims_to_be_huge_is_refused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fuzz/corpus/feed");
    let read = |name: &str| {
        let file = std::fs::File::open(format!("{folder}/{name}.parquet")).unwrap();
        try_orders(Input::file(file), &options())
    };
    let (report, found) = read("orders").unwrap();
    assert_eq!((report.kept, report.orders, report.refunds), (6, 3, 1));
    assert_eq!(lines(&found[0]), [("p1", 2.0, Some(2.49)), ("p2", 1.0, Some(5.0))]);
    assert_eq!(Some(found[0].time), Millis::parse("2026-11-01T09:30:00Z"));
    let refusals = ["page", "dictionary", "lengths", "children", "lists", "gzip"];
    let refusals = refusals.map(|name| read(name).unwrap_err().code());
    let [large, malformed] = ["pages_too_large", "malformed_parquet"];
    assert_eq!(refusals, [large, large, malformed, malformed, malformed, malformed]);
}

#[test]
fn a_catalogue_is_made_from_the_book() {
    let mut derived = Derived::new();
    let mut ignore = |_| -> Result<(), Infallible> { Ok(()) };
    let options = Options { currency: Some("GBP".into()), ..options() };
    crate::import::orders(Input::bytes(BOOK), &options, Some(&mut derived), &mut ignore).unwrap();
    let found: Vec<_> = derived.into_products(&options).collect();
    let found: Vec<_> = found.iter().map(|p| (p.id.as_str(), p.title.as_str(), p.price)).collect();
    assert_eq!(
        found,
        [("20001", "Red Mug", Some(2.95)), ("20002A", "Blue Mug", Some(3.25)), ("20003", "20003", Some(1.0))]
    );
}

#[test]
fn channels_devices_discounts_and_returns_by_column() {
    let (_, found) = read_orders(
        "order_id;time;user_id;anonymous_id;product_id;quantity;price;currency;channel;discount;coupon;return;variant\n\
         1;2026-11-01T10:00:00+01:00;u1;d1;p1;3;5,29;EUR;store;-7,87;;false;p1-xl\n\
         1;2026-11-01T10:00:00+01:00;u1;d1;p2;;1,00;EUR;store;;SAVE;false;\n\
         2;1761998400;;d2;p1;1;5 USD;;app;;;yes;\n\
         3;2026-11-01;;;p1;1;;;;;;;\n",
    );
    let event = &found[0];
    assert_eq!((event.channel, event.currency.as_deref()), (Channel::Store, Some("EUR")));
    assert_eq!((event.visitor.to_string().as_str(), event.device_id.as_deref()), ("u:u1", Some("d1")));
    assert_eq!(event.order.as_ref().and_then(|head| head.coupon.as_deref()), Some("SAVE"));
    assert_eq!((event.lines[0].discount, event.lines[0].variant.as_deref()), (Some(7.87), Some("p1-xl")));
    assert_eq!(event.lines[1].quantity, 1.0);
    let back = &found[1];
    assert_eq!((back.action, back.channel, back.currency.as_deref()), (Action::Refund, Channel::Mobile, Some("USD")));
    assert_eq!((back.visitor.to_string().as_str(), back.time), ("a:d2", Millis(1_761_998_400_000)));
    assert_eq!((found[2].lines[0].price, found[2].currency.as_deref()), (None, None));
}

#[test]
fn one_order_number_with_lines_bought_and_returned_is_an_order_and_a_return() {
    let (report, found) =
        read_orders("order,product,quantity,price,time\n7,a,2,1,2026-01-01\n7,b,-1,3,2026-01-01\n7,c,1,1,\n");
    assert_eq!((report.orders, report.refunds, report.kept), (1, 1, 3));
    let ids: Vec<_> = found.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["refund:7", "order:7"]);
    assert_eq!(lines(&found[1]), [("a", 2.0, Some(1.0)), ("c", 1.0, Some(1.0))]);
}

#[test]
fn totals_of_lines_are_shared_among_their_pieces() {
    let (report, found) = read_orders(
        "basket_id,product_id,quantity,sales_value,date\n7,a,4,10.00,2026-01-01\n8,a,-4,-10.00,2026-01-01\n9,a,2,0,2026-01-01\n",
    );
    assert_eq!(found.iter().flat_map(lines).collect::<Vec<_>>(), [("a", 4.0, Some(2.5)), ("a", 4.0, Some(2.5))]);
    assert_eq!(refusals(&report), [(3, Reason::BadPrice)]);
}

#[test]
fn dates_with_slashes_are_read_only_if_their_order_is_known() {
    let text = "order,product,time\n1,a,4/3/2026 9:05\n";
    let (report, _) = read_orders(text);
    assert_eq!(refusals(&report), [(1, Reason::BadTime)]);
    let known = Options { dates: DateOrder::MonthFirst, ..options() };
    let (_, found) = try_orders(Input::bytes(text), &known).unwrap();
    assert_eq!(Some(found[0].time), Millis::parse("2026-04-03T09:05:00Z"));
}

#[test]
fn an_order_may_be_one_object() {
    let (report, found) = read_orders(
        r#"{"id": 1, "created_at": "2026-01-01T00:00:00Z", "customer": {"id": 5}, "total": "12.50", "line_items": [{"id": 9, "product_id": 3, "quantity": 2, "price": "5.00", "name": "Mug"}, {"product_id": "Shipping", "price": 2.5}]}
{"id": 2, "created_at": "2026-01-01T00:00:00Z", "status": "Refunded", "lines": [{"sku": "x"}]}
{"id": 3, "created_at": "2026-01-01T00:00:00Z", "lines": []}
{"id": 4, "created_at": "2026-01-01T00:00:00Z", "lines": [{"sku": "postage"}]}
"#,
    );
    assert_eq!((report.read, report.orders, report.refunds), (4, 1, 1));
    assert_eq!(refusals(&report), [(3, Reason::MissingId), (4, Reason::NotAProduct)]);
    assert_eq!(lines(&found[0]), [("3", 2.0, Some(5.0))]);
    assert_eq!(found[0].visitor.to_string(), "u:5");
    assert_eq!(found[0].order.as_ref().and_then(|head| head.total), Some(12.5));
    assert_eq!((found[1].id.as_str(), found[1].action), ("refund:2", Action::Refund));
}

#[test]
fn rows_of_one_order_as_objects_are_put_together() {
    let row = |order: u32, product: &str| {
        format!(r#"{{"order_id": {order}, "product_id": "{product}", "time": "2026-01-01"}}"#)
    };
    let text = [row(1, "a"), row(2, "b"), row(1, "c")];
    let expected = [vec![("b", 1.0, None)], vec![("a", 1.0, None), ("c", 1.0, None)]];
    for text in [text.join("\n"), format!("[{}]", text.join(",")), format!("{{\"orders\":[{}]}}", text.join(","))] {
        let (_, found) = read_orders(&text);
        assert_eq!(found.iter().map(lines).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn lines_far_from_their_order_are_refused_and_never_lost_silently() {
    let mut text = "order,product,time\n".to_owned();
    for order in 0..50 {
        text += &format!("{order},a,2026-01-01\n");
    }
    text += "0,late,2026-01-01\n49,soon,2026-01-01\n";
    let limits = Limits { window_bytes: 10_000, ..Limits::default() };
    let (report, found) = try_orders(Input::bytes(text.clone()), &Options { limits, ..options() }).unwrap();
    assert_eq!((report.orders, refusals(&report)), (50, vec![(51, Reason::Scattered)]));
    assert_eq!(lines(found.last().unwrap()), [("a", 1.0, None), ("soon", 1.0, None)]);
    assert_eq!(read_orders(&text).0.kept, 52);
}

#[test]
fn an_order_of_too_many_lines_is_cut_and_said() {
    let text = format!("order,product,time\n{}", "1,a,2026-01-01\n".repeat(5));
    let limits = Limits { order_lines: 3, ..Limits::default() };
    let (report, found) = try_orders(Input::bytes(text), &Options { limits, ..options() }).unwrap();
    assert_eq!((found[0].lines.len(), report.reasons.get(&Reason::TooManyLines)), (3, Some(&2)));
}

#[test]
fn a_book_without_the_columns_it_needs_is_an_error_that_names_them() {
    let error = try_orders(Input::bytes("a,b,c\n1,2,3\n"), &options()).unwrap_err();
    assert_eq!(error.to_string(), "no column names the order; the columns are a, b, c");
    let error = try_orders(Input::bytes("order,price\n"), &options()).unwrap_err();
    assert!(error.to_string().contains("product"));
}

#[test]
fn an_input_that_breaks_off_leaves_open_orders_out() {
    let text = "[{\"order\":1,\"product\":\"a\",\"time\":\"2026-01-01\"},{\"order\":1,";
    let (report, found) = read_orders(text);
    assert_eq!((report.read, report.kept, found.len()), (1, 0, 0));
    assert_eq!(refusals(&report), [(1, Reason::Unfinished)]);
    assert!(report.stopped.is_some());
}

proptest! {
    /// However the lines of some orders are mixed, importing them gives the same orders.
    #[test]
    fn the_order_of_rows_does_not_matter(
        rows in prop::collection::vec((0u8..5, 0u8..4, prop::sample::select(vec![-2i32, -1, 1, 2]), 0u8..3), 0..40)
            .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        let book = |rows: &[(u8, u8, i32, u8)]| {
            let mut text = "order,product,quantity,time\n".to_owned();
            for (order, product, quantity, minute) in rows {
                text += &format!("{order},{product},{quantity},2026-01-01T00:0{minute}:00Z\n");
            }
            let (report, mut events) = read_orders(&text);
            assert_eq!(report.refused, 0);
            let by_product = |line: &Line| (line.product.as_str().to_owned(), line.quantity.to_bits());
            events.iter_mut().for_each(|event| event.lines.sort_by_key(by_product));
            events.sort_by(|a, b| a.id.cmp(&b.id));
            events
        };
        prop_assert_eq!(book(&rows.0), book(&rows.1));
    }
}
