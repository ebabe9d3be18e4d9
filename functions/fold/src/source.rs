//! The events of a visitor and of their devices as one sequence in fold order, a bounded number in memory.

use std::collections::VecDeque;

use futures_util::{StreamExt, TryStreamExt, stream};
use vitrine_domain::profile::{Link, in_fold_order, owner};
use vitrine_domain::{Event, MessageId, Millis, Shop, Visitor};
use vitrine_store::tail::{Cursor, Tail};
use vitrine_store::{Result, Table};

use crate::Bounds;

/// Fewest events that a query asks for.
const SMALLEST_PAGE: usize = 4;
/// Partitions read at once.
const PARALLEL: usize = 8;

/// What is still to be read of a partition.
enum Rest {
    Nothing,
    After(Option<Cursor>),
}

/// The events of one partition.
struct Lane {
    visitor: Visitor,
    /// For a device: its links and the user for whom it is read, who gets what is theirs.
    claim: Option<(Vec<Link>, Visitor)>,
    /// Events that can be taken, oldest first.
    ready: VecDeque<Event>,
    /// Events of the last millisecond read; others of the same one may follow, and key order is not theirs.
    held: Vec<Event>,
    rest: Rest,
}

impl Lane {
    fn new(visitor: Visitor, claim: Option<(Vec<Link>, Visitor)>, tail: Tail, from: Millis) -> Self {
        let mut lane = Self { visitor, claim, ready: VecDeque::new(), held: Vec::new(), rest: Rest::After(None) };
        if tail.reaches(from) {
            lane.rest = Rest::Nothing;
            lane.offer(tail.events.into_iter().filter(|event| event.time >= from));
        }
        lane
    }

    fn offer(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            let wanted = match &self.claim {
                Some((links, user)) => owner(links, event.time) == Some(user),
                None => true,
            };
            if wanted {
                self.ready.push_back(event);
            }
        }
    }

    fn is_dry(&self) -> bool {
        self.ready.is_empty() && matches!(self.rest, Rest::After(_))
    }

    /// Reads on until there is an event to take or no more to read.
    async fn fill(&mut self, table: &Table, shop: &Shop, from: Millis, page: usize) -> Result<()> {
        while self.ready.is_empty() {
            let Rest::After(cursor) = &mut self.rest else { return Ok(()) };
            let read = table.events_page(shop, &self.visitor, from, cursor.take(), page).await?;
            let mut events = std::mem::take(&mut self.held);
            events.extend(read.events);
            in_fold_order(&mut events);
            self.rest = match read.next {
                Some(next) => {
                    let last = events.last().map(|event| event.time);
                    let settled = events.partition_point(|event| Some(event.time) < last);
                    self.held = events.split_off(settled);
                    Rest::After(Some(next))
                }
                None => Rest::Nothing,
            };
            self.offer(events);
        }
        Ok(())
    }
}

/// The merged sequence.
pub(crate) struct Source<'a> {
    table: &'a Table,
    shop: &'a Shop,
    from: Millis,
    page: usize,
    memory: usize,
    lanes: Vec<Lane>,
    /// Identity of the event given out last.
    last: Option<(Millis, MessageId)>,
}

impl<'a> Source<'a> {
    /// Opens the partitions of a visitor and of their devices from a time on. `tail` is the visitor's own.
    pub(crate) async fn open(
        table: &'a Table,
        shop: &'a Shop,
        visitor: &Visitor,
        tail: Tail,
        devices: &[Visitor],
        from: Millis,
        bounds: Bounds,
    ) -> Result<Self> {
        let memory = bounds.memory.max(1);
        let page = (memory / (devices.len() + 1)).min(bounds.page).max(SMALLEST_PAGE);
        let tails: Vec<(Visitor, Tail)> = stream::iter(devices.to_vec())
            .map(|device| async move {
                let tail = table.tail_of_device(shop, &device, from, page).await?;
                Ok::<_, vitrine_store::Error>((device, tail))
            })
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await?;
        let mut lanes = vec![Lane::new(visitor.clone(), None, tail, from)];
        for (device, mut tail) in tails {
            let links = std::mem::take(&mut tail.links);
            lanes.push(Lane::new(device, Some((links, visitor.clone())), tail, from));
        }
        Ok(Self { table, shop, from, page, memory, lanes, last: None })
    }

    /// The next events in fold order; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Vec<Event>> {
        loop {
            self.fill().await?;
            let (events, repeated) = self.merge();
            // A batch of nothing but repetitions is not the end.
            if !events.is_empty() || !repeated {
                return Ok(events);
            }
        }
    }

    async fn fill(&mut self) -> Result<()> {
        let (table, shop, from, page) = (self.table, self.shop, self.from, self.page);
        // A loop and not `map`: of a closure over `&mut Lane` the compiler cannot see that its future is `Send`.
        let mut filling = Vec::new();
        for lane in self.lanes.iter_mut().filter(|lane| lane.is_dry()) {
            filling.push(lane.fill(table, shop, from, page));
        }
        stream::iter(filling).buffer_unordered(PARALLEL).try_collect::<Vec<()>>().await?;
        Ok(())
    }

    /// Merges what is there, and whether something was left out because it stands on two partitions: a client that
    /// sends an event again after a log-in names the user it did not know the first time.
    fn merge(&mut self) -> (Vec<Event>, bool) {
        let mut events = Vec::new();
        let mut repeated = false;
        while events.len() < self.memory && !self.lanes.iter().any(Lane::is_dry) {
            let heads = self.lanes.iter_mut().filter(|lane| !lane.ready.is_empty());
            let first = heads.min_by(|a, b| order(a).cmp(&order(b)));
            let Some(event) = first.and_then(|lane| lane.ready.pop_front()) else { break };
            if self.last.as_ref().is_some_and(|(time, id)| *time == event.time && *id == event.id) {
                repeated = true;
                continue;
            }
            self.last = Some((event.time, event.id.clone()));
            events.push(event);
        }
        (events, repeated)
    }
}

fn order(lane: &Lane) -> Option<(Millis, &str, &Visitor)> {
    lane.ready.front().map(|event| (event.time, event.id.as_str(), &event.visitor))
}
