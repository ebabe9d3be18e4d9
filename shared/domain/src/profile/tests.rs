//! Properties of the fold.

mod arrivals;

use proptest::prelude::*;

use super::*;
use crate::time::DAY;
use crate::{Line, MessageId, Order, Purpose, Purposes};

fn event(n: u32, time: i64, action: Action, product: u8) -> Event {
    let visitor = Visitor::anonymous("device").unwrap();
    let mut event = Event::new(MessageId::new(format!("m{n}")).unwrap(), visitor, Millis(time), action);
    event.lines = vec![Line {
        price: Some(f64::from(product) + 0.5),
        category: Some(format!("c{}", product % 7)),
        ..Line::of(ProductId::new(format!("p{product}")).unwrap())
    }];
    event
}

fn any_event() -> impl Strategy<Value = Event> {
    // Orders often enough that some are told of again, and more numbers than a profile keeps.
    let action = prop_oneof![3 => prop::sample::select(Action::ALL.to_vec()), 1 => Just(Action::Order)];
    let number = prop::option::of(0..3 * TRADES);
    (0..60u32, 0..(40 * DAY), action, 0..80u8, -DAY..DAY, number).prop_map(
        |(n, time, action, product, skew, number)| Event {
            skew,
            order: number.map(|number| Order { id: Some(number.to_string()), ..Order::default() }),
            ..event(n, 1_700_000_000_000 + time, action, product)
        },
    )
}

fn folded(mut events: Vec<Event>) -> State {
    in_fold_order(&mut events);
    State::default().fold(&events, &())
}

proptest! {
    #[test]
    fn bounds_hold(events in prop::collection::vec(any_event(), 0..300)) {
        let state = folded(events);
        prop_assert!(state.actions.len() <= ACTIONS && state.latest.len() <= LATEST);
        prop_assert!(state.actions.iter().filter(|past| past.action == Action::Dwell).count() <= DWELLS);
        prop_assert!(state.affinities.price_band.len() <= AFFINITIES);
        prop_assert!(serde_json::to_string(&state).unwrap().len() < 24_000);
    }
}

proptest! {
    #[test]
    fn what_is_kept_after_every_few_actions_is_what_is_kept_at_the_end(
        actions in prop::collection::vec(prop_oneof![Just(Action::Dwell), Just(Action::View), Just(Action::Order)], 0..200),
        every in 1..60_usize,
    ) {
        let past = |(n, action): (usize, Action)| PastAction {
            product: ProductId::new(format!("p{n}")).unwrap(),
            action,
            at: Millis(n as i64),
            key: n as u64,
        };
        let mut whole: Vec<PastAction> = actions.into_iter().enumerate().map(past).collect();
        let mut parted = Vec::new();
        for few in whole.chunks(every) {
            parted.extend_from_slice(few);
            keep_newest(&mut parted);
        }
        keep_newest(&mut whole);
        prop_assert_eq!(parted, whole);
    }
}

#[test]
fn dwells_push_no_order_out() {
    let start = 1_700_000_000_000;
    let dwells = (2..200).map(|n| event(n, start + i64::from(n) * 3_000, Action::Dwell, 7));
    let state = folded([event(1, start, Action::Order, 4)].into_iter().chain(dwells).collect());
    assert_eq!((state.actions.len(), state.actions[0].action), (1 + DWELLS, Action::Order));
    // As weak as it is, it counts: a quarter of a view each.
    let now = Millis(start + 200 * 3_000);
    assert!((state.affinities.category["c0"].value(now) - 198.0 / 4.0).abs() < 0.1);
    assert!(!state.robot, "the page's timer is no robot");
}

#[test]
fn what_a_training_tells_changes_one_trait_and_nobody_else_changes_it() {
    let start = 1_700_000_000_000;
    let mut said = event(1, start, Action::Identify, 4);
    // As many traits as there is room for, and one that only a training sets.
    said.traits = (0..TRAITS).map(|n| (format!("t{n}"), n.into())).collect();
    said.traits.insert(ALIKE.to_owned(), serde_json::json!(["forged-1"]));
    let before = folded(vec![said.clone()]);
    assert_eq!((before.traits.len(), before.traits.get(ALIKE)), (TRAITS, None));

    let mut told = Event { lines: Vec::new(), ..event(2, start + DAY, Action::Audience, 4) };
    told.traits.insert(ALIKE.to_owned(), serde_json::json!(["gold-5"]));
    let mut after = folded(vec![said.clone(), told.clone()]);
    assert_eq!(after.traits.remove(ALIKE), Some(serde_json::json!(["gold-5"])));
    after.latest = before.latest.clone();
    assert_eq!(after, before, "no visit, no time, no count");

    let mut gone = event(3, start + 2 * DAY, Action::Audience, 4);
    gone.traits.insert(ALIKE.to_owned(), serde_json::Value::Null);
    let refused = Event { purposes: Purposes::NONE, ..Event { id: gone.id.clone(), ..told.clone() } };
    for last in [gone, Event { time: Millis(start + 2 * DAY), ..refused }] {
        assert_eq!(folded(vec![said.clone(), told.clone(), last]).traits.get(ALIKE), None);
    }
}

