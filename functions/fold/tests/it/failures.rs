//! One bad record harms nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use std::collections::BTreeMap;

use vitrine_domain::profile::Link;
use vitrine_domain::time::{DAY, MINUTE};
use vitrine_domain::{Action, Event, Millis};

use crate::support::{NOW, Stack, device, event, oracle, ring, sequence, user};

#[tokio::test]
async fn a_malformed_record_is_named_and_its_neighbours_land() {
    let stack = Stack::start().await;
    let (fold, shop) = (stack.fold(), stack.open_shop("demo").await);
    let (anna, bert) = (user("anna"), user("bert"));
    let events = [
        event(&anna, "1", NOW, Action::View, 1),
        event(&anna, "2", NOW, Action::View, 2),
        event(&bert, "3", NOW, Action::View, 3),
    ];
    for event in &events {
        stack.table().put_event(&shop, event).await.unwrap();
    }
    let mut bells = stack.bells().await;
    let mut broken = serde_json::to_value(&bells[0]).unwrap();
    broken["dynamodb"]["NewImage"]["d"]["S"] = "{\"k\": no".into();
    bells[0] = serde_json::from_value(broken).unwrap();
    let named = sequence(&bells[0]);
    assert_eq!(ring(&fold, bells).await, [named]);
    // The event itself is sound, so the bell of its neighbour folds it too.
    for visitor in [&anna, &bert] {
        assert_eq!(stack.state(&shop, visitor).await.unwrap(), oracle(visitor, &events, &BTreeMap::new()));
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_folded_is_left_out_until_its_cause_is_gone() {
    let stack = Stack::start().await;
    let sick = Arc::new(AtomicBool::new(true));
    let probe = {
        let sick = sick.clone();
        Arc::new(move |event: &Event| {
            assert!(!sick.load(Ordering::SeqCst) || event.id.as_str() != "bad", "the event of the test");
        })
    };
    let (fold, shop) = (stack.fold().with_probe(probe), stack.open_shop("demo").await);
    let (anna, phone, bert) = (user("anna"), device("phone"), user("bert"));
    stack.table().link(&shop, &phone, &anna, NOW).await.unwrap();
    let mut events = Vec::new();
    for n in 0..40 {
        let visitor = [&anna, &phone, &bert][n % 3];
        let id = if n == 16 { "bad".to_owned() } else { format!("m{n}") };
        events.push(event(visitor, &id, NOW.plus(n as i64 * MINUTE - 3 * DAY), Action::Add, n as u8));
    }
    assert_eq!(events[16].visitor, phone, "it concerns the device and its user");
    for event in &events {
        stack.table().put_event(&shop, event).await.unwrap();
    }
    let bells = stack.bells().await;
    let bad = bells.iter().find(|r| format!("{:?}", r.change.keys).contains("#bad")).cloned().unwrap();
    assert_eq!(ring(&fold, bells.clone()).await, [sequence(&bad)]);

    let links = BTreeMap::from([(phone.clone(), vec![Link { other: anna.clone(), since: NOW }])]);
    let good: Vec<Event> = events.iter().filter(|e| e.id.as_str() != "bad").cloned().collect();
    for visitor in [&anna, &phone, &bert] {
        assert_eq!(stack.state(&shop, visitor).await.unwrap(), oracle(visitor, &good, &links), "{visitor}");
    }
    // It stays out quietly: later bells of the visitor are not held up by it.
    let late = event(&anna, "late", NOW, Action::View, 1);
    stack.table().put_event(&shop, &late).await.unwrap();
    stack.deliver(&fold).await;

    sick.store(false, Ordering::SeqCst);
    assert_eq!(ring(&fold, vec![bad]).await, Vec::<String>::new());
    events.push(late);
    for visitor in [&anna, &phone, &bert] {
        assert_eq!(stack.state(&shop, visitor).await.unwrap(), oracle(visitor, &events, &links), "{visitor}");
    }
}

#[tokio::test]
async fn a_table_that_is_away_fails_every_record_and_nothing_is_lost() {
    let stack = Stack::start().await;
    let shop = stack.open_shop("demo").await;
    let anna = user("anna");
    let first = event(&anna, "1", NOW, Action::View, 1);
    stack.table().put_event(&shop, &first).await.unwrap();
    let bells = stack.bells().await;
    let mut context = stack.context.clone();
    let connection =
        vitrine_store::Connection { table: "elsewhere".to_owned(), endpoint: context.config.dynamodb_endpoint.clone() };
    context.table = vitrine_store::Table::connect(&connection).await;
    let away = vitrine_fold::Fold::new(context);
    assert_eq!(ring(&away, bells.clone()).await, bells.iter().map(sequence).collect::<Vec<_>>());
    assert_eq!(ring(&stack.fold(), bells).await, Vec::<String>::new());
    assert_eq!(stack.state(&shop, &anna).await.unwrap(), oracle(&anna, &[first], &BTreeMap::new()));
}

#[tokio::test]
async fn two_shops_with_the_same_visitor_keep_apart() {
    let stack = Stack::start().await;
    let fold = stack.fold();
    let (anna, phone) = (user("anna"), device("phone"));
    let (one, two) = (stack.open_shop("one").await, stack.open_shop("two").await);
    let in_one = [event(&anna, "1", NOW, Action::View, 1), event(&phone, "2", NOW, Action::Add, 2)];
    let in_two = [event(&anna, "1", NOW, Action::Order, 3)];
    stack.table().link(&two, &phone, &anna, Millis(0)).await.unwrap();
    for event in &in_one {
        stack.table().put_event(&one, event).await.unwrap();
    }
    stack.table().put_event(&two, &in_two[0]).await.unwrap();
    stack.deliver(&fold).await;
    // The link of the second shop gives nothing of the first one to anybody.
    assert_eq!(stack.state(&one, &anna).await.unwrap(), oracle(&anna, &in_one, &BTreeMap::new()));
    assert_eq!(stack.state(&two, &anna).await.unwrap(), oracle(&anna, &in_two, &BTreeMap::new()));
    assert_eq!(stack.state(&two, &phone).await, None);
}
