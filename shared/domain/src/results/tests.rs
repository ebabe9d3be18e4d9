use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::time::{HOUR, MINUTE};
use crate::{Action, Event, Line, MessageId, Millis, Order, ProductId, Visitor};

/// A Monday at midnight.
const MONDAY: Millis = Millis(1_795_996_800_000);

fn event(n: usize, at: Millis, action: Action, products: &[(&str, Option<f64>)]) -> Event {
    let id = MessageId::new(format!("m{n}")).unwrap();
    let mut event = Event::new(id, Visitor::known("anna").unwrap(), at, action);
    let line =
        |(product, price): &(&str, Option<f64>)| Line { price: *price, ..Line::of(ProductId::new(*product).unwrap()) };
    event.lines = products.iter().map(line).collect();
    event
}

#[test]
fn an_order_belongs_to_the_placement_of_the_last_click_and_is_noted_where_it_was_seen() {
    let at = |minutes: i64| MONDAY.plus(minutes * MINUTE);
    let mut events = vec![
        event(0, at(0), Action::List, &[("tea", None), ("cup", None), ("pot", None)]),
        event(1, at(1), Action::List, &[("tea", None)]),
        event(2, at(2), Action::Click, &[("tea", None)]),
        event(3, at(3), Action::Add, &[("tea", None)]),
        event(4, at(4), Action::Order, &[("tea", Some(10.0)), ("cup", Some(5.0)), ("jar", Some(1.0))]),
        // Six days after the click, and long after the look.
        event(5, at(6 * 24 * 60), Action::Order, &[("tea", Some(3.0)), ("pot", Some(7.0))]),
        event(6, at(8 * 24 * 60), Action::Order, &[("tea", Some(2.0))]),
    ];
    for (n, decision, list) in [(0, "d1", "home"), (1, "d2", "similar"), (2, "d2", "similar")] {
        events[n].decision_id = Some(decision.to_owned());
        events[n].list = Some(list.to_owned());
    }
    // Lists that no decision made are no placement's.
    events.insert(0, event(7, MONDAY, Action::List, &[("jar", None)]));
    let made = Made { rules: vec!["spring".to_owned(), "tea".to_owned()], ..Made::default() };
    let mut results = Results::default();
    let logged = |decision: &str| (decision == "d2").then_some(&made);
    results.take_in(&events, &["brand-loyal".to_owned()], None, &logged, &Terms::new("EUR"));
    let Day { placements: all, rules, .. } = results.between("0", "9");
    let home = Funnel { shown: 3, seen_ordered: 1, seen_revenue: 5.0, ..Funnel::default() };
    let similar = Funnel { shown: 1, clicked: 1, added: 1, ordered: 2, revenue: 13.0, ..Funnel::default() };
    assert_eq!(all, BTreeMap::from([("home".to_owned(), home), ("similar".to_owned(), similar)]));
    assert_eq!(similar.click_through(), Some(1.0));
    // What came of the list that two rules acted on is both rules'.
    assert_eq!(rules, BTreeMap::from([("spring".to_owned(), similar), ("tea".to_owned(), similar)]));
    let first = &results.days[&MONDAY.day()];
    assert_eq!((first.all.orders, first.all.revenue, first.all.visits), (1, 16.0, 1));
    assert_eq!((first.newcomers, first.new_customers), (1, 1));
    assert_eq!(first.mean_days_to_first_order(), Some(4.0 / (24.0 * 60.0)));
    assert_eq!(first.segments["brand-loyal"], first.all);
}

