//! When an event happened, by whose clock, and how it is kept from counting twice.
//!
//! The time in an event's key is the client's own, uncorrected: a retry then finds the first copy. Only where the client
//! named no usable time does the time of first receipt take its place; a mark under the message id then says that the
//! event is there.
//!
//! Usable is a window around now, and the window moves between an event and its retry. So near its two edges the mark
//! is written beside the client's own time as well: whichever side of the edge a retry falls on, it finds the mark.

use serde_json::Value;
use vitrine_domain::Millis;
use vitrine_domain::time::{DAY, HOUR, SECOND};

/// How far ahead of ours a client's clock may be.
pub const AHEAD: i64 = DAY;
/// How much later than the first copy a retry still finds it at the edges of the window; clients give up after 12 hours.
pub const EDGE: i64 = 23 * HOUR;
/// Differences below this are the way through the network rather than a wrong clock. Correcting them would change the
/// order of a visitor's clicks at random.
pub const NOISE: i64 = 30 * SECOND;

/// When an event happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The client's own time, or the time of receipt in its place.
    pub time: Millis,
    /// What corrects the client's clock.
    pub skew: i64,
    /// Whether a mark under the message id has to be written with it.
    pub marked: bool,
}

/// Reads a point in time as clients send it: text, or milliseconds since 1970.
#[must_use]
pub fn instant(value: &Value) -> Option<Millis> {
    match value {
        Value::String(text) => Millis::parse(text),
        Value::Number(number) => number.as_i64().map(Millis),
        _ => None,
    }
}

/// Decides the time of an event that was received `now`.
#[must_use]
pub fn timing(own: Option<Millis>, sent: Option<Millis>, now: Millis, retention: i64) -> Timing {
    let window = now.plus(-retention)..=now.plus(AHEAD);
    let Some(time) = own.filter(|time| window.contains(time)) else {
        return Timing { time: now, skew: 0, marked: true };
    };
    let sent = sent.filter(|sent| window.contains(sent) && time.since(*sent) <= NOISE);
    let skew = sent.map_or(0, |sent| now.since(sent));
    Timing {
        time,
        skew: if skew.abs() < NOISE { 0 } else { skew },
        marked: time.since(now) > AHEAD - EDGE || now.since(time) > retention - EDGE,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: Millis = Millis(1_763_822_400_000);
    const RETENTION: i64 = 760 * DAY;

    fn at(own: Option<i64>, sent: Option<i64>) -> Timing {
        timing(own.map(|t| NOW.plus(t)), sent.map(|t| NOW.plus(t)), NOW, RETENTION)
    }

    #[test]
    fn times_as_clients_send_them() {
        let expected = Some(Millis(1_763_822_400_123));
        assert_eq!(instant(&json!("2025-11-22T14:40:00.123456+00:00")), expected);
        assert_eq!(instant(&json!(1_763_822_400_123_i64)), expected);
        for odd in [json!(null), json!(true), json!(""), json!("now"), json!(1.5), json!({}), json!(1e300)] {
            assert_eq!(instant(&odd), None, "{odd}");
        }
    }

    #[test]
    fn without_a_usable_time_receipt_is_the_time() {
        let received = Timing { time: NOW, skew: 0, marked: true };
        for own in [None, Some(AHEAD + 1), Some(-RETENTION - 1), Some(i64::MIN / 2), Some(i64::MAX / 2)] {
            assert_eq!(at(own, Some(-HOUR)), received, "{own:?}");
        }
        let yesterday = at(Some(-DAY), None);
        assert_eq!(yesterday, Timing { time: NOW.plus(-DAY), skew: 0, marked: false });
    }

    #[test]
    fn a_wrong_clock_is_corrected_and_the_network_is_not() {
        // The clock is an hour behind: what it calls an hour ago is now.
        assert_eq!(at(Some(-HOUR - 5), Some(-HOUR)).skew, HOUR);
        assert_eq!(at(Some(HOUR / 2), Some(HOUR / 2)).skew, -HOUR / 2);
        assert_eq!(at(Some(-HOUR), Some(-NOISE + 1)).skew, 0);
        // Sent before it happened: the two times are not of one clock.
        assert_eq!(at(Some(0), Some(-HOUR)).skew, 0);
        assert_eq!(at(Some(-HOUR), Some(-RETENTION - 1)).skew, 0);
        assert_eq!(at(Some(-HOUR), Some(AHEAD + 1)).skew, 0);
    }

    /// What the table does with an event and its mark.
    #[derive(Default)]
    struct Model {
        events: HashSet<i64>,
        marked: bool,
    }

    impl Model {
        fn put(&mut self, timing: Timing) {
            if timing.marked {
                if self.marked || self.events.contains(&timing.time.0) {
                    return;
                }
                self.marked = true;
            }
            self.events.insert(timing.time.0);
        }
    }

    proptest! {
        #[test]
        fn retries_count_once_wherever_the_window_moves(
            own in prop::option::of(prop_oneof![
                -3 * DAY..3 * DAY,
                (-RETENTION - 2 * DAY)..(-RETENTION + 2 * DAY),
            ]),
            mut delays in prop::collection::vec(0..=EDGE, 1..6),
        ) {
            delays.sort_unstable();
            let mut model = Model::default();
            for delay in delays {
                let now = NOW.plus(delay);
                let timing = timing(own.map(|t| NOW.plus(t)), Some(now), now, RETENTION);
                prop_assert!(timing.time <= now.plus(AHEAD) && timing.time >= now.plus(-RETENTION));
                model.put(timing);
            }
            prop_assert_eq!(model.events.len(), 1);
        }
    }
}
