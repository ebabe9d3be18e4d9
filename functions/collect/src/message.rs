//! One event as the protocol has it, before it becomes one of ours.

use serde_json::{Map, Value};
use vitrine_domain::Millis;

use crate::Error;

/// The type of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something was done; `event` names it.
    Track,
    /// Somebody said who they are.
    Identify,
    /// A page was loaded.
    Page,
    /// A screen of an app was opened.
    Screen,
    /// A visitor was put into a group.
    Group,
    /// Two identifiers are one person.
    Alias,
}

impl Kind {
    /// Every type.
    pub const ALL: [Self; 6] = [Self::Track, Self::Identify, Self::Page, Self::Screen, Self::Group, Self::Alias];

    /// The name in `type` and in the address; its first letter is the address that browsers use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Identify => "identify",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Group => "group",
            Self::Alias => "alias",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text.trim()))
    }
}

/// One event: its type, its members, and when its request was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its type.
    pub kind: Kind,
    /// Its members as they came, the shared context merged in.
    pub members: Map<String, Value>,
    /// When the client sent it, by the client's clock.
    pub sent_at: Option<Millis>,
}

impl Message {
    /// What the event says of its type wins over the address it was sent to.
    pub(crate) fn new(
        members: Map<String, Value>,
        address: Option<Kind>,
        shared_sent_at: Option<Millis>,
    ) -> Result<Self, Error> {
        let named = members.get("type").and_then(Value::as_str).and_then(Kind::parse);
        let unnamed = || members.contains_key("event").then_some(Kind::Track);
        let kind = named.or(address).or_else(unnamed).ok_or(Error::UnknownType)?;
        let sent_at = members.get("sentAt").and_then(crate::timing::instant).or(shared_sent_at);
        Ok(Self { kind, members, sent_at })
    }

    /// A member that is an object, or nothing.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.members.get(name).and_then(Value::as_object)
    }

    /// A member of the context.
    #[must_use]
    pub fn context(&self, name: &str) -> Option<&Value> {
        self.object("context").and_then(|context| context.get(name))
    }

    /// The client's own time of the event.
    #[must_use]
    pub fn time(&self) -> Option<Millis> {
        ["timestamp", "originalTimestamp"]
            .iter()
            .find_map(|name| self.members.get(*name))
            .and_then(crate::timing::instant)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(members: Value, address: Option<Kind>) -> Result<Kind, Error> {
        Message::new(members.as_object().unwrap().clone(), address, None).map(|m| m.kind)
    }

    #[test]
    fn the_type_is_said_by_the_event_or_else_by_the_address() {
        assert_eq!(kind(json!({"type": "Page"}), Some(Kind::Track)), Ok(Kind::Page));
        assert_eq!(kind(json!({"type": "odd"}), Some(Kind::Track)), Ok(Kind::Track));
        assert_eq!(kind(json!({}), Some(Kind::Alias)), Ok(Kind::Alias));
        assert_eq!(kind(json!({"event": "X"}), None), Ok(Kind::Track));
        assert_eq!(kind(json!({"type": 7}), None), Err(Error::UnknownType));
    }

    #[test]
    fn times_of_the_event_and_of_its_request() {
        let message =
            |members: Value, shared| Message::new(members.as_object().unwrap().clone(), Some(Kind::Page), shared);
        let both = message(json!({"timestamp": 1, "originalTimestamp": 2, "sentAt": 3}), Some(Millis(4))).unwrap();
        assert_eq!((both.time(), both.sent_at), (Some(Millis(1)), Some(Millis(3))));
        let rudder = message(json!({"originalTimestamp": 2}), Some(Millis(4))).unwrap();
        assert_eq!((rudder.time(), rudder.sent_at), (Some(Millis(2)), Some(Millis(4))));
    }
}
