//! What a fold reads: the newest end, pages of older events, and round what cannot be read.

use vitrine_domain::Millis;
use vitrine_domain::profile::in_fold_order;

use crate::support::{NOW, Stack, device, event, events, ids, profile, shop, user};

#[tokio::test]
async fn a_small_visitor_is_read_whole_in_one_query() {
    let stack = Stack::start().await;
    let (phone, anna) = (device("phone"), user("anna"));
    let all = events(&phone, 20);
    stack.table.import_events(&shop(), &all).await.unwrap();
    stack.table.link(&shop(), &phone, &anna, NOW).await.unwrap();
    let saved = profile(&phone, &all, 1);
    stack.table.save_profile(&shop(), &saved, None).await.unwrap();
    let tail = stack.table.tail(&shop(), &phone, Millis(0), 50).await.unwrap();
    assert_eq!((tail.profile, tail.version, tail.unreadable), (Some(saved), 1, 0));
    assert_eq!((tail.links.len(), tail.events), (1, all));
    assert!(tail.complete);
    let of_device = stack.table.tail_of_device(&shop(), &phone, NOW.plus(-1000), 50).await.unwrap();
    assert_eq!((of_device.profile, of_device.version, of_device.links.len()), (None, 0, 1));
    assert_eq!(ids(&of_device.events), ["m0018", "m0019"]);
}

#[tokio::test]
async fn a_tail_says_how_far_back_it_reaches() {
    let stack = Stack::start().await;
    let phone = device("phone");
    stack.table.import_events(&shop(), &events(&phone, 20)).await.unwrap();
    let tail = stack.table.tail(&shop(), &phone, Millis(0), 5).await.unwrap();
    assert_eq!(ids(&tail.events), ["m0015", "m0016", "m0017", "m0018", "m0019"]);
    let oldest = tail.events[0].time;
    assert!(!tail.complete && tail.reaches(oldest.plus(1)));
    assert!(!tail.reaches(oldest), "another event of the same time may be unread");
}

#[tokio::test]
async fn links_are_whole_however_many_there_are() {
    let stack = Stack::start().await;
    let anna = user("anna");
    for n in 0..12 {
        stack.table.link(&shop(), &device(&format!("d{n:02}")), &anna, NOW.plus(n)).await.unwrap();
    }
    stack.table.import_events(&shop(), &events(&anna, 3)).await.unwrap();
    stack.table.save_profile(&shop(), &profile(&anna, &[], 1), None).await.unwrap();
    for limit in [1, 2, 12, 13, 14, 16, 40] {
        let tail = stack.table.tail(&shop(), &anna, Millis(0), limit).await.unwrap();
        assert_eq!(tail.links.len(), 12, "with a limit of {limit}");
        assert_eq!(tail.events.len(), limit.saturating_sub(13).min(3), "with a limit of {limit}");
        assert_eq!(tail.complete, limit > 16, "with a limit of {limit}");
    }
}

#[tokio::test]
async fn pages_hold_every_event_once() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let mut all = events(&phone, 23);
    all.extend(["#", "$", "%"].map(|id| event(&phone, id, NOW)));
    in_fold_order(&mut all);
    stack.table.import_events(&shop(), &all).await.unwrap();
    stack.table.link(&shop(), &phone, &user("anna"), NOW).await.unwrap();
    for limit in [1, 5, 13, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = stack.table.events_page(&shop(), &phone, all[3].time, after, limit).await.unwrap();
            assert!(page.events.len() <= limit);
            found.extend(page.events);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert!(found.is_sorted_by_key(|event| event.time));
        in_fold_order(&mut found);
        assert_eq!(found, all[3..], "with a limit of {limit}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_counted_and_left_out() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let all = events(&phone, 4);
    stack.table.import_events(&shop(), &all).await.unwrap();
    stack.table.save_profile(&shop(), &profile(&phone, &all, 1), None).await.unwrap();
    let sk = format!("E#{}#m0001", all[1].time.0);
    stack.damage("S#demo#V#a:phone", &sk, "{\"k\":\"unheard-of\"}").await;
    let page = stack.table.events_page(&shop(), &phone, Millis(0), None, 10).await.unwrap();
    assert_eq!((ids(&page.events), page.unreadable), (vec!["m0000", "m0002", "m0003"], 1));
    stack.damage("S#demo#V#a:phone", "~PROFILE", "[]").await;
    let tail = stack.table.tail(&shop(), &phone, Millis(0), 10).await.unwrap();
    assert_eq!((ids(&tail.events), tail.unreadable), (vec!["m0000", "m0002", "m0003"], 2));
    // A profile that cannot be read is written over: its version is known.
    assert_eq!((tail.profile, tail.version), (None, 1));
    stack.table.save_profile(&shop(), &profile(&phone, &all, 2), None).await.unwrap();
}