#[test]
fn what_comes_back_is_subtracted_and_other_currencies_have_no_amount() {
    let mut foreign = event(1, MONDAY.plus(HOUR), Action::Order, &[("tea", Some(99.0))]);
    foreign.currency = Some("USD".to_owned());
    let mut refund = event(2, MONDAY.plus(DAY), Action::Refund, &[]);
    refund.order = Some(Order { total: Some(4.0), ..Order::default() });
    let mut robot = event(3, MONDAY.plus(DAY), Action::Order, &[("tea", Some(50.0))]);
    robot.robot = true;
    let events = [event(0, MONDAY, Action::Order, &[("tea", Some(10.0))]), foreign, refund, robot];
    let mut results = Results::default();
    let out = |out: bool| Some(Held { out, since: Millis(0) });
    results.take_in(&events, &[], out(true), &|_| None, &Terms::new("EUR"));
    results.take_in(
        &[event(4, MONDAY, Action::View, &[("tea", None)])],
        &[],
        out(false),
        &|_| None,
        &Terms::new("EUR"),
    );
    let all = results.between("0", "9").all;
    assert_eq!((all.orders, all.revenue, all.returns, all.refunded, all.net()), (2, 10.0, 1, 4.0, 6.0));
    assert_eq!((all.order_value(), all.return_rate()), (Some(5.0), Some(0.5)));
    assert_eq!(results.held_out.revenue, Moments::of(6.0, 0.0));
    assert_eq!(results.served.ordered, Moments::of(0.0, 0.0));
}

#[test]
fn a_hold_out_counts_what_was_ordered_since_it_began_and_not_called_off() {
    let order = |n: usize, day: i64, action: Action, number: &str, amount: f64| {
        let mut event = event(n, MONDAY.plus(day * DAY), action, &[("tea", None)]);
        event.order = Some(Order { id: Some(number.to_owned()), total: Some(amount), ..Order::default() });
        event
    };
    let before = [order(0, 0, Action::Order, "a", 100.0), order(1, 1, Action::Order, "b", 10.0)];
    let after = [
        // Of an order from before, and of one since.
        order(2, 10, Action::Refund, "a", 30.0),
        order(3, 11, Action::Order, "c", 50.0),
        order(4, 12, Action::Order, "d", 7.0),
        order(5, 13, Action::Refund, "c", 5.0),
        order(6, 14, Action::OrderCancel, "c", 45.0),
    ];
    let side = |events: &[Event], since: Millis| {
        let mut results = Results::default();
        results.take_in(events, &[], Some(Held { out: true, since }), &|_| None, &Terms::new("EUR"));
        (results.held_out, results.loyalty)
    };
    let of =
        |ordered: f64, revenue: f64| Side { ordered: Moments::of(ordered, 0.0), revenue: Moments::of(revenue, 0.0) };
    let all = [&before[..], &after].concat();
    let began = MONDAY.plus(9 * DAY);
    assert_eq!(side(&all, began).0, of(1.0, 7.0));
    assert_eq!(side(&all, Millis(0)).0, of(1.0, 70.0 + 10.0 + 7.0));
    // The order that was called off is the one of its number.
    assert_eq!((side(&all, began).1.later_orders, side(&all, began).1.later_revenue), (2, 17.0));
    // Whoever ordered before and only looks since has ordered nothing; who did not come since is on no side.
    let looks = event(9, MONDAY.plus(10 * DAY), Action::View, &[("tea", None)]);
    assert_eq!(side(&[&before[..], &[looks]].concat(), began).0, of(0.0, 0.0));
    assert_eq!(side(&before, began).0, Side::default());
    assert_eq!(side(&[all[3].clone(), all[6].clone()], began).0, of(0.0, 0.0));
    // An order whose number was not told is paid back all the same.
    let nameless = event(10, MONDAY.plus(10 * DAY), Action::Order, &[("tea", Some(9.0))]);
    assert_eq!(side(&[nameless, all[5].clone()], began).0, of(1.0, 4.0));
}

#[test]
fn who_buys_once_and_what_a_per_cent_of_them_is_worth() {
    let mut results = Results::default();
    for person in 0..100_i64 {
        // 84 of 100 buy once; the others spend 20 on each of two more orders.
        let orders = if person < 84 { 1 } else { 3 };
        let events: Vec<Event> = (0..orders)
            .map(|n| event(n as usize, MONDAY.plus(n * 30 * DAY + person), Action::Order, &[("tea", Some(20.0))]))
            .collect();
        results.take_in(&events, &[], None, &|_| None, &Terms::new("EUR"));
    }
    let loyalty = results.loyalty;
    assert_eq!((loyalty.customers, loyalty.one_time, loyalty.later_orders), (100, 84, 32));
    assert_eq!((loyalty.repeat_rate(), loyalty.worth_of_return()), (Some(0.16), Some(40.0)));
    assert!((loyalty.opportunity(0.01).unwrap() - 0.84 * 40.0).abs() < 1e-9);
    assert_eq!(Loyalty::default().opportunity(0.01), None);
}

