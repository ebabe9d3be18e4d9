//! What can go wrong in the stores, in the words of whoever has to answer for it.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else wrote first; read again and retry.
    #[error("{what} was changed by somebody else")]
    Conflict {
        /// What was to be written.
        what: &'static str,
    },
    /// The table cannot take the call now; a later one may succeed.
    #[error("the table is not available for {operation}")]
    Unavailable {
        /// Which call.
        operation: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The table refused the call; repeating it will not help.
    #[error("the table refused {operation}: {code}")]
    Refused {
        /// Which call.
        operation: &'static str,
        /// The table's own code.
        code: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The object store failed.
    #[error("the object store failed")]
    Objects(#[from] object_store::Error),
    /// A stored item does not have the shape this version knows.
    #[error("stored {what} cannot be read")]
    Corrupt {
        /// Which kind of item.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is asked for was forgotten on time, or never was.
    #[error("the {what} of that time are not kept")]
    NotKept {
        /// What was asked for.
        what: &'static str,
    },
    /// A value is larger than the table takes.
    #[error("{what} is {bytes} bytes, the table takes {max}")]
    TooLarge {
        /// Which kind of item.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// A secret could not be read. What it is stays unsaid; what is said is its parameter's name.
    #[error("the secret in the parameter {name} cannot be read: {why}")]
    Parameter {
        /// Name of the parameter.
        name: String,
        /// Why.
        why: String,
    },
    /// The operating system gave no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
    /// A file could not be packed or unpacked.
    #[error("packing failed")]
    Io(#[from] std::io::Error),
}

impl Error {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Conflict { .. } | Self::Unavailable { .. } | Self::Objects(_))
    }

    pub(crate) fn corrupt(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Corrupt { what, source: source.into() }
    }
}

/// The service's own code of a failed call, if it answered at all.
pub(crate) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    match error {
        SdkError::ServiceError(service) => service.err().code(),
        _ => None,
    }
}

/// Sorts a failed call into what can be retried and what cannot.
pub(crate) fn classify<E, R>(operation: &'static str, error: SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let service_code = code(&error).map(str::to_owned);
    let source = Box::new(error);
    match service_code {
        Some(code)
            if !matches!(
                code.as_str(),
                "ProvisionedThroughputExceededException"
                    | "ThrottlingException"
                    | "RequestLimitExceeded"
                    | "InternalServerError"
                    | "TransactionConflictException"
                    | "TransactionInProgressException"
                    | "TransactionCanceledException"
            ) =>
        {
            Error::Refused { operation, code, source }
        }
        _ => Error::Unavailable { operation, source },
    }
}
