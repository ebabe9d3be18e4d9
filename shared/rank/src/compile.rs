//! A filter against a catalogue: sets of rows. Texts are looked up in lists of rows, numbers are scanned in their columns, and
//! only of the rows that are left.
//!
//! The meaning is that of [`Filter::holds`](vitrine_domain::Filter::holds), which evaluates one product; a property test
//! compares both.

use serde_json::Value;
use vitrine_domain::filter::{Attributes, Op};
use vitrine_domain::{Filter, FilterError, Product};
use vitrine_index::Bitmap;
use vitrine_learn::artifact::{Column, TextColumn};

use crate::catalogue::Catalogue;

/// Attributes that have no column: they are read from the products themselves, after everything else.
pub(crate) const UNCOLUMNED: [&str; 5] = ["id", "title", "description", "url", "image"];
/// Attributes that a catalogue may lack altogether without it being a mistake to ask for them.
const KNOWN: [&str; 11] = [
    "kind",
    "category",
    "brand",
    "price",
    "regular_price",
    "sale_price",
    "discount",
    "price_band",
    "currency",
    "availability",
    "stock",
];

/// Whether a filter can be asked of a catalogue: every attribute is had by a product (of the artifact, or by `added` ones), and
/// is compared with its own type.
pub(crate) fn check(catalogue: Option<&Catalogue>, added: &[&Product], filter: &Filter) -> Result<(), FilterError> {
    match filter {
        Filter::And { and: many } | Filter::Or { or: many } => {
            many.iter().try_for_each(|filter| check(catalogue, added, filter))
        }
        Filter::Not { not } => check(catalogue, added, not),
        Filter::Compare { attribute, op, value } => {
            let column = catalogue.and_then(|catalogue| catalogue.column(attribute));
            let empty = catalogue.is_none_or(|catalogue| catalogue.artifact.is_empty()) && added.is_empty();
            let known = UNCOLUMNED.contains(&attribute.as_str()) || KNOWN.contains(&attribute.as_str());
            if column.is_none() && !known && !empty && added.iter().all(|p| p.values(attribute).is_empty()) {
                return Err(FilterError::UnknownAttribute(attribute.clone()));
            }
            // Of what has no column here the type is known all the same.
            let is = match column {
                Some(Column::Numbers(_) | Column::NumberLists(_)) => Some("a number"),
                Some(Column::Flags(_)) => Some("true or false"),
                Some(Column::Texts(_)) => Some("text"),
                None if UNCOLUMNED.contains(&attribute.as_str()) => Some("text"),
                None => None,
            };
            is.map_or(Ok(()), |is| check_type(attribute, is, *op, value))
        }
    }
}

fn check_type(attribute: &str, is: &'static str, op: Op, wanted: &Value) -> Result<(), FilterError> {
    let wrong = || FilterError::wrong_type(attribute, is, wanted);
    let fits = match wanted {
        _ if op == Op::Missing => true,
        Value::Null => true,
        Value::Array(list) => return list.iter().try_for_each(|one| check_type(attribute, is, op, one)),
        Value::String(_) => is == "text",
        Value::Number(_) => is == "a number",
        Value::Bool(_) => is == "true or false",
        Value::Object(_) => false,
    };
    if fits { Ok(()) } else { Err(wrong()) }
}

/// Keeps the rows of the artifact for which a checked filter without references holds.
pub(crate) fn narrow(catalogue: &Catalogue, filter: &Filter, rows: &mut Bitmap) {
    match filter {
        Filter::And { and } => {
            // The cheap ones first: what they leave is less to look at for the others.
            let mut ordered: Vec<&Filter> = and.iter().collect();
            ordered.sort_by_key(|filter| cost(catalogue, filter));
            ordered.into_iter().for_each(|filter| narrow(catalogue, filter, rows));
        }
        Filter::Or { or } => {
            let mut any = Bitmap::empty(rows.len());
            for filter in or {
                let mut some = rows.clone();
                narrow(catalogue, filter, &mut some);
                any.or(&some);
            }
            *rows = any;
        }
        Filter::Not { not } => {
            let mut some = rows.clone();
            narrow(catalogue, not, &mut some);
            rows.and_not(&some);
        }
        Filter::Compare { attribute, op, value } => compare(catalogue, attribute, *op, value, rows),
    }
}

