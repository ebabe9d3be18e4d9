//! A request, a shelf and a history in, an answer out.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use vitrine_domain::placement::Seen;
use vitrine_domain::profile::VISIT_GAP;
use vitrine_domain::time::DAY;
use vitrine_domain::{Action, Millis, PastAction, Placement, Strategy, Visitor};
use vitrine_index::Bitmap;
use vitrine_learn::{Interaction, Question};

use crate::reason::{Reason, ReasonKind, Source, reasons};
use crate::score::Query;
use crate::{Compile as _, Filter, FilterError, Shelf};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Where the list stands.
    pub placement: &'a Placement,
    /// Who asks, if that is known.
    pub visitor: Option<&'a Visitor>,
    /// The visitor's past actions, oldest first.
    pub history: &'a [PastAction],
    /// The product on the page.
    pub product: Option<&'a str>,
    /// Products in the basket.
    pub basket: &'a [String],
    /// Most products in the answer.
    pub limit: usize,
    /// Which products may be shown.
    pub filter: Option<&'a Filter>,
    /// Rows that earlier pages showed.
    pub shown: &'a [u32],
    /// The time.
    pub now: Millis,
}

/// What an answer is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The visitor's own actions.
    History,
    /// The product on the page or the basket.
    Context,
    /// What others want.
    Popularity,
    /// Nothing can be shown.
    Empty,
}

/// A product in an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its row on the shelf.
    pub row: u32,
    /// Its score.
    pub score: f32,
    /// Why it is there, the strongest reason first.
    pub reasons: Vec<Reason>,
}

/// What is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What it is based on.
    pub basis: Basis,
    /// The products, in order.
    pub items: Vec<Item>,
    /// Whether there is more after this page.
    pub more: bool,
}

/// A row and its score.
type Scored = (f32, u32);

/// Weights of the lists where a product or a basket is the evidence.
type Weights = [(&'static str, f32)];
const SIMILAR: &Weights = &[("view_view", 1.0), ("view_order", 0.2)];
const TOGETHER: &Weights = &[("order_together", 1.0), ("order_next", 0.3), ("view_view", 0.1), ("view_order", 0.1)];
/// How much the vector of the product on the page counts beside the lists.
const LIKENESS: f32 = 1.0;

/// Decides what to show.
///
/// # Errors
/// If the filter names an attribute that no product has, or compares it with another type.
pub fn decide(shelf: &Shelf, request: &Request<'_>) -> Result<Answer, FilterError> {
    let context = request.product.and_then(|id| shelf.row(id));
    let mut allowed = shelf.sellable().clone();
    if let Some(filter) = request.filter {
        allowed.and(&filter.rows(shelf, context)?);
    }
    for row in request.shown.iter().copied().chain(context) {
        allowed.remove(row);
    }
    let in_basket = request.basket.iter().filter_map(|id| shelf.row(id));
    in_basket.for_each(|row| allowed.remove(row));

    let answer = match request.placement.strategy {
        Strategy::RecentlyViewed => recently_viewed(shelf, request, &allowed),
        Strategy::Trending => trending(shelf, request, &allowed),
        Strategy::Similar if context.is_some() => of_product(shelf, request, context, SIMILAR, &allowed),
        Strategy::BoughtTogether if context.is_some() => of_product(shelf, request, context, TOGETHER, &allowed),
        Strategy::Basket if request.basket.iter().any(|id| shelf.row(id).is_some()) => {
            of_basket(shelf, request, &allowed)
        }
        _ => personal(shelf, request, &allowed),
    };
    Ok(answer)
}

/// The history in rows of the shelf, and where each came from. Ages count back from the visitor's newest action, as
/// windows in training do from the shop's: who comes back after a year still has the taste they had.
fn known<'a>(shelf: &'a Shelf, request: &'a Request<'_>) -> impl Iterator<Item = (usize, Interaction)> + 'a {
    let newest = request.history.iter().map(|past| past.at).max().unwrap_or(request.now);
    request.history.iter().enumerate().filter_map(move |(at, past)| {
        #[allow(clippy::cast_precision_loss, reason = "ages in days need no more")]
        let age_days = newest.since(past.at).max(0) as f32 / DAY as f32;
        Some((at, Interaction { row: shelf.row(past.product.as_str())?, action: past.action, age_days }))
    })
}

