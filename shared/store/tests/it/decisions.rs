//! Decisions come back as they were written.

use serde_json::value::RawValue;
use vitrine_store::decisions::DecisionKey;

use crate::support::{NOW, Stack, device, other_shop, shop};

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