/// How dear a filter is, in steps.
fn cost(catalogue: &Catalogue, filter: &Filter) -> u8 {
    match filter {
        Filter::And { and: many } | Filter::Or { or: many } => {
            many.iter().map(|filter| cost(catalogue, filter)).max().unwrap_or_default()
        }
        Filter::Not { not } => cost(catalogue, not),
        Filter::Compare { attribute, op, .. } => match catalogue.column(attribute) {
            Some(Column::Texts(_)) if matches!(op, Op::Equal | Op::In) => 0,
            Some(_) => 1,
            None if UNCOLUMNED.contains(&attribute.as_str()) => 2,
            None => 0,
        },
    }
}

fn compare(catalogue: &Catalogue, attribute: &str, op: Op, wanted: &Value, rows: &mut Bitmap) {
    let wanted = match wanted {
        // Compared with what a visitor lacks.
        Value::Null if op != Op::Missing => {
            *rows = Bitmap::empty(rows.len());
            return;
        }
        Value::Array(list) => &list[..],
        one => std::slice::from_ref(one),
    };
    match catalogue.column(attribute) {
        Some(Column::Numbers(numbers)) if op == Op::Missing => {
            rows.retain(|row| numbers.get(row as usize).is_none_or(|number| number.is_nan()));
        }
        Some(Column::Numbers(numbers)) => Numbers::of(op, wanted).keep(numbers, rows),
        Some(Column::NumberLists(lists)) => {
            let test = Numbers::of(op, wanted);
            rows.retain(|row| several(op, lists.of(row), |number| test.holds(*number)));
        }
        Some(Column::Flags(flags)) => {
            let holds =
                |flag: bool| accepts(op, wanted.iter().filter_map(Value::as_bool).map(|other| flag.cmp(&other)));
            let answers = [holds(false), holds(true), op == Op::Missing];
            rows.retain(|row| {
                let flag = flags.get(row as usize).copied().unwrap_or(Column::NEITHER);
                answers.get(flag as usize).copied().unwrap_or(false)
            });
        }
        Some(Column::Texts(column)) => texts(catalogue, attribute, column, op, wanted, rows),
        None if UNCOLUMNED.contains(&attribute) => {
            uncolumned(catalogue, attribute, op, wanted, rows);
        }
        // No product has it.
        None if op == Op::Missing => {}
        None => *rows = Bitmap::empty(rows.len()),
    }
}

/// Whether one of the orders to what is wanted is accepted; with `!=`, whether all are.
pub(crate) fn accepts(op: Op, mut orders: impl Iterator<Item = std::cmp::Ordering>) -> bool {
    if op == Op::NotEqual { orders.all(|order| op.accepts(order)) } else { orders.any(|order| op.accepts(order)) }
}

/// Whether one of a product's values passes; with `!=`, whether all do.
fn several<T>(op: Op, values: &[T], test: impl Fn(&T) -> bool) -> bool {
    match op {
        Op::Missing => values.is_empty(),
        Op::NotEqual => !values.is_empty() && values.iter().all(test),
        _ => values.iter().any(test),
    }
}

/// A test of numbers.
pub(crate) enum Numbers {
    /// Is one of these.
    In(Vec<f64>),
    /// Is none of these.
    NotIn(Vec<f64>),
    /// Lies between two bounds, which belong to it.
    Between(f64, f64),
}

