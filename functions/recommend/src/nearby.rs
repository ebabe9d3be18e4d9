//! The vector server, asked for the products nearest to what a list looks for.
//!
//! It is asked for the collection of the very version that is in memory, so versions cannot mix, whatever an alias says. It
//! only proposes: what may be shown and how it scores is decided from the model. What it does not say in time, twice within the
//! deadline, the model's own index says; after some failures in a row it is left alone for a while. A collection that is
//! missing, or holds another number of products than the model, is not asked until it was looked at again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vitrine_domain::time::{MINUTE, SECOND};
use vitrine_domain::{Millis, Shop};
use vitrine_http::problem::causes;
use vitrine_index::{Error, Remote, RemoteSettings};
use vitrine_rank::{Shelf, Sought};
use vitrine_runtime::{Clock, Context, VectorServer};

use crate::breaker::Breaker;

/// How long a collection that was whole is taken to be so.
const WHOLE: i64 = MINUTE;
/// How long one that was not is not looked at again.
const NOT_WHOLE: i64 = 10 * SECOND;
/// Collections of which it is known.
const KNOWN: usize = 256;

/// Why nothing is proposed.
#[derive(Debug)]
enum Missed {
    /// The deadline passed.
    Late,
    /// The server failed.
    Failed(Error),
    /// The collection is missing, or not the version's.
    NotWhole,
}

/// The server.
#[derive(Debug)]
pub(crate) struct Nearby {
    names: VectorServer,
    /// None if its address is none.
    remote: Option<Remote>,
    deadline: Duration,
    clock: Clock,
    breaker: Mutex<Breaker>,
    /// Whether a collection was whole, and when it was looked at.
    looked: Mutex<HashMap<String, (Millis, bool)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Nearby {
    /// The server, if one searches.
    pub(crate) fn of(context: &Context) -> Option<Self> {
        let names = context.config.vectors.clone()?;
        let deadline = context.deadlines.index;
        let settings = RemoteSettings {
            api_key: names.api_key.clone(),
            timeout: deadline / 2,
            tries: 2,
            pause: Duration::from_millis(2),
            ..RemoteSettings::at(&names.url)
        };
        let remote = Remote::new(settings);
        if let Err(error) = &remote {
            tracing::error!(cause = %causes(error), "the vector server has no address that can be used");
        }
        let clock = context.clock.clone();
        let (breaker, looked) = (Mutex::default(), Mutex::default());
        Some(Self { names, remote: remote.ok(), deadline, clock, breaker, looked })
    }

    /// The rows nearest to what is sought in a version; none if the server cannot say.
    pub(crate) async fn nearest(&self, shop: &Shop, version: &str, shelf: &Shelf, sought: Sought) -> Option<Vec<u32>> {
        let remote = self.remote.as_ref()?;
        let collection = self.names.collection(shop, version);
        let rows = shelf.artifact().map_or(0, |artifact| artifact.len());
        let known = self.known(&collection);
        if known == Some(false) || !lock(&self.breaker).allows(self.clock.now()) {
            return None;
        }
        let asked = tokio::time::timeout(self.deadline, self.ask(remote, &collection, known, rows, sought)).await;
        let missed = match asked.unwrap_or(Err(Missed::Late)) {
            Ok(found) => {
                lock(&self.breaker).succeeded();
                return Some(found);
            }
            Err(missed) => missed,
        };
        self.note(&collection, &missed);
        None
    }

    async fn ask(
        &self,
        remote: &Remote,
        collection: &str,
        known: Option<bool>,
        rows: usize,
        sought: Sought,
    ) -> Result<Vec<u32>, Missed> {
        if known.is_none() {
            if remote.count(collection, None).await.map_err(of_error)? != rows {
                return Err(Missed::NotWhole);
            }
            self.looked_at(collection, true);
        }
        let Sought { vector, condition, matches, most } = sought;
        let found = remote.search(collection, &vector, most, Some(&condition), Some(matches)).await;
        let rows: Vec<u32> = found.map_err(of_error)?.rows().collect();
        // Whoever has all products finds as many as there are.
        if rows.len() < most { Err(Missed::NotWhole) } else { Ok(rows) }
    }

    /// Whether a collection was whole when it was looked at, if that is not too long ago.
    fn known(&self, collection: &str) -> Option<bool> {
        let (at, whole) = lock(&self.looked).get(collection).copied()?;
        let kept = if whole { WHOLE } else { NOT_WHOLE };
        (self.clock.now().since(at) < kept).then_some(whole)
    }

    fn looked_at(&self, collection: &str, whole: bool) {
        let mut looked = lock(&self.looked);
        if looked.len() >= KNOWN && !looked.contains_key(collection) {
            looked.clear();
        }
        looked.insert(collection.to_owned(), (self.clock.now(), whole));
    }

    /// Notes why nothing was proposed: a server that fails is left alone after a while, a collection at once.
    fn note(&self, collection: &str, missed: &Missed) {
        let cause = match missed {
            Missed::NotWhole => {
                self.looked_at(collection, false);
                "the collection is missing, or has another number of products".to_owned()
            }
            Missed::Late => "it did not answer in time".to_owned(),
            Missed::Failed(error) => causes(error),
        };
        let (now, mut breaker) = (self.clock.now(), lock(&self.breaker));
        match missed {
            // The server answered.
            Missed::NotWhole => breaker.succeeded(),
            _ => breaker.failed(now),
        }
        tracing::warn!(collection, cause, open = breaker.is_open(now), "the vector server is done without");
    }
}

fn of_error(error: Error) -> Missed {
    if error.is_missing() { Missed::NotWhole } else { Missed::Failed(error) }
}
