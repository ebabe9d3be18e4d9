//! Counting repeats and intervals, then choosing the few global numbers by how well orders are foretold.

use super::cases::{Case, bought, draw, orders};
use super::{Clock, Globals, Repurchase, STEPS, View, step};
use crate::dataset::{Dataset, days};
use crate::settings;

/// Imagined orders that are tried, of a product towards the shop and of a person towards the product.
const GRID: [f32; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// Repeats of all people, by product.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Count {
    /// Purchases but for each person's first.
    repeats: u32,
    /// Orders after the first purchase.
    orders: u32,
    /// From first to last purchase, in orders and in days.
    span: (f64, f64),
}

impl Count {
    fn add(&mut self, other: Self) {
        self.repeats += other.repeats;
        self.orders += other.orders;
        self.span.0 += other.span.0;
        self.span.1 += other.span.1;
    }

    fn span(&self, clock: Clock) -> f64 {
        if clock == Clock::Days { self.span.1 } else { self.span.0 }
    }
}

fn ratio(a: f64, b: f64) -> f32 {
    if b > 0.0 { (a / b) as f32 } else { 0.0 }
}

pub(super) fn learn(data: &Dataset<'_>, options: &settings::Repurchase) -> Repurchase {
    let orders_only = data.counts().orders > 0;
    let mut counts = vec![Count::default(); data.products().len()];
    for history in data.histories() {
        let orders = orders(history, orders_only, options.orders);
        for it in bought(&orders) {
            counts[it.row as usize].add(Count {
                repeats: it.times - 1,
                orders: (orders.len() - 1 - it.first) as u32,
                span: ((it.last - it.first) as f64, f64::from(days(it.last_at, it.first_at))),
            });
        }
    }
    let cases = draw(data, orders_only, options);
    let mut all = Count::default();
    counts.iter().for_each(|count| all.add(*count));
    let rate = ratio(f64::from(all.repeats), f64::from(all.orders));

    let (towards_shop, strength) = strengths(&cases, &counts, rate);
    let with = |clock: Clock| {
        // One interval is the least that makes sense of a shop where nobody came back.
        let interval = if all.repeats > 0 { ratio(all.span(clock), f64::from(all.repeats)) } else { 1.0 };
        let shrunk = |count: &Count| {
            let sum = count.span(clock) + f64::from(options.intervals * interval);
            ratio(sum, f64::from(count.repeats) + f64::from(options.intervals))
        };
        Repurchase {
            rates: counts.iter().map(|count| shrink(count.repeats, count.orders, towards_shop, rate)).collect(),
            intervals: counts.iter().map(shrunk).collect(),
            globals: Globals {
                orders_only,
                rate,
                interval,
                strength,
                intervals: options.intervals,
                clock,
                timing: [1.0; STEPS],
            },
        }
    };
    let mut model = with(Clock::None);
    let mut most = timed(&mut model, &cases, options.shrinkage);
    for clock in [Clock::Orders, Clock::Days] {
        let mut other = with(clock);
        let foretold = timed(&mut other, &cases, options.shrinkage);
        // The margin keeps rounding from choosing between clocks that go alike.
        if foretold > most + 1e-6 * most.abs() {
            (model, most) = (other, foretold);
        }
    }
    model
}

fn shrink(repeats: u32, orders: u32, towards: f32, mean: f32) -> f32 {
    (repeats as f32 + towards * mean) / (orders as f32 + towards)
}

/// What an outcome adds to the log-likelihood.
fn foretells(chance: f32, again: bool) -> f64 {
    let chance = f64::from(chance).clamp(1e-6, 1.0 - 1e-6);
    if again { chance.ln() } else { (-chance).ln_1p() }
}

/// The best imagined orders, of a product towards the shop and of a person towards the product. A product's rate is
/// taken without the person whose order is to be foretold.
fn strengths(cases: &[Case], counts: &[Count], rate: f32) -> (f32, f32) {
    let mut best = (GRID[GRID.len() / 2], GRID[GRID.len() / 2]);
    let mut most = f64::NEG_INFINITY;
    for towards_shop in GRID {
        let mut sums = [0.0; GRID.len()];
        for case in cases {
            let count = counts[case.habit.row as usize];
            let others = shrink(count.repeats - case.own.0, count.orders - case.own.1, towards_shop, rate);
            for (sum, strength) in sums.iter_mut().zip(GRID) {
                let chance = shrink(case.habit.times - 1, case.habit.orders_since_first, strength, others);
                *sum += foretells(chance, case.again);
            }
        }
        for (sum, strength) in sums.into_iter().zip(GRID) {
            if !cases.is_empty() && sum > most {
                (best, most) = ((towards_shop, strength), sum);
            }
        }
    }
    best
}

/// Counts the timing function, and says how well one half of the people is foretold with that of the other.
fn timed(model: &mut Repurchase, cases: &[Case], shrinkage: f32) -> f64 {
    let mut sums = [[(0.0_f64, 0.0_f64); STEPS]; 2];
    let known: Vec<(f32, usize)> = cases.iter().map(|case| place(&model.view(), case)).collect();
    for (case, (rate, step)) in cases.iter().zip(&known) {
        let (seen, foretold) = &mut sums[case.half][*step];
        *seen += f64::from(u8::from(case.again));
        *foretold += f64::from(*rate);
    }
    let s = f64::from(shrinkage);
    let factor = |seen: f64, foretold: f64| ratio(seen + s, foretold + s);
    let timing = |step: usize, half: usize| factor(sums[half][step].0, sums[half][step].1);
    let mut sum = 0.0;
    for (case, (rate, step)) in cases.iter().zip(&known) {
        let h = if model.globals.clock == Clock::None { 1.0 } else { timing(*step, 1 - case.half) };
        sum += foretells(rate * h, case.again);
    }
    if model.globals.clock != Clock::None {
        for (step, h) in model.globals.timing.iter_mut().enumerate() {
            *h = factor(sums[0][step].0 + sums[1][step].0, sums[0][step].1 + sums[1][step].1);
        }
    }
    sum
}

/// The rate of a case and its step of the timing function.
fn place(view: &View<'_>, case: &Case) -> (f32, usize) {
    let known = view.strength(&case.habit);
    (known.rate, step(known.elapsed, known.expected))
}
