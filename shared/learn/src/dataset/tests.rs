//! Small shops for tests, and what a data set keeps and drops.

use vitrine_domain::{Line, MessageId, ProductId, Purposes};

use super::*;

/// A product with a title and a category path.
pub(crate) fn product(id: &str, title: &str, category: &[&str]) -> Product {
    let mut product = Product::new(ProductId::new(id).unwrap(), title);
    product.category = category.iter().map(|name| (*name).to_owned()).collect();
    product
}

/// An event some hours after the epoch of the tests.
pub(crate) fn event(visitor: &str, hour: i64, action: Action, products: &[&str]) -> Event {
    let id = MessageId::new(format!("{visitor}-{hour}-{action:?}")).unwrap();
    let time = Millis(1_700_000_000_000 + hour * 3_600_000);
    let mut event = Event::new(id, Visitor::anonymous(visitor).unwrap(), time, action);
    event.lines = products.iter().map(|id| Line::of(ProductId::new(*id).unwrap())).collect();
    event
}

/// A person's history of `(hour, action, products)`.
pub(crate) fn person(visitor: &str, events: &[(i64, Action, &[&str])]) -> (Visitor, Vec<Event>) {
    let events = events.iter().map(|(hour, action, products)| event(visitor, *hour, *action, products)).collect();
    (Visitor::anonymous(visitor).unwrap(), events)
}

/// Products `a`, `b`, `c`, ... of one category.
pub(crate) fn letters(count: u8) -> Vec<Product> {
    (0..count).map(|i| product(&char::from(b'a' + i).to_string(), "thing", &["Things"])).collect()
}

fn dataset<'a>(products: &'a [Product], histories: &[(Visitor, Vec<Event>)]) -> Dataset<'a> {
    Dataset::new(products, histories, &Limits::default()).unwrap()
}

#[test]
fn only_known_products_and_permitted_events_count() {
    let products = letters(3);
    let mut refused = event("x", 3, Action::Order, &["a"]);
    refused.purposes = Purposes::ALL.without(Purpose::Personalise);
    let (visitor, mut events) = person(
        "x",
        &[
            (0, Action::View, &["b"]),
            (1, Action::View, &["gone"]),
            (2, Action::Order, &["a", "gone", "c", "a"]),
            (4, Action::List, &["a", "b"]),
        ],
    );
    events.insert(3, refused);
    let data = dataset(&products, &[(visitor, events)]);
    let seen: Vec<_> = data.history(0).iter().map(|s| (s.row, s.event, s.action)).collect();
    assert_eq!(seen, [(1, 0, Action::View), (0, 2, Action::Order), (2, 2, Action::Order)]);
    assert_eq!(
        *data.counts(),
        Counts {
            products: 3,
            people: 1,
            events: 2,
            actions: 3,
            orders: 1,
            unknown_products: 2,
            without_consent: 1,
            ..Counts::default()
        }
    );
    // The impressions at hour 4 are no interest, but they are the newest word of the shop; the refused order is not.
    assert_eq!(data.now(), event("x", 4, Action::List, &[]).time);
    assert_eq!(data.oldest(), event("x", 0, Action::List, &[]).time);
}

#[test]
fn the_order_of_the_input_does_not_matter_and_the_later_product_wins() {
    let mut products = letters(3);
    products.reverse();
    products.push(product("b", "newer", &[]));
    let people = [person("y", &[(0, Action::View, &["a"])]), person("x", &[(5, Action::View, &["c"])])];
    let data = dataset(&products, &people);
    assert_eq!(data.products().iter().map(|p| p.title.as_str()).collect::<Vec<_>>(), ["thing", "newer", "thing"]);
    assert_eq!(data.counts().repeated_products, 1);
    assert_eq!(data.histories().map(|h| h[0].row).collect::<Vec<_>>(), [2, 0]);
    assert_eq!((data.row("c"), data.row("d")), (Some(2), None));
}

#[test]
fn limits_are_errors_that_name_themselves() {
    let products = letters(3);
    let people = [person("x", &[(0, Action::Order, &["a", "b", "c"])])];
    let error = Dataset::new(&products, &people, &Limits { products: 3, actions: 2 }).unwrap_err();
    assert!(error.to_string().contains("limits.actions"), "{error}");
    let error = Dataset::new(&products, &people, &Limits { products: 2, actions: 9 }).unwrap_err();
    assert!(error.to_string().contains("3 products"), "{error}");
}

#[test]
fn what_is_cut_off_is_gone() {
    let products = letters(3);
    let people = [
        person("x", &[(0, Action::View, &["a"]), (1, Action::View, &["b"]), (9, Action::View, &["c"])]),
        person("y", &[(2, Action::View, &["c"])]),
    ];
    let data = dataset(&products, &people);
    let cut = data.cut(&[(0, 1)]);
    assert_eq!(cut.history(0), &data.history(0)[..1]);
    assert_eq!(cut.history(1), data.history(1));
    assert_eq!(cut.now(), data.history(1)[0].at);
    assert_eq!((cut.people(), cut.key(1)), (2, data.key(1)));
}
