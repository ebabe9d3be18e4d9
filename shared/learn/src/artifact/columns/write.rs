//! Choosing the form of each attribute from all its values, and writing the columns.

use std::collections::BTreeMap;

use serde_json::Value;
use vitrine_domain::Product;
use vitrine_domain::filter::Attributes;

use super::{Column, Form, LONGEST_NAME, MOST_COLUMNS, MOST_VALUES, Names, TextColumn, cut};
use crate::artifact::container::Writer;
use crate::artifact::pack::texts;
use crate::artifact::sections::{COLUMN_TYPES, COLUMNS};

/// What products have besides what the feed said.
const OWN: [&str; 9] =
    ["availability", "currency", "discount", "kind", "price", "price_band", "regular_price", "sale_price", "stock"];

/// What gets no column: what tells a product apart or is only shown, and what has sections of its own. An attribute of the
/// feed with such a name is hidden by the product's own.
const NONE: [&str; 10] =
    ["attributes", "brand", "category", "cost", "description", "id", "image", "title", "url", "variants"];

/// Writes the columns of a catalogue, in the order of their names.
pub(in crate::artifact) fn write(writer: &mut Writer, products: &[&Product]) {
    let columns: Vec<(&str, Form)> =
        names(products).into_iter().filter_map(|name| Some((name, form(products, name)?))).collect();
    texts(writer, COLUMNS, columns.iter().map(|(name, _)| name.as_bytes()));
    writer.u32s(COLUMN_TYPES, columns.iter().map(|(_, form)| form.code()));
    for (number, (name, form)) in columns.into_iter().enumerate() {
        column(writer, products, name, form, &Names::of(number));
    }
}

/// The attributes that may have a column, ascending.
fn names<'p>(products: &[&'p Product]) -> Vec<&'p str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in products.iter().flat_map(|product| product.attributes.keys()) {
        *counts.entry(name).or_default() += 1;
    }
    counts.retain(|name, _| name.len() <= LONGEST_NAME && !OWN.contains(name) && !NONE.contains(name));
    let mut most: Vec<(&str, usize)> = counts.into_iter().collect();
    most.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    most.truncate(MOST_COLUMNS - OWN.len());
    let mut names: Vec<&str> = most.into_iter().map(|(name, _)| name).chain(OWN).collect();
    names.sort_unstable();
    names
}

/// The values of a product that a column holds.
fn values(product: &Product, name: &str) -> impl Iterator<Item = Value> {
    product.values(name).into_iter().take(MOST_VALUES)
}

/// The form that fits all values of an attribute; none if there are none.
pub(super) fn form(products: &[&Product], name: &str) -> Option<Form> {
    let (mut numbers, mut flags, mut others, mut most) = (false, false, false, 0);
    for product in products {
        let mut count = 0;
        for value in values(product, name) {
            match value {
                Value::Number(_) => numbers = true,
                Value::Bool(_) => flags = true,
                _ => others = true,
            }
            count += 1;
        }
        most = most.max(count);
    }
    match (numbers, flags, others) {
        (false, false, false) => None,
        (true, false, false) if most == 1 => Some(Form::Numbers),
        (true, false, false) => Some(Form::NumberLists),
        (false, true, false) if most == 1 => Some(Form::Flags),
        _ if most == 1 => Some(Form::Texts),
        _ => Some(Form::TextLists),
    }
}

fn column(writer: &mut Writer, products: &[&Product], name: &str, form: Form, names: &Names) {
    let number = |value: Value| value.as_f64().filter(|x| x.is_finite());
    match form {
        Form::Numbers => {
            let number = |product: &&Product| values(product, name).next().and_then(number).unwrap_or(f64::NAN);
            writer.f64s(&names.values, products.iter().map(number));
        }
        Form::NumberLists => {
            let (starts, numbers) = lists(products.iter().map(|product| values(product, name).filter_map(number)));
            writer.u32s(&names.starts, starts);
            writer.f64s(&names.values, numbers);
        }
        Form::Flags => {
            let flag = |product: &&Product| match values(product, name).next() {
                Some(Value::Bool(true)) => Column::YES,
                Some(Value::Bool(false)) => Column::NO,
                _ => Column::NEITHER,
            };
            writer.u32s(&names.values, products.iter().map(flag));
        }
        Form::Texts | Form::TextLists => {
            let mut known: Vec<String> =
                products.iter().flat_map(|product| values(product, name)).filter_map(as_text).collect();
            known.sort_unstable();
            known.dedup();
            let code = |value| {
                let text = as_text(value)?;
                known.binary_search(&text).ok().map(|code| code as u32)
            };
            if form == Form::Texts {
                let of = |product: &&Product| values(product, name).next().and_then(code);
                writer.u32s(&names.values, products.iter().map(|p| of(p).unwrap_or(TextColumn::MISSING)));
            } else {
                let (starts, codes) = lists(products.iter().map(|product| {
                    let mut codes: Vec<u32> = values(product, name).filter_map(code).collect();
                    codes.sort_unstable();
                    codes.dedup();
                    codes.into_iter()
                }));
                writer.u32s(&names.starts, starts);
                writer.u32s(&names.values, codes);
            }
            texts(writer, names.texts(), known.iter().map(|text| text.as_bytes()));
        }
    }
}

/// What a value is as text: a text itself, anything else as JSON writes it.
fn as_text(value: Value) -> Option<String> {
    match value {
        Value::String(mut text) => {
            text.truncate(cut(&text).len());
            Some(text)
        }
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Lists one after the other: where each starts and the end, and what is in them.
fn lists<T>(lists: impl Iterator<Item = impl Iterator<Item = T>>) -> (Vec<u32>, Vec<T>) {
    let (mut starts, mut entries) = (vec![0], Vec::new());
    for list in lists {
        entries.extend(list);
        starts.push(entries.len() as u32);
    }
    (starts, entries)
}
