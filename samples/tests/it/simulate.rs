//! The history keeps every order, is repeatable, ends when it should, and follows the truths it declares.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use vitrine_domain::{Action, Channel, Event, Visitor};
use vitrine_samples::simulate::truth;
use vitrine_samples::{Options, history};

use crate::{END, events, shop};

fn browsing(event: &&Event) -> bool {
    let id = event.id.as_str();
    !["order-", "customer-", "login-"].iter().any(|own| id.starts_with(own))
}

/// Visits, told apart by the key in the identifiers of their events.
fn visits() -> BTreeMap<&'static str, Vec<&'static Event>> {
    let mut visits: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in events().iter().filter(browsing) {
        visits.entry(&event.id.as_str()[..16]).or_default().push(event);
    }
    for visit in visits.values_mut() {
        visit.sort_by_key(|event| event.time);
    }
    visits
}

#[test]
fn the_same_seed_gives_the_same_events_and_another_does_not() {
    let small = |seed, end| history(shop(), &Options { seed, end, browsing_events: 2_000 }).unwrap();
    let first = small(7, END);
    assert_eq!(first, small(7, END));
    let other = small(8, END);
    assert_ne!(first, other);
    let orders = |events: &[Event]| {
        let orders = events.iter().filter(|event| event.action == Action::Order);
        orders.map(|event| (event.time, event.lines.len(), event.id.clone())).collect::<Vec<_>>()
    };
    assert_eq!(orders(&first), orders(&other), "the orders are the source's and do not depend on the seed");
    let later = small(7, END.plus(vitrine_domain::time::DAY));
    assert!(first.iter().zip(&later).all(|(a, b)| a.id == b.id && b.time.since(a.time) == vitrine_domain::time::DAY));
}

#[test]
fn the_shipped_history_has_the_size_it_promises() {
    let all = events().len();
    assert!((100_000..=110_000).contains(&all), "{all}");
    let generated = events().iter().filter(browsing).count() as f64;
    assert!((generated / 66_000.0 - 1.0).abs() < 0.01, "{generated}");
    let none = history(shop(), &Options { browsing_events: 0, ..Options::until(END) }).unwrap();
    assert!(none.iter().all(|event| matches!(event.action, Action::Order | Action::Identify)));
}

#[test]
fn every_order_line_is_kept() {
    let by_id: BTreeMap<&str, &Event> = events()
        .iter()
        .filter(|event| event.action == Action::Order)
        .map(|event| (event.order.as_ref().unwrap().id.as_deref().unwrap(), event))
        .collect();
    assert_eq!(by_id.len(), shop().orders.len());
    for order in &shop().orders {
        let event = by_id[order.id.as_str()];
        assert_eq!(event.visitor, Visitor::known(&shop().customers[order.customer].id).unwrap());
        let kept: Vec<(&str, f64)> = event.lines.iter().map(|line| (line.product.as_str(), line.quantity)).collect();
        let bought =
            order.lines.iter().map(|line| (shop().products[line.product].id.as_str(), f64::from(line.quantity)));
        assert_eq!(kept, bought.collect::<Vec<_>>());
        let value = order.lines.iter().map(|line| line.value).sum::<i64>() as f64 / 100.0;
        assert!((event.revenue() - value).abs() < 1e-9);
        let by_lines: f64 = event.lines.iter().map(|l| l.price.unwrap() * l.quantity - l.discount.unwrap_or(0.0)).sum();
        assert!((by_lines - value).abs() < 0.01, "{} lines say {by_lines}, the head {value}", order.id);
    }
}

#[test]
fn visitors_stand_together_and_their_events_in_order() {
    let mut seen = HashSet::new();
    for visitor in events().chunk_by(|a, b| a.visitor == b.visitor) {
        assert!(seen.insert(&visitor[0].visitor), "{} stands in two places", visitor[0].visitor);
        assert!(visitor.is_sorted_by(|a, b| a.order_key() < b.order_key()));
    }
    let ids: HashSet<&str> = events().iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids.len(), events().len(), "an identifier twice would lose an event");
}

#[test]
fn the_history_ends_yesterday_whatever_the_time_of_day() {
    let hour = vitrine_domain::time::HOUR;
    for end in [0, 4, 11, 13, 23].map(|hours| END.plus(hours * hour)) {
        let events = history(shop(), &Options { browsing_events: 300, ..Options::until(end) }).unwrap();
        let newest = events.iter().max_by_key(|event| event.time).unwrap();
        let age = end.since(newest.time);
        assert!((3 * hour..27 * hour).contains(&age), "{} hours", age as f64 / hour as f64);
        assert_eq!(newest.action, Action::Order);
    }
}

