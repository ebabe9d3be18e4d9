//! How far an erasure reaches: whole visitors, and of a device that several people share the times that are one person's.
//!
//! A person is their own partition and every device that nobody else has logged in on. Of a shared device only those times
//! are theirs that [`owner`](crate::profile::owner) gives to them, up to the moment of the erasure.
//!
//! Whose a time is, is told by the client's clock, as links are. Whether something was before the erasure is told by that
//! clock or by when it was received, whichever is earlier: a clock that is ahead puts nothing out of reach.

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
    /// The last one by a clock that is ahead, of what was received up to `to`; the same unless said.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<Millis>,
}

impl Span {
    /// All time, past and to come.
    pub const ALWAYS: Self = Self { from: Millis(i64::MIN), to: Millis(i64::MAX), ahead: None };

    /// All time up to a moment: whatever was received by then, and what is received later and was before.
    #[must_use]
    pub const fn until(to: Millis) -> Self {
        Self { to, ahead: Some(Self::ALWAYS.to), ..Self::ALWAYS }
    }

    /// Whether something lies in it that was at a time by the client's clock, and was received at another.
    #[must_use]
    pub fn holds(self, time: Millis, received: Millis) -> bool {
        self.from <= time && time <= self.end() && time.min(received) <= self.to
    }

    /// Whether it holds whatever another one does.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.from <= other.from && other.to <= self.to && other.end() <= self.end()
    }

    fn end(self) -> Millis {
        self.ahead.unwrap_or(self.to)
    }
}

/// The times at which what happens on a device is a user's, by the device's links, as far as it was or was received up to
/// `now`.
#[must_use]
pub fn times_of(user: &Visitor, links: &[Link], now: Millis) -> Vec<Span> {
    let mut known: Vec<&Link> = links.iter().filter(|link| link.other.is_known()).collect();
    known.sort_by_key(|link| (link.since, &link.other));
    let up_to_now =
        |from: Millis, end: Millis| Span { from, to: end.min(now), ahead: Some(end).filter(|end| *end > now) };
    let mut spans = Vec::new();
    let mut from = Span::ALWAYS.from;
    for link in &known {
        // An event belongs to whoever identifies next.
        if link.other == *user && from <= link.since {
            spans.push(up_to_now(from, link.since));
        }
        from = from.max(link.since.plus(1));
    }
    // And after the last one to that one.
    if known.last().is_some_and(|last| last.other == *user) {
        spans.push(up_to_now(from, Span::ALWAYS.to));
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
            received in -2..24_i64,
        ) {
            let link = |(name, since): (&String, &i64)| {
                Link { other: Visitor::known(name.clone()).unwrap(), since: Millis(*since) }
            };
            let mut links: Vec<Link> = since.iter().map(link).collect();
            links.extend(device.map(|since| Link { other: Visitor::anonymous("x").unwrap(), since: Millis(since) }));
            for name in ["a", "b", "c", "d"] {
                let user = Visitor::known(name).unwrap();
                let spans = |now| times_of(&user, &links, Millis(now)).into_iter();
                let holds = |now| spans(now).any(|span| span.holds(Millis(time), Millis(received)));
                let is_theirs = owner(&links, Millis(time)) == Some(&user);
                prop_assert_eq!(holds(100), is_theirs);
                prop_assert_eq!(holds(10), is_theirs && time.min(received) <= 10);
            }
        }

        #[test]
        fn a_span_that_contains_another_holds_whatever_that_one_does(
            ends in prop::collection::vec((0..6_i64, 0..6_i64, prop::option::of(0..6_i64)), 2),
            (time, received) in (0..6_i64, 0..6_i64),
        ) {
            let span = |(from, to, ahead): (i64, i64, Option<i64>)| {
                Span { from: Millis(from), to: Millis(to), ahead: ahead.map(Millis) }
            };
            let [outer, inner] = [span(ends[0]), span(ends[1])];
            let holds = |span: Span| span.holds(Millis(time), Millis(received));
            prop_assert!(!outer.contains(inner) || !holds(inner) || holds(outer));
            prop_assert!(Span::ALWAYS.contains(outer) && Span::until(Millis(5)).contains(inner));
        }
    }

    #[test]
    fn a_span_as_it_was_stored_before_clocks_were_heard_ends_where_it_did() {
        let old: Span = serde_json::from_str(r#"{"f":2,"t":4}"#).unwrap();
        assert_eq!([1, 2, 4, 5].map(|time| old.holds(Millis(time), Millis(3))), [false, true, true, false]);
        assert_eq!(serde_json::to_string(&old).unwrap(), r#"{"f":2,"t":4}"#);
    }
}
