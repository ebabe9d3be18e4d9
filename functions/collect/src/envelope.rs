//! The outer shape of a request: one event, or a batch of them with what they share.
//!
//! Events stay unparsed text here, so that one that cannot be read (nested too deep, half a surrogate pair, a number
//! beyond all numbers) is refused alone and its neighbours are kept.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use vitrine_domain::Millis;

use crate::Error;
use crate::message::{Kind, Message};

/// Largest event, as it was sent.
pub const MAX_EVENT: usize = 32 * 1024;
/// Most events of a batch.
pub const MAX_EVENTS: usize = 2500;

/// What a request holds.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// Key in the body.
    pub write_key: Option<String>,
    /// Whether it is a batch; the only event of a request that is none stands for the whole request.
    pub is_batch: bool,
    sent_at: Option<Millis>,
    context: Option<Map<String, Value>>,
    events: Vec<&'a RawValue>,
}

/// Members of the outer object that matter; each is read on its own, so that a wrong one does no harm.
#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow, default, rename = "writeKey")]
    write_key: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "sentAt")]
    sent_at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
    #[serde(borrow, default)]
    batch: Option<&'a RawValue>,
}

fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
}

impl<'a> Envelope<'a> {
    /// Reads a body. An object with a `batch` is a batch at every address.
    ///
    /// # Errors
    /// If it is no JSON object, or the batch is no array or too long.
    pub fn parse(body: &'a str) -> Result<Self, Error> {
        let body = body.trim_start_matches('\u{feff}');
        let raw: &RawValue = serde_json::from_str(body).map_err(|e| Error::NotJson(e.to_string()))?;
        if !raw.get().starts_with('{') {
            return Err(Error::NotJson("it begins otherwise".to_owned()));
        }
        let outer: Outer<'a> = serde_json::from_str(raw.get()).map_err(|e| Error::NotJson(e.to_string()))?;
        let events = match outer.batch {
            Some(batch) => serde_json::from_str(batch.get())
                .map_err(|_| Error::NotJson("`batch` must be an array of events".to_owned()))?,
            None => vec![raw],
        };
        if events.len() > MAX_EVENTS {
            return Err(Error::TooMany(events.len()));
        }
        let is_batch = outer.batch.is_some();
        // It is merged into every event, so it is bounded as one.
        if let Some(context) = outer.context.filter(|context| is_batch && context.get().len() > MAX_EVENT) {
            return Err(Error::EventTooLarge(context.get().len()));
        }
        Ok(Self {
            write_key: read::<String>(outer.write_key).filter(|key| !key.is_empty()),
            is_batch,
            sent_at: read::<Value>(outer.sent_at).as_ref().and_then(crate::timing::instant),
            // The context of a single event is its own; there is nothing to merge it into.
            context: if is_batch { read(outer.context) } else { None },
            events,
        })
    }

    /// The events, each read on its own, with what they share merged in.
    pub fn messages(&self, address: Option<Kind>) -> impl Iterator<Item = Result<Message, Error>> + '_ {
        self.events.iter().map(move |raw| self.message(raw, address))
    }

    fn message(&self, raw: &RawValue, address: Option<Kind>) -> Result<Message, Error> {
        let size = raw.get().len();
        if size > MAX_EVENT {
            return Err(Error::EventTooLarge(size));
        }
        let value: Value = serde_json::from_str(raw.get()).map_err(|e| Error::Unreadable(e.to_string()))?;
        let Value::Object(mut members) = value else {
            return Err(Error::Unreadable("it must be a JSON object".to_owned()));
        };
        if let Some(shared) = &self.context {
            let own = members.entry("context").or_insert_with(|| Value::Object(Map::new()));
            merge(own, shared);
        }
        Message::new(members, address, self.sent_at)
    }
}

