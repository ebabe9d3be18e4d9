//! Training: epochs, batches, steps.

use std::ops::ControlFlow;

use super::Weights;
use super::adam::{Moments, Rate};
use super::kernel::{add, add_scaled, wide};
use super::loss::Candidates;
use super::part::{Part, Shared, cut};
use super::products::{Catalogue, IdDropout, compose, content_gradient};
use super::sample::{Sample, Sampler};
use super::sequences::{Batch, Sequences};
use crate::dataset::mix;
use crate::parallel;
use crate::settings;

/// Fewest positions of a part of a batch; fixed, because it is part of the result.
const PART: usize = 128;
/// How many numbers of the parts' gradients are added at a time.
const SUM: usize = 1 << 13;

/// How far training is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epoch {
    /// Epochs done, from one.
    pub number: usize,
    /// Mean loss of the positions of this epoch, in nats.
    pub loss: f64,
}

/// Learns from all transitions. `watch` sees the weights after each epoch and may end the training; at most
/// `settings.epochs` are done. `warm` are weights of an earlier training with the same shapes to go on from.
///
/// Equal arguments give equal weights for any number of threads (on CPUs with the same vector instructions).
pub fn train(
    sequences: &Sequences,
    catalogue: &Catalogue<'_>,
    settings: &settings::Encoder,
    seed: u64,
    threads: usize,
    warm: Option<&Weights>,
    watch: &mut dyn FnMut(Epoch, &Weights) -> ControlFlow<()>,
) -> Weights {
    let start = Weights::start(catalogue, settings, seed);
    let weights = match warm {
        Some(warm) if warm.same_shape(&start) => warm.clone(),
        _ => start,
    };
    if catalogue.products == 0 {
        return weights;
    }
    let mut trainer = Trainer::new(sequences, catalogue, settings, weights, seed, threads);
    for number in 1..=settings.epochs {
        let loss = trainer.epoch(number);
        if watch(Epoch { number, loss }, &trainer.weights).is_break() {
            break;
        }
    }
    trainer.weights
}

/// What is said of a slice of numbers by each part, to be added up: where it starts, where to read it, where to put it.
type Sum<'a> = (usize, fn(&Part) -> &[f32], &'a mut [f32]);

fn chunks(sum: &mut [f32], of: fn(&Part) -> &[f32]) -> Vec<Sum<'_>> {
    (0..).step_by(SUM).zip(sum.chunks_mut(SUM)).map(|(start, chunk)| (start, of, chunk)).collect()
}

pub(super) struct Trainer<'a> {
    sequences: &'a Sequences,
    catalogue: &'a Catalogue<'a>,
    settings: &'a settings::Encoder,
    seed: u64,
    threads: usize,
    pub(super) weights: Weights,
    identifiers: Moments,
    attributes: Moments,
    dense: Moments,
    sampler: Sampler<'a>,
    step: u32,
    steps: u32,
    pub(super) space: Space,
}

/// Space that steps use again, and the gradients of the last one.
#[derive(Default)]
pub(super) struct Space {
    pub(super) batch: Batch,
    pub(super) sample: Sample,
    parts: Vec<Part>,
    content: Vec<f32>,
    vectors: Vec<f32>,
    pub(super) d_vectors: Vec<f32>,
    pub(super) d_dense: Vec<f32>,
    pub(super) d_attributes: Vec<f32>,
    attribute_places: Vec<u32>,
    pub(super) touched_attributes: Vec<u32>,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(
        sequences: &'a Sequences,
        catalogue: &'a Catalogue<'a>,
        settings: &'a settings::Encoder,
        weights: Weights,
        seed: u64,
        threads: usize,
    ) -> Self {
        let d = weights.layout.dims;
        let attributes = weights.attributes.len() / d;
        Self {
            sequences,
            catalogue,
            settings,
            seed,
            threads,
            identifiers: Moments::new(weights.identifiers.len(), catalogue.products),
            attributes: Moments::new(weights.attributes.len(), attributes),
            dense: Moments::new(weights.dense.len(), 1),
            sampler: Sampler::new(sequences.rows(), catalogue.products, settings),
            step: 0,
            steps: 0,
            space: Space { attribute_places: vec![u32::MAX; attributes], ..Space::default() },
            weights,
        }
    }

    /// One pass over all transitions; the mean loss.
    fn epoch(&mut self, number: usize) -> f64 {
        let epoch = self.sequences.epoch(self.seed ^ mix(number as u64));
        let batches = epoch.batches(self.settings.batch);
        self.steps = (batches.len() * self.settings.epochs) as u32;
        let (mut total, mut positions) = (0.0, 0);
        for windows in batches {
            epoch.fill(windows, &mut self.space.batch);
            self.step += 1;
            total += self.gradients();
            self.update();
            positions += self.space.batch.counts.iter().filter(|counts| **counts).count();
        }
        total / positions.max(1) as f64
    }

