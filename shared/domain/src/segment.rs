//! Segments: visitors who have something in common.
//!
//! A segment is a filter over a visitor: the language of [`filter`](crate::filter), with nested `and`, `or` and `not`,
//! over the features of [`FEATURES`], over windows of time ([`WINDOWS`]: `orders_30d`), and over everything that
//! identify events and customer imports said (CRM fields, loyalty). Membership follows from a profile and the time;
//! entering and leaving are the difference of two memberships.

mod features;
mod membership;
mod rfm;
mod shipped;
mod size;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::{Fault, is_id};
use crate::filter::{Attributes, Filter, Op, Person};

pub(crate) use features::feature;
pub use features::{FEATURES, Feature, FeatureType, LONGEST_WINDOW, WINDOWS};
pub use membership::{Membership, PASSAGES, Passage, Transitions, in_force, memberships};
pub use rfm::{Customer, Scale};
pub use shipped::shipped;
pub use size::Size;

/// Most segments of a shop: all are evaluated together.
pub const MAX_SEGMENTS: usize = 100;
/// Longest name.
pub const MAX_NAME: usize = 200;
/// Longest description.
pub const MAX_DESCRIPTION: usize = 1_000;

/// A segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Lower-case letters, digits and hyphens: what rules and experiments name.
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// Whom it means, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Who is in it.
    pub filter: Filter,
}

impl Segment {
    /// What is wrong with it: where, and how to mend it. Empty for a segment in order. A name that is no feature is
    /// taken for a field of the customer, whose type nobody knows beforehand.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !is_id(&self.id) {
            faults.push(Fault::of_id("/id"));
        }
        if self.name.len() > MAX_NAME {
            faults.push(Fault::new("/name", format!("at most {MAX_NAME} bytes")));
        }
        if self.description.len() > MAX_DESCRIPTION {
            faults.push(Fault::new("/description", format!("at most {MAX_DESCRIPTION} bytes")));
        }
        check(&self.filter, "/filter", &mut faults);
        faults
    }

    /// The names that it asks for and that are no features: they are taken for fields of the customer. One that no
    /// customer has is probably misspelled.
    #[must_use]
    pub fn fields(&self) -> BTreeSet<&str> {
        self.filter.attributes().into_iter().filter(|name| features::of(name).is_none()).collect()
    }

    /// Whether a visitor is in it. Where a field of the customer is of another type than it is compared with, nobody
    /// is.
    #[must_use]
    pub fn holds(&self, visitor: &dyn Attributes) -> bool {
        self.filter.holds(visitor).unwrap_or(false)
    }
}

/// Looks through the comparisons of a filter over visitors.
pub(crate) fn check(filter: &Filter, at: &str, faults: &mut Vec<Fault>) {
    match filter {
        Filter::And { and: many } => {
            many.iter().enumerate().for_each(|(n, f)| check(f, &format!("{at}/and/{n}"), faults))
        }
        Filter::Or { or: many } => many.iter().enumerate().for_each(|(n, f)| check(f, &format!("{at}/or/{n}"), faults)),
        Filter::Not { not } => check(not, &format!("{at}/not"), faults),
        Filter::Compare { value: Value::Object(_), .. } => {
            let how = "a value to compare with, not `context`, `basket` or `visitor`";
            faults.push(Fault::new(at, how));
        }
        Filter::Compare { attribute, .. } if features::is_no_window(attribute) => {
            faults.push(Fault::new(at, format!("a window of 1 to {LONGEST_WINDOW} days, such as `orders_30d`")));
        }
        Filter::Compare { op: Op::Missing, .. } => {}
        Filter::Compare { attribute, value, .. } => {
            let Some(feature) = features::of(attribute) else { return };
            let fits = |value: &Value| match feature {
                FeatureType::Number => value.is_number(),
                FeatureType::Text => value.is_string(),
            };
            let all = value.as_array().map_or_else(|| fits(value), |values| values.iter().all(fits));
            if !all {
                let how = match feature {
                    FeatureType::Number => format!("a number to compare `{attribute}` with"),
                    FeatureType::Text => format!("text to compare `{attribute}` with"),
                };
                faults.push(Fault::new(at, how));
            }
        }
    }
}

/// A visitor with what follows from other visitors (grades) and from segments.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The visitor.
    pub person: Person<'a>,
    /// What grades of recency, frequency and money are measured by; without it there are none.
    pub scale: Option<&'a Scale>,
    /// The segments that the visitor was found to be in.
    pub segments: Option<&'a BTreeSet<String>>,
}

impl<'a> Known<'a> {
    /// A visitor of whom nothing but the profile is known.
    #[must_use]
    pub const fn of(person: Person<'a>) -> Self {
        Self { person, scale: None, segments: None }
    }

    /// Whether the visitor was found to be in a segment, or the shop gave it to them.
    #[must_use]
    pub fn is_in(&self, segment: &str) -> bool {
        let found = self.segments.is_some_and(|found| found.contains(segment));
        found || self.person.segments().iter().any(|given| given == segment)
    }
}

impl Attributes for Known<'_> {
    /// As of a [`Person`], besides `segments` (those that were given and those that were found), `rfm_recency`,
    /// `rfm_frequency`, `rfm_money` (1 to 5, 5 is best) and `rfm` (the three grades as text, `543`).
    fn values(&self, name: &str) -> Vec<Value> {
        let grades = || {
            let customer = Customer::of(&self.person)?;
            self.scale.map(|scale| scale.grades(&customer))
        };
        match name {
            "segments" => {
                let mut all: BTreeSet<String> = self.person.segments().into_iter().collect();
                all.extend(self.segments.into_iter().flatten().cloned());
                all.into_iter().map(Value::from).collect()
            }
            "rfm_recency" => grades().map(|[r, _, _]| r.into()).into_iter().collect(),
            "rfm_frequency" => grades().map(|[_, f, _]| f.into()).into_iter().collect(),
            "rfm_money" => grades().map(|[_, _, m]| m.into()).into_iter().collect(),
            "rfm" => grades().map(|[r, f, m]| format!("{r}{f}{m}").into()).into_iter().collect(),
            other => self.person.values(other),
        }
    }
}

#[cfg(test)]
mod tests;