#[test]
fn events_name_products_that_exist() {
    let ids: HashSet<&str> = shop().products.iter().map(|product| product.id.as_str()).collect();
    for event in events() {
        assert!(event.lines.iter().all(|line| ids.contains(line.product.as_str())), "{event:?}");
        let products =
            matches!(event.action, Action::View | Action::Add | Action::Click | Action::Order | Action::List);
        assert_eq!(
            event.lines.is_empty(),
            !products && !matches!(event.action, Action::Cart | Action::Remove),
            "{event:?}"
        );
    }
    let kinds: BTreeSet<Action> = events().iter().map(|event| event.action).collect();
    for action in [
        Action::View,
        Action::Click,
        Action::List,
        Action::Search,
        Action::PromotionView,
        Action::PromotionClick,
        Action::Add,
        Action::Remove,
        Action::Cart,
        Action::Checkout,
        Action::Order,
        Action::Page,
        Action::Screen,
        Action::Identify,
    ] {
        assert!(kinds.contains(&action), "{action:?} never happens");
    }
}

#[test]
fn store_customers_stay_in_the_store_and_the_others_order_online_as_often_as_declared() {
    let shoppers = truth::customers(shop(), 1);
    let (mut expected, mut online) = (0.0, 0_usize);
    for (customer, shopper) in shop().customers.iter().zip(&shoppers) {
        let own: Vec<&Event> =
            events().iter().filter(|e| e.visitor.is_known() && e.visitor.id() == customer.id).collect();
        let orders: Vec<_> = own.iter().filter(|event| event.action == Action::Order).collect();
        let web = orders.iter().filter(|event| event.channel != Channel::Store).count();
        if shopper.devices.is_empty() {
            assert_eq!(web, 0);
            assert_eq!(own.len(), orders.len() + 1, "a customer of the store has no browsing");
        }
        expected += shopper.web_share * orders.len() as f64;
        online += web;
    }
    assert!((online as f64 / expected - 1.0).abs() < 0.03, "{online} online, {expected} expected");
    let store_only = shoppers.iter().filter(|shopper| shopper.devices.is_empty()).count() as f64;
    assert!((store_only / shoppers.len() as f64 - truth::STORE_ONLY).abs() < 0.07, "{store_only}");
}

#[test]
fn a_customers_device_is_introduced_before_it_is_used() {
    let mut introduced: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut known = BTreeSet::new();
    for event in events().iter().filter(|event| event.visitor.is_known()) {
        if !event.traits.is_empty() {
            assert_eq!(event.action, Action::Identify);
            assert!(known.insert(event.visitor.id()), "introduced twice");
        }
        assert!(known.contains(event.visitor.id()), "attributes come first");
        let Some(device) = event.device_id.as_deref() else { continue };
        if event.action == Action::Identify {
            introduced.insert((event.visitor.id(), device));
        }
        assert!(introduced.contains(&(event.visitor.id(), device)), "{event:?}");
    }
    let owner: BTreeMap<&str, &str> = introduced.iter().map(|(user, device)| (*device, *user)).collect();
    assert_eq!(owner.len(), introduced.len(), "two customers share a device");
    let joined = events().iter().filter(|e| !e.visitor.is_known() && owner.contains_key(e.visitor.id())).count();
    assert!(joined > 2_000, "only {joined} events wait to be joined with their customer");
}

#[test]
fn visits_end_in_the_order_they_announce() {
    let orders: BTreeMap<&str, &Event> = events()
        .iter()
        .filter(|event| event.action == Action::Order)
        .map(|event| (event.order.as_ref().unwrap().id.as_deref().unwrap(), event))
        .collect();
    let mut announced = 0;
    for visit in visits().values() {
        assert!(matches!(visit[0].action, Action::Page | Action::Screen));
        let Some(checkout) = visit.iter().find(|event| event.action == Action::Checkout) else { continue };
        let order = orders[checkout.order.as_ref().unwrap().id.as_deref().unwrap()];
        announced += 1;
        assert!((30_000..=180_000).contains(&order.time.since(checkout.time)), "{checkout:?}");
        assert_eq!(order.visitor, checkout.visitor);
        assert_eq!(order.device_id, checkout.device_id);
        let bought: HashSet<&str> = order.lines.iter().map(|line| line.product.as_str()).collect();
        let adds: Vec<_> = visit.iter().filter(|event| event.action == Action::Add).collect();
        assert!(!adds.is_empty() && adds.iter().all(|add| bought.contains(add.lines[0].product.as_str())));
    }
    assert!(announced > 2_000, "{announced}");
}

