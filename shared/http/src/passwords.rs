//! Passwords of a shop's staff: argon2id (RFC 9106) at the cost that the library recommends, 19 MiB and two passes. The work
//! is done beside the async threads and at most twice at once, so that sign-ins can neither stall nor fill a function.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use http::StatusCode;
use tokio::sync::Semaphore;

use crate::Problem;

/// Fewest characters of a password.
pub const MIN: usize = 12;
/// Most bytes of a password.
pub const MAX: usize = 200;

static WORK: Semaphore = Semaphore::const_new(2);

/// What is wrong with a new password, if anything is.
#[must_use]
pub fn fault(password: &str) -> Option<&'static str> {
    let fits = password.chars().count() >= MIN && password.len() <= MAX;
    (!fits).then_some("12 characters to 200 bytes")
}

async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let busy = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again shortly");
    let _one = WORK.acquire().await.map_err(|_| busy())?;
    tokio::task::spawn_blocking(work).await.map_err(|_| busy())
}

/// The hash under which a password is stored.
///
/// # Errors
/// If the operating system gives no random numbers.
pub async fn hash(password: String) -> Result<String, Problem> {
    let hashed = beside(move || hash_now(&password)).await?;
    hashed.ok_or_else(|| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again shortly"))
}

/// The same, for a command line, which has nothing else to do.
#[must_use]
pub fn hash_now(password: &str) -> Option<String> {
    let hash: PasswordHash = Argon2::default().hash_password(password.as_bytes()).ok()?;
    Some(hash.to_string())
}

/// Whether a password is the one that was stored. Where nothing was, the same work is done for nothing, so that the time
/// of an answer does not tell which names there are.
///
/// # Errors
/// If the work cannot be done.
pub async fn is(password: String, stored: Option<String>) -> Result<bool, Problem> {
    // Nobody has a longer one.
    if password.len() > MAX {
        return Ok(false);
    }
    beside(move || match stored.as_deref().map(PasswordHash::new) {
        Some(Ok(hash)) => Argon2::default().verify_password(password.as_bytes(), &hash).is_ok(),
        _ => {
            drop(hash_now(&password));
            false
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_alone() {
        let stored = hash("correct horse battery".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, hash("correct horse battery".to_owned()).await.unwrap(), "each has a salt of its own");
        assert!(is("correct horse battery".to_owned(), Some(stored.clone())).await.unwrap());
        assert!(!is("correct horse batterz".to_owned(), Some(stored)).await.unwrap());
        assert!(!is("correct horse battery".to_owned(), None).await.unwrap());
        assert!(!is("correct horse battery".to_owned(), Some("damaged".to_owned())).await.unwrap());
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        assert!(fault("elevenchars").is_some() && fault(&"é".repeat(101)).is_some());
        assert!(fault("twelve chars").is_none() && fault(&"é".repeat(100)).is_none());
    }
}
