//! What the properties of an event mean: products, orders, lists, searches.
//!
//! What has a field of its own is taken out of the properties; the rest stays there as it came. A product's name, address
//! and picture are left to the catalogue, which knows them better and keeps them once.

use serde_json::{Map, Value};
use vitrine_domain::{Action, Event, Line, Order, ProductId};

use crate::bounds::LINES;
use crate::names::Meaning;
use crate::values::{category, currency, dwell, identifier, money, number, position, take, text};

/// Longest decision id.
const DECISION: usize = 512;

/// Properties that describe a product and not what was done with it.
const FACTS: [&str; 3] = ["name", "url", "image_url"];

/// Reads the properties of a track event into its fields.
pub fn understand(meaning: Meaning, properties: &mut Map<String, Value>, event: &mut Event) {
    let action = meaning.action;
    event.action = action;
    if event.name.is_none() {
        event.name = meaning.step.map(str::to_owned);
    }
    event.decision_id = decision_id(properties);
    event.currency = take(properties, &["currency"], currency);
    event.list = take(properties, list_names(action), text);
    if action == Action::Search {
        event.query = take(properties, &["query", "search_term"], text);
    }
    event.order = order(action, properties);
    event.lines = lines(properties, &mut event.currency);
    if event.lines.is_empty() {
        event.lines.extend(line(properties, is_of_one_product(action)));
    }
    if matches!(action, Action::Refund | Action::OrderCancel) {
        unsigned(event);
    }
    if action == Action::Dwell {
        // What was in view for a moment only was not dwelled on.
        event.lines.retain(|line| line.dwell_ms.is_some());
    }
}

/// The decision whose recommendation led to an event.
pub fn decision_id(properties: &mut Map<String, Value>) -> Option<String> {
    take(properties, &["decision_id"], |value| identifier(value).filter(|id| id.len() <= DECISION))
}

const fn list_names(action: Action) -> &'static [&'static str] {
    match action {
        Action::PromotionView | Action::PromotionClick => &["promotion_id", "id", "name"],
        Action::List | Action::Filter => &["list_id", "list", "category"],
        _ => &["list_id", "list"],
    }
}

/// Whether the event is about one product, so that a bare `id` is the product's.
const fn is_of_one_product(action: Action) -> bool {
    matches!(
        action,
        Action::View
            | Action::Click
            | Action::Add
            | Action::Remove
            | Action::WishlistAdd
            | Action::WishlistRemove
            | Action::WishlistToCart
            | Action::Share
            | Action::Review
            | Action::Dwell
    )
}

/// The head of an order, for the events that are about one.
fn order(action: Action, properties: &mut Map<String, Value>) -> Option<Order> {
    let coupon: &[&str] = match action {
        Action::Coupon => &["coupon_id", "coupon_name", "coupon"],
        Action::Checkout
        | Action::CheckoutStep
        | Action::Order
        | Action::OrderUpdate
        | Action::OrderCancel
        | Action::Refund => &["coupon"],
        _ => return None,
    };
    let order = Order {
        id: take(properties, &["order_id"], text),
        total: take(properties, &["total", "value"], money),
        revenue: take(properties, &["revenue", "subtotal"], money),
        discount: take(properties, &["discount"], money),
        coupon: take(properties, coupon, text),
    };
    (order != Order::default()).then_some(order)
}

/// The products of a list, basket or order. What their fields do not hold stays behind, with the product's identifier.
/// An event has one currency: its own, or the first that a product names.
fn lines(properties: &mut Map<String, Value>, of_event: &mut Option<String>) -> Vec<Line> {
    let listed = |value: &Value| match value {
        Value::Array(list) => Some(list.clone()),
        Value::Object(_) => Some(vec![value.clone()]),
        _ => None,
    };
    let products = take(properties, &["products"], listed).unwrap_or_default();
    let mut lines = Vec::with_capacity(products.len());
    let mut rest = Vec::new();
    for product in products.into_iter().take(LINES) {
        let Value::Object(mut members) = product else {
            lines.extend(product_id(&product).map(Line::of));
            continue;
        };
        let line = line(&mut members, true);
        let of_line = take(&mut members, &["currency"], currency);
        *of_event = of_event.take().or(of_line);
        members.retain(|_, value| !value.is_null());
        if !members.is_empty() {
            if let Some(line) = &line {
                members.insert("product_id".to_owned(), line.product.as_str().into());
            }
            rest.push(Value::Object(members));
        }
        lines.extend(line);
    }
    if !rest.is_empty() {
        properties.insert("products".to_owned(), Value::Array(rest));
    }
    lines
}

