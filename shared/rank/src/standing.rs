//! How a candidate stands before diversity and chance: its score, times what rules, the objective, what was shown before and
//! what is new say.
//!
//! A factor above one lifts and one below one lowers, whatever the sign of the score: `s f` where `s` is positive, `s / f`
//! where it is negative. It is monotone, so that among products with equal factors the order stays what the score says.
//!
//! # What was passed over
//!
//! Whoever asks for the next page of a list has gone past the one before. What stood there and was neither opened nor dwelled on
//! was passed over, and counts less at once: by `keep`. If `after` products of a narrowest category were passed over with no
//! look at any of that category since, so does all of it: by `keep` once for the last of them and once more for every further
//! one, five times at most. A look at one product takes that back from its category. After the visit all of it is forgotten.

use std::collections::{HashMap, HashSet};

use vitrine_domain::profile::VISIT_GAP;
use vitrine_domain::time::{HOUR, SECOND};
use vitrine_domain::{Action, Millis, Objective, PastAction, Seen};

use crate::ranking::Candidate;
use crate::shelf::Kinds;
use crate::wishes::Wishes;
use crate::{Request, Shelf};

/// What is preferred because it is known stands so much higher.
const PREFERRED: f32 = 3.0;
/// An objective lifts or lowers by this at most.
const OBJECTIVE: f32 = 20.0;
/// So often a category counts less for having been passed over, at most.
const MOST_SKIPS: usize = 5;
/// A look so long before a product was shown may have come after it: nearer than this, clocks of clients are not corrected.
const SLACK: i64 = 30 * SECOND;

/// Standings of one request.
pub(crate) struct Standing<'a> {
    shelf: &'a Shelf,
    request: &'a Request<'a>,
    wishes: &'a Wishes,
    /// Products that the placement prefers because the visitor knows them.
    preferred: Vec<u32>,
    /// What is left of the standing of products that were shown without a click.
    rotated: HashMap<u32, f32>,
    skipped: Skipped<'a>,
    /// The mean value of a candidate to the objective.
    typical: f32,
}

/// Rows of products that the visitor looked at in this visit, or bought, where the placement says so of them. What was only
/// dwelled on is not known yet: it may be shown again.
pub(crate) fn known_rows<'a>(
    shelf: &'a Shelf,
    request: &'a Request<'a>,
    wanted: Seen,
) -> impl Iterator<Item = u32> + 'a {
    let now = request.now;
    let looked = |past: &PastAction| !matches!(past.action, Action::Order | Action::Dwell);
    let of_visit = move |past: &&PastAction| now.since(past.at) < VISIT_GAP && looked(past);
    let viewed = request.history.iter().filter(of_visit).filter(move |_| request.placement.viewed == wanted);
    let ordered = |past: &&PastAction| past.action == Action::Order;
    let bought = request.history.iter().filter(ordered).filter(move |_| request.placement.bought == wanted);
    viewed.chain(bought).filter_map(|past| shelf.row(past.product.as_str()))
}

/// A score lifted or lowered by a positive factor.
pub(crate) fn lift(score: f32, factor: f32) -> f32 {
    if score >= 0.0 { score * factor } else { score / factor }
}

impl<'a> Standing<'a> {
    pub(crate) fn new(shelf: &'a Shelf, request: &'a Request<'a>, wishes: &'a Wishes) -> Self {
        let mut preferred: Vec<u32> = known_rows(shelf, request, Seen::Prefer).collect();
        preferred.sort_unstable();
        preferred.dedup();
        let (rotated, skipped) = (rotated(shelf, request), Skipped::new(shelf, request));
        Self { shelf, request, wishes, preferred, rotated, skipped, typical: 1.0 }
    }

    /// Products that must be candidates whatever their score.
    pub(crate) fn preferred(&self) -> impl Iterator<Item = u32> + use<> {
        self.preferred.clone().into_iter()
    }

    /// Learns from the candidates what a typical value to the objective is.
    pub(crate) fn settle(&mut self, rows: impl Iterator<Item = u32>) {
        if self.request.placement.objective == Objective::Clicks {
            return;
        }
        let (mut sum, mut count) = (0.0, 0.0);
        for value in rows.filter_map(|row| self.value(row)) {
            sum += value.max(0.0);
            count += 1.0;
        }
        self.typical = if sum > 0.0 { sum / count } else { 1.0 };
    }

    /// What a product is worth to the objective; none if that is not known.
    fn value(&self, row: u32) -> Option<f32> {
        let orders = || self.shelf.conversion(row);
        match self.request.placement.objective {
            Objective::Clicks => None,
            Objective::Orders => orders(),
            Objective::Revenue => Some(orders()? * self.shelf.price(row)?),
            Objective::Margin => Some(orders()? * self.shelf.margin(row)?),
        }
    }

