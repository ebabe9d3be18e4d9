//! Why a product is shown: machine-readable, with a sentence for shoppers or for merchandisers.
//!
//! The reasons of a product add up to its score: what each part of the model adds is put down to past actions, to the product
//! on the page or to the part as a whole, small pieces are put together as [`ReasonKind::Other`]. What was done with a product is
//! named only if the score is lower without it: the products that speak loudest on a page are each left out of the history
//! once, and the page scored again. What rules and chance did is said beside it and adds nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use vitrine_domain::{Action, Millis, PastAction};

use crate::evidence::{Told, told};
use crate::order::{Picked, Way};
use crate::piece::{Piece, Speakers};
use crate::query::Query;
use crate::ranking::Ranking;
use crate::sentence::{Words, sentence};
use crate::wishes::Wishes;
use crate::{Request, Shelf, Workspace};

/// What kind of reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// A product that was looked at leads here; it may be this one.
    Viewed,
    /// A product that was bought leads here; it may be this one.
    Bought,
    /// A product in the basket leads here.
    Basket,
    /// The product on the page leads here.
    Context,
    /// It fits what the visitor usually chooses.
    Taste,
    /// It fits what the visitor did last, step by step.
    Next,
    /// Its text, category or brand is like what the visitor looked at.
    Content,
    /// Many want it.
    Popular,
    /// More want it than before.
    Trending,
    /// It was looked at recently.
    Recent,
    /// It is new in the shop.
    New,
    /// A rule put it there or lifted it.
    Rule,
    /// Chance gave it the slot, so that it can show what it is worth.
    Explored,
    /// What is too small to be told one by one.
    Other,
}

/// What a part of the model adds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartAmount {
    /// The part's name.
    #[serde(serialize_with = "as_text")]
    pub part: Arc<str>,
    /// What it adds to the score.
    pub amount: f32,
}

fn as_text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// One reason, and what it adds to the score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// What kind.
    pub kind: ReasonKind,
    /// The product that leads here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    /// What was done with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Millis>,
    /// The rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The parts of the model that say so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartAmount>,
    /// What it adds to the score: the amounts of all reasons of a product are its score.
    pub amount: f32,
    /// The amount as a share of all that speaks for the product, 0 to 1; zero for what speaks against it.
    pub share: f32,
    /// A sentence.
    pub text: String,
}

/// Smallest share that is worth a reason of its own.
const SMALLEST: f32 = 0.02;
/// Most reasons of a score that a product carries, besides what is put together.
const MOST: usize = 4;

impl Reason {
    pub(crate) fn new(kind: ReasonKind, text: String) -> Self {
        Self {
            kind,
            product_id: None,
            action: None,
            at: None,
            rule: None,
            parts: Vec::new(),
            amount: 0.0,
            share: 0.0,
            text,
        }
    }
}

/// What the pieces of evidence are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// Past actions, by their place in the history.
    History(&'a [PastAction]),
    /// The product on the page.
    Context(&'a str),
    /// Products in the basket, by their place.
    Basket(&'a [String]),
}

/// The reasons of a page's products.
pub(crate) fn reasons(
    shelf: &Shelf,
    request: &Request<'_>,
    wishes: &Wishes,
    ranking: &Ranking<'_>,
    picked: &[Picked],
    work: &mut Workspace,
) -> Vec<Vec<Reason>> {
    let rows: Vec<u32> = picked.iter().map(|picked| picked.candidate.row).collect();
    let mut of_score: Vec<Vec<Reason>> = match ranking {
        Ranking::Query(query, source) => of_query(shelf, request.words, query, *source, &rows, work),
        Ranking::Listed(_) => picked.iter().map(|one| whole(request.words, ReasonKind::Recent, one)).collect(),
        Ranking::Numbers(_) => picked.iter().map(|one| whole(request.words, ReasonKind::Trending, one)).collect(),
    };
    for (picked, reasons) in picked.iter().zip(&mut of_score) {
        if reasons.is_empty() || picked.candidate.filler {
            let kind = if shelf.is_new(picked.candidate.row) { ReasonKind::New } else { ReasonKind::Popular };
            *reasons = whole(request.words, kind, picked);
        }
        around(request, wishes, picked, reasons);
    }
    of_score
}

/// A reason that is the whole score.
fn whole(words: Words, kind: ReasonKind, picked: &Picked) -> Vec<Reason> {
    let amount = picked.candidate.score;
    let kind = if kind == ReasonKind::Trending && amount <= 0.0 { ReasonKind::Popular } else { kind };
    let mut reason = Reason { amount, share: 1.0, ..Reason::new(kind, String::new()) };
    reason.text = sentence(&reason, "", words);
    vec![reason]
}

/// Adds what rules and chance did.
fn around(request: &Request<'_>, wishes: &Wishes, picked: &Picked, reasons: &mut Vec<Reason>) {
    let of_rule = |at: usize| {
        let rule = request.rules.get(at);
        let name = rule.map_or("", |rule| if rule.name.is_empty() { &rule.id } else { &rule.name });
        let mut reason = Reason::new(ReasonKind::Rule, String::new());
        reason.rule = rule.map(|rule| rule.id.clone());
        reason.text = sentence(&reason, name, request.words);
        reason
    };
    match picked.way {
        Way::Pinned(rule) | Way::Share(rule) => reasons.insert(0, of_rule(rule)),
        Way::Explored => {
            let mut reason = Reason::new(ReasonKind::Explored, String::new());
            reason.text = sentence(&reason, "", request.words);
            reasons.push(reason);
        }
        Way::Standing => {}
    }
    let acting = wishes.factors.iter().filter(|(rows, ..)| rows.contains(picked.candidate.row));
    reasons.extend(acting.map(|(_, _, rule)| of_rule(*rule)));
}

fn of_query(
    shelf: &Shelf,
    words: Words,
    query: &Query,
    source: Source<'_>,
    rows: &[u32],
    work: &mut Workspace,
) -> Vec<Vec<Reason>> {
    let mut titles = Titles::default();
    let told = told(shelf, query, source, rows, work);
    let speakers = Speakers::new(shelf, query, source);
    rows.iter().zip(told).map(|(row, told)| of_row(&speakers, words, *row, &told, &mut titles)).collect()
}

/// Titles that were read once a page.
#[derive(Default)]
struct Titles(Vec<(String, String)>);

impl Titles {
    fn of<'t>(&'t mut self, shelf: &Shelf, id: &str) -> &'t str {
        let known = self.0.iter().position(|(known, _)| known == id);
        let at = known.unwrap_or_else(|| {
            let title = shelf.row(id).map_or_else(|| id.to_owned(), |row| shelf.title(row));
            self.0.push((id.to_owned(), title));
            self.0.len() - 1
        });
        self.0.get(at).map_or("", |(_, title)| title)
    }
}

