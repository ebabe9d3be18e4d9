//! Small shops for tests, and what a data set keeps and drops.

use proptest::prelude::*;
use vitrine_domain::{Line, MessageId, ProductId, Purpose, Purposes};

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
    let error = Dataset::new(&products, &people, &Limits { products: 3, actions: 2, ..Limits::default() }).unwrap_err();
    assert!(error.to_string().contains("limits.actions"), "{error}");
    let error = Dataset::new(&products, &people, &Limits { products: 2, actions: 9, ..Limits::default() }).unwrap_err();
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

#[test]
fn a_step_is_as_small_as_is_said() {
    assert_eq!(size_of::<Step>(), 24);
}

#[test]
fn the_fingerprint_tells_shops_apart_by_everything_that_is_learned_from() {
    let products = letters(3);
    let shop = |events: &[(i64, Action, &[&str])]| {
        let people = [person("x", events), person("y", &[(1, Action::View, &["b"])])];
        dataset(&products, &people).fingerprint()
    };
    let plain = shop(&[(0, Action::View, &["a"]), (2, Action::View, &["c"])]);
    assert_eq!(plain, shop(&[(0, Action::View, &["a", "unknown"]), (2, Action::View, &["c"])]));
    for other in [
        shop(&[(0, Action::View, &["b"]), (2, Action::View, &["c"])]),
        shop(&[(0, Action::Click, &["a"]), (2, Action::View, &["c"])]),
        shop(&[(1, Action::View, &["a"]), (2, Action::View, &["c"])]),
        shop(&[(0, Action::View, &["a"]), (2, Action::View, &["c"]), (3, Action::List, &["c"])]),
        shop(&[(0, Action::View, &["a", "c"])]),
    ] {
        assert_ne!(plain, other);
    }
    let data = dataset(&products, &[person("x", &[(0, Action::View, &["a"]), (2, Action::View, &["c"])])]);
    assert_ne!(data.fingerprint(), data.cut(&[(0, 1)]).fingerprint());
    let mut renamed = letters(3);
    renamed[1].title = "other".to_owned();
    assert_ne!(dataset(&renamed, &[]).fingerprint(), dataset(&products, &[]).fingerprint());
}

/// People of different names with events in fold order, in two orders.
fn any_people() -> impl Strategy<Value = (Vec<(Visitor, Vec<Event>)>, Vec<(Visitor, Vec<Event>)>)> {
    let one = prop::collection::vec((0..9_i64, 0..4_usize, 0..5_u8), 0..6);
    prop::collection::btree_map("[a-z]{1,3}", one, 0..8).prop_flat_map(|people| {
        let history = |(name, events): (&String, &Vec<(i64, usize, u8)>)| {
            let mut events: Vec<Event> = events
                .iter()
                .map(|(hour, action, product)| {
                    let action = [Action::View, Action::Order, Action::List, Action::Remove][*action];
                    event(name, *hour, action, &[&char::from(b'a' + product).to_string(), "a"])
                })
                .collect();
            vitrine_domain::profile::in_fold_order(&mut events);
            (Visitor::anonymous(name).unwrap(), events)
        };
        let people: Vec<_> = people.iter().map(history).collect();
        (Just(people.clone()), Just(people).prop_shuffle())
    })
}

proptest! {
    #[test]
    fn people_that_come_one_by_one_in_any_order_make_the_same_shop((sorted, shuffled) in any_people()) {
        let products = letters(4);
        let mut builder = Builder::new(&products, &Limits::default()).unwrap();
        for (visitor, events) in &shuffled {
            builder.push(visitor, events.iter().cloned()).unwrap();
        }
        let (streamed, plain) = (builder.finish(), dataset(&products, &sorted));
        prop_assert_eq!(streamed.fingerprint(), plain.fingerprint());
        prop_assert_eq!((streamed.oldest(), streamed.now(), *streamed.counts()),
            (plain.oldest(), plain.now(), *plain.counts()));
        // By the letter: who has a step of interest in a known product, in the order of their names.
        let expected: Vec<(u64, usize)> = sorted
            .iter()
            .map(|(visitor, events)| {
                let known = |e: &Event| e.lines.iter().map(|l| l.product.as_str()).filter(|id| *id < "e")
                    .collect::<std::collections::BTreeSet<_>>().len();
                let steps = events.iter().filter(|e| e.action.is_interest()).map(known).sum();
                (stable_hash(visitor.to_string().bytes()), steps)
            })
            .filter(|(_, steps)| *steps > 0)
            .collect();
        let found: Vec<(u64, usize)> =
            (0..streamed.people()).map(|n| (streamed.key(n), streamed.history(n).len())).collect();
        prop_assert_eq!(found, expected);
        prop_assert!(streamed.histories().zip(plain.histories()).all(|(a, b)| a == b));
    }
}
