//! The pointer to the live model.

use vitrine_store::Error;
use vitrine_store::models::Live;

use crate::support::{NOW, Stack, other_shop, shop};

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

    stack.table.forget_model(&shop(), "1").await.unwrap();
    assert_eq!(stack.table.model_versions(&shop()).await.unwrap(), [live("4")]);
}
