//! Filters: which products may be shown, as text or as JSON.
//!
//! ```text
//! category = "Pasta" and price < 5 and not (brand in ["Acme", "Umbrella"] or colour is missing)
//! price <= context.price
//! ```
//!
//! ```json
//! {"and": [{"attribute": "category", "op": "=", "value": "Pasta"}, {"attribute": "price", "op": "<", "value": 5}]}
//! ```
//!
//! The right side may be a value of something else: `context.NAME` is an attribute of the product the request is about,
//! `basket.NAME` one of the products in the basket, `visitor.NAME` one of who asks. An attribute that no product has, or a
//! comparison that its type does not know, is an error that names it, never an empty answer.
//!
//! # What a comparison means
//!
//! An attribute may have several values: a category path, a list. It compares well if one of its values does; with `!=`, if
//! none is equal. The right side may be several values too (`basket.brand`): one of them has to do, with `!=` all. A missing
//! attribute passes `is missing` and nothing else. A visitor without the attribute that is asked for passes nothing.

mod evaluate;
mod parse;
mod subjects;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::fault::told;

pub use evaluate::{Attributes, Scope};
pub use parse::MAX_TEXT;
pub use subjects::Person;

/// Most conditions in a filter.
pub const MAX_CONDITIONS: usize = 64;
/// Deepest nesting of a filter.
pub const MAX_DEPTH: usize = 16;
/// Longest filter, in bytes as JSON without spaces: as many identifiers as its conditions can list, but no values without end,
/// because filters are kept in memory by what they say.
pub const MAX_JSON: usize = 64 * 1024;

/// How an attribute is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Equal.
    #[serde(rename = "=")]
    Equal,
    /// Not equal; a missing attribute is not equal to anything.
    #[serde(rename = "!=")]
    NotEqual,
    /// Less.
    #[serde(rename = "<")]
    Less,
    /// Less or equal.
    #[serde(rename = "<=")]
    AtMost,
    /// Greater.
    #[serde(rename = ">")]
    Greater,
    /// Greater or equal.
    #[serde(rename = ">=")]
    AtLeast,
    /// One of a list.
    #[serde(rename = "in")]
    In,
    /// Not there.
    #[serde(rename = "missing")]
    Missing,
}

impl Op {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::In => "in",
            Self::Missing => "missing",
        }
    }
}

/// A condition, or several.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Filter {
    /// All must hold.
    And {
        /// The conditions.
        and: Vec<Filter>,
    },
    /// One must hold.
    Or {
        /// The conditions.
        or: Vec<Filter>,
    },
    /// Must not hold.
    Not {
        /// The condition.
        not: Box<Filter>,
    },
    /// An attribute compared.
    Compare {
        /// Its name.
        attribute: String,
        /// How.
        op: Op,
        /// With what: text, a number, a truth value, a list, or `{"context": NAME}`, `{"basket": NAME}`,
        /// `{"visitor": NAME}`.
        value: Value,
    },
}

/// A filter as it is written, before its size is checked.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    And {
        and: Vec<Written>,
    },
    Or {
        or: Vec<Written>,
    },
    Not {
        not: Box<Written>,
    },
    Compare {
        attribute: String,
        op: Op,
        #[serde(default)]
        value: Value,
    },
}

impl From<Written> for Filter {
    fn from(written: Written) -> Self {
        let all = |filters: Vec<Written>| filters.into_iter().map(Self::from).collect();
        match written {
            Written::And { and } => Self::And { and: all(and) },
            Written::Or { or } => Self::Or { or: all(or) },
            Written::Not { not } => Self::Not { not: Box::new(Self::from(*not)) },
            Written::Compare { attribute, op, value } => Self::Compare { attribute, op, value: plain(value) },
        }
    }
}

/// The one form of a number: whole ones are integers, so that equal filters are equal however they were written.
fn plain(value: Value) -> Value {
    /// Integers up to here are exact in both forms.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(x) if x.fract() == 0.0 && x.abs() <= EXACT => Value::from(x as i64),
            _ => Value::Number(number),
        },
        Value::Array(values) => values.into_iter().map(plain).collect(),
        other => other,
    }
}