fn of_row(speakers: &Speakers<'_>, words: Words, row: u32, told: &[Told], titles: &mut Titles) -> Vec<Reason> {
    let (shelf, source) = (speakers.shelf, speakers.source);
    let positive: f32 = told.iter().map(|told| told.amount.max(0.0)).sum();
    if positive <= 0.0 {
        return Vec::new();
    }
    let mut pieces = speakers.pieces(shelf.id(row), told);
    pieces.sort_by(|a, b| b.amount.total_cmp(&a.amount));
    let keep = pieces.iter().take(MOST).take_while(|piece| piece.amount / positive >= SMALLEST).count();
    let small = pieces.split_off(keep);
    let in_words = |piece: Piece<'_>| Reason {
        product_id: piece.product.map(str::to_owned),
        action: piece.past.map(|past| past.action),
        at: piece.past.map(|past| past.at),
        parts: speakers.amounts(&piece),
        amount: piece.amount,
        share: piece.amount / positive,
        ..Reason::new(piece.kind, String::new())
    };
    let mut reasons: Vec<Reason> = pieces.into_iter().map(in_words).collect();
    if let Some(other) = small.into_iter().reduce(|mut all, one| {
        all.join(one);
        all
    }) {
        let kind = if reasons.is_empty() { other.kind } else { ReasonKind::Other };
        let share = (other.amount / positive).max(0.0);
        let parts = speakers.amounts(&other);
        reasons.push(Reason { parts, amount: other.amount, share, ..Reason::new(kind, String::new()) });
    }
    for reason in &mut reasons {
        let about = match (&reason.product_id, reason.kind) {
            (Some(id), _) if id == shelf.id(row) => again(source, id),
            (Some(id), _) => titles.of(shelf, id).to_owned(),
            (None, ReasonKind::Content) => shelf
                .leaf_category(row)
                .filter(|category| looked_at(shelf, source, category))
                .unwrap_or_default()
                .to_owned(),
            (None, _) => String::new(),
        };
        reason.text = if reason.product_id.as_deref() == Some(shelf.id(row)) {
            crate::sentence::again(&about, reason, words)
        } else {
            sentence(reason, &about, words)
        };
    }
    reasons
}

/// What the visitor did with the product itself: orders say more than looks, several of them more than one.
fn again(source: Source<'_>, id: &str) -> String {
    let Source::History(history) = source else { return String::new() };
    let same = || history.iter().filter(|past| past.product.as_str() == id);
    let orders: BTreeSet<Millis> = same().filter(|past| past.action == Action::Order).map(|past| past.at).collect();
    let chosen = same().any(|past| past.action == Action::Add);
    match orders.len() {
        0 if chosen => "chose",
        0 => "looked",
        1 => "bought",
        _ => "regularly",
    }
    .to_owned()
}

/// Whether the visitor's history holds a product of a category.
fn looked_at(shelf: &Shelf, source: Source<'_>, category: &str) -> bool {
    let Source::History(history) = source else { return false };
    let mut rows = history.iter().filter_map(|past| shelf.row(past.product.as_str()));
    rows.any(|row| shelf.leaf_category(row) == Some(category))
}

#[cfg(test)]
mod tests {
    use vitrine_domain::ProductId;

    use super::*;

    fn past(id: &str, action: Action, at: i64) -> PastAction {
        PastAction { product: ProductId::new(id).unwrap(), action, at: Millis(at), key: 0 }
    }

    #[test]
    fn what_speaks_for_itself_is_told_by_the_most_that_was_done_with_it() {
        let look = past("milk", Action::View, 1);
        let of = |others: &[(Action, i64)]| {
            let others = others.iter().map(|(action, at)| past("milk", *action, *at));
            let other = past("tea", Action::Order, 9);
            again(Source::History(&others.chain([other, look.clone()]).collect::<Vec<_>>()), "milk")
        };
        assert_eq!(of(&[]), "looked");
        assert_eq!(of(&[(Action::Add, 2)]), "chose");
        assert_eq!(of(&[(Action::Add, 2), (Action::Order, 3)]), "bought");
        // Two lines of one order are one purchase.
        assert_eq!(of(&[(Action::Order, 3), (Action::Order, 3)]), "bought");
        assert_eq!(of(&[(Action::Order, 3), (Action::Order, 4)]), "regularly");
    }
}