#[test]
fn deal_lovers_click_promotions_as_declared() {
    let shoppers = truth::customers(shop(), 1);
    let lovers: HashSet<&str> = (shop().customers.iter().zip(&shoppers))
        .filter(|(_, shopper)| shopper.manner.deal_lover)
        .map(|(customer, _)| customer.id.as_str())
        .collect();
    assert_eq!(lovers.len(), 125);
    for (lover, expected) in [(true, truth::PROMOTION_CLICK_DEAL_LOVER), (false, truth::PROMOTION_CLICK)] {
        let count = |action| {
            let mine = |event: &&Event| event.visitor.is_known() && lovers.contains(event.visitor.id()) == lover;
            events().iter().filter(mine).filter(|event| event.action == action).count() as f64
        };
        let (shown, clicked) = (count(Action::PromotionView), count(Action::PromotionClick));
        let error = 4.0 * (expected * (1.0 - expected) / shown).sqrt();
        assert!((clicked / shown - expected).abs() < error, "{clicked} of {shown} instead of {expected} ± {error}");
    }
}

#[test]
fn anonymous_interest_follows_what_is_bought_together() {
    let index: BTreeMap<&str, usize> =
        shop().products.iter().enumerate().map(|(index, product)| (product.id.as_str(), index)).collect();
    let together = truth::bought_together(shop());
    let (mut steps, mut close, mut by_chance) = (0.0_f64, 0.0_f64, 0.0_f64);
    for visit in visits().values().filter(|visit| !visit.iter().any(|event| event.visitor.is_known())) {
        let views: Vec<usize> = visit
            .iter()
            .filter(|event| event.action == Action::View)
            .map(|event| index[event.lines[0].product.as_str()])
            .collect();
        for pair in views.windows(2) {
            steps += 1.0;
            close += f64::from(u8::from(together[pair[0]].contains(&pair[1])));
            // The same product, seen from a product far away in the list of products.
            by_chance += f64::from(u8::from(together[(pair[0] + 1_800) % together.len()].contains(&pair[1])));
        }
    }
    assert!(steps > 5_000.0);
    assert!(close / steps > 0.3, "{}", close / steps);
    assert!(close > by_chance * 5.0, "{close} against {by_chance} by chance");
}

#[test]
fn clicks_fall_with_the_position_as_declared() {
    let mut counts = [0.0_f64; truth::LISTED];
    for visit in visits().values() {
        for pair in visit.windows(2).filter(|pair| pair[0].action == Action::List) {
            assert_eq!(pair[1].action, Action::Click);
            let place = pair[1].lines[0].position.unwrap() as usize - 1;
            assert_eq!(pair[0].lines[place].product, pair[1].lines[0].product, "the click is on what stands there");
            // Short categories have short lists.
            if pair[0].lines.len() == truth::LISTED {
                counts[place] += 1.0;
            }
        }
    }
    assert!(counts.iter().sum::<f64>() > 2_000.0, "{counts:?}");
    for (position, expected) in [(2, 2_f64.powf(-0.75)), (6, 6_f64.powf(-0.75))] {
        let ratio = counts[position - 1] / counts[0];
        assert!((ratio / expected - 1.0).abs() < 0.15, "{ratio} at {position} instead of {expected}");
    }
}

#[test]
fn those_who_are_just_browsing_see_many_pages_shortly() {
    let shoppers = truth::customers(shop(), 1);
    let browsers: HashSet<&str> = shoppers
        .iter()
        .filter(|shopper| shopper.manner.just_browsing)
        .flat_map(|shopper| shopper.devices.iter().map(|device| device.id.as_str()))
        .collect();
    let (mut pages, mut seconds) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let without_order = |visit: &&Vec<&Event>| visit.iter().all(|event| event.action != Action::Checkout);
    for visit in visits().values().filter(without_order) {
        let device = visit.iter().find_map(|e| e.device_id.as_deref()).unwrap_or(visit[0].visitor.id());
        let views = visit.iter().filter(|event| event.action == Action::View).count();
        let which = usize::from(browsers.contains(device));
        let owned = which == 1 || visit.iter().any(|event| event.visitor.is_known());
        if owned && views > 1 {
            pages[which].push(views as f64);
            seconds[which].push(visit[visit.len() - 1].time.since(visit[0].time) as f64 / 1_000.0 / visit.len() as f64);
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert!(mean(&pages[1]) > 2.0 * mean(&pages[0]), "{} and {} pages", mean(&pages[1]), mean(&pages[0]));
    assert!(mean(&seconds[1]) < 0.5 * mean(&seconds[0]), "{} and {} s", mean(&seconds[1]), mean(&seconds[0]));
}
