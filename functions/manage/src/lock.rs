//! Optimistic locking: a setting is written over the version it was made from. A request names that version in
//! `If-Match`, or as `version` in its body; zero is a setting that nobody has written yet.

use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, HeaderName, StatusCode};
use vitrine_http::Problem;

/// What a request says of the version it was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// In the header.
    Header(u64),
    /// In the header, but nothing that was ever our version.
    Foreign,
    /// `If-Match: *`: whatever there is, but there must be something (RFC 9110, 13.1.1); what was shipped is.
    Any,
    /// In the body.
    Body(u64),
    /// Nothing.
    Unsaid,
}

impl Expected {
    /// Reads a request; the header goes before the body.
    pub(crate) fn of(headers: &HeaderMap, body: Option<u64>) -> Self {
        let Some(header) = headers.get(IF_MATCH) else { return body.map_or(Self::Unsaid, Self::Body) };
        let text = header.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Self::Any;
        }
        let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        quoted.and_then(|text| text.parse().ok()).map_or(Self::Foreign, Self::Header)
    }

    /// The version to write over, if it is what the request expects of the current one: zero as shipped, none if there is no
    /// such thing.
    ///
    /// # Errors
    /// 412 if the header expects another one, 409 if the body does, 428 if it says nothing of a setting that was written
    /// before.
    pub(crate) fn over(self, current: Option<u64>) -> Result<u64, Problem> {
        let version = current.unwrap_or_default();
        match self {
            Self::Header(seen) | Self::Body(seen) if seen == version => Ok(version),
            Self::Any if current.is_some() => Ok(version),
            Self::Unsaid if version == 0 => Ok(0),
            _ => Err(self.refusal(&format!("it stands at version {version}; read it again and send what you saw"))),
        }
    }

    /// A refusal in the terms in which the version was named.
    pub(crate) fn refusal(self, detail: &str) -> Problem {
        match self {
            Self::Header(_) | Self::Foreign | Self::Any => {
                Problem::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", detail).at("If-Match", detail)
            }
            Self::Body(_) => Problem::new(StatusCode::CONFLICT, "conflict", detail).at("/version", detail),
            Self::Unsaid => Problem::new(StatusCode::PRECONDITION_REQUIRED, "precondition-required", detail)
                .at("/version", "or the header If-Match: the version you have read"),
        }
    }
}

/// The header that names a version.
pub(crate) fn etag(version: u64) -> [(HeaderName, String); 1] {
    [(ETAG, format!("\"{version}\""))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn over(header: Option<&str>, body: Option<u64>, current: Option<u64>) -> Result<u64, u16> {
        let mut headers = HeaderMap::new();
        if let Some(text) = header {
            headers.insert(IF_MATCH, HeaderValue::from_str(text).unwrap());
        }
        Expected::of(&headers, body).over(current).map_err(|problem| problem.status.as_u16())
    }

    #[test]
    fn only_the_version_that_was_seen_is_written_over() {
        for (header, body, current, expected) in [
            (None, None, Some(0), Ok(0)),
            (None, None, Some(3), Err(428)),
            (None, Some(3), Some(3), Ok(3)),
            (None, Some(2), Some(3), Err(409)),
            (None, Some(0), Some(3), Err(409)),
            (None, Some(1), Some(0), Err(409)),
            (Some("\"3\""), None, Some(3), Ok(3)),
            (Some("\"3\""), Some(9), Some(3), Ok(3)),
            (Some("\"2\""), Some(3), Some(3), Err(412)),
            (Some("\"0\""), None, Some(0), Ok(0)),
            (Some("*"), None, Some(3), Ok(3)),
            (Some("*"), None, Some(0), Ok(0)),
            (Some("*"), None, None, Err(412)),
            (Some("\"0\""), None, None, Ok(0)),
            (Some("\"1\""), None, None, Err(412)),
            (None, Some(0), None, Ok(0)),
            (None, None, None, Ok(0)),
            (Some("W/\"3\""), None, Some(3), Err(412)),
            (Some("3"), None, Some(3), Err(412)),
            (Some("\"abc\""), Some(3), Some(3), Err(412)),
        ] {
            assert_eq!(over(header, body, current), expected, "{header:?} {body:?} over {current:?}");
        }
    }
}
