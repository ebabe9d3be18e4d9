//! Which candidate stands in which slot: pins, shares of slots, bounds, diversity, chance.
//!
//! Slots are filled from the first to the last. What may stand in a slot are the candidates that no bound forbids after the
//! slots above it; where a rule's share falls due and some of its products are left, only those. Among them the best one is
//! taken by *maximal marginal relevance* (Carbonell and Goldstein, SIGIR 1998): `(1 - λ) u(i) - λ max sim(i, j)` over the
//! products `j` above, where `u` is the candidate's standing scaled so that the worst candidate has 0 and the best 1. A product
//! only becomes more like those above as the list grows, so what a candidate was worth in an earlier slot bounds what it is
//! worth now: it is compared with the products that came since only where that bound could win the slot. Exploration then
//! leaves the slot to chance, with a probability that is known and logged.

use std::cmp::Ordering;
use std::collections::HashMap;

use vitrine_domain::Exploration;
use vitrine_index::{Bitmap, dot};
use vitrine_learn::Artifact;

use crate::chance::Chance;
use crate::ranking::{Candidate, Ranking};
use crate::shelf::Kinds;
use crate::standing::Standing;
use crate::wishes::{RuleAt, Wishes};
use crate::{Request, Shelf, Workspace};

/// Candidates for each slot, and the fewest there are.
const PER_SLOT: usize = 3;
const FEWEST: usize = 40;
/// How often more candidates are fetched for one list.
const REFILLS: usize = 24;

/// How many candidates a list of some length is made from.
pub(crate) fn candidates(limit: usize) -> usize {
    (limit * PER_SLOT).max(FEWEST)
}

/// How a product came to its slot, if not by its standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By its standing.
    Standing,
    /// A rule pins it.
    Pinned(RuleAt),
    /// A rule's share fell due.
    Share(RuleAt),
    /// By chance: another one stood higher.
    Explored,
}

/// A product that is pinned to this page or a later one.
struct Pin {
    slot: usize,
    /// Its place among the list's entries.
    entry: usize,
    rule: RuleAt,
}

/// A product in its slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Picked {
    pub(crate) candidate: Candidate,
    /// Its place among the list's entries.
    entry: usize,
    pub(crate) propensity: f32,
    pub(crate) way: Way,
}

/// How many products of one kind a list may hold.
struct Cap<'a> {
    kinds: Kinds<'a>,
    count: usize,
    /// Only as long as there are others.
    soft: bool,
    taken: HashMap<u64, usize>,
}

/// A candidate with everything that is asked of it again and again.
struct Entry {
    candidate: Candidate,
    standing: f32,
    /// How like it is to the product above that it is most like, among the first `compared` of the list.
    likeness: f32,
    compared: usize,
    taken: bool,
    /// Whether its direction was written: only what is compared needs one.
    directed: bool,
    /// Whether its kinds were looked up: only what could win a slot needs them. The two below are true of those alone.
    known: bool,
    /// A bound that holds whatever is left forbids it.
    forbidden: bool,
    /// A bound that gives way where nothing else is left forbids it.
    discouraged: bool,
}

impl Entry {
    fn is_free(&self, soft: bool) -> bool {
        !(self.taken || self.forbidden || soft && self.discouraged)
    }
}

/// The list as it grows.
pub(crate) struct Order<'a> {
    shelf: &'a Shelf,
    request: &'a Request<'a>,
    wishes: &'a Wishes,
    ranking: &'a Ranking<'a>,
    standing: Standing<'a>,
    /// What may be shown and is no candidate yet.
    rest: Bitmap,
    /// What may be shown at all.
    allowed: &'a Bitmap,
    entries: Vec<Entry>,
    /// The kind of each entry under each cap, entry after entry.
    kinds: Vec<Option<u64>>,
    /// The directions of the entries' vectors, one after the other; empty without diversity.
    directions: Vec<f32>,
    dims: usize,
    caps: Vec<Cap<'a>>,
    /// The lowest standing among the first candidates, and how far the highest is above it.
    scale: (f32, f32),
    picked: Vec<Picked>,
    refills: usize,
    pub(crate) touched: usize,
}

