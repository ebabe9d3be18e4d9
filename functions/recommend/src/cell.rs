//! What is read at most once a second for all requests of a shop.
//!
//! What is younger than half a second is given at once. Between half a second and a second it is still given at once, and
//! the first to notice starts reading it anew beside its own request. What is older than a second is waited for, by everybody
//! who asks and on one reading, until the deadline; then what there is is given as stale. So nothing older than a second
//! leaves here unless the table is slow or silent, and the answer says so. The age is counted from the moment before a
//! reading began.
//!
//! A reading is a task of its own: it goes on when the request that started it is over, and what it finds is there for the
//! next one. A frozen function may wake up with a reading that never ends; one that began more than a second ago is
//! therefore not waited for, a new one is begun.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use vitrine_domain::Millis;
use vitrine_domain::time::SECOND;
use vitrine_http::Problem;
use vitrine_runtime::Clock;

/// How long what was read is trusted.
const FRESH: i64 = SECOND;
/// After this time it is read again in the background.
const AHEAD: i64 = SECOND / 2;

/// What a reading came to, once it has ended.
type Outcome = Option<Result<(), Problem>>;

/// What was read.
#[derive(Debug, Clone)]
pub(crate) struct Read<T> {
    pub(crate) value: T,
    /// Why it is older than it should be.
    pub(crate) stale: Option<Problem>,
}

#[derive(Debug)]
struct Inner<T> {
    /// The value and when its reading began.
    value: Option<(Millis, T)>,
    /// The reading under way and when it began.
    running: Option<(Millis, watch::Receiver<Outcome>)>,
}

/// One shop's value.
#[derive(Debug)]
pub(crate) struct Cell<T>(Mutex<Inner<T>>);

impl<T> Default for Cell<T> {
    fn default() -> Self {
        Self(Mutex::new(Inner { value: None, running: None }))
    }
}

impl<T: Clone + Send + 'static> Cell<T> {
    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was read last, however old.
    pub(crate) fn last(&self) -> Option<T> {
        self.lock().value.as_ref().map(|(_, value)| value.clone())
    }

    /// The value, read anew with `read` if it is due. `read` is given the value before and when that was read. Without a
    /// value before, `first` is the deadline.
    ///
    /// # Errors
    /// If there is no value and it cannot be read in time.
    pub(crate) async fn read<F, R>(
        self: &Arc<Self>,
        clock: &Clock,
        deadline: Duration,
        first: Duration,
        read: F,
    ) -> Result<Read<T>, Problem>
    where
        F: FnOnce(Option<(Millis, T)>, Millis) -> R,
        R: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let now = clock.now();
        let (known, mut running) = {
            let mut inner = self.lock();
            let known = inner.value.clone();
            let age = known.as_ref().map_or(i64::MAX, |(at, _)| now.since(*at));
            if let Some((_, value)) = known.clone().filter(|_| age < AHEAD) {
                return Ok(Read { value, stale: None });
            }
            let running = match &inner.running {
                Some((began, running)) if now.since(*began) < FRESH && running.borrow().is_none() => running.clone(),
                _ => {
                    let running = self.clone().start(now, read(known.clone(), now));
                    inner.running = Some((now, running.clone()));
                    running
                }
            };
            if let Some((_, value)) = known.clone().filter(|_| age < FRESH) {
                return Ok(Read { value, stale: None });
            }
            (known, running)
        };
        let wait = if known.is_some() { deadline } else { first };
        let ended = tokio::time::timeout(wait, running.wait_for(Option::is_some)).await;
        let outcome = match ended {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or(Ok(())),
            Ok(Err(_)) => Err(unavailable("what was read could not be kept")),
            Err(_) => Err(unavailable("the table did not answer in time")),
        };
        match (outcome, self.last()) {
            (Ok(()), Some(value)) => Ok(Read { value, stale: None }),
            (Err(stale), Some(value)) => Ok(Read { value, stale: Some(stale) }),
            (Err(problem), None) => Err(problem),
            (Ok(()), None) => Err(unavailable("nothing was read")),
        }
    }

    fn start(
        self: Arc<Self>,
        began: Millis,
        read: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> watch::Receiver<Outcome> {
        let (tell, told) = watch::channel(None);
        tokio::spawn(async move {
            let outcome = read.await.map(|value| {
                let mut inner = self.lock();
                // Of two readings the one that began later knows more.
                if inner.value.as_ref().is_none_or(|(known, _)| *known <= began) {
                    inner.value = Some((began, value));
                }
            });
            tell.send_replace(Some(outcome));
        });
        told
    }
}

/// 503, to be tried again.
pub(crate) fn unavailable(why: &'static str) -> Problem {
    tracing::warn!(why, "not available");
    let status = axum::http::StatusCode::SERVICE_UNAVAILABLE;
    Problem {
        retry_after: Some(1),
        ..Problem::new(status, "unavailable", "a store is not available; try again shortly")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Bench {
        cell: Arc<Cell<usize>>,
        clock: Clock,
        readings: Arc<AtomicUsize>,
    }

    impl Bench {
        fn new() -> Self {
            Self { cell: Arc::default(), clock: Clock::set_to(Millis(1_000_000)), readings: Arc::default() }
        }

        fn later(&self, millis: u64) {
            self.clock.advance(Duration::from_millis(millis));
        }

        /// Reads; the reading takes a while and counts up.
        async fn read(&self, takes: u64) -> Result<Read<usize>, Problem> {
            let readings = self.readings.clone();
            let millis = Duration::from_millis;
            let read = |_, _| async move {
                tokio::time::sleep(millis(takes)).await;
                Ok(readings.fetch_add(1, Ordering::SeqCst) + 1)
            };
            self.cell.read(&self.clock, millis(50), millis(500), read).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_reading_serves_everybody_and_is_begun_before_it_is_due() {
        let bench = Bench::new();
        let (one, two) = tokio::join!(bench.read(10), bench.read(10));
        assert_eq!((one.unwrap().value, two.unwrap().value), (1, 1));
        bench.later(400);
        assert_eq!(bench.read(10).await.unwrap().value, 1);
        bench.later(200);
        assert_eq!(bench.read(10).await.unwrap().value, 1, "at once, while it is read again");
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(bench.read(10).await.unwrap().value, 2);
        bench.later(1_000);
        assert_eq!(bench.read(10).await.unwrap().value, 3, "what is a second old is waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reading_is_not_waited_for_longer_than_the_deadline_and_is_there_for_the_next() {
        let bench = Bench::new();
        bench.read(10).await.unwrap();
        bench.later(1_500);
        let stale = bench.read(200).await.unwrap();
        assert_eq!((stale.value, stale.stale.map(|problem| problem.status.as_u16())), (1, Some(503)));
        tokio::time::sleep(Duration::from_millis(200)).await;
        let next = bench.read(10).await.unwrap();
        assert!((next.value, next.stale.is_none()) == (2, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reading_that_never_ends_is_begun_anew() {
        let bench = Bench::new();
        assert_eq!(bench.read(1 << 40).await.unwrap_err().retry_after, Some(1));
        bench.later(1_001);
        assert_eq!(bench.read(10).await.unwrap().value, 1);
    }
}
