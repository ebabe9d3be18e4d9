//! What stands behind the question mark of an address, with an error that tells nobody's secrets.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::{Problem, said};

/// The parameters of an address.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Query::from_request_parts(parts, state).await;
        let refused = |rejection: axum::extract::rejection::QueryRejection| {
            Problem::bad_request("invalid-parameters", said(&rejection.body_text()))
        };
        read.map(|Query(parameters)| Self(parameters)).map_err(refused)
    }
}
