//! What is over is not read, and goes from the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::value::RawValue;
use vitrine_domain::Millis;
use vitrine_domain::time::DAY;
use vitrine_store::decisions::DecisionKey;
use vitrine_store::lake::Kind;

use crate::support::{NOW, Stack, device, event, profile, shop};

#[tokio::test]
async fn events_profiles_and_decisions_end_on_their_day_whether_or_not_they_were_cleaned_up() {
    let stack = Stack::start().await;
    let clock = Arc::new(AtomicI64::new(NOW.0));
    let read = clock.clone();
    let table = stack.table.clone().keeping(100 * DAY, move || Millis(read.load(Ordering::SeqCst)));
    let anna = device("anna");
    let (old, young) = (event(&anna, "old", NOW.plus(-50 * DAY)), event(&anna, "young", NOW));
    table.put_event(&shop(), &old).await.unwrap();
    table.put_event_without_time(&shop(), &young).await.unwrap();
    table.save_profile(&shop(), &profile(&anna, &[old.clone(), young.clone()], 1), None).await.unwrap();
    let decision = DecisionKey { visitor: Some(anna.clone()), time: NOW, nonce: "abc".to_owned() };
    let document = RawValue::from_string("{}".to_owned()).unwrap();
    table.put_decision(&shop(), &decision, &document).await.unwrap();
    // An order book that is imported now is as young as its import.
    let mut book = event(&anna, "book", NOW.plus(-4000 * DAY));
    book.received = NOW;
    table.import_events(&shop(), std::slice::from_ref(&book)).await.unwrap();

    let seen = async || {
        let (events, _) = table.history(&shop(), &anna, Millis(0)).await.unwrap();
        let ids: Vec<String> = events.iter().map(|event| event.id.to_string()).collect();
        let decisions = table.recent_decisions(&shop(), &anna, 9, None).await.unwrap().len();
        assert_eq!(table.decision(&shop(), &decision).await.unwrap().is_some(), decisions == 1);
        (ids.join(" "), table.profile(&shop(), &anna).await.unwrap().is_some(), decisions)
    };
    let items = async || stack.dump().await.len();
    let move_to = |days: i64| clock.store(NOW.plus(days * DAY).0, Ordering::SeqCst);
    assert_eq!((seen().await, items().await), (("book old young".to_owned(), true, 1), 6));
    for (days, expected, left) in [
        (50, ("book old young", true, 1), 6),
        (51, ("book young", true, 1), 5),
        (89, ("book young", true, 1), 5),
        (90, ("book young", true, 0), 4),
        (100, ("book young", true, 0), 4),
        (101, ("", false, 0), 0),
    ] {
        move_to(days);
        let (ids, known, decisions) = seen().await;
        assert_eq!((ids.as_str(), known, decisions), expected, "after {days} days");
        table.delete_expired().await.unwrap();
        assert_eq!(items().await, left, "after {days} days");
    }
}

#[tokio::test]
async fn a_link_ends_when_it_was_not_noted_for_as_long_as_events_are_kept() {
    let stack = Stack::start().await;
    let clock = Arc::new(AtomicI64::new(NOW.0));
    let read = clock.clone();
    let table = stack.table.clone().keeping(100 * DAY, move || Millis(read.load(Ordering::SeqCst)));
    let (phone, anna) = (device("phone"), crate::support::user("anna"));
    let linked = async || table.links(&shop(), &anna).await.unwrap().first().map(|link| link.since);
    for (day, noted, expected) in [
        (0, Some(NOW), Some(NOW)),
        // An earlier time from before counts from now on too.
        (60, Some(NOW.plus(-DAY)), Some(NOW.plus(-DAY))),
        (120, Some(NOW.plus(120 * DAY)), Some(NOW.plus(-DAY))),
        // Noted again so soon that its end need not move.
        (121, Some(NOW.plus(121 * DAY)), Some(NOW.plus(-DAY))),
        (220, None, Some(NOW.plus(-DAY))),
        (221, None, None),
        (222, Some(NOW.plus(222 * DAY)), Some(NOW.plus(222 * DAY))),
    ] {
        clock.store(NOW.plus(day * DAY).0, Ordering::SeqCst);
        if let Some(since) = noted {
            table.link(&shop(), &phone, &anna, since).await.unwrap();
        }
        assert_eq!(linked().await, expected, "day {day}");
        assert_eq!(table.links(&shop(), &phone).await.unwrap().len(), usize::from(expected.is_some()));
    }
    clock.store(NOW.plus(400 * DAY).0, Ordering::SeqCst);
    assert_eq!(table.delete_expired().await.unwrap(), 2);
}

#[tokio::test]
async fn the_lake_ends_by_its_days() {
    let folder = tempfile::tempdir().unwrap();
    let objects = vitrine_store::Objects::folder(folder.path()).unwrap();
    for day in ["2026-01-01", "2026-01-02", "not-a-day!"] {
        objects.write_lake(&shop(), Kind::Events, day, "1", &["{}".to_owned()]).await.unwrap();
    }
    assert_eq!(objects.expire_lake(&shop(), Kind::Events, "2026-01-02").await.unwrap(), 1);
    let left: Vec<String> =
        objects.lake_files(&shop(), Kind::Events).await.unwrap().into_iter().map(|e| e.key).collect();
    assert!(left.len() == 2 && !left[0].contains("01-01"), "{left:?}");
}
