//! Request bodies: JSON into a type, with an error that says where it went wrong.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::StatusCode;
use serde::de::DeserializeOwned;

use crate::{Problem, said};

/// A JSON body. The content type is not asked for: what cannot be read as JSON is refused with its place.
#[derive(Debug, Clone, Copy)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = read(request, state).await?;
        parse(&bytes).map(Self)
    }
}

/// Reads a body within the limit of its route.
///
/// # Errors
/// 413 if it is longer, 400 if the connection broke.
pub async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "the body is larger than this address takes",
            );
        }
        Problem::bad_request("body-unreadable", "the body did not arrive whole")
    })
}

/// Reads JSON.
///
/// # Errors
/// 400 with line and column if it is no JSON, 422 if it is JSON of another shape.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let said = said(&error.to_string());
        if error.is_data() {
            return Problem::unprocessable("unexpected-shape", format!("the JSON does not fit: {said}"))
                .at(place, said);
        }
        Problem::bad_request("invalid-json", format!("the body is not JSON: {said}")).at(place, said)
    })
}
