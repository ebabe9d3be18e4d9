//! Which rules get into each other's way.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Effect, Rule, When};
use crate::filter::{Filter, Op};
use crate::{Millis, Product};

/// What two rules disagree about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// Both pin a product to one slot: the later one is left out.
    SameSlot,
    /// Both pin one product: it stands in the first one's slot.
    SameProduct,
    /// One pins what the other hides or does not include: it is not shown.
    PinnedAndHidden,
    /// One boosts what the other buries.
    BoostedAndBuried,
    /// One hides just what the other boosts, or wants in a share of the slots: the latter does nothing.
    FavouredAndHidden,
    /// Each includes only what the other leaves out: nothing is shown.
    NothingLeft,
    /// The shares of all rules that can act together are more than the whole.
    SharesOverOne,
    /// One of two bounds on the same attribute: the smaller one counts.
    TwoBounds,
    /// Both have content for one place: the first one's is shown.
    SameContent,
}

/// Two rules that can act on the same list and disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// What about.
    pub kind: ConflictKind,
    /// The id of one rule.
    pub rule: String,
    /// The id of the other.
    pub with: String,
    /// A sentence: what will happen.
    pub text: String,
}

/// The conflicts of one rule with others, as soon as it is enabled; others that are not have none. `pinned` gives the products that rules pin, as far as they are known.
#[must_use]
pub fn conflicts(rule: &Rule, others: &[Rule], pinned: &dyn Fn(&str) -> Option<Product>) -> Vec<Conflict> {
    let mut found = Vec::new();
    let others: Vec<&Rule> = others.iter().filter(|o| o.id != rule.id && o.enabled).collect();
    let together: Vec<&Rule> = others.into_iter().filter(|other| meet(&rule.when, &other.when)).collect();
    for other in &together {
        let (first, second) = in_order(rule, other);
        if let Some((kind, text)) = between(first, second, pinned).or_else(|| between(second, first, pinned)) {
            found.push(Conflict { kind, rule: rule.id.clone(), with: other.id.clone(), text });
        }
    }
    if let Some((sum, names)) = most_shared(rule, &together).filter(|(sum, _)| *sum > 1.0 + ROUNDING) {
        let text = format!("the shares add up to {:.0} %: those of lower priority get what is left", sum * 100.0);
        let with = names.join(", ");
        found.push(Conflict { kind: ConflictKind::SharesOverOne, rule: rule.id.clone(), with, text });
    }
    found
}

/// What shares may add up to over one and still be one.
const ROUNDING: f32 = 1e-5;

fn share_of(rule: &Rule) -> f32 {
    if let Effect::Share { share, .. } = rule.effect { share } else { 0.0 }
}

/// The largest sum of shares at one place and time where a rule gives one, and whose the others are. None without others.
fn most_shared<'r>(rule: &Rule, others: &[&'r Rule]) -> Option<(f32, Vec<&'r str>)> {
    let others: Vec<&'r Rule> = others.iter().copied().filter(|other| share_of(other) > 0.0).collect();
    if others.is_empty() || share_of(rule) == 0.0 {
        return None;
    }
    let everyone = || others.iter().copied().chain([rule]);
    // Sums change where a placement is named and when a rule begins.
    let places: BTreeSet<Option<&str>> =
        everyone().flat_map(|rule| &rule.when.placements).map(|name| Some(name.as_str())).chain([None]).collect();
    let times: BTreeSet<Millis> = everyone().filter_map(|rule| rule.when.from).chain([Millis(i64::MIN)]).collect();
    let situations = times.iter().flat_map(|time| places.iter().map(|place| (*place, *time)));
    let sums = situations.filter(|at| is_in(&rule.when, *at)).map(|at| {
        let there: Vec<&Rule> = others.iter().copied().filter(|other| is_in(&other.when, at)).collect();
        let sum = there.iter().fold(share_of(rule), |sum, other| sum + share_of(other));
        (sum, there.iter().map(|other| other.id.as_str()).collect::<Vec<_>>())
    });
    sums.max_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(_, others)| !others.is_empty())
}

/// Whether conditions hold in a placement, none being one that no rule names, at a time.
fn is_in(when: &When, (place, time): (Option<&str>, Millis)) -> bool {
    let in_place = when.placements.is_empty() || place.is_some_and(|place| when.placements.iter().any(|p| p == place));
    in_place && when.from.is_none_or(|from| time >= from) && when.until.is_none_or(|until| time < until)
}

/// The one that acts first, then the other.
fn in_order<'r>(a: &'r Rule, b: &'r Rule) -> (&'r Rule, &'r Rule) {
    let before = a.priority > b.priority || a.priority == b.priority && a.id < b.id;
    if before { (a, b) } else { (b, a) }
}

