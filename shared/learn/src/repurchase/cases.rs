//! Everybody's orders played back: before each, what was known of each product bought until then; after it, whether it was
//! in.

use vitrine_domain::Millis;

use super::habit::{Habit, counts};
use crate::dataset::{Dataset, Step, days};

/// One product of a person at one of their orders.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Case {
    /// What was known before the order, at its time.
    pub habit: Habit,
    /// Whether the order held the product.
    pub again: bool,
    /// Repeats of this product by this person in all, and orders after the first: not to be used to foretell themselves.
    pub own: (u32, u32),
    /// Which half the person belongs to.
    pub half: usize,
}

/// The orders of a person that are learned from.
pub(super) fn orders<'a>(history: &'a [Step], orders_only: bool, most: usize) -> Vec<&'a [Step]> {
    let mut orders: Vec<&'a [Step]> = history
        .chunk_by(|a, b| a.event == b.event)
        .rev()
        .filter(|event| counts(event[0].action, orders_only))
        .take(most)
        .collect();
    orders.reverse();
    orders
}

/// A product in a person's orders: where it first and last was, and how often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bought {
    pub row: u32,
    pub times: u32,
    pub first: usize,
    pub last: usize,
    pub first_at: Millis,
    pub last_at: Millis,
}

/// What a person bought in all their orders, by row.
pub(super) fn bought(orders: &[&[Step]]) -> Vec<Bought> {
    let mut places: Vec<(u32, usize, Millis)> = Vec::new();
    for (number, order) in orders.iter().enumerate() {
        places.extend(order.iter().map(|step| (step.row, number, step.at)));
    }
    places.sort_unstable();
    places.dedup_by_key(|(row, number, _)| (*row, *number));
    places
        .chunk_by(|a, b| a.0 == b.0)
        .map(|of| {
            let ((row, first, first_at), (_, last, last_at)) = (of[0], of[of.len() - 1]);
            Bought { row, times: of.len() as u32, first, last, first_at, last_at }
        })
        .collect()
}

/// Plays back a person's orders.
pub(super) fn play(orders: &[&[Step]], half: usize, cases: &mut Vec<Case>) {
    let totals = bought(orders);
    let mut known: Vec<Option<Bought>> = vec![None; totals.len()];
    for (number, order) in orders.iter().enumerate() {
        let Some(at) = order.first().map(|step| step.at) else { continue };
        let mut rows: Vec<u32> = order.iter().map(|step| step.row).collect();
        rows.sort_unstable();
        rows.dedup();
        for (known, total) in known.iter_mut().zip(&totals) {
            let again = rows.binary_search(&total.row).is_ok();
            match known {
                Some(past) => {
                    cases.push(Case {
                        habit: Habit {
                            row: past.row,
                            times: past.times,
                            orders_since_first: (number - 1 - past.first) as u32,
                            orders_since_last: (number - 1 - past.last) as u32,
                            days_since_first: days(at, past.first_at),
                            days_since_last: days(at, past.last_at),
                        },
                        again,
                        own: (total.times - 1, (orders.len() - 1 - total.first) as u32),
                        half,
                    });
                    if again {
                        (past.times, past.last, past.last_at) = (past.times + 1, number, at);
                    }
                }
                None if again => *known = Some(Bought { times: 1, last: number, last_at: at, ..*total }),
                None => (),
            }
        }
    }
}

/// The cases of people drawn by their keys until there are enough.
pub(super) fn draw(data: &Dataset<'_>, orders_only: bool, options: &crate::settings::Repurchase) -> Vec<Case> {
    let mut people: Vec<usize> = (0..data.people()).collect();
    people.sort_unstable_by_key(|person| (data.key(*person), *person));
    let mut cases = Vec::new();
    for person in people {
        if cases.len() >= options.cases {
            break;
        }
        play(&orders(data.history(person), orders_only, options.orders), (data.key(person) % 2) as usize, &mut cases);
    }
    cases
}
