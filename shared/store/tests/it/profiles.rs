//! The profile and what came after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::value::RawValue;
use vitrine_domain::profile::Link;
use vitrine_domain::time::DAY;
use vitrine_domain::{Millis, Profile};
use vitrine_store::Error;
use vitrine_store::decisions::DecisionKey;
use vitrine_store::profiles::Base;

use crate::support::{NOW, Stack, device, event, events, ids, other_shop, profile, shop, user};

#[tokio::test]
async fn nothing_is_known_of_a_new_visitor() {
    let stack = Stack::start().await;
    let recent = stack.table.recent(&shop(), &device("new")).await.unwrap();
    assert!(recent.profile.is_none() && recent.events.is_empty() && recent.links.is_empty());
    assert_eq!(recent.newest, None);
}

#[tokio::test]
async fn recent_holds_the_profile_the_links_and_every_unfolded_event_and_nothing_else() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let all = events(&phone, 90);
    stack.table.import_events(&shop(), &all).await.unwrap();
    let folded = profile(&phone, &all[..40], 1);
    stack.table.save_profile(&shop(), &folded, None).await.unwrap();
    stack.table.link(&shop(), &phone, &user("anna"), NOW).await.unwrap();
    // What must never be met: decisions and marks, both of the newest time.
    let key = DecisionKey { visitor: Some(phone.clone()), time: NOW.plus(9), nonce: "n".to_owned() };
    let decision = RawValue::from_string("{}".to_owned()).unwrap();
    stack.table.put_decision(&shop(), &key, &decision).await.unwrap();
    stack.table.put_event_without_time(&shop(), &event(&phone, "zz", NOW.plus(1))).await.unwrap();

    let recent = stack.table.recent(&shop(), &phone).await.unwrap();
    assert_eq!(recent.profile, Some(folded));
    assert_eq!(recent.links, [Link { other: user("anna"), since: NOW }]);
    assert_eq!(recent.newest.as_deref(), Some("E#1790000000001#zz"));
    // Fifty-one are unfolded, many more than a first page holds; they come in fold order, gapless up to the newest.
    let found = ids(&recent.events);
    let mut expected = ids(&all);
    expected.push("zz");
    assert!(found.len() >= 51, "{}", found.len());
    assert_eq!(found, expected[expected.len() - found.len()..]);
}

#[tokio::test]
async fn recent_stops_soon_where_the_profile_knows_the_newest_event() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let all = events(&phone, 90);
    stack.table.import_events(&shop(), &all).await.unwrap();
    stack.table.save_profile(&shop(), &profile(&phone, &all, 1), None).await.unwrap();
    let recent = stack.table.recent(&shop(), &phone).await.unwrap();
    assert!(recent.events.len() < 16, "one page, not {} events", recent.events.len());
    assert_eq!(recent.newest.as_deref(), Some("E#1790000000000#m0089"));
}

#[tokio::test]
async fn recent_without_a_profile_reads_on_until_there_is_enough() {
    let stack = Stack::start().await;
    let phone = device("phone");
    stack.table.import_events(&shop(), &events(&phone, 30)).await.unwrap();
    assert_eq!(stack.table.recent(&shop(), &phone).await.unwrap().events.len(), 30);
    let laptop = device("laptop");
    stack.table.import_events(&shop(), &events(&laptop, 400)).await.unwrap();
    let recent = stack.table.recent(&shop(), &laptop).await.unwrap();
    assert!((120..300).contains(&recent.events.len()), "{}", recent.events.len());
    assert_eq!(recent.events.last().map(|e| e.id.as_str()), Some("m0399"));
}

#[tokio::test]
async fn a_profile_is_written_over_the_version_it_was_made_from() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let all = events(&phone, 3);
    let [one, two] = [1, 2].map(|version| profile(&phone, &all[..version as usize], version));
    let conflict = |result| matches!(result, Err(Error::Conflict { .. }));
    assert!(conflict(stack.table.save_profile(&shop(), &two, None).await), "there is no first version yet");
    stack.table.save_profile(&shop(), &one, None).await.unwrap();
    assert!(conflict(stack.table.save_profile(&shop(), &one, None).await));
    stack.table.save_profile(&shop(), &two, None).await.unwrap();
    assert!(conflict(stack.table.save_profile(&shop(), &two, None).await));
    assert_eq!(stack.table.profile(&shop(), &phone).await.unwrap(), Some(two));
    assert_eq!(stack.table.profile(&other_shop(), &phone).await.unwrap(), None);
}