/// Reads the JSON form, or the text form in a JSON string.
impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_json(&value).map_err(serde::de::Error::custom)
    }
}

/// Why a filter cannot be used. What it tells of what was sent are plain words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It is not an expression.
    #[error("the filter cannot be read at character {at}: {why}")]
    Syntax {
        /// Where, counted from one.
        at: usize,
        /// What was expected.
        why: String,
    },
    /// It is too large.
    #[error(
        "the filter is too large: at most {MAX_CONDITIONS} conditions, {MAX_DEPTH} deep, {MAX_TEXT} bytes as text and {MAX_JSON} as JSON"
    )]
    TooLarge,
    /// No product has the attribute.
    #[error("no product has an attribute `{}`", told(.0))]
    UnknownAttribute(String),
    /// The attribute is of another type.
    #[error("`{}` is {is}, it cannot be compared with {with}", told(.attribute))]
    WrongType {
        /// Its name.
        attribute: String,
        /// What it is.
        is: &'static str,
        /// What it was compared with.
        with: &'static str,
    },
    /// The filter speaks of the context product and there is none.
    #[error("the filter needs `context.{}`, and the request names no product that has it", told(.0))]
    NoContext(String),
    /// A value is an object that refers to nothing.
    #[error("`{}` is compared with an object; only `context`, `basket` and `visitor` can be referred to", told(.0))]
    NoReference(String),
}

impl FilterError {
    /// An attribute that is something else than what it is compared with.
    #[must_use]
    pub fn wrong_type(attribute: &str, is: &'static str, with: &Value) -> Self {
        let with = match with {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        Self::WrongType { attribute: attribute.to_owned(), is, with }
    }
}

impl Filter {
    /// Reads a filter as text.
    ///
    /// # Errors
    /// Says where and what was expected.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let filter = parse::parse(text)?;
        filter.check()?;
        Ok(filter)
    }

    /// Reads a filter as JSON, or as text in a JSON string.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn from_json(value: &Value) -> Result<Self, FilterError> {
        if let Value::String(text) = value {
            return Self::parse(text);
        }
        if depth(value) > 2 * MAX_DEPTH + 4 {
            return Err(FilterError::TooLarge);
        }
        let written: Written = serde_json::from_value(value.clone()).map_err(|_| FilterError::Syntax {
            at: 1,
            why: "an object with `and`, `or`, `not`, or `attribute`, `op` and `value`".to_owned(),
        })?;
        let filter = Self::from(written);
        filter.check()?;
        // In its one form, so that what is stored can be read back. What is short enough as text is far below it.
        let json = serde_json::to_string(&filter).map_err(|_| FilterError::TooLarge)?;
        if json.len() > MAX_JSON { Err(FilterError::TooLarge) } else { Ok(filter) }
    }

    /// The conditions below this one, itself included, and how deep they are nested.
    fn size(&self) -> (usize, usize) {
        let many =
            |filters: &[Self]| filters.iter().map(Self::size).fold((1, 1), |(n, d), (m, e)| (n + m, d.max(e + 1)));
        match self {
            Self::And { and } => many(and),
            Self::Or { or } => many(or),
            Self::Not { not } => {
                let (n, d) = not.size();
                (n + 1, d + 1)
            }
            Self::Compare { value, .. } => (1 + value.as_array().map_or(0, Vec::len) / 16, 1),
        }
    }

    /// The attributes that are compared.
    pub fn attributes(&self) -> Vec<&str> {
        match self {
            Self::And { and: many } | Self::Or { or: many } => many.iter().flat_map(Self::attributes).collect(),
            Self::Not { not } => not.attributes(),
            Self::Compare { attribute, .. } => vec![attribute],
        }
    }

    fn check(&self) -> Result<(), FilterError> {
        let (conditions, depth) = self.size();
        if conditions > MAX_CONDITIONS || depth > MAX_DEPTH { Err(FilterError::TooLarge) } else { Ok(()) }
    }
}

