//! The compacted state: written when it is worth it, used, moved once a day, given up when something older comes. And
//! nothing is written that is there already.

use std::collections::BTreeMap;
use std::time::Duration;

use vitrine_domain::profile::Link;
use vitrine_domain::time::{DAY, HOUR, MINUTE, SECOND};
use vitrine_domain::{Action, Event, Millis, Shop, State, Visitor};
use vitrine_fold::Bounds;

use crate::support::{NOW, Stack, device, event, oracle, ring, user};

const HOURS: Duration = Duration::from_secs(3600);

/// Events of a visitor, one every minute up to an hour before `end`.
fn visits(visitor: &Visitor, count: usize, end: Millis) -> Vec<Event> {
    let one = |n: usize| {
        let time = end.plus(-HOUR - (count - n) as i64 * MINUTE);
        event(visitor, &format!("{}-{n}", end.0), time, Action::View, (n % 40) as u8)
    };
    (0..count).map(one).collect()
}

async fn horizon(stack: &Stack, shop: &Shop, visitor: &Visitor) -> Option<Millis> {
    let base = stack.table().base(shop, visitor).await.unwrap().map(|base| base.horizon);
    let profile = stack.table().profile(shop, visitor).await.unwrap().unwrap();
    assert_eq!(profile.compacted, base, "the profile names the compacted state it was folded from");
    base
}

async fn put(stack: &Stack, shop: &Shop, events: &[Event]) {
    stack.table().import_events(shop, events).await.unwrap();
}

#[tokio::test]
async fn a_compacted_state_is_written_from_two_hundred_old_events_on_and_moves_once_a_day() {
    let stack = Stack::start().await;
    let (fold, shop) = (stack.fold(), stack.open_shop("demo").await);
    let anna = user("anna");
    let two_days_ago = NOW.plus(-48 * HOUR);
    let mut events = visits(&anna, 199, two_days_ago);
    put(&stack, &shop, &events).await;
    stack.deliver(&fold).await;
    assert_eq!(horizon(&stack, &shop, &anna).await, None);

    events.push(event(&anna, "200th", two_days_ago.plus(-SECOND), Action::View, 1));
    put(&stack, &shop, &events[199..]).await;
    stack.deliver(&fold).await;
    assert_eq!(horizon(&stack, &shop, &anna).await, Some(two_days_ago));
    let base = stack.table().base(&shop, &anna).await.unwrap().unwrap();
    assert_eq!(base.state, oracle(&anna, &events, &BTreeMap::new()));

    // Three hundred more within a day are not yet behind the horizon, and then they wait for the day to pass.
    let newer = visits(&anna, 300, NOW.plus(-26 * HOUR));
    put(&stack, &shop, &newer).await;
    events.extend(newer);
    stack.deliver(&fold).await;
    for (wait, expected) in [(0, 0), (23, 0), (2, 25)] {
        stack.context.clock.advance(wait * HOURS);
        let bell = event(&anna, &format!("bell {wait}"), stack.context.clock.now(), Action::Page, 1);
        put(&stack, &shop, std::slice::from_ref(&bell)).await;
        events.push(bell);
        stack.deliver(&fold).await;
        assert_eq!(horizon(&stack, &shop, &anna).await, Some(two_days_ago.plus(expected * HOUR)), "after {wait} hours");
        assert_eq!(stack.state(&shop, &anna).await.unwrap(), oracle(&anna, &events, &BTreeMap::new()));
    }
}

/// A compacted state that no event made: whoever folds from it shows it.
async fn tamper(stack: &Stack, shop: &Shop, visitor: &Visitor) {
    let mut base = stack.table().base(shop, visitor).await.unwrap().unwrap();
    base.state.units = 12_345.0;
    let mut profile = stack.table().profile(shop, visitor).await.unwrap().unwrap();
    profile.version += 1;
    stack.table().save_profile(shop, &profile, Some(&base)).await.unwrap();
}

async fn units(stack: &Stack, shop: &Shop, visitor: &Visitor) -> f64 {
    stack.state(shop, visitor).await.unwrap().units
}

#[tokio::test]
async fn it_is_used_until_an_older_event_or_a_link_comes() {
    let stack = Stack::start().await;
    let (fold, shop) = (stack.fold(), stack.open_shop("demo").await);
    let (anna, phone) = (user("anna"), device("phone"));
    let mut events = visits(&anna, 250, NOW.plus(-48 * HOUR));
    put(&stack, &shop, &events).await;
    stack.deliver(&fold).await;

    tamper(&stack, &shop, &anna).await;
    events.push(event(&anna, "new", NOW, Action::View, 1));
    put(&stack, &shop, &events[250..]).await;
    stack.deliver(&fold).await;
    assert!((units(&stack, &shop, &anna).await - 12_345.0).abs() < 1e-9, "it was folded from the compacted state");

    events.push(event(&anna, "late", NOW.plus(-49 * HOUR), Action::View, 1));
    put(&stack, &shop, &events[251..]).await;
    stack.deliver(&fold).await;
    assert_eq!(stack.state(&shop, &anna).await.unwrap(), oracle(&anna, &events, &BTreeMap::new()));

    // The same with a link: the device's events of long ago become hers.
    tamper(&stack, &shop, &anna).await;
    let before = [event(&phone, "before", NOW.plus(-9 * DAY), Action::Order, 2)];
    put(&stack, &shop, &before).await;
    stack.table().link(&shop, &phone, &anna, NOW.plus(-8 * DAY)).await.unwrap();
    stack.deliver(&fold).await;
    events.extend(before);
    let links = BTreeMap::from([(phone.clone(), vec![Link { other: anna.clone(), since: NOW.plus(-8 * DAY) }])]);
    assert_eq!(stack.state(&shop, &anna).await.unwrap(), oracle(&anna, &events, &links));
    assert_eq!(stack.table().base(&shop, &anna).await.unwrap().unwrap().linked, [phone]);
}

