//! The log against the plain way of doing it: all events in memory, sorted out by the rules of the profiles.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use vitrine_domain::profile::{Link, in_fold_order, owner};
use vitrine_domain::{ProductId, Purpose, Purposes};

use super::*;

const NOW: Millis = Millis(1_000 * DAY);
const WINDOW: Window = Window::ending(NOW, 100 * DAY);

fn products() -> Arc<[Product]> {
    ["p0", "p1", "p2"].map(|id| Product::new(ProductId::new(id).unwrap(), id)).into()
}

fn event(id: &str, visitor: Visitor, time: Millis, action: Action, products: &[&str]) -> Event {
    let mut event = Event::new(MessageId::new(id).unwrap(), visitor, time, action);
    event.lines = products.iter().map(|id| Line::of(ProductId::new(*id).unwrap())).collect();
    event
}

fn histories(events: &[Event]) -> (BTreeMap<Visitor, Vec<Event>>, Read) {
    let mut log = Log::new(products(), WINDOW);
    events.iter().for_each(|event| log.push(event));
    let (histories, read) = log.finish();
    let people: Vec<(Visitor, Vec<Event>)> = histories.iter().collect();
    let count = people.len();
    let people: BTreeMap<_, _> = people.into_iter().collect();
    assert_eq!(people.len(), count, "a person stands in two places");
    (people, read)
}

fn known(id: &str) -> Visitor {
    Visitor::known(id).unwrap()
}

fn device(id: &str) -> Visitor {
    Visitor::anonymous(id).unwrap()
}

/// Everything that can be told apart in a small shop: who, on what, when, what.
fn any_event() -> impl Strategy<Value = Event> {
    let who = (0..3_u8, 0..3_u8, 0..3_u8);
    (who, 0..12_i64, 0..3_i64, "[a-c]", 0..3_usize).prop_map(|((kind, user, on), hour, skew, id, product)| {
        let visitor = if kind == 0 { device(&format!("d{on}")) } else { known(&format!("u{user}")) };
        let action = [Action::View, Action::Order, Action::Identify][product];
        let names = [format!("p{product}"), "gone".to_owned()];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut event = event(&id, visitor, NOW.plus(-hour * 3_600_000), action, &names);
        event.device_id = (kind == 2).then(|| format!("d{on}"));
        event.skew = skew;
        event
    })
}

/// The same by the letter of the rules, without any bound on memory.
fn plainly(events: &[Event]) -> BTreeMap<Visitor, Vec<Event>> {
    let mut since: BTreeMap<(Visitor, Visitor), Millis> = BTreeMap::new();
    for event in events {
        if let Some(on) = &event.device_id {
            let first = since.entry((device(on), event.visitor.clone())).or_insert(event.time);
            *first = event.time.min(*first);
        }
    }
    let mut people: BTreeMap<Visitor, Vec<Event>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.action.is_interest()) {
        let links: Vec<Link> = since
            .iter()
            .filter(|((device, _), _)| *device == event.visitor)
            .map(|((_, user), since)| Link { other: user.clone(), since: *since })
            .collect();
        let person = owner(&links, event.time).unwrap_or(&event.visitor).clone();
        people.entry(person).or_default().push(event.clone());
    }
    people.values_mut().for_each(in_fold_order);
    people
}

/// What learning reads of a history.
fn told(history: &[Event]) -> Vec<Event> {
    let mut told = Vec::new();
    for event in history {
        let mut plain = Event::new(event.id.clone(), event.visitor.clone(), event.time, event.action);
        plain.skew = event.skew;
        plain.lines = event.lines.iter().filter(|line| line.product.as_str() != "gone").cloned().collect();
        if !plain.lines.is_empty() {
            told.push(plain);
        }
    }
    told
}

/// Events as the lake hands them over, in two orders: each partition has one of an identity, several may have the same.
fn any_events() -> impl Strategy<Value = (Vec<Event>, Vec<Event>)> {
    prop::collection::vec(any_event(), 0..40).prop_flat_map(|mut events| {
        let mut seen = BTreeSet::new();
        events.retain(|event| seen.insert((event.visitor.clone(), event.time, event.id.clone())));
        (Just(events.clone()).prop_shuffle(), Just(events).prop_shuffle())
    })
}

proptest! {
    #[test]
    fn people_are_who_the_profiles_say_in_whatever_order_events_come((events, again) in any_events()) {
        let (people, read) = histories(&events);
        prop_assert_eq!(&people, &histories(&again).0);
        prop_assert_eq!(read.events, events.len());
        let mut expected: BTreeMap<Visitor, Vec<Event>> = plainly(&events);
        expected.values_mut().for_each(|history| *history = told(history));
        expected.retain(|_, history| !history.is_empty());
        prop_assert_eq!(people, expected);
    }
}

