//! Why a product is shown: machine-readable, with a sentence for shoppers or for merchandisers.
//!
//! The reasons of a product add up to its score: what each part of the model adds is put down to past actions, to the product
//! on the page or to the part as a whole, small pieces are put together as [`ReasonKind::Other`]. What was done with a product is
//! named only if the score is lower without it: the products that speak loudest on a page are each left out of the history
//! once, and the page scored again. What rules and chance did is said beside it and adds nothing.

use std::collections::BTreeSet;

use serde::Serialize;
use vitrine_domain::{Action, Millis, PastAction};

use crate::evidence::{Told, told};
use crate::order::{Picked, Way};
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
    pub part: String,
    /// What it adds to the score.
    pub amount: f32,
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
    rows.iter().zip(told).map(|(row, told)| of_row(shelf, words, query, source, *row, told, &mut titles)).collect()
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

fn of_row(
    shelf: &Shelf,
    words: Words,
    query: &Query,
    source: Source<'_>,
    row: u32,
    told: Vec<Told>,
    titles: &mut Titles,
) -> Vec<Reason> {
    let positive: f32 = told.iter().map(|told| told.amount.max(0.0)).sum();
    if positive <= 0.0 {
        return Vec::new();
    }
    let mut reasons: Vec<Reason> = Vec::new();
    for told in told {
        let reason = reason(shelf, query, source, row, &told);
        let same = |known: &&mut Reason| known.kind == reason.kind && known.product_id == reason.product_id;
        match reasons.iter_mut().find(same) {
            Some(known) => join(known, reason),
            None => reasons.push(reason),
        }
    }
    reasons.sort_by(|a, b| b.amount.total_cmp(&a.amount));
    let keep = reasons.iter().take(MOST).take_while(|reason| reason.amount / positive >= SMALLEST).count();
    let small = reasons.split_off(keep);
    for reason in &mut reasons {
        reason.share = reason.amount / positive;
    }
    if let Some(other) = small.into_iter().reduce(|mut all, one| {
        join(&mut all, one);
        all
    }) {
        let kind = if reasons.is_empty() { other.kind } else { ReasonKind::Other };
        let share = (other.amount / positive).max(0.0);
        reasons.push(Reason { parts: other.parts, amount: other.amount, share, ..Reason::new(kind, String::new()) });
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

/// Adds a reason to one of the same kind and product.
fn join(known: &mut Reason, more: Reason) {
    known.amount += more.amount;
    for part in more.parts {
        match known.parts.iter_mut().find(|other| other.part == part.part) {
            Some(other) => other.amount += part.amount,
            None => known.parts.push(part),
        }
    }
}

fn reason(shelf: &Shelf, query: &Query, source: Source<'_>, row: u32, told: &Told) -> Reason {
    let name = shelf.artifact().and_then(|a| a.parts().get(told.part)).map_or("", |part| part.name.as_str());
    let at = told.evidence.and_then(|evidence| query.sources.get(evidence)).copied();
    let mut reason = Reason::new(kind(name, source, at), String::new());
    reason.amount = told.amount;
    reason.parts.push(PartAmount { part: name.to_owned(), amount: told.amount });
    match (source, at) {
        (Source::History(history), Some(at)) => {
            if let Some(past) = history.get(at) {
                reason.product_id = Some(past.product.to_string());
                reason.action = Some(past.action);
                reason.at = Some(past.at);
                if reason.kind == ReasonKind::Viewed && was_ordered(history, past, shelf.id(row)) {
                    reason.kind = ReasonKind::Bought;
                }
            }
        }
        (Source::Context(id), _) if reason.kind != ReasonKind::Popular => reason.product_id = Some(id.to_owned()),
        (Source::Basket(basket), Some(at)) => reason.product_id = basket.get(at).cloned(),
        _ => {}
    }
    reason
}

/// An order speaks as such; so does anything that was done with the product itself, if it was ordered too.
fn was_ordered(history: &[PastAction], past: &PastAction, row: &str) -> bool {
    let itself = past.product.as_str() == row;
    past.action == Action::Order
        || itself && history.iter().any(|other| other.product == past.product && other.action == Action::Order)
}

fn kind(part: &str, source: Source<'_>, evidence: Option<usize>) -> ReasonKind {
    match (part, source, evidence) {
        ("popularity" | "latest", ..) => ReasonKind::Popular,
        ("encoder", Source::History([_, ..]), _) => ReasonKind::Next,
        (_, Source::History(_), Some(_)) => ReasonKind::Viewed,
        ("content", Source::Context(_), _) => ReasonKind::Content,
        (_, Source::Context(_), Some(_)) => ReasonKind::Context,
        (_, Source::Context(_), None) => ReasonKind::Taste,
        (_, Source::Basket(_), _) => ReasonKind::Basket,
        // Of somebody who did nothing yet, only their own vectors say more than what everybody wants.
        (name, Source::History([]), None) if !name.starts_with("own:") => ReasonKind::Popular,
        ("content", Source::History(_), None) => ReasonKind::Content,
        ("sessions", Source::History(_), None) => ReasonKind::Next,
        ("view_view" | "view_order", Source::History(_), None) => ReasonKind::Viewed,
        ("order_together" | "order_next" | "repurchase", Source::History(_), None) => ReasonKind::Bought,
        _ => ReasonKind::Taste,
    }
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
