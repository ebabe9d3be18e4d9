//! One value of a table, whatever the table was written in.

use std::borrow::Cow;

use serde_json::{Number, Value};
use vitrine_domain::Millis;

use super::options::DateOrder;
use super::value;

/// One value of a table.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Cell {
    #[default]
    Empty,
    /// Trimmed and never empty.
    Text(String),
    Integer(i64),
    Number(f64),
    Bool(bool),
    Time(Millis),
    /// A list or structure of a JSON document.
    Json(Value),
}

impl Cell {
    pub(super) fn of_text(text: &str) -> Self {
        match text.trim() {
            "" => Self::Empty,
            text => Self::Text(text.to_owned()),
        }
    }

    pub(super) fn of_json(value: Value) -> Self {
        match value {
            Value::Null => Self::Empty,
            Value::Bool(bool) => Self::Bool(bool),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Self::Integer(integer),
                (None, Some(number)) => Self::Number(number),
                (None, None) => Self::Empty,
            },
            Value::String(text) => Self::of_text(&text),
            Value::Array(_) | Value::Object(_) => Self::Json(value),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// The value as text, for names and identifiers: whole numbers without decimals.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Empty | Self::Json(_) => None,
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Integer(number) => Some(Cow::Owned(number.to_string())),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Bool(bool) => Some(Cow::Borrowed(if *bool { "true" } else { "false" })),
            Self::Time(time) => Some(Cow::Owned(time.to_rfc3339())),
        }
    }

    /// The value as an identifier. Tables made with data frames write customer numbers as `13085.0` where some are
    /// missing.
    pub(super) fn id(&self) -> Option<Cow<'_, str>> {
        let text = self.text()?;
        let whole = text.strip_suffix(".0").filter(|whole| whole.bytes().all(|byte| byte.is_ascii_digit()));
        match whole.filter(|whole| !whole.is_empty()) {
            Some(whole) => Some(Cow::Owned(whole.to_owned())),
            None => Some(text),
        }
    }

    /// The value as a number.
    #[allow(clippy::cast_precision_loss, reason = "counts and amounts, not identifiers")]
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Number(number) => Some(*number).filter(|number| number.is_finite()),
            Self::Text(text) => value::number(text),
            _ => None,
        }
    }

    /// The value as an amount of money.
    pub(super) fn money(&self) -> Option<value::Money> {
        match self {
            Self::Text(text) => value::money(text),
            _ => self.number().map(|amount| value::Money { amount, currency: None }),
        }
    }

    /// The value as a time.
    #[allow(clippy::cast_precision_loss, reason = "milliseconds are exact in f64")]
    pub(super) fn time(&self, order: DateOrder) -> Option<Millis> {
        match self {
            Self::Time(time) => Some(*time),
            Self::Text(text) => value::time(text, order),
            Self::Integer(number) => value::epoch(*number as f64),
            Self::Number(number) => value::epoch(*number),
            _ => None,
        }
    }

    /// The value as an attribute of a given name; text gets the type it plainly has.
    pub(super) fn attribute(&self, name: &str) -> Option<Value> {
        match self {
            Self::Empty => None,
            Self::Text(text) => Some(value::typed(name, text)),
            Self::Integer(number) => Some(Value::from(*number)),
            Self::Number(number) if number.fract() == 0.0 => Some(value::typed(name, &number.to_string())),
            Self::Number(number) => Number::from_f64(*number).map(Value::Number),
            Self::Bool(bool) => Some(Value::Bool(*bool)),
            Self::Time(time) => Some(Value::String(time.to_rfc3339())),
            Self::Json(value) => Some(value.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn identifiers_lose_the_decimals_of_data_frames() {
        for (cell, id) in [
            (Cell::Number(13085.0), "13085"),
            (Cell::of_text("13085.0"), "13085"),
            (Cell::Integer(7), "7"),
            (Cell::of_text(" A-1.0 "), "A-1.0"),
            (Cell::of_text(".0"), ".0"),
            (Cell::Number(1.5), "1.5"),
        ] {
            assert_eq!(cell.id().as_deref(), Some(id));
        }
        assert_eq!(Cell::of_text("  ").id(), None);
    }

    #[test]
    fn the_same_fact_is_the_same_attribute_from_any_source() {
        for cell in [Cell::of_text("2"), Cell::Integer(2), Cell::Number(2.0), Cell::of_json(json!("2"))] {
            assert_eq!(cell.attribute("household_size"), Some(json!(2)));
        }
        assert_eq!(Cell::Number(f64::NAN).attribute("x"), None);
        assert_eq!(Cell::of_json(json!(null)), Cell::Empty);
    }
}
