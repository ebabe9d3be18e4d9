//! One visitor's fold: read, fold, write under the version that was read; again if somebody else was faster.

use std::time::Duration;

use vitrine_domain::profile::{Link, devices};
use vitrine_domain::time::{DAY, HOUR};
use vitrine_domain::{Millis, Profile, State, Visitor};
use vitrine_store::profiles::Base;
use vitrine_store::tail::Tail;

use crate::bells::{Group, Key};
use crate::folding::{Folding, Outcome, Refused};
use crate::source::Source;
use crate::{Error, Fold, segments};

/// How far back the compacted state ends: events that come later than this are rare.
const HORIZON: i64 = 48 * HOUR;
/// The compacted state moves at most this often.
const MOVE: i64 = DAY;
/// Tries of a fold that others are faster than.
const ATTEMPTS: u32 = 6;
/// Pause before the second try; it doubles.
const PAUSE: Duration = Duration::from_millis(20);

/// What is known after a visitor was folded.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    /// The visitor's links.
    pub(crate) links: Vec<Link>,
    /// Events that could not be folded and are left out of the profile.
    pub(crate) refused: Vec<Refused>,
}

impl Fold {
    pub(crate) async fn fold_visitor(&self, key: &Key, group: &Group) -> Result<Folded, Error> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            match self.fold_once(key, group).await {
                Err(error) if error.is_transient() => tokio::time::sleep(pause).await,
                done => return done,
            }
            pause *= 2;
        }
        self.fold_once(key, group).await
    }

    async fn fold_once(&self, key: &Key, group: &Group) -> Result<Folded, Error> {
        let Key { shop, visitor } = key;
        let table = &self.context.table;
        let now = self.context.clock.now();
        let mut tail = table.tail(shop, visitor, Millis(0), self.bounds.page).await?;
        let links = std::mem::take(&mut tail.links);
        let linked = if visitor.is_known() { devices(&links) } else { Vec::new() };
        let base = self.usable_base(key, group, &tail, &linked).await?;
        let stored = tail.profile.take();
        let version = tail.version;
        let (start, from) = match &base {
            Some(base) => (base.state.clone(), base.horizon),
            None => (State::default(), Millis(0)),
        };
        let mut source = Source::open(table, shop, visitor, tail, &linked, from, self.bounds).await?;
        let mut folding = Folding::from(start, now.plus(-HORIZON), self.probe.as_ref());
        loop {
            let events = source.next().await?;
            if events.is_empty() {
                break;
            }
            let known = self.catalogue.of(shop, &events).await?;
            folding.apply(&events, &known);
        }
        let Outcome { state, compacted, before: behind, refused } = folding.finish();
        let folded = Folded { links, refused };
        let of = self.definitions.of(&self.context, shop).await?.of(&state, now);
        let before = stored.as_ref().map(|profile| profile.segments.clone()).unwrap_or_default();
        let (segments, changed) = before.becoming(of, now);
        if is_same(stored.as_ref(), &state, &linked) && changed.is_empty() {
            return Ok(folded);
        }
        let new = Base { horizon: now.plus(-HORIZON), linked: linked.clone(), state: compacted };
        let base = Compaction::of(base.as_ref(), new, behind >= self.bounds.worth);
        // What a training told of the visitor does not keep them longer.
        let did_nothing = stored.filter(|stored| stored.state.counts == state.counts && stored.linked == linked);
        let profile = Profile {
            visitor: visitor.clone(),
            version: version + 1,
            state,
            linked,
            folded: did_nothing.map_or(now, |stored| stored.folded),
            compacted: base.ends(),
            segments,
        };
        table.save_profile(shop, &profile, base.written()).await?;
        segments::count(shop, &changed);
        Ok(folded)
    }

    /// The compacted state, if it holds all that lies before it: not if an event came that is older than its end, nor if
    /// the links have changed, nor if it is from before all was kept that is kept now.
    async fn usable_base(
        &self,
        key: &Key,
        group: &Group,
        tail: &Tail,
        linked: &[Visitor],
    ) -> Result<Option<Base>, Error> {
        let Some(end) = tail.profile.as_ref().and_then(|profile| profile.compacted) else { return Ok(None) };
        if group.relinked || group.earliest.is_some_and(|time| time < end) {
            return Ok(None);
        }
        let base = match self.context.table.base(&key.shop, &key.visitor).await {
            Ok(base) => base,
            // It can be made again from the events.
            Err(vitrine_store::Error::Corrupt { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let holds = |base: &Base| base.horizon == end && base.linked == linked && !base.state.is_cut();
        Ok(base.filter(holds))
    }
}

/// Whether there is nothing to write: the profile stands as it is, or there is none and nothing to put into it.
fn is_same(stored: Option<&Profile>, state: &State, linked: &[Visitor]) -> bool {
    match stored {
        Some(stored) => stored.state == *state && stored.linked == linked,
        None => *state == State::default() && linked.is_empty(),
    }
}

/// What becomes of the compacted state when a profile is written.
enum Compaction {
    /// There is none, or the one there is no longer holds.
    None,
    /// It stays as it is.
    Stays(Millis),
    /// A new one is written with the profile.
    Written(Box<Base>),
}

impl Compaction {
    /// Of the one that was used and the one that could be.
    fn of(used: Option<&Base>, new: Base, worth: bool) -> Self {
        let due = used.is_none_or(|base| new.horizon.since(base.horizon) >= MOVE);
        if due && worth {
            return Self::Written(Box::new(new));
        }
        used.map_or(Self::None, |base| Self::Stays(base.horizon))
    }

    fn ends(&self) -> Option<Millis> {
        match self {
            Self::None => None,
            Self::Stays(end) => Some(*end),
            Self::Written(base) => Some(base.horizon),
        }
    }

    fn written(&self) -> Option<&Base> {
        match self {
            Self::Written(base) => Some(base),
            Self::None | Self::Stays(_) => None,
        }
    }
}