impl<'a> Order<'a> {
    /// Fetches the candidates.
    pub(crate) fn new(
        shelf: &'a Shelf,
        request: &'a Request<'a>,
        wishes: &'a Wishes,
        ranking: &'a Ranking<'a>,
        allowed: &'a Bitmap,
        work: &mut Workspace,
    ) -> Self {
        let placement = request.placement;
        let cap = |name: &str, count, soft| Cap { kinds: shelf.kinds(name), count, soft, taken: HashMap::new() };
        let bounds = [("category", placement.per_category), ("brand", placement.per_brand)];
        let soft = bounds.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| cap(name, count, true));
        let hard = wishes.caps.iter().map(|(attribute, count, _)| cap(attribute, *count, false));
        let caps: Vec<Cap<'_>> = soft.chain(hard).collect();
        let dims = shelf.artifact().filter(|_| placement.diversity > 0.0).map_or(0, Artifact::dims);
        let mut order = Self {
            standing: Standing::new(shelf, request, wishes),
            rest: allowed.clone(),
            entries: Vec::new(),
            kinds: Vec::new(),
            directions: Vec::new(),
            dims,
            scale: (0.0, 0.0),
            picked: Vec::with_capacity(request.limit),
            refills: 0,
            touched: 0,
            shelf,
            request,
            wishes,
            ranking,
            allowed,
            caps,
        };
        let most = order.most();
        order.entries.reserve(most + request.limit);
        order.directions.reserve((most + request.limit) * dims);
        order.fetch(None, most, work);
        // Rules' products may be far down the list.
        let sets = wishes.factors.iter().filter(|(_, factor, _)| *factor > 1.0).map(|(rows, ..)| rows);
        for rows in sets.chain(wishes.shares.iter().map(|(rows, ..)| rows)) {
            order.fetch(Some(rows), request.limit, work);
        }
        order.standing.preferred().for_each(|row| order.fetch_one(row, work));
        order.standing.settle(order.entries.iter().map(|entry| entry.candidate.row));
        let standing = &order.standing;
        order.entries.iter_mut().for_each(|entry| entry.standing = standing.of(&entry.candidate));
        let standings = || order.entries.iter().map(|entry| entry.standing);
        let (low, high) = standings().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), s| (l.min(s), h.max(s)));
        order.scale = if low < high { (low, high - low) } else { (low.min(high), 0.0) };
        order
    }

    fn most(&self) -> usize {
        candidates(self.request.limit)
    }

    /// Takes in the best of the rows that are no candidates yet.
    fn fetch(&mut self, among: Option<&Bitmap>, most: usize, work: &mut Workspace) -> usize {
        let candidates = match among {
            None => self.ranking.best(self.shelf, &self.rest, most, work),
            Some(rows) => {
                let mut some = self.rest.clone();
                some.and(rows);
                self.ranking.best(self.shelf, &some, most, work)
            }
        };
        self.touched += candidates.touched;
        candidates.found.iter().for_each(|candidate| self.take_in(*candidate));
        candidates.found.len()
    }

    fn fetch_one(&mut self, row: u32, work: &Workspace) {
        if self.rest.contains(row) {
            let score = self.ranking.score(self.shelf, row, work);
            self.take_in(Candidate { row, score, filler: false });
        }
    }

    fn take_in(&mut self, candidate: Candidate) {
        self.rest.remove(candidate.row);
        let standing = self.standing.of(&candidate);
        self.kinds.resize(self.kinds.len() + self.caps.len(), None);
        self.directions.resize(self.directions.len() + self.dims, 0.0);
        self.entries.push(Entry {
            candidate,
            standing,
            likeness: 0.0,
            compared: 0,
            taken: false,
            directed: false,
            known: false,
            forbidden: false,
            discouraged: false,
        });
    }

    /// Looks up the kinds of a candidate, and whether a bound is reached already.
    fn know(&mut self, at: usize) {
        let Some(entry) = self.entries.get_mut(at).filter(|entry| !entry.known) else { return };
        entry.known = true;
        for (cap, known) in self.caps.iter().zip(self.kinds.iter_mut().skip(at * self.caps.len())) {
            let kind = cap.kinds.of(entry.candidate.row);
            *known = kind;
            if cap.is_full(kind) {
                if cap.soft { entry.discouraged = true } else { entry.forbidden = true }
            }
        }
    }

    /// Writes the direction of a candidate.
    fn direct(&mut self, at: usize) {
        let Some(entry) = self.entries.get_mut(at).filter(|entry| !entry.directed) else { return };
        entry.directed = true;
        if let Some(direction) = self.directions.get_mut(at * self.dims..(at + 1) * self.dims) {
            self.shelf.direction(entry.candidate.row, direction);
        }
    }

    /// Compares a candidate with the products above that it was not compared with yet, and says what it is worth.
    fn compare(&mut self, at: usize) -> f32 {
        if self.dims > 0 && self.entries[at].compared < self.picked.len() {
            self.direct(at);
            let since = self.picked.iter().skip(self.entries[at].compared);
            let likeness = since.map(|above| self.likeness(at, above.entry)).fold(self.entries[at].likeness, f32::max);
            let compared = self.picked.len();
            let entry = &mut self.entries[at];
            (entry.likeness, entry.compared) = (likeness, compared);
        }
        self.value(&self.entries[at])
    }

    /// The cosine of two entries' vectors.
    fn likeness(&self, a: usize, b: usize) -> f32 {
        let direction = |at: usize| self.directions.get(at * self.dims..(at + 1) * self.dims).unwrap_or(&[]);
        dot(direction(a), direction(b))
    }

    /// Fills the slots.
    pub(crate) fn fill(mut self, work: &mut Workspace) -> (Vec<Picked>, usize) {
        let pins = self.pins(work);
        for at in 0..self.request.limit {
            let slot = self.request.offset + at + 1;
            if let Some(pin) = pins.iter().find(|pin| pin.slot == slot) {
                self.place(pin.entry, 1.0, Way::Pinned(pin.rule));
                continue;
            }
            let Some((entry, propensity, way)) = self.choose(at, work) else {
                self.append(pins.iter().filter(|pin| pin.slot > slot));
                break;
            };
            self.count(entry);
            self.place(entry, propensity, way);
        }
        (self.picked, self.touched)
    }

    /// What is pinned to this page or a later one, the first slot first. What is pinned to this page is counted before anything
    /// else is, so that no bound is passed for it, and a pin that would pass one does not hold. What is pinned stands in its
    /// slot only, or at the end of a list that does not reach it.
    fn pins(&mut self, work: &Workspace) -> Vec<Pin> {
        let wishes = self.wishes;
        let page = self.request.offset + 1..=self.request.offset + self.request.limit;
        let mut pins = Vec::new();
        for (slot, row, rule) in wishes.pins.iter().filter(|(_, row, _)| self.allowed.contains(*row)) {
            self.fetch_one(*row, work);
            let Some(at) = self.entries.iter().position(|entry| entry.candidate.row == *row) else { continue };
            self.know(at);
            if page.contains(slot) && self.entries[at].forbidden {
                continue;
            }
            self.entries[at].taken = true;
            if page.contains(slot) {
                self.count(at);
            }
            if slot >= page.start() {
                pins.push(Pin { slot: *slot, entry: at, rule: *rule });
            }
        }
        pins.sort_unstable_by_key(|pin| pin.slot);
        pins
    }

    /// Puts what is pinned below the end of a list there, as it would be lost otherwise: certain like every pin, and where
    /// no bound is passed for it.
    fn append<'p>(&mut self, pins: impl Iterator<Item = &'p Pin>) {
        let (offset, limit) = (self.request.offset, self.request.limit);
        for pin in pins {
            if self.picked.len() >= limit {
                break;
            }
            // Those of this page are counted already.
            if pin.slot > offset + limit {
                if self.entries[pin.entry].forbidden {
                    continue;
                }
                self.count(pin.entry);
            }
            self.place(pin.entry, 1.0, Way::Pinned(pin.rule));
        }
    }

    /// Counts a candidate under each bound. Where one is reached, others of its kind may not follow.
    fn count(&mut self, at: usize) {
        let caps = self.caps.len();
        for (place, cap) in self.caps.iter_mut().enumerate() {
            let Some(kind) = self.kinds.get(at * caps + place).copied().flatten() else { continue };
            let taken = cap.taken.entry(kind).or_default();
            *taken += 1;
            if *taken == cap.count {
                let same = self.kinds.chunks_exact(caps).map(|kinds| kinds.get(place) == Some(&Some(kind)));
                for (entry, _) in self.entries.iter_mut().zip(same).filter(|(_, same)| *same) {
                    if cap.soft { entry.discouraged = true } else { entry.forbidden = true }
                }
            }
        }
    }

    /// Puts a candidate into the next slot.
    fn place(&mut self, at: usize, propensity: f32, way: Way) {
        if self.dims > 0 {
            self.direct(at);
        }
        let Some(entry) = self.entries.get_mut(at) else { return };
        entry.taken = true;
        self.picked.push(Picked { candidate: entry.candidate, entry: at, propensity, way });
    }

    /// The candidate for a slot, how likely it was, and how it came to it.
    fn choose(&mut self, at: usize, work: &mut Workspace) -> Option<(usize, f32, Way)> {
        let wishes = self.wishes;
        for (rows, share, rule) in &wishes.shares {
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let owed = (share * (at + 1) as f32 + 1e-4) as usize;
            if self.picked.iter().filter(|picked| rows.contains(picked.candidate.row)).count() >= owed {
                continue;
            }
            // Where none of its products is left it stays due for ever, and must not keep the others from their share.
            for soft in [true, false] {
                if let Some((entry, propensity, _)) = self.draw(at, soft, Some(rows)) {
                    return Some((entry, propensity, Way::Share(*rule)));
                }
            }
        }
        for soft in [true, false] {
            loop {
                if let Some(drawn) = self.draw(at, soft, None) {
                    return Some(drawn);
                }
                if !self.refill(soft, work) {
                    break;
                }
            }
        }
        None
    }

    /// Whether a candidate may stand in the next slot.
    fn is_eligible(&mut self, at: usize, soft: bool, among: Option<&Bitmap>) -> bool {
        let entry = &self.entries[at];
        if entry.taken || among.is_some_and(|rows| !rows.contains(entry.candidate.row)) {
            return false;
        }
        self.know(at);
        self.entries[at].is_free(soft)
    }

    /// The candidates that may stand in the next slot.
    fn eligible(&mut self, soft: bool, among: Option<&Bitmap>) -> Vec<usize> {
        (0..self.entries.len()).filter(|at| self.is_eligible(*at, soft, among)).collect()
    }

    /// Fetches candidates of kinds that still have room. False when there are none.
    fn refill(&mut self, soft: bool, work: &mut Workspace) -> bool {
        if self.refills >= REFILLS || self.rest.is_empty() {
            return false;
        }
        self.refills += 1;
        let mut open = self.rest.clone();
        for cap in self.caps.iter().filter(|cap| soft || !cap.soft) {
            let full: Vec<u64> =
                cap.taken.iter().filter(|(_, count)| **count >= cap.count).map(|(kind, _)| *kind).collect();
            cap.kinds.remove(&mut open, &full);
        }
        let most = self.most();
        self.fetch(Some(&open), most, work) > 0
    }

    /// What a candidate is worth in the next slot, or more if it was not compared with all products above.
    fn value(&self, entry: &Entry) -> f32 {
        let (low, height) = self.scale;
        let utility = if height > 0.0 { (entry.standing - low) / height } else { 0.0 };
        let diversity = self.request.placement.diversity;
        // What the model says nothing of comes last, in the order in which it was found.
        let filler = if entry.candidate.filler { 1.0 } else { 0.0 };
        (1.0 - diversity) * utility - diversity * entry.likeness - filler
    }

    /// The eligible candidate that is worth most; of equals the lower row, or the one found first among fillers.
    fn best(&mut self, soft: bool, among: Option<&Bitmap>) -> Option<usize> {
        let mut best: Option<(usize, f32)> = None;
        for at in 0..self.entries.len() {
            let candidate = &self.entries[at].candidate;
            let first =
                best.is_some_and(|(known, _)| candidate.filler || self.entries[known].candidate.row < candidate.row);
            let wins = |value: f32| {
                let order = best.map_or(Ordering::Greater, |(_, most)| value.total_cmp(&most));
                order.is_gt() || order.is_eq() && !first
            };
            if wins(self.value(&self.entries[at])) && self.is_eligible(at, soft, among) {
                let value = self.compare(at);
                if wins(value) {
                    best = Some((at, value));
                }
            }
        }
        best.map(|(at, _)| at)
    }

    /// Draws one of the eligible candidates.
    fn draw(&mut self, at: usize, soft: bool, among: Option<&Bitmap>) -> Option<(usize, f32, Way)> {
        let best = self.best(soft, among)?;
        let place = |among: &[usize]| among.iter().position(|at| *at == best);
        let mut chance = Chance::of_slot(self.request.seed, self.request.offset + at);
        let (drawn, propensity) = match self.request.placement.exploration {
            Exploration::None => (best, 1.0),
            Exploration::Share { share } => {
                let among = self.eligible(soft, among);
                let (drawn, propensity) = chance.share(share, among.len(), place(&among)?);
                (*among.get(drawn)?, propensity)
            }
            Exploration::Softmax { temperature } => {
                let among = self.eligible(soft, among);
                let values: Vec<f32> = among.iter().map(|at| self.compare(*at)).collect();
                let (drawn, propensity) = chance.softmax(&values, temperature, place(&among)?);
                (*among.get(drawn)?, propensity)
            }
        };
        Some((drawn, propensity, if drawn == best { Way::Standing } else { Way::Explored }))
    }
}

impl Cap<'_> {
    fn is_full(&self, kind: Option<u64>) -> bool {
        kind.is_some_and(|kind| self.taken.get(&kind).is_some_and(|taken| *taken >= self.count))
    }
}
