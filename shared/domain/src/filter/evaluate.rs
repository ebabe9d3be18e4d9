//! A filter against one thing: a product, a visitor. It is the meaning of the language; what compiles filters for a whole
//! catalogue is tested against it.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Filter, FilterError, Op};

/// Something with named values.
pub trait Attributes {
    /// The values of an attribute; empty where it is missing.
    fn values(&self, name: &str) -> Vec<Value>;
}

impl<F: Fn(&str) -> Vec<Value>> Attributes for F {
    fn values(&self, name: &str) -> Vec<Value> {
        self(name)
    }
}

/// What the right side of a comparison may refer to.
#[derive(Clone, Copy, Default)]
pub struct Scope<'a> {
    /// The product that the request is about.
    pub context: Option<&'a dyn Attributes>,
    /// The products in the basket.
    pub basket: &'a [&'a dyn Attributes],
    /// Who asks.
    pub visitor: Option<&'a dyn Attributes>,
}

impl std::fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope").field("context", &self.context.is_some()).finish_non_exhaustive()
    }
}

impl Scope<'_> {
    /// The value of a reference: the one value, or a list of several; null where a visitor or a basket has none.
    fn value(&self, attribute: &str, of: &str, name: &str) -> Result<Value, FilterError> {
        let mut values = match of {
            "context" => self.context.map(|context| context.values(name)).unwrap_or_default(),
            "basket" => self.basket.iter().flat_map(|product| product.values(name)).collect(),
            "visitor" => self.visitor.map(|visitor| visitor.values(name)).unwrap_or_default(),
            _ => return Err(FilterError::NoReference(attribute.to_owned())),
        };
        if of == "context" && name == "category" {
            // The narrowest: a product of the same department is not of the same category.
            values.drain(..values.len().saturating_sub(1));
        }
        match values.len() {
            0 if of == "context" => Err(FilterError::NoContext(name.to_owned())),
            0 => Ok(Value::Null),
            1 => Ok(values.swap_remove(0)),
            _ => Ok(Value::Array(values)),
        }
    }
}

impl Filter {
    /// Whether the right side of any comparison refers to something.
    #[must_use]
    pub fn has_references(&self) -> bool {
        match self {
            Self::And { and: many } | Self::Or { or: many } => many.iter().any(Self::has_references),
            Self::Not { not } => not.has_references(),
            Self::Compare { value, .. } => value.is_object(),
        }
    }

    /// The filter with values in the place of references.
    ///
    /// # Errors
    /// If it needs a context product that is missing or lacks the attribute, or refers to something unknown.
    pub fn resolve(&self, scope: &Scope<'_>) -> Result<Self, FilterError> {
        let all = |filters: &[Self]| filters.iter().map(|filter| filter.resolve(scope)).collect::<Result<_, _>>();
        Ok(match self {
            Self::And { and } => Self::And { and: all(and)? },
            Self::Or { or } => Self::Or { or: all(or)? },
            Self::Not { not } => Self::Not { not: Box::new(not.resolve(scope)?) },
            Self::Compare { attribute, op, value: Value::Object(fields) } => {
                let reference = fields.iter().next().filter(|_| fields.len() == 1);
                let reference = reference.and_then(|(of, name)| Some((of, name.as_str()?)));
                let (of, name) = reference.ok_or_else(|| FilterError::NoReference(attribute.clone()))?;
                let value = scope.value(attribute, of, name)?;
                Self::Compare { attribute: attribute.clone(), op: *op, value }
            }
            plain => plain.clone(),
        })
    }

    /// Whether a filter without references holds of something.
    ///
    /// # Errors
    /// If an attribute is of another type than what it is compared with.
    pub fn holds(&self, of: &dyn Attributes) -> Result<bool, FilterError> {
        match self {
            Self::And { and } => and.iter().try_fold(true, |all, filter| Ok(filter.holds(of)? && all)),
            Self::Or { or } => or.iter().try_fold(false, |any, filter| Ok(filter.holds(of)? || any)),
            Self::Not { not } => Ok(!not.holds(of)?),
            Self::Compare { attribute, op, value } => compare(attribute, &of.values(attribute), *op, value),
        }
    }
}

fn compare(attribute: &str, values: &[Value], op: Op, wanted: &Value) -> Result<bool, FilterError> {
    if op == Op::Missing {
        return Ok(values.is_empty());
    }
    let (mut any, mut all) = (false, true);
    for value in values {
        let holds = holds(attribute, value, op, wanted)?;
        any |= holds;
        all &= holds;
    }
    Ok(!values.is_empty() && if op == Op::NotEqual { all } else { any })
}