    /// A candidate's standing.
    pub(crate) fn of(&self, candidate: &Candidate) -> f32 {
        let row = candidate.row;
        let mut factor = self.wishes.factor(row);
        if self.preferred.binary_search(&row).is_ok() {
            factor *= PREFERRED;
        }
        if let Some(left) = self.rotated.get(&row) {
            factor *= left;
        }
        factor *= self.skipped.left(row);
        let novelty = self.request.placement.novelty;
        if novelty > 0.0 {
            factor *= 1.0 + novelty / (1.0 + self.shelf.people(row).ln_1p());
        }
        if let Some(value) = self.value(row) {
            factor *= (value / self.typical).clamp(1.0 / OBJECTIVE, OBJECTIVE);
        }
        lift(candidate.score, factor)
    }
}

/// `keep` to the power of how often each product was shown without a click since, each time counting less the longer ago.
fn rotated(shelf: &Shelf, request: &Request<'_>) -> HashMap<u32, f32> {
    let mut left = HashMap::new();
    let Some(rotation) = request.placement.rotation else { return left };
    let newest = |id: &str| request.history.iter().filter(|p| p.product.as_str() == id).map(|p| p.at).max();
    for (id, at) in request.impressions {
        #[allow(clippy::cast_precision_loss, reason = "hours need no more")]
        let hours = request.now.since(*at).max(0) as f32 / HOUR as f32;
        let fresh = 1.0 - hours / rotation.hours.max(f32::MIN_POSITIVE);
        if fresh > 0.0
            && newest(id).is_none_or(|clicked| clicked < *at)
            && let Some(row) = shelf.row(id)
        {
            *left.entry(row).or_insert(1.0_f32) *= rotation.keep.clamp(0.01, 1.0).powf(fresh);
        }
    }
    left
}

/// What was passed over in this list in this visit.
struct Skipped<'a> {
    kinds: Kinds<'a>,
    /// What is left of such a product's standing.
    keep: f32,
    products: HashSet<u32>,
    /// What is left of the categories of which several were.
    categories: HashMap<u64, f32>,
}

impl<'a> Skipped<'a> {
    fn new(shelf: &'a Shelf, request: &Request<'_>) -> Self {
        let kinds = shelf.kinds("category");
        let (mut products, mut runs) = (HashSet::new(), HashMap::new());
        let Some(skips) = request.placement.skips.filter(|_| !request.passed.is_empty()) else {
            return Self { kinds, keep: 1.0, products, categories: HashMap::new() };
        };
        let (mut rows_looked, mut kinds_looked) = (HashMap::new(), HashMap::new());
        for past in request.history.iter().filter(|past| past.action.interest() > 0.0) {
            let Some(row) = shelf.row(past.product.as_str()) else { continue };
            newest(&mut rows_looked, row, past.at);
            kinds.of(row).into_iter().for_each(|kind| newest(&mut kinds_looked, kind, past.at));
        }
        let unseen = |at: Millis, looked: Option<&Millis>| looked.is_none_or(|looked| looked.plus(SLACK) < at);
        for (id, at) in request.passed.iter().filter(|(_, at)| request.now.since(*at) < VISIT_GAP) {
            let row = shelf.row(id).filter(|row| unseen(*at, rows_looked.get(row)));
            let Some(row) = row.filter(|row| products.insert(*row)) else { continue };
            if let Some(kind) = kinds.of(row).filter(|kind| unseen(*at, kinds_looked.get(kind))) {
                *runs.entry(kind).or_insert(0_usize) += 1;
            }
        }
        let keep = skips.keep.clamp(0.01, 1.0);
        let times = |run: usize| (run + 1).saturating_sub(skips.after.max(1)).min(MOST_SKIPS);
        let left = |(kind, run)| (kind, (0..times(run)).fold(1.0, |left, _| left * keep));
        Self { kinds, keep, products, categories: runs.into_iter().map(left).collect() }
    }

    /// What is left of a product's standing.
    fn left(&self, row: u32) -> f32 {
        if self.products.is_empty() {
            return 1.0;
        }
        let own = if self.products.contains(&row) { self.keep } else { 1.0 };
        let kind = self.kinds.of(row).and_then(|kind| self.categories.get(&kind));
        own * kind.copied().unwrap_or(1.0)
    }
}

fn newest<K: Eq + std::hash::Hash>(times: &mut HashMap<K, Millis>, key: K, at: Millis) {
    times.entry(key).and_modify(|known| *known = at.max(*known)).or_insert(at);
}
