//! One call: a deadline for each try, and pauses between tries.

use std::time::Duration;

use qdrant_client::QdrantError;

use super::Remote;
use crate::Error;

/// gRPC codes that a later try may not meet: deadline exceeded, resource exhausted, aborted, unavailable.
const PASSING: [i32; 4] = [4, 8, 10, 14];
/// gRPC codes for what is not there and what is there already.
const NOT_FOUND: i32 = 5;
const EXISTS: i32 = 6;

pub(super) fn code_of(error: &QdrantError) -> Option<i32> {
    match error {
        QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. } => {
            Some(status.code() as i32)
        }
        _ => None,
    }
}

pub(super) fn exists_already(error: &Error) -> bool {
    matches!(error, Error::Remote { source, .. } if code_of(source) == Some(EXISTS)
        || source.to_string().contains("already exists"))
}

pub(crate) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Remote { source, .. } if code_of(source) == Some(NOT_FOUND))
}

impl Remote {
    /// Makes a call until it succeeds, fails for good, or was tried often enough.
    pub(super) async fn call<T, F>(
        &self,
        call: &'static str,
        timeout: Duration,
        once: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, QdrantError>>,
    {
        let mut pause = self.settings.pause;
        let mut tries = 1;
        loop {
            let error = match tokio::time::timeout(timeout, once()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(source)) => {
                    let passing = code_of(&source).is_some_and(|code| PASSING.contains(&code));
                    let error = Error::Remote { call, source: Box::new(source) };
                    if !passing {
                        return Err(error);
                    }
                    error
                }
                Err(_) => Error::RemoteTimeout { call, after: timeout },
            };
            if tries >= self.settings.tries {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
            tries += 1;
        }
    }
}
