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

pub use evaluate::{Attributes, Scope};
pub use subjects::Person;

/// Most conditions in a filter.
pub const MAX_CONDITIONS: usize = 64;
/// Deepest nesting of a filter.
pub const MAX_DEPTH: usize = 16;

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

/// Why a filter cannot be used.
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
    #[error("the filter is too large: at most {MAX_CONDITIONS} conditions, {MAX_DEPTH} deep")]
    TooLarge,
    /// No product has the attribute.
    #[error("no product has an attribute `{0}`")]
    UnknownAttribute(String),
    /// The attribute is of another type.
    #[error("`{attribute}` is {is}, it cannot be compared with {with}")]
    WrongType {
        /// Its name.
        attribute: String,
        /// What it is.
        is: &'static str,
        /// What it was compared with.
        with: String,
    },
    /// The filter speaks of the context product and there is none.
    #[error("the filter needs `context.{0}`, and the request names no product that has it")]
    NoContext(String),
    /// A value is an object that refers to nothing.
    #[error("`{0}` is compared with an object; only `context`, `basket` and `visitor` can be referred to")]
    NoReference(String),
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
        Ok(filter)
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

/// The text form.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
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