#[test]
fn a_visit_before_the_log_in_joins_the_person() {
    let mut login = event("login", known("anna"), NOW, Action::Identify, &[]);
    login.device_id = Some("d".to_owned());
    let events = [
        event("1", device("d"), NOW.plus(-5_000), Action::View, &["p0"]),
        event("2", known("anna"), NOW.plus(5_000), Action::Order, &["p1"]),
        event("3", device("other"), NOW, Action::View, &["p2"]),
        login,
    ];
    let (people, read) = histories(&events);
    let visitors: Vec<&Visitor> = people.keys().collect();
    assert_eq!(visitors, [&device("other"), &known("anna")]);
    let annas: Vec<&str> = people[&known("anna")].iter().map(|event| event.id.as_str()).collect();
    assert_eq!(annas, ["1", "2"]);
    assert_eq!(read.joined_devices, 1);
}

/// The device's event is sent again after the log-in, and names the user then. Another one of the same moment is another.
#[test]
fn an_event_sent_again_after_a_log_in_teaches_once() {
    let mut login = event("login", known("anna"), NOW, Action::Identify, &[]);
    login.device_id = Some("d".to_owned());
    let at = NOW.plus(-5_000);
    let events = [
        event("1", device("d"), at, Action::Order, &["p0", "p1"]),
        event("1", known("anna"), at, Action::Order, &["p0", "p1"]),
        event("2", known("anna"), at, Action::View, &["p2"]),
        event("1", known("anna"), at.plus(1), Action::View, &["p2"]),
        event("1", device("other"), at, Action::View, &["p2"]),
        login,
    ];
    let (people, _) = histories(&events);
    let told = |person: &Visitor| -> Vec<(&str, i64, usize)> {
        people[person].iter().map(|event| (event.id.as_str(), event.time.since(at), event.lines.len())).collect()
    };
    assert_eq!(told(&known("anna")), [("1", 0, 2), ("2", 0, 1), ("1", 1, 1)]);
    assert_eq!(told(&device("other")), [("1", 0, 1)], "somebody else's");
}

#[test]
fn a_link_outlives_the_events_it_came_from_and_needs_no_consent() {
    let mut old = event("old", known("anna"), NOW.plus(-101 * DAY), Action::Order, &["p0"]);
    old.device_id = Some("d".to_owned());
    let mut silent = event("silent", known("bert"), NOW, Action::View, &["p0"]);
    silent.device_id = Some("e".to_owned());
    silent.purposes = Purposes::ALL.without(Purpose::Personalise);
    let events = [
        old,
        silent,
        event("1", device("d"), NOW, Action::View, &["p1"]),
        event("2", device("e"), NOW, Action::View, &["p1"]),
    ];
    let (people, read) = histories(&events);
    assert_eq!(people.keys().collect::<Vec<_>>(), [&known("anna"), &known("bert")]);
    assert!(people.values().all(|history| history.len() == 1), "only the views count");
    assert_eq!((read.events, read.out_of_time, read.without_consent), (4, 1, 1));
}

#[test]
fn what_cannot_be_used_is_counted() {
    let day = |n: i64| NOW.plus(n * DAY);
    let mut ahead = event("ahead", device("d"), NOW, Action::View, &["p0"]);
    ahead.skew = 2 * DAY;
    let events = [
        event("1", device("d"), day(-100), Action::View, &["p0", "gone", "p1"]),
        event("2", device("d"), day(-100).plus(-1), Action::View, &["p0"]),
        event("3", device("d"), day(1), Action::View, &["p0"]),
        event("4", device("d"), day(1).plus(1), Action::View, &["p0"]),
        event("5", device("d"), NOW, Action::List, &["p0", "gone"]),
        ahead,
    ];
    let (people, read) = histories(&events);
    let times: Vec<i64> = people[&device("d")].iter().map(|event| event.time.since(NOW) / DAY).collect();
    assert_eq!(times, [-100, 1]);
    let expected = Read { events: 6, out_of_time: 3, unknown_products: 1, ..Read::default() };
    assert_eq!(read, expected);
}

#[test]
fn an_old_order_book_is_as_young_as_its_import() {
    let mut order = event("order", known("anna"), NOW.plus(-4_000 * DAY), Action::Order, &["p0"]);
    assert_eq!(histories(std::slice::from_ref(&order)).1.out_of_time, 1);
    order.received = NOW.plus(-100 * DAY);
    assert_eq!(histories(std::slice::from_ref(&order)).0[&known("anna")].len(), 1);
    order.received = NOW.plus(-100 * DAY - 1);
    assert_eq!(histories(&[order]).1.out_of_time, 1);
}

#[test]
fn the_newest_event_counts_even_if_it_names_no_product() {
    let day = |n: i64| NOW.plus(-n * DAY);
    let mut log = Log::new(products(), WINDOW);
    for n in [5, 60, 1, 30] {
        log.push(&event("page", device("d"), day(n), Action::Page, &[]));
    }
    log.push(&event("view", device("d"), day(7), Action::View, &["p0"]));
    let (histories, _) = log.finish();
    assert_eq!(histories.iter().count(), 1);
    let catalogue = products();
    let people: Vec<_> = histories.iter().chain(histories.quiet()).collect();
    let data = crate::Dataset::new(&catalogue, &people, &crate::settings::Limits::default()).unwrap();
    assert_eq!((data.oldest(), data.now(), data.people()), (day(60), day(1), 1));
}

#[test]
fn an_entry_is_as_small_as_is_said() {
    assert_eq!(size_of::<Entry>(), 48);
}