/// Whether the placement wants only what is new to the visitor, or anything.
fn question(placement: &Placement) -> Question {
    let open = placement.bought == Seen::Allow && placement.viewed == Seen::Allow;
    if open { Question::Any } else { Question::New }
}

fn personal(shelf: &Shelf, request: &Request<'_>, allowed: &Bitmap) -> Answer {
    let question = question(request.placement);
    let query = shelf.artifact().map_or_else(Query::default, |artifact| {
        Query::personal(artifact, question, request.visitor, known(shelf, request))
    });
    let liked = known(shelf, request).any(|(_, past)| past.interest() > 0.0);
    let basis = if liked { Basis::History } else { Basis::Popularity };
    let hidden = hidden(shelf, request);
    let candidates = best(&query.scores(shelf), allowed);
    finish(shelf, request, candidates, &hidden, basis, |rows| {
        reasons(shelf, &query, Source::History(request.history), rows)
    })
}

/// Rows that the placement hides from this visitor.
fn hidden(shelf: &Shelf, request: &Request<'_>) -> HashSet<u32> {
    let of_visit = |past: &&PastAction| request.now.since(past.at) < VISIT_GAP && past.action != Action::Order;
    let viewed = request.history.iter().filter(of_visit).filter(|_| request.placement.viewed == Seen::Hide);
    let ordered = |past: &&PastAction| past.action == Action::Order;
    let bought = request.history.iter().filter(ordered).filter(|_| request.placement.bought == Seen::Hide);
    viewed.chain(bought).filter_map(|past| shelf.row(past.product.as_str())).collect()
}

/// A product that speaks for others, whatever was done with it.
fn speaking(row: u32) -> Interaction {
    Interaction { row, action: Action::Order, age_days: 0.0 }
}

fn of_product(shelf: &Shelf, request: &Request<'_>, row: Option<u32>, weights: &Weights, allowed: &Bitmap) -> Answer {
    let (Some(row), Some(id)) = (row, request.product) else { return personal(shelf, request, allowed) };
    let mut query = Query::of_evidence(shelf.artifact(), weights, std::iter::once((0, speaking(row))));
    if weights == SIMILAR {
        query.vector = likeness(shelf, row);
    }
    let candidates = best(&query.scores(shelf), allowed);
    finish(shelf, request, candidates, &HashSet::new(), Basis::Context, |rows| {
        reasons(shelf, &query, Source::Context(id), rows)
    })
}

/// A query by the product's own vector: each part of unit length, so that a popular product is not like everything.
fn likeness(shelf: &Shelf, row: u32) -> Vec<f32> {
    let vector = shelf.vector(row);
    let mut query = vec![0.0; vector.len()];
    let Some(artifact) = shelf.artifact() else { return query };
    for part in artifact.parts() {
        let weight = match part.name.as_str() {
            "content" => LIKENESS,
            "factors" | "encoder" => LIKENESS / 2.0,
            _ => continue,
        };
        let (Some(to), Some(from)) = (query.get_mut(part.range.clone()), vector.get(part.range.clone())) else {
            continue;
        };
        let length = from.iter().map(|x| x.to_f32().powi(2)).sum::<f32>().sqrt();
        if length > 0.0 {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = weight * from.to_f32() / length);
        }
    }
    query
}

fn of_basket(shelf: &Shelf, request: &Request<'_>, allowed: &Bitmap) -> Answer {
    let lines = request.basket.iter().enumerate().filter_map(|(at, id)| Some((at, speaking(shelf.row(id)?))));
    let query = Query::of_evidence(shelf.artifact(), TOGETHER, lines);
    let candidates = best(&query.scores(shelf), allowed);
    finish(shelf, request, candidates, &HashSet::new(), Basis::Context, |rows| {
        reasons(shelf, &query, Source::Basket(request.basket), rows)
    })
}

