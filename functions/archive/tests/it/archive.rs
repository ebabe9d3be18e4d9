//! Files, redelivery, damage, compaction.

use std::future::poll_fn;
use std::pin::pin;

use aws_lambda_events::event::dynamodb::EventRecord;
use serde_json::Value;
use serde_json::value::RawValue;
use vitrine_archive::compact;
use vitrine_domain::time::DAY;
use vitrine_domain::{Action, Event, Millis, Visitor};
use vitrine_store::decisions::DecisionKey;
use vitrine_store::erasures::Until;
use vitrine_store::lake::Kind;

use crate::support::{NOW, Stack, dated, deliver, event, shop};

const NONE: Vec<String> = Vec::new();

async fn decide(stack: &Stack, name: &str, document: &str) {
    let key = DecisionKey { visitor: None, time: NOW, nonce: name.to_owned() };
    let document = RawValue::from_string(document.to_owned()).unwrap();
    stack.table().put_decision(&shop("one"), &key, &document).await.unwrap();
}

#[tokio::test]
async fn a_batch_becomes_one_file_for_each_shop_kind_and_day() {
    let stack = Stack::start().await;
    let (one, two) = (shop("one"), shop("two"));
    let events: Vec<Event> = (0..6).map(event).collect();
    stack.table().import_events(&one, &events[..4]).await.unwrap();
    stack.table().import_events(&two, &events[4..]).await.unwrap();
    decide(&stack, "abc", "{\"placement\": \"home\",\n \"items\": [1, 2]}").await;
    // What the lake does not keep.
    let (device, user) = (Visitor::anonymous("device-1").unwrap(), Visitor::known("anna").unwrap());
    stack.table().link(&one, &device, &user, NOW).await.unwrap();
    let told = Event { action: Action::Audience, ..event(7) };
    stack.table().import_events(&one, &[told]).await.unwrap();
    let mut batch = stack.records().await;
    assert_eq!(batch.len(), 10);
    batch[3] = dated(&batch[3], NOW.plus(DAY));
    assert_eq!(deliver(&stack, &batch).await, NONE);

    let (today, tomorrow) = (NOW.day(), NOW.plus(DAY).day());
    let folders: Vec<String> =
        stack.files().await.iter().map(|file| file.rsplit_once('/').unwrap().0.to_owned()).collect();
    assert_eq!(
        folders,
        [
            format!("shops/one/decisions/{today}"),
            format!("shops/one/events/{today}"),
            format!("shops/one/events/{tomorrow}"),
            format!("shops/two/events/{today}"),
        ]
    );
    assert_eq!(stack.events(&one).await, events[..4]);
    assert_eq!(stack.events(&two).await, events[4..]);
    let decisions = stack.lines(&stack.files().await[0]).await;
    assert_eq!(decisions, [format!("{{\"t\":{},\"nonce\":\"abc\",\"items\":[1,2],\"placement\":\"home\"}}", NOW.0)]);
}

#[tokio::test]
async fn the_stream_of_the_table_dates_its_records() {
    let stack = Stack::start().await;
    stack.table().put_event(&shop("one"), &event(0)).await.unwrap();
    let records = stack.records_as_dated().await;
    // The engine's own clock: all that can be said is that it is not the epoch, nor the time that the event names.
    let written = records[0].change.approximate_creation_date_time.timestamp_millis();
    assert!(written > 1_700_000_000_000 && written != NOW.0, "{written}");
    assert_eq!(deliver(&stack, &records).await, NONE);
    let day = vitrine_domain::Millis(written).day();
    assert!(stack.files().await[0].starts_with(&format!("shops/one/events/{day}/")));
}

