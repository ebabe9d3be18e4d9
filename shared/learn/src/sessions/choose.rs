//! Choosing the parameters by how well held-out actions are told, which the index has not seen.
//!
//! The search moves one parameter after the other up or down a short ladder of values, as long as the quality gains.

use super::Parameters;

/// Rounds over all parameters.
const ROUNDS: usize = 3;

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
