//! Refusals and erasures that are cut off, and those of which another running copy of the function does not know yet.

use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use vitrine_domain::time::MINUTE;
use vitrine_domain::{Action, Event, MessageId, Visitor};
use vitrine_store::erasures::Until;

use crate::harness::{Answer, NOW, POISON, Stack, anonymous, known, page, request, send, shop};

/// An event of Anna's that says whether she may be personalised for, if anything; of now.
fn annas(stack: &Stack, id: &str, agrees: Option<bool>) -> Value {
    let mut event = page(id, json!({"anonymousId": "anna", "timestamp": stack.clock.now().to_rfc3339()}));
    if let Some(agrees) = agrees {
        event["context"] = json!({"consent": {"categoryPreferences": {"personalise": agrees}}});
    }
    event
}

async fn post(router: &Router, event: &Value) -> Answer {
    send(router.clone(), request("/v1/page", "demo", event.to_string())).await
}

async fn refused(stack: &Stack) -> bool {
    let anna = anonymous("anna");
    let context = &stack.app.context;
    let barred = context.table.barred_now(&context.tombstone_key(), &shop(), [anna.clone()]).await.unwrap();
    barred.refused(&anna)
}

#[tokio::test]
async fn a_refusal_whose_erasure_was_cut_off_erases_when_it_is_sent_again() {
    let stack = Stack::start().await;
    stack.batch(&[annas(&stack, "1", None), annas(&stack, POISON, None)]).await.assert_success();
    let refusal = annas(&stack, "2", Some(false));
    stack.fail(true);
    assert_eq!(stack.post("/v1/page", &refusal).await.code().0, 503);
    assert!(refused(&stack).await && !stack.events(&anonymous("anna")).await.is_empty(), "noted first, and cut off");
    stack.fail(false);
    stack.post("/v1/page", &refusal).await.assert_success();
    assert!(stack.events(&anonymous("anna")).await.is_empty());
}

#[tokio::test]
async fn a_refusal_after_a_grant_that_only_another_copy_knows_of_erases() {
    let stack = Stack::start().await;
    let (here, there) = (stack.restarted(), stack.restarted());
    post(&here, &annas(&stack, "1", Some(false))).await.assert_success();
    post(&here, &annas(&stack, "2", None)).await.assert_success();
    stack.clock.advance(Duration::from_secs(1));
    post(&there, &annas(&stack, "3", Some(true))).await.assert_success();
    assert_eq!(stack.events(&anonymous("anna")).await.len(), 1);
    stack.clock.advance(Duration::from_secs(1));
    post(&here, &annas(&stack, "4", Some(false))).await.assert_success();
    assert!(refused(&stack).await && stack.events(&anonymous("anna")).await.is_empty());
}

#[tokio::test]
async fn a_grant_after_a_refusal_that_only_another_copy_knows_of_is_not_lost() {
    let stack = Stack::start().await;
    let (here, there) = (stack.restarted(), stack.restarted());
    post(&here, &annas(&stack, "1", None)).await.assert_success();
    post(&there, &annas(&stack, "2", Some(false))).await.assert_success();
    stack.clock.advance(Duration::from_secs(1));
    post(&here, &annas(&stack, "3", Some(true))).await.assert_success();
    assert!(!refused(&stack).await);
    assert_eq!(stack.ids(&anonymous("anna")).await, ["3"]);
}

#[tokio::test]
async fn whoever_says_again_that_they_agree_costs_no_further_look_at_the_table() {
    let stack = Stack::start().await;
    let mut reads = Vec::new();
    for (n, agrees) in [None, Some(true), Some(true), None, Some(true)].into_iter().enumerate() {
        let before = stack.reads();
        stack.post("/v1/page", &annas(&stack, &n.to_string(), agrees)).await.assert_success();
        reads.push(stack.reads() - before);
        stack.clock.advance(Duration::from_secs(1));
    }
    // The first also asks for the key and the setting of the shop; that she agrees is asked about once.
    assert!(reads[0] > 1 && reads[1..] == [1, 0, 0, 0], "{reads:?}");
}

/// A device that two people share. Of whatever was left of hers without the link nobody could tell whose it is.
#[tokio::test]
async fn an_erasure_that_a_busy_table_cut_off_takes_the_rest_of_a_shared_device_when_it_is_asked_again() {
    let stack = Stack::start().await;
    let (table, tablet) = (&stack.app.context.table, anonymous("tablet"));
    for (user, minutes) in [("bert", 50), ("anna", 30)] {
        table.link(&shop(), &tablet, &known(user), NOW.plus(-minutes * MINUTE)).await.unwrap();
    }
    let event = |of: &Visitor, id: &str, minutes: i64| {
        Event::new(MessageId::new(id).unwrap(), of.clone(), NOW.plus(-minutes * MINUTE), Action::View)
    };
    // More than go in one call; the first of hers is in another one than the link.
    let mut events: Vec<Event> = (0..60).map(|n| event(&tablet, &format!("hers-{n}"), 40)).collect();
    events.extend([event(&tablet, POISON, 45), event(&tablet, "his", 55)]);
    table.import_events(&shop(), &events).await.unwrap();
    let key = stack.app.context.tombstone_key();
    stack.fail(true);
    table.erase(&key, &shop(), &known("anna"), Until::Ever, NOW).await.unwrap_err();
    assert!(stack.ids(&tablet).await.contains(&POISON.to_owned()));
    stack.fail(false);
    table.erase(&key, &shop(), &known("anna"), Until::Ever, NOW).await.unwrap();
    assert_eq!(stack.ids(&tablet).await, ["his"]);
    assert_eq!(stack.links(&tablet).await, [("u:bert".to_owned(), -50 * MINUTE)]);
}
