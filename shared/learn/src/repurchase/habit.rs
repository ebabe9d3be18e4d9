//! What has to be known of a visitor and a product: how often, first and last.

use vitrine_domain::Action;

use super::Clock;
use crate::history::Interaction;

/// A visitor's dealings with a product that they bought. A request counts as made at the next order: what was bought in
/// the latest order was bought one order ago.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Habit {
    /// Row of the product.
    pub row: u32,
    /// How many orders held it.
    pub times: u32,
    /// Orders after the first one that held it.
    pub orders_since_first: u32,
    /// Orders after the last one that held it.
    pub orders_since_last: u32,
    /// Days since the first one.
    pub days_since_first: f32,
    /// Days since the last one.
    pub days_since_last: f32,
}

impl Habit {
    /// Time since the last purchase, and from first to last, on a clock.
    pub(super) fn on(&self, clock: Clock) -> (f32, f32) {
        match clock {
            Clock::Days => (self.days_since_last, self.days_since_first - self.days_since_last),
            Clock::Orders | Clock::None => {
                let span = self.orders_since_first.saturating_sub(self.orders_since_last);
                (self.orders_since_last as f32 + 1.0, span as f32)
            }
        }
    }
}

/// Whether an action is a purchase, as far as coming back is concerned.
pub(super) fn counts(action: Action, orders_only: bool) -> bool {
    if orders_only { action == Action::Order } else { action.teaches() && action.interest() > 0.0 }
}

/// Working space; allocates nothing once it has grown to the longest history.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    habits: Vec<Habit>,
}

impl Scratch {
    /// The habits of the last history, in the order of first purchases.
    #[must_use]
    pub fn habits(&self) -> &[Habit] {
        &self.habits
    }

    /// Reads a history, oldest first; actions of equal age are one event.
    pub fn fold(&mut self, history: &[Interaction], orders_only: bool) {
        self.habits.clear();
        let mut order = 0_u32;
        let mut age = None;
        for past in history.iter().filter(|past| counts(past.action, orders_only)) {
            if age != Some(past.age_days.to_bits()) {
                age = Some(past.age_days.to_bits());
                order += 1;
            }
            let days = past.age_days.max(0.0);
            // Until the end the counts of orders say in which one it was, from one.
            match self.habits.iter_mut().find(|habit| habit.row == past.row) {
                // A second line of one order is no second purchase.
                Some(habit) if habit.orders_since_last == order => (),
                Some(habit) => {
                    habit.times += 1;
                    (habit.orders_since_last, habit.days_since_last) = (order, days);
                }
                None => self.habits.push(Habit {
                    row: past.row,
                    times: 1,
                    orders_since_first: order,
                    orders_since_last: order,
                    days_since_first: days,
                    days_since_last: days,
                }),
            }
        }
        for habit in &mut self.habits {
            habit.orders_since_first = order - habit.orders_since_first;
            habit.orders_since_last = order - habit.orders_since_last;
        }
    }
}
