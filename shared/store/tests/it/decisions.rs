//! Decisions come back as they were written.

use serde_json::value::RawValue;
use vitrine_domain::Visitor;
use vitrine_store::decisions::DecisionKey;

use crate::support::{NOW, Stack, device, event, other_shop, profile, shop};

#[tokio::test]
async fn a_decision_comes_back_as_it_was_written_with_and_without_a_visitor() {
    let stack = Stack::start().await;
    for (visitor, text) in [(Some(device("phone")), "{\"b\":1,\"a\":[1.50]}"), (None, "{\"b\":2}")] {
        let key = DecisionKey { visitor, time: NOW, nonce: "abc".to_owned() };
        let decision = RawValue::from_string(text.to_owned()).unwrap();
        stack.table.put_decision(&shop(), &key, &decision).await.unwrap();
        let found = stack.table.decision(&shop(), &key).await.unwrap().unwrap();
        assert_eq!(found.get(), text);
        assert!(stack.table.decision(&other_shop(), &key).await.unwrap().is_none());
        let another = DecisionKey { nonce: "abd".to_owned(), ..key };
        assert!(stack.table.decision(&shop(), &another).await.unwrap().is_none());
    }
}

fn made(visitor: Option<Visitor>, at: i64, nonce: &str) -> (DecisionKey, Box<RawValue>) {
    let key = DecisionKey { visitor, time: NOW.plus(at), nonce: nonce.to_owned() };
    (key, RawValue::from_string(format!("{{\"n\":\"{nonce}\"}}")).unwrap())
}

#[tokio::test]
async fn a_visitors_newest_decisions_come_newest_first_and_nothing_else() {
    let stack = Stack::start().await;
    let phone = device("phone");
    let all: Vec<_> = (0..30).map(|n| made(Some(phone.clone()), n * 10, &format!("n{n:02}"))).collect();
    stack.table.put_decisions(&shop(), &all).await.unwrap();
    stack.table.put_decisions(&shop(), &[made(Some(device("phone2")), 999, "x"), made(None, 999, "y")]).await.unwrap();
    stack.table.put_event(&shop(), &event(&phone, "m1", NOW)).await.unwrap();
    stack.table.save_profile(&shop(), &profile(&phone, &[], 1), None).await.unwrap();
    let found = stack.table.recent_decisions(&shop(), &phone, 3, None).await.unwrap();
    let found: Vec<_> = found.iter().map(|(time, decision)| (time.since(NOW), decision.get())).collect();
    assert_eq!(found, [(290, "{\"n\":\"n29\"}"), (280, "{\"n\":\"n28\"}"), (270, "{\"n\":\"n27\"}")]);
    assert_eq!(stack.table.recent_decisions(&shop(), &phone, 100, None).await.unwrap().len(), 30);
    let before = stack.table.recent_decisions(&shop(), &phone, 2, Some(NOW.plus(110))).await.unwrap();
    assert_eq!(before.iter().map(|(time, _)| time.since(NOW)).collect::<Vec<_>>(), [110, 100]);
    assert!(stack.table.recent_decisions(&other_shop(), &phone, 3, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn decisions_written_together_are_those_written_alone() {
    let (together, alone) = (Stack::start().await, Stack::start().await);
    let twice = made(None, 0, "same");
    let last = RawValue::from_string("{\"last\":true}".to_owned()).unwrap();
    let all = [made(Some(device("phone")), 0, "a"), twice.clone(), (twice.0, last), made(None, 0, "b")];
    together.table.put_decisions(&shop(), &all).await.unwrap();
    for (key, decision) in &all {
        alone.table.put_decision(&shop(), key, decision).await.unwrap();
    }
    assert_eq!(together.dump().await, alone.dump().await);
    together.table.put_decisions(&shop(), &[]).await.unwrap();
}
