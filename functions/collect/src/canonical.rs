//! A message id for events that came without one.
//!
//! It is a hash of what the event says, so that a retry of the same request counts once. The price is that two equal
//! events are one event: a client that wants to count both gives them different message ids or timestamps.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use vitrine_domain::MessageId;

use crate::values::identifier;

/// Members that differ from one attempt to the next, or say nothing of the event itself.
const FLEETING: [&str; 6] = ["messageId", "sentAt", "receivedAt", "writeKey", "_metadata", "integrations"];

/// The event's message id: the client's, or one made from the event. One that is too long to store is replaced by its
/// own hash.
///
/// # Errors
/// Never for what this makes; the type cannot say so.
pub fn message_id(members: &Map<String, Value>) -> Result<MessageId, vitrine_domain::InvalidId> {
    match members.get("messageId").and_then(identifier) {
        Some(own) => MessageId::new(own.as_str())
            .or_else(|_| MessageId::new(format!("long-{}", digest(|hasher| hasher.update(own.as_bytes()))))),
        None => MessageId::new(format!("auto-{}", digest(|hasher| hash_object(hasher, members, &FLEETING)))),
    }
}

/// The first 128 bits of a hash.
fn digest(write: impl FnOnce(&mut Sha256)) -> String {
    let mut hasher = Sha256::new();
    write(&mut hasher);
    let hash: [u8; 32] = hasher.finalize().into();
    hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Canonical JSON: names sorted, no blanks.
fn hash_value(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Object(object) => hash_object(hasher, object, &[]),
        Value::Array(list) => {
            hasher.update(b"[");
            for value in list {
                hash_value(hasher, value);
                hasher.update(b",");
            }
            hasher.update(b"]");
        }
        plain => hasher.update(plain.to_string().as_bytes()),
    }
}

fn hash_object(hasher: &mut Sha256, object: &Map<String, Value>, without: &[&str]) {
    let mut members: Vec<_> = object.iter().filter(|(name, _)| !without.contains(&name.as_str())).collect();
    members.sort_by_key(|(name, _)| name.as_str());
    hasher.update(b"{");
    for (name, value) in members {
        hasher.update(Value::String(name.clone()).to_string().as_bytes());
        hasher.update(b":");
        hash_value(hasher, value);
        hasher.update(b",");
    }
    hasher.update(b"}");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(value: Value) -> String {
        message_id(value.as_object().unwrap()).unwrap().to_string()
    }

    #[test]
    fn the_clients_own_id_is_kept() {
        assert_eq!(id(json!({"messageId": "m-1"})), "m-1");
        assert_eq!(id(json!({"messageId": 17})), "17");
        let long = id(json!({"messageId": "x".repeat(101)}));
        assert_eq!(long, id(json!({"messageId": "x".repeat(101), "other": 1})));
        assert_ne!(long, id(json!({"messageId": "x".repeat(102)})));
        assert!(long.starts_with("long-") && id(json!({"messageId": "a\u{7}b"})).starts_with("long-"));
    }

    #[test]
    fn a_retry_of_an_event_without_an_id_is_the_same_event() {
        let first = json!({"event": "X", "userId": "u", "properties": {"a": 1, "b": [1, 2]}, "sentAt": "1"});
        let retry = json!({"sentAt": "2", "_metadata": {"retryCount": 1}, "messageId": "",
            "properties": {"b": [1, 2], "a": 1}, "userId": "u", "event": "X"});
        assert_eq!(id(first.clone()), id(retry));
        insta::assert_snapshot!(id(first));
    }

    #[test]
    fn another_event_is_another_event() {
        let ids: std::collections::BTreeSet<String> = [
            json!({"a": "x"}),
            json!({"a": ["x"]}),
            json!({"a": {"x": null}}),
            json!({"a": [], "x": []}),
            json!({"a": [[], "x"]}),
            json!({"a": "x", "timestamp": "2026-11-22"}),
            json!({"a\":\"x\",\"b": "x"}),
            json!({"a": "x", "b": "x"}),
            json!({"context": {"page": {"path": "/a"}}}),
            json!({"context": {"page": {"path": "/b"}}}),
        ]
        .into_iter()
        .map(id)
        .collect();
        assert_eq!(ids.len(), 10);
    }
}
