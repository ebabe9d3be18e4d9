//! Whose event it is, and who belongs together because of it.

use serde_json::{Map, Value};
use vitrine_domain::{InvalidId, Millis, Visitor};

use crate::Error;
use crate::message::{Kind, Message};
use crate::values::identifier;

/// Whose event it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The customer if the event names one, else the device.
    pub visitor: Visitor,
    /// The device, if the event names a customer too.
    pub device: Option<Visitor>,
}

/// A device and a user that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tie {
    /// The device, or whatever else stood for the person before.
    pub device: Visitor,
    /// The user.
    pub user: Visitor,
    /// Time of the event that says so.
    pub since: Millis,
}

fn named(
    members: &Map<String, Value>,
    name: &str,
    check: fn(String) -> Result<Visitor, InvalidId>,
) -> Result<Option<Visitor>, Error> {
    Ok(members.get(name).and_then(identifier).map(check).transpose()?)
}

/// Reads who an event is about. Numbers are identifiers too; blank ones and nulls are none.
///
/// # Errors
/// If there is neither customer nor device, or one that cannot be stored.
pub fn identity(message: &Message) -> Result<Identity, Error> {
    let user = named(&message.members, "userId", Visitor::known)?;
    let device = named(&message.members, "anonymousId", Visitor::anonymous)?;
    match (user, device) {
        (Some(visitor), device) => Ok(Identity { visitor, device }),
        // The identifier from now on is a customer's; without one there is nothing to be known by.
        (None, Some(_)) if message.kind == Kind::Alias => Err(Error::IncompleteAlias),
        (None, Some(visitor)) => Ok(Identity { visitor, device: None }),
        (None, None) => Err(Error::NoIdentity),
    }
}

/// What an event says about who belongs together. The former identifier of an alias is taken for an anonymous one.
///
/// # Errors
/// If it is an alias that names no former identifier, or one that cannot be stored.
pub fn ties(message: &Message, identity: &Identity, since: Millis) -> Result<Vec<Tie>, Error> {
    let user = &identity.visitor;
    let tie = |device: Visitor| Tie { device, user: user.clone(), since };
    let mut ties: Vec<Tie> = identity.device.clone().map(tie).into_iter().collect();
    if message.kind != Kind::Alias {
        return Ok(ties);
    }
    let previous = named(&message.members, "previousId", Visitor::anonymous)?.ok_or(Error::IncompleteAlias)?;
    if identity.device.as_ref() != Some(&previous) && previous.id() != user.id() {
        ties.push(tie(previous));
    }
    Ok(ties)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(kind: Kind, members: Value) -> Result<(String, Vec<String>), &'static str> {
        let message = Message { kind, members: members.as_object().unwrap().clone(), sent_at: None };
        let identity = identity(&message).map_err(|e| e.code())?;
        let ties = ties(&message, &identity, Millis(7)).map_err(|e| e.code())?;
        assert!(ties.iter().all(|tie| tie.since == Millis(7)));
        Ok((identity.visitor.to_string(), ties.iter().map(|t| format!("{} {}", t.device, t.user)).collect()))
    }

    #[test]
    fn the_customer_comes_first_and_is_tied_to_the_device() {
        for (members, visitor, ties) in [
            (json!({"anonymousId": "d"}), "a:d", vec![]),
            (json!({"userId": "u"}), "u:u", vec![]),
            (json!({"userId": "u", "anonymousId": "d"}), "u:u", vec!["a:d u:u"]),
            (json!({"userId": 42, "anonymousId": 7}), "u:42", vec!["a:7 u:42"]),
            (json!({"userId": null, "anonymousId": "d"}), "a:d", vec![]),
            (json!({"userId": " ", "anonymousId": "d"}), "a:d", vec![]),
        ] {
            let ties = ties.into_iter().map(str::to_owned).collect();
            assert_eq!(read(Kind::Track, members.clone()), Ok((visitor.to_owned(), ties)), "{members}");
        }
    }

    #[test]
    fn an_alias_ties_the_former_identifier() {
        for (members, expected) in [
            (json!({"userId": "u", "previousId": "p"}), Ok(vec!["a:p u:u"])),
            (json!({"userId": "u", "previousId": "p", "anonymousId": "d"}), Ok(vec!["a:d u:u", "a:p u:u"])),
            (json!({"userId": "u", "previousId": "d", "anonymousId": "d"}), Ok(vec!["a:d u:u"])),
            (json!({"userId": "u", "previousId": "u"}), Ok(vec![])),
            (json!({"userId": "u", "anonymousId": "d"}), Err("incomplete-alias")),
            (json!({"previousId": "p", "anonymousId": "d"}), Err("incomplete-alias")),
            (json!({"previousId": "p"}), Err("missing-identity")),
        ] {
            let expected = expected.map(|ties| ("u:u".to_owned(), ties.into_iter().map(str::to_owned).collect()));
            assert_eq!(read(Kind::Alias, members.clone()), expected, "{members}");
        }
    }

    #[test]
    fn identifiers_that_cannot_be_stored() {
        for members in [
            json!({"userId": "x".repeat(201)}),
            json!({"anonymousId": "a\nb"}),
            json!({"userId": "u", "anonymousId": "x".repeat(201)}),
        ] {
            assert_eq!(read(Kind::Page, members), Err("invalid-identifier"));
        }
        assert_eq!(read(Kind::Page, json!({"userId": true})), Err("missing-identity"));
    }
}
