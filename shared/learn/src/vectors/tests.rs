//! What can be read, what is refused and where, and that storing changes nothing.

use proptest::prelude::*;

use super::*;

fn npy(version: u8, kind: &str, order: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}").into_bytes();
    let before = if version == 1 { 10 } else { 12 };
    // NumPy pads the header with spaces to a multiple of 64 and ends it with a new line.
    while !(before + header.len() + 1).is_multiple_of(64) {
        header.push(b' ');
    }
    header.push(b'\n');
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((header.len() as u16).to_le_bytes()),
        _ => bytes.extend((header.len() as u32).to_le_bytes()),
    }
    bytes.extend(header);
    bytes.extend(numbers);
    bytes
}

fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn doubles(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn lines_of_products_and_visitors() {
    let text = concat!(
        "{\"product_id\": \"soap\", \"vector\": [1, -2.5]}\n",
        "\r\n",
        "{\"user_id\": \"u:7\", \"vector\": [0, 1e-3]}\n",
        "{\"visitor_id\": \"u:7\", \"vector\": [3, 4]}\r\n",
        "{\"visitor_id\": \"abc\", \"vector\": [5, 6]}\n",
        "{\"vector\": [7, 8], \"product_id\": \"penne\"}",
    );
    let own = parse_ndjson("images", text.as_bytes()).unwrap();
    let product = |id: &str| ProductId::new(id).unwrap();
    assert_eq!((own.name.as_str(), own.dims), ("images", 2));
    assert_eq!(own.products, [(product("penne"), vec![7.0, 8.0]), (product("soap"), vec![1.0, -2.5])]);
    let visitors = [
        (Visitor::anonymous("abc").unwrap(), vec![5.0, 6.0]),
        (Visitor::known("7").unwrap(), vec![3.0, 4.0]),
        (Visitor::known("u:7").unwrap(), vec![0.0, 0.001]),
    ];
    assert_eq!(own.visitors, visitors);
}

#[test]
fn a_line_that_cannot_be_used_is_named() {
    let good = "{\"product_id\": \"a\", \"vector\": [1, 2]}\n";
    let long = format!("{{\"product_id\": \"b\", \"vector\": [{}0]}}", "0,".repeat(MAX_DIMS));
    for (bad, says) in [
        ("{\"product_id\": \"b\", \"vector\": [1]}", "has 1 numbers, those before have 2"),
        ("{\"product_id\": \"b\", \"vector\": []}", "has 0 numbers instead of 1 to 256"),
        (long.as_str(), "has 257 numbers instead of 1 to 256"),
        ("{\"product_id\": \"b\", \"vector\": [1, 1e39]}", "number 1 of the vector is not finite"),
        ("{\"product_id\": \"b\", \"vector\": [1, NaN]}", "expected value"),
        ("{\"product_id\": \"b\", \"vector\": [1, null]}", "invalid type: null"),
        ("{\"product_id\": \"b\", \"vektor\": [1, 2]}", "unknown field `vektor`"),
        ("{\"product_id\": \"\", \"vector\": [1, 2]}", "product_id must be"),
        ("{\"product_id\": 7, \"vector\": [1, 2]}", "invalid type: integer"),
        ("{\"product_id\": \"b\", \"user_id\": \"c\", \"vector\": [1, 2]}", "one of `product_id`"),
        ("{\"vector\": [1, 2]}", "one of `product_id`"),
        ("{\"product_id\": \"a\", \"vector\": [3, 4]}", "the same identifier as in 1"),
        ("[1, 2]", "invalid"),
        ("\u{feff}{}", "expected value"),
    ] {
        match parse_ndjson("x", format!("{good}\n{bad}\n").as_bytes()) {
            Err(Invalid::Line { line: 3, what }) => assert!(what.contains(says), "{bad}: {what}"),
            other => panic!("{bad}: {other:?}"),
        }
    }
    assert_eq!(parse_ndjson("x", b"\n \n"), Err(Invalid::Empty));
    assert!(matches!(parse_ndjson("x", b"\xff\xfe"), Err(Invalid::Line { line: 1, .. })));
}

#[test]
fn matrices_of_both_widths_and_all_versions() {
    let rows = ids(&["b", "a"]);
    for version in 1..=3 {
        let single = npy(version, "<f4", "False", "(2, 3)", &floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.5]));
        let double = npy(version, "<f8", "False", "(2, 3)", &doubles(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.5]));
        assert!(is_npy(&single) && !is_npy(b"{}"));
        let own = parse_npy("x", &single, Of::Products, &rows).unwrap();
        assert_eq!(own.products[0], (ProductId::new("a").unwrap(), vec![4.0, 5.0, 6.5]));
        assert_eq!(own, parse_npy("x", &double, Of::Products, &rows).unwrap());
        let visitors = parse_npy("x", &single, Of::Visitors, &ids(&["u:b", "a"])).unwrap();
        assert_eq!(visitors.visitors[0], (Visitor::anonymous("a").unwrap(), vec![4.0, 5.0, 6.5]));
    }
}

