//! Erasures that are cut off at each of their calls in turn.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept};
use aws_sdk_dynamodb::error::BoxError;
use serde_json::value::RawValue;
use vitrine_domain::time::MINUTE;
use vitrine_domain::{Action, Event, MessageId};
use vitrine_engine::Endpoint;

use super::*;
use crate::Connection;
use crate::decisions::DecisionKey;

const NOW: Millis = Millis(1_790_000_000_000);

/// Lets so many calls through, and none after them.
#[derive(Debug)]
struct Cut(AtomicUsize);

impl Intercept for Cut {
    fn name(&self) -> &'static str {
        "cut"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| "cut off".into())
    }
}

fn shop() -> Shop {
    Shop::new("demo").unwrap()
}

fn event(visitor: &Visitor, id: &str, minutes: i64) -> Event {
    let id = MessageId::new(id).unwrap();
    Event::new(id, visitor.clone(), NOW.plus(-minutes * MINUTE), Action::View)
}

/// Anna with a phone of her own, and a tablet that Bert used before her; he logged in on it with an event of his.
async fn filled() -> (Endpoint, Table) {
    let endpoint = Endpoint::for_test().await.unwrap();
    let connection = Connection { table: endpoint.table().to_owned(), endpoint: Some(endpoint.url()) };
    let table = Table::connect(&connection).await;
    table.create_if_missing().await.unwrap();
    let [anna, bert] = ["anna", "bert"].map(|id| Visitor::known(id).unwrap());
    let [phone, tablet] = ["phone", "tablet"].map(|id| Visitor::anonymous(id).unwrap());
    for (device, user, minutes) in [(&phone, &anna, 60), (&tablet, &bert, 50), (&tablet, &anna, 30)] {
        table.link(&shop(), device, user, NOW.plus(-minutes * MINUTE)).await.unwrap();
    }
    let mut events: Vec<Event> = (0..30).map(|n| event(&tablet, &format!("hers-{n}"), 40)).collect();
    events.extend([event(&anna, "own", 5), event(&phone, "phones", 70), event(&tablet, "his", 55)]);
    events.push(Event { device_id: Some("tablet".to_owned()), ..event(&bert, "login", 50) });
    table.import_events(&shop(), &events).await.unwrap();
    table.put_event_without_time(&shop(), &event(&tablet, "undated", 20)).await.unwrap();
    for (visitor, minutes) in [(&phone, 65), (&tablet, 35), (&bert, 45)] {
        let time = NOW.plus(-minutes * MINUTE);
        let decision = DecisionKey { visitor: Some(visitor.clone()), time, nonce: "abc".to_owned() };
        table.put_decision(&shop(), &decision, &RawValue::from_string("{}".to_owned()).unwrap()).await.unwrap();
    }
    for visitor in [&anna, &phone, &tablet, &bert] {
        let stored = item(keys::visitor(&shop(), visitor), keys::PROFILE, "profile", "{}").unwrap();
        table.put(stored).await.unwrap();
    }
    (endpoint, table)
}

/// The same table, whose calls fail after some.
fn cut(table: &Table, calls: usize) -> Table {
    let config = table.client.config().to_builder().interceptor(Cut(AtomicUsize::new(calls))).build();
    let mut cut = table.clone();
    cut.client = aws_sdk_dynamodb::Client::from_conf(config);
    cut
}

/// What is left of visitors, by partition and sort key.
async fn left(table: &Table) -> BTreeMap<(String, String), Item> {
    let (items, next) = table.scan(None).await.unwrap();
    assert!(next.is_none(), "too much for one page");
    let of_visitors = items.into_iter().filter(|item| partition_key(item).contains("#V#"));
    of_visitors.map(|item| (place_of(&item), item)).collect()
}

/// Erases after a cut at each call; answers how many calls there are, and hands what is left to a check.
async fn cut_everywhere(visitor: &Visitor, until: Until, check: impl Fn(&BTreeMap<(String, String), Item>)) -> usize {
    let key = TombstoneKey::new("secret");
    for calls in 0.. {
        let (_endpoint, table) = filled().await;
        let first = cut(&table, calls).erase(&key, &shop(), visitor, until, NOW).await;
        table.erase(&key, &shop(), visitor, until, NOW.plus(1)).await.unwrap();
        let left = left(&table).await;
        check(&left);
        if first.is_ok() {
            return calls;
        }
    }
    0
}

#[tokio::test]
async fn a_person_whose_erasure_was_cut_off_anywhere_is_gone_when_it_is_asked_again() {
    for until in [Until::Ever, Until::Now] {
        let anna = Visitor::known("anna").unwrap();
        let calls = cut_everywhere(&anna, until, |left| {
            let theirs: Vec<String> = left.keys().map(|(pk, sk)| format!("{pk} {sk}")).collect();
            let of = |name: &str| theirs.iter().filter(|place| place.contains(name)).count();
            assert_eq!((of("anna"), of("phone"), of("hers"), of("undated")), (0, 0, 0, 0), "{theirs:#?}");
            // Of the tablet his event and both sides of his link; of his own an event, a decision and the profile.
            assert_eq!((of("his"), of("L#"), of("V#u:bert"), theirs.len()), (1, 2, 4, 6), "{theirs:#?}");
        });
        assert!(calls.await > 15);
    }
}

#[tokio::test]
async fn a_device_whose_erasure_was_cut_off_anywhere_is_named_by_nobody_when_it_is_asked_again() {
    let tablet = Visitor::anonymous("tablet").unwrap();
    let calls = cut_everywhere(&tablet, Until::Ever, |left| {
        assert!(!format!("{left:?}").contains("tablet"), "{left:#?}");
        let events = left.keys().filter(|(_, sk)| sk.starts_with("E#")).count();
        assert_eq!((events, left.keys().filter(|(_, sk)| sk.starts_with("L#")).count()), (3, 2), "{left:#?}");
    });
    assert!(calls.await > 10);
}