#[test]
fn counts_value_visits_and_affinities() {
    let start = 1_700_000_000_000;
    let mut order = event(3, start + 2 * MINUTE, Action::Order, 4);
    order.currency = Some("EUR".into());
    let mut refund = event(4, start + 3 * DAY, Action::Refund, 4);
    refund.currency = Some("EUR".into());
    let state =
        folded(vec![event(1, start, Action::View, 4), event(2, start + MINUTE, Action::View, 8), order, refund]);
    assert_eq!(state.visits, 1, "nobody has to come to get their money back");
    assert_eq!(state.orders(), 1);
    assert_eq!(state.counts[&Action::View], 2);
    assert!(state.value["EUR"].abs() < 1e-9);
    // 1 for the view and 5 for the order, two minutes apart, less 3 for the refund three days later.
    let expected = 6.0 * (-3.0_f64 / 30.0).exp2() - 3.0;
    let now = Millis(start + 3 * DAY);
    assert!((state.affinities.category["c4"].value(now) - expected).abs() < 1e-3);
    let later = now.plus(AFFINITY_HALF_LIFE);
    assert!((state.affinities.category["c4"].value(later) - expected / 2.0).abs() < 1e-3);
    assert_eq!(
        state.actions.iter().map(|a| a.action).collect::<Vec<_>>(),
        [Action::View, Action::View, Action::Order, Action::Refund]
    );
}

/// A shop imports its customers: they are known then, and have not been there.
#[test]
fn a_customer_who_is_imported_comes_when_they_come() {
    let start = 1_700_000_000_000;
    let mut imported = event(1, start, Action::Identify, 0);
    imported.channel = Channel::Server;
    let known = folded(vec![imported.clone()]);
    assert_eq!((known.visits, &known.first, known.last), (0, &None, Millis(start)));
    let came = folded(vec![imported.clone(), event(2, start + MINUTE, Action::View, 4)]);
    let first = came.first.unwrap();
    assert_eq!((came.visits, first.at, first.channel), (1, Millis(start + MINUTE), Channel::Web));
    // Who says who they are in a browser is there.
    imported.channel = Channel::Web;
    assert_eq!(folded(vec![imported]).visits, 1);
}

fn order(n: u32, hours: u32, number: &str) -> Event {
    let mut order = event(n, 1_700_000_000_000 + i64::from(hours) * 60 * MINUTE, Action::Order, 4);
    order.order = Some(Order { id: Some(number.to_owned()), ..Order::default() });
    order
}

/// A confirmation page that is opened again, and the order book, tell of an order under other message ids.
#[test]
fn an_order_that_is_told_of_again_counts_once() {
    let once = folded(vec![order(1, 0, "a")]);
    let told = vec![order(1, 0, "a"), order(2, 24, "a"), order(3, 48, "a")];
    let state = folded(told.clone());
    assert_eq!((state.orders(), &state.value, state.units), (1, &once.value, 1.0));
    assert_eq!((state.first_order, state.last_order), (once.first_order, once.last_order));
    assert_eq!((&state.behaviour.trades, &state.behaviour.numbers), (&once.behaviour.trades, &once.behaviour.numbers));
    assert_eq!((state.visits, state.channels[&Channel::Web]), (3, 3), "they came all the same");
    // What was called off is not ordered by being told of once more; a refund of the number takes nothing away but money.
    let cancel = Event { action: Action::OrderCancel, ..order(4, 30, "a") };
    let state = folded([&told[..], &[cancel]].concat());
    assert_eq!((state.orders(), state.value[""], state.behaviour.trades.len()), (1, 0.0, 2));
    // Another number is another order, and so is each one without.
    let nameless = |n: u32| Event { order: None, ..order(n, n, "a") };
    assert_eq!(folded([&told[..], &[order(4, 60, "b"), nameless(70), nameless(71)]].concat()).orders(), 4);
}

/// Of as many orders as a profile keeps one by one all are known again, of more the last ones.
#[test]
fn the_numbers_of_the_last_orders_are_known() {
    let most = u32::try_from(TRADES).unwrap();
    let orders: Vec<Event> = (0..most).map(|n| order(n, n, &format!("2026-{n}"))).collect();
    let again: Vec<Event> = (0..most).map(|n| order(100 + n, 100 + n, &format!("2026-{n}"))).collect();
    let state = folded([&orders[..], &again].concat());
    assert_eq!((state.orders(), state.behaviour.numbers.len()), (most, TRADES));
    let one_more = [&orders[..], &[order(50, 50, "2026-50")], &again[1..]].concat();
    assert_eq!(folded(one_more).orders(), most + 1);
}

