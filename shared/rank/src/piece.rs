//! A product's score by what speaks for it, before it is put into words: there are many more pieces than reasons, so nothing
//! is copied yet.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};
use vitrine_domain::{Action, PastAction};

use crate::Shelf;
use crate::evidence::Told;
use crate::query::Query;
use crate::reason::{PartAmount, ReasonKind, Source};

/// What speaks for a product in one way.
#[derive(Debug, Clone)]
pub(crate) struct Piece<'a> {
    pub(crate) kind: ReasonKind,
    /// The product that leads here.
    pub(crate) product: Option<&'a str>,
    /// What was done with it.
    pub(crate) past: Option<&'a PastAction>,
    /// What it adds to the score.
    pub(crate) amount: f32,
    /// Parts of the model by their places, and what each adds.
    parts: SmallVec<[(usize, f32); 4]>,
}

impl Piece<'_> {
    fn add(&mut self, part: usize, amount: f32) {
        match self.parts.iter_mut().find(|(known, _)| *known == part) {
            Some((_, sum)) => *sum += amount,
            None => self.parts.push((part, amount)),
        }
    }

    /// Adds another piece to this one.
    pub(crate) fn join(&mut self, more: Self) {
        self.amount += more.amount;
        more.parts.into_iter().for_each(|(part, amount)| self.add(part, amount));
    }
}

/// What speaks for products on one page.
pub(crate) struct Speakers<'a> {
    pub(crate) shelf: &'a Shelf,
    pub(crate) source: Source<'a>,
    query: &'a Query,
    /// The names of the model's parts.
    names: Vec<Arc<str>>,
    /// What kind of reason each part of the model gives, without and with a piece of evidence.
    kinds: Vec<[ReasonKind; 2]>,
}

impl<'a> Speakers<'a> {
    pub(crate) fn new(shelf: &'a Shelf, query: &'a Query, source: Source<'a>) -> Self {
        let parts = shelf.artifact().map_or(&[][..], |artifact| artifact.parts());
        let kinds = parts.iter().map(|part| [false, true].map(|known| kind(&part.name, source, known))).collect();
        let names = parts.iter().map(|part| part.name.as_str().into()).collect();
        Self { shelf, source, query, names, kinds }
    }

    /// What speaks for a product, in the order in which it was first told.
    pub(crate) fn pieces(&self, id: &str, told: &[Told]) -> Vec<Piece<'a>> {
        let mut pieces: Vec<Piece<'a>> = Vec::new();
        for told in told {
            let (kind, product, past) = self.speaker(id, told);
            let known = pieces.iter_mut().find(|known| known.kind == kind && known.product == product);
            match known {
                Some(known) => {
                    known.amount += told.amount;
                    known.add(told.part, told.amount);
                }
                None => {
                    let parts = smallvec![(told.part, told.amount)];
                    pieces.push(Piece { kind, product, past, amount: told.amount, parts });
                }
            }
        }
        pieces
    }

    fn speaker(&self, id: &str, told: &Told) -> (ReasonKind, Option<&'a str>, Option<&'a PastAction>) {
        let at = told.evidence.and_then(|evidence| self.query.sources.get(evidence)).copied();
        let kinds = self.kinds.get(told.part).copied();
        let kind = kinds.map_or(ReasonKind::Taste, |[without, with]| if at.is_some() { with } else { without });
        match (self.source, at) {
            (Source::History(history), Some(at)) => {
                let past = history.get(at);
                let ordered = past.is_some_and(|past| kind == ReasonKind::Viewed && was_ordered(history, past, id));
                let kind = if ordered { ReasonKind::Bought } else { kind };
                (kind, past.map(|past| past.product.as_str()), past)
            }
            (Source::Context(id), _) if kind != ReasonKind::Popular => (kind, Some(id), None),
            (Source::Basket(basket), Some(at)) => (kind, basket.get(at).map(String::as_str), None),
            _ => (kind, None, None),
        }
    }

    /// The parts of a piece by their names.
    pub(crate) fn amounts(&self, piece: &Piece<'_>) -> Vec<PartAmount> {
        let name = |part: usize| self.names.get(part).cloned().unwrap_or_default();
        piece.parts.iter().map(|(part, amount)| PartAmount { part: name(*part), amount: *amount }).collect()
    }
}

/// An order speaks as such; so does anything that was done with the product itself, if it was ordered too.
fn was_ordered(history: &[PastAction], past: &PastAction, row: &str) -> bool {
    let itself = past.product.as_str() == row;
    past.action == Action::Order
        || itself && history.iter().any(|other| other.product == past.product && other.action == Action::Order)
}

/// What kind of reason a part gives; whether a piece of evidence is known for it.
fn kind(part: &str, source: Source<'_>, evidence: bool) -> ReasonKind {
    match (part, source, evidence) {
        ("popularity" | "latest", ..) => ReasonKind::Popular,
        ("encoder", Source::History([_, ..]), _) => ReasonKind::Next,
        (_, Source::History(_), true) => ReasonKind::Viewed,
        ("content", Source::Context(_), _) => ReasonKind::Content,
        (_, Source::Context(_), true) => ReasonKind::Context,
        (_, Source::Context(_), false) => ReasonKind::Taste,
        (_, Source::Basket(_), _) => ReasonKind::Basket,
        // Of somebody who did nothing yet, only their own vectors say more than what everybody wants.
        (name, Source::History([]), false) if !name.starts_with("own:") => ReasonKind::Popular,
        ("content", Source::History(_), false) => ReasonKind::Content,
        ("sessions", Source::History(_), false) => ReasonKind::Next,
        ("view_view" | "view_order", Source::History(_), false) => ReasonKind::Viewed,
        ("order_together" | "order_next" | "repurchase", Source::History(_), false) => ReasonKind::Bought,
        _ => ReasonKind::Taste,
    }
}
