use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::consent::granted;
use crate::statistics::Moments;
use crate::time::{HOUR, MINUTE};
use crate::{Action, Event, Line, MessageId, Millis, Order, ProductId, Visitor};

/// A Monday at midnight.
const MONDAY: Millis = Millis(1_795_996_800_000);

/// The last hour of the people below.
const MADE: Millis = MONDAY.plus(399 * HOUR);

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
    results.take_in(&granted(&events), &["brand-loyal".to_owned()], None, &logged, &Terms::new("EUR"));
    let Day { placements: all, rules, .. } = results.between("0", "9");
    let home = Funnel { shown: 3, seen_ordered: 1, seen_revenue: 5.0, ..Funnel::default() };
    let similar = Funnel { shown: 1, clicked: 1, added: 1, ordered: 2, revenue: 13.0, ..Funnel::default() };
    assert_eq!(all, BTreeMap::from([("home".to_owned(), home), ("similar".to_owned(), similar)]));
    assert_eq!(similar.click_through(), Some(1.0));
    // What came of the list that two rules acted on is both rules'.
    assert_eq!(rules, BTreeMap::from([("spring".to_owned(), similar), ("tea".to_owned(), similar)]));
    let first = &results.days[&MONDAY.day()];
    assert_eq!((first.all.orders, first.all.revenue, first.all.visits), (1, 16.0, 1));
    assert_eq!((first.all.newcomers, first.all.new_customers), (1, 1));
    assert_eq!(first.all.mean_days_to_first_order(), Some(4.0 / (24.0 * 60.0)));
    assert_eq!(first.segments["brand-loyal"], first.all);
}

#[test]
fn orders_after_a_click_on_content_are_those_of_its_rule() {
    let at = |minutes: i64| MONDAY.plus(minutes * MINUTE);
    let promotion = |n: usize, minutes: i64, action: Action, decision: &str, place: &str| {
        let mut event = event(n, at(minutes), action, &[]);
        (event.decision_id, event.list) = (Some(decision.to_owned()), Some(place.to_owned()));
        event
    };
    let mut listed = event(3, at(3), Action::List, &[("tea", None)]);
    (listed.decision_id, listed.list) = (Some("d".to_owned()), Some("home".to_owned()));
    // Says of which decision, not where: that is known of the list that was seen, and not of the content.
    let mut clicked = event(14, at(12 + 7 * 24 * 60), Action::Click, &[("tea", None)]);
    clicked.decision_id = Some("d".to_owned());
    let day = 24 * 60;
    let events = [
        event(0, at(0), Action::Order, &[("tea", Some(1.0))]),
        promotion(1, 1, Action::PromotionView, "d", "hero"),
        promotion(2, 2, Action::PromotionView, "d", "footer"),
        listed,
        promotion(4, 4, Action::PromotionView, "unknown", "hero"),
        promotion(5, 5, Action::PromotionClick, "d", "nowhere"),
        event(6, at(6), Action::Order, &[("tea", Some(2.0))]),
        promotion(7, 7, Action::PromotionClick, "d", "hero"),
        event(8, at(8), Action::Add, &[("cup", None)]),
        event(9, at(9), Action::Order, &[("tea", Some(3.0)), ("cup", Some(4.0))]),
        promotion(10, 10, Action::PromotionClick, "d", "footer"),
        event(11, at(11), Action::Order, &[("jar", Some(5.0))]),
        event(12, at(10 + 7 * day), Action::Order, &[("jar", Some(6.0))]),
        event(13, at(11 + 7 * day), Action::Order, &[("jar", Some(7.0))]),
        clicked,
    ];
    let content = [("spring", Some("hero")), ("moving", Some("footer")), ("tried", None)];
    let made = Made {
        rules: ["boost", "moving", "spring", "tried"].map(str::to_owned).to_vec(),
        content: content.map(|(rule, place)| (rule.to_owned(), place.map(str::to_owned))).into(),
        ..Made::default()
    };
    let mut results = Results::default();
    let logged = |decision: &str| (decision == "d").then_some(&made);
    results.decided(at(0), Some("home"), &made);
    results.take_in(&granted(&events), &[], None, &logged, &Terms::new("EUR"));
    let sum = results.between("0", "9");
    let spring = Funnel { decisions: 1, shown: 1, clicked: 1, added: 1, ordered: 2, revenue: 7.0, ..Funnel::default() };
    let moving = Funnel { decisions: 1, shown: 1, clicked: 1, ordered: 2, revenue: 11.0, ..Funnel::default() };
    assert_eq!(sum.content, BTreeMap::from([("spring".to_owned(), spring), ("moving".to_owned(), moving)]));
    // Places of content are no placements, and what is seen in the list is still the list's.
    let home = Funnel { decisions: 1, shown: 1, clicked: 1, seen_ordered: 2, seen_revenue: 5.0, ..Funnel::default() };
    assert_eq!(sum.placements, BTreeMap::from([("home".to_owned(), home)]));
    assert_eq!(sum.rules, BTreeMap::from([("boost".to_owned(), home)]));
}

