//! What people did, held compactly while the lake is read: `Entry` and a message id, less than a hundred bytes an event,
//! whatever else it says.
//!
//! Only what learning reads is kept: who, when, which action, which products of the catalogue. Everything else is counted
//! and left out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitrine_domain::consent::{Granted, Personalise};
use vitrine_domain::profile::{Found, People};
use vitrine_domain::robot::Pace;
use vitrine_domain::time::DAY;
use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, Visitor};

/// What was found in the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Read {
    /// Events, each counted once.
    pub events: usize,
    /// Events older than the retention, or dated into the future: left out.
    pub out_of_time: usize,
    /// Events whose visitor did not agree to be personalised for: left out.
    pub without_consent: usize,
    /// Actions on products that the catalogue does not have: left out.
    pub unknown_products: usize,
    /// Devices whose visits were joined with those of a known user.
    pub joined_devices: usize,
    /// Events of robots, declared ones and those whose pace is one: left out.
    #[serde(default)]
    pub robots: usize,
}

/// Which events count.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// The oldest time.
    pub from: Millis,
    /// The newest time.
    pub to: Millis,
}

impl Window {
    /// The retention, and a day for clocks that are ahead: the bounds within which events are taken in. A single event
    /// from next year would make everything else look old.
    #[must_use]
    pub const fn ending(now: Millis, retention: i64) -> Self {
        Self { from: now.plus(-retention), to: now.plus(DAY) }
    }

    /// Whether an event lies within.
    #[must_use]
    pub fn holds(self, event: &Event) -> bool {
        // An old order book is as young as its import.
        event.time.max(event.received) >= self.from && event.time <= self.to && event.at() <= self.to
    }
}

/// An event in 48 bytes.
#[derive(Debug, Clone)]
struct Entry {
    time: Millis,
    skew: i64,
    /// Where its message id begins in [`Log::ids`].
    id: usize,
    /// Where its products begin in [`Log::rows`].
    rows: usize,
    visitor: u32,
    /// Whose history it is in: the visitor's, until people are joined.
    person: u32,
    /// How many products it names.
    lines: u32,
    /// Length of the message id, at most 100.
    id_length: u8,
    action: Action,
}

impl Entry {
    fn id<'i>(&self, ids: &'i str) -> Option<&'i str> {
        ids.get(self.id..self.id + usize::from(self.id_length))
    }
}

/// The events of a shop.
#[derive(Debug)]
pub struct Log {
    /// In the order of their identifiers.
    products: Arc<[Product]>,
    window: Window,
    visitors: Visitors,
    entries: Vec<Entry>,
    ids: String,
    rows: Vec<u32>,
    /// Times of the oldest and newest events that name no product: they say how long the shop was visited.
    quiet: Option<(Millis, Millis)>,
    found: Found,
    read: Read,
}

impl Log {
    /// No events yet, for products in the order of their identifiers.
    #[must_use]
    pub fn new(products: Arc<[Product]>, window: Window) -> Self {
        Self {
            products,
            window,
            visitors: Visitors::default(),
            entries: Vec::new(),
            ids: String::new(),
            rows: Vec::new(),
            quiet: None,
            found: Found::default(),
            read: Read::default(),
        }
    }

    /// How many actions on products are held.
    #[must_use]
    pub fn actions(&self) -> usize {
        self.rows.len()
    }

    /// How many events were seen.
    #[must_use]
    pub const fn seen(&self) -> usize {
        self.read.events
    }

    /// Takes an event in, in whatever order they come.
    pub fn push(&mut self, event: &Event) {
        self.read.events += 1;
        // Who is who does not grow old, and is no question of taste.
        self.found.note(event);
        if !self.window.holds(event) {
            self.read.out_of_time += 1;
            return;
        }
        if event.robot {
            self.read.robots += 1;
            return;
        }
        match event.granted() {
            Some(event) => self.learn(event),
            None => self.read.without_consent += 1,
        }
    }

    /// Takes in what may be learned from. Only an event whose visitor agreed can be:
    ///
    /// ```compile_fail,E0308
    /// # use vitrine_domain::{Event, Millis};
    /// # use vitrine_learn::log::{Log, Window};
    /// fn learn_from_anybody(log: &mut Log, event: &Event) {
    ///     log.learn(event);
    /// }
    /// ```
    ///
    /// ```
    /// # use vitrine_domain::{Event, Millis};
    /// # use vitrine_learn::log::{Log, Window};
    /// fn learn_from_those_who_agreed(log: &mut Log, event: &Event) {
    ///     event.granted().into_iter().for_each(|event| log.learn(event));
    /// }
    /// ```
    pub fn learn(&mut self, event: Granted<'_, Personalise>) {
        let first = self.rows.len();
        if event.action.teaches() {
            for line in &event.lines {
                match self.products.binary_search_by(|product| product.id.cmp(&line.product)) {
                    Ok(row) => self.rows.push(row as u32),
                    Err(_) => self.read.unknown_products += 1,
                }
            }
        }
        if self.rows.len() == first {
            let (oldest, newest) = self.quiet.unwrap_or((event.at(), event.at()));
            self.quiet = Some((event.at().min(oldest), event.at().max(newest)));
            return;
        }
        let entry = self.entry(&event, first);
        self.entries.push(entry);
    }

