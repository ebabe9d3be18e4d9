//! However often, in whatever order and in whatever batches events arrive, the profile is the fold of them all.

use std::cell::Cell;

use proptest::test_runner::{Config, TestRunner};

use super::*;

/// One visitor's events and how they arrive.
#[derive(Debug, Clone)]
struct Arrivals {
    /// Each event once.
    events: Vec<Event>,
    /// Which of them is delivered when: each at least once, in any order.
    deliveries: Vec<usize>,
    /// After how many deliveries a batch ends; the last one ends with them all.
    ends: Vec<prop::sample::Index>,
    /// Where the compacted state ends after each batch, if it moves.
    horizons: Vec<i64>,
}

fn arrivals() -> impl Strategy<Value = Arrivals> {
    let drawn = (
        prop::collection::vec(any_event(), 0..120),
        prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        prop::collection::vec(prop_oneof![0..DAY, 0..(40 * DAY)], 4),
    );
    drawn.prop_flat_map(|(mut events, repeats, ends, horizons)| {
        // One identity has one content: the first of each is kept.
        in_fold_order(&mut events);
        let count = events.len();
        let again = repeats.into_iter().filter(|_| count > 0).map(|again| again.index(count));
        let deliveries: Vec<usize> = (0..count).chain(again).collect();
        (Just(events), Just(deliveries).prop_shuffle(), Just(ends), Just(horizons))
            .prop_map(|(events, deliveries, ends, horizons)| Arrivals { events, deliveries, ends, horizons })
    })
}

impl Arrivals {
    /// The deliveries as they came.
    fn arrived(&self) -> Vec<Event> {
        self.deliveries.iter().map(|n| self.events[*n].clone()).collect()
    }

    fn batches(&self) -> Vec<Vec<Event>> {
        let all = self.arrived();
        let mut ends: Vec<usize> = self.ends.iter().map(|end| end.index(all.len() + 1)).collect();
        ends.push(all.len());
        ends.sort_unstable();
        let begins = std::iter::once(0).chain(ends.iter().copied());
        begins.zip(&ends).map(|(begin, end)| all[begin..*end].to_vec()).collect()
    }
}

/// What is kept of a visitor, brought up to date after every batch as the function `fold` does it: behind the compacted
/// state, or from the beginning if something older than its end arrived.
#[derive(Default)]
struct Kept {
    /// What arrived so far.
    table: Vec<Event>,
    compacted: Option<(Millis, State)>,
    profile: State,
}

impl Kept {
    fn take(&mut self, batch: &[Event], horizon: Millis) {
        let earliest = batch.iter().map(|event| event.time).min();
        self.table.extend_from_slice(batch);
        in_fold_order(&mut self.table);
        let base = self.compacted.take().filter(|(end, _)| earliest.is_none_or(|earliest| earliest >= *end));
        let (end, start) = match &base {
            Some((end, state)) => (*end, state.clone()),
            None => (Millis(0), State::default()),
        };
        let behind = self.table.iter().filter(|event| event.time >= end);
        self.profile = start.fold(behind, &());
        self.compacted = base.filter(|(end, _)| *end >= horizon).or_else(|| {
            let before = self.table.iter().filter(|event| event.time < horizon);
            Some((horizon, State::default().fold(before, &())))
        });
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "the figure of the run")]
fn any_order_repetition_and_split_give_the_fold_of_everything() {
    let (cases, deliveries) = (Cell::new(0), Cell::new(0));
    let ran = TestRunner::new(Config::default()).run(&arrivals(), |arrivals| {
        let expected = folded(arrivals.events.clone());
        prop_assert_eq!(&folded(arrivals.arrived()), &expected);
        let mut kept = Kept::default();
        for (batch, horizon) in arrivals.batches().iter().zip(&arrivals.horizons) {
            kept.take(batch, Millis(1_700_000_000_000 + horizon));
        }
        prop_assert_eq!(&kept.profile, &expected);
        cases.set(cases.get() + 1);
        deliveries.set(deliveries.get() + arrivals.deliveries.len());
        Ok(())
    });
    ran.unwrap();
    println!("figure: {} histories, {} deliveries in up to 4 batches", cases.get(), deliveries.get());
}

proptest! {
    #[test]
    fn a_compacted_state_folded_further_equals_the_fold_of_everything(
        events in prop::collection::vec(any_event(), 0..120),
        horizon in 0..(40 * DAY),
    ) {
        let mut events = events;
        in_fold_order(&mut events);
        let horizon = Millis(1_700_000_000_000 + horizon);
        let (old, new): (Vec<_>, Vec<_>) = events.iter().partition(|e| e.time < horizon);
        let base = State::default().fold(old, &());
        let stored: State = serde_json::from_str(&serde_json::to_string(&base).unwrap()).unwrap();
        prop_assert_eq!(stored.fold(new, &()), folded(events));
    }
}
