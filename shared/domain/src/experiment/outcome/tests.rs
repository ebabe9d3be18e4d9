use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::Millis;
use crate::statistics::Moments;

fn event(action: Action, change: Value) -> Event {
    let visitor = crate::Visitor::anonymous("device").unwrap();
    let event = Event::new(crate::MessageId::new("m").unwrap(), visitor, Millis(0), action);
    let mut stored = serde_json::to_value(event).unwrap();
    stored.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(stored).unwrap()
}

#[test]
fn what_a_visitor_did_becomes_numbers() {
    let cost = |product: &str| (product == "shoe").then_some(30.0);
    let pricing = Pricing { currency: "EUR", cost: &cost };
    let lines = json!([{"p": "shoe", "q": 2.0, "pr": 50.0, "di": 5.0}, {"p": "gift", "pr": 5.0}]);
    let order = json!({"l": lines, "cu": "EUR", "o": {"r": 80.0, "d": 20.0}});
    let mut events = Vec::new();
    let did = |events: &[Event]| Outcome::of(events, pricing);
    let numbers = |outcome: &Outcome| Metric::ALL.map(|metric| outcome.numbers(metric));
    for (action, change) in [
        (Action::List, json!({"l": [{"p": "shoe"}, {"p": "hat"}, {"p": "gift"}]})),
        (Action::Click, json!({"l": [{"p": "shoe"}]})),
        (Action::Add, json!({"l": [{"p": "shoe"}]})),
        (Action::View, json!({"l": [{"p": "shoe"}]})),
        (Action::Order, order.clone()),
    ] {
        events.push(event(action, change));
    }
    // The margin: four fifths of the 2 · 50 - 5 for the shoes less 2 · 30, nothing known of the gift.
    let expected = [(1.0, 0.0), (80.0, 0.0), (16.0, 0.0), (80.0, 1.0), (1.0, 3.0), (0.0, 0.0), (0.0, 1.0), (1.0, 0.0)];
    assert_eq!(numbers(&did(&events)), expected);
    // An order in another currency counts as an order, without its amount.
    let mut foreign = order.clone();
    foreign["cu"] = json!("USD");
    events.push(event(Action::Order, foreign));
    let outcome = did(&events);
    assert_eq!((outcome.numbers(Metric::RepeatRate), outcome.revenue), ((1.0, 0.0), 80.0));
    events.push(event(Action::Refund, json!({"l": [{"p": "shoe", "pr": 50.0}], "cu": "EUR"})));
    let outcome = did(&events);
    assert_eq!((outcome.revenue, outcome.margin, outcome.numbers(Metric::ReturnRate)), (30.0, -4.0, (1.0, 2.0)));
    events.push(event(Action::OrderCancel, order));
    let outcome = did(&events);
    assert_eq!((outcome.orders, outcome.revenue, outcome.margin), (1.0, -50.0, -20.0));
    assert_eq!(outcome.returns, 0.0, "the order that came back was called off");
    for metric in Metric::ALL {
        assert_eq!(serde_json::to_value(metric).unwrap(), metric.as_str());
    }
}

/// A shop tells the prices that its lines are sold at, and what was let off beside them: that is let off once.
#[test]
fn a_discount_is_taken_off_once_wherever_it_is_told() {
    let cost = |product: &str| (product == "shoe").then_some(30.0);
    let margin = |price: f64, off: f64, head: Value| {
        let lines = json!([{"p": "shoe", "pr": price, "di": off}]);
        let order = event(Action::Order, json!({"l": lines, "o": head}));
        Outcome::of(&[order], Pricing { currency: "EUR", cost: &cost }).margin
    };
    assert_eq!(margin(40.0, 0.0, json!({"r": 40.0, "t": 46.0, "d": 10.0})), 10.0, "the line says what is paid");
    assert_eq!(margin(50.0, 10.0, json!({"r": 40.0, "d": 10.0})), 10.0, "the line says both");
    assert_eq!(margin(50.0, 0.0, json!({"r": 40.0, "d": 10.0})), 10.0, "the order says it");
    assert_eq!(margin(40.0, 0.0, json!({"t": 46.0})), 10.0, "shipping is no margin");
}

