//! Why a product is shown: machine-readable, with a sentence for shoppers.

use std::collections::BTreeSet;

use serde::Serialize;
use vitrine_domain::{Action, Millis, PastAction};

use crate::Shelf;
use crate::score::{Part, Query, Share};

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
}

/// One reason, and its share of the score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// What kind.
    pub kind: ReasonKind,
    /// The product that leads here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    /// Its share of the score's positive parts, 0 to 1.
    pub share: f32,
    /// A sentence.
    pub text: String,
}

/// Smallest share that is worth a reason.
const SMALLEST: f32 = 0.02;
/// Most reasons a product carries.
const MOST: usize = 4;

impl Reason {
    /// A reason that is the whole score.
    pub(crate) fn whole(kind: ReasonKind) -> Self {
        let text = match kind {
            ReasonKind::Trending => "Many look at this lately",
            ReasonKind::Recent => "You looked at this recently",
            ReasonKind::New => "New in the shop",
            _ => "Popular in this shop",
        };
        Self { kind, product_id: None, share: 1.0, text: text.to_owned() }
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

/// Turns the parts of some rows' scores into reasons, the strongest first.
pub(crate) fn reasons(shelf: &Shelf, query: &Query, source: Source<'_>, rows: &[u32]) -> Vec<Vec<Reason>> {
    let shares = query.explain(shelf, rows);
    rows.iter().zip(shares).map(|(row, shares)| reasons_of(shelf, source, *row, shares)).collect()
}

fn reasons_of(shelf: &Shelf, source: Source<'_>, row: u32, mut shares: Vec<Share>) -> Vec<Reason> {
    shares.retain(|share| share.amount > 0.0);
    let total: f32 = shares.iter().map(|s| s.amount).sum();
    if total <= 0.0 {
        let kind = if shelf.is_new(row) { ReasonKind::New } else { ReasonKind::Popular };
        return vec![Reason::whole(kind)];
    }
    let mut reasons: Vec<Reason> = Vec::new();
    for share in shares {
        let found = reason(shelf, source, row, &share.part, share.amount / total);
        // What was done several times with one product is one reason.
        let same = |known: &&mut Reason| known.kind == found.kind && known.product_id == found.product_id;
        match reasons.iter_mut().find(same) {
            Some(known) => known.share += found.share,
            None => reasons.push(found),
        }
    }
    reasons.retain(|reason| reason.share >= SMALLEST);
    reasons.sort_by(|a, b| b.share.total_cmp(&a.share));
    reasons.truncate(MOST);
    reasons
}

fn reason(shelf: &Shelf, source: Source<'_>, row: u32, part: &Part, share: f32) -> Reason {
    let named = |kind, id: &str, how: &str| Reason {
        kind,
        product_id: Some(id.to_owned()),
        share,
        text: format!("{how} {}", shelf.row(id).map_or_else(|| id.to_owned(), |r| shelf.title(r))),
    };
    let plain = |kind, text: String| Reason { kind, product_id: None, share, text };
    match (part, source) {
        (Part::Evidence(at), Source::History(history)) => match history.get(*at) {
            Some(past) if past.product.as_str() == shelf.id(row) => {
                let (kind, text) = again(history, past);
                Reason { kind, product_id: Some(past.product.to_string()), share, text: text.to_owned() }
            }
            Some(past) if past.action == Action::Order => {
                named(ReasonKind::Bought, past.product.as_str(), "Because you bought")
            }
            Some(past) if past.action == Action::Add => {
                named(ReasonKind::Viewed, past.product.as_str(), "Because you chose")
            }
            Some(past) => named(ReasonKind::Viewed, past.product.as_str(), "Because you looked at"),
            None => plain(ReasonKind::Viewed, "Because of what you looked at".to_owned()),
        },
        (Part::Evidence(_), Source::Context(id)) => named(ReasonKind::Context, id, "Goes with"),
        (Part::Evidence(at), Source::Basket(basket)) => match basket.get(*at) {
            Some(id) => named(ReasonKind::Basket, id, "Goes with"),
            None => plain(ReasonKind::Basket, "Goes with your basket".to_owned()),
        },
        (Part::Whole(name), source) => match (name.as_str(), source) {
            ("popularity" | "latest", _) => plain(ReasonKind::Popular, "Popular in this shop".to_owned()),
            ("content", Source::Context(id)) => named(ReasonKind::Content, id, "Like"),
            (_, Source::Context(id)) => named(ReasonKind::Taste, id, "Chosen by the same people as"),
            // Of somebody who did nothing yet, only their own vectors say more than what everybody wants.
            (name, Source::History([])) if !name.starts_with("own:") => {
                plain(ReasonKind::Popular, "Popular in this shop".to_owned())
            }
            ("content", _) => {
                let category = shelf.leaf_category(row).filter(|category| looked_at(shelf, source, category));
                let text = match category {
                    Some(category) => format!("You have been looking at {category}"),
                    None => "Like what you have been looking at".to_owned(),
                };
                plain(ReasonKind::Content, text)
            }
            ("encoder" | "sessions", _) => {
                plain(ReasonKind::Next, "Others went on to this from where you are".to_owned())
            }
            _ => plain(ReasonKind::Taste, "Fits what you usually choose".to_owned()),
        },
    }
}

/// What the visitor did with the product itself: orders say more than looks, several of them more than one.
fn again(history: &[PastAction], past: &PastAction) -> (ReasonKind, &'static str) {
    let same = || history.iter().filter(|other| other.product == past.product);
    let orders: BTreeSet<Millis> = same().filter(|other| other.action == Action::Order).map(|other| other.at).collect();
    let chosen = same().any(|other| other.action == Action::Add);
    match orders.len() {
        0 if chosen => (ReasonKind::Viewed, "You chose this before"),
        0 => (ReasonKind::Viewed, "You looked at this before"),
        1 => (ReasonKind::Bought, "You bought this before"),
        _ => (ReasonKind::Bought, "You buy this regularly"),
    }
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
            again(&others.chain([other, look.clone()]).collect::<Vec<_>>(), &look).1
        };
        assert_eq!(of(&[]), "You looked at this before");
        assert_eq!(of(&[(Action::Add, 2)]), "You chose this before");
        assert_eq!(of(&[(Action::Add, 2), (Action::Order, 3)]), "You bought this before");
        // Two lines of one order are one purchase.
        assert_eq!(of(&[(Action::Order, 3), (Action::Order, 3)]), "You bought this before");
        assert_eq!(of(&[(Action::Order, 3), (Action::Order, 4)]), "You buy this regularly");
    }
}
