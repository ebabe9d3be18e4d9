//! From what was sent to a rule, or to everything that is wrong with it.

use serde_json::Value;
use vitrine_domain::{Fault, Filter, Millis, ProductId, Rule, rule};
use vitrine_http::Problem;

use super::shape::{Effect, Wanted, When};
use crate::{filters, keep};

/// What is wrong so far, and where.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    /// What could be read; what could not leaves a fault, and a stand-in so that the rest is looked at too.
    fn or<T>(&mut self, at: &'static str, read: Result<T, String>, stand_in: impl FnOnce() -> T) -> T {
        read.unwrap_or_else(|why| {
            self.0.push(Fault::new(at, why));
            stand_in()
        })
    }

    fn filter(&mut self, at: &'static str, value: &Value) -> Filter {
        self.or(at, filters::read(value), || Filter::And { and: Vec::new() })
    }

    fn time(&mut self, at: &'static str, text: Option<String>) -> Option<Millis> {
        let read = text.map(|text| Millis::parse(&text).ok_or_else(|| "RFC 3339, such as 2026-11-27T00:00:00Z".into()));
        self.or(at, read.transpose(), || None)
    }

    fn product(&mut self, at: &'static str, id: String) -> Option<ProductId> {
        self.or(at, ProductId::new(id).map(Some).map_err(|error| error.rule.to_owned()), || None)
    }
}

impl Wanted {
    /// # Errors
    /// 422 with every member that is wrong.
    pub(crate) fn check(self, id: String) -> Result<Rule, Problem> {
        let mut faults = Faults::default();
        if self.id.is_some_and(|said| said != id) {
            faults.0.push(Fault::new("/id", "another id than in the address"));
        }
        let Self { name, enabled, priority, .. } = self;
        let when = conditions(self.when, &mut faults);
        let effect = effect(self.effect, &mut faults);
        if let Some(effect) = effect {
            let rule = Rule { id, name, enabled, priority, when, effect };
            faults.0.extend(rule.faults());
            if faults.0.is_empty() {
                return Ok(rule);
            }
        }
        Err(keep::refused("invalid-rule", "this is no rule; `errors` says where", faults.0))
    }
}

fn conditions(when: When, faults: &mut Faults) -> rule::When {
    let When { placements, segments, categories, from, until, visitor } = when;
    let (from, until) = (faults.time("/when/from", from), faults.time("/when/until", until));
    let visitor = visitor.map(|filter| faults.filter("/when/visitor", &filter));
    rule::When { placements, segments, categories, from, until, visitor }
}

/// None if the product has no possible id: there is no stand-in for that.
fn effect(effect: Effect, faults: &mut Faults) -> Option<rule::Effect> {
    let mut read = |filter: &Value| faults.filter("/effect/filter", filter);
    Some(match effect {
        Effect::Pin { product, slot } => {
            rule::Effect::Pin { product: faults.product("/effect/product", product)?, slot }
        }
        Effect::Boost { filter, factor } => rule::Effect::Boost { filter: read(&filter), factor },
        Effect::Bury { filter, factor } => rule::Effect::Bury { filter: read(&filter), factor },
        Effect::Hide { filter } => rule::Effect::Hide { filter: read(&filter) },
        Effect::IncludeOnly { filter } => rule::Effect::IncludeOnly { filter: read(&filter) },
        Effect::AtMost { attribute, count } => rule::Effect::AtMost { attribute, count },
        Effect::Share { filter, share } => rule::Effect::Share { filter: read(&filter), share },
        Effect::Content { slot, payload } => rule::Effect::Content { slot, payload },
    })
}
