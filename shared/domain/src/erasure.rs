//! How far an erasure reaches: whole visitors, and of a device that several people share the times that are one person's.
//!
//! A person is their own partition and every device that nobody else has logged in on. Of a shared device only those times
//! are theirs that [`owner`](crate::profile::owner) gives to them, up to the moment of the erasure.

use serde::{Deserialize, Serialize};

use crate::profile::Link;
use crate::{Millis, Visitor};

/// A stretch of time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first moment.
    #[serde(rename = "f")]
    pub from: Millis,
    /// The last one.
    #[serde(rename = "t")]
    pub to: Millis,
}

impl Span {
    /// All time, past and to come.
    pub const ALWAYS: Self = Self { from: Millis(i64::MIN), to: Millis(i64::MAX) };

    /// Whether a moment lies in it.
    #[must_use]
    pub fn holds(self, time: Millis) -> bool {
        (self.from..=self.to).contains(&time)
    }
}

/// The times up to `now` at which what happens on a device is a user's, by the device's links.
#[must_use]
pub fn times_of(user: &Visitor, links: &[Link], now: Millis) -> Vec<Span> {
    let mut known: Vec<&Link> = links.iter().filter(|link| link.other.is_known()).collect();
    known.sort_by_key(|link| (link.since, &link.other));
    let mut spans = Vec::new();
    let mut from = Span::ALWAYS.from;
    for link in &known {
        // An event belongs to whoever identifies next.
        let to = link.since.min(now);
        if link.other == *user && from <= to {
            spans.push(Span { from, to });
        }
        from = from.max(link.since.plus(1));
    }
    // And after the last one to that one.
    if known.last().is_some_and(|last| last.other == *user) && from <= now {
        spans.push(Span { from, to: now });
    }
    spans
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile::owner;

    proptest! {
        #[test]
        fn the_times_of_a_user_are_those_that_its_owner_rule_gives_to_them(
            since in prop::collection::btree_map("[a-d]", 0..20_i64, 0..4),
            device in prop::option::of(0..20_i64),
            time in -2..24_i64,
        ) {
            let link = |(name, since): (&String, &i64)| {
                Link { other: Visitor::known(name.clone()).unwrap(), since: Millis(*since) }
            };
            let mut links: Vec<Link> = since.iter().map(link).collect();
            links.extend(device.map(|since| Link { other: Visitor::anonymous("x").unwrap(), since: Millis(since) }));
            for name in ["a", "b", "c", "d"] {
                let user = Visitor::known(name).unwrap();
                let holds = |now| times_of(&user, &links, Millis(now)).iter().any(|span| span.holds(Millis(time)));
                prop_assert_eq!(holds(100), owner(&links, Millis(time)) == Some(&user));
                prop_assert_eq!(holds(10), owner(&links, Millis(time)) == Some(&user) && time <= 10);
            }
        }
    }
}