/// Adds what is shared where the event says nothing itself, at every depth.
fn merge(own: &mut Value, shared: &Map<String, Value>) {
    if own.is_null() {
        *own = Value::Object(Map::new());
    }
    let Value::Object(own) = own else { return };
    for (name, value) in shared {
        match (own.get_mut(name), value) {
            (Some(inner @ Value::Object(_)), Value::Object(value)) => merge(inner, value),
            (Some(Value::Null) | None, _) => {
                own.insert(name.clone(), value.clone());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn codes(body: &str) -> Vec<&'static str> {
        let envelope = Envelope::parse(body).unwrap();
        envelope.messages(None).map(|m| m.map_or_else(|e| e.code(), |_| "taken")).collect()
    }

    #[test]
    fn what_is_no_batch_is_one_event() {
        let single = Envelope::parse(r#"{"type":"page","writeKey":"k","context":{"locale":"fr"}}"#).unwrap();
        assert!(!single.is_batch && single.write_key.as_deref() == Some("k") && single.events.len() == 1);
        let batch = Envelope::parse("\u{feff} {\"batch\":[{},{}],\"writeKey\":7}").unwrap();
        assert!(batch.is_batch && batch.write_key.is_none() && batch.events.len() == 2);
        assert!(Envelope::parse(r#"{"batch":[]}"#).unwrap().events.is_empty());
    }

    #[test]
    fn requests_that_cannot_be_read() {
        for body in ["", "[]", "7", "{", r#"{"batch":{}}"#, r#"{"batch":"x"}"#, "a=b", "\"{}\""] {
            assert_eq!(Envelope::parse(body).map(|_| ()).unwrap_err().code(), "invalid-json", "{body:?}");
        }
        let many = format!(r#"{{"batch":[{}]}}"#, vec!["{}"; MAX_EVENTS + 1].join(","));
        assert_eq!(Envelope::parse(&many).map(|_| ()), Err(Error::TooMany(MAX_EVENTS + 1)));
        let most = format!(r#"{{"batch":[{}]}}"#, vec!["{}"; MAX_EVENTS].join(","));
        assert_eq!(Envelope::parse(&most).unwrap().events.len(), MAX_EVENTS);
    }

    #[test]
    fn an_unreadable_event_falls_alone() {
        let good = r#"{"type":"page","anonymousId":"a"}"#;
        let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
        let body = format!(
            r#"{{"batch":[{good},{{"type":"page","anonymousId":"\ud800"}},{{"x":{deep}}},{{"x":1e999}},7,null,{good}]}}"#
        );
        let unreadable = "event-unreadable";
        assert_eq!(codes(&body), ["taken", unreadable, unreadable, unreadable, unreadable, unreadable, "taken"]);
    }

    #[test]
    fn an_event_is_bounded_as_it_was_sent() {
        let event = |size: usize| {
            let frame = r#"{"type":"page","anonymousId":"a","x":""}"#.len();
            format!(r#"{{"type":"page","anonymousId":"a","x":"{}"}}"#, "y".repeat(size - frame))
        };
        let body = format!(r#"{{"batch":[{},{}]}}"#, event(MAX_EVENT), event(MAX_EVENT + 1));
        assert_eq!(codes(&body), ["taken", "event-too-large"]);
        let shared = format!(r#"{{"batch":[],"context":{{"x":"{}"}}}}"#, "y".repeat(MAX_EVENT));
        assert_eq!(Envelope::parse(&shared).map(|_| ()).unwrap_err().code(), "event-too-large");
    }

    #[test]
    fn the_event_says_more_than_the_batch() {
        let shared = json!({"locale": "fr", "page": {"path": "/a", "title": "A"}, "ip": "::1"});
        for (own, expected) in [
            (json!(null), shared.clone()),
            (json!({}), shared.clone()),
            (json!("odd"), json!("odd")),
            (
                json!({"locale": "de", "page": {"path": "/b"}, "ip": null}),
                json!({"locale": "de", "page": {"path": "/b", "title": "A"}, "ip": "::1"}),
            ),
            (json!({"page": 7}), json!({"locale": "fr", "page": 7, "ip": "::1"})),
        ] {
            let mut merged = own.clone();
            merge(&mut merged, shared.as_object().unwrap());
            assert_eq!(merged, expected, "{own}");
        }
    }
}
