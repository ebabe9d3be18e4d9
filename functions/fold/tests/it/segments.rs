//! Who is in which segment: by what they do, and by what they do not.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use vitrine_domain::segment::Membership;
use vitrine_domain::time::{DAY, MINUTE};
use vitrine_domain::{Action, Millis, Profile, Segment, Shop, Visitor};
use vitrine_fold::{Swept, scheduled, sweep};
use vitrine_store::lake::Kind;
use vitrine_store::settings::{ONE, SCALE, SEGMENT};

use crate::support::{NOW, Stack, device, event, ring, user};

async fn profile(stack: &Stack, shop: &Shop, visitor: &Visitor) -> Profile {
    stack.table().profile(shop, visitor).await.unwrap().unwrap()
}

fn of(profile: &Profile) -> Vec<&str> {
    profile.segments.of.iter().map(String::as_str).collect()
}

/// Segment, in or out, and minutes since the tests began.
fn passages(profile: &Profile) -> Vec<(&str, bool, i64)> {
    let passages = profile.segments.passages.iter();
    passages.map(|passage| (passage.segment.as_str(), passage.entered, passage.at.since(NOW) / MINUTE)).collect()
}

async fn define(stack: &Stack, shop: &Shop, id: &str, filter: Option<&str>, from: u64) {
    let segment = filter.map(|filter| serde_json::from_value::<Segment>(json!({"id": id, "filter": filter})).unwrap());
    stack.table().put_setting(shop, SEGMENT, id, &segment, from).await.unwrap();
}

fn later(stack: &Stack, millis: i64) {
    stack.context.clock.advance(Duration::from_millis(millis.unsigned_abs()));
}

#[tokio::test]
async fn an_event_makes_visitors_enter_and_leave_and_nothing_is_written_twice() {
    let stack = Stack::start().await;
    let shop = stack.open_shop("shop").await;
    let (fold, anna) = (stack.fold(), user("anna"));
    stack.table().put_event(&shop, &event(&anna, "m1", NOW, Action::View, 3)).await.unwrap();
    stack.deliver(&fold).await;
    let first = profile(&stack, &shop, &anna).await;
    assert_eq!((of(&first), passages(&first)), (vec!["new-visitors"], vec![("new-visitors", true, 0)]));

    later(&stack, 2 * MINUTE);
    stack.table().put_event(&shop, &event(&anna, "m2", NOW.plus(MINUTE), Action::Order, 3)).await.unwrap();
    let bells = stack.bells().await;
    assert!(ring(&fold, bells.clone()).await.is_empty());
    let second = profile(&stack, &shop, &anna).await;
    assert_eq!(of(&second), ["new-customers"]);
    assert_eq!(passages(&second), [("new-visitors", true, 0), ("new-visitors", false, 2), ("new-customers", true, 2)]);
    assert!(ring(&fold, bells).await.is_empty());
    assert_eq!(profile(&stack, &shop, &anna).await, second, "the same bells again change nothing");

    // The stream hands on every write of a profile, and no event was made of it.
    let records = stack.records().await;
    assert!(records.iter().all(|record| !format!("{:?}", record.change.keys).contains("\"E#")));
}

#[tokio::test]
async fn the_shops_own_definitions_count_and_are_at_most_a_minute_old() {
    let stack = Stack::start().await;
    let shop = stack.open_shop("shop").await;
    let (fold, phone) = (stack.fold(), device("phone"));
    define(&stack, &shop, "viewers", Some("views_30d > 0"), 0).await;
    define(&stack, &shop, "new-visitors", None, 0).await;
    for n in 0..3 {
        let time = NOW.plus(n * MINUTE);
        stack.table().put_event(&shop, &event(&phone, &format!("m{n}"), time, Action::View, 3)).await.unwrap();
        stack.deliver(&fold).await;
        let expected = if n < 2 { vec!["viewers"] } else { Vec::new() };
        assert_eq!(of(&profile(&stack, &shop, &phone).await), expected, "event {n}");
        later(&stack, MINUTE + 1);
        if n == 1 {
            define(&stack, &shop, "viewers", Some("views_30d > 99"), 1).await;
        }
    }
    let theirs = stack.open_shop("other").await;
    stack.table().put_event(&theirs, &event(&phone, "m1", NOW, Action::View, 3)).await.unwrap();
    stack.deliver(&fold).await;
    assert_eq!(of(&profile(&stack, &theirs, &phone).await), ["new-visitors"], "another shop has its own");
}

