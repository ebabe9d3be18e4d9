//! A request, a shelf and a history in, an answer out.

use std::collections::HashSet;

use vitrine_domain::{Action, PastAction, Placement, Seen, Strategy};
use vitrine_index::Bitmap;
use vitrine_learn::{Interaction, Question, interactions};

use crate::order::Order;
use crate::query::Query;
use crate::ranking::Ranking;
use crate::reason::{Source, reasons};
use crate::request::{Answer, Basis, Item, Request, Stage};
use crate::sentence::Audience;
use crate::standing::known_rows;
use crate::wishes::{Surroundings, Wishes};
use crate::{FilterError, Shelf, Workspace};

/// Weights of the lists where a product or a basket is the evidence.
type Weights = [(&'static str, f32)];
const SIMILAR: &Weights = &[("view_view", 1.0), ("view_order", 0.2)];
const TOGETHER: &Weights = &[("order_together", 1.0), ("order_next", 0.3), ("view_view", 0.1), ("view_order", 0.1)];
/// How much the vector of the product on the page counts beside the lists.
const LIKENESS: f32 = 1.0;

/// Decides what to show. `passed` hears of each stage when it is done.
///
/// # Errors
/// If a filter names an attribute that no product has, or compares it with another type.
pub fn decide(
    shelf: &Shelf,
    request: &Request<'_>,
    work: &mut Workspace,
    passed: &mut dyn FnMut(Stage),
) -> Result<Answer, FilterError> {
    let around = Surroundings::new(shelf, request);
    let (allowed, wishes) = allowed(shelf, request, &around)?;
    passed(Stage::Filter);
    let (mut ranking, basis, fallback) = ranking(shelf, request, around.context, work);
    if let Ranking::Query(query, _) = &mut ranking {
        query.near = request.near.map(<[u32]>::to_vec);
    }
    ranking.prepare(shelf, &allowed, work);
    passed(Stage::Query);
    let order = Order::new(shelf, request, &wishes, &ranking, &allowed, work);
    passed(Stage::Search);
    let (picked, touched) = order.fill(work);
    passed(Stage::Order);
    let reasons = match request.words.audience {
        Audience::Nobody => vec![Vec::new(); picked.len()],
        _ => reasons(shelf, request, &wishes, &ranking, &picked, work),
    };
    let item = |(picked, reasons): (&crate::order::Picked, _)| Item {
        row: picked.candidate.row,
        score: picked.candidate.score,
        propensity: picked.propensity,
        reasons,
    };
    let items: Vec<Item> = picked.iter().zip(reasons).map(item).collect();
    let total = allowed.count();
    passed(Stage::Reasons);
    Ok(Answer {
        basis: if items.is_empty() { Basis::Empty } else { basis },
        fallback,
        more: total > items.len(),
        items,
        acted: wishes.acted(),
        idle: wishes.idle,
        allowed: total,
        touched,
    })
}

/// What may be shown: what can be bought, passes every filter and rule, stands nowhere else on the page, and is not to be
/// hidden from this visitor.
pub(crate) fn allowed(
    shelf: &Shelf,
    request: &Request<'_>,
    around: &Surroundings<'_>,
) -> Result<(Bitmap, Wishes), FilterError> {
    let mut allowed = shelf.sellable().clone();
    if let Some(among) = request.among {
        allowed.and(&Bitmap::from_rows(shelf.len(), among.iter().copied()));
    }
    for filter in request.placement.filter.iter().chain(request.filter) {
        allowed.and(&*around.rows(filter)?);
    }
    let wishes = around.wishes(&mut allowed);
    let in_basket = request.basket.iter().filter_map(|id| shelf.row(id));
    for row in request.shown.iter().copied().chain(around.context).chain(in_basket) {
        allowed.remove(row);
    }
    known_rows(shelf, request, Seen::Hide).for_each(|row| allowed.remove(row));
    Ok((allowed, wishes))
}

/// How the placement orders products; what the order is based on; and whether it is another than the placement asks for.
pub(crate) fn ranking<'a>(
    shelf: &'a Shelf,
    request: &'a Request<'a>,
    context: Option<u32>,
    work: &mut Workspace,
) -> (Ranking<'a>, Basis, bool) {
    let Placement { strategy: own, fallback, .. } = *request.placement;
    let mut found = by(own, fallback.is_some(), shelf, request, context, work).map(|found| (found, false));
    if let (None, Some(fallback)) = (&found, fallback) {
        found = by(fallback, true, shelf, request, context, work).map(|found| (found, true));
    }
    let ((ranking, basis), fallback) =
        found.unwrap_or_else(|| (personal(shelf, request, past(shelf, request), work), own != Strategy::Personal));
    (ranking, basis, fallback)
}

/// How a strategy orders products; none where it has nothing to go by. With `others` to take its place it does not make do
/// with less.
fn by<'a>(
    strategy: Strategy,
    others: bool,
    shelf: &'a Shelf,
    request: &'a Request<'a>,
    context: Option<u32>,
    work: &mut Workspace,
) -> Option<(Ranking<'a>, Basis)> {
    let product = context.zip(request.product);
    let in_basket = || request.basket.iter().any(|id| shelf.row(id).is_some());
    match strategy {
        Strategy::Personal => {
            let past = past(shelf, request);
            (!others || past.1).then(|| personal(shelf, request, past, work))
        }
        Strategy::RecentlyViewed => {
            let rows = recently_viewed(shelf, request);
            (!others || !rows.is_empty()).then_some((Ranking::Listed(rows), Basis::History))
        }
        Strategy::Trending => {
            let trending = shelf.artifact().map_or(&[][..], |artifact| artifact.trending());
            Some((Ranking::Numbers(trending), Basis::Popularity))
        }
        Strategy::Similar => product.map(|of| (of_product(shelf, request, of, SIMILAR), Basis::Context)),
        Strategy::BoughtTogether => product.map(|of| (of_product(shelf, request, of, TOGETHER), Basis::Context)),
        Strategy::Basket => in_basket().then(|| (of_basket(shelf, request), Basis::Context)),
    }
}

