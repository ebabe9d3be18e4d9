//! What is refused, and why: a whole request, or one event of a batch.

use http::StatusCode;
use vitrine_http::Problem;

use crate::body::MAX_BODY;
use crate::envelope::{MAX_EVENT, MAX_EVENTS};

/// Why a request or an event was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The body says it is gzip and is not, or breaks off.
    #[error("the body cannot be inflated: it is not whole gzip")]
    Gzip,
    /// The body is too large, after inflation.
    #[error("a request takes at most {MAX_BODY} bytes, counted after inflation; send smaller batches")]
    BodyTooLarge,
    /// The body is no JSON object.
    #[error("the body is not a JSON object: {0}")]
    NotJson(String),
    /// The batch names too many events.
    #[error("a batch takes at most {MAX_EVENTS} events, this one has {0}")]
    TooMany(usize),
    /// There is no key in the headers, the address or the body.
    #[error("a write key is needed: `Authorization: Basic base64(KEY:)`, or `writeKey` in the body")]
    NoKey,
    /// The event is too large.
    #[error("an event takes at most {MAX_EVENT} bytes, this one has {0}")]
    EventTooLarge(usize),
    /// The event cannot be read.
    #[error("the event cannot be read: {0}")]
    Unreadable(String),
    /// Neither the address nor the event says what type it is.
    #[error("`type` must be track, identify, page, screen, group or alias")]
    UnknownType,
    /// A track event without a name.
    #[error("a track event needs its name in `event`")]
    NoName,
    /// The event belongs to nobody.
    #[error("`userId` or `anonymousId` is needed: a text or a number that is not empty")]
    NoIdentity,
    /// An alias that does not say who becomes whom.
    #[error("an alias needs `userId`, the identifier from now on, and `previousId`")]
    IncompleteAlias,
    /// An identifier cannot be stored.
    #[error("{0}")]
    Identifier(#[from] vitrine_domain::InvalidId),
}

impl Error {
    /// Stable name of the reason.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Gzip => "invalid-gzip",
            Self::BodyTooLarge => "too-large",
            Self::NotJson(_) => "invalid-json",
            Self::TooMany(_) => "too-many-events",
            Self::NoKey => "unknown-key",
            Self::EventTooLarge(_) => "event-too-large",
            Self::Unreadable(_) => "event-unreadable",
            Self::UnknownType => "unknown-type",
            Self::NoName => "missing-event-name",
            Self::NoIdentity => "missing-identity",
            Self::IncompleteAlias => "incomplete-alias",
            Self::Identifier(_) => "invalid-identifier",
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Gzip | Self::NotJson(_) => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge | Self::TooMany(_) | Self::EventTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoKey => StatusCode::UNAUTHORIZED,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

/// All of these are refused for good: sending the same again would not help, and no status here makes a client retry.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::new(error.status(), error.code(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_refusal_makes_a_client_send_again() {
        let id = vitrine_domain::Visitor::known("").unwrap_err();
        for error in [
            Error::Gzip,
            Error::BodyTooLarge,
            Error::NotJson(String::new()),
            Error::TooMany(9),
            Error::NoKey,
            Error::EventTooLarge(9),
            Error::Unreadable(String::new()),
            Error::UnknownType,
            Error::NoName,
            Error::NoIdentity,
            Error::IncompleteAlias,
            Error::Identifier(id),
        ] {
            let status = error.status().as_u16();
            assert!((400..500).contains(&status) && ![408, 410, 429, 460].contains(&status), "{error}");
            let problem = Problem::from(error.clone());
            assert_eq!((problem.code, problem.message.as_str()), (error.code(), error.to_string().as_str()));
        }
    }
}