/// The text form, another one for every meaning. All of nothing and one of nothing have no text that is read; they get words.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And { and } if and.is_empty() => f.write_str("everything"),
            Self::Or { or } if or.is_empty() => f.write_str("nothing"),
            Self::And { and } => joined(f, and, " and "),
            Self::Or { or } => joined(f, or, " or "),
            Self::Not { not } => write!(f, "not ({not})"),
            Self::Compare { attribute, op, value } => {
                let plain = attribute.starts_with(parse::is_first) && attribute.chars().all(parse::is_name);
                if plain && !parse::is_word(attribute) {
                    f.write_str(attribute)?
                } else {
                    write!(f, "`{attribute}`")?
                }
                match op {
                    Op::Missing => f.write_str(" is missing"),
                    Op::In => write!(f, " in {}", Operand(value)),
                    op => write!(f, " {} {}", op.as_str(), Operand(value)),
                }
            }
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, filters: &[Filter], word: &str) -> fmt::Result {
    for (at, filter) in filters.iter().enumerate() {
        if at > 0 {
            f.write_str(word)?;
        }
        match filter {
            Filter::And { .. } | Filter::Or { .. } => write!(f, "({filter})")?,
            other => write!(f, "{other}")?,
        }
    }
    Ok(())
}

/// The right side of a comparison as text.
struct Operand<'a>(&'a Value);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Object(fields) => match fields.iter().next() {
                Some((of, Value::String(name))) => write!(f, "{of}.{name}"),
                _ => write!(f, "{}", self.0),
            },
            value => write!(f, "{value}"),
        }
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_filter_is_longer_than_its_bound_however_it_comes() {
        let is = |value: Value| json!({"attribute": "id", "op": "in", "value": value});
        let spare = MAX_JSON - is(json!([""])).to_string().len();
        let (fits, long) = (is(json!(["x".repeat(spare)])), is(json!(["x".repeat(spare + 1)])));
        let read = Filter::from_json(&fits).unwrap();
        assert_eq!(serde_json::from_value::<Filter>(serde_json::to_value(&read).unwrap()).unwrap(), read);
        let refused = Filter::from_json(&long).unwrap_err();
        assert_eq!(refused, FilterError::TooLarge);
        assert_eq!(
            refused.to_string(),
            "the filter is too large: at most 64 conditions, 16 deep, 4096 bytes as text and 65536 as JSON"
        );
        // What is stored is read by the same measure.
        assert!(serde_json::from_value::<Filter>(long).unwrap_err().to_string().contains("too large"));
        // Together too, and in names.
        let half = is(json!("x".repeat(MAX_JSON / 2)));
        assert!(Filter::from_json(&half).is_ok());
        assert_eq!(Filter::from_json(&json!({"or": [half, half]})), Err(FilterError::TooLarge));
        let name = json!({"attribute": "x".repeat(MAX_JSON), "op": "missing"});
        assert_eq!(Filter::from_json(&name), Err(FilterError::TooLarge));
        let text = format!("a = \"{}\"", "x".repeat(MAX_TEXT));
        assert_eq!(Filter::from_json(&json!(text)), Err(FilterError::TooLarge));
    }

    #[test]
    fn all_of_nothing_and_one_of_nothing_are_told_apart() {
        let of = |value: Value| Filter::from_json(&value).unwrap();
        let (all, none) = (json!({"and": []}), json!({"or": []}));
        for (value, text) in [
            (all.clone(), "everything"),
            (none.clone(), "nothing"),
            (json!({ "not": all }), "not (everything)"),
            (json!({ "not": none }), "not (nothing)"),
            (json!({"or": [{"and": []}, {"or": []}]}), "(everything) or (nothing)"),
        ] {
            let filter = of(value.clone());
            assert_eq!(filter.to_string(), text);
            // It has no text form that means the same, so nobody may take this for one.
            assert!(Filter::parse(text).is_err(), "{text}");
            assert_eq!(of(serde_json::to_value(&filter).unwrap()), filter);
        }
    }
}