    /// The loss of the batch in `space`, summed over its positions; leaves the gradients of the mean in `space`.
    pub(super) fn gradients(&mut self) -> f64 {
        let Self { weights, catalogue, settings, .. } = self;
        let space = &mut self.space;
        let key = mix(self.seed ^ mix(u64::from(self.step)));
        self.sampler.draw(key, &space.batch, &mut space.sample);
        let id_dropout = IdDropout { rate: settings.id_dropout, key: key ^ 1 };
        let rows = &space.sample.rows;
        compose(weights, catalogue, rows, id_dropout, self.threads, &mut space.content, &mut space.vectors);
        let (d, count) = (weights.layout.dims, space.batch.counts.iter().filter(|counts| **counts).count());
        let shared = Shared {
            layout: &weights.layout,
            dense: &weights.dense,
            batch: &space.batch,
            places: &space.sample.places,
            candidates: Candidates { vectors: &space.vectors, corrections: &space.sample.corrections, dims: d },
            dropout: settings.dropout,
            key: key ^ 2,
            weight: 1.0 / count.max(1) as f32,
        };
        let used = cut(&space.batch, PART, &mut space.parts);
        let parts = &mut space.parts[..used];
        parallel::each(parts, self.threads, |part| part.run(&shared));

        // What the parts say of the sample's products and of the dense weights, in chunks and in the order of the parts.
        space.d_vectors.clear();
        space.d_vectors.resize(space.vectors.len(), 0.0);
        space.d_dense.clear();
        space.d_dense.resize(weights.dense.len(), 0.0);
        let parts = &*parts;
        let sample = space.sample.corrections.len() * d;
        let mut sums = chunks(&mut space.d_vectors[..sample], |part| &part.loss.d_sample);
        sums.extend(chunks(&mut space.d_dense, |part| &part.gradient));
        parallel::each(&mut sums, self.threads, |(start, of, to)| {
            wide(
                #[inline(always)]
                || parts.iter().for_each(|part| add(to, &of(part)[*start..][..to.len()])),
            );
        });
        // Then the inputs and targets.
        let places = &space.sample.places;
        for part in parts {
            for (local, position) in part.positions.clone().enumerate() {
                let input = places[space.batch.rows[position] as usize] as usize;
                add(&mut space.d_vectors[input * d..][..d], &part.work.dx[local * d..][..d]);
                let factor = part.loss.d_target[local];
                if factor != 0.0 {
                    let target = places[space.batch.targets[position] as usize] as usize;
                    let output = &part.work.output()[local * d..][..d];
                    add_scaled(&mut space.d_vectors[target * d..][..d], factor, output);
                }
            }
        }
        let total = parts.iter().map(|part| part.loss.total).sum();
        content_gradient(&weights.layout, &space.content, &space.d_vectors, &mut space.d_dense);
        space.attribute_gradients(catalogue, d);
        // An identifier that was left out has no part in the loss.
        for (row, gradient) in space.sample.rows.iter().zip(space.d_vectors.chunks_exact_mut(d)) {
            if !id_dropout.keeps(catalogue, *row) {
                gradient.fill(0.0);
            }
        }
        total
    }

    /// The learning rate of this step.
    fn learning_rate(&self) -> f32 {
        let settings = self.settings;
        let done = self.step as f32 / self.steps.max(1) as f32;
        let schedule = 1.0 - (1.0 - settings.final_rate) * done.min(1.0);
        let warm = (self.step as f32 / settings.warm_up.max(1) as f32).min(1.0);
        settings.learning_rate * schedule * warm
    }

    fn update(&mut self) {
        let (learning_rate, step) = (self.learning_rate(), self.step);
        let settings::Encoder { table_rate, weight_decay, second_moment, .. } = *self.settings;
        let of_table = Rate::new(learning_rate * table_rate, weight_decay, second_moment, step);
        let of_dense = Rate::new(learning_rate, 0.0, second_moment, step);
        let d = self.weights.layout.dims;
        let Self { weights, identifiers, attributes, dense, space, .. } = self;
        let Weights { identifiers: own, attributes: shared, dense: all, .. } = weights;
        let mut tables: [&mut (dyn FnMut() + Send); 3] = [
            &mut || {
                for (row, gradient) in space.sample.rows.iter().zip(space.d_vectors.chunks_exact(d)) {
                    identifiers.row(*row as usize, own, gradient, of_table);
                }
            },
            &mut || {
                for (row, gradient) in space.touched_attributes.iter().zip(space.d_attributes.chunks_exact(d)) {
                    attributes.row(*row as usize, shared, gradient, of_table);
                }
            },
            &mut || dense.all(all, &space.d_dense, of_dense),
        ];
        parallel::each(&mut tables, self.threads, |table| table());
    }
}

impl Space {
    /// Spreads the gradients by the products' vectors over their attributes.
    fn attribute_gradients(&mut self, catalogue: &Catalogue<'_>, d: usize) {
        self.d_attributes.clear();
        self.touched_attributes.clear();
        for (row, gradient) in self.sample.rows.iter().zip(self.d_vectors.chunks_exact(d)) {
            let attributes = catalogue.attributes_of(*row as usize);
            let share = 1.0 / attributes.len().max(1) as f32;
            for attribute in attributes {
                let place = &mut self.attribute_places[*attribute as usize];
                if *place == u32::MAX {
                    *place = self.touched_attributes.len() as u32;
                    self.touched_attributes.push(*attribute);
                    self.d_attributes.resize(self.d_attributes.len() + d, 0.0);
                }
                add_scaled(&mut self.d_attributes[*place as usize * d..][..d], share, gradient);
            }
        }
        self.touched_attributes.iter().for_each(|row| self.attribute_places[*row as usize] = u32::MAX);
    }
}
