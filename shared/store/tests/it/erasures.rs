//! Tombstones, and what they do after a table was restored.

use serde_json::json;
use serde_json::value::RawValue;
use vitrine_domain::time::{HOUR, MINUTE};
use vitrine_domain::{Action, Event, Millis, Span, Visitor};
use vitrine_store::decisions::DecisionKey;
use vitrine_store::erasures::Until;
use vitrine_store::tombstones::{Guard, TombstoneKey};

use crate::support::{NOW, Stack, device, event, ids, other_shop, profile, shop, user};

const KEY: &str = "a secret of thirty-two characters";

#[tokio::test]
async fn a_guard_remembers_for_half_a_minute_and_asks_for_the_rest() {
    let stack = Stack::start().await;
    let (table, guard) = (&stack.table, Guard::new(TombstoneKey::new(KEY)));
    let many: Vec<_> = (0..230).map(|n| device(&format!("d{n}"))).collect();
    let whole = async |now: Millis| {
        let barred = table.barred(&guard, &shop(), many.clone(), now).await.unwrap();
        many.iter().filter(|visitor| barred.is_whole(visitor)).count()
    };
    assert_eq!(whole(NOW).await, 0);
    for erased in &many[..3] {
        table.erase(guard.key(), &shop(), erased, Until::Ever, NOW).await.unwrap();
    }
    assert_eq!((whole(NOW.plus(29_999)).await, whole(NOW.plus(30_000)).await), (0, 3));
    let elsewhere = table.barred(&guard, &other_shop(), many.clone(), NOW).await.unwrap();
    assert!(elsewhere.is_empty());
}

#[tokio::test]
async fn what_was_withdrawn_is_barred_up_to_then_and_a_longer_time_swallows_a_shorter_one() {
    let stack = Stack::start().await;
    let (table, key, anna) = (&stack.table, TombstoneKey::new(KEY), device("anna"));
    table.put_event(&shop(), &event(&anna, "1", NOW)).await.unwrap();
    table.note_refusal(&key, &shop(), &anna, true, NOW).await.unwrap();
    table.put_event(&shop(), &event(&anna, "2", NOW.plus(2))).await.unwrap();
    table.note_refusal(&key, &shop(), &anna, true, NOW.plus(5)).await.unwrap();
    table.note_refusal(&key, &shop(), &anna, false, NOW.plus(6)).await.unwrap();
    let barred = table.barred_now(&key, &shop(), [anna.clone()]).await.unwrap();
    assert!(!barred.refused(&anna) && !barred.is_whole(&anna));
    assert_eq!([0, 5, 6].map(|ms| barred.holds(&anna, NOW.plus(ms))), [true, true, false]);
    let tombstones = stack.dump().await.into_iter().filter(|item| item["SK"] == "TOMBSTONE").collect::<Vec<_>>();
    assert_eq!(tombstones[0]["d"]["s"].as_array().unwrap().len(), 1, "{tombstones:?}");
    assert_eq!(table.waiting_erasures(&shop()).await.unwrap().len(), 2);
}

/// A tablet whose clock is two hours ahead, and a phone whose owner withdraws their consent.
#[tokio::test]
async fn a_clock_that_is_ahead_keeps_nothing_back_and_gives_nobody_what_is_anothers() {
    let stack = Stack::start().await;
    let (table, key) = (&stack.table, TombstoneKey::new(KEY));
    let (tablet, phone, bert, anna) = (device("tablet"), device("phone"), user("bert"), user("anna"));
    let seen = |of: &Visitor, id: &str, minutes: i64| Event {
        received: NOW.plus(minutes * MINUTE),
        ..event(of, id, NOW.plus(minutes * MINUTE + 2 * HOUR))
    };
    let fill = async || {
        for (user, minutes) in [(&bert, -60), (&anna, -30)] {
            table.link(&shop(), &tablet, user, NOW.plus(minutes * MINUTE + 2 * HOUR)).await.unwrap();
        }
        let hers = [seen(&tablet, "hers", -40), seen(&tablet, "also-hers", -10), seen(&anna, "known", -5)];
        let others = [seen(&tablet, "his", -70), seen(&phone, "phones", -1)];
        table.import_events(&shop(), &[&hers[..], &others[..]].concat()).await.unwrap();
    };
    let left = async || {
        let mut left = Vec::new();
        for visitor in [&tablet, &anna, &phone] {
            let (events, _) = table.history(&shop(), visitor, Millis(0)).await.unwrap();
            left.extend(ids(&events).into_iter().map(str::to_owned));
        }
        left
    };
    fill().await;
    table.erase(&key, &shop(), &anna, Until::Ever, NOW).await.unwrap();
    assert_eq!(left().await, ["his", "phones"]);
    table.note_refusal(&key, &shop(), &phone, true, NOW).await.unwrap();
    assert_eq!(left().await, ["his"]);
    // Late or slipped in, and what comes after it.
    let barred = table.barred_now(&key, &shop(), [tablet.clone(), phone.clone()]).await.unwrap();
    let admitted = |of: &Visitor, minutes| barred.admit(seen(of, "m", minutes)).is_some();
    assert_eq!([-70, -40, -10, 1].map(|minutes| admitted(&tablet, minutes)), [true, false, false, true]);
    assert_eq!([-1, 0, 1].map(|minutes| admitted(&phone, minutes)), [false, false, true]);

    fill().await;
    let records = table.waiting_erasures(&shop()).await.unwrap();
    assert_eq!(records.len(), 2);
    table.replay_erasures(&key, &shop(), &records).await.unwrap();
    assert_eq!(left().await, ["his"]);
}