    fn entry(&mut self, event: &Event, rows: usize) -> Entry {
        let id = self.ids.len();
        self.ids.push_str(event.id.as_str());
        let visitor = self.visitors.number(&event.visitor);
        Entry {
            time: event.time,
            skew: event.skew,
            id,
            rows,
            visitor,
            person: visitor,
            lines: (self.rows.len() - rows) as u32,
            id_length: (self.ids.len() - id) as u8,
            action: event.action,
        }
    }

    /// Leaves out everybody whose pace is a robot's; the entries are in order.
    fn leave_out_robots(&mut self) -> HashSet<u32> {
        let people = self.entries.chunk_by(|a, b| a.person == b.person);
        let robots: HashSet<u32> =
            people.filter(|entries| is_robot(entries)).flat_map(<[Entry]>::first).map(|entry| entry.person).collect();
        let before = self.entries.len();
        self.entries.retain(|entry| !robots.contains(&entry.person));
        self.read.robots += before - self.entries.len();
        robots
    }

    /// The histories of all people, once all events are there, and what was read.
    #[must_use]
    pub fn finish(mut self) -> (Histories, Read) {
        let people = std::mem::take(&mut self.found).people();
        let mut joined = HashSet::new();
        for entry in &mut self.entries {
            let Some(visitor) = self.visitors.name(entry.visitor) else { continue };
            if let Some(user) = people.owner(visitor, entry.time) {
                joined.insert(entry.visitor);
                entry.person = self.visitors.number(user);
            }
        }
        self.read.joined_devices = joined.len();
        let (visitors, ids) = (&self.visitors, &self.ids);
        let order =
            |entry: &Entry| (visitors.name(entry.person), entry.time, entry.id(ids), visitors.name(entry.visitor));
        self.entries.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
        // What was sent again after a log-in stands in the user's partition too: once is enough, as in a profile.
        self.entries.dedup_by(|a, b| a.person == b.person && a.time == b.time && a.id(ids) == b.id(ids));
        let robots = self.leave_out_robots();
        let Self { products, visitors, entries, ids, rows, quiet, read, .. } = self;
        (Histories { products, visitors, entries, ids, rows, quiet, people, robots }, read)
    }
}

/// Whether the pace of a person, in the order of the fold, is a robot's.
fn is_robot(entries: &[Entry]) -> bool {
    let mut pace = Pace::default();
    entries.iter().any(|entry| pace.sees(entry.action, entry.time.plus(entry.skew)))
}

/// Numbers for visitors, each kept once.
#[derive(Debug, Default)]
struct Visitors {
    numbers: HashMap<Arc<Visitor>, u32>,
    names: Vec<Arc<Visitor>>,
}

impl Visitors {
    fn number(&mut self, visitor: &Visitor) -> u32 {
        if let Some(number) = self.numbers.get(visitor) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let name = Arc::new(visitor.clone());
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }

    fn name(&self, number: u32) -> Option<&Visitor> {
        self.names.get(number as usize).map(Arc::as_ref)
    }
}

/// What each person did, in the order in which profiles are folded.
#[derive(Debug)]
pub struct Histories {
    products: Arc<[Product]>,
    visitors: Visitors,
    entries: Vec<Entry>,
    ids: String,
    rows: Vec<u32>,
    quiet: Option<(Millis, Millis)>,
    people: People,
    /// Numbers of those who were left out as robots.
    robots: HashSet<u32>,
}

impl Histories {
    /// Whether somebody's events were left out because of their pace.
    #[must_use]
    pub fn is_robot(&self, person: &Visitor) -> bool {
        self.visitors.numbers.get(person).is_some_and(|number| self.robots.contains(number))
    }

    /// To whose history a later event of a visitor belongs, by what these events say of who is who.
    #[must_use]
    pub fn person<'v>(&'v self, visitor: &'v Visitor, time: Millis) -> &'v Visitor {
        self.people.owner(visitor, time).unwrap_or(visitor)
    }

    /// One person after the other, in their order; only the events of one are in memory. An event has what learning reads
    /// of it, and nothing else.
    pub fn iter(&self) -> impl Iterator<Item = (Visitor, Vec<Event>)> + '_ {
        self.entries.chunk_by(|a, b| a.person == b.person).filter_map(|entries| {
            let person = self.visitors.name(entries.first()?.person)?;
            Some((person.clone(), entries.iter().filter_map(|entry| self.event(entry)).collect()))
        })
    }

    /// A history of nobody: the first and the last event of those that name no product, which nobody's history holds.
    /// Windows count back from the newest event, whatever it was.
    #[must_use]
    pub fn quiet(&self) -> Option<(Visitor, Vec<Event>)> {
        let (oldest, newest) = self.quiet?;
        let nobody = Visitor::Anonymous(String::new());
        let id = MessageId::new("quiet").ok()?;
        let page = |at| Event::new(id.clone(), nobody.clone(), at, Action::Page);
        Some((nobody.clone(), vec![page(oldest), page(newest)]))
    }

    fn event(&self, entry: &Entry) -> Option<Event> {
        let id = MessageId::new(entry.id(&self.ids)?).ok()?;
        let visitor = self.visitors.name(entry.visitor)?.clone();
        let mut event = Event::new(id, visitor, entry.time, entry.action);
        event.skew = entry.skew;
        let rows = self.rows.get(entry.rows..entry.rows + entry.lines as usize)?;
        let named = rows.iter().filter_map(|row| self.products.get(*row as usize));
        event.lines = named.map(|product| Line::of(product.id.clone())).collect();
        Some(event)
    }
}

#[cfg(test)]
mod tests;
