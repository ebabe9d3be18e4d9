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
//! A category matches at any level of the path. `context.NAME` is an attribute of the product the request is about. An
//! attribute that no product has, or a comparison that its type does not know, is an error that names it, never an
//! empty answer.

mod compile;
mod parse;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// A condition, or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
        /// With what: text, a number, a truth value, a list, or `{"context": NAME}`.
        #[serde(default)]
        value: Value,
    },
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
        let filter: Self = serde_json::from_value(value.clone()).map_err(|_| FilterError::Syntax {
            at: 1,
            why: "an object with `and`, `or`, `not`, or `attribute`, `op` and `value`".to_owned(),
        })?;
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

    fn check(&self) -> Result<(), FilterError> {
        let (conditions, depth) = self.size();
        if conditions > MAX_CONDITIONS || depth > MAX_DEPTH { Err(FilterError::TooLarge) } else { Ok(()) }
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}
