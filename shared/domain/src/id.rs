//! Names and identifiers, checked where they enter.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The identifier that a value is, as clients write them: text that is not blank, or a number.
#[must_use]
pub fn of_value(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {rule}")]
pub struct InvalidId {
    /// Which name.
    pub what: &'static str,
    /// What it has to be.
    pub rule: &'static str,
}

fn bounded(value: &str, what: &'static str, max: usize, rule: &'static str) -> Result<(), InvalidId> {
    let ok = !value.is_empty() && value.len() <= max && !value.chars().any(char::is_control);
    if ok { Ok(()) } else { Err(InvalidId { what, rule }) }
}

/// A shop's name: 1 to 40 of `[a-z0-9-]`, part of every key in the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shop(String);

impl Shop {
    /// Checks a name.
    ///
    /// # Errors
    /// If it is empty, longer than 40 or holds anything but lower-case letters, digits and hyphens.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidId> {
        let name = name.into();
        let ok = (1..=40).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if ok {
            Ok(Self(name))
        } else {
            Err(InvalidId { what: "shop", rule: "1 to 40 lower-case letters, digits and hyphens" })
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $rule:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks an identifier.
            ///
            /// # Errors
            /// If it is empty, too long or holds control characters.
            pub fn new(value: impl Into<String>) -> Result<Self, InvalidId> {
                let value = value.into();
                bounded(&value, $what, $max, $rule)?;
                Ok(Self(value))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(value: String) -> Result<Self, InvalidId> {
                Self::new(value)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id! {
    /// A product's identifier as the shop knows it; variants share the identifier of their group.
    ProductId, "product_id", 128, "1 to 128 bytes without control characters"
}
text_id! {
    /// What makes a repeated event the same event: the client's `messageId`.
    MessageId, "messageId", 100, "1 to 100 bytes without control characters"
}

impl TryFrom<String> for Shop {
    type Error = InvalidId;
    fn try_from(value: String) -> Result<Self, InvalidId> {
        Self::new(value)
    }
}

impl From<Shop> for String {
    fn from(shop: Shop) -> Self {
        shop.0
    }
}

/// Whose partition something belongs to: a browser or device, or a person the shop knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Visitor {
    /// The random identifier that a storefront's SDK keeps in the browser.
    Anonymous(String),
    /// The shop's own customer number.
    Known(String),
}

impl Visitor {
    const RULE: &'static str = "1 to 200 bytes without control characters";

    /// A browser or device.
    ///
    /// # Errors
    /// If the identifier is empty, over 200 bytes or holds control characters.
    pub fn anonymous(id: impl Into<String>) -> Result<Self, InvalidId> {
        let id = id.into();
        bounded(&id, "anonymousId", 200, Self::RULE)?;
        Ok(Self::Anonymous(id))
    }

    /// A customer.
    ///
    /// # Errors
    /// If the identifier is empty, over 200 bytes or holds control characters.
    pub fn known(id: impl Into<String>) -> Result<Self, InvalidId> {
        let id = id.into();
        bounded(&id, "userId", 200, Self::RULE)?;
        Ok(Self::Known(id))
    }

    /// Reads the form of [`Display`](fmt::Display): `a:<anonymous id>` or `u:<user id>`.
    ///
    /// # Errors
    /// If the prefix is missing or the rest is no identifier.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        match text.split_at_checked(2) {
            Some(("a:", id)) => Self::anonymous(id),
            Some(("u:", id)) => Self::known(id),
            _ => Err(InvalidId { what: "visitor", rule: "`a:<anonymous id>` or `u:<user id>`" }),
        }
    }

    /// The identifier without its prefix.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Anonymous(id) | Self::Known(id) => id,
        }
    }

    /// Whether the shop knows the person.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }
}

impl fmt::Display for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous(id) => write!(f, "a:{id}"),
            Self::Known(id) => write!(f, "u:{id}"),
        }
    }
}

impl TryFrom<String> for Visitor {
    type Error = InvalidId;
    fn try_from(value: String) -> Result<Self, InvalidId> {
        Self::parse(&value)
    }
}

impl From<Visitor> for String {
    fn from(visitor: Visitor) -> Self {
        visitor.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shop_names_cannot_leave_their_key() {
        assert!(Shop::new("demo-2").is_ok());
        for bad in ["", "Demo", "a#b", "a/b", "ä", &"x".repeat(41)] {
            assert!(Shop::new(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn visitors_survive_their_text_form(id in "[^\\p{Cc}]{1,40}") {
            for visitor in [Visitor::anonymous(id.clone()).unwrap(), Visitor::known(id.clone()).unwrap()] {
                prop_assert_eq!(Visitor::parse(&visitor.to_string()).unwrap(), visitor);
            }
        }
    }
}