#[test]
fn what_is_kept_of_visits_and_orders_is_small() {
    let mut state = State::default();
    for n in 0..600_u32 {
        let action = [Action::View, Action::Order, Action::Search][n as usize % 3];
        let time = 1_700_000_000_000 + i64::from(n / 30) * DAY + i64::from(n % 30) * MINUTE;
        let mut event = event(n, time, action, u8::try_from(n % 80).unwrap());
        event.currency = Some("EUR".into());
        event.order = Some(Order { id: Some(format!("2026-{n}")), ..Order::default() });
        event.context.locale = Some("fr-FR".into());
        state.take(&event, &());
    }
    let Behaviour { visits, trail, trades, .. } = &state.behaviour;
    assert_eq!((visits.len(), trades.len()), (VISITS, TRADES));
    assert!(trail.len() <= TRAIL && visits.windows(2).all(|pair| pair[0].to < pair[1].from));
    assert!(visits.iter().all(|visit| (visit.views, visit.pages) == (10, 10)));
    let stored = serde_json::to_string(&state.behaviour).unwrap();
    assert!(stored.len() < 2_500, "{}", stored.len());
}

#[test]
fn the_catalogue_speaks_where_the_event_is_silent() {
    let mut view = event(1, 1_700_000_000_000, Action::View, 1);
    view.lines[0].category = None;
    view.lines[0].price = None;
    let facts = Facts { category: Some("Pasta".into()), brand: Some("Barilla".into()), price: Some(3.0) };
    let catalogue = BTreeMap::from([("p1".to_owned(), facts)]);
    let state = State::default().fold([&view], &catalogue);
    assert!(state.affinities.category.contains_key("Pasta"));
    assert!(state.affinities.brand.contains_key("Barilla"));
    assert!(state.affinities.price_band.contains_key("2-5"));
}

#[test]
fn without_consent_to_personalise_nothing_is_learned() {
    let mut view = event(1, 1_700_000_000_000, Action::View, 1);
    view.purposes = Purposes::ALL.without(Purpose::Personalise);
    view.traits.insert("age".into(), 40.into());
    let state = State::default().fold([&view], &());
    let key = event_key(view.time, view.id.as_str());
    assert_eq!(state, State { latest: vec![key], ..State::default() }, "nothing but that it was met");
}

#[test]
fn two_people_on_one_browser_keep_apart() {
    let link = |user: &str, since| Link { other: Visitor::known(user).unwrap(), since: Millis(since) };
    let links = [link("anna", 100), link("bert", 200)];
    let owner_at = |time| owner(&links, Millis(time)).map(Visitor::id);
    assert_eq!(owner_at(50), Some("anna"));
    assert_eq!(owner_at(100), Some("anna"));
    assert_eq!(owner_at(150), Some("bert"));
    assert_eq!(owner_at(999), Some("bert"));
    assert_eq!(owner(&[], Millis(1)), None);
}

#[test]
fn a_user_takes_in_the_devices_linked_last() {
    let device = |n: usize| Visitor::anonymous(format!("d{n:03}")).unwrap();
    let link = |other: Visitor, since: usize| Link { other, since: Millis(since as i64) };
    let mut links: Vec<Link> = (0..DEVICES + 3).map(|n| link(device(n), n)).collect();
    links.push(link(Visitor::known("another").unwrap(), 9_999));
    links.reverse();
    assert_eq!(devices(&links), (3..DEVICES + 3).map(device).collect::<Vec<_>>());
}

#[test]
fn what_a_hostile_client_sends_stays_small_and_can_be_stored() {
    let long = "x".repeat(30_000);
    let mut state = State::default();
    for n in 0..200 {
        let action = if n % 3 == 0 { Action::Refund } else { Action::Order };
        let mut event = event(n, i64::from(n), action, 1);
        event.lines[0].price = Some(1.7e308);
        event.lines[0].quantity = 1.7e308;
        event.lines[0].discount = Some(1.7e308);
        event.lines[0].category = Some(format!("{long}{n}"));
        event.currency = Some(format!("{long}{n}"));
        event.context.device = Some(format!("{long}{n}"));
        event.traits.insert(format!("t{n}"), long.clone().into());
        event.traits.insert(format!("{long}{n}"), 1.into());
        state.take(&event, &());
    }
    let stored = serde_json::to_string(&state).unwrap();
    assert!(stored.len() < 24_000, "{}", stored.len());
    assert_eq!(serde_json::from_str::<State>(&stored).unwrap(), state);
}

#[test]
fn an_event_sent_again_after_a_log_in_counts_once() {
    let first = event(1, 1_700_000_000_000, Action::Order, 1);
    let again = Event { visitor: Visitor::known("anna").unwrap(), ..first.clone() };
    let state = folded(vec![again, first.clone()]);
    assert_eq!((state.orders(), &state), (1, &folded(vec![first])));
}
