//! A filter as a condition on the points of a vector server. Points have the artifact's columns under the same names, and
//! whether a product could be bought then; so a condition means what the filter means of the artifact's products, and what
//! changed since is not in it.

use serde_json::Value;
use vitrine_domain::Filter;
use vitrine_domain::filter::Op;
use vitrine_index::{Condition, Value as Field, is_field};
use vitrine_learn::artifact::{Column, TextColumn};

use crate::catalogue::Catalogue;
use crate::compile::{Numbers, UNCOLUMNED, accepts};

/// No point at all.
const fn none() -> Condition {
    Condition::Or(Vec::new())
}

/// Every point.
const fn all() -> Condition {
    Condition::And(Vec::new())
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

/// The condition that holds of exactly the products of the artifact of which a checked filter without references holds. None
/// if there is no such condition: the order of texts, or what stands in no column.
pub(crate) fn of(catalogue: &Catalogue, filter: &Filter) -> Option<Condition> {
    let each = |filters: &[Filter]| filters.iter().map(|filter| of(catalogue, filter)).collect::<Option<Vec<_>>>();
    match filter {
        Filter::And { and } => each(and).map(Condition::And),
        Filter::Or { or } => each(or).map(Condition::Or),
        Filter::Not { not: one } => of(catalogue, one).map(not),
        Filter::Compare { attribute, op, value } => compare(catalogue, attribute, *op, value),
    }
}

fn compare(catalogue: &Catalogue, attribute: &str, op: Op, wanted: &Value) -> Option<Condition> {
    let wanted = match wanted {
        // Compared with what a visitor lacks.
        Value::Null if op != Op::Missing => return Some(none()),
        Value::Array(list) => &list[..],
        one => std::slice::from_ref(one),
    };
    let Some(column) = catalogue.column(attribute) else {
        return match op {
            Op::Equal | Op::In if attribute == "id" => {
                let ids = wanted.iter().filter_map(Value::as_str);
                Some(Condition::Rows(ids.filter_map(|id| catalogue.artifact.position(id)).collect()))
            }
            _ if UNCOLUMNED.contains(&attribute) => None,
            // No product has it.
            Op::Missing => Some(all()),
            _ => Some(none()),
        };
    };
    if !is_field(attribute) {
        return None;
    }
    if op == Op::Missing {
        return Some(Condition::Missing(attribute.to_owned()));
    }
    match column {
        Column::Texts(column) => texts(attribute, column, op, wanted),
        Column::Numbers(_) | Column::NumberLists(_) => Some(numbers(attribute, &Numbers::of(op, wanted))),
        Column::Flags(_) => {
            let holds =
                |flag: bool| accepts(op, wanted.iter().filter_map(Value::as_bool).map(|other| flag.cmp(&other)));
            let flags = [false, true].into_iter().filter(|flag| holds(*flag));
            Some(Condition::Or(flags.map(|flag| Condition::Equals(attribute.to_owned(), Field::Bool(flag))).collect()))
        }
    }
}

/// Has a value, and none for which the condition holds.
fn none_of(attribute: &str, condition: Condition) -> Condition {
    Condition::And(vec![not(condition), not(Condition::Missing(attribute.to_owned()))])
}

fn numbers(attribute: &str, test: &Numbers) -> Condition {
    let range = |from, to| Condition::Range { field: attribute.to_owned(), from, to };
    let one_of = |numbers: &[f64]| Condition::Or(numbers.iter().map(|x| range(Some(*x), Some(*x))).collect());
    let bound = |x: f64| Some(x).filter(|x| x.is_finite());
    match test {
        Numbers::In(numbers) => one_of(numbers),
        Numbers::NotIn(numbers) => none_of(attribute, one_of(numbers)),
        Numbers::Between(low, high) => range(bound(*low), bound(*high)),
    }
}

fn texts(attribute: &str, column: TextColumn<'_>, op: Op, wanted: &[Value]) -> Option<Condition> {
    // As the column has them: of long texts it keeps the beginning.
    let codes = wanted.iter().filter_map(Value::as_str).filter_map(|text| column.code_of(text));
    let words: Vec<String> = codes.map(|code| column.text(code).to_owned()).collect();
    let one_of = if words.is_empty() { none() } else { Condition::In(attribute.to_owned(), words) };
    match op {
        Op::Equal | Op::In => Some(one_of),
        Op::NotEqual => Some(none_of(attribute, one_of)),
        Op::Missing | Op::Less | Op::AtMost | Op::Greater | Op::AtLeast => None,
    }
}
