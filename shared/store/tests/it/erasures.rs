//! Tombstones, and what they do after a table was restored.

use vitrine_domain::{Millis, Span};
use vitrine_store::erasures::Until;
use vitrine_store::tombstones::{Guard, TombstoneKey};

use crate::support::{NOW, Stack, device, event, other_shop, profile, shop, user};

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
    fill().await;
    assert_eq!(table.replay_erasures(&key, &shop(), &[record]).await.unwrap(), 5);
    assert_eq!(stack.dump().await, after);
    let (bert_events, _) = table.history(&shop(), &bert, Millis(0)).await.unwrap();
    assert_eq!(bert_events.len(), 1);
}
