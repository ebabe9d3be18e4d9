//! From accepted events to durable ones: all of a request at once, each on its own.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;
use vitrine_domain::{Millis, Shop, Visitor};
use vitrine_store::{Result, Table};

use crate::accept::Accepted;
use crate::identity::Tie;
use crate::links::Links;

/// Writes of one request under way at once. After as many failures the rest is not tried: the table is down rather than
/// busy.
const CONCURRENCY: usize = 32;
/// Writes of a process under way at once. Where many requests share one (on one machine), more would not be faster, and
/// those at the end of the queue would run into the client's timeouts.
const MOST: usize = 64;

/// Pause before what failed is tried again; it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_millis(800);
/// After this time nothing is tried again: the answer must come before the function's ten seconds are over, and one try
/// takes up to three.
const PATIENCE: Duration = Duration::from_secs(4);

/// What is to be written.
#[derive(Debug, Clone)]
enum Write<'a> {
    Tie(Tie),
    Event(&'a Accepted),
}

/// What one pass over all writes came to.
struct Pass<'a> {
    /// What is not written.
    left: Vec<Write<'a>>,
    /// Why; none if everything is written.
    error: Option<vitrine_store::Error>,
}

/// Writes events and ties, and remembers the ties.
#[derive(Debug)]
pub(crate) struct Writer {
    links: Links,
    permits: Semaphore,
}

impl Default for Writer {
    fn default() -> Self {
        Self { links: Links::default(), permits: Semaphore::new(MOST) }
    }
}

impl Writer {
    /// Answers when all is in the table. What a busy table did not take is tried again here while the rest goes in: a
    /// client can only send the whole request again, and of many events some would always be refused.
    ///
    /// # Errors
    /// The first failure, after everything else was tried: what is written now need not be written by the retry.
    pub(crate) async fn write(&self, table: &Table, shop: &Shop, now: Millis, accepted: &[Accepted]) -> Result<()> {
        let ties = news(&self.links, shop, now, accepted).into_iter().map(Write::Tie);
        let mut waiting: Vec<Write<'_>> = ties.chain(once(accepted).into_iter().map(Write::Event)).collect();
        let all = waiting.len();
        let began = Instant::now();
        let mut pause = PAUSE;
        loop {
            let Pass { left, error } = self.pass(table, shop, now, &waiting).await;
            let Some(error) = error else { return Ok(()) };
            // A table that took nothing is down rather than busy.
            let goes_on = error.is_transient() && left.len() < all && began.elapsed() + pause < PATIENCE;
            if !goes_on {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
            waiting = left;
        }
    }

    /// Tries every write once.
    async fn pass<'a>(&self, table: &Table, shop: &Shop, now: Millis, waiting: &[Write<'a>]) -> Pass<'a> {
        let write = |place: usize, write: Write<'a>| async move {
            let written = match &write {
                Write::Tie(tie) => self.link(table, shop, now, tie).await,
                Write::Event(one) => self.put(table, shop, one).await,
            };
            (place, written)
        };
        let writes: Vec<BoxFuture<'_, (usize, Result<()>)>> = waiting
            .iter()
            .enumerate()
            .map(|(place, one)| -> BoxFuture<'_, _> { Box::pin(write(place, one.clone())) })
            .collect();
        let mut results = stream::iter(writes).buffer_unordered(CONCURRENCY);
        let mut written = HashSet::new();
        let mut error = None;
        let mut failures = 0;
        while let Some((place, result)) = results.next().await {
            match result {
                Ok(()) => {
                    written.insert(place);
                }
                Err(failure) => {
                    // What a retry cannot mend counts more than what it can.
                    if error
                        .as_ref()
                        .is_none_or(|known: &vitrine_store::Error| known.is_transient() && !failure.is_transient())
                    {
                        error = Some(failure);
                    }
                    failures += 1;
                    if failures >= CONCURRENCY {
                        break;
                    }
                }
            }
        }
        let left = waiting.iter().enumerate().filter(|(place, _)| !written.contains(place));
        Pass { left: left.map(|(_, write)| write.clone()).collect(), error }
    }

    async fn link(&self, table: &Table, shop: &Shop, now: Millis, tie: &Tie) -> Result<()> {
        // Nobody closes the semaphore, so there is always a permit in the end.
        let _permit = self.permits.acquire().await.ok();
        table.link(shop, &tie.device, &tie.user, tie.since).await?;
        self.links.remember(shop, tie, now);
        Ok(())
    }

    async fn put(&self, table: &Table, shop: &Shop, one: &Accepted) -> Result<()> {
        let _permit = self.permits.acquire().await.ok();
        if one.marked {
            table.put_event_without_time(shop, &one.event).await?;
        } else {
            table.put_event(shop, &one.event).await?;
        }
        Ok(())
    }
}

/// The events of a request without those that it holds twice. Two writes of one mark at the same time would be refused
/// as a conflict.
fn once(accepted: &[Accepted]) -> Vec<&Accepted> {
    let mut seen = HashSet::with_capacity(accepted.len());
    let mut once = Vec::with_capacity(accepted.len());
    for one in accepted {
        let time = (!one.marked).then_some(one.event.time);
        if seen.insert((&one.event.visitor, &one.event.id, time)) {
            once.push(one);
        }
    }
    once
}

/// The ties that are not known to be in the table, each once and since its earliest time.
fn news(links: &Links, shop: &Shop, now: Millis, accepted: &[Accepted]) -> Vec<Tie> {
    let mut earliest: HashMap<(&Visitor, &Visitor), &Tie> = HashMap::new();
    for tie in accepted.iter().flat_map(|one| &one.ties) {
        let known = earliest.entry((&tie.device, &tie.user)).or_insert(tie);
        if tie.since < known.since {
            *known = tie;
        }
    }
    earliest.into_values().filter(|tie| links.is_news(shop, tie, now)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use vitrine_domain::consent::Signal;
    use vitrine_domain::{Action, Event, MessageId};

    use super::*;

    fn one(id: &str, time: i64, marked: bool) -> Accepted {
        let visitor = Visitor::known("u").unwrap();
        let tie = Tie { device: Visitor::anonymous("d").unwrap(), user: visitor.clone(), since: Millis(time) };
        let event = Event::new(MessageId::new(id).unwrap(), visitor, Millis(time), Action::View);
        Accepted { event, marked, ties: vec![tie], said: Signal::SILENCE }
    }

    #[test]
    fn what_a_request_holds_twice_is_written_once() {
        let same_id = [one("a", 1, false), one("a", 2, false), one("a", 1, false), one("b", 1, false)];
        assert_eq!(once(&same_id).len(), 3, "the time is part of an event's identity");
        let marked = [one("a", 1, true), one("a", 2, true), one("b", 1, true)];
        assert_eq!(once(&marked).len(), 2, "unless it is not the client's");
    }

    #[test]
    fn a_tie_is_written_once_since_its_earliest_time() {
        let (links, shop) = (Links::default(), Shop::new("demo").unwrap());
        let batch = [one("a", 5, false), one("b", 3, false), one("c", 4, false)];
        let ties = news(&links, &shop, Millis(9), &batch);
        assert_eq!(ties.iter().map(|t| t.since.0).collect::<Vec<_>>(), [3]);
        links.remember(&shop, &ties[0], Millis(9));
        assert!(news(&links, &shop, Millis(9), &batch).is_empty());
    }
}
