//! What filters can ask of products and of visitors.

use serde_json::Value;

use super::Attributes;
use crate::product::price_band;
use crate::profile::Decayed;
use crate::{Kind, Millis, Product, State};

/// Attributes of a product that are no part of `attributes`.
impl Attributes for Product {
    /// `id`, `kind`, `title`, `description`, `url`, `image`, `category` (every level of the path), `brand`, `price` (what one
    /// costs now), `regular_price`, `sale_price`, `discount` (what is taken off the regular price, 0 to 1; missing
    /// where nothing is), `price_band`, `currency`, `availability`, `stock`, and everything else the feed said. What it
    /// costs the shop is not among them.
    fn values(&self, name: &str) -> Vec<Value> {
        let text = |text: &Option<String>| text.iter().map(|text| Value::from(text.as_str())).collect();
        let number = |number: Option<f64>| number.filter(|x| x.is_finite()).map(Value::from).into_iter().collect();
        match name {
            "id" => vec![self.id.as_str().into()],
            "kind" => vec![if self.kind == Kind::Content { "content" } else { "product" }.into()],
            "title" => vec![self.title.as_str().into()],
            "description" if !self.description.is_empty() => vec![self.description.as_str().into()],
            "url" => text(&self.url),
            "image" => text(&self.image),
            "category" => self.category.iter().map(|name| Value::from(name.as_str())).collect(),
            "brand" => text(&self.brand),
            "price" => number(self.current_price()),
            "regular_price" => number(self.price),
            "sale_price" => number(self.sale_price),
            "discount" => number(self.discount()),
            "price_band" => self.current_price().and_then(price_band).map(Value::from).into_iter().collect(),
            "currency" => text(&self.currency),
            "availability" => serde_json::to_value(self.availability).into_iter().collect(),
            "stock" => self.stock.map(Value::from).into_iter().collect(),
            "description" | "cost" | "variants" | "attributes" => Vec::new(),
            other => match self.attributes.get(other) {
                None | Some(Value::Null | Value::Object(_)) => Vec::new(),
                Some(Value::Array(values)) => values.iter().filter(|value| is_scalar(value)).cloned().collect(),
                Some(value) => vec![value.clone()],
            },
        }
    }
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

/// How many of a visitor's favourites count as such.
const FAVOURITES: usize = 3;

/// A visitor as filters and conditions see them at a time.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The fold of their events.
    pub state: &'a State,
    /// The time.
    pub now: Millis,
}

impl Person<'_> {
    /// The segments that were given to the visitor: the trait `segments`, a list or one name.
    #[must_use]
    pub fn segments(&self) -> Vec<String> {
        let named = |value: &Value| value.as_str().map(str::to_owned);
        match self.state.traits.get("segments") {
            Some(Value::Array(names)) => names.iter().filter_map(named).collect(),
            Some(one) => named(one).into_iter().collect(),
            None => Vec::new(),
        }
    }

    fn favourites<'m>(&self, of: impl Iterator<Item = (&'m String, &'m Decayed)>) -> Vec<Value> {
        let mut liked: Vec<(f64, &String)> = of.map(|(name, weight)| (weight.value(self.now), name)).collect();
        liked.retain(|(weight, _)| *weight > 0.0);
        liked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        liked.into_iter().take(FAVOURITES).map(|(_, name)| Value::from(name.as_str())).collect()
    }
}

impl Attributes for Person<'_> {
    /// `segments`; `category`, `brand` and `price_band` (the three they like most, the strongest first); `orders`, `visits`,
    /// `units`; `days_since_visit`, `days_since_order`; the features and windows that segments are made of
    /// ([`FEATURES`](crate::segment::FEATURES), [`WINDOWS`](crate::segment::WINDOWS)); and their traits: what identify
    /// events and customer imports said.
    fn values(&self, name: &str) -> Vec<Value> {
        let state = self.state;
        #[allow(clippy::cast_precision_loss, reason = "days need no more")]
        let days = |at: Millis| Value::from(self.now.since(at).max(0) as f64 / crate::time::DAY as f64);
        match name {
            "segments" => self.segments().into_iter().map(Value::from).collect(),
            "category" => self.favourites(state.affinities.category.iter()),
            "brand" => self.favourites(state.affinities.brand.iter()),
            "price_band" => self.favourites(state.affinities.price_band.iter()),
            "orders" => vec![state.orders().into()],
            "visits" => vec![state.visits.into()],
            "units" => vec![state.units.into()],
            "days_since_visit" if state.last > Millis(0) => vec![days(state.last)],
            "days_since_order" => state.last_order.map(days).into_iter().collect(),
            other if let Some(values) = crate::segment::feature(self, other) => values,
            other => match state.traits.get(other) {
                None | Some(Value::Null | Value::Object(_)) => Vec::new(),
                Some(Value::Array(values)) => values.iter().filter(|value| is_scalar(value)).cloned().collect(),
                Some(value) => vec![value.clone()],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Filter;

    #[test]
    fn a_person_is_asked_like_a_product() {
        let mut state = State::default();
        state.traits.insert("segments".into(), json!(["gold", "deal hunters"]));
        state.traits.insert("age".into(), json!(41));
        let like = |weight: f64| Decayed::from((weight, Millis(0)));
        for (name, weight) in [("Pasta", 3.0), ("Sauce", 9.0), ("Soap", -4.0)] {
            state.affinities.category.insert(name.into(), like(weight));
        }
        let person = Person { state: &state, now: Millis(0) };
        assert_eq!(person.values("category"), [json!("Sauce"), json!("Pasta")]);
        for (text, expected) in [
            ("segments = \"gold\" and age >= 18", true),
            ("segments in [\"silver\"]", false),
            ("orders = 0 and visits = 0", true),
            ("days_since_order is missing and days_since_visit is missing", true),
            ("category = \"Soap\"", false),
        ] {
            assert_eq!(Filter::parse(text).unwrap().holds(&person), Ok(expected), "{text}");
        }
    }
}