fn holds(attribute: &str, value: &Value, op: Op, wanted: &Value) -> Result<bool, FilterError> {
    match wanted {
        Value::Null => Ok(false),
        Value::Array(list) => {
            let op = if op == Op::In { Op::Equal } else { op };
            let (mut any, mut all) = (false, true);
            for one in list {
                let holds = ordered(attribute, value, one)?.is_some_and(|order| op.accepts(order));
                any |= holds;
                all &= holds;
            }
            Ok(if op == Op::NotEqual { all } else { any })
        }
        one => {
            let op = if op == Op::In { Op::Equal } else { op };
            Ok(ordered(attribute, value, one)?.is_some_and(|order| op.accepts(order)))
        }
    }
}

fn ordered(attribute: &str, value: &Value, wanted: &Value) -> Result<Option<Ordering>, FilterError> {
    let wrong = |is| FilterError::wrong_type(attribute, is, wanted);
    match (value, wanted) {
        (Value::String(a), Value::String(b)) => Ok(Some(a.as_str().cmp(b.as_str()))),
        (Value::Number(a), Value::Number(b)) => Ok(a.as_f64().partial_cmp(&b.as_f64())),
        (Value::Bool(a), Value::Bool(b)) => Ok(Some(a.cmp(b))),
        (Value::String(_), _) => Err(wrong("text")),
        (Value::Number(_), _) => Err(wrong("a number")),
        (Value::Bool(_), _) => Err(wrong("true or false")),
        _ => Err(wrong("not comparable")),
    }
}

impl Op {
    /// Whether a value that stands in some order to another compares well. [`In`](Self::In) is equality with one of a list;
    /// nothing is [`Missing`](Self::Missing) that has a value.
    #[must_use]
    pub const fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal | Self::In => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Missing => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Product, ProductId};

    /// What stands where a name is due may be somebody's.
    #[test]
    fn errors_tell_plain_words_only() {
        let someone = "anna-1@mail.example";
        let told = |error: FilterError| error.to_string();
        for name in [someone, "vs_1f0c", "a b"] {
            for error in [
                FilterError::UnknownAttribute(name.into()),
                FilterError::NoContext(name.into()),
                FilterError::NoReference(name.into()),
                FilterError::wrong_type(name, "text", &json!(name)),
                FilterError::wrong_type(name, "text", &json!([{ name: name }])),
            ] {
                assert!(!told(error.clone()).contains(name), "{error}");
            }
        }
        assert_eq!(told(FilterError::UnknownAttribute("flavour".into())), "no product has an attribute `flavour`");
    }

    fn product(category: &[&str], price: Option<f64>) -> Product {
        let mut product = Product::new(ProductId::new("1").unwrap(), "Penne");
        product.category = category.iter().map(|name| (*name).to_owned()).collect();
        product.price = price;
        product.attributes.insert("sizes".into(), json!(["S", "M"]));
        product
    }

    fn holds(text: &str, product: &Product, scope: &Scope<'_>) -> Result<bool, FilterError> {
        Filter::parse(text)?.resolve(scope)?.holds(product)
    }

    #[test]
    fn several_values_compare_well_if_one_does() {
        let penne = product(&["Grocery", "Pasta"], Some(2.0));
        for (text, expected) in [
            ("category = \"Grocery\"", true),
            ("category != \"Pasta\"", false),
            ("category != \"Home\"", true),
            ("sizes in [\"M\", \"XL\"]", true),
            ("sizes = \"XL\"", false),
            ("price <= 2 and title = \"Penne\"", true),
            ("brand is missing and brand != \"Acme\"", false),
            ("discount is missing", true),
        ] {
            assert_eq!(holds(text, &penne, &Scope::default()), Ok(expected), "{text}");
        }
        assert!(
            matches!(holds("price < \"x\"", &penne, &Scope::default()), Err(FilterError::WrongType { attribute, .. }) if attribute == "price")
        );
    }

    #[test]
    fn references_lend_values() {
        let penne = product(&["Grocery", "Pasta"], Some(2.0));
        let sauce = product(&["Grocery", "Sauce"], Some(3.0));
        let visitor = |name: &str| if name == "brands" { vec![json!("Acme"), json!("Umbrella")] } else { Vec::new() };
        let basket: [&dyn Attributes; 2] = [&penne, &sauce];
        let scope = Scope { context: Some(&sauce), basket: &basket, visitor: Some(&visitor) };
        let mut acme = product(&["Grocery", "Pasta"], Some(2.5));
        acme.brand = Some("Acme".into());
        for (text, expected) in [
            ("price < context.price", true),
            ("category = context.category", false),
            ("category in basket.category", true),
            ("price > basket.price", true),
            ("price != basket.price", true),
            ("brand in visitor.brands", true),
            ("brand != visitor.brands", false),
            ("brand = visitor.unknown", false),
        ] {
            assert_eq!(holds(text, &acme, &scope), Ok(expected), "{text}");
        }
        assert_eq!(holds("price < context.stock", &acme, &scope), Err(FilterError::NoContext("stock".into())));
        let strange = Filter::from_json(&json!({"attribute": "price", "op": "<", "value": {"moon": "x"}})).unwrap();
        assert_eq!(strange.resolve(&scope), Err(FilterError::NoReference("price".into())));
    }
}
