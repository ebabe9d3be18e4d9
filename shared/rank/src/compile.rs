//! A filter against a shelf: one pass over a column a condition, bitmaps in between.

use serde_json::Value;
use vitrine_index::Bitmap;

use vitrine_domain::filter::Op;
use vitrine_domain::{Filter, FilterError};

use crate::Shelf;

/// Filters as bitmaps of a shelf's rows.
pub trait Compile {
    /// The rows of a shelf for which the filter holds. `context` is the row the request is about.
    ///
    /// # Errors
    /// If an attribute is unknown, is of another type than what it is compared with, or needs a context that is missing.
    fn rows(&self, shelf: &Shelf, context: Option<u32>) -> Result<Bitmap, FilterError>;
}

impl Compile for Filter {
    /// The rows of a shelf for which the filter holds. `context` is the row the request is about.
    ///
    /// # Errors
    /// If an attribute is unknown, is of another type than what it is compared with, or needs a context that is missing.
    fn rows(&self, shelf: &Shelf, context: Option<u32>) -> Result<Bitmap, FilterError> {
        match self {
            Self::And { and } => {
                let mut rows = Bitmap::full(shelf.len());
                for filter in and {
                    rows.and(&filter.rows(shelf, context)?);
                }
                Ok(rows)
            }
            Self::Or { or } => {
                let mut rows = Bitmap::empty(shelf.len());
                for filter in or {
                    rows.or(&filter.rows(shelf, context)?);
                }
                Ok(rows)
            }
            Self::Not { not } => {
                let mut rows = not.rows(shelf, context)?;
                rows.not();
                Ok(rows)
            }
            Self::Compare { attribute, op, value } => {
                let value = resolve(value, shelf, context)?;
                compare(shelf, attribute, *op, &value)
            }
        }
    }
}

/// Puts the context product's attribute in place of `{"context": NAME}`.
fn resolve(value: &Value, shelf: &Shelf, context: Option<u32>) -> Result<Value, FilterError> {
    match value {
        Value::Object(fields) => {
            let name = fields.get("context").and_then(Value::as_str).unwrap_or_default();
            let found = context.and_then(|row| field(shelf, row, name));
            found.ok_or_else(|| FilterError::NoContext(name.to_owned()))
        }
        Value::Array(values) => values.iter().map(|v| resolve(v, shelf, context)).collect(),
        other => Ok(other.clone()),
    }
}

/// The value of an attribute as filters see it: the narrowest category, the price now.
fn field(shelf: &Shelf, row: u32, name: &str) -> Option<Value> {
    match name {
        "category" => shelf.leaf_category(row).map(Value::from),
        "price" => shelf.price(row).map(Value::from),
        _ => shelf.column(name)?.get(row as usize)?.clone(),
    }
}

/// The words of a missing availability or kind, which the stored form leaves out.
fn default_of(attribute: &str) -> Option<Value> {
    match attribute {
        "availability" => Some("in_stock".into()),
        "kind" => Some("product".into()),
        _ => None,
    }
}

fn compare(shelf: &Shelf, attribute: &str, op: Op, wanted: &Value) -> Result<Bitmap, FilterError> {
    match attribute {
        "category" => {
            let test = |row| {
                let path = shelf.category_path(row);
                holds_any(path.iter().map(|name| Value::from(*name)), path.is_empty(), attribute, op, wanted)
            };
            return rows(shelf, test);
        }
        "price" => {
            let test = |row| {
                let price = shelf.price(row).map(Value::from);
                holds_any(price.clone().into_iter(), price.is_none(), attribute, op, &single(wanted))
            };
            return rows(shelf, test);
        }
        _ => {}
    }
    let default = default_of(attribute);
    let column = shelf.column(attribute);
    if column.is_none() && default.is_none() && !shelf.is_empty() {
        return Err(FilterError::UnknownAttribute(attribute.to_owned()));
    }
    rows(shelf, |row| {
        let value = column.as_ref().and_then(|c| c.get(row as usize)).and_then(Option::as_ref).or(default.as_ref());
        match value {
            Some(Value::Array(values)) => holds_any(values.iter().cloned(), values.is_empty(), attribute, op, wanted),
            value => holds_any(value.cloned().into_iter(), value.is_none(), attribute, op, wanted),
        }
    })
}

/// Prices are kept in single precision; so that `price <= 4.99` holds for 4.99, the other side is too.
fn single(wanted: &Value) -> Value {
    #[allow(clippy::cast_possible_truncation, reason = "this is the point")]
    match wanted {
        Value::Number(n) => n.as_f64().map_or_else(|| wanted.clone(), |n| Value::from(n as f32)),
        Value::Array(values) => values.iter().map(single).collect(),
        other => other.clone(),
    }
}

fn rows(shelf: &Shelf, test: impl Fn(u32) -> Result<bool, FilterError>) -> Result<Bitmap, FilterError> {
    let mut failed = None;
    let found = Bitmap::from_fn(shelf.len(), |row| match test(row) {
        Ok(holds) => holds,
        Err(error) => {
            failed.get_or_insert(error);
            false
        }
    });
    failed.map_or(Ok(found), Err)
}