/// Whoever read a profile before its owner was erased must not write it over the one that was made again since.
#[tokio::test]
async fn an_erased_profile_does_not_come_back_over_the_one_that_was_made_again() {
    let stack = Stack::start().await;
    let now = Arc::new(AtomicI64::new(NOW.0));
    let clock = now.clone();
    let table = stack.table.clone().keeping(100 * DAY, move || Millis(clock.load(Ordering::SeqCst)));
    let phone = device("phone");
    let write = async |version, events| table.save_profile(&shop(), &profile(&phone, events, version), None).await;
    let all = events(&phone, 3);
    write(1, &all[..1]).await.unwrap();
    let read = table.profile(&shop(), &phone).await.unwrap().unwrap();
    write(read.version + 1, &all[..2]).await.unwrap();
    let read = table.profile(&shop(), &phone).await.unwrap().unwrap();
    table.delete_keys([(format!("S#demo#V#{phone}"), "~PROFILE".to_owned())].into()).await.unwrap();
    assert_eq!(table.profile(&shop(), &phone).await.unwrap(), None);
    now.fetch_add(1_000, Ordering::SeqCst);
    write(1, &[]).await.unwrap();
    for _ in 0..3 {
        let late = write(read.version + 1, &all).await;
        assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
        let again = table.profile(&shop(), &phone).await.unwrap().unwrap();
        write(again.version + 1, &[]).await.unwrap();
    }
}

/// Whoever comes back after their profile ended has none to write over, whether or not the old one was cleaned up.
#[tokio::test]
async fn a_profile_that_is_over_gives_way_to_a_first_one() {
    let stack = Stack::start().await;
    let now = Arc::new(AtomicI64::new(NOW.0));
    let clock = now.clone();
    let table = stack.table.clone().keeping(100 * DAY, move || Millis(clock.load(Ordering::SeqCst)));
    for (phone, with_base) in [(device("phone"), false), (device("tablet"), true)] {
        let back = NOW.plus(101 * DAY);
        now.store(NOW.0, Ordering::SeqCst);
        let base = Base { horizon: NOW, linked: vec![], state: profile(&phone, &[], 0).state };
        let save = async |events, folded| {
            let first = Profile { folded, ..profile(&phone, events, 1) };
            table.save_profile(&shop(), &first, with_base.then_some(&base)).await
        };
        let all = events(&phone, 2);
        save(&all[..], NOW).await.unwrap();
        now.store(back.0 - 1, Ordering::SeqCst);
        let early = save(&[], back).await;
        assert!(matches!(early, Err(Error::Conflict { .. })), "it is not over yet: {early:?}");
        now.store(back.0, Ordering::SeqCst);
        assert_eq!(table.profile(&shop(), &phone).await.unwrap(), None);
        save(&[], back).await.unwrap();
        let stored = table.profile(&shop(), &phone).await.unwrap().unwrap();
        assert!(stored.state.counts.is_empty(), "{stored:?}");
        let again = save(&[], back).await;
        assert!(matches!(again, Err(Error::Conflict { .. })), "there is one again: {again:?}");
    }
}

#[tokio::test]
async fn a_compacted_state_is_written_with_its_profile_or_not_at_all() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let base = |horizon| Base { horizon: Millis(horizon), linked: vec![], state: profile(&phone, &[], 0).state };
    let saved = profile(&phone, &events(&phone, 2), 1);
    stack.table.save_profile(&shop(), &saved, Some(&base(1))).await.unwrap();
    assert_eq!(stack.table.base(&shop(), &phone).await.unwrap(), Some(base(1)));
    let stale = stack.table.save_profile(&shop(), &saved, Some(&base(2))).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    assert_eq!(stack.table.base(&shop(), &phone).await.unwrap(), Some(base(1)));
    let next = profile(&phone, &events(&phone, 2), 2);
    stack.table.save_profile(&shop(), &next, Some(&base(3))).await.unwrap();
    assert_eq!(stack.table.base(&shop(), &phone).await.unwrap(), Some(base(3)));
}

#[tokio::test]
async fn of_two_folds_at_once_one_has_to_start_over() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let first = profile(&phone, &[], 1);
    let shop = shop();
    let saves = (0..8).map(|_| stack.table.save_profile(&shop, &first, None));
    let outcomes = futures_util::future::join_all(saves).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().flat_map(|outcome| outcome.as_ref().err()).all(|e| matches!(e, Error::Conflict { .. })));
}
