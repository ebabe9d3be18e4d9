//! Repurchase: which of the products that a visitor bought before belongs in the next order, and is it due?
//!
//! The score of a product is the chance that it is in the visitor's next order, a **rate** times a **timing**:
//!
//! ```text
//! rate   = (n - 1 + κ m_i) / (o + κ)        n times bought, o orders since the first of them (it not counted)
//! timing = h(elapsed / expected)            since the last purchase, against the expected interval
//! expected = (κ' g_i + last - first) / (κ' + n - 1)
//! ```
//!
//! * `m_i` is the product's own repeat rate, the gate: how often those who bought it once have it in a later order,
//!   `m_i = (repeats_i + K m) / (orders after the first_i + K)` with the shop's mean `m`. The rate is the posterior mean of
//!   a Bernoulli trial an order under a beta prior of mean `m_i` and `κ` imagined orders. `K` and `κ` are those of a small grid
//!   under which each order is best foretold (log-likelihood) by the orders before it and, for `m_i`, by other people.
//! * The expected interval is that of a purchase rate with a gamma prior: `κ'` imagined intervals of the product's typical
//!   length `g_i`, itself shrunk towards the shop's mean. The real ones telescope: their sum is last less first.
//! * `h` is a step function over half octaves of `elapsed / expected`: purchases seen over purchases foretold by the rate,
//!   `(seen + s) / (foretold + s)`. Where people use a product up it is small just after a purchase and largest near the
//!   expected interval; where they buy in bursts it falls. It is counted, not assumed.
//! * **Clock.** Intervals are counted in days or in orders, whichever foretells better on people that `h` was not counted
//!   on, and `h = 1` if neither helps. A log with evenly spaced times has one clock, orders.
//!
//! A log without orders (sessions of looks) is learned from in the same way with every action of interest in the place of
//! an order: the rate is then the chance that a product already seen is looked at next. Returns are ignored.
//!
//! All that is needed of a visitor is a [`Habit`] a product: how often, first and last. The newest actions give it, and
//! so does any summary that reaches back further.
//!
//! Sources: Bhagat et al., *Buy It Again* (KDD 2018): repeat rate as a gate, gamma prior on the purchase rate, time since
//! the last purchase. Li et al., *A Next Basket Recommendation Reality Check* (TOIS 2023): personal frequency is the
//! strongest single signal. Ariannezhad et al., *ReCANet* (SIGIR 2022): so is the time since the last purchase.

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::history::Interaction;
use crate::settings;
use crate::tally::Tally;

mod cases;
mod habit;
mod learn;
mod part;

pub use habit::{Habit, Scratch};
pub(crate) use part::{Again, Latest};

/// Steps of the timing function, half an octave each.
pub const STEPS: usize = 12;
/// The step that begins at `elapsed = expected`.
const DUE: f32 = 7.0;

/// What intervals are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Time does not help.
    None,
    /// Orders of the visitor.
    Orders,
    /// Days.
    Days,
}

/// What is the same for all products.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Globals {
    /// Whether only orders count; else every action of interest (the log had no order).
    pub orders_only: bool,
    /// The shop's repeat rate `m`, for products learned of later.
    pub rate: f32,
    /// The shop's mean interval, in units of the clock.
    pub interval: f32,
    /// Imagined orders `κ` of the rate.
    pub strength: f32,
    /// Imagined intervals `κ'`.
    pub intervals: f32,
    /// What intervals are counted in.
    pub clock: Clock,
    /// The timing function `h`.
    pub timing: [f32; STEPS],
}

/// Everything learned about coming back.
#[derive(Debug, Clone, PartialEq)]
pub struct Repurchase {
    /// Repeat rate `m_i` of each product: the chance of a later order to hold it.
    pub rates: Vec<f32>,
    /// Typical interval `g_i` of each product, in units of the clock.
    pub intervals: Vec<f32>,
    /// What is the same for all products.
    pub globals: Globals,
}

/// The same over borrowed arrays, as they lie in a file.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// See [`Repurchase::rates`].
    pub rates: &'a [f32],
    /// See [`Repurchase::intervals`].
    pub intervals: &'a [f32],
    /// See [`Repurchase::globals`].
    pub globals: &'a Globals,
}

/// Why a product has its score: `rate * timing` is the score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strength {
    /// The chance of an order to hold it, whenever it is.
    pub rate: f32,
    /// How much likelier now than on average.
    pub timing: f32,
    /// Time since the last purchase, in units of the clock.
    pub elapsed: f32,
    /// The interval expected of this visitor and product.
    pub expected: f32,
}

impl Strength {
    /// The chance that the next order holds the product.
    #[must_use]
    pub fn score(&self) -> f32 {
        (self.rate * self.timing).min(1.0)
    }
}

/// The step of the timing function for a time since the last purchase.
pub(crate) fn step(elapsed: f32, expected: f32) -> usize {
    let octaves = 2.0 * (elapsed.max(1e-3) / expected.max(1e-3)).log2();
    // A cast of a float saturates, and of no number gives zero.
    ((octaves + DUE).floor().max(0.0) as usize).min(STEPS - 1)
}

impl Repurchase {
    /// Learns from everybody's orders. Equal data and options give equal numbers.
    #[must_use]
    pub fn learn(data: &Dataset<'_>, options: &settings::Repurchase) -> Self {
        learn::learn(data, options)
    }

    /// What was learned, borrowed.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View { rates: &self.rates, intervals: &self.intervals, globals: &self.globals }
    }
}

impl View<'_> {
    /// What is known about the return of a product. A row beyond those learned has the shop's means.
    #[must_use]
    pub fn strength(&self, habit: &Habit) -> Strength {
        let g = self.globals;
        let own = |values: &[f32], mean: f32| values.get(habit.row as usize).copied().unwrap_or(mean);
        let again = habit.times.saturating_sub(1) as f32;
        let rate = (again + g.strength * own(self.rates, g.rate)) / (habit.orders_since_first as f32 + g.strength);
        let (elapsed, span) = habit.on(g.clock);
        let expected = (g.intervals * own(self.intervals, g.interval) + span) / (g.intervals + again);
        let timing = if g.clock == Clock::None { 1.0 } else { g.timing[step(elapsed, expected)] };
        Strength { rate, timing, elapsed, expected }
    }

    /// Adds the score of every product in a history, oldest first. Actions of equal age are one event.
    pub fn score(&self, history: &[Interaction], scratch: &mut Scratch, tally: &mut Tally) {
        scratch.fold(history, self.globals.orders_only);
        self.score_habits(scratch.habits(), tally);
    }

    /// Adds the score of every product of a visitor whose habits are known from elsewhere.
    pub fn score_habits(&self, habits: &[Habit], tally: &mut Tally) {
        habits.iter().for_each(|habit| tally.add(habit.row, self.strength(habit).score()));
    }
}

/// The share of people whose latest order holds a product (whose last action was on it, in a log without orders): what goes into
/// orders now, the measure to fill up with what a visitor never bought.
#[must_use]
pub fn latest(data: &Dataset<'_>) -> Vec<f32> {
    let orders_only = data.counts().orders > 0;
    let mut people = vec![0_u32; data.products().len()];
    for history in data.histories() {
        let last = history.chunk_by(|a, b| a.event == b.event).rfind(|e| habit::counts(e[0].action, orders_only));
        last.into_iter().flatten().for_each(|step| people[step.row as usize] += 1);
    }
    let all = data.people().max(1) as f32;
    people.into_iter().map(|n| n as f32 / all).collect()
}

#[cfg(test)]
mod tests;
