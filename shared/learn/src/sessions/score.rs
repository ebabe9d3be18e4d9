//! Scoring over borrowed slices: no allocation once the scratch has grown.
//!
//! Nearly all the time is waiting for memory: a request reads thousands of places of an index that no cache holds. So what
//! is read is gathered in passes of which no read waits for another, and whether a product is common to a session and the
//! current one is asked of a [`Sieve`] before the weights of all products are.

use std::ops::Range;

use super::index::PLACES;
use super::{Factors, Parameters, Sessions};
use crate::encoder::kernel::wide;
use crate::rows::{OnPage, Sieve, bring_in};
use crate::tally::Tally;

/// How many of the newest actions bring in companions.
const ACCOMPANIED: usize = 2;
/// Places that are worked on side by side.
const LANES: usize = 8;

/// The index and its factors where they lie, which may be a mapped file. Whatever the numbers, scoring does not panic;
/// what is out of bounds is empty.
#[derive(Debug, Clone)]
pub struct View<'a> {
    starts: &'a [u32],
    rows: &'a [u32],
    posting_starts: &'a [u32],
    postings: &'a [u32],
    gains: &'a [f32],
    idf: &'a [f32],
    penalties: &'a [f32],
    parameters: Parameters,
    /// List entries read for one request.
    reads: usize,
    /// A number that no other index of this process has; none if it has no number.
    serial: Option<u64>,
}

/// `δ` by how many places the product stands behind the common one, from `1 - PLACES` up; then zeros. Kept for the
/// parameters that it was made from.
#[derive(Debug)]
struct Nearness(Parameters, [f32; 2 * PLACES + LANES]);

impl Default for Nearness {
    fn default() -> Self {
        Self::of(Parameters::default())
    }
}

impl Nearness {
    fn of(parameters: Parameters) -> Self {
        let fall = |steps: usize| (-((steps - 1) as f32) / parameters.distance).exp();
        let by_place = std::array::from_fn(|at| match (at + 1).cmp(&PLACES) {
            std::cmp::Ordering::Greater if at + 1 < 2 * PLACES => fall(at + 1 - PLACES),
            std::cmp::Ordering::Greater => 0.0,
            std::cmp::Ordering::Less => parameters.backward * fall(PLACES - 1 - at),
            std::cmp::Ordering::Equal => parameters.itself,
        });
        Self(parameters, by_place)
    }

    /// From a place of the common product onwards: `δ` of each place of a neighbour.
    #[inline(always)]
    fn around(&self, place: usize) -> &[f32] {
        &self.1[PLACES - 1 - place..]
    }
}

/// Room for intermediate results, kept from one request to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Which index and which current session the neighbours were found for, so that who asks again finds them here.
    found: Option<(u64, Vec<(u32, f32)>)>,
    /// `w(x)`.
    weights: Tally,
    /// Products with a weight.
    weighed: Sieve,
    /// `W(S)`.
    similar: Tally,
    /// Where the lists of sessions of the weighed products are, and the products' weights.
    listed: Vec<(Range<usize>, f32)>,
    /// `sim(S)` and `S` of the neighbours, see [`key`].
    nearest: Vec<u64>,
    nearness: Nearness,
    gathered: Gathered,
    /// Products of the current session, ascending.
    seen: Vec<u32>,
    sums: Tally,
    explained: Explained,
    /// The places of neighbours that are on the page.
    on_page: OnPage,
}

/// The neighbours' places.
#[derive(Debug, Default)]
struct Gathered {
    /// Where the places of each neighbour are in the index.
    spans: Vec<Range<usize>>,
    /// `(place, product, w(x) / occurrences)` of one neighbour's common products.
    anchors: Vec<(usize, u32, f32)>,
}

/// What products of a page are taken apart into.
#[derive(Debug, Default)]
struct Explained {
    /// The products with a weight, ascending.
    weighed: Vec<u32>,
    /// What one unit of each weight adds to each product of the page, weight by weight.
    shares: Vec<f32>,
    /// `(place, start of its shares, w(x)'s share)` of one neighbour's common products.
    adding: Vec<(usize, usize, f32)>,
    /// What one action adds to each product.
    sums: Vec<f32>,
}

impl Scratch {
    fn clear(&mut self, products: usize, sessions: usize) {
        for (tally, len) in [(&mut self.weights, products), (&mut self.similar, sessions)] {
            tally.clear();
            tally.grow(len);
        }
        self.weighed.clear();
    }
}

impl Gathered {
    /// Finds the places of all neighbours, in their order, and brings them in.
    fn fill(&mut self, starts: &[u32], rows: &[u32], nearest: &[u64]) {
        self.spans.clear();
        self.spans.extend(nearest.iter().map(of_key).map(|(_, session)| {
            let places = bounds(starts, session);
            places.start..places.end.min(places.start.saturating_add(PLACES))
        }));
        self.spans.iter().filter_map(|places| rows.get(places.clone())).for_each(bring_in);
    }

