//! Settings are written only over the version they were made from, and what they were can be read.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use proptest::prelude::*;
use serde_json::{Value, json};
use vitrine_store::Error;
use vitrine_store::settings::{self, Snapshot};

use crate::support::{Stack, other_shop, shop};

#[tokio::test]
async fn the_second_of_two_who_saw_the_same_version_has_to_look_again() {
    let stack = Stack::start().await;
    let put = |id: &'static str, value: Value, from| {
        let table = &stack.table;
        async move { table.put_setting(&shop(), "rule", id, &value, from).await }
    };
    let conflict = |result| matches!(result, Err(Error::Conflict { .. }));
    put("a", json!(1), 0).await.unwrap();
    assert!(conflict(put("a", json!(2), 0).await), "it is there already");
    put("a", json!(2), 1).await.unwrap();
    assert!(conflict(put("a", json!(3), 1).await));
    assert!(conflict(put("b", json!(3), 1).await), "there is none yet");
    let settings = stack.table.settings::<Value>(&shop(), "rule").await.unwrap();
    assert_eq!(
        settings.iter().map(|s| (s.id.as_str(), s.version, &s.value)).collect::<Vec<_>>(),
        [("a", 2, &json!(2))]
    );
}

#[tokio::test]
async fn kinds_and_shops_keep_apart_and_identifiers_come_back_as_they_were() {
    let stack = Stack::start().await;
    for (shop, kind, id) in [(shop(), "rule", "a#b%23"), (shop(), "rule", "plain"), (other_shop(), "rule", "x")] {
        stack.table.put_setting(&shop, kind, id, &json!({}), 0).await.unwrap();
    }
    for beside in ["rules#x", "rul#x"] {
        stack.put_old_setting(beside, "1", "{}").await;
    }
    let settings = stack.table.settings::<Value>(&shop(), "rule").await.unwrap();
    assert_eq!(settings.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["a#b%23", "plain"]);
    // What was read can be written again under the same identifier.
    stack.table.put_setting(&shop(), "rule", &settings[0].id, &json!({}), settings[0].version).await.unwrap();
}

const KINDS: [&str; 2] = ["placement", "rule"];

/// Kind, identifier, version and value of every setting.
fn all(snapshot: &Snapshot) -> Vec<(&'static str, String, u64, Value)> {
    let of = |kind: &'static str| {
        let settings = snapshot.of::<Value>(kind).unwrap().into_iter();
        settings.map(move |setting| (kind, setting.id, setting.version, setting.value))
    };
    KINDS.into_iter().flat_map(of).collect()
}

