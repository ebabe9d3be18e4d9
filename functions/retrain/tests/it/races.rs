//! Trainings that meet others, and a lake that moves while it is read.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Handle;
use tokio::task::block_in_place;
use vitrine_retrain::Error;

use super::*;

/// Trains while another training of the same shop begins later and ends earlier; then the clock moves on.
async fn overtaken(stack: &Stack, demo: &Shop, moves_on: Duration) -> Outcome {
    let calls = AtomicUsize::new(0);
    let overtake = |stage, _, _| {
        if matches!(stage, Stage::Learning(_)) && calls.fetch_add(1, Ordering::SeqCst) == 0 {
            let other = block_in_place(|| Handle::current().block_on(stack.train(demo)));
            assert!(matches!(other, Outcome::Published { .. }));
            stack.context.clock.advance(moves_on);
        }
    };
    retrain(&stack.context, demo, &overtake).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_that_was_overtaken_leaves_nothing_behind() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a", "b"])).await;
    for _ in 0..2 {
        assert_eq!(overtaken(&stack, &demo, Duration::from_secs(1)).await, Outcome::Superseded);
        stack.advance(60);
        stack.archive(&demo, "more", &[event(&device("d"), 5, Action::View, &["a"])]).await;
    }
    let versions = stack.context.table.model_versions(&demo).await.unwrap();
    let folders = stack.context.objects.folders(&format!("shops/{demo}/models")).await.unwrap();
    assert_eq!((versions.len(), folders.len()), (2, 2));
    assert_eq!(stack.live(&demo).await.version, versions[1].version);
    assert_eq!(stack.artifact(&demo).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_trainings_of_one_second_do_not_delete_each_others_files() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a", "b"])).await;
    // The same bytes under the same name: both say, rightly, that this version is live.
    let outcome = overtaken(&stack, &demo, Duration::ZERO).await;
    assert!(matches!(outcome, Outcome::Published { .. }), "{outcome:?}");
    assert_eq!(stack.context.table.live_model(&demo).await.unwrap().unwrap().1, 1, "the pointer was flipped once");
    assert_eq!(stack.files(&demo, "models").await.len(), 4);

    // The same name half a second later: it was the other's, and stays.
    stack.advance(60);
    stack.archive(&demo, "more", &[event(&device("d"), 5, Action::View, &["a"])]).await;
    assert_eq!(overtaken(&stack, &demo, Duration::from_millis(500)).await, Outcome::Superseded);
    assert_eq!(stack.artifact(&demo).await.len(), 2);
    assert_eq!(stack.files(&demo, "models").await.len(), 8);
}

/// Moves the second file of the lake after the first one was read, at most so often.
fn moving(stack: &Stack, demo: &Shop, times: usize) -> impl Fn(Stage, u64, u64) + Send + Sync + use<> {
    let folder = stack.context.objects.file(&format!("shops/{demo}/events/2026-11-22")).unwrap();
    let moved = AtomicUsize::new(0);
    move |stage, done, total| {
        let after_first = stage == Stage::Events && done > 0 && total == 0;
        if !after_first || moved.load(Ordering::SeqCst) == times {
            return;
        }
        let name = |n: usize| folder.join(format!("z{n}.ndjson.zst"));
        let before = moved.fetch_add(1, Ordering::SeqCst);
        std::fs::rename(name(before), name(before + 1)).unwrap();
    }
}

#[tokio::test]
async fn events_of_files_that_are_merged_meanwhile_are_not_lost() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a"])).await;
    let many: Vec<Event> = (0..2_000).map(|n| event(&device("d"), 10_000 + n, Action::View, &["a"])).collect();
    stack.archive(&demo, "a", &many).await;
    stack.archive(&demo, "z0", &[event(&device("e"), 60, Action::View, &["a"])]).await;
    let outcome = retrain(&stack.context, &demo, &moving(&stack, &demo, 2)).await.unwrap();
    let Outcome::Published { read, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(read.events, 2_001);
}

#[tokio::test]
async fn a_lake_that_never_stands_still_is_given_up() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a"])).await;
    let many: Vec<Event> = (0..2_000).map(|n| event(&device("d"), 10_000 + n, Action::View, &["a"])).collect();
    stack.archive(&demo, "a", &many).await;
    stack.archive(&demo, "z0", &[event(&device("e"), 60, Action::View, &["a"])]).await;
    let error = retrain(&stack.context, &demo, &moving(&stack, &demo, 99)).await.unwrap_err();
    assert!(matches!(error, Error::LakeMoved), "{error:?}");
    assert!(stack.context.table.live_model(&demo).await.unwrap().is_none());
}
