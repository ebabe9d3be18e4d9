//! What a replay reads: a history up to a key, and the catalogue's changes up to a key.

use vitrine_domain::{Millis, Product, ProductId};
use vitrine_store::keys;
use vitrine_store::past::MAX_EVENTS;

use crate::support::{NOW, Stack, device, event, events, ids, other_shop, profile, shop, user};

#[tokio::test]
async fn a_history_ends_with_the_event_of_the_key_and_begins_with_the_newest() {
    let stack = Stack::start().await;
    let (phone, anna) = (device("phone"), user("anna"));
    let mut all = events(&phone, 6);
    all[2].received = NOW.plus(77);
    stack.table.import_events(&shop(), &all).await.unwrap();
    stack.table.link(&shop(), &phone, &anna, NOW).await.unwrap();
    stack.table.save_profile(&shop(), &profile(&phone, &all, 1), None).await.unwrap();
    let recent = stack.table.recent(&shop(), &phone).await.unwrap();
    stack.table.put_event(&shop(), &event(&phone, "later", NOW.plus(1))).await.unwrap();

    let past = stack.table.history_until(&shop(), &phone, &recent.newest.unwrap()).await.unwrap();
    let mut expected = all.clone();
    expected.reverse();
    assert_eq!(past.events, expected, "with the time of receipt");
    assert_eq!((past.links, past.complete, past.unreadable), (recent.links, true, 0));
    let past = stack.table.history_until(&shop(), &phone, &keys::event(all[2].time, &all[2].id)).await.unwrap();
    assert_eq!(ids(&past.events), ["m0002", "m0001", "m0000"]);
    for none in ["", "D#9", "E#"] {
        let past = stack.table.history_until(&shop(), &phone, none).await.unwrap();
        assert_eq!((past.events.len(), past.links.len(), past.complete), (0, 1, true), "{none:?}");
    }
    let past = stack.table.history_until(&shop(), &phone, "~PROFILE").await.unwrap();
    assert_eq!(ids(&past.events)[..2], ["later", "m0005"]);
    let past = stack.table.history_until(&other_shop(), &phone, "~PROFILE").await.unwrap();
    assert!(past.events.is_empty() && past.links.is_empty());
}

#[tokio::test]
async fn a_long_history_is_cut_and_says_so() {
    let stack = Stack::start().await;
    let phone = device("phone");
    stack.table.import_events(&shop(), &events(&phone, MAX_EVENTS as i64)).await.unwrap();
    let past = stack.table.history_until(&shop(), &phone, "E$").await.unwrap();
    assert_eq!(past.events.len(), MAX_EVENTS);
    stack.table.put_event(&shop(), &event(&phone, "one more", Millis(0))).await.unwrap();
    let past = stack.table.history_until(&shop(), &phone, "E$").await.unwrap();
    assert_eq!((past.events.len(), past.complete), (MAX_EVENTS, false));
    let sk = keys::event(NOW, &past.events[0].id);
    stack.damage("S#demo#V#a:phone", &sk, "{\"k\":\"unheard-of\"}").await;
    let past = stack.table.history_until(&shop(), &phone, "E$").await.unwrap();
    assert_eq!((past.events.len(), past.unreadable), (MAX_EVENTS - 1, 1));
}

#[tokio::test]
async fn changes_are_read_up_to_the_entry_that_was_seen_last() {
    let stack = Stack::start().await;
    let product = |id: &str| Product::new(ProductId::new(id).unwrap(), "Penne");
    for (n, id) in ["a", "b", "c", "d"].into_iter().enumerate() {
        stack.table.upsert_products(&shop(), &[product(id)], &|| NOW.plus(n as i64)).await.unwrap();
    }
    let all = stack.table.changes_since(&shop(), NOW).await.unwrap();
    let between = async |from: i64, up_to: &str| {
        let changes = stack.table.changes_between(&shop(), NOW.plus(from), up_to).await.unwrap();
        changes.into_iter().map(|(_, change)| change.id.to_string()).collect::<Vec<_>>().join("")
    };
    assert_eq!(between(0, &all[2].0).await, "abc");
    assert_eq!(between(1, &all[2].0).await, "bc");
    assert_eq!(between(0, &all[0].0).await, "a");
    assert_eq!(between(3, &all[0].0).await, "");
    assert_eq!(between(0, "").await, "");
    assert_eq!(between(0, "~").await, "abcd");
}
