//! What points carry beside their vector, and conditions on it.

use std::collections::{BTreeMap, HashMap};

use qdrant_client::qdrant as wire;
use wire::condition::ConditionOneOf;
use wire::r#match::MatchValue;

use crate::Bitmap;

/// A value that points can be filtered by.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A word: a category, a brand.
    Keyword(String),
    /// Several: the categories of a product.
    Keywords(Vec<String>),
    /// A number: a price.
    Number(f64),
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

    pub(super) fn to_filter(&self) -> wire::Filter {
        match self {
            Self::And(all) => wire::Filter { must: all.iter().map(Self::to_wire).collect(), ..wire::Filter::default() },
            Self::Or(any) if !any.is_empty() => {
                wire::Filter { should: any.iter().map(Self::to_wire).collect(), ..wire::Filter::default() }
            }
            Self::Not(one) => wire::Filter { must_not: vec![one.to_wire()], ..wire::Filter::default() },
            one => wire::Filter { must: vec![one.to_wire()], ..wire::Filter::default() },
        }
    }

    fn to_wire(&self) -> wire::Condition {
        let one = match self {
            Self::Equals(field, value) => return equals(field, value),
            Self::In(field, words) => {
                return matches(field, MatchValue::Keywords(wire::RepeatedStrings { strings: words.clone() }));
            }
            Self::Range { field, from, to } => return range(field, *from, *to),
            Self::Rows(rows) => has_id(rows),
            // A server takes an empty `should` for no condition at all.
            Self::Or(any) if any.is_empty() => has_id(&[]),
            Self::And(_) | Self::Or(_) | Self::Not(_) => ConditionOneOf::Filter(self.to_filter()),
        };
        wire::Condition { condition_one_of: Some(one) }
    }
}

fn has_id(rows: &[u32]) -> ConditionOneOf {
    let has_id = rows.iter().map(|row| wire::PointId::from(u64::from(*row))).collect();
    ConditionOneOf::HasId(wire::HasIdCondition { has_id })
}

fn field(key: &str) -> wire::FieldCondition {
    wire::FieldCondition { key: key.to_owned(), ..wire::FieldCondition::default() }
}

fn matches(key: &str, value: MatchValue) -> wire::Condition {
    let condition = wire::FieldCondition { r#match: Some(wire::Match { match_value: Some(value) }), ..field(key) };
    wire::Condition { condition_one_of: Some(ConditionOneOf::Field(condition)) }
}

fn range(key: &str, from: Option<f64>, to: Option<f64>) -> wire::Condition {
    let range = wire::Range { gte: from, lte: to, ..wire::Range::default() };
    let condition = wire::FieldCondition { range: Some(range), ..field(key) };
    wire::Condition { condition_one_of: Some(ConditionOneOf::Field(condition)) }
}

fn equals(key: &str, value: &Value) -> wire::Condition {
    match value {
        Value::Keyword(word) => matches(key, MatchValue::Keyword(word.clone())),
        Value::Bool(so) => matches(key, MatchValue::Boolean(*so)),
        Value::Number(number) => range(key, Some(*number), Some(*number)),
        Value::Keywords(words) => {
            let all = words.iter().map(|word| matches(key, MatchValue::Keyword(word.clone()))).collect();
            let filter = wire::Filter { must: all, ..wire::Filter::default() };
            wire::Condition { condition_one_of: Some(ConditionOneOf::Filter(filter)) }
        }
    }
}

pub(super) fn payload_to_wire(payload: &Payload) -> HashMap<String, wire::Value> {
    payload.iter().map(|(field, value)| (field.clone(), value_to_wire(value))).collect()
}

fn value_to_wire(value: &Value) -> wire::Value {
    let kind = match value {
        Value::Keyword(word) => wire::value::Kind::StringValue(word.clone()),
        Value::Number(number) => wire::value::Kind::DoubleValue(*number),
        Value::Bool(so) => wire::value::Kind::BoolValue(*so),
        Value::Keywords(words) => {
            let values = words.iter().map(|word| value_to_wire(&Value::Keyword(word.clone()))).collect();
            wire::value::Kind::ListValue(wire::ListValue { values })
        }
    };
    wire::Value { kind: Some(kind) }
}