/// What a person does: hours since Monday, what, and a price in whole euros.
fn any_person() -> impl Strategy<Value = Vec<(i64, u8, u8)>> {
    prop::collection::vec((0..400_i64, 0..6_u8, 1..50_u8), 0..30).prop_map(|mut steps| {
        steps.sort_unstable();
        steps
    })
}

fn events_of(steps: &[(i64, u8, u8)]) -> Vec<Event> {
    let event = |(n, (hour, what, price)): (usize, &(i64, u8, u8))| {
        let actions = [Action::View, Action::Order, Action::Add, Action::List, Action::Click, Action::Search];
        let mut event =
            event(n, MONDAY.plus(hour * HOUR), actions[*what as usize], &[("tea", Some(f64::from(*price)))]);
        event.decision_id = Some(format!("d{}", price % 3));
        event.list = (price % 2 == 0).then(|| "home".to_owned());
        event.channel = if price % 5 == 0 { Channel::Mobile } else { Channel::Web };
        event
    };
    steps.iter().enumerate().map(event).collect()
}

proptest! {
    #[test]
    fn sums_are_those_of_a_spreadsheet_and_do_not_depend_on_who_comes_first(
        people in prop::collection::vec(any_person(), 0..8),
    ) {
        let (mut whole, mut backwards) = (Results::default(), Results::default());
        people.iter().for_each(|steps| whole.take_in(&events_of(steps), &[], None, &|_| None, &Terms::new("EUR")));
        for steps in people.iter().rev() {
            let mut one = Results::default();
            one.take_in(&events_of(steps), &[], None, &|_| None, &Terms::new("EUR"));
            backwards.add(&one);
        }
        prop_assert_eq!(&backwards.days, &whole.days);
        prop_assert_eq!(&backwards.loyalty, &whole.loyalty);

        let rows = || people.iter().enumerate().flat_map(|(who, steps)| steps.iter().map(move |step| (who, *step)));
        let orders = || rows().filter(|(_, (_, what, _))| *what == 1);
        let days = |rows: &mut dyn Iterator<Item = (usize, (i64, u8, u8))>| -> usize {
            rows.map(|(who, (hour, ..))| (who, hour / 24)).collect::<BTreeSet<_>>().len()
        };
        let all = whole.between("0", "9");
        prop_assert_eq!(all.all.visitors as usize, days(&mut rows()));
        prop_assert_eq!(all.all.customers as usize, days(&mut orders()));
        prop_assert_eq!(all.all.orders as usize, orders().count());
        prop_assert_eq!(all.all.revenue, orders().map(|(_, (.., price))| f64::from(price)).sum::<f64>());
        let buyers = orders().map(|(who, _)| who).collect::<BTreeSet<_>>().len();
        prop_assert_eq!((all.new_customers as usize, whole.loyalty.customers as usize), (buyers, buyers));
        prop_assert_eq!(all.newcomers as usize, people.iter().filter(|steps| !steps.is_empty()).count());
        let by_channel: f64 = all.channels.values().map(|sums| sums.revenue).sum();
        prop_assert_eq!(by_channel, all.all.revenue);
        for funnel in all.placements.values() {
            prop_assert!(funnel.revenue + funnel.seen_revenue <= all.all.revenue);
            prop_assert!(funnel.ordered + funnel.seen_ordered <= all.all.orders);
        }
        let stored = serde_json::to_string(&whole).unwrap();
        prop_assert_eq!(serde_json::from_str::<Results>(&stored).unwrap(), whole);
    }
}