fn product_id(value: &Value) -> Option<ProductId> {
    ProductId::new(identifier(value)?).ok()
}

/// A product and what was done with it. Without a product nothing is taken.
fn line(members: &mut Map<String, Value>, bare_id: bool) -> Option<Line> {
    let names: &[&str] = if bare_id { &["product_id", "sku", "id"] } else { &["product_id", "sku"] };
    let product = take(members, names, product_id)?;
    let sku = take(members, &["sku"], text).filter(|sku| sku != product.as_str());
    let variant = take(members, &["variant_id", "variant"], text).or(sku);
    for name in FACTS {
        take(members, &[name], |value| value.is_string().then_some(()));
    }
    Some(Line {
        variant,
        quantity: take(members, &["quantity"], number).unwrap_or(1.0),
        price: take(members, &["price"], money),
        discount: take(members, &["discount"], money),
        position: take(members, &["position"], position),
        category: take(members, &["category"], category),
        brand: take(members, &["brand"], text),
        dwell_ms: take(members, &["dwell_ms"], dwell),
        ..Line::of(product)
    })
}

/// Clients write what comes back with either sign; the action says which way it goes.
fn unsigned(event: &mut Event) {
    let plain = |amount: &mut Option<f64>| *amount = amount.map(f64::abs);
    if let Some(order) = &mut event.order {
        plain(&mut order.total);
        plain(&mut order.revenue);
    }
    for line in &mut event.lines {
        line.quantity = line.quantity.abs();
        plain(&mut line.price);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vitrine_domain::{MessageId, Millis, Visitor};

    use super::*;
    use crate::names::meaning;

    fn read(name: &str, properties: Value) -> (Event, Value) {
        let (id, visitor) = (MessageId::new("m").unwrap(), Visitor::anonymous("a").unwrap());
        let mut event = Event::new(id, visitor, Millis(1), Action::Custom);
        let mut properties = properties.as_object().unwrap().clone();
        understand(meaning(name), &mut properties, &mut event);
        (event, Value::Object(properties))
    }

    #[test]
    fn the_product_is_named_in_several_ways() {
        for (properties, product, variant) in [
            (json!({"product_id": "p", "sku": "s", "variant": "Blue"}), Some("p"), Some("Blue")),
            (json!({"product_id": "p", "sku": "s"}), Some("p"), Some("s")),
            (json!({"product_id": "p", "sku": "p"}), Some("p"), None),
            (json!({"productId": 7}), Some("7"), None),
            (json!({"sku": "s", "id": "i"}), Some("s"), None),
            (json!({"id": "i"}), Some("i"), None),
            (json!({"product_id": "", "sku": "s"}), Some("s"), None),
            (json!({"product_id": "x".repeat(129)}), None, None),
            (json!({}), None, None),
        ] {
            let (event, _) = read("Product Viewed", properties.clone());
            let found = event.lines.first().map(|l| (l.product.as_str(), l.variant.as_deref()));
            assert_eq!(found, product.map(|p| (p, variant)), "{properties}");
        }
    }

    #[test]
    fn a_bare_id_is_a_product_only_where_the_event_is_about_one() {
        assert_eq!(read("Order Completed", json!({"id": "x"})), {
            let (event, _) = read("Order Completed", json!({}));
            (event, json!({"id": "x"}))
        });
        let (event, rest) = read("Size Guide Opened", json!({"id": "x", "category": "Shoes", "name": "A"}));
        assert!(event.lines.is_empty() && event.action == Action::Custom);
        assert_eq!(rest, json!({"id": "x", "category": "Shoes", "name": "A"}));
        let (event, _) = read("Promotion Clicked", json!({"id": "summer", "name": "Summer"}));
        assert_eq!((event.list.as_deref(), event.lines.len()), (Some("summer"), 0));
    }

    #[test]
    fn what_is_understood_is_not_kept_twice_and_what_is_not_is_kept() {
        let (event, rest) = read(
            "Product Added",
            json!({"cart_id": "c", "product_id": "p", "name": "Penne", "url": "https://x", "image_url": "https://y",
                "price": "2,49", "quantity": "3", "position": "2", "brand": "B", "category": ["G", "P"],
                "coupon": "MAY", "currency": "eur", "decision_id": "d", "list_id": "home", "gift": true}),
        );
        assert_eq!(rest, json!({"cart_id": "c", "coupon": "MAY", "gift": true}));
        let line = &event.lines[0];
        assert_eq!((line.price, line.quantity, line.position), (Some(2.49), 3.0, Some(2)));
        assert_eq!((line.brand.as_deref(), line.category.as_deref()), (Some("B"), Some("G > P")));
        assert_eq!((event.currency.as_deref(), event.decision_id.as_deref()), (Some("EUR"), Some("d")));
        assert_eq!(event.list.as_deref(), Some("home"));
    }

    #[test]
    fn what_cannot_be_read_stays_among_the_properties() {
        let properties = json!({"price": "ask us", "position": "top", "currency": "gold", "quantity": [1],
            "decision_id": "x".repeat(513)});
        let mut with_product = properties.clone();
        with_product["product_id"] = "p".into();
        let (event, rest) = read("Product Viewed", with_product);
        assert_eq!((event.lines[0].clone(), rest), (Line::of(ProductId::new("p").unwrap()), properties));
    }

    #[test]
    fn what_lines_cannot_hold_is_kept_with_the_products_identifier() {
        let (event, rest) = read(
            "Order Completed",
            json!({"order_id": 9, "products": [
                {"product_id": "1", "name": "A", "price": 1, "engraving": "Anna", "currency": "EUR"},
                {"sku": "2", "coupon": null}, "3", 4, null, {"colour": "red"}
            ]}),
        );
        assert_eq!(event.lines.iter().map(|l| l.product.as_str()).collect::<Vec<_>>(), ["1", "2", "3", "4"]);
        assert_eq!(rest, json!({"products": [{"product_id": "1", "engraving": "Anna"}, {"colour": "red"}]}));
        assert_eq!(event.order.unwrap().id.as_deref(), Some("9"));
        assert_eq!(event.currency.as_deref(), Some("EUR"));
    }

    #[test]
    fn what_comes_back_is_counted_once_whatever_its_sign() {
        for sign in [1.0, -1.0] {
            let (event, _) = read(
                "Order Refunded",
                json!({"total": 5.0 * sign, "products": [{"id": "1", "quantity": 2.0 * sign, "price": 2.5}]}),
            );
            assert_eq!((event.revenue(), event.lines[0].quantity), (5.0, 2.0));
        }
        // At a till a returned piece may stand among the bought ones.
        let (event, _) = read("Order Completed", json!({"products": [{"id": "1", "quantity": -1, "price": 4}]}));
        assert_eq!(event.revenue(), -4.0);
    }

    #[test]
    fn a_dwell_is_long_enough_or_none() {
        for (dwell_ms, kept) in [
            (json!(2000), Some(2_000)),
            (json!("3500.7"), Some(3_500)),
            (json!(1e9), Some(600_000)),
            (json!(1999), None),
            (json!(-5000), None),
            (json!("long"), None),
            (json!(null), None),
        ] {
            let (event, _) = read("product_dwelled", json!({"product_id": "p", "dwell_ms": dwell_ms}));
            assert_eq!(event.action, Action::Dwell);
            assert_eq!(event.lines.first().map(|line| line.dwell_ms), kept.map(Some), "{dwell_ms}");
        }
        let several = json!({"list_id": "feed", "decision_id": "d", "products": [
            {"product_id": "1", "dwell_ms": 2500, "position": 4}, {"product_id": "2", "dwell_ms": 300}, {"product_id": "3"}]});
        let (event, _) = read("Product Dwelled", several);
        let lines: Vec<_> = event.lines.iter().map(|l| (l.product.as_str(), l.dwell_ms, l.position)).collect();
        assert_eq!(lines, [("1", Some(2_500), Some(4))]);
        assert_eq!((event.list.as_deref(), event.decision_id.as_deref()), (Some("feed"), Some("d")));
    }

    #[test]
    fn totals_by_their_names() {
        for (properties, total, revenue) in [
            (json!({"total": 30, "revenue": "25.00", "subtotal": 22.5}), Some(30.0), Some(25.0)),
            (json!({"value": 30, "subtotal": 22.5}), Some(30.0), Some(22.5)),
            (json!({"total": "x", "value": 3}), Some(3.0), None),
        ] {
            let (event, _) = read("Completed Order", properties.clone());
            let order = event.order.unwrap();
            assert_eq!((order.total, order.revenue), (total, revenue), "{properties}");
        }
    }
}