#[tokio::test]
async fn a_batch_that_comes_again_writes_the_same_files_and_readers_drop_what_comes_in_other_pieces() {
    let stack = Stack::start().await;
    let one = shop("one");
    let events: Vec<Event> = (0..20).map(event).collect();
    stack.table().import_events(&one, &events).await.unwrap();
    let records = stack.records().await;
    assert_eq!(deliver(&stack, &records).await, NONE);
    let files = stack.files().await;
    let bytes = stack.context.objects.get(&files[0]).await.unwrap().unwrap();
    assert_eq!(deliver(&stack, &records).await, NONE);
    assert_eq!(stack.files().await, files);
    assert_eq!(stack.context.objects.get(&files[0]).await.unwrap().unwrap(), bytes);
    assert_eq!(files.len(), 1);

    for part in [&records[..7], &records[5..], &records[..1]] {
        assert_eq!(deliver(&stack, part).await, NONE);
    }
    assert_eq!(stack.files().await.len(), 4);
    assert_eq!(stack.events(&one).await, events);
}

fn damage(record: &mut EventRecord, how: impl Fn(&mut Value)) {
    let mut value = serde_json::to_value(&*record).unwrap();
    how(&mut value["dynamodb"]);
    *record = serde_json::from_value(value).unwrap();
}

