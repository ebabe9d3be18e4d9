//! What holds for every input: nothing panics, and the rows read are the rows kept and the rows refused (which the
//! helpers of these tests assert on every import).

use proptest::prelude::*;

use super::*;
use crate::import::{Limits, Subject};

/// Reads bytes as every subject and format; what the outcome is does not matter.
fn read_all_ways(bytes: &[u8]) {
    let limits = Limits { row_bytes: 2_000, window_bytes: 2_000, rows: 30, ..Limits::default() };
    let options = Options { limits, ..options() };
    let formats = Format::ALL.into_iter().map(Some).chain([None]);
    for format in formats {
        let input = || Input::stream(bytes).format(format);
        let holds = |subject| format.is_none_or(|format| format.holds(subject));
        if holds(Subject::Products) {
            let _ = try_products(input(), &options);
        }
        if holds(Subject::Orders) {
            let _ = try_orders(input(), &options);
            let _ = try_customers(input(), &options);
        }
    }
}

/// Pieces that formats are made of, so that random inputs get far.
const PIECES: [&str; 64] = [
    "id",
    "title",
    "price",
    "handle",
    "Handle",
    "Title",
    "order",
    "product",
    "time",
    "quantity",
    "item_group_id",
    "sku",
    "Variant SKU",
    "Variant Price",
    "1",
    "2",
    "-3",
    "0",
    "2.49 EUR",
    "g1",
    "g2",
    "2026-01-01",
    "in stock",
    "\t",
    "\t",
    ",",
    ",",
    ",",
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\"",
    "\"\"",
    "{",
    "}",
    "[",
    "]",
    ":",
    "null",
    "true",
    "{\"id\":1,\"title\":\"A\"}",
    "{\"@type\":\"Product\",\"sku\":\"1\",\"name\":\"A\"}",
    "\"products\":[",
    "\"variants\":[",
    "\"offers\":",
    "\"hasVariant\":[",
    "<item>",
    "</item>",
    "<entry>",
    "</entry>",
    "<g:id>",
    "</g:id>",
    "<title>",
    "</title>",
    "<link href='x'/>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&amp;",
    "&#0;",
    "&x;",
    "é",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_all_ways(&bytes);
    }

    #[test]
    fn any_pieces(
        start in prop::sample::select(vec!["", "id\ttitle\titem_group_id\n", "Handle,Title,Variant Price\n", "order,product,time,quantity\n", "<rss>", "[", "{\"products\":["]),
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..60),
    ) {
        read_all_ways(format!("{start}{}", pieces.concat()).as_bytes());
    }

    #[test]
    fn any_damage_to_a_sample(
        sample in prop::sample::select(super::samples::FILES.to_vec()),
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut bytes = super::samples::read(sample);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()));
        let _ = try_products(Input::stream(bytes.as_slice()), &options());
        let _ = try_orders(Input::stream(bytes.as_slice()), &options());
        let _ = try_customers(Input::stream(bytes.as_slice()), &options());
    }

    #[test]
    fn every_row_of_a_table_is_kept_or_refused(
        rows in prop::collection::vec(("[1-4]?", "[ab]?", "(g[1-3])?", "(2 EUR|x|)"), 0..40),
        window in 0usize..4_000,
    ) {
        let mut text = "id,title,item_group_id,price\n".to_owned();
        for (id, title, group, price) in &rows {
            text += &format!("{id},{title},{group},{price}\n");
        }
        let blank = rows.iter().filter(|(id, title, group, price)| [id, title, group, price].iter().all(|cell| cell.is_empty()));
        let expected = u64::try_from(rows.len() - blank.count()).unwrap();
        let limits = Limits { window_bytes: window, ..Limits::default() };
        let (report, _) = try_products(Input::bytes(text), &Options { limits, ..options() }).unwrap();
        prop_assert_eq!(report.read, expected);
    }
}
