//! Errors as [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem+json: what is wrong, where, and how to mend it.
//!
//! The members `code` and `message` are there besides the standard's because trackers of the Segment protocol read them.
//! A handler answers a [`Problem`]; the outermost layer adds the request id, so that no handler has to carry it around.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
pub use vitrine_runtime::telemetry::causes;

/// A place in the request and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the body, or the name of a parameter.
    #[schema(example = "/products/3/price")]
    pub pointer: String,
    /// What is wrong there and how to mend it.
    pub detail: String,
}

/// An error as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Stable address of the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "urn:vitrine:problem:unknown-key")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// HTTP status.
    #[serde(serialize_with = "status_number")]
    #[schema(value_type = u16, example = 401)]
    pub status: StatusCode,
    /// This problem in words, and how to mend it.
    pub detail: String,
    /// Stable name of the kind of problem.
    #[schema(example = "unknown-key")]
    pub code: &'static str,
    /// The same as `detail`.
    pub message: String,
    /// Names the request in the logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Where in the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// Seconds after which a retry makes sense.
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn status_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem of a kind.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            kind: format!("urn:vitrine:problem:{code}"),
            title: code.replace('-', " "),
            status,
            message: detail.clone(),
            detail,
            code,
            request_id: None,
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// 400: the request cannot be read.
    #[must_use]
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: the key or token is missing or unknown.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unknown-key", detail)
    }

    /// 403: the key is known and not enough.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "key-not-sufficient", detail)
    }

    /// 404: there is nothing by that name, or nothing that this key may see.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// 422: the request can be read and makes no sense.
    #[must_use]
    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 429: a key or a visitor asks too much; after these seconds a retry makes sense.
    #[must_use]
    pub fn too_many(detail: impl Into<String>, seconds: u32) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail);
        Self { retry_after: Some(seconds), ..problem }
    }

    /// Says where in the request.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(Fault { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// A failure inside: the log gets the cause, the client the request id and nothing else.
    #[must_use]
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(cause = %causes(error), "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something failed inside; the request id names it in the logs",
        )
    }
}

/// The one table from store errors to answers.
impl From<vitrine_store::Error> for Problem {
    fn from(error: vitrine_store::Error) -> Self {
        use vitrine_store::Error as E;
        match &error {
            E::Conflict { .. } => Self::new(StatusCode::CONFLICT, "conflict", error.to_string()),
            E::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", error.to_string()),
            E::Unavailable { .. } | E::Objects(_) => {
                tracing::warn!(cause = %causes(&error), "a store is not available");
                let mut problem = Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    "a store is not available; try again shortly",
                );
                problem.retry_after = Some(1);
                problem
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<vitrine_domain::InvalidId> for Problem {
    fn from(error: vitrine_domain::InvalidId) -> Self {
        Self::unprocessable("invalid-identifier", error.to_string()).at(error.what, error.rule)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"vitrine\", Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}