impl Numbers {
    pub(crate) fn of(op: Op, wanted: &[Value]) -> Self {
        let wanted: Vec<f64> = wanted.iter().filter_map(Value::as_f64).collect();
        // To be less than one of several numbers is to be less than the largest.
        let largest = wanted.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let smallest = wanted.iter().copied().fold(f64::INFINITY, f64::min);
        match op {
            Op::NotEqual => Self::NotIn(wanted),
            _ if wanted.is_empty() => Self::In(wanted),
            Op::Equal | Op::In | Op::Missing => Self::In(wanted),
            Op::Less => Self::Between(f64::NEG_INFINITY, largest.next_down()),
            Op::AtMost => Self::Between(f64::NEG_INFINITY, largest),
            Op::Greater => Self::Between(smallest.next_up(), f64::INFINITY),
            Op::AtLeast => Self::Between(smallest, f64::INFINITY),
        }
    }

    /// Never of NaN.
    fn holds(&self, number: f64) -> bool {
        match self {
            Self::In(numbers) => numbers.contains(&number),
            Self::NotIn(numbers) => !number.is_nan() && !numbers.contains(&number),
            Self::Between(low, high) => *low <= number && number <= *high,
        }
    }

    /// Keeps the rows of which it holds.
    fn keep(&self, numbers: &[f64], rows: &mut Bitmap) {
        let number = |row: u32| numbers.get(row as usize).copied().unwrap_or(f64::NAN);
        match *self {
            // The usual one, without a branch in its loop.
            Self::Between(low, high) => rows.retain(|row| (low <= number(row)) & (number(row) <= high)),
            _ => rows.retain(|row| self.holds(number(row))),
        }
    }
}

fn texts(catalogue: &Catalogue, attribute: &str, column: TextColumn<'_>, op: Op, wanted: &[Value], rows: &mut Bitmap) {
    let wanted: Vec<&str> = wanted.iter().filter_map(Value::as_str).collect();
    match op {
        Op::Equal | Op::In => {
            let postings = catalogue.postings(attribute, column);
            let mut found = Bitmap::empty(rows.len());
            for code in wanted.iter().filter_map(|text| column.code_of(text)) {
                postings.add_to(&mut found, code);
            }
            rows.and(&found);
        }
        Op::NotEqual => {
            let postings = catalogue.postings(attribute, column);
            for code in wanted.iter().filter_map(|text| column.code_of(text)) {
                postings.rows(code).iter().for_each(|row| rows.remove(*row));
            }
            rows.retain(|row| !column.codes(row).is_empty());
        }
        Op::Missing => rows.retain(|row| column.codes(row).is_empty()),
        // Codes stand in the order of their texts, so an order of texts is one of codes.
        Op::Less | Op::AtMost | Op::Greater | Op::AtLeast => {
            let bound = |text: &&str| match (op, column.search(text)) {
                (Op::Less | Op::AtLeast, Ok(code)) | (_, Err(code)) => code,
                (_, Ok(code)) => code + 1,
            };
            let below = matches!(op, Op::Less | Op::AtMost);
            let bounds = wanted.iter().map(bound);
            let bound = if below { bounds.max().unwrap_or(0) } else { bounds.min().unwrap_or(u32::MAX) };
            rows.retain(|row| several(op, column.codes(row), |code| (*code < bound) == below));
        }
    }
}

fn uncolumned(catalogue: &Catalogue, attribute: &str, op: Op, wanted: &[Value], rows: &mut Bitmap) {
    let artifact = &catalogue.artifact;
    if attribute == "id" && matches!(op, Op::Equal | Op::In) {
        let named = wanted.iter().filter_map(Value::as_str).filter_map(|id| artifact.position(id));
        rows.and(&Bitmap::from_rows(rows.len(), named));
        return;
    }
    let filter = Filter::Compare { attribute: attribute.to_owned(), op, value: Value::Array(wanted.to_vec()) };
    let holds = |row: u32| {
        let product: Option<Product> = serde_json::from_str(artifact.product_json(row)).ok();
        product.is_some_and(|product| filter.holds(&product) == Ok(true))
    };
    // One by one: a row that is not in the set is not worth reading.
    let passed: Vec<u32> = rows.iter().filter(|row| holds(*row)).collect();
    *rows = Bitmap::from_rows(rows.len(), passed);
}
