//! What DynamoDB bills for a call, by its published rules.
//!
//! An item weighs the bytes of its attributes' names and values. A write costs a unit for each 1 KB begun, a read one for
//! each 4 KB begun, or half of one if it may be eventually consistent; a query is rounded once, over everything it looked
//! at; in a transaction everything counts twice. A refused conditional write costs what it would have cost.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Bytes of a write unit.
pub const WRITE: u64 = 1024;
/// Bytes of a read unit.
pub const READ: u64 = 4096;
/// Bytes that a stored item weighs beyond its own.
pub const OVERHEAD: u64 = 100;

/// What a call is billed, and how many bytes it stored.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Units {
    /// Read request units.
    pub read: f64,
    /// Write request units.
    pub write: f64,
    /// Items that were written.
    pub items: u64,
    /// Their bytes.
    pub stored: u64,
}

/// Units of writing an item.
#[must_use]
pub fn write_units(bytes: u64) -> f64 {
    bytes.div_ceil(WRITE).max(1) as f64
}

/// Units of reading so many bytes at once; nothing found is billed as the smallest read.
#[must_use]
pub fn read_units(bytes: u64, consistent: bool) -> f64 {
    let units = bytes.div_ceil(READ).max(1) as f64;
    if consistent { units } else { units / 2.0 }
}

/// Bytes of an item in the form in which the API writes it.
#[must_use]
pub fn item_bytes(item: &Value) -> u64 {
    let attributes = item.as_object().into_iter().flatten();
    attributes.map(|(name, value)| name.len() as u64 + value_bytes(value)).sum()
}

/// Bytes of an attribute's value, `{"S": "text"}` and its like.
fn value_bytes(value: &Value) -> u64 {
    let Some((kind, value)) = value.as_object().and_then(|typed| typed.iter().next()) else { return 0 };
    let each = |bytes: fn(&Value) -> u64| value.as_array().into_iter().flatten().map(bytes).sum::<u64>();
    match kind.as_str() {
        "S" => text_bytes(value),
        "N" => number_bytes(value),
        "B" => binary_bytes(value),
        "SS" => each(text_bytes),
        "NS" => each(number_bytes),
        "BS" => each(binary_bytes),
        "L" => 3 + each(|element| 1 + value_bytes(element)),
        "M" => {
            let members = value.as_object().into_iter().flatten();
            3 + members.map(|(name, value)| 1 + name.len() as u64 + value_bytes(value)).sum::<u64>()
        }
        // `BOOL` and `NULL`.
        _ => 1,
    }
}

fn text_bytes(value: &Value) -> u64 {
    value.as_str().map_or(0, |text| text.len() as u64)
}

fn binary_bytes(value: &Value) -> u64 {
    value.as_str().and_then(|text| STANDARD.decode(text).ok()).map_or(0, |bytes| bytes.len() as u64)
}

/// Two significant digits a byte, and one more.
fn number_bytes(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_default();
    let digits = text.trim_start_matches('-').replace('.', "");
    let significant = digits.trim_matches('0').len() as u64;
    significant.div_ceil(2) + 1 + u64::from(text.starts_with('-'))
}

/// What a call is billed, from its request and its answer.
#[must_use]
pub fn of_call(operation: &str, request: &Value, answer: &Value) -> Units {
    let consistent = |of: &Value| of["ConsistentRead"].as_bool().unwrap_or(false);
    let read = |read| Units { read, ..Units::default() };
    match operation {
        "GetItem" => read(read_units(item_bytes(&answer["Item"]), consistent(request))),
        "Query" | "Scan" => {
            let items = answer["Items"].as_array();
            read(read_units(items.into_iter().flatten().map(item_bytes).sum(), consistent(request)))
        }
        "BatchGetItem" => {
            let tables = request["RequestItems"].as_object();
            read(tables.into_iter().flatten().map(|(name, of)| batch_read(name, of, answer, consistent(of))).sum())
        }
        "TransactGetItems" => {
            let found = answer["Responses"].as_array();
            let one = |response: &Value| 2.0 * read_units(item_bytes(&response["Item"]), true);
            read(found.into_iter().flatten().map(one).sum())
        }
        "PutItem" => write(&request["Item"], 1.0),
        // What is deleted or changed in place is not in the request: the smallest write.
        "DeleteItem" | "UpdateItem" => Units { write: 1.0, ..Units::default() },
        "BatchWriteItem" => {
            let writes = request["RequestItems"].as_object().into_iter().flatten();
            let writes = writes.flat_map(|(_, writes)| writes.as_array().into_iter().flatten());
            sum(writes.map(|one| write(&one["PutRequest"]["Item"], 1.0)))
        }
        "TransactWriteItems" => {
            let writes = request["TransactItems"].as_array().into_iter().flatten();
            sum(writes.map(|one| write(&one["Put"]["Item"], 2.0)))
        }
        _ => Units::default(),
    }
}

