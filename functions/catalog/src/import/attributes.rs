//! Everything a feed says of a product that no field of [`Product`](vitrine_domain::Product) holds: kept for filters,
//! within bounds, so that no feed can make a product too large to be stored.

use std::collections::BTreeMap;

use serde_json::Value;

use super::text::clip;

/// Most attributes of a product.
const COUNT: usize = 64;
/// Most values of one attribute.
const VALUES: usize = 50;
/// Most bytes of one text.
const TEXT: usize = 1_000;
/// Most bytes of all attributes together.
const BYTES: usize = 16 << 10;

/// Attributes as they are collected.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Attributes {
    map: BTreeMap<String, Value>,
    bytes: usize,
}

impl Attributes {
    /// Adds a value. Where the attribute has another value already, it becomes a list of both. Says whether there was
    /// room.
    pub(super) fn add(&mut self, name: &str, value: Value) -> bool {
        let name = clip(name, 64);
        if name.is_empty() || value.is_null() {
            return true;
        }
        let Value::Array(values) = value else {
            return self.add_one(name, value, false);
        };
        let mut room = true;
        for value in values {
            room &= self.add_one(name, value, true);
        }
        room
    }

    /// Adds a value to a list, even if it stays the only one.
    pub(super) fn push(&mut self, name: &str, value: Value) -> bool {
        self.add_one(name, value, true)
    }

    fn add_one(&mut self, name: &str, value: Value, list: bool) -> bool {
        let value = bounded(value);
        let cost = size(&value) + 1;
        if self.bytes + cost > BYTES {
            return self.has(name, &value);
        }
        let Some(known) = self.map.get_mut(name) else {
            if self.map.len() >= COUNT || self.bytes + cost + name.len() > BYTES {
                return false;
            }
            self.bytes += cost + name.len();
            self.map.insert(name.to_owned(), if list { Value::Array(vec![value]) } else { value });
            return true;
        };
        match known {
            Value::Array(values) if values.contains(&value) => return true,
            Value::Array(values) if values.len() >= VALUES => return false,
            Value::Array(values) => values.push(value),
            single if *single == value => return true,
            single => *single = Value::Array(vec![single.take(), value]),
        }
        self.bytes += cost;
        true
    }

    fn has(&self, name: &str, value: &Value) -> bool {
        match self.map.get(name) {
            Some(Value::Array(values)) => values.contains(value),
            Some(single) => single == value,
            None => false,
        }
    }

    /// Adds what another product of the same group says. Says whether there was room.
    pub(super) fn merge(&mut self, other: Self) -> bool {
        let mut room = true;
        for (name, value) in other.map {
            room &= self.add(&name, value);
        }
        room
    }

    /// What they weigh in memory, roughly.
    pub(super) const fn weight(&self) -> usize {
        self.bytes
    }

    pub(super) fn into_map(self) -> BTreeMap<String, Value> {
        self.map
    }
}

/// A value with every text in it cut to its bound.
fn bounded(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > TEXT => Value::String(clip(&text, TEXT).to_owned()),
        Value::Array(values) => Value::Array(values.into_iter().take(VALUES).map(bounded).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().take(COUNT).map(|(name, value)| (name, bounded(value))).collect())
        }
        value => value,
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(values) => values.iter().map(size).sum::<usize>() + 2,
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + size(value) + 3).sum::<usize>() + 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn different_values_become_a_list_and_equal_ones_do_not() {
        let mut attributes = Attributes::default();
        for (name, value) in [
            ("color", json!("red")),
            ("color", json!("red")),
            ("color", json!("blue")),
            ("color", json!("red")),
            ("storage", json!("fridge")),
            ("tags", json!(["a"])),
            ("tags", json!(["a", "b"])),
            ("nothing", json!(null)),
        ] {
            assert!(attributes.add(name, value));
        }
        let map = serde_json::to_value(attributes.into_map()).unwrap();
        assert_eq!(map, json!({"color": ["red", "blue"], "storage": "fridge", "tags": ["a", "b"]}));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_feed_makes_a_product_too_large(
            values in prop::collection::vec(("[a-z]{1,2}", 0usize..2_000), 0..200),
            names in prop::collection::vec("[a-z]{1,90}", 0..100),
        ) {
            let mut attributes = Attributes::default();
            for (name, length) in values {
                let had = attributes.clone();
                if !attributes.add(&name, Value::String("é".repeat(length))) {
                    prop_assert_eq!(&attributes, &had);
                }
            }
            for name in names {
                attributes.add(&name, json!(1));
            }
            prop_assert!(attributes.map.len() <= COUNT);
            let written = serde_json::to_string(&attributes.map).unwrap();
            // Quotation marks, brackets and colons around names and lists are not counted.
            prop_assert!(written.len() <= BYTES + 8 * COUNT, "{}", written.len());
        }
    }
}