#[tokio::test]
async fn every_change_raises_the_revision_and_every_revision_can_be_read_later() {
    let stack = Stack::start().await;
    let table = &stack.table;
    assert_eq!(table.settings_at(&shop(), &KINDS, None).await.unwrap().revision, 0);
    let steps = [
        (table.put_setting(&shop(), "rule", "a#", &json!(1), 0).await.unwrap(), vec![("rule", "a#", 1, json!(1))]),
        (
            table.put_setting(&shop(), "placement", "home", &json!("x"), 0).await.unwrap(),
            vec![("placement", "home", 1, json!("x")), ("rule", "a#", 1, json!(1))],
        ),
        (
            table.put_setting(&shop(), "rule", "a#", &json!(2), 1).await.unwrap(),
            vec![("placement", "home", 1, json!("x")), ("rule", "a#", 2, json!(2))],
        ),
        (
            table.remove_setting(&shop(), "rule", "a#", None, "").await.unwrap().unwrap(),
            vec![("placement", "home", 1, json!("x"))],
        ),
        // Another kind is of the same shop: its revision is raised.
        (
            table.put_setting(&shop(), "shop", "privacy", &json!({}), 0).await.unwrap(),
            vec![("placement", "home", 1, json!("x"))],
        ),
        (
            table.put_setting(&shop(), "rule", "a#", &json!(3), 0).await.unwrap(),
            vec![("placement", "home", 1, json!("x")), ("rule", "a#", 1, json!(3))],
        ),
    ];
    assert_eq!(steps.iter().map(|(revision, _)| *revision).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    let now = table.settings_at(&shop(), &KINDS, None).await.unwrap();
    assert_eq!(now.revision, 6);
    for (revision, expected) in &steps {
        let then = table.settings_at(&shop(), &KINDS, Some(*revision)).await.unwrap();
        let expected: Vec<_> =
            expected.iter().map(|(k, id, v, value)| (*k, (*id).to_owned(), *v, value.clone())).collect();
        assert_eq!((then.revision, all(&then)), (*revision, expected), "at revision {revision}");
    }
    assert!(all(&table.settings_at(&shop(), &KINDS, Some(0)).await.unwrap()).is_empty());
    let rules = table.settings_at(&shop(), &["rule"], Some(2)).await.unwrap();
    assert_eq!((rules.stored("rule")[0].value.get(), rules.stored("placement").len()), ("1", 0));
    let unborn = table.settings_at(&shop(), &KINDS, Some(7)).await;
    assert!(matches!(unborn, Err(Error::NotKept { .. })), "{unborn:?}");
    let theirs = table.settings_at(&other_shop(), &KINDS, None).await.unwrap();
    assert_eq!((theirs.revision, all(&theirs).len()), (0, 0));
    assert_eq!(table.remove_setting(&shop(), "rule", "never", None, "").await.unwrap(), None);
    assert_eq!(table.settings_at(&shop(), &KINDS, None).await.unwrap().revision, 6, "nothing was changed");
}

#[tokio::test]
async fn a_revision_is_known_as_long_as_every_entry_since_is_there() {
    let stack = Stack::start().await;
    for version in 0..5 {
        stack.table.put_setting(&shop(), "rule", "a", &json!(version), version).await.unwrap();
    }
    // What the table's clean-up would take: the oldest entries, in whatever order.
    stack.delete("S#demo#C", "~H#000000000002").await;
    for (revision, known) in [(0, false), (1, false), (2, true), (3, true), (5, true)] {
        let then = stack.table.settings_at(&shop(), &KINDS, Some(revision)).await;
        assert_eq!(then.is_ok(), known, "revision {revision}: {then:?}");
    }
    stack.delete("S#demo#C", "~H#000000000004").await;
    let then = stack.table.settings_at(&shop(), &KINDS, Some(3)).await;
    assert!(matches!(then, Err(Error::NotKept { .. })), "{then:?}");
}

#[tokio::test]
async fn a_setting_that_was_there_before_revisions_were_is_of_revision_zero() {
    let stack = Stack::start().await;
    stack.put_old_setting("rule#old", "7", "{\"any\":\"thing\"}").await;
    let expected = vec![("rule", "old".to_owned(), 7, json!({"any": "thing"}))];
    let now = stack.table.settings_at(&shop(), &KINDS, None).await.unwrap();
    assert_eq!((now.revision, all(&now)), (0, expected.clone()));
    let stale = stack.table.put_setting(&shop(), "rule", "old", &json!(1), 6).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    assert_eq!(stack.table.put_setting(&shop(), "rule", "old", &json!(1), 7).await.unwrap(), 1);
    assert_eq!(stack.table.remove_setting(&shop(), "rule", "old", None, "").await.unwrap(), Some(2));
    assert_eq!(all(&stack.table.settings_at(&shop(), &KINDS, Some(0)).await.unwrap()), expected);
}

#[tokio::test]
async fn a_setting_is_removed_only_at_the_version_that_was_seen_if_one_is_named() {
    let stack = Stack::start().await;
    let table = &stack.table;
    table.put_setting(&shop(), "rule", "a", &json!(1), 0).await.unwrap();
    table.put_setting(&shop(), "rule", "a", &json!(2), 1).await.unwrap();
    let stale = table.remove_setting(&shop(), "rule", "a", Some(1), "").await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    assert_eq!(table.remove_setting(&shop(), "rule", "a", Some(2), "").await.unwrap(), Some(3));
    assert_eq!(table.remove_setting(&shop(), "rule", "a", Some(2), "").await.unwrap(), None);
}

#[tokio::test]
async fn changes_of_different_settings_at_once_all_go_through_each_with_its_revision() {
    let stack = Stack::start().await;
    let ids: Vec<String> = (0..6).map(|n| format!("r{n}")).collect();
    let puts = ids.iter().map(|id| {
        let table = &stack.table;
        async move { table.put_setting(&shop(), "rule", id, &json!({}), 0).await.unwrap() }
    });
    let mut revisions = join_all(puts).await;
    revisions.sort_unstable();
    assert_eq!(revisions, [1, 2, 3, 4, 5, 6]);
    for revision in 0..=6 {
        let then = stack.table.settings_at(&shop(), &KINDS, Some(revision)).await.unwrap();
        assert_eq!(all(&then).len() as u64, revision);
    }
}

#[tokio::test]
async fn what_was_before_expires_after_a_hundred_days_and_what_is_now_never() {
    let stack = Stack::start().await;
    for version in 0..2 {
        stack.table.put_setting(&shop(), "rule", "a", &json!(version), version).await.unwrap();
    }
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    for item in stack.dump().await {
        let Some(expiry) = item["e"]["N"].as_str() else {
            assert!(["rule#a", "revision"].contains(&item["SK"].as_str().unwrap()), "{item}");
            continue;
        };
        assert!(item["SK"].as_str().unwrap().starts_with("~H#"), "{item}");
        let expiry: u64 = expiry.parse().unwrap();
        assert!((now + 99 * 86_400..=now + 100 * 86_400).contains(&expiry), "{item}");
    }
}

/// Revision, version, author and value of a state.
type Told<'a> = (u64, Option<u64>, Option<&'a str>, Option<&'a str>);

fn told(states: &[vitrine_store::settings::State]) -> Vec<Told<'_>> {
    assert!(states.iter().all(|state| state.revision == 0 || state.written.is_some()));
    states
        .iter()
        .map(|state| {
            let value = state.value.as_ref().map(|value| value.get());
            (state.revision, state.version, state.author.as_deref(), value)
        })
        .collect()
}