#[test]
fn other_matrices_are_refused_with_what_to_do() {
    let numbers = floats(&[1.0, 2.0, 3.0, 4.0]);
    let read = |bytes: &[u8], rows: &[&str]| parse_npy("x", bytes, Of::Products, &ids(rows)).unwrap_err().to_string();
    for (bytes, says) in [
        (npy(1, "<i4", "False", "(2, 2)", &numbers), "float32 or float64"),
        (npy(1, ">f4", "False", "(2, 2)", &numbers), "little-endian"),
        (npy(1, "<f4", "True", "(2, 2)", &numbers), "C order"),
        (npy(1, "<f4", "False", "(4,)", &numbers), "two dimensions"),
        (npy(1, "<f4", "False", "(2, 2, 1)", &numbers), "two dimensions"),
        (npy(1, "<f4", "False", "(-2, 2)", &numbers), "two dimensions"),
        (npy(1, "<f4", "False", "(2, 3)", &numbers), "16 bytes of numbers, 2 x 3"),
        (npy(1, "<f4", "False", "(2, 1)", &numbers), "16 bytes of numbers, 2 x 1"),
        (npy(1, "<f4", "False", &format!("({}, 8)", usize::MAX), &numbers), "were promised"),
        (npy(9, "<f4", "False", "(2, 2)", &numbers), "version 9"),
        (b"\x93NUMPY\x01\x00\xff\xff{".to_vec(), "cut short"),
        (b"PK".to_vec(), "does not begin"),
    ] {
        let text = read(&bytes, &["a", "b"]);
        assert!(text.contains(says), "{says}: {text}");
    }
    let fine = npy(1, "<f4", "False", "(2, 2)", &numbers);
    assert_eq!(read(&fine, &["a"]), "there are 1 identifiers for 2 rows");
    assert_eq!(read(&fine, &["a", "a"]), "row 1: the same identifier as in 0");
    let infinite = npy(1, "<f8", "False", "(2, 2)", &doubles(&[1.0, 2.0, 3.0, 1e40]));
    assert_eq!(read(&infinite, &["a", "b"]), "row 1: number 1 of the vector is not finite");
    assert_eq!(read(&npy(1, "<f4", "False", "(0, 2)", &[]), &[]), "there is no vector");
    assert!(read(&npy(1, "<f4", "False", "(2, 0)", &[]), &["a", "b"]).contains("has 0 numbers"));
}

/// A set with products and visitors.
fn any_set() -> impl Strategy<Value = OwnVectors> {
    (1..6_usize).prop_flat_map(|dims| {
        let vector = || prop::collection::vec(-1e30_f32..1e30, dims);
        let some = |least| prop::collection::btree_map("[a-z0-9:ü]{1,6}", vector(), least..8);
        (some(1), some(0)).prop_map(move |(products, visitors)| OwnVectors {
            name: "x".to_owned(),
            dims,
            products: products.into_iter().map(|(id, v)| (ProductId::new(id).unwrap(), v)).collect(),
            visitors: visitors.into_iter().map(|(id, v)| (Visitor::known(id).unwrap(), v)).collect(),
        })
    })
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(set in any_set()) {
        let line = |key: &str, id: &str, vector: &Vec<f32>| {
            serde_json::json!({ key: id, "vector": vector.iter().map(|x| f64::from(*x)).collect::<Vec<_>>() }).to_string()
        };
        let products = set.products.iter().map(|(id, v)| line("product_id", id.as_str(), v));
        let visitors = set.visitors.iter().map(|(who, v)| line("user_id", who.id(), v));
        let mut lines: Vec<String> = products.chain(visitors).collect();
        lines.reverse();
        prop_assert_eq!(&parse_ndjson("x", lines.join("\n").as_bytes()).unwrap(), &set);
        let rows: Vec<f32> = set.products.iter().flat_map(|(_, v)| v.clone()).collect();
        let shape = format!("({}, {})", set.products.len(), set.dims);
        let names: Vec<String> = set.products.iter().map(|(id, _)| id.to_string()).collect();
        let own = parse_npy("x", &npy(1, "<f4", "False", &shape, &floats(&rows)), Of::Products, &names).unwrap();
        prop_assert_eq!(&own.products, &set.products);
    }

    #[test]
    fn storing_changes_nothing_and_damage_is_seen(set in any_set(), cut in any::<prop::sample::Index>()) {
        let bytes = set.pack().unwrap();
        prop_assert_eq!(&OwnVectors::unpack("x", &bytes).unwrap(), &set);
        prop_assert!(OwnVectors::unpack("x", &bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), header in ".{0,80}") {
        let _ = parse_ndjson("x", &bytes);
        let _ = OwnVectors::unpack("x", &bytes);
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(&bytes);
        let _ = parse_npy("x", &file, Of::Products, &ids(&["a"]));
        let _ = parse_npy("x", &bytes, Of::Visitors, &[]);
    }
}
