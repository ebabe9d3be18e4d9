//! The time, as an argument: the system's in production, a hand-set one in tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vitrine_domain::Millis;

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is moved.
    #[must_use]
    pub fn set_to(time: Millis) -> Self {
        Self(Source::Set(Arc::new(AtomicI64::new(time.0))))
    }

    /// Moves a hand-set clock; the system's clock cannot be moved.
    pub fn advance(&self, by: Duration) {
        if let Source::Set(time) = &self.0 {
            time.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// The time now.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place where the system's clock is read")]
    pub fn now(&self) -> Millis {
        match &self.0 {
            Source::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Millis(i64::try_from(since.as_millis()).unwrap_or(Millis::MAX.0))
            }
            Source::Set(time) => Millis(time.load(Ordering::SeqCst)),
        }
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