#[tokio::test]
async fn malformed_records_are_named_one_by_one() {
    let stack = Stack::start().await;
    let one = shop("one");
    let events: Vec<Event> = (0..5).map(event).collect();
    stack.table().import_events(&one, &events).await.unwrap();
    decide(&stack, "abc", "{}").await;
    let mut records = stack.records().await;
    let place = |n: usize| {
        let id = format!("#m{n:04}");
        records.iter().position(|record| format!("{:?}", record.change.keys).contains(&id)).unwrap()
    };
    let (no_document, no_json, no_key) = (place(0), place(2), place(4));
    damage(&mut records[no_document], |r| r["NewImage"] = serde_json::json!({}));
    damage(&mut records[no_json], |r| r["NewImage"]["d"]["S"] = "{".into());
    damage(&mut records[no_key], |r| r["Keys"]["PK"]["S"] = "S#UPPER#V#a:x".into());
    damage(&mut records[5], |r| r["NewImage"]["d"]["S"] = "{\"a\":".into());
    let mut expected: Vec<String> =
        [no_document, no_json, no_key, 5].iter().map(|n| records[*n].change.sequence_number.clone().unwrap()).collect();
    let mut failed = deliver(&stack, &records).await;
    expected.sort();
    failed.sort();
    assert_eq!(failed, expected);
    assert_eq!(stack.events(&one).await, [events[1].clone(), events[3].clone()]);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_fails_its_own_records_only() {
    let stack = Stack::start().await;
    let (one, two) = (shop("one"), shop("two"));
    stack.table().put_event(&one, &event(1)).await.unwrap();
    stack.table().put_event(&two, &event(2)).await.unwrap();
    let records = stack.records().await;
    // A file where the shop's folder should be.
    std::fs::create_dir_all(stack.folder.path().join("shops")).unwrap();
    std::fs::write(stack.folder.path().join("shops/one"), "in the way").unwrap();
    assert_eq!(deliver(&stack, &records).await, [records[0].change.sequence_number.clone().unwrap()]);
    assert_eq!(stack.events(&two).await, [event(2)]);
    std::fs::remove_file(stack.folder.path().join("shops/one")).unwrap();
    assert_eq!(deliver(&stack, &records).await, NONE);
    assert_eq!(stack.events(&one).await, [event(1)]);
}

#[tokio::test]
async fn compaction_keeps_files_few_and_loses_nothing() {
    let stack = Stack::start().await;
    let (one, two) = (shop("one"), shop("two"));
    let events: Vec<Event> = (0..100).map(event).collect();
    stack.table().import_events(&one, &events).await.unwrap();
    stack.table().import_events(&two, &events[..3]).await.unwrap();
    let records = stack.records().await;
    let (ones, twos) = records.split_at(100);
    for part in ones.chunks(9) {
        assert_eq!(deliver(&stack, part).await, NONE);
    }
    assert_eq!(deliver(&stack, twos).await, NONE);
    assert_eq!(compact(&stack.context).await.unwrap(), 12);
    assert_eq!(stack.files().await.len(), 2, "one for each shop");
    assert_eq!(stack.events(&one).await, events);
    assert_eq!(stack.events(&two).await, events[..3]);
    assert_eq!(compact(&stack.context).await.unwrap(), 0);

    // An import that corrects an event after the merge is what readers see.
    let mut corrected = events[5].clone();
    corrected.name = Some("corrected".to_owned());
    stack.table().import_events(&one, std::slice::from_ref(&corrected)).await.unwrap();
    assert_eq!(deliver(&stack, &stack.records().await).await, NONE);
    assert_eq!(stack.events(&one).await[5], corrected);
    assert_eq!(stack.events(&one).await.len(), 100);
}

#[tokio::test]
async fn what_is_over_of_every_shop_goes_before_anything_is_merged() {
    let stack = Stack::start().await;
    let (one, two) = (shop("one"), shop("two"));
    let line = |n: usize| vec![serde_json::to_string(&event(n)).unwrap()];
    let objects = &stack.context.objects;
    for n in 0..8 {
        objects.write_lake(&one, Kind::Events, &NOW.day(), &format!("{n}"), &line(n)).await.unwrap();
    }
    let over = objects.write_lake(&two, Kind::Events, "2020-01-01", "0", &line(9)).await.unwrap();
    let folder = stack.folder.path().to_owned();
    let merged = || {
        let names = std::fs::read_dir(folder.join("shops/one/events").join(NOW.day())).unwrap();
        names.filter_map(Result::ok).any(|entry| entry.file_name().to_string_lossy().starts_with("-merged-"))
    };
    // Looked at after each of its steps: a merge that ends the function, for want of memory say, must not keep what is over.
    let mut work = pin!(compact(&stack.context));
    let count = poll_fn(|context| {
        let step = work.as_mut().poll(context);
        assert!(!merged() || !folder.join(&over).exists(), "the first shop was merged before the second one's turn");
        step
    });
    assert_eq!(count.await.unwrap(), 8);
    assert!(merged() && !folder.join(&over).exists());
}

#[tokio::test]
async fn what_slips_in_of_the_erased_is_deleted_and_never_archived() {
    let stack = Stack::start().await;
    let (one, table, key) = (shop("one"), stack.table(), stack.context.tombstone_key());
    let (phone, anna, bert) =
        (Visitor::anonymous("phone").unwrap(), Visitor::known("anna").unwrap(), Visitor::known("bert").unwrap());
    table.link(&one, &phone, &anna, NOW).await.unwrap();
    table.erase(&key, &one, &anna, Until::Ever, NOW).await.unwrap();
    stack.records().await;
    // What was under way meanwhile.
    let of = |visitor: &Visitor, n: usize| Event { visitor: visitor.clone(), ..event(n) };
    let mut berts = of(&bert, 3);
    berts.device_id = Some("phone".to_owned());
    table.import_events(&one, &[of(&anna, 1), of(&phone, 2), berts.clone(), event(4)]).await.unwrap();
    table.link(&one, &phone, &bert, NOW).await.unwrap();
    let of = |visitor: Option<&Visitor>, nonce: &str| DecisionKey {
        visitor: visitor.cloned(),
        time: NOW,
        nonce: nonce.to_owned(),
    };
    let decisions = [
        (of(Some(&phone), "own"), "{}", false),
        // What Bert was shown on the phone, in a list that goes on from the phone's, and to nobody in such a list.
        (of(Some(&bert), "device"), r#"{"dv":"phone"}"#, false),
        (of(Some(&bert), "after"), r#"{"a":{"t":1,"n":"x","v":"a:phone"}}"#, false),
        (of(None, "nobodys"), r#"{"a":{"t":1,"n":"x","v":"u:anna"}}"#, false),
        (of(Some(&bert), "other"), r#"{"dv":"tablet"}"#, true),
    ];
    for (key, document, _) in &decisions {
        table.put_decision(&one, key, &RawValue::from_string((*document).to_owned()).unwrap()).await.unwrap();
    }
    assert_eq!(deliver(&stack, &stack.records().await).await, NONE);

    berts.device_id = None;
    assert_eq!(stack.events(&one).await, [berts.clone(), event(4)]);
    let files = stack.files().await;
    assert_eq!(files.len(), 2, "{files:?}");
    let archived = stack.lines(&files[0]).await;
    assert!(archived.len() == 1 && archived[0].contains("tablet"), "{archived:?}");
    for visitor in [&anna, &phone] {
        assert_eq!(table.history(&one, visitor, Millis(0)).await.unwrap(), (vec![], vec![]));
    }
    assert_eq!(table.history(&one, &bert, Millis(0)).await.unwrap(), (vec![berts], vec![]));
    for (key, document, stays) in &decisions {
        assert_eq!(table.decision(&one, key).await.unwrap().is_some(), *stays, "{document}");
    }
}

/// Another running copy of a function may not know of a refusal for half a minute.
#[tokio::test]
async fn what_is_written_of_somebody_who_has_just_refused_is_deleted_and_never_archived() {
    let stack = Stack::start().await;
    let (one, table, key) = (shop("one"), stack.table(), stack.context.tombstone_key());
    let (phone, anna) = (Visitor::anonymous("phone").unwrap(), Visitor::known("anna").unwrap());
    table.note_refusal(&key, &one, &phone, true, NOW).await.unwrap();
    stack.records().await;
    let taken_in = |n: usize, after: i64| {
        let time = NOW.plus(after);
        Event { visitor: phone.clone(), time, received: time, ..event(n) }
    };
    // What comes long after agreed by itself.
    let (slipped, later) = (taken_in(1, 29_000), taken_in(2, 120_000));
    table.import_events(&one, &[slipped, later.clone(), event(3)]).await.unwrap();
    table.link(&one, &phone, &anna, NOW).await.unwrap();
    let decision = DecisionKey { visitor: Some(phone.clone()), time: NOW.plus(29_000), nonce: "abc".to_owned() };
    table.put_decision(&one, &decision, &RawValue::from_string("{}".to_owned()).unwrap()).await.unwrap();
    assert_eq!(deliver(&stack, &stack.records().await).await, NONE);
    assert_eq!(stack.events(&one).await, [later.clone(), event(3)]);
    assert_eq!(stack.files().await.len(), 1, "no decision");
    assert_eq!(table.history(&one, &phone, Millis(0)).await.unwrap(), (vec![later], vec![]));
    assert!(table.decision(&one, &decision).await.unwrap().is_none());
    // Whoever agrees again is kept again.
    table.note_refusal(&key, &one, &phone, false, NOW.plus(30_000)).await.unwrap();
    let again = taken_in(4, 40_000);
    table.import_events(&one, std::slice::from_ref(&again)).await.unwrap();
    assert_eq!(deliver(&stack, &stack.records().await).await, NONE);
    assert!(stack.events(&one).await.contains(&again));
}

#[tokio::test]
async fn files_that_are_merged_while_somebody_is_erased_do_not_bring_them_back() {
    let stack = Stack::start().await;
    let (one, key) = (shop("one"), stack.context.tombstone_key());
    let events: Vec<Event> = (0..20).map(event).collect();
    stack.table().import_events(&one, &events).await.unwrap();
    for part in stack.records().await.chunks(2) {
        assert_eq!(deliver(&stack, part).await, NONE);
    }
    // Erased and swept, as a training does it, but for a file that was read to be merged before.
    stack.table().erase(&key, &one, &events[3].visitor, Until::Ever, NOW).await.unwrap();
    compact(&stack.context).await.unwrap();
    let left = stack.events(&one).await;
    let others: Vec<Event> = events.iter().filter(|event| event.visitor != events[3].visitor).cloned().collect();
    assert!(others.len() < events.len());
    assert_eq!(left, others);
}