#[test]
fn what_is_added_straight_from_a_list_is_its_placement_s() {
    let at = |minutes: i64| MONDAY.plus(minutes * MINUTE);
    let from = |n: usize, action: Action, decision: &str, list: &str| {
        let mut event = event(n, at(n as i64), action, &[("tea", None)]);
        (event.decision_id, event.list) = (Some(decision.to_owned()), Some(list.to_owned()));
        event
    };
    let funnels = |events: &[Event]| {
        let mut results = Results::default();
        results.take_in(&granted(events), &[], None, &|_| None, &Terms::new("EUR"));
        results.between("0", "9").placements
    };
    let order = event(9, at(9), Action::Order, &[("tea", Some(10.0))]);
    let bought = Funnel { clicked: 1, added: 1, ordered: 1, revenue: 10.0, ..Funnel::default() };
    let added = [from(1, Action::List, "d1", "home"), from(2, Action::Add, "d1", "home"), order.clone()];
    assert_eq!(funnels(&added)["home"], Funnel { shown: 1, ..bought });
    // Of what was clicked before it is no click more, and the last list is the one where it was chosen last.
    let clicked = [from(1, Action::Click, "d1", "home"), from(2, Action::Add, "d1", "home"), order.clone()];
    assert_eq!(funnels(&clicked)["home"], bought);
    let twice = [from(1, Action::Click, "d1", "home"), from(2, Action::Add, "d2", "similar"), order];
    let both = funnels(&twice);
    assert_eq!((both["home"], both["similar"]), (Funnel { clicked: 1, ..Funnel::default() }, bought));
}

#[test]
fn lines_of_an_order_have_no_more_than_its_revenue() {
    let mut order = event(2, MONDAY.plus(MINUTE), Action::Order, &[("tea", Some(30.0)), ("cup", Some(10.0))]);
    order.order = Some(Order { revenue: Some(20.0), discount: Some(20.0), ..Order::default() });
    let mut click = event(1, MONDAY, Action::Click, &[("tea", None)]);
    (click.decision_id, click.list) = (Some("d1".to_owned()), Some("home".to_owned()));
    let mut results = Results::default();
    results.take_in(&granted(&[click, order]), &[], None, &|_| None, &Terms::new("EUR"));
    let day = results.between("0", "9");
    assert_eq!((day.placements["home"].revenue, day.all.revenue), (15.0, 20.0));
}

#[test]
fn an_order_that_is_only_named_comes_back_whole() {
    let of = |n: usize, action: Action, number: &str, total: Option<f64>| {
        let mut event = event(n, MONDAY.plus(n as i64 * HOUR), action, &[]);
        event.order = Some(Order { id: Some(number.to_owned()), total, ..Order::default() });
        event
    };
    let events = [
        of(0, Action::Order, "a", Some(60.0)),
        of(1, Action::Order, "b", Some(20.0)),
        of(2, Action::Refund, "a", Some(15.0)),
        of(3, Action::Refund, "a", None),
        of(4, Action::OrderCancel, "b", None),
    ];
    let mut results = Results::default();
    let held = Some(Held { out: true, since: Millis(0) });
    results.take_in(&granted(&events), &[], held, &|_| None, &Terms::new("EUR"));
    let all = results.between("0", "9").all;
    assert_eq!((all.orders, all.cancelled, all.returns, all.refunded, all.net()), (2, 1, 1, 80.0, 0.0));
    assert_eq!(results.held_out.revenue, Moments::of(0.0, 0.0));
}