#[tokio::test]
async fn the_sweep_ends_and_begins_what_time_alone_changes() {
    let stack = Stack::start().await;
    let shop = stack.open_shop("shop").await;
    let (fold, anna, bert) = (stack.fold(), user("anna"), device("bert"));
    for (n, days) in [0, 20].into_iter().enumerate() {
        let time = NOW.plus(-30 * DAY + days * DAY);
        stack.table().put_event(&shop, &event(&anna, &format!("o{n}"), time, Action::Order, 3)).await.unwrap();
    }
    // Customers who order once, each for more than the one before.
    for n in 1..=5 {
        let other = user(&format!("c{n}"));
        stack.table().put_event(&shop, &event(&other, "o", NOW, Action::Order, 2 * n)).await.unwrap();
    }
    stack.table().put_event(&shop, &event(&bert, "m1", NOW, Action::View, 3)).await.unwrap();
    stack.deliver(&fold).await;
    assert_eq!(of(&profile(&stack, &shop, &bert).await), ["new-visitors"]);
    let before = profile(&stack, &shop, &user("c5")).await;
    assert_eq!(of(&before), ["new-customers"], "nobody is graded before the first sweep");

    // The first sweep of a shop makes its scale, and looks again with it.
    assert_eq!(sweep(&stack.context).await.unwrap().profiles, 7);
    let graded = profile(&stack, &shop, &user("c5")).await;
    assert_eq!((of(&graded), graded.version), (vec!["big-spenders", "new-customers"], before.version + 1));
    assert_eq!((&graded.state, graded.folded), (&before.state, before.folded), "the fold is not the sweep's");
    assert_eq!(of(&profile(&stack, &shop, &user("c4")).await), ["new-customers"]);
    let scale = stack.table().settings::<serde_json::Value>(&shop, SCALE).await.unwrap().remove(0);
    assert_eq!((scale.id.as_str(), scale.version, scale.author), (ONE, 1, None));

    later(&stack, 40 * DAY);
    assert_eq!(sweep(&stack.context).await.unwrap(), Swept { profiles: 7, changed: 7 });
    let (anna, bert) = (profile(&stack, &shop, &anna).await, profile(&stack, &shop, &bert).await);
    assert!(of(&anna).contains(&"lapsing"), "{:?}", of(&anna));
    assert_eq!((of(&bert), passages(&bert)[1]), (vec![], ("new-visitors", false, 40 * DAY / MINUTE)));
    // Grades follow with the next scale, and then nothing is written any more.
    sweep(&stack.context).await.unwrap();
    assert_eq!(sweep(&stack.context).await.unwrap(), Swept { profiles: 7, changed: 0 });
    assert_eq!(profile(&stack, &shop, &bert.visitor).await, bert);
}

#[tokio::test]
async fn the_census_counts_everybody_but_robots_in_each_shop() {
    let stack = Stack::start().await;
    let (shop, other) = (stack.open_shop("shop").await, stack.open_shop("other").await);
    let fold = stack.fold();
    for n in 0..6 {
        let mut one = event(&device(&format!("d{n}")), "m1", NOW, Action::View, 3);
        one.robot = n == 5;
        stack.table().put_event(&shop, &one).await.unwrap();
    }
    stack.table().put_event(&other, &event(&device("d0"), "m1", NOW, Action::View, 3)).await.unwrap();
    stack.deliver(&fold).await;
    sweep(&stack.context).await.unwrap();
    let census = stack.context.objects.census(&shop).await.unwrap().unwrap();
    let head = census.head;
    assert_eq!(
        (head.visitors, head.members, census.sample.len()),
        (5, BTreeMap::from([("new-visitors".into(), 5)]), 5)
    );
    assert!(census.sample.iter().all(|state| state.actions.is_empty() && state.visits == 1));
    assert_eq!(stack.context.objects.census(&other).await.unwrap().unwrap().head.visitors, 1);
    assert_eq!(profile(&stack, &shop, &device("d5")).await.segments, Membership::default());
    assert!(census.sample.iter().all(|state| !serde_json::to_string(state).unwrap().contains("d1")), "nobody is named");
}

