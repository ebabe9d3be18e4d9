//! What was shown makes room, and what was passed over even more.

use serde_json::json;
use vitrine_domain::{Action, Placement, Rotation, Skips, Strategy};

use crate::support::{Stack, device, fold, id, is_identical};

#[tokio::test]
async fn what_was_shown_without_a_click_makes_room_and_that_is_made_again_too() {
    let stack = Stack::start().await.patient();
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
    // What somebody looks through elsewhere does not make room here.
    stack.does(&device("bert"), Action::View, 6).await;
    let question_of_bert = json!({"anonymous_id": "bert", "limit": 6});
    let mut first = Vec::new();
    for placement in ["category", "category", "category", "wheel"] {
        stack.later(2_000);
        first = stack.recommend(placement, question_of_bert.clone()).await.ids();
    }
    assert_eq!(first, answers[0].ids());
    // Only where a placement rotates and somebody is known is it asked for what was shown.
    stack.proxy.seen();
    stack.recommend("category", question).await;
    stack.recommend("wheel", json!({})).await;
    let seen = stack.proxy.seen();
    assert!(!seen.iter().any(|(operation, body)| operation == "Query" && body.contains("\"D#\"")), "{seen:?}");
}

/// How many of the products stand in the aisle of `p06`.
fn of_aisle(ids: &[String]) -> usize {
    let number = |id: &String| id[1..].parse::<usize>().unwrap();
    ids.iter().filter(|id| number(id) % 6 == 0).count()
}

#[tokio::test]
async fn what_was_passed_over_makes_room_on_the_next_page_and_that_is_made_again_too() {
    let stack = Stack::start().await;
    let skips = Some(Skips { keep: 0.3, after: 2 });
    let plain = Placement::new("plain", Strategy::Personal, 4);
    stack.set_placement(&plain).await;
    stack.set_placement(&Placement { skips, name: "scroll".into(), ..plain }).await;
    for visitor in ["patient", "hurried", "taken"] {
        stack.does(&device(visitor), Action::View, 6).await;
    }
    stack.later(60_000);
    let (mut answers, mut second) = (Vec::new(), Vec::new());
    for (visitor, placement) in [("patient", "plain"), ("hurried", "scroll"), ("taken", "scroll")] {
        let mut cursor = json!(null);
        for page in 0..4 {
            let question = json!({"anonymous_id": visitor, "limit": 4, "cursor": cursor});
            let answer = stack.recommend(placement, question).await;
            if page == 0 {
                assert!(of_aisle(&answer.ids()) >= 2, "{:?}", answer.ids());
            }
            if visitor == "taken" {
                let of_aisle = (0..8).map(|n| n * 6).find(|n| answer.ids().contains(&id(*n).to_string()));
                stack.does(&device(visitor), Action::Dwell, of_aisle.unwrap_or(6)).await;
            }
            stack.later(5_000);
            if page == 1 {
                second.push(of_aisle(&answer.ids()));
            }
            cursor = answer.body["cursor"].clone();
            answers.push(answer);
        }
        fold(&stack, &device(visitor)).await;
    }
    assert!(second[1] < second[0] && second[1] < second[2], "{second:?}");
    for answer in &answers {
        is_identical(&stack, answer).await;
    }
    // A list that nobody went on from was not passed over: it begins as it began.
    stack.later(40_000);
    let begins = |visitor: &str| stack.recommend("scroll", json!({"anonymous_id": visitor, "limit": 4}));
    stack.does(&device("still"), Action::View, 6).await;
    let first = begins("still").await.ids();
    stack.later(2_000);
    assert_eq!(begins("still").await.ids(), first);
}
