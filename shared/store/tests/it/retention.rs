//! What is over is not read, and goes from the disk.
#![allow(clippy::print_stdout, reason = "figures for --nocapture")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::value::RawValue;
use serde_json::{Value, json};
use vitrine_domain::time::{DAY, HOUR};
use vitrine_domain::{Millis, Profile};
use vitrine_store::decisions::DecisionKey;
use vitrine_store::erasures::Until;
use vitrine_store::jobs::{Job, JobKind};
use vitrine_store::lake::Kind;
use vitrine_store::profiles::Base;
use vitrine_store::staff::{Role, Staff};
use vitrine_store::tombstones::TombstoneKey;

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
    println!(
        "figure: of 100 days events, profiles and imports are read on day 100 and gone on day 101, decisions on day 90; 6 items on disk, then {}",
        items().await
    );
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
    let ended = table.delete_expired().await.unwrap();
    assert_eq!(ended, 2);
    println!("figure: a link not noted for 101 days is not read, {ended} items go");
}

#[tokio::test]
async fn jobs_sessions_compacted_states_and_the_past_of_settings_end_and_what_an_erasure_leaves_does_not() {
    let stack = Stack::start().await;
    let clock = Arc::new(AtomicI64::new(NOW.0));
    let read = clock.clone();
    let table = stack.table.clone().keeping(100 * DAY, move || Millis(read.load(Ordering::SeqCst)));
    let (anna, bert) = (device("anna"), device("bert"));
    let job = Job::new(JobKind::Orders, Value::Null, NOW).unwrap();
    table.put_job(&shop(), &job).await.unwrap();
    let staff = Staff { name: "eve".into(), role: Role::Viewer, password: String::new(), created: NOW, changed: NOW };
    let (key, _) = table.create_session(&shop(), staff.grant(), NOW.plus(8 * HOUR), NOW).await.unwrap();
    let viewed = event(&anna, "1", NOW);
    let folded = Profile { compacted: Some(NOW), ..profile(&anna, std::slice::from_ref(&viewed), 1) };
    let base = Base { horizon: NOW, linked: Vec::new(), state: folded.state.clone() };
    table.save_profile(&shop(), &folded, Some(&base)).await.unwrap();
    for (version, value) in [(0, 1), (1, 2)] {
        table.put_setting_by(&shop(), "rule", "up", &json!({ "any": value }), version, "key").await.unwrap();
    }
    let tombstone_key = TombstoneKey::new("a secret of thirty-two characters");
    let erased = table.erase(&tombstone_key, &shop(), &bert, Until::Ever, NOW).await.unwrap();

    // Whether each is read, and whether anything of it lies on the disk once what is over was deleted.
    let look = async || {
        let job = table.job(&shop(), &job.id).await.unwrap().is_some();
        let session = table.api_key(&key).await.unwrap().is_some();
        let state = table.base(&shop(), &anna).await.unwrap().is_some();
        let past = table.setting_history(&shop(), "rule", "up").await.unwrap().len() > 1;
        assert!(table.barred_now(&tombstone_key, &shop(), [bert.clone()]).await.unwrap().is_whole(&bert));
        assert_eq!(table.erasure(&shop(), &erased.id).await.unwrap().as_ref(), Some(&erased));
        assert!(table.setting::<Value>(&shop(), "rule", "up").await.unwrap().is_some());
        let read = [job, session, state, past];
        table.delete_expired().await.unwrap();
        let items = stack.dump().await;
        let lies = |begins: &str| items.iter().any(|item| item["SK"].as_str().unwrap().starts_with(begins));
        let hash = format!("K#{}", vitrine_store::api_keys::hash(&key));
        let session = items.iter().any(|item| item["PK"] == json!(hash));
        assert_eq!([lies("~J#"), session, lies("!BASE"), lies("~H#")], read);
        read
    };
    for (after, expected) in [
        (0, [true, true, true, true]),
        (8 * HOUR, [true, false, true, true]),
        (30 * DAY, [false, false, true, true]),
        (100 * DAY, [false, false, true, true]),
        // A setting's past ends 100 days after it was written by the table's own clock, which is that of the wall.
        (101 * DAY, [false, false, false, true]),
        (10_000 * DAY, [false, false, false, false]),
    ] {
        clock.store(NOW.plus(after).0, Ordering::SeqCst);
        assert_eq!(look().await, expected, "after {} hours", after / HOUR);
    }
}

#[tokio::test]
async fn the_lake_ends_by_its_days() {
    let folder = tempfile::tempdir().unwrap();
    let objects = vitrine_store::Objects::folder(folder.path()).unwrap();
    for day in ["2026-01-01", "2026-01-02", "not-a-day!"] {
        objects.write_lake(&shop(), Kind::Events, day, "1", &["{}".to_owned()]).await.unwrap();
    }
    let expired = objects.expire_lake(&shop(), Kind::Events, "2026-01-02").await.unwrap();
    assert_eq!(expired, 1);
    let left: Vec<String> =
        objects.lake_files(&shop(), Kind::Events).await.unwrap().into_iter().map(|e| e.key).collect();
    assert!(left.len() == 2 && !left[0].contains("01-01"), "{left:?}");
    println!("figure: {expired} of {expired} files of the lake whose day is over, 0 others");
}
