//! Filters at the door: taken as text or as JSON, shown as text.

use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use vitrine_domain::Filter;

/// Reads a filter.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn read(value: &Value) -> Result<Filter, String> {
    Filter::from_json(value).map_err(|error| error.to_string())
}

/// The text form, which can be sent back as it is; JSON for the few filters that have none, such as one that is longer
/// than a text may be.
pub(crate) fn show(filter: &Filter) -> Value {
    let text = filter.to_string();
    let as_text = Filter::parse(&text).is_ok_and(|read| read.to_string() == text);
    let as_json = || serde_json::to_value(filter).unwrap_or(Value::Null);
    if as_text { Value::String(text) } else { as_json() }
}

/// Text or JSON.
pub(crate) fn schema() -> Schema {
    one_of().build().into()
}

/// Text, JSON or nothing.
pub(crate) fn schema_or_null() -> Schema {
    one_of().item(ObjectBuilder::new().schema_type(Type::Null)).build().into()
}

fn one_of() -> OneOfBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let text = text.description(Some("As text")).examples(["category = \"Pasta\" and price < 5"]);
    let json = ObjectBuilder::new().description(Some("As JSON: `and`, `or`, `not`, or `attribute`, `op` and `value`"));
    OneOfBuilder::new().item(text).item(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_shown_can_be_sent_back_and_means_the_same() {
        let long: Vec<String> = (0..600).map(|n| format!("product {n}")).collect();
        for (sent, shown) in [
            (json!("price<5 AND brand in [\"A\"]"), json!("price < 5 and brand in [\"A\"]")),
            (json!({"not": {"attribute": "colour", "op": "missing"}}), json!("not (colour is missing)")),
            (json!({"and": []}), json!({"and": []})),
            (
                json!({"attribute": "id", "op": "in", "value": long}),
                json!({"attribute": "id", "op": "in", "value": long}),
            ),
        ] {
            let filter = read(&sent).unwrap();
            assert_eq!(show(&filter), shown);
            assert_eq!(read(&show(&filter)).unwrap(), filter);
        }
        assert!(read(&json!("price <")).unwrap_err().contains("character"));
    }
}