    /// Finds the common products of a neighbour and the current session.
    #[inline(always)]
    fn anchor(&mut self, rows: &[u32], weights: &Tally, weighed: &Sieve) {
        self.anchors.clear();
        // Which places are common cannot be foretold, so there is no branch on it: a place that is not is overwritten.
        let (mut common, mut count) = ([0_u8; PLACES.next_power_of_two()], 0);
        for (place, row) in (0..PLACES as u8).zip(rows) {
            common[count % common.len()] = place;
            count += usize::from(weighed.may_hold(*row));
        }
        for place in common.iter().take(count).map(|place| usize::from(*place)) {
            let row = rows[place];
            let weight = weights.sum(row);
            if weight > 0.0 {
                self.anchors.push((place, row, weight));
            }
        }
        for at in 0..self.anchors.len() {
            let row = self.anchors[at].1;
            let times = self.anchors.iter().filter(|(_, other, _)| *other == row).count();
            self.anchors[at].2 /= times as f32;
        }
    }
}

impl<'a> View<'a> {
    /// A view of an index in memory. `reads` bounds the list entries read for one request.
    #[must_use]
    pub fn new(sessions: &'a Sessions, factors: &'a Factors, parameters: Parameters, reads: usize) -> Self {
        Self::over(
            [&sessions.starts, &sessions.rows, &sessions.posting_starts, &sessions.postings],
            [&factors.gains, &factors.idf, &factors.penalties],
            parameters,
            reads,
        )
    }

    /// A view of slices: starts, rows, starts of postings, postings; gains, idf, penalties.
    #[must_use]
    pub fn over(index: [&'a [u32]; 4], factors: [&'a [f32]; 3], parameters: Parameters, reads: usize) -> Self {
        let [starts, rows, posting_starts, postings] = index;
        let [gains, idf, penalties] = factors;
        Self { starts, rows, posting_starts, postings, gains, idf, penalties, parameters, reads, serial: None }
    }

    /// The same view with a number that no other index of this process has: neighbours that were found for a session are
    /// not looked for again.
    #[must_use]
    pub fn with_serial(self, serial: u64) -> Self {
        Self { serial: Some(serial), ..self }
    }

    /// Adds the scores of the products of neighbouring sessions to a tally.
    ///
    /// `current` holds `(row, steps before the last action)`, oldest first. `companions` gives a product's neighbours and
    /// their weights, strongest first.
    pub fn neighbours_score<C: Iterator<Item = (u32, f32)>>(
        &self,
        current: &[(u32, f32)],
        companions: impl Fn(u32) -> C,
        scratch: &mut Scratch,
        tally: &mut Tally,
    ) {
        self.find(current, companions, scratch);
        wide(
            #[inline(always)]
            || self.add_up(scratch),
        );
        for row in scratch.sums.rows() {
            tally.add(*row, scratch.sums.sum(*row) * self.factor(*row, scratch));
        }
    }

    /// Writes the scores of some products over `out`: those that [`neighbours_score`](Self::neighbours_score) adds.
    pub fn scores_of<C: Iterator<Item = (u32, f32)>>(
        &self,
        current: &[(u32, f32)],
        companions: impl Fn(u32) -> C,
        page: &[u32],
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        self.find(current, companions, scratch);
        out.fill(0.0);
        let Scratch { weights, weighed, similar, nearest, nearness, gathered, on_page, .. } = scratch;
        on_page.turn_to(self.serial, page);
        for (at, (similarity, session)) in nearest.iter().map(of_key).enumerate() {
            let rows = self.places(gathered, at);
            let named = on_page.of(session, rows);
            if named.is_empty() {
                continue;
            }
            gathered.anchor(rows, weights, weighed);
            let amplitude = self.amplitude(similarity, similar.sum(session));
            for (place, q) in named {
                let near = |near, (r, _, w): &(usize, u32, f32)| near + w * nearness.around(*r)[*q as usize];
                let addition = amplitude * gathered.anchors.iter().fold(0.0, near);
                if let Some(sum) = out.get_mut(*place as usize).filter(|_| addition > 0.0) {
                    *sum += addition;
                }
            }
        }
        out.iter_mut().zip(page).for_each(|(sum, row)| *sum *= self.factor(*row, scratch));
    }

