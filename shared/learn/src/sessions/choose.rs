//! Choosing the parameters on sessions that the index has not seen.
//!
//! Held out are the newest sessions with all that their people did after them, as if the log had ended before: what the
//! index will meet, once built, is sessions newer than its own. Every beginning of a held-out session is a case, the
//! product that followed is its truth, and products of the beginning stay candidates. Cases are drawn evenly by a hash.
//!
//! The search moves one parameter after the other up or down a short ladder of values, as long as the quality gains.

use std::collections::BTreeMap;

use super::index::{places, stretches};
use super::{Parameters, Scratch, View};
use crate::dataset::{Dataset, mix};
use crate::parallel;
use crate::settings;
use crate::tally::Tally;

/// Places that the quality looks at.
const AT: usize = 20;
/// Cases a thread works on at a time.
const CHUNK: usize = 32;
/// Rounds over all parameters.
const ROUNDS: usize = 3;

/// The beginning of a held-out session.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// `(row, steps before the last)`, oldest first, as [`View::neighbours_score`] takes it.
    pub current: Vec<(u32, f32)>,
    /// What followed.
    pub truth: u32,
}

/// Finds what to hold out: how many steps to keep of whom, for [`Dataset::cut`], and the cases.
#[must_use]
pub fn hold_out(data: &Dataset<'_>, settings: &settings::Sessions) -> (Vec<(usize, usize)>, Vec<Case>) {
    let all = stretches(data);
    let held = &all[all.len() - (all.len() as f64 * f64::from(settings.held_out)) as usize..];
    let mut keep = BTreeMap::new();
    for stretch in held {
        let kept = keep.entry(stretch.person).or_insert(stretch.from);
        *kept = stretch.from.min(*kept);
    }
    let mut drawn = Vec::new();
    for stretch in held {
        let rows: Vec<u32> = places(&data.history(stretch.person)[stretch.from..stretch.to]).collect();
        for end in 1..rows.len() {
            drawn.push((
                mix(data.key(stretch.person) ^ mix((stretch.from + end) as u64)),
                rows[..end].to_vec(),
                rows[end],
            ));
        }
    }
    drawn.sort_unstable();
    drawn.truncate(settings.cases);
    let case = |(_, rows, truth): (u64, Vec<u32>, u32)| {
        let backs = (0..rows.len()).rev().map(|back| back as f32);
        Case { current: rows.iter().copied().zip(backs).collect(), truth }
    };
    (keep.into_iter().collect(), drawn.into_iter().map(case).collect())
}

/// The mean gain of the truth over cases: `1 / log2(rank + 1)` among the first 20 (NDCG@20 with one truth). Ties count
/// against the truth.
#[must_use]
pub fn quality<C: Iterator<Item = (u32, f32)>>(
    view: &View<'_>,
    cases: &[Case],
    companions: impl Fn(u32) -> C + Sync,
    products: usize,
    threads: usize,
) -> f64 {
    let room = || (Scratch::default(), Tally::new(products));
    let sums = parallel::chunks(cases.len(), CHUNK, threads, &mut |_| (), room, |(scratch, tally), range| {
        let mut sum = 0.0;
        for case in &cases[range] {
            view.neighbours_score(&case.current, &companions, scratch, tally);
            let own = tally.sum(case.truth);
            let rank = tally.rows().iter().filter(|row| tally.sum(**row) >= own).count();
            if own > 0.0 && rank <= AT {
                sum += 1.0 / (rank as f64 + 1.0).log2();
            }
            tally.clear();
        }
        sum
    });
    sums.iter().sum::<f64>() / cases.len().max(1) as f64
}

/// A parameter that is searched: how it is read and written, and its values.
struct Ladder {
    get: fn(&Parameters) -> f32,
    set: fn(&mut Parameters, f32),
    values: &'static [f32],
}

/// In the order of what they usually matter.
const LADDERS: [Ladder; 12] = [
    Ladder { get: |p| p.itself, set: |p, x| p.itself = x, values: &[0.0, 0.25, 0.5, 1.0, 2.0] },
    Ladder { get: |p| p.seen, set: |p, x| p.seen = x, values: &[0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 5.0] },
    Ladder { get: |p| p.distance, set: |p, x| p.distance = x, values: &[0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0] },
    Ladder { get: |p| p.step, set: |p, x| p.step = x, values: &[0.4, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0] },
    Ladder {
        get: |p| p.recency,
        set: |p, x| p.recency = x,
        values: &[0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 2.0, 100.0],
    },
    Ladder { get: |p| p.popularity, set: |p, x| p.popularity = x, values: &[0.0, 0.1, 0.2, 0.35, 0.5, 0.7] },
    Ladder { get: |p| p.expansion, set: |p, x| p.expansion = x, values: &[0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0] },
    Ladder { get: |p| p.length, set: |p, x| p.length = x, values: &[0.0, 0.25, 0.5, 0.75, 1.0] },
    Ladder { get: |p| p.sharpness, set: |p, x| p.sharpness = x, values: &[1.0, 1.25, 1.5, 2.0, 3.0] },
    Ladder { get: |p| p.idf, set: |p, x| p.idf = x, values: &[0.0, 0.5, 1.0, 1.5, 2.0, 2.5] },
    Ladder { get: |p| p.backward, set: |p, x| p.backward = x, values: &[0.0, 0.1, 0.25, 0.5, 0.7, 1.0] },
    Ladder {
        get: |p| p.neighbours as f32,
        set: |p, x| p.neighbours = x as u32,
        values: &[50.0, 100.0, 200.0, 300.0, 500.0, 1000.0],
    },
];

/// Moves the parameters from `start` to where the quality is best, and says how good that is. A move must gain more than
/// `worth`. Equal qualities give equal choices; there is no chance in it.
pub fn choose(start: Parameters, worth: f64, quality: &mut dyn FnMut(&Parameters) -> f64) -> (Parameters, f64) {
    let (mut best, mut most) = (start, quality(&start));
    for _ in 0..ROUNDS {
        let before = best;
        for ladder in &LADDERS {
            let at = nearest(ladder.values, (ladder.get)(&best));
            let (up, down) = (at + 1..ladder.values.len(), (0..at).rev());
            if !climb(ladder, up, worth, &mut best, &mut most, quality) {
                climb(ladder, down, worth, &mut best, &mut most, quality);
            }
        }
        if best == before {
            break;
        }
    }
    (best, most)
}

fn nearest(values: &[f32], value: f32) -> usize {
    let far = |at: &usize| (values[*at] - value).abs();
    (0..values.len()).min_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(0)
}

/// Follows a ladder while it gains; says whether it did.
fn climb(
    ladder: &Ladder,
    values: impl Iterator<Item = usize>,
    worth: f64,
    best: &mut Parameters,
    most: &mut f64,
    quality: &mut dyn FnMut(&Parameters) -> f64,
) -> bool {
    let before = *best;
    for at in values {
        let mut tried = *best;
        (ladder.set)(&mut tried, ladder.values[at]);
        let found = quality(&tried);
        if found <= *most + worth {
            break;
        }
        (*best, *most) = (tried, found);
    }
    *best != before
}
