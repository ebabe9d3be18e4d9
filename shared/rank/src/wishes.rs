//! What the acting rules want of a list, in rows of the shelf.

use std::sync::Arc;

use vitrine_domain::filter::{Attributes, Person, Scope};
use vitrine_domain::rule::{Effect, Situation, acting};
use vitrine_domain::segment::Known;
use vitrine_domain::{Filter, Rule};
use vitrine_index::Bitmap;

use crate::{FilterError, Request, Shelf};

/// A rule by its place among the request's.
pub(crate) type RuleAt = usize;

/// Everything that rules want, strongest rule first within each kind.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// `(slot from one, row, rule)`.
    pub(crate) pins: Vec<(usize, u32, RuleAt)>,
    /// Some rows' scores are multiplied.
    pub(crate) factors: Vec<(Arc<Bitmap>, f32, RuleAt)>,
    /// `(attribute, how many, rule)`.
    pub(crate) caps: Vec<(String, usize, RuleAt)>,
    /// A share of the slots is given to some rows.
    pub(crate) shares: Vec<(Arc<Bitmap>, f32, RuleAt)>,
    /// Rules that took products out.
    pub(crate) took_out: Vec<RuleAt>,
    /// Rules whose content is shown, each with its place.
    pub(crate) content: Vec<(String, RuleAt)>,
    /// Rules whose filter does not fit the catalogue.
    pub(crate) idle: Vec<RuleAt>,
}

/// The context of a request: what rules' conditions and filters' references speak of.
pub(crate) struct Surroundings<'a> {
    shelf: &'a Shelf,
    request: &'a Request<'a>,
    /// Row of the product on the page.
    pub(crate) context: Option<u32>,
    visitor: Option<Known<'a>>,
}

impl<'a> Surroundings<'a> {
    pub(crate) fn new(shelf: &'a Shelf, request: &'a Request<'a>) -> Self {
        let context = request.product.and_then(|id| shelf.row(id));
        let visitor = request.state.map(|state| Known {
            person: Person { state, now: request.now },
            scale: request.scale,
            segments: request.segments,
        });
        Self { shelf, request, context, visitor }
    }

    /// The rows for which a filter holds. Only filters that refer to something need the products read.
    pub(crate) fn rows(&self, filter: &Filter) -> Result<Arc<Bitmap>, FilterError> {
        match self.resolved(filter)? {
            Some(resolved) => self.shelf.rows(&resolved),
            None => self.shelf.rows(filter),
        }
    }

    /// A filter with what it refers to; none if it refers to nothing.
    pub(crate) fn resolved(&self, filter: &Filter) -> Result<Option<Filter>, FilterError> {
        if !filter.has_references() {
            return Ok(None);
        }
        let context = self.context.and_then(|row| self.shelf.product(row));
        let basket: Vec<_> = self.request.basket.iter().filter_map(|id| self.shelf.row(id)).collect();
        let basket: Vec<_> = basket.into_iter().filter_map(|row| self.shelf.product(row)).collect();
        let basket: Vec<&dyn Attributes> = basket.iter().map(|product| product as &dyn Attributes).collect();
        let scope = Scope {
            context: context.as_ref().map(|product| product as &dyn Attributes),
            basket: &basket,
            visitor: self.visitor.as_ref().map(|visitor| visitor as &dyn Attributes),
        };
        filter.resolve(&scope).map(Some)
    }

    /// What the acting rules want; products that rules hide or do not include are taken out of `allowed`.
    pub(crate) fn wishes(&self, allowed: &mut Bitmap) -> Wishes {
        let request = self.request;
        let path = self.context.map(|row| self.shelf.category_path(row)).unwrap_or_default();
        let categories: Vec<&str> = path.into_iter().chain(request.category).collect();
        let situation = Situation {
            placement: &request.placement.name,
            categories: &categories,
            visitor: self.visitor,
            now: request.now,
        };
        let mut wishes = Wishes::default();
        for rule in acting(request.rules, &situation) {
            let at = place(request.rules, rule);
            let rows = match rule.effect.filter().map(|filter| self.rows(filter)) {
                Some(Ok(rows)) => rows,
                Some(Err(_)) => {
                    // A filter that does not fit holds of no product: what a rule includes only is then nothing.
                    wishes.idle.push(at);
                    Arc::new(Bitmap::empty(self.shelf.len()))
                }
                None => Arc::default(),
            };
            wishes.take(self.shelf, rule, at, rows, allowed);
        }
        wishes
    }
}

fn place(rules: &[Rule], rule: &Rule) -> RuleAt {
    rules.iter().position(|other| std::ptr::eq(other, rule)).unwrap_or_default()
}

impl Wishes {
    fn take(&mut self, shelf: &Shelf, rule: &Rule, at: RuleAt, rows: Arc<Bitmap>, allowed: &mut Bitmap) {
        match &rule.effect {
            Effect::Pin { product, slot } => {
                let row = shelf.row(product.as_str());
                let free = |row: &u32| self.pins.iter().all(|(taken, pinned, _)| taken != slot && pinned != row);
                self.pins.extend(row.filter(free).map(|row| (*slot, row, at)));
            }
            Effect::Boost { factor, .. } => self.factors.push((rows, *factor, at)),
            Effect::Bury { factor, .. } => self.factors.push((rows, 1.0 / factor, at)),
            Effect::Hide { .. } => {
                allowed.and_not(&rows);
                self.took_out.push(at);
            }
            Effect::IncludeOnly { .. } => {
                allowed.and(&rows);
                self.took_out.push(at);
            }
            Effect::AtMost { attribute, count } => self.caps.push((attribute.clone(), *count, at)),
            Effect::Share { share, .. } => self.shares.push((rows, *share, at)),
            Effect::Content { slot, .. } => {
                if self.content.iter().all(|(taken, _)| taken != slot) {
                    self.content.push((slot.clone(), at));
                }
            }
        }
    }

    /// The rules that acted, each once.
    pub(crate) fn acted(&self) -> Vec<RuleAt> {
        let pins = self.pins.iter().map(|(.., rule)| *rule);
        let factors = self.factors.iter().map(|(.., rule)| *rule);
        let caps = self.caps.iter().map(|(.., rule)| *rule);
        let shares = self.shares.iter().map(|(.., rule)| *rule);
        let content = self.content.iter().map(|(_, rule)| *rule);
        let took_out = self.took_out.iter().copied();
        let mut acted: Vec<RuleAt> =
            pins.chain(factors).chain(caps).chain(shares).chain(content).chain(took_out).collect();
        acted.sort_unstable();
        acted
    }

    /// What multiplies a row's score, and the rules that do.
    pub(crate) fn factor(&self, row: u32) -> f32 {
        self.factors.iter().filter(|(rows, ..)| rows.contains(row)).map(|(_, factor, _)| factor).product()
    }
}