/// Whether the placement wants only what is new to the visitor, or anything.
fn question(placement: &Placement) -> Question {
    let open = placement.bought != Seen::Hide && placement.viewed != Seen::Hide;
    if open { Question::Any } else { Question::New }
}

/// What the visitor did, and whether any of it speaks for a product that there is.
fn past(shelf: &Shelf, request: &Request<'_>) -> (Vec<Interaction>, bool) {
    let history: Vec<Interaction> = interactions(request.history, |id| shelf.row(id)).collect();
    let liked = history.iter().any(|past| past.interest() > 0.0 && past.row != u32::MAX);
    (history, liked)
}

fn personal<'a>(
    shelf: &'a Shelf,
    request: &'a Request<'a>,
    (history, liked): (Vec<Interaction>, bool),
    work: &mut Workspace,
) -> (Ranking<'a>, Basis) {
    let question = question(request.placement);
    let basis = if liked { Basis::History } else { Basis::Popularity };
    let query = shelf.artifact().map_or_else(Query::default, |artifact| {
        let query = Query::personal(artifact, question, request.visitor, history.into_iter().enumerate(), work);
        query.blended(Some(artifact), &request.placement.blend)
    });
    (Ranking::Query(query, Source::History(request.history)), basis)
}

/// A product that speaks for others, whatever was done with it.
fn speaking(row: u32) -> Interaction {
    Interaction { row, action: Action::Order, age_days: 0.0 }
}

fn of_product<'a>(shelf: &Shelf, request: &Request<'_>, (row, id): (u32, &'a str), weights: &Weights) -> Ranking<'a> {
    let mut query = Query::of_evidence(shelf.artifact(), weights, std::iter::once((0, speaking(row))));
    if weights == SIMILAR {
        query.vector = likeness(shelf, row);
    }
    Ranking::Query(query.blended(shelf.artifact(), &request.placement.blend), Source::Context(id))
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

fn of_basket<'a>(shelf: &Shelf, request: &'a Request<'a>) -> Ranking<'a> {
    let lines = request.basket.iter().enumerate().filter_map(|(at, id)| Some((at, speaking(shelf.row(id)?))));
    let query =
        Query::of_evidence(shelf.artifact(), TOGETHER, lines).blended(shelf.artifact(), &request.placement.blend);
    Ranking::Query(query, Source::Basket(request.basket))
}

/// Rows with their scores, what was looked at last first.
fn recently_viewed(shelf: &Shelf, request: &Request<'_>) -> Vec<(u32, f32)> {
    let mut seen = HashSet::new();
    let opened = |past: &&PastAction| past.action.interest() > 0.0 && past.action != Action::Dwell;
    let newest_first = request.history.iter().rev().filter(opened);
    let rows = newest_first.filter_map(|past| shelf.row(past.product.as_str())).filter(|row| seen.insert(*row));
    #[allow(clippy::cast_precision_loss, reason = "a place in a list of fifty")]
    rows.zip(1_u32..).map(|(row, place)| (row, 1.0 / place as f32)).collect()
}