/// Whether one of an attribute's values passes; for `!=`, whether none is equal.
fn holds_any(
    values: impl Iterator<Item = Value>,
    missing: bool,
    attribute: &str,
    op: Op,
    wanted: &Value,
) -> Result<bool, FilterError> {
    if op == Op::Missing {
        return Ok(missing);
    }
    if missing {
        return Ok(false);
    }
    let mut any = false;
    let mut all = true;
    for value in values {
        let holds = holds(&value, attribute, op, wanted)?;
        any |= holds;
        all &= holds;
    }
    Ok(if op == Op::NotEqual { all } else { any })
}

fn holds(value: &Value, attribute: &str, op: Op, wanted: &Value) -> Result<bool, FilterError> {
    let wrong = |is| FilterError::WrongType { attribute: attribute.to_owned(), is, with: wanted.to_string() };
    if op == Op::In {
        let Value::Array(list) = wanted else { return Err(wrong("compared with `in`, which needs a list")) };
        for one in list {
            if holds(value, attribute, Op::Equal, one)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let order = match (value, wanted) {
        (Value::String(a), Value::String(b)) => a.as_str().partial_cmp(b.as_str()),
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        (Value::Bool(a), Value::Bool(b)) if matches!(op, Op::Equal | Op::NotEqual) => a.partial_cmp(b),
        (Value::String(_), _) => return Err(wrong("text")),
        (Value::Number(_), _) => return Err(wrong("a number")),
        (Value::Bool(_), _) => return Err(wrong("true or false")),
        _ => return Err(wrong("not comparable")),
    };
    let Some(order) = order else { return Ok(false) };
    Ok(match op {
        Op::Equal => order.is_eq(),
        Op::NotEqual => order.is_ne(),
        Op::Less => order.is_lt(),
        Op::AtMost => order.is_le(),
        Op::Greater => order.is_gt(),
        Op::AtLeast => order.is_ge(),
        Op::In | Op::Missing => false,
    })
}

#[cfg(test)]
mod tests {
    use vitrine_domain::{Availability, Change, Millis, Product, ProductId};

    use super::*;

    fn shelf() -> Shelf {
        let product = |id: &str, category: &[&str], price: Option<f64>, colour: Option<&str>| {
            let mut p = Product::new(ProductId::new(id).unwrap(), format!("Product {id}"));
            p.category = category.iter().map(|c| (*c).to_owned()).collect();
            p.price = price;
            if let Some(colour) = colour {
                p.attributes.insert("colour".into(), colour.into());
                p.attributes.insert("organic".into(), true.into());
            }
            p
        };
        let mut sold_out = product("d", &["Home"], Some(20.0), None);
        sold_out.availability = Availability::OutOfStock;
        let products = [
            product("a", &["Grocery", "Pasta"], Some(2.0), Some("red")),
            product("b", &["Grocery", "Sauce"], Some(4.99), Some("blue")),
            product("c", &["Grocery", "Pasta"], None, None),
            sold_out,
        ];
        let changes: Vec<Change> =
            products.map(|p| Change { time: Millis(0), id: p.id.clone(), product: Some(p) }).into();
        Shelf::new(None, &changes)
    }

    fn found(filter: &str, context: Option<&str>) -> Result<String, FilterError> {
        let shelf = shelf();
        let context = context.and_then(|id| shelf.row(id));
        let rows = Filter::parse(filter)?.rows(&shelf, context)?;
        Ok(rows.iter().map(|row| shelf.id(row).to_owned()).collect())
    }

    #[test]
    fn filters_mean_what_they_say() {
        for (filter, expected) in [
            (r#"category = "Grocery""#, "abc"),
            (r#"category = "Pasta" and price < 5"#, "a"),
            (r#"category != "Pasta""#, "bd"),
            ("price <= 4.99", "ab"),
            ("price is missing", "c"),
            ("price is not missing", "abd"),
            (r#"colour in ["red", "green"] or category = "Home""#, "ad"),
            (r#"not (colour = "red")"#, "bcd"),
            ("organic = true", "ab"),
            (r#"availability = "out_of_stock""#, "d"),
            (r#"availability = "in_stock""#, "abc"),
            (r#"kind = "product""#, "abcd"),
            (r#"id in ["a", "d"]"#, "ad"),
        ] {
            assert_eq!(found(filter, None).as_deref(), Ok(expected), "{filter}");
        }
    }

    #[test]
    fn the_context_product_lends_its_attributes() {
        assert_eq!(found("price > context.price", Some("b")).as_deref(), Ok("d"));
        assert_eq!(found("category = context.category", Some("a")).as_deref(), Ok("ac"));
        assert_eq!(found("price > context.price", None), Err(FilterError::NoContext("price".into())));
        assert_eq!(found("price > context.price", Some("c")), Err(FilterError::NoContext("price".into())));
    }

    #[test]
    fn unknown_attributes_and_wrong_types_are_named() {
        assert_eq!(found("size = 3", None), Err(FilterError::UnknownAttribute("size".into())));
        assert!(
            matches!(found(r#"price < "cheap""#, None), Err(FilterError::WrongType { attribute, .. }) if attribute == "price")
        );
        assert!(
            matches!(found("colour = 3", None), Err(FilterError::WrongType { attribute, .. }) if attribute == "colour")
        );
    }
}