#[test]
fn an_order_that_is_only_named_comes_back_with_what_is_known_of_it() {
    let pricing = Pricing { currency: "EUR", cost: &|_: &str| Some(30.0) };
    let of = |action: Action, change: Value| event(action, change);
    let order = |number: &str| of(Action::Order, json!({"l": [{"p": "shoe", "pr": 40.0}], "o": {"i": number}}));
    let named = |action: Action, number: &str| of(action, json!({"o": {"i": number}}));
    let sums = |events: &[&Event]| {
        let outcome = Outcome::of(events.iter().copied(), pricing);
        (outcome.orders, outcome.revenue, outcome.margin)
    };
    let (a, b) = (order("a"), order("b"));
    assert_eq!(sums(&[&a, &b]), (2.0, 80.0, 20.0));
    assert_eq!(sums(&[&a, &b, &named(Action::OrderCancel, "a")]), (1.0, 40.0, 10.0));
    assert_eq!(sums(&[&a, &b, &named(Action::Refund, "a")]), (2.0, 40.0, 10.0));
    assert_eq!(sums(&[&a, &b, &named(Action::OrderCancel, "before")]), (2.0, 80.0, 20.0));
    // Lines without prices are no amount of an order that is called off as a whole; of a refund they are a part nobody knows.
    let lines = |action: Action| of(action, json!({"l": [{"p": "shoe"}], "o": {"i": "a"}}));
    assert_eq!(sums(&[&a, &b, &lines(Action::OrderCancel)]), (1.0, 40.0, 10.0));
    assert_eq!(sums(&[&a, &b, &lines(Action::Refund)]), (2.0, 80.0, 20.0));
    // In parts: half of it, and then the rest.
    let half = of(Action::Refund, json!({"o": {"i": "a", "t": 20.0}}));
    assert_eq!(sums(&[&a, &b, &half]), (2.0, 60.0, 15.0));
    assert_eq!(sums(&[&a, &b, &half, &named(Action::Refund, "a")]), (2.0, 40.0, 10.0));
    assert_eq!(sums(&[&a, &b, &half, &named(Action::OrderCancel, "a")]), (1.0, 40.0, 10.0));
}

/// A confirmation page that is opened again sends its order once more, and the order book tells of it too.
#[test]
fn an_order_that_is_told_of_again_counts_once() {
    let pricing = Pricing { currency: "EUR", cost: &|_: &str| Some(30.0) };
    let order =
        |number: &str, price: f64| event(Action::Order, json!({"l": [{"p": "shoe", "pr": price}], "o": {"i": number}}));
    let named = |action: Action| event(action, json!({"o": {"i": "a"}}));
    let sums = |events: &[Event]| {
        let outcome = Outcome::of(events, pricing);
        (outcome.orders, outcome.revenue, outcome.margin, outcome.numbers(Metric::RepeatRate).0)
    };
    let twice = [order("a", 40.0), order("a", 41.0)];
    assert_eq!(sums(&twice), (1.0, 40.0, 10.0, 0.0), "the first word counts");
    assert_eq!(sums(&[&twice[..], &[order("b", 40.0)]].concat()), (2.0, 80.0, 20.0, 1.0));
    // All of it comes back at once, and it is not placed by being told of once more.
    assert_eq!(sums(&[&twice[..], &[named(Action::Refund)]].concat()), (1.0, 0.0, 0.0, 0.0));
    let called_off = [&twice[..], &[named(Action::OrderCancel), order("a", 40.0)]].concat();
    assert_eq!(sums(&called_off), (0.0, 0.0, 0.0, 0.0));
    let nameless = || event(Action::Order, json!({"l": [{"p": "shoe", "pr": 40.0}], "o": {"r": 40.0}}));
    assert_eq!(sums(&[nameless(), nameless()]), (2.0, 80.0, 20.0, 1.0), "without a number each is its own");
}

