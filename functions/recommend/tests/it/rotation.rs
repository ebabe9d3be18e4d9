//! What was shown makes room.

use serde_json::json;
use vitrine_domain::{Action, Placement, Rotation, Strategy};

use crate::support::{Stack, device, is_identical};

#[tokio::test]
async fn what_was_shown_without_a_click_makes_room_and_that_is_made_again_too() {
    let stack = Stack::start().await;
    let rotation = Some(Rotation { keep: 0.2, hours: 12.0 });
    stack.set_placement(&Placement { rotation, ..Placement::new("wheel", Strategy::Personal, 6) }).await;
    stack.does(&device("anna"), Action::View, 6).await;
    let question = json!({"anonymous_id": "anna"});
    let mut answers = Vec::new();
    for _ in 0..4 {
        stack.later(2_000);
        answers.push(stack.recommend("wheel", question.clone()).await);
    }
    let again = |at: usize| answers[at].ids().iter().filter(|id| answers[0].ids().contains(id)).count();
    assert!(again(1) < 6, "{:?} {:?}", answers[0].ids(), answers[1].ids());
    for answer in &answers {
        is_identical(&stack, answer).await;
    }
    // Only where a placement rotates and somebody is known is it asked for what was shown.
    stack.proxy.seen();
    stack.recommend("category", question).await;
    stack.recommend("wheel", json!({})).await;
    let seen = stack.proxy.seen();
    assert!(!seen.iter().any(|(operation, body)| operation == "Query" && body.contains("\"D#\"")), "{seen:?}");
}
