//! Secrets that a function reads when it starts: SecureStrings of the Systems Manager's parameter store. A function's
//! environment is readable to whoever may describe the function, so it holds their names only.

use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::retry::RetryConfig;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::types::ParameterType;

use crate::calls::Call;
use crate::{Error, Result, sdk};

/// Tries of a read. An account may read 40 parameters a second unless it raises that, and many functions may start at once.
const TRIES: u32 = 8;
/// Pause before the second try; it doubles, with jitter.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest pause: a function has ten seconds to start.
const LONGEST: Duration = Duration::from_secs(1);

/// Reads a SecureString. `endpoint` is the service's address, if it is not AWS itself.
///
/// # Errors
/// [`Error::Parameter`] with its name if it is not there, not to be read, or not encrypted.
pub async fn secret(name: &str, endpoint: Option<&str>) -> Result<String> {
    let failed = |why: String| Error::Parameter { name: name.to_owned(), why };
    let retries =
        RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(PAUSE).with_max_backoff(LONGEST);
    let shared = sdk::load(endpoint).await;
    let client = Client::from_conf(aws_sdk_ssm::config::Builder::from(&shared).retry_config(retries).build());
    let answer = client.get_parameter().name(name).with_decryption(true).ask().await;
    let answer = answer.map_err(|error| failed(cause(&error)))?;
    let parameter = answer.parameter.ok_or_else(|| failed("the answer has none".to_owned()))?;
    if parameter.r#type != Some(ParameterType::SecureString) {
        return Err(failed("it is no SecureString".to_owned()));
    }
    parameter.value.filter(|value| !value.is_empty()).ok_or_else(|| failed("it is empty".to_owned()))
}

/// What went wrong, in words that hold nothing of an answer: it may be the secret.
fn cause<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("the service refused").to_owned(),
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => "the service does not answer".to_owned(),
        _ => "the answer cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests;