#[test]
fn what_is_added_straight_from_a_list_was_chosen_there() {
    let pricing = Pricing { currency: "EUR", cost: &|_: &str| None };
    let of = |action: Action, decision: &str| event(action, json!({"l": [{"p": "shoe"}], "d": decision}));
    let without = event(Action::Add, json!({"l": [{"p": "shoe"}]}));
    let counts = |events: &[Event]| {
        let outcome = Outcome::of(events, pricing);
        (outcome.clicked, outcome.added)
    };
    assert_eq!(of(Action::Add, "d1").decision_id.as_deref(), Some("d1"));
    assert_eq!(counts(&[of(Action::Add, "d1")]), (1.0, 1.0));
    assert_eq!(counts(&[of(Action::Click, "d1"), of(Action::Add, "d1")]), (1.0, 1.0), "it was clicked before");
    assert_eq!(counts(&[of(Action::Add, "d1"), of(Action::Add, "d1"), of(Action::Add, "d2")]), (2.0, 3.0));
    assert_eq!(counts(&[without]), (0.0, 1.0), "of no list");
}

/// Against what is drawn: a third of customers order 40, a third 100 and a third 220, about .6 of their mean apart.
#[test]
fn numbers_of_visitors_scatter_as_they_are_planned_to() {
    let mut sums: BTreeMap<Metric, Moments> = Metric::ALL.map(|metric| (metric, Moments::default())).into();
    for n in 0..30_000_u32 {
        let orders = n % 30 == 0;
        let revenue = if orders { [40.0, 100.0, 220.0][n as usize / 30 % 3] } else { 0.0 };
        let returns = f64::from(u8::from(orders && n % 300 == 0));
        let outcome = Outcome { orders: f64::from(u8::from(orders)), revenue, returns, ..Outcome::default() };
        for (metric, moments) in &mut sums {
            let (y, x) = outcome.numbers(*metric);
            moments.add(y, x);
        }
    }
    for metric in [Metric::Conversion, Metric::RevenuePerVisitor, Metric::OrderValue, Metric::ReturnRate] {
        let found = crate::statistics::Estimate::of(metric.kind(), &sums[&metric]).unwrap();
        let told = metric.deviation(found.value, 1.0 / 30.0);
        let ratio = told / found.deviation();
        assert!((0.97..1.3).contains(&ratio), "{}: {told} is {ratio} of what it is", metric.as_str());
    }
    assert!((Metric::RevenuePerVisitor.deviation(2.0, 0.03) / 2.0 - 7.3).abs() < 0.1, "and not three times the mean");
}

/// An order that comes back in three parts is one return, and one from before is none of these.
#[test]
fn an_order_is_returned_or_it_is_not() {
    let pricing = Pricing { currency: "EUR", cost: &|_: &str| None };
    let of = |action: Action, number: &str, amount: f64| event(action, json!({"o": {"i": number, "r": amount}}));
    let mut events: Vec<Event> = ["a", "b", "c", "d"].map(|number| of(Action::Order, number, 30.0)).to_vec();
    events.extend(["a", "b", "a", "before", "a"].map(|number| of(Action::Refund, number, 10.0)));
    let outcome = Outcome::of(&events, pricing);
    assert_eq!((outcome.numbers(Metric::ReturnRate), outcome.revenue), ((2.0, 4.0), 70.0));
    events.push(of(Action::OrderCancel, "b", 20.0));
    let outcome = Outcome::of(&events, pricing);
    assert_eq!((outcome.numbers(Metric::ReturnRate), outcome.revenue), ((1.0, 3.0), 50.0));
}