/// Whether both can act on one list: of conditions on visitors nobody can say that they exclude each other.
fn meet(a: &When, b: &When) -> bool {
    let share = |a: &[String], b: &[String]| a.is_empty() || b.is_empty() || a.iter().any(|name| b.contains(name));
    let from = a.from.max(b.from);
    let until = a.until.unwrap_or(Millis(i64::MAX)).min(b.until.unwrap_or(Millis(i64::MAX)));
    // A visitor can be of two segments and a page of two levels of categories, so these never keep rules apart.
    share(&a.placements, &b.placements) && from.is_none_or(|from| from < until)
}

fn between(a: &Rule, b: &Rule, pinned: &dyn Fn(&str) -> Option<Product>) -> Option<(ConflictKind, String)> {
    let (first, second) = (&a.id, &b.id);
    match (&a.effect, &b.effect) {
        (Effect::Pin { slot: one, product }, Effect::Pin { slot: other, product: second_product }) => {
            if product == second_product {
                return Some((
                    ConflictKind::SameProduct,
                    format!("both pin product {product}; it stands where `{first}` puts it"),
                ));
            }
            (one == other).then(|| {
                (
                    ConflictKind::SameSlot,
                    format!("both pin to slot {one}; `{first}` acts first and `{second}` is left out"),
                )
            })
        }
        (Effect::Pin { product, .. }, Effect::Hide { filter }) => {
            let hidden = pinned(product.as_str()).is_some_and(|product| filter.holds(&product) == Ok(true));
            hidden.then(|| {
                (
                    ConflictKind::PinnedAndHidden,
                    format!("`{second}` hides product {product} that `{first}` pins: it is not shown"),
                )
            })
        }
        (Effect::Pin { product, .. }, Effect::IncludeOnly { filter }) => {
            let left_out = pinned(product.as_str()).is_some_and(|product| filter.holds(&product) == Ok(false));
            left_out.then(|| {
                (
                    ConflictKind::PinnedAndHidden,
                    format!("`{second}` leaves out product {product} that `{first}` pins: it is not shown"),
                )
            })
        }
        (Effect::Boost { filter, .. }, Effect::Bury { filter: other, .. }) if !apart(filter, other) => Some((
            ConflictKind::BoostedAndBuried,
            format!("`{first}` boosts and `{second}` buries what both speak of; the factors are multiplied"),
        )),
        (Effect::Boost { filter, .. } | Effect::Share { filter, .. }, Effect::Hide { filter: other })
            if filter == other =>
        {
            Some((ConflictKind::FavouredAndHidden, format!("`{second}` hides all that `{first}` favours")))
        }
        (Effect::Boost { filter, .. } | Effect::Share { filter, .. }, Effect::IncludeOnly { filter: other })
            if apart(filter, other) =>
        {
            Some((ConflictKind::FavouredAndHidden, format!("`{second}` leaves out all that `{first}` favours")))
        }
        (Effect::IncludeOnly { filter }, Effect::IncludeOnly { filter: other }) if apart(filter, other) => Some((
            ConflictKind::NothingLeft,
            format!("no product passes both `{first}` and `{second}`: nothing is shown"),
        )),
        (Effect::IncludeOnly { filter }, Effect::Hide { filter: other }) if filter == other => {
            Some((ConflictKind::NothingLeft, format!("`{second}` hides all that `{first}` includes: nothing is shown")))
        }
        (Effect::AtMost { attribute, count }, Effect::AtMost { attribute: other, count: second_count })
            if attribute == other && count != second_count =>
        {
            Some((ConflictKind::TwoBounds, format!("both bound `{attribute}`; {} counts", count.min(second_count))))
        }
        (Effect::Content { slot, .. }, Effect::Content { slot: other, .. }) if slot == other => Some((
            ConflictKind::SameContent,
            format!("both have content for `{slot}`; whoever both are for sees that of `{first}`"),
        )),
        _ => None,
    }
}

/// Whether no product can pass both: both demand another value of one attribute that has a single value.
fn apart(a: &Filter, b: &Filter) -> bool {
    demands(a).iter().any(|(attribute, value)| {
        let single = !matches!(*attribute, "category") && !attribute.is_empty();
        single && demands(b).iter().any(|(other, wanted)| other == attribute && wanted != value)
    })
}

/// The equalities that a filter demands.
fn demands(filter: &Filter) -> Vec<(&str, &serde_json::Value)> {
    match filter {
        Filter::And { and } => and.iter().flat_map(demands).collect(),
        Filter::Compare { attribute, op: Op::Equal, value }
            if matches!(attribute.as_str(), "id" | "brand" | "availability" | "kind" | "currency") =>
        {
            vec![(attribute, value)]
        }
        _ => Vec::new(),
    }
}