#[tokio::test]
async fn one_from_before_there_were_sums_of_older_orders_is_given_up() {
    let stack = Stack::start().await;
    let (fold, shop) = (stack.fold(), stack.open_shop("demo").await);
    let anna = user("anna");
    let mut events = visits(&anna, 250, NOW.plus(-48 * HOUR));
    events.iter_mut().for_each(|event| event.action = Action::Order);
    put(&stack, &shop, &events).await;
    stack.deliver(&fold).await;
    let mut base = stack.table().base(&shop, &anna).await.unwrap().unwrap();
    assert!(!base.state.behaviour.older_trades.is_empty());
    base.state.behaviour.older_trades.clear();
    let mut profile = stack.table().profile(&shop, &anna).await.unwrap().unwrap();
    profile.version += 1;
    stack.table().save_profile(&shop, &profile, Some(&base)).await.unwrap();
    events.push(event(&anna, "new", NOW, Action::View, 1));
    put(&stack, &shop, &events[250..]).await;
    stack.deliver(&fold).await;
    assert_eq!(stack.state(&shop, &anna).await.unwrap(), oracle(&anna, &events, &BTreeMap::new()));
}

#[tokio::test]
async fn repeated_bells_write_nothing() {
    let stack = Stack::start().await;
    let (fold, shop) = (stack.fold(), stack.open_shop("demo").await);
    let (anna, phone) = (user("anna"), device("phone"));
    stack.table().link(&shop, &phone, &anna, NOW).await.unwrap();
    put(&stack, &shop, &visits(&anna, 250, NOW)).await;
    put(&stack, &shop, &visits(&phone, 20, NOW)).await;
    let bells = stack.bells().await;
    assert_eq!(ring(&fold, bells.clone()).await, Vec::<String>::new());
    let written = stack.records().await;
    assert_eq!(written.len(), 2, "one write for each of the two visitors");
    let version = async || stack.table().profile(&shop, &anna).await.unwrap().unwrap().version;
    let before = version().await;
    for _ in 0..3 {
        stack.context.clock.advance(Duration::from_secs(30));
        assert_eq!(ring(&fold, bells.clone()).await, Vec::<String>::new());
    }
    assert_eq!(stack.records().await, []);
    assert_eq!(version().await, before);
}

#[tokio::test]
async fn a_link_without_events_makes_no_profile_of_a_device() {
    let stack = Stack::start().await;
    let (fold, shop) = (stack.fold(), stack.open_shop("demo").await);
    let (anna, phone) = (user("anna"), device("phone"));
    stack.table().link(&shop, &phone, &anna, NOW).await.unwrap();
    stack.deliver(&fold).await;
    assert_eq!(stack.state(&shop, &phone).await, None);
    let profile = stack.table().profile(&shop, &anna).await.unwrap().unwrap();
    assert_eq!((profile.state, profile.linked), (State::default(), vec![phone]));
}

#[tokio::test]
async fn a_catalogue_that_changes_is_seen_within_a_minute() {
    let stack = Stack::start().await;
    let (fold, shop) = (stack.fold(), stack.open_shop("demo").await);
    let anna = user("anna");
    let category = |state: State| state.affinities.category.keys().cloned().collect::<Vec<_>>();
    let mut product = crate::support::products().remove(0);
    for (n, (leaf, wait, seen)) in [("old", 0, "old"), ("new", 59, "old"), ("new", 2, "new")].into_iter().enumerate() {
        product.category = vec![leaf.to_owned()];
        stack.table().upsert_products(&shop, std::slice::from_ref(&product), &|| NOW).await.unwrap();
        stack.context.clock.advance(Duration::from_secs(wait));
        let view = event(&anna, &format!("view {n}"), NOW.plus(n as i64), Action::View, 1);
        assert_eq!(view.lines[0].product, product.id);
        put(&stack, &shop, &[view]).await;
        stack.deliver(&fold).await;
        assert_eq!(category(stack.state(&shop, &anna).await.unwrap()), [seen]);
    }
}

#[tokio::test]
async fn events_of_one_millisecond_keep_their_order_from_page_to_page() {
    let stack = Stack::start().await;
    let (fold, shop) = (stack.fold(), stack.open_shop("demo").await);
    let fold = fold.with_bounds(Bounds { page: 4, memory: 8, ..Bounds::default() });
    let anna = user("anna");
    // `#` comes before `$`, and in a key, where it is escaped, after it.
    let ids = ["#", "$", "%", "&"].iter().flat_map(|mark| (0..9).map(move |n| format!("{mark}{n}")));
    let events: Vec<Event> =
        ids.enumerate().map(|(n, id)| event(&anna, &id, NOW, Action::Add, (n % 40) as u8)).collect();
    put(&stack, &shop, &events).await;
    stack.deliver(&fold).await;
    assert_eq!(stack.state(&shop, &anna).await.unwrap(), oracle(&anna, &events, &BTreeMap::new()));
}
