//! What points of a vector server carry beside their vector, and conditions on it. They are plain data: who asks for them need
//! not know the server.

use std::collections::BTreeMap;

use crate::Bitmap;

/// Longest name of a field, in bytes.
const LONGEST: usize = 200;

/// The field of points that says whether a row could be shown when they were written.
pub const SELLABLE: &str = "_sellable";

/// Whether an attribute can be a field by its own name: of other names a server would read a path, and those that begin with
/// `_` are left to whoever writes the points.
#[must_use]
pub fn is_field(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.len() <= LONGEST && !name.starts_with('_') && name.bytes().all(plain)
}

/// A value that points can be filtered by.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A word: a category, a brand.
    Keyword(String),
    /// Several: the categories of a product.
    Keywords(Vec<String>),
    /// A number: a price.
    Number(f64),
    /// Several.
    Numbers(Vec<f64>),
    /// Whether something is so: in stock.
    Bool(bool),
}

/// Values by field.
pub type Payload = BTreeMap<String, Value>;

/// How a field is indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Words, looked up whole.
    Keyword,
    /// Numbers, looked up by range.
    Number,
    /// True or false.
    Bool,
}

/// A row with what is stored of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its number, which is the point's id.
    pub row: u32,
    /// Its vector.
    pub vector: Vec<f32>,
    /// Its values.
    pub payload: Payload,
}

/// What a point must be like.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The field has this value, or has it among several.
    Equals(String, Value),
    /// The field has one of these words.
    In(String, Vec<String>),
    /// The field is a number in a range, its ends included.
    Range {
        /// The field.
        field: String,
        /// At least; anything without.
        from: Option<f64>,
        /// At most; anything without.
        to: Option<f64>,
    },
    /// Every one of these holds.
    And(Vec<Condition>),
    /// One of these holds; none of none.
    Or(Vec<Condition>),
    /// This does not hold.
    Not(Box<Condition>),
    /// The row is one of these.
    Rows(Vec<u32>),
    /// The field has no value.
    Missing(String),
}

impl Condition {
    /// The field has this word.
    pub fn equals(field: impl Into<String>, keyword: impl Into<String>) -> Self {
        Self::Equals(field.into(), Value::Keyword(keyword.into()))
    }

    /// The row is in a set. The rows are sent, so the set should be small.
    #[must_use]
    pub fn in_set(set: &Bitmap) -> Self {
        Self::Rows(set.iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_a_plain_name() {
        for name in ["brand", "price_band", "Shoe-size", "été"] {
            assert_eq!(is_field(name), name.is_ascii(), "{name}");
        }
        for name in ["", "a.b", "a[0]", "_sellable", "a b", "\"a\""] {
            assert!(!is_field(name), "{name}");
        }
    }
}
