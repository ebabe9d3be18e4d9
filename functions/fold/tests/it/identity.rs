//! Who an event belongs to when devices and people are many.

use std::collections::BTreeMap;

use aws_lambda_events::event::dynamodb::EventRecord;
use vitrine_domain::profile::{DEVICES, Link};
use vitrine_domain::time::{DAY, HOUR};
use vitrine_domain::{Action, Event, Millis, Visitor};
use vitrine_store::erasures::Until;
use vitrine_store::tombstones::TombstoneKey;

use crate::support::{NOW, Stack, device, event, oracle, user};

fn link(other: &Visitor, since: Millis) -> Link {
    Link { other: other.clone(), since }
}

#[tokio::test]
async fn a_second_person_on_a_device_takes_over_what_was_the_first_ones() {
    let stack = Stack::start().await;
    let (fold, shop) = (stack.fold(), stack.open_shop("demo").await);
    let (anna, bert, tablet) = (user("anna"), user("bert"), device("tablet"));
    let visit = |n: i64| event(&tablet, &format!("visit {n}"), NOW.plus(n * HOUR), Action::Add, n as u8);
    let events: Vec<Event> = (0..12).map(visit).collect();
    stack.table().import_events(&shop, &events).await.unwrap();
    stack.table().link(&shop, &tablet, &anna, NOW.plus(3 * HOUR)).await.unwrap();
    stack.deliver(&fold).await;
    let mut links = BTreeMap::from([(tablet.clone(), vec![link(&anna, NOW.plus(3 * HOUR))])]);
    assert_eq!(stack.state(&shop, &anna).await.unwrap().counts[&Action::Add], 12);

    // Nothing rings on Anna's own partition now, only on the tablet's and on Bert's.
    stack.table().link(&shop, &tablet, &bert, NOW.plus(8 * HOUR)).await.unwrap();
    stack.deliver(&fold).await;
    links.get_mut(&tablet).unwrap().push(link(&bert, NOW.plus(8 * HOUR)));
    for (visitor, count) in [(&anna, 4), (&bert, 8), (&tablet, 12)] {
        let state = stack.state(&shop, visitor).await.unwrap();
        assert_eq!(state.counts[&Action::Add], count, "{visitor}");
        assert_eq!(state, oracle(visitor, &events, &links));
    }
}

#[tokio::test]
async fn an_event_on_a_device_is_folded_for_its_owner_alone() {
    let stack = Stack::start().await;
    let (fold, shop) = (stack.fold(), stack.open_shop("demo").await);
    let (anna, bert, tablet) = (user("anna"), user("bert"), device("tablet"));
    stack.table().link(&shop, &tablet, &anna, NOW).await.unwrap();
    stack.table().link(&shop, &tablet, &bert, NOW.plus(HOUR)).await.unwrap();
    stack.deliver(&fold).await;
    stack.records().await;
    stack.table().put_event(&shop, &event(&tablet, "1", NOW.plus(-HOUR), Action::View, 1)).await.unwrap();
    stack.deliver(&fold).await;
    let written: Vec<String> = stack.records().await.iter().map(|r| format!("{:?}", r.change.keys)).collect();
    assert_eq!(written.len(), 2, "the tablet and Anna: {written:?}");
    assert!(written.iter().all(|key| key.contains("a:tablet") || key.contains("u:anna")));
}

#[tokio::test]
async fn of_very_many_devices_those_linked_last_count() {
    let stack = Stack::start().await;
    let (fold, shop, anna) = (stack.fold(), stack.open_shop("demo").await, user("anna"));
    let mut events = vec![event(&anna, "own", NOW, Action::Order, 1)];
    let mut links = BTreeMap::new();
    for n in 0..DEVICES + 20 {
        let browser = device(&format!("browser-{n:03}"));
        let since = NOW.plus(n as i64 * DAY);
        for visit in 0..3 {
            let time = since.plus(-HOUR * visit);
            events.push(event(&browser, &format!("{n} {visit}"), time, Action::View, (n % 40) as u8));
        }
        stack.table().link(&shop, &browser, &anna, since).await.unwrap();
        // The oracle knows no bound: it is told of the last ones only.
        if n >= 20 {
            links.insert(browser, vec![link(&anna, since)]);
        }
    }
    stack.table().import_events(&shop, &events).await.unwrap();
    stack.deliver(&fold).await;
    assert_eq!(stack.state(&shop, &anna).await.unwrap(), oracle(&anna, &events, &links));
}