fn batch_read(table: &str, of: &Value, answer: &Value, consistent: bool) -> f64 {
    let found = answer["Responses"][table].as_array().map_or(&[][..], Vec::as_slice);
    let asked = of["Keys"].as_array().map_or(0, Vec::len);
    let missing = asked.saturating_sub(found.len()) as f64 * read_units(0, consistent);
    found.iter().map(|item| read_units(item_bytes(item), consistent)).sum::<f64>() + missing
}

/// A write of an item; a write without one deletes or checks.
fn write(item: &Value, factor: f64) -> Units {
    let stored = item_bytes(item);
    Units { write: factor * write_units(stored), items: u64::from(stored > 0), stored, ..Units::default() }
}

fn sum(parts: impl Iterator<Item = Units>) -> Units {
    parts.fold(Units::default(), |all, one| Units {
        read: all.read + one.read,
        write: all.write + one.write,
        items: all.items + one.items,
        stored: all.stored + one.stored,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn item(bytes: usize) -> Value {
        // Two names of two letters, three bytes of keys.
        json!({"PK": {"S": "p"}, "SK": {"S": "sk"}, "d": {"S": "x".repeat(bytes - 8)}})
    }

    #[test]
    fn items_weigh_their_names_and_values() {
        assert_eq!(item_bytes(&item(700)), 700);
        assert_eq!(item_bytes(&json!({"n": {"N": "1763822379365"}})), 1 + 8);
        assert_eq!(item_bytes(&json!({"n": {"N": "-100"}})), 1 + 3);
        assert_eq!(item_bytes(&json!({"é": {"BOOL": true}})), 3);
        assert_eq!(item_bytes(&json!({"b": {"B": "AAEC"}})), 4);
        assert_eq!(item_bytes(&json!({"l": {"L": [{"S": "ab"}, {"NULL": true}]}})), 1 + 3 + 3 + 2);
        assert_eq!(item_bytes(&json!({"m": {"M": {"k": {"S": "ab"}}}})), 1 + 3 + 1 + 1 + 2);
    }

    #[test]
    fn a_write_unit_is_a_kilobyte_and_a_read_unit_four() {
        let put = |bytes| of_call("PutItem", &json!({"Item": item(bytes)}), &json!({})).write;
        assert_eq!([put(700), put(1024), put(1025), put(2049)], [1.0, 1.0, 2.0, 3.0]);
        let get = |bytes, consistent| {
            of_call("GetItem", &json!({"ConsistentRead": consistent}), &json!({"Item": item(bytes)})).read
        };
        assert_eq!([get(4096, true), get(4097, true), get(4096, false), get(4097, false)], [1.0, 2.0, 0.5, 1.0]);
        let nothing = |consistent| of_call("GetItem", &json!({"ConsistentRead": consistent}), &json!({})).read;
        assert_eq!([nothing(true), nothing(false)], [1.0, 0.5]);
    }

    #[test]
    fn a_query_is_rounded_once_and_a_batch_item_by_item() {
        let three = json!([item(1000), item(1000), item(1000)]);
        assert_eq!(of_call("Query", &json!({"ConsistentRead": true}), &json!({"Items": three})).read, 1.0);
        let batch = json!({"RequestItems": {"t": {"Keys": [{}, {}, {}, {}]}}});
        assert_eq!(of_call("BatchGetItem", &batch, &json!({"Responses": {"t": three}})).read, 2.0);
        let writes = json!({"RequestItems": {"t": [
            {"PutRequest": {"Item": item(100)}}, {"PutRequest": {"Item": item(1100)}}, {"DeleteRequest": {"Key": {}}}]}});
        let units = of_call("BatchWriteItem", &writes, &json!({}));
        assert_eq!(units, Units { read: 0.0, write: 4.0, items: 2, stored: 1200 });
    }

    #[test]
    fn a_transaction_counts_twice() {
        let request = json!({"TransactItems": [{"Put": {"Item": item(100)}}, {"Put": {"Item": item(1100)}}]});
        assert_eq!(of_call("TransactWriteItems", &request, &json!({})).write, 6.0);
        let answer = json!({"Responses": [{"Item": item(100)}, {}]});
        assert_eq!(of_call("TransactGetItems", &json!({}), &answer).read, 4.0);
    }

    proptest! {
        #[test]
        fn units_cover_the_bytes_and_waste_less_than_one(bytes in 1_u64..400_000) {
            let write = write_units(bytes);
            prop_assert!(write * 1024.0 >= bytes as f64 && (write - 1.0) * 1024.0 < bytes as f64);
            prop_assert_eq!(read_units(bytes, true), 2.0 * read_units(bytes, false));
            prop_assert!(read_units(bytes, true) * 4096.0 >= bytes as f64);
        }
    }
}