#[tokio::test]
async fn the_schedule_reads_nothing_where_nothing_happened() {
    let stack = Stack::start().await;
    let shop = stack.open_shop("shop").await;
    let bert = device("bert");
    let objects = &stack.context.objects;
    objects.put("shops/empty/models/v1/card.json", "{}").await.unwrap();
    assert_eq!(scheduled(&stack.context).await.unwrap(), None, "a shop without events");

    let first = event(&bert, "m1", NOW, Action::View, 3);
    stack.table().put_event(&shop, &first).await.unwrap();
    stack.deliver(&stack.fold()).await;
    let line = serde_json::to_string(&first).unwrap();
    objects.write_lake(&shop, Kind::Events, "2025-11-24", "a", std::slice::from_ref(&line)).await.unwrap();
    let swept = |profiles, changed| Some(Swept { profiles, changed });
    assert_eq!(scheduled(&stack.context).await.unwrap(), swept(1, 0));
    later(&stack, 40 * DAY);
    assert_eq!(scheduled(&stack.context).await.unwrap(), None, "nobody came");

    objects.write_lake(&shop, Kind::Events, "2025-11-25", "b", &[line]).await.unwrap();
    assert_eq!(scheduled(&stack.context).await.unwrap(), swept(1, 1), "an event of anybody");
    assert_eq!(scheduled(&stack.context).await.unwrap(), None);

    define(&stack, &shop, "viewers", Some("views_90d > 0"), 0).await;
    assert_eq!(scheduled(&stack.context).await.unwrap(), swept(1, 1), "a new definition");
    define(&stack, &shop, "viewers", Some("views_90d > 9"), 1).await;
    assert_eq!(scheduled(&stack.context).await.unwrap(), swept(1, 1), "another definition");
    objects.forget_census(&shop).await.unwrap();
    assert_eq!(scheduled(&stack.context).await.unwrap(), swept(1, 0), "somebody was erased");
    assert_eq!(scheduled(&stack.context).await.unwrap(), None);
}

#[tokio::test]
async fn where_a_fold_was_faster_the_sweep_leaves_its_profile() {
    let stack = Stack::start().await;
    let shop = stack.open_shop("shop").await;
    let bert = device("bert");
    stack.table().put_event(&shop, &event(&bert, "m1", NOW, Action::View, 3)).await.unwrap();
    stack.deliver(&stack.fold()).await;
    later(&stack, 40 * DAY);
    let read = stack.table().profiles_page(None).await.unwrap().profiles.remove(0).1;
    stack.table().put_event(&shop, &event(&bert, "m2", NOW.plus(40 * DAY), Action::View, 3)).await.unwrap();
    stack.deliver(&stack.fold()).await;
    let late = Profile { version: read.version + 1, folded: Millis(0), ..read };
    let refused = stack.table().save_profile(&shop, &late, None).await;
    assert!(matches!(refused, Err(vitrine_store::Error::Conflict { .. })), "{refused:?}");
    assert_eq!(sweep(&stack.context).await.unwrap(), Swept { profiles: 1, changed: 0 });
}

#[tokio::test]
async fn what_a_training_tells_keeps_nobody_longer() {
    let stack = Stack::start().await;
    let shop = stack.open_shop("shop").await;
    let (fold, anna) = (stack.fold(), user("anna"));
    define(&stack, &shop, "like-gold", Some(r#"alike = "gold-5""#), 0).await;
    stack.table().put_event(&shop, &event(&anna, "m1", NOW, Action::View, 3)).await.unwrap();
    stack.deliver(&fold).await;
    let before = profile(&stack, &shop, &anna).await;

    later(&stack, 30 * DAY);
    let mut told = event(&anna, "told", NOW.plus(30 * DAY), Action::Audience, 3);
    told.lines.clear();
    told.traits.insert("alike".to_owned(), json!(["gold-5"]));
    stack.table().import_events(&shop, &[told]).await.unwrap();
    stack.deliver(&fold).await;
    let after = profile(&stack, &shop, &anna).await;
    assert!(of(&after).contains(&"like-gold"), "{:?}", after.segments);
    assert_eq!((after.folded, after.state.last), (before.folded, before.state.last));

    stack.table().put_event(&shop, &event(&anna, "m2", NOW.plus(30 * DAY), Action::View, 3)).await.unwrap();
    stack.deliver(&fold).await;
    assert!(profile(&stack, &shop, &anna).await.folded > before.folded);
}
