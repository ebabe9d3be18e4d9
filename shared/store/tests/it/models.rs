//! The pointer to the live model.

use vitrine_store::Error;
use vitrine_store::models::{Choice, Live};

use crate::support::{NOW, Stack, other_shop, shop};

fn by() -> Choice {
    Choice { author: "anna".to_owned(), at: NOW }
}

fn live(version: &str) -> Live {
    Live {
        version: version.to_owned(),
        artifact: format!("shops/demo/models/{version}/artifact"),
        catalogue: format!("shops/demo/models/{version}/catalogue"),
        delta_from: NOW.plus(-1000),
        published: NOW,
    }
}

#[tokio::test]
async fn of_two_trainings_that_saw_the_same_model_the_first_one_is_published() {
    let stack = Stack::start().await;
    assert_eq!(stack.table.live_model(&shop()).await.unwrap(), None);
    stack.table.publish_model(&shop(), &live("1"), 0).await.unwrap();
    for late in [live("2"), live("3")] {
        let outcome = stack.table.publish_model(&shop(), &late, 0).await;
        assert!(matches!(outcome, Err(Error::Conflict { .. })), "{outcome:?}");
    }
    assert_eq!(stack.table.live_model(&shop()).await.unwrap(), Some((live("1"), 1)));
    stack.table.publish_model(&shop(), &live("4"), 1).await.unwrap();
    let stale = stack.table.publish_model(&shop(), &live("5"), 1).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    assert_eq!(stack.table.live_model(&shop()).await.unwrap(), Some((live("4"), 2)));
    // What was not published has left nothing behind.
    assert_eq!(stack.table.model_versions(&shop()).await.unwrap(), [live("1"), live("4")]);
    assert_eq!(stack.table.live_model(&other_shop()).await.unwrap(), None);
    for (version, expected) in [("1", Some(live("1"))), ("4", Some(live("4"))), ("2", None), ("", None)] {
        assert_eq!(stack.table.model_version(&shop(), version).await.unwrap(), expected, "version {version:?}");
    }
    assert_eq!(stack.table.model_version(&other_shop(), "1").await.unwrap(), None);

    let stale = stack.table.forget_model(&shop(), "1", 1).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "the pointer stands at 2: {stale:?}");
    assert_eq!(stack.table.model_versions(&shop()).await.unwrap().len(), 2);
    stack.table.forget_model(&shop(), "1", 2).await.unwrap();
    assert_eq!(stack.table.model_versions(&shop()).await.unwrap(), [live("4")]);
}

#[tokio::test]
async fn a_shop_goes_back_only_to_what_is_kept_and_only_from_what_was_seen() {
    let stack = Stack::start().await;
    let table = &stack.table;
    for (seen, name) in ["1", "2", "3"].into_iter().enumerate() {
        table.publish_model(&shop(), &live(name), seen as u64).await.unwrap();
    }
    table.activate_model(&shop(), &live("1"), 3, by()).await.unwrap();
    assert_eq!(table.live_model(&shop()).await.unwrap(), Some((live("1"), 4)));
    assert_eq!(table.model_versions(&shop()).await.unwrap().len(), 3);
    let stale = table.activate_model(&shop(), &live("2"), 3, by()).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    table.forget_model(&shop(), "2", 4).await.unwrap();
    for gone in ["2", "never"] {
        let gone = table.activate_model(&shop(), &live(gone), 4, by()).await;
        assert!(matches!(gone, Err(Error::Conflict { .. })), "{gone:?}");
    }
    assert_eq!(table.live_model(&shop()).await.unwrap(), Some((live("1"), 4)));
    assert_eq!(table.model_versions(&shop()).await.unwrap(), [live("1"), live("3")]);
}

#[tokio::test]
async fn erasures_are_counted_and_are_no_version() {
    let stack = Stack::start().await;
    assert_eq!(stack.table.erasures(&shop()).await.unwrap(), 0);
    for _ in 0..3 {
        stack.table.note_erasure(&shop()).await.unwrap();
    }
    assert_eq!(stack.table.erasures(&shop()).await.unwrap(), 3);
    assert_eq!(stack.table.erasures(&other_shop()).await.unwrap(), 0);
    assert!(stack.table.model_versions(&shop()).await.unwrap().is_empty());
    assert!(stack.table.live_model(&shop()).await.unwrap().is_none());
}