#[tokio::test]
async fn a_setting_tells_what_it_was_and_who_made_it_so() {
    let stack = Stack::start().await;
    let table = &stack.table;
    let put = |id: &'static str, value: u8, from, by: &'static str| async move {
        table.put_setting_by(&shop(), "segment", id, &value, from, by).await.unwrap()
    };
    assert!(table.setting_history(&shop(), "segment", "a").await.unwrap().is_empty());
    put("a", 1, 0, "anna").await;
    put("b", 9, 0, "bert").await;
    put("a", 2, 1, "").await;
    table.remove_setting(&shop(), "segment", "a", Some(2), "carl").await.unwrap();
    let gone = table.setting_history(&shop(), "segment", "a").await.unwrap();
    let before = [(3, Some(2), None, Some("2")), (1, Some(1), Some("anna"), Some("1")), (0, None, None, None)];
    assert_eq!(told(&gone), [&[(4, None, Some("carl"), None)], &before[..]].concat());
    put("a", 3, 0, "dora").await;
    let back = table.setting_history(&shop(), "segment", "a").await.unwrap();
    let newest = [(5, Some(1), Some("dora"), Some("3")), (4, None, Some("carl"), None)];
    assert_eq!(told(&back), [&newest[..], &before[..]].concat());
    let settings = table.settings::<u8>(&shop(), "segment").await.unwrap();
    assert_eq!(settings.iter().map(|s| s.author.as_deref()).collect::<Vec<_>>(), [Some("dora"), Some("bert")]);
    for kind in ["rule", "shop"] {
        assert!(table.setting_history(&shop(), kind, "a").await.unwrap().is_empty());
    }
    assert!(table.setting_history(&other_shop(), "segment", "a").await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_removed_is_told_with_what_it_was_and_only_so_many() {
    let stack = Stack::start().await;
    let table = &stack.table;
    for n in 0..22 {
        table.put_setting(&shop(), "rule", &format!("r {n}"), &n, 0).await.unwrap();
        table.remove_setting(&shop(), "rule", &format!("r {n}"), None, "anna").await.unwrap();
    }
    table.put_setting(&shop(), "rule", "r 21", &99, 0).await.unwrap();
    table.put_setting(&shop(), "segment", "s", &None::<u8>, 0).await.unwrap();
    let told = |removed: Vec<settings::Removed>| -> Vec<_> {
        let one = |one: settings::Removed| {
            let was = one.was.value.map(|value| value.get().to_owned());
            (one.id, was, one.now.author, one.now.version, one.now.value.is_none())
        };
        removed.into_iter().map(one).collect()
    };
    let removed = told(table.removed_settings(&shop(), "rule").await.unwrap());
    let expected = (1..=20).rev().map(|n| (format!("r {n}"), Some(n.to_string()), Some("anna".to_owned()), None, true));
    assert_eq!(removed, expected.collect::<Vec<_>>());
    // Nothing that is stored is not there either, and was as shipped.
    let removed = told(table.removed_settings(&shop(), "segment").await.unwrap());
    assert_eq!(removed, [("s".to_owned(), None, None, Some(1), true)]);
    assert!(table.removed_settings(&other_shop(), "rule").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_history_is_bounded_and_begins_with_what_is_now() {
    let stack = Stack::start().await;
    for version in 0..25 {
        stack.table.put_setting_by(&shop(), "rule", "a", &version, version, "anna").await.unwrap();
    }
    let states = stack.table.setting_history(&shop(), "rule", "a").await.unwrap();
    let revisions: Vec<u64> = states.iter().map(|state| state.revision).collect();
    assert_eq!(revisions, (6..=25).rev().collect::<Vec<_>>());
    // Of what was written before anything was noted only the present state is known.
    stack.put_old_setting("rule#old", "7", "{}").await;
    let old = stack.table.setting_history(&shop(), "rule", "old").await.unwrap();
    assert_eq!(told(&old), [(0, Some(7), None, Some("{}"))]);
}

#[tokio::test]
async fn what_the_program_does_day_by_day_pushes_out_nothing_that_people_wrote() {
    let stack = Stack::start().await;
    let mut version = 0_u64;
    let mut put = async |times: usize, by: &str| {
        for _ in 0..times {
            stack.table.put_setting_by(&shop(), "experiment", "a", &version, version, by).await.unwrap();
            version += 1;
        }
    };
    put(1, "anna").await;
    put(60, "").await;
    put(2, "bert").await;
    put(40, "").await;
    let states = stack.table.setting_history(&shop(), "experiment", "a").await.unwrap();
    let by: Vec<_> = states.iter().map(|state| (state.version, state.author.as_deref())).collect();
    let expected = [
        (Some(103), None),
        (Some(63), Some("bert")),
        (Some(62), Some("bert")),
        (Some(61), None),
        (Some(1), Some("anna")),
        (None, None),
    ];
    assert_eq!(by, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Whatever is changed in whatever order, each revision is read as it was.
    #[test]
    fn the_past_does_not_change(changes in prop::collection::vec((0..2_usize, 0..3_u8, any::<Option<u8>>()), 1..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stack = Stack::start().await;
            let mut state: BTreeMap<(&str, String), (u64, u8)> = BTreeMap::new();
            let mut states = vec![state.clone()];
            for (kind, id, value) in changes {
                let (kind, id) = (KINDS[kind], id.to_string());
                let version = state.get(&(kind, id.clone())).map_or(0, |(version, _)| *version);
                match value {
                    Some(value) => {
                        stack.table.put_setting(&shop(), kind, &id, &value, version).await.unwrap();
                        state.insert((kind, id), (version + 1, value));
                    }
                    None if version == 0 => continue,
                    None => {
                        stack.table.remove_setting(&shop(), kind, &id, None, "").await.unwrap();
                        state.remove(&(kind, id));
                    }
                }
                states.push(state.clone());
            }
            for (revision, expected) in states.iter().enumerate() {
                let then = stack.table.settings_at(&shop(), &KINDS, Some(revision as u64)).await.unwrap();
                let found: BTreeMap<_, _> =
                    all(&then).into_iter().map(|(k, id, v, value)| ((k, id), (v, value.as_u64().unwrap() as u8))).collect();
                assert_eq!(&found, expected, "at revision {revision}");
            }
        });
    }
}
