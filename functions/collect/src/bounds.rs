//! Bounds on what is kept without being understood: an event is stored for years and read often, and whoever holds a
//! browser key may send anything.

use serde_json::{Map, Value};

use crate::values::clip;

/// Levels of objects and lists below a property.
pub const DEPTH: usize = 4;
/// Longest name of a property.
pub const NAME: usize = 100;
/// Longest text in a property.
pub const LONG_TEXT: usize = 1000;
/// Most members of an object or a list.
pub const MEMBERS: usize = 100;
/// Most products that an event names; a longer list is cut.
pub const LINES: usize = 1000;
/// Most bytes of all properties together, as JSON.
pub const TOTAL: usize = 8 * 1024;

/// Keeps what fits, in the order of the names. Longer texts are cut; members that are too deep, too many or too large
/// together are left out. Nulls say nothing and are left out, except where they mean that something is withdrawn.
#[must_use]
pub fn bounded(object: Map<String, Value>, keep_nulls: bool) -> Map<String, Value> {
    let mut sorted: Vec<(String, Value)> = object.into_iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let mut kept = Map::new();
    let mut bytes = 0;
    for (name, value) in sorted {
        if name.len() > NAME || kept.len() >= MEMBERS || (value.is_null() && !keep_nulls) {
            continue;
        }
        let Some(value) = shallow(value, DEPTH) else { continue };
        // Quotes, colon and comma.
        let size = name.len() + 4 + value.to_string().len();
        if bytes + size > TOTAL {
            continue;
        }
        bytes += size;
        kept.insert(name, value);
    }
    kept
}

fn shallow(value: Value, depth: usize) -> Option<Value> {
    match value {
        Value::String(text) if text.len() > LONG_TEXT => Some(Value::String(clip(&text, LONG_TEXT).to_owned())),
        Value::Array(_) | Value::Object(_) if depth == 0 => None,
        Value::Array(list) => {
            Some(Value::Array(list.into_iter().take(MEMBERS).filter_map(|v| shallow(v, depth - 1)).collect()))
        }
        Value::Object(object) => {
            let members = object.into_iter().filter(|(name, _)| name.len() <= NAME).take(MEMBERS);
            Some(Value::Object(members.filter_map(|(name, v)| Some((name, shallow(v, depth - 1)?))).collect()))
        }
        plain => Some(plain),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kept(value: Value) -> Value {
        Value::Object(bounded(value.as_object().unwrap().clone(), false))
    }

    #[test]
    fn what_fits_stays_as_it_came() {
        let plain = json!({"a": 1.5, "b": [1, "x", {"c": {"d": [1]}}], "e": false});
        assert_eq!(kept(plain.clone()), plain);
    }

    #[test]
    fn what_does_not_fit_is_cut_or_left_out() {
        assert_eq!(kept(json!({"a": null, "b": 1})), json!({"b": 1}));
        assert_eq!(bounded(json!({"a": null}).as_object().unwrap().clone(), true).len(), 1);
        assert_eq!(kept(json!({"a": [[[[[1], 2]]]]})), json!({"a": [[[[2]]]]}));
        assert_eq!(kept(json!({"a": "x".repeat(5000)})), json!({"a": "x".repeat(LONG_TEXT)}));
        assert_eq!(kept(json!({"x".repeat(NAME + 1): 1})), json!({}));
        assert_eq!(kept(json!({"a": vec![1; 500]})), json!({"a": vec![1; MEMBERS]}));
        let many: Map<String, Value> = (0..500).map(|n| (format!("k{n:03}"), json!(n))).collect();
        assert_eq!(bounded(many, false).len(), MEMBERS);
        // A large one is left out and the small ones behind it stay.
        let large = json!({"a": vec!["x".repeat(900); 12], "b": 1});
        assert_eq!(kept(large), json!({"b": 1}));
    }
}