    /// The products of a neighbour's places.
    #[inline(always)]
    fn places(&self, gathered: &Gathered, neighbour: usize) -> &'a [u32] {
        gathered.spans.get(neighbour).and_then(|places| self.rows.get(places.clone())).unwrap_or(&[])
    }

    /// What a product's score is multiplied by, after [`find`](Self::find).
    fn factor(&self, row: u32, scratch: &Scratch) -> f32 {
        let again = if scratch.weighed.may_hold(row) { self.again(row, &scratch.seen) } else { 1.0 };
        value(self.penalties, row) * again
    }

    /// Step 3, but for the factors of products.
    #[inline(always)]
    fn add_up(&self, scratch: &mut Scratch) {
        let Scratch { weights, weighed, similar, nearest, nearness, gathered, sums, .. } = scratch;
        sums.clear();
        sums.grow(self.idf.len());
        let mut sums_of = [[0.0_f32; LANES]; PLACES.div_ceil(LANES)];
        for (at, (similarity, session)) in nearest.iter().map(of_key).enumerate() {
            let rows = self.places(gathered, at);
            gathered.anchor(rows, weights, weighed);
            let amplitude = self.amplitude(similarity, similar.sum(session));
            let near = &mut sums_of[..rows.len().min(PLACES).div_ceil(LANES)];
            near.fill([0.0; LANES]);
            for (r, _, w) in &gathered.anchors {
                // Whole blocks: what is added behind the last place is not read.
                let (behind, _) = nearness.around(*r).as_chunks::<LANES>();
                for (near, behind) in near.iter_mut().zip(behind) {
                    near.iter_mut().zip(behind).for_each(|(near, nearness)| *near += w * nearness);
                }
            }
            for (row, near) in rows.iter().zip(near.as_flattened()) {
                sums.add(*row, amplitude * *near);
            }
        }
    }

    /// Says how much each current action adds to the score of each product of a page, as `(place on the page, position in
    /// current, addition)`. The additions to a product sum up to its score. The neighbours are searched for once.
    pub fn evidence<C: Iterator<Item = (u32, f32)>>(
        &self,
        current: &[(u32, f32)],
        companions: impl Fn(u32) -> C,
        page: &[u32],
        scratch: &mut Scratch,
        said: &mut dyn FnMut(usize, usize, f32),
    ) {
        self.find(current, &companions, scratch);
        let Scratch { weights, weighed, similar, nearest, nearness, gathered, seen, explained, on_page, .. } = scratch;
        let Explained { weighed: known, shares, adding, sums } = explained;
        on_page.turn_to(self.serial, page);
        known.clear();
        known.extend_from_slice(weights.rows());
        known.sort_unstable();
        shares.clear();
        shares.resize(known.len() * page.len(), 0.0);
        for (at, (similarity, session)) in nearest.iter().map(of_key).enumerate() {
            let rows = self.places(gathered, at);
            let named = on_page.of(session, rows);
            if named.is_empty() {
                continue;
            }
            gathered.anchor(rows, weights, weighed);
            // What one unit of w(x) adds, and where it is taken down.
            adding.clear();
            adding.extend(gathered.anchors.iter().filter_map(|(r, x, w)| {
                let share = w / weights.sum(*x);
                known.binary_search(x).ok().map(|x| (*r, x * page.len(), share))
            }));
            let amplitude = self.amplitude(similarity, similar.sum(session));
            for (place, q) in named {
                for (r, start, share) in adding.iter() {
                    shares[start + *place as usize] += amplitude * share * nearness.around(*r)[*q as usize];
                }
            }
        }
        for at in 0..current.len() {
            sums.clear();
            sums.resize(page.len(), 0.0);
            self.spoken(current, at, &companions, |x, weight| {
                let Ok(x) = known.binary_search(&x) else { return };
                let of_products = &shares[x * page.len()..];
                sums.iter_mut().zip(of_products).for_each(|(sum, share)| *sum += weight * share);
            });
            for (place, (sum, row)) in sums.iter().zip(page).enumerate().filter(|(_, (sum, _))| **sum > 0.0) {
                said(place, at, sum * (value(self.penalties, *row) * self.again(*row, seen)));
            }
        }
    }

    /// Steps 1 and 2: the weights of products, `W(S)` of every session that was met, and the nearest.
    fn find<C: Iterator<Item = (u32, f32)>>(
        &self,
        current: &[(u32, f32)],
        companions: impl Fn(u32) -> C,
        scratch: &mut Scratch,
    ) {
        if scratch.found.as_ref().is_some_and(|(serial, known)| Some(*serial) == self.serial && known == current) {
            return;
        }
        let mut known = scratch.found.take().map(|(_, known)| known).unwrap_or_default();
        scratch.clear(self.idf.len(), self.gains.len());
        if scratch.nearness.0 != self.parameters {
            scratch.nearness = Nearness::of(self.parameters);
        }
        scratch.seen.clear();
        scratch.seen.extend(current.iter().map(|(row, _)| *row));
        scratch.seen.sort_unstable();
        // The newest first: where reading has to stop, it stops before the companions of the newest and the oldest.
        for at in (0..current.len()).rev() {
            let (row, back) = current[at];
            scratch.weights.add(row, self.voice(back) * value(self.idf, row));
        }
        for at in (0..current.len()).rev().take(ACCOMPANIED) {
            self.accompanied(current, at, &companions, |x, weight| scratch.weights.add(x, weight));
        }
        scratch.weights.rows().iter().for_each(|row| scratch.weighed.insert(*row));
        // A product of the current session is one even if it has no weight.
        scratch.seen.iter().for_each(|row| scratch.weighed.insert(*row));
        self.list(scratch);
        for (sessions, weight) in &scratch.listed {
            scratch.similar.add_each(self.postings.get(sessions.clone()).unwrap_or(&[]), *weight);
        }
        let similarity = |session: &u32| key(scratch.similar.sum(*session) * value(self.gains, *session), *session);
        scratch.nearest.clear();
        scratch.nearest.extend(scratch.similar.rows().iter().map(similarity));
        let most = self.parameters.neighbours as usize;
        if scratch.nearest.len() > most {
            // The more similar first, of equals the newer.
            scratch.nearest.select_nth_unstable_by(most, |a, b| b.cmp(a));
            scratch.nearest.truncate(most);
        }
        scratch.gathered.fill(self.starts, self.rows, &scratch.nearest);
        known.clear();
        known.extend_from_slice(current);
        scratch.found = self.serial.map(|serial| (serial, known));
    }

    /// Where the lists of sessions of all weighed products are, as far as they may be read, with the products' weights. They
    /// are brought in here, all at once.
    fn list(&self, scratch: &mut Scratch) {
        let Scratch { weights, listed, .. } = scratch;
        let mut left = self.reads;
        listed.clear();
        listed.extend(weights.rows().iter().map(|row| {
            let sessions = bounds(self.posting_starts, *row);
            let read = sessions.start..sessions.end.min(sessions.start.saturating_add(left));
            left = left.saturating_sub(sessions.len());
            (read, weights.sum(*row))
        }));
        listed.iter().filter_map(|(sessions, _)| self.postings.get(sessions.clone())).for_each(bring_in);
    }

    fn voice(&self, back: f32) -> f32 {
        (-back.max(0.0) / self.parameters.step).exp()
    }

    /// What the action at a position adds to the weights of products.
    fn spoken<C: Iterator<Item = (u32, f32)>>(
        &self,
        current: &[(u32, f32)],
        at: usize,
        companions: impl Fn(u32) -> C,
        mut add: impl FnMut(u32, f32),
    ) {
        let (row, back) = current[at];
        add(row, self.voice(back) * value(self.idf, row));
        if at + ACCOMPANIED >= current.len() {
            self.accompanied(current, at, companions, add);
        }
    }

    fn accompanied<C: Iterator<Item = (u32, f32)>>(
        &self,
        current: &[(u32, f32)],
        at: usize,
        companions: impl Fn(u32) -> C,
        mut add: impl FnMut(u32, f32),
    ) {
        let (row, back) = current[at];
        let voice = self.parameters.expansion * self.voice(back);
        if voice <= 0.0 {
            return;
        }
        let mut strongest = None;
        for (x, weight) in companions(row).take(self.parameters.companions as usize) {
            let scale = *strongest.get_or_insert(weight);
            if scale > 0.0 {
                add(x, voice * weight / scale * value(self.idf, x));
            }
        }
    }

    /// `sim(S)^sharpness / W(S)`.
    fn amplitude(&self, similarity: f32, common: f32) -> f32 {
        if common > 0.0 { similarity.powf(self.parameters.sharpness) / common } else { 0.0 }
    }

    /// Factor of a product by whether it is in the current session.
    fn again(&self, row: u32, seen: &[u32]) -> f32 {
        if seen.binary_search(&row).is_ok() { self.parameters.seen } else { 1.0 }
    }
}

/// A similarity and its session as one number: its order is that of similarities, which are never negative, and of equal
/// ones that of sessions.
fn key(similarity: f32, session: u32) -> u64 {
    u64::from(similarity.to_bits()) << 32 | u64::from(session)
}

fn of_key(key: &u64) -> (f32, u32) {
    (f32::from_bits((key >> 32) as u32), *key as u32)
}

fn value(numbers: &[f32], at: u32) -> f32 {
    numbers.get(at as usize).copied().unwrap_or(0.0)
}

/// Where a list is among the entries of all; empty if there is none.
fn bounds(starts: &[u32], at: u32) -> Range<usize> {
    let at = at as usize;
    let (Some(start), Some(end)) = (starts.get(at), starts.get(at + 1)) else { return 0..0 };
    *start as usize..(*end).max(*start) as usize
}