/// Somebody who saw what a removed experiment of the same id showed, and later what the new one shows.
#[test]
fn what_was_seen_before_an_experiment_began_is_not_of_it() {
    let seen = |n: usize, hour: i64, decision: &str| {
        let mut event = event(n, MONDAY.plus(hour * HOUR), Action::List, &[("tea", None)]);
        event.decision_id = Some(decision.to_owned());
        event
    };
    let made = |cell: usize| -> Made { serde_json::from_value(serde_json::json!({"ex": [["bolder", cell]]})).unwrap() };
    let (old, new) = (made(0), made(1));
    let logged = |decision: &str| Some(if decision == "old" { &old } else { &new });
    let exposed = |started: Option<i64>| {
        let mut experiment: crate::Experiment = serde_json::from_value(serde_json::json!({
            "id": "bolder", "status": "running", "metrics": {"primary": "conversion"},
            "design": {"kind": "variants", "variants": [{"id": "control"}, {"id": "bold"}]},
        }))
        .unwrap();
        experiment.started = started.map(|hour| MONDAY.plus(hour * HOUR));
        let events = [seen(1, 1, "old"), seen(2, 5, "new")];
        let pricing = crate::experiment::Pricing { currency: "EUR", cost: &|_: &str| None };
        let mut results = Results::default();
        results.take_in_trials(&granted(&events), &[experiment], &logged, pricing);
        results.trials.get("bolder").map(|trial| trial.exposed.clone()).unwrap_or_default()
    };
    assert_eq!(exposed(None), [1]);
    assert_eq!(exposed(Some(1)), [1]);
    assert_eq!(exposed(Some(3)), [0, 1]);
    assert_eq!(exposed(Some(6)), [0_u64; 0]);
}

#[test]
fn who_saw_content_took_part_in_a_test_of_content_and_in_no_test_of_the_list() {
    let made: Made = serde_json::from_value(serde_json::json!({"ex": [["bolder", 1]]})).unwrap();
    let exposed = |change: serde_json::Value, action: Action| {
        let experiment: crate::Experiment = serde_json::from_value(serde_json::json!({
            "id": "bolder", "status": "running", "metrics": {"primary": "conversion"},
            "design": {"kind": "variants", "variants": [{"id": "control"}, {"id": "bold", "changes": [change]}]},
        }))
        .unwrap();
        let mut seen = event(0, MONDAY, action, &[]);
        (seen.decision_id, seen.list) = (Some("d".to_owned()), Some("hero".to_owned()));
        let pricing = crate::experiment::Pricing { currency: "EUR", cost: &|_: &str| None };
        let mut results = Results::default();
        results.take_in_trials(&granted(&[seen]), &[experiment], &|_| Some(&made), pricing);
        results.trials.get("bolder").is_some_and(|trial| trial.exposed == [0, 1])
    };
    let effect = serde_json::json!({"kind": "content", "slot": "hero", "payload": "Tea"});
    let content = [effect.clone(), serde_json::json!({"kind": "rule", "rule": {"id": "tea", "effect": effect}})];
    let of_lists = [
        serde_json::json!({"kind": "strategy", "placement": "home", "strategy": "trending"}),
        serde_json::json!({"kind": "rule", "rule": {"id": "dear", "effect": {"kind": "hide", "filter": "price > 9"}}}),
    ];
    for action in [Action::PromotionView, Action::PromotionClick, Action::List] {
        assert!(content.iter().all(|change| exposed(change.clone(), action)), "{action:?}");
        let of_list = action == Action::List;
        assert!(of_lists.iter().all(|change| exposed(change.clone(), action) == of_list), "{action:?}");
    }
}

