//! A circuit breaker: what failed again and again is left alone for a while, so that nobody waits for it in vain.

use vitrine_domain::Millis;
use vitrine_domain::time::SECOND;

/// Failures in a row after which it opens.
const FAILURES: u32 = 5;
/// How long nobody tries.
const PAUSE: i64 = 10 * SECOND;

/// Whether something is worth a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Breaker {
    /// Failures since the last success.
    failures: u32,
    /// When it is worth a try again, once it is open.
    until: Option<Millis>,
}

impl Breaker {
    /// Whether a call may be made now. After a pause one may, and while nothing is heard of it, nobody else.
    pub(crate) fn allows(&mut self, now: Millis) -> bool {
        match self.until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                self.until = Some(now.plus(PAUSE));
                true
            }
        }
    }

    /// A call succeeded.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A call failed.
    pub(crate) fn failed(&mut self, now: Millis) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            self.until = Some(now.plus(PAUSE));
        }
    }

    /// Whether nobody tries at the moment.
    pub(crate) fn is_open(&self, now: Millis) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Millis = Millis(1_000_000);

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        (0..FAILURES).for_each(|_| breaker.failed(START));
        breaker
    }

    #[test]
    fn some_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            (1..FAILURES).for_each(|_| breaker.failed(START));
            assert!(breaker.allows(START));
            breaker.succeeded();
        }
        assert!(!opened().allows(START) && opened().is_open(START));
    }

    #[test]
    fn after_a_pause_one_tries_for_all() {
        let mut breaker = opened();
        assert!(!breaker.allows(START.plus(PAUSE - 1)));
        let later = START.plus(PAUSE);
        assert!(breaker.allows(later));
        assert!(!breaker.allows(later), "the one that tries is not back yet");
        breaker.failed(later);
        assert!(!breaker.allows(later.plus(PAUSE - 1)));
        assert!(breaker.allows(later.plus(PAUSE)));
        breaker.succeeded();
        assert!(breaker.allows(later) && breaker == Breaker::default());
    }

    #[test]
    fn a_try_of_which_nothing_is_heard_is_followed_by_another() {
        let mut breaker = opened();
        assert!(breaker.allows(START.plus(PAUSE)));
        assert!(breaker.allows(START.plus(2 * PAUSE)));
    }
}