fn recently_viewed(shelf: &Shelf, request: &Request<'_>, allowed: &Bitmap) -> Answer {
    let mut seen = HashSet::new();
    let newest_first = request.history.iter().rev().filter(|past| past.action.interest() > 0.0);
    let rows = newest_first.filter_map(|past| shelf.row(past.product.as_str()));
    let rows: Vec<u32> = rows.filter(|row| allowed.contains(*row) && seen.insert(*row)).collect();
    let item = |(place, row): (usize, &u32)| {
        #[allow(clippy::cast_precision_loss, reason = "a place in a list of fifty")]
        let score = 1.0 / (place as f32 + 1.0);
        Item { row: *row, score, reasons: vec![Reason::whole(ReasonKind::Recent)] }
    };
    let items: Vec<Item> = rows.iter().enumerate().take(request.limit).map(item).collect();
    let basis = if items.is_empty() { Basis::Empty } else { Basis::History };
    Answer { basis, more: rows.len() > items.len(), items }
}

fn trending(shelf: &Shelf, request: &Request<'_>, allowed: &Bitmap) -> Answer {
    let trend = shelf.artifact().map_or(&[][..], |artifact| artifact.trending());
    let mut scores = vec![0.0; shelf.len()];
    scores.iter_mut().zip(trend).for_each(|(score, trend)| *score = *trend);
    let candidates = best(&scores, allowed);
    let why = |row: &u32| {
        let row = *row;
        let rises = scores.get(row as usize).is_some_and(|score| *score > 0.0);
        let kind = match (rises, shelf.is_new(row)) {
            (true, _) => ReasonKind::Trending,
            (false, true) => ReasonKind::New,
            (false, false) => ReasonKind::Popular,
        };
        vec![Reason::whole(kind)]
    };
    finish(shelf, request, candidates, &HashSet::new(), Basis::Popularity, |rows| rows.iter().map(why).collect())
}

/// Allowed rows, best first; equal scores in the order of their rows.
fn best(scores: &[f32], allowed: &Bitmap) -> Vec<Scored> {
    let mut scored: Vec<Scored> =
        allowed.iter().filter_map(|row| scores.get(row as usize).map(|score| (*score, row))).collect();
    scored.retain(|(score, _)| !score.is_nan());
    scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored
}

/// Takes the page out of the candidates: hidden ones and too many of one category only where nothing else is left.
fn finish(
    shelf: &Shelf,
    request: &Request<'_>,
    candidates: Vec<Scored>,
    hidden: &HashSet<u32>,
    basis: Basis,
    why: impl Fn(&[u32]) -> Vec<Vec<Reason>>,
) -> Answer {
    let total = candidates.len();
    let cap = if request.placement.per_category == 0 { usize::MAX } else { request.placement.per_category };
    let mut taken: Vec<Scored> = Vec::with_capacity(request.limit);
    let mut left: Vec<Scored> = Vec::new();
    let mut of_category: HashMap<&str, usize> = HashMap::new();
    for (score, row) in candidates {
        if taken.len() == request.limit {
            break;
        }
        let count = of_category.entry(shelf.leaf_category(row).unwrap_or_default()).or_default();
        if *count < cap && !hidden.contains(&row) {
            *count += 1;
            taken.push((score, row));
        } else if left.len() < request.limit {
            left.push((score, row));
        }
    }
    // What the visitor knows comes after what is only one of many.
    left.sort_by_key(|(_, row)| hidden.contains(row));
    let missing = request.limit - taken.len();
    taken.extend(left.into_iter().take(missing));
    let rows: Vec<u32> = taken.iter().map(|(_, row)| *row).collect();
    let item = |((score, row), reasons)| Item { row, score, reasons };
    let items: Vec<Item> = taken.into_iter().zip(why(&rows)).map(item).collect();
    let basis = if items.is_empty() { Basis::Empty } else { basis };
    Answer { basis, more: total > items.len(), items }
}