#[test]
fn a_hold_out_says_nothing_of_few_people_or_orders() {
    let ripe = |people: u64, did: u64| Side { ordered: Moments::of_counts(people, did), ..Side::default() }.is_ripe();
    assert!(!ripe(100, 0) && !ripe(100, 9) && !ripe(100, 91) && !ripe(99, 20));
    assert!(ripe(100, 10) && ripe(100, 90) && ripe(1_900, 19));
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
    results.take_in(&granted(&events), &[], out(true), &|_| None, &Terms::new("EUR"));
    results.take_in(
        &granted(&[event(4, MONDAY, Action::View, &[("tea", None)])]),
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
        results.take_in(&granted(events), &[], Some(Held { out: true, since }), &|_| None, &Terms::new("EUR"));
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

/// Three parts of one order come back on different days, one of another, and two of one that nobody knows.
#[test]
fn an_order_that_comes_back_in_parts_is_one_return() {
    let of = |n: usize, action: Action, number: &str, amount: f64| {
        let mut event = event(n, MONDAY.plus(n as i64 * DAY), action, &[]);
        event.order = Some(Order { id: Some(number.to_owned()), total: Some(amount), ..Order::default() });
        event
    };
    let mut events = vec![of(0, Action::Order, "a", 60.0), of(1, Action::Order, "b", 20.0)];
    let parts = ["a", "a", "b", "old", "a", "old"];
    events.extend(parts.iter().zip(2..).map(|(number, n)| of(n, Action::Refund, number, 5.0)));
    let mut results = Results::default();
    results.take_in(&granted(&events), &[], None, &|_| None, &Terms::new("EUR"));
    let by_day: Vec<u64> = results.days.values().map(|day| day.all.returns).collect();
    assert_eq!(by_day, [0, 0, 1, 0, 1, 1, 0, 0]);
    let all = results.between("0", "9").all;
    assert_eq!((all.orders, all.returns, all.refunded, all.net()), (2, 3, 30.0, 50.0));
}

fn order(n: usize, hours: i64, number: &str, price: f64) -> Event {
    let mut event = event(n, MONDAY.plus(hours * HOUR), Action::Order, &[("tea", Some(price))]);
    event.order = Some(Order { id: Some(number.to_owned()), ..Order::default() });
    event
}

/// A confirmation page is opened again on the next day, and the order book comes after that.
#[test]
fn an_order_that_is_told_of_again_counts_once() {
    let mut click = event(0, MONDAY, Action::Click, &[("tea", None)]);
    (click.decision_id, click.list) = (Some("d1".to_owned()), Some("home".to_owned()));
    let made = |events: &[Event]| {
        let mut results = Results::default();
        let (held, terms) = (Held { out: true, since: Millis(0) }, Terms { made: Some(MADE), ..Terms::new("EUR") });
        results.take_in(&granted(events), &[], Some(held), &|_| None, &terms);
        results
    };
    let first = [click, order(1, 1, "a", 20.0)];
    let mut book = order(3, 40, "a", 21.0);
    book.channel = Channel::Server;
    let refund = Event { action: Action::Refund, lines: Vec::new(), ..order(4, 50, "a", 0.0) };
    let told = [&first[..], &[order(2, 25, "a", 20.0), book, refund.clone()]].concat();
    let results = made(&told);
    let day = results.between("0", "9");
    assert_eq!((day.all.orders, day.all.revenue, day.all.units, day.all.new_customers), (1, 20.0, 1.0, 1));
    assert_eq!((day.all.customers, day.all.returning), (1, 0), "on the days after they ordered nothing");
    assert_eq!((day.all.returns, day.all.refunded, day.all.net()), (1, 20.0, 0.0));
    assert_eq!(day.all.visits, 4, "they came all the same, but not to be paid back");
    let home = Funnel { clicked: 1, ordered: 1, revenue: 20.0, ..Funnel::default() };
    assert_eq!(day.placements["home"], home);
    let once = made(&[&first[..], &[refund]].concat());
    assert_eq!((results.loyalty, results.held_out), (once.loyalty, once.held_out));
    assert_eq!((results.loyalty.customers, results.loyalty.one_time), (1, 1));
    // Another number is another order, and so is each one without.
    let mut nameless = order(6, 80, "a", 5.0);
    nameless.order = None;
    let more = [order(5, 70, "b", 5.0), nameless.clone(), Event { id: MessageId::new("m7").unwrap(), ..nameless }];
    let more = made(&[&told[..], &more].concat());
    assert_eq!((more.between("0", "9").all.orders, more.loyalty.later_orders), (4, 3));
}

/// A shop imports its customers: nobody was there for that, and it dilutes neither conversion nor a hold-out.
#[test]
fn who_is_only_told_of_did_not_come() {
    let mut told = event(0, MONDAY, Action::Identify, &[]);
    told.channel = Channel::Server;
    let made = |events: &[Event]| {
        let mut results = Results::default();
        let held = Some(Held { out: true, since: Millis(0) });
        results.take_in(&granted(events), &["vip".to_owned()], held, &|_| None, &Terms::new("EUR"));
        results
    };
    let nobody = made(&[told.clone()]);
    assert_eq!(nobody.between("0", "9").all, Sums::default());
    assert_eq!(nobody.held_out, Side::default());
    let came =
        made(&[told.clone(), event(1, MONDAY.plus(HOUR), Action::View, &[("tea", None)]), order(2, 2, "a", 5.0)]);
    let all = came.between("0", "9").all;
    assert_eq!((all.visitors, all.visits, all.newcomers), (1, 2, 1));
    assert_eq!((all.new_customers, all.waited), (1, HOUR), "from when they first came");
    // Money that goes back counts on its day, whether or not they came in the time that is kept.
    let refund = made(&[Event { action: Action::Refund, ..order(3, 50, "b", 7.0) }]).between("0", "9").all;
    assert_eq!((refund.visitors, refund.returns, refund.refunded), (0, 1, 7.0));
}

/// Somebody orders, sees a variant on the page that confirms it, and opens that page again.
#[test]
fn an_order_from_before_a_variant_was_seen_is_none_after_it() {
    let experiment: crate::Experiment = serde_json::from_value(serde_json::json!({
        "id": "bolder", "status": "running", "metrics": {"primary": "conversion"},
        "design": {"kind": "variants", "variants": [{"id": "control"}, {"id": "bold"}]},
    }))
    .unwrap();
    let made: Made = serde_json::from_value(serde_json::json!({"ex": [["bolder", 1]]})).unwrap();
    let mut seen = event(2, MONDAY.plus(2 * HOUR), Action::List, &[("tea", None)]);
    seen.decision_id = Some("d1".to_owned());
    let conversion = |events: &[Event]| {
        let pricing = crate::experiment::Pricing { currency: "EUR", cost: &|_: &str| None };
        let mut results = Results::default();
        results.take_in_trials(&granted(events), std::slice::from_ref(&experiment), &|_| Some(&made), pricing);
        let moments = results.trials["bolder"].metrics[&crate::experiment::Metric::Conversion][1];
        (moments.y, moments.x)
    };
    let before = order(1, 1, "a", 20.0);
    assert_eq!(conversion(&[before.clone(), seen.clone(), order(3, 3, "a", 20.0)]), (0.0, 1.0));
    assert_eq!(conversion(&[before.clone(), seen.clone(), order(3, 3, "b", 20.0)]), (1.0, 1.0));
    // What a robot tells under the person's name says nothing of their orders.
    assert_eq!(conversion(&[Event { robot: true, ..before }, seen, order(3, 3, "a", 20.0)]), (1.0, 0.0));
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
        results.take_in(&granted(&events), &[], None, &|_| None, &Terms::new("EUR"));
    }
    let loyalty = results.loyalty;
    assert_eq!((loyalty.customers, loyalty.one_time, loyalty.later_orders), (100, 84, 32));
    assert_eq!((loyalty.repeat_rate(), loyalty.worth_of_return()), (Some(0.16), Some(40.0)));
    assert!((loyalty.opportunity(0.01).unwrap() - 0.84 * 40.0).abs() < 1e-9);
    assert_eq!(Loyalty::default().opportunity(0.01), None);
}

#[test]
fn in_a_window_everybody_counts_once_and_repeats_are_of_those_who_had_ordered_before() {
    let day = |days: i64| MONDAY.plus(days * DAY);
    let terms = Terms { made: Some(day(30).plus(HOUR)), ..Terms::new("EUR") };
    let mut results = Results::default();
    let mut later = event(3, day(24).plus(1), Action::Order, &[("tea", Some(5.0))]);
    later.channel = Channel::Store;
    let events = [
        event(0, day(0), Action::View, &[("tea", None)]),
        event(1, day(2), Action::Order, &[("tea", Some(10.0))]),
        // The day before the last seven, and the first of them.
        event(2, day(23), Action::View, &[("tea", None)]),
        later,
        event(4, day(30), Action::Order, &[("tea", Some(7.0))]),
        // After the day on which the results are made.
        event(5, day(31), Action::Order, &[("tea", Some(99.0))]),
    ];
    results.take_in(&granted(&events), &["loyal".to_owned()], None, &|_| None, &terms);
    let sums = |days: u16| results.windows[&days].all;
    let week = sums(7);
    assert_eq!((week.visitors, week.visits, week.customers, week.orders, week.revenue), (1, 2, 1, 2, 12.0));
    assert_eq!((week.newcomers, week.new_customers, week.returning, week.repeat_rate()), (0, 0, 1, Some(1.0)));
    assert_eq!((week.visit_frequency(), week.purchase_frequency()), (Some(2.0), Some(2.0)));
    // The first order lies before the 28 days; the 90 days hold all of it, and somebody who had not ordered before.
    assert_eq!((sums(28).orders, sums(28).new_customers, sums(90).orders, sums(90).new_customers), (2, 0, 3, 1));
    assert_eq!((sums(90).visitors, sums(90).mean_days_to_first_order()), (1, Some(2.0)));
    let week = &results.windows[&7];
    assert_eq!((week.segments["loyal"], week.placements.len()), (week.all, 0));
    let store = week.channels[&Channel::Store];
    assert_eq!((store.visitors, store.orders, store.returning), (1, 1, 1));
    // Day by day the same person counts on each.
    let days = results.between(&day(24).day(), &day(30).day());
    assert_eq!((days.all.visitors, days.all.returning, days.all.orders), (2, 2, 2));
    assert_eq!(results.days[&day(2).day()].all.repeat_rate(), Some(0.0));
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
        let terms = Terms { made: Some(MADE), ..Terms::new("EUR") };
        people.iter().for_each(|steps| whole.take_in(&granted(&events_of(steps)), &[], None, &|_| None, &terms));
        for steps in people.iter().rev() {
            let mut one = Results::default();
            one.take_in(&granted(&events_of(steps)), &[], None, &|_| None, &terms);
            backwards.add(&one);
        }
        prop_assert_eq!((&backwards.days, &backwards.windows), (&whole.days, &whole.windows));
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
        prop_assert_eq!((all.all.new_customers as usize, whole.loyalty.customers as usize), (buyers, buyers));
        prop_assert_eq!(all.all.newcomers as usize, people.iter().filter(|steps| !steps.is_empty()).count());
        for days in WINDOWS {
            let first = (MADE.0 - MONDAY.0) / DAY - i64::from(days) + 1;
            let within = |rows: &mut dyn Iterator<Item = (usize, (i64, u8, u8))>| -> usize {
                rows.filter(|(_, (hour, ..))| hour / 24 >= first).map(|(who, _)| who).collect::<BTreeSet<_>>().len()
            };
            let sums = whole.windows.get(&days).map(|day| day.all).unwrap_or_default();
            prop_assert_eq!(sums.visitors as usize, within(&mut rows()));
            prop_assert_eq!(sums.customers as usize, within(&mut orders()));
        }
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
