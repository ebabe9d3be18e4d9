//! Payloads and conditions as the server reads them.

use std::collections::HashMap;

use qdrant_client::qdrant as wire;
use wire::condition::ConditionOneOf;
use wire::r#match::MatchValue;

use crate::{Condition, Payload, Value};

impl Condition {
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
            Self::Missing(field) => ConditionOneOf::IsEmpty(wire::IsEmptyCondition { key: field.clone() }),
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

fn every(must: Vec<wire::Condition>) -> wire::Condition {
    let filter = wire::Filter { must, ..wire::Filter::default() };
    wire::Condition { condition_one_of: Some(ConditionOneOf::Filter(filter)) }
}

fn equals(key: &str, value: &Value) -> wire::Condition {
    match value {
        Value::Keyword(word) => matches(key, MatchValue::Keyword(word.clone())),
        Value::Bool(so) => matches(key, MatchValue::Boolean(*so)),
        Value::Number(number) => range(key, Some(*number), Some(*number)),
        Value::Keywords(words) => {
            every(words.iter().map(|word| matches(key, MatchValue::Keyword(word.clone()))).collect())
        }
        Value::Numbers(numbers) => {
            every(numbers.iter().map(|number| range(key, Some(*number), Some(*number))).collect())
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
        Value::Numbers(numbers) => {
            let values = numbers.iter().map(|number| value_to_wire(&Value::Number(*number))).collect();
            wire::value::Kind::ListValue(wire::ListValue { values })
        }
    };
    wire::Value { kind: Some(kind) }
}
