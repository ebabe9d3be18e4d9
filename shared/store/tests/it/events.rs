//! Events are written once; links keep their earliest time.

use vitrine_domain::Millis;
use vitrine_domain::profile::Link;
use vitrine_store::events::Written;

use crate::support::{NOW, Stack, device, event, events, ids, other_shop, shop, user};

#[tokio::test]
async fn the_first_write_of_an_event_wins() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let first = event(&phone, "m1", NOW);
    let mut retry = first.clone();
    retry.name = Some("changed on the way".to_owned());
    assert_eq!(stack.table.put_event(&shop(), &first).await.unwrap(), Written::New);
    assert_eq!(stack.table.put_event(&shop(), &retry).await.unwrap(), Written::Duplicate);
    assert_eq!(stack.table.history(&shop(), &phone, Millis(0)).await.unwrap().0, std::slice::from_ref(&first));
    // Another time, another visitor or another shop make it another event.
    assert_eq!(stack.table.put_event(&shop(), &event(&phone, "m1", NOW.plus(1))).await.unwrap(), Written::New);
    assert_eq!(stack.table.put_event(&shop(), &event(&user("phone"), "m1", NOW)).await.unwrap(), Written::New);
    assert_eq!(stack.table.put_event(&other_shop(), &first).await.unwrap(), Written::New);
    assert!(stack.table.has_event(&shop(), &phone, NOW, &first.id).await.unwrap());
    assert!(!stack.table.has_event(&shop(), &phone, NOW.plus(2), &first.id).await.unwrap());
}

#[tokio::test]
async fn an_event_without_a_time_counts_once_whenever_it_is_sent_again() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let first = event(&phone, "m1", NOW);
    assert_eq!(stack.table.put_event_without_time(&shop(), &first).await.unwrap(), Written::New);
    for later in [0, 1, 60_000] {
        let retry = event(&phone, "m1", NOW.plus(later));
        assert_eq!(stack.table.put_event_without_time(&shop(), &retry).await.unwrap(), Written::Duplicate, "{later}");
    }
    assert_eq!(stack.table.history(&shop(), &phone, Millis(0)).await.unwrap().0, [first]);
    let laptop = event(&device("laptop"), "m1", NOW.plus(5));
    assert_eq!(stack.table.put_event_without_time(&shop(), &laptop).await.unwrap(), Written::New, "of another visitor");
}

#[tokio::test]
async fn of_an_import_the_last_write_wins_even_within_a_batch() {
    let stack = Stack::start().await;
    let anna = user("anna");
    let named = |mut event: vitrine_domain::Event, name: &str| {
        event.name = Some(name.to_owned());
        event
    };
    let orders: Vec<_> = events(&anna, 120).into_iter().map(|order| named(order, "first")).collect();
    let mut import = orders.clone();
    // The same key again in the same batch of writes and in a far one.
    import.insert(3, named(orders[2].clone(), "again"));
    import.push(named(orders[0].clone(), "again"));
    stack.table.import_events(&shop(), &import).await.unwrap();
    let (stored, _) = stack.table.history(&shop(), &anna, Millis(0)).await.unwrap();
    assert_eq!(ids(&stored), ids(&orders));
    let again: Vec<usize> = (0..120).filter(|n| stored[*n].name.as_deref() == Some("again")).collect();
    assert_eq!(again, [0, 2]);

    stack.table.import_events(&shop(), &[named(orders[7].clone(), "corrected")]).await.unwrap();
    let (stored, _) = stack.table.history(&shop(), &anna, Millis(0)).await.unwrap();
    assert_eq!((stored.len(), stored[7].name.as_deref()), (120, Some("corrected")));
}

#[tokio::test]
async fn history_comes_in_fold_order_from_a_time_on() {
    let stack = Stack::start().await;
    let phone = device("phone");
    // Of one millisecond, in an order that their escaped keys do not have.
    let same = ["a", "a#", "a$", "a%"].map(|id| event(&phone, id, NOW));
    let mut all = events(&phone, 5);
    all.pop();
    all.extend(same);
    let mut reversed = all.clone();
    reversed.reverse();
    stack.table.import_events(&shop(), &reversed).await.unwrap();
    stack.table.link(&shop(), &phone, &user("anna"), NOW).await.unwrap();
    let (history, links) = stack.table.history(&shop(), &phone, Millis(0)).await.unwrap();
    assert_eq!(history, all);
    assert_eq!(links, [Link { other: user("anna"), since: NOW }]);
    let (history, links) = stack.table.history(&shop(), &phone, NOW.plus(-1000)).await.unwrap();
    assert_eq!(ids(&history), ["m0003", "a", "a#", "a$", "a%"], "the time itself is in");
    assert_eq!(links.len(), 1);
    assert_eq!(stack.table.history(&other_shop(), &phone, Millis(0)).await.unwrap(), (vec![], vec![]));
}

#[tokio::test]
async fn a_history_of_many_pages_is_read_whole() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let mut all = events(&phone, 60);
    for event in &mut all {
        // Thirty kilobytes each: nearly two megabytes, where a page holds one.
        event.properties.insert("note".to_owned(), "x".repeat(30_000).into());
    }
    stack.table.import_events(&shop(), &all).await.unwrap();
    let (history, _) = stack.table.history(&shop(), &phone, Millis(0)).await.unwrap();
    assert_eq!(history, all);
}

#[tokio::test]
async fn a_link_stands_on_both_sides_with_its_earliest_time() {
    let stack = Stack::start().await;
    let (phone, anna) = (device("phone"), user("anna"));
    for (since, expected) in [(100, 100), (200, 100), (50, 50), (100, 50)] {
        stack.table.link(&shop(), &phone, &anna, Millis(since)).await.unwrap();
        let expected = |other| vec![Link { other, since: Millis(expected) }];
        assert_eq!(stack.table.links(&shop(), &phone).await.unwrap(), expected(anna.clone()));
        assert_eq!(stack.table.links(&shop(), &anna).await.unwrap(), expected(phone.clone()));
    }
    assert_eq!(stack.table.links(&other_shop(), &anna).await.unwrap(), []);
}