#[tokio::test]
async fn links_between_users_hand_nothing_over() {
    let stack = Stack::start().await;
    let (fold, shop) = (stack.fold(), stack.open_shop("demo").await);
    let (anna, mallory) = (user("anna"), user("mallory"));
    let events = [event(&anna, "1", NOW, Action::Order, 1), event(&mallory, "2", NOW, Action::View, 2)];
    stack.table().import_events(&shop, &events).await.unwrap();
    stack.table().link(&shop, &anna, &mallory, NOW).await.unwrap();
    stack.deliver(&fold).await;
    for visitor in [&anna, &mallory] {
        assert_eq!(stack.state(&shop, visitor).await.unwrap(), oracle(visitor, &events, &BTreeMap::new()));
    }
}

#[tokio::test]
async fn an_event_sent_again_after_a_log_in_counts_once() {
    let stack = Stack::start().await;
    let shop = stack.open_shop("again").await;
    let (phone, anna) = (device("phone"), user("anna"));
    // More repetitions than a merge holds at once, and one event that is none.
    for n in 0..40 {
        let first = event(&phone, &format!("m{n}"), NOW.plus(n), Action::View, 1);
        let again = vitrine_domain::Event { visitor: anna.clone(), device_id: Some("phone".into()), ..first.clone() };
        for sent in [first, again] {
            stack.table().put_event(&shop, &sent).await.unwrap();
        }
    }
    let last = event(&anna, "last", NOW.plus(50), Action::Order, 2);
    stack.table().put_event(&shop, &last).await.unwrap();
    stack.table().link(&shop, &phone, &anna, NOW.plus(45)).await.unwrap();
    let fold = stack.fold().with_bounds(vitrine_fold::Bounds { memory: 4, ..vitrine_fold::Bounds::default() });
    stack.deliver(&fold).await;
    let state = stack.state(&shop, &anna).await.unwrap();
    assert_eq!((state.counts[&Action::View], state.orders()), (40, 1));
}

/// Nothing rings when a link goes. Whatever rings while a device is erased must find it gone already, or the profile of whoever
/// stays would name the device for good.
#[tokio::test]
async fn whoever_stays_is_folded_after_the_link_to_an_erased_device_went() {
    let stack = Stack::start().await;
    let (fold, shop) = (stack.fold(), stack.open_shop("demo").await);
    let (aunt, phone) = (user("aunt"), device("phone"));
    let login = Event { device_id: Some("phone".to_owned()), ..event(&aunt, "1", NOW, Action::View, 2) };
    stack.table().import_events(&shop, &[login, event(&phone, "2", NOW, Action::View, 4)]).await.unwrap();
    stack.table().link(&shop, &phone, &aunt, NOW).await.unwrap();
    stack.deliver(&fold).await;
    stack.records().await;
    let key = TombstoneKey::new("0123456789abcdef0123456789abcdef");
    stack.table().erase(&key, &shop, &phone, Until::Ever, NOW).await.unwrap();
    let records = stack.records().await;
    let place = |event: &str, start: &str| {
        let holds = |record: &EventRecord| {
            let keys = format!("{:?}", record.change.keys);
            record.event_name == event && keys.contains("V#u:aunt") && keys.contains(&format!("\"{start}"))
        };
        records.iter().position(holds).unwrap_or_else(|| panic!("{event} {start}: {records:?}"))
    };
    let order = [place("REMOVE", "L#"), place("REMOVE", "~PROFILE"), place("MODIFY", "E#")];
    assert!(order.is_sorted(), "{order:?}");
}