#[tokio::test]
async fn erasures_act_again_on_a_table_that_was_restored() {
    let stack = Stack::start().await;
    let (table, key) = (&stack.table, TombstoneKey::new(KEY));
    let (anna, phone, bert) = (user("anna"), device("phone"), user("bert"));
    let fill = async || {
        table.link(&shop(), &phone, &anna, NOW).await.unwrap();
        for visitor in [&anna, &phone, &bert] {
            table.put_event(&shop(), &event(visitor, "1", NOW)).await.unwrap();
            table.put_event(&other_shop(), &event(visitor, "1", NOW)).await.unwrap();
        }
        table.save_profile(&shop(), &profile(&anna, &[], 1), None).await.unwrap();
    };
    fill().await;
    let record = table.erase(&key, &shop(), &anna, Until::Ever, NOW).await.unwrap();
    assert!(record.reach.values().all(|spans| spans.contains(&Span::ALWAYS)) && record.reach.len() == 2);
    let after = stack.dump().await;
    // As a backup of before has it.
    let tombstones: Vec<String> = after
        .iter()
        .filter_map(|item| item["PK"].as_str())
        .filter(|pk| pk.contains("#T#"))
        .map(str::to_owned)
        .collect();
    for pk in &tombstones {
        stack.delete(pk, "TOMBSTONE").await;
    }
    stack.delete("S#demo#R", &format!("W#{}", record.id)).await;
    fill().await;
    // The copy is of when it was done; the objects may be of before.
    let mut copy = record.clone();
    copy.completed = Some(NOW);
    assert_eq!(table.replay_erasures(&key, &shop(), std::slice::from_ref(&copy)).await.unwrap(), 5);
    assert_eq!(stack.dump().await, after);
    assert_eq!(table.waiting_erasures(&shop()).await.unwrap(), [record]);
    // What was done before the backup is done.
    table.end_erasure(&shop(), &copy).await.unwrap();
    assert_eq!(table.replay_erasures(&key, &shop(), &[copy]).await.unwrap(), 0);
    assert!(table.waiting_erasures(&shop()).await.unwrap().is_empty());
    let (bert_events, _) = table.history(&shop(), &bert, Millis(0)).await.unwrap();
    assert_eq!(bert_events.len(), 1);
}

/// A customer who stays and used a device that is erased: in a log-in, in what names it as their former self, in a list they
/// were shown, and in one that was shown to nobody but went on with a list of the device.
#[tokio::test]
async fn a_customer_who_stays_forgets_an_erased_device_in_whatever_names_it_and_again_after_a_restore() {
    let stack = Stack::start().await;
    let (table, key) = (&stack.table, TombstoneKey::new(KEY));
    let (phone, bert) = (device("phone"), user("bert"));
    let fill = async || {
        table.link(&shop(), &phone, &bert, NOW).await.unwrap();
        let mut login = event(&bert, "1", NOW);
        login.device_id = Some("phone".to_owned());
        let mut alias = Event { action: Action::Alias, ..event(&bert, "2", NOW.plus(1)) };
        alias.properties.insert("previousId".to_owned(), json!("phone"));
        let events = [login, alias, event(&bert, "3", NOW.plus(2)), event(&phone, "4", NOW)];
        table.import_events(&shop(), &events).await.unwrap();
        let decision = |visitor| DecisionKey { visitor, time: NOW, nonce: "abc".to_owned() };
        let document = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        table.put_decision(&shop(), &decision(Some(bert.clone())), &document(r#"{"dv":"phone"}"#)).await.unwrap();
        let own = DecisionKey { nonce: "own".to_owned(), ..decision(Some(bert.clone())) };
        table.put_decision(&shop(), &own, &document("{}")).await.unwrap();
        table.save_profile(&shop(), &profile(&bert, &[], 1), None).await.unwrap();
    };
    fill().await;
    let record = table.erase(&key, &shop(), &phone, Until::Ever, NOW).await.unwrap();
    let after = stack.dump().await;
    assert!(!json!(after).to_string().contains("phone"), "{after:#?}");
    let (events, _) = table.history(&shop(), &bert, Millis(0)).await.unwrap();
    assert_eq!(events.len(), 3);
    assert_eq!(table.recent_decisions(&shop(), &bert, 9, None).await.unwrap().len(), 1);

    fill().await;
    let nobodys = DecisionKey { visitor: None, time: NOW, nonce: "nobodys".to_owned() };
    let document = RawValue::from_string(r#"{"a":{"t":1,"n":"x","v":"a:phone"}}"#.to_owned()).unwrap();
    table.put_decision(&shop(), &nobodys, &document).await.unwrap();
    // Both sides of the link, the device's event, two decisions, the profile; two events are rewritten.
    assert_eq!(table.replay_erasures(&key, &shop(), std::slice::from_ref(&record)).await.unwrap(), 8);
    assert_eq!(stack.dump().await, after);
    assert_eq!(table.replay_erasures(&key, &shop(), &[record]).await.unwrap(), 0);
}
