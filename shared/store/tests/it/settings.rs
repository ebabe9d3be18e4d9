//! Settings are written only over the version they were made from.

use serde_json::{Value, json};
use vitrine_store::Error;

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
    for (shop, kind, id) in [
        (shop(), "rule", "a#b%23"),
        (shop(), "rule", "plain"),
        (shop(), "rules", "x"),
        (shop(), "rul", "x"),
        (other_shop(), "rule", "x"),
    ] {
        stack.table.put_setting(&shop, kind, id, &json!({}), 0).await.unwrap();
    }
    let settings = stack.table.settings::<Value>(&shop(), "rule").await.unwrap();
    assert_eq!(settings.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["a#b%23", "plain"]);
    // What was read can be written again under the same identifier.
    stack.table.put_setting(&shop(), "rule", &settings[0].id, &json!({}), settings[0].version).await.unwrap();
}
