//! Who is in which segment, and who came and went.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Known, Scale, Segment, shipped};
use crate::Millis;
use crate::filter::Person;

/// How many of the last changes of membership a profile keeps.
pub const PASSAGES: usize = 20;

/// The segments of a shop in the order of their ids: the shipped ones but for those that it changed or removed (none), and
/// its own.
#[must_use]
pub fn in_force(own: impl IntoIterator<Item = (String, Option<Segment>)>) -> Vec<Segment> {
    let mut all: BTreeMap<String, Option<Segment>> =
        shipped().into_iter().map(|segment| (segment.id.clone(), Some(segment))).collect();
    all.extend(own);
    all.into_values().flatten().collect()
}

/// The segments that a visitor is in; a robot is in none. A segment may ask for `segments` that were given to the visitor,
/// not for those found here: their order does not matter, and none can depend on itself.
#[must_use]
pub fn memberships<'s>(
    segments: impl IntoIterator<Item = &'s Segment>,
    person: Person<'_>,
    scale: Option<&Scale>,
) -> BTreeSet<String> {
    if person.state.robot {
        return BTreeSet::new();
    }
    let visitor = Known { person, scale, segments: None };
    segments.into_iter().filter(|segment| segment.holds(&visitor)).map(|segment| segment.id.clone()).collect()
}

/// What changed between two evaluations of one visitor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transitions {
    /// Segments that the visitor is in now and was not in before.
    pub entered: BTreeSet<String>,
    /// Segments that the visitor was in before and is not in now.
    pub left: BTreeSet<String>,
}

impl Transitions {
    /// From what was to what is.
    #[must_use]
    pub fn between(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Self {
        Self { entered: after.difference(before).cloned().collect(), left: before.difference(after).cloned().collect() }
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entered.is_empty() && self.left.is_empty()
    }
}

/// A visitor's coming into a segment or going out of it; stored as an array to stay small.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, bool, Millis)", into = "(String, bool, Millis)")]
pub struct Passage {
    /// Which segment.
    pub segment: String,
    /// In or out.
    pub entered: bool,
    /// When it was noticed.
    pub at: Millis,
}

impl From<(String, bool, Millis)> for Passage {
    fn from((segment, entered, at): (String, bool, Millis)) -> Self {
        Self { segment, entered, at }
    }
}

impl From<Passage> for (String, bool, Millis) {
    fn from(passage: Passage) -> Self {
        (passage.segment, passage.entered, passage.at)
    }
}

/// The segments that a visitor was found to be in when they were looked at last, and the last changes.
///
/// Coming and going are no events of the visitor: they follow from events, definitions and time, so an event for them would
/// be counted as something the visitor did, ring for the next fold, and be learned from. They stand here instead, in what is
/// derived. Whoever wants to act upon them reads them where every write of a profile passes by: in the table's stream. Who is a
/// look-alike does not follow from these three: that a training says by an event of its own kind, which is neither counted nor
/// learned from ([`Action::Audience`](crate::Action::Audience)).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Membership {
    /// The segments.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub of: BTreeSet<String>,
    /// The last [`PASSAGES`] changes, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passages: Vec<Passage>,
}

impl Membership {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What it becomes when the visitor is found to be in these segments, and what changed.
    #[must_use]
    pub fn becoming(&self, of: BTreeSet<String>, at: Millis) -> (Self, Transitions) {
        let changed = Transitions::between(&self.of, &of);
        let passage = |entered: bool| move |segment: &String| Passage { segment: segment.clone(), entered, at };
        let mut passages = self.passages.clone();
        passages.extend(changed.left.iter().map(passage(false)));
        passages.extend(changed.entered.iter().map(passage(true)));
        let surplus = passages.len().saturating_sub(PASSAGES);
        passages.drain(..surplus);
        (Self { of, passages }, changed)
    }
}
