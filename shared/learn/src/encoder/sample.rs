//! The products that a batch is compared with: all of them if the catalogue is small, else a sample shared by all
//! positions of the batch, partly uniform and partly by popularity.

use super::sequences::Batch;
use crate::dataset::mix;
use crate::settings;

/// Draws samples.
pub(super) struct Sampler<'a> {
    /// The rows of all actions: a random one is a product drawn by popularity.
    actions: &'a [u32],
    /// How many actions each product has.
    counts: Vec<u32>,
    uniform: usize,
    popular: usize,
    all: bool,
}

/// The products of a batch: those of the sample first, then the other inputs and targets.
#[derive(Default)]
pub(super) struct Sample {
    /// Their rows, each once.
    pub(super) rows: Vec<u32>,
    /// Place in `rows` of each row of the catalogue that is among them.
    pub(super) places: Vec<u32>,
    /// Logarithm of expected by actual draws, for each product of the sample.
    pub(super) corrections: Vec<f32>,
    draws: Vec<u32>,
}

impl<'a> Sampler<'a> {
    pub(super) fn new(actions: &'a [u32], products: usize, settings: &settings::Encoder) -> Self {
        let mut counts = vec![0; products];
        actions.iter().for_each(|row| counts[*row as usize] += 1);
        let popular = if actions.is_empty() { 0 } else { (settings.negatives as f32 * settings.popular) as usize };
        Self { actions, counts, uniform: settings.negatives - popular, popular, all: products <= settings.full_softmax }
    }

    /// Draws for a batch, a function of the key.
    pub(super) fn draw(&self, key: u64, batch: &Batch, sample: &mut Sample) {
        let Sample { rows, places, corrections, draws } = sample;
        let products = self.counts.len();
        if self.all {
            if rows.len() != products {
                *rows = (0..products as u32).collect();
                places.clone_from(rows);
                *corrections = vec![0.0; products];
            }
            return;
        }
        rows.iter().for_each(|row| places[*row as usize] = u32::MAX);
        places.resize(products, u32::MAX);
        rows.clear();
        draws.clear();
        corrections.clear();
        let mut place_of = |row: u32, rows: &mut Vec<u32>| {
            let place = &mut places[row as usize];
            if *place == u32::MAX {
                *place = rows.len() as u32;
                rows.push(row);
            }
            *place as usize
        };
        for draw in 0..self.uniform + self.popular {
            let bits = mix(key ^ mix(draw as u64)) >> 11;
            let row = if draw < self.uniform {
                (bits % products as u64) as u32
            } else {
                self.actions[(bits % self.actions.len() as u64) as usize]
            };
            let place = place_of(row, rows);
            draws.resize(rows.len(), 0);
            draws[place] += 1;
        }
        for (row, draws) in rows.iter().zip(draws) {
            let by_popularity = self.counts[*row as usize] as f32 / self.actions.len().max(1) as f32;
            let expected = self.uniform as f32 / products as f32 + self.popular as f32 * by_popularity;
            corrections.push((expected / *draws as f32).ln());
        }
        for row in batch.rows.iter().chain(&batch.targets) {
            place_of(*row, rows);
        }
    }
}
