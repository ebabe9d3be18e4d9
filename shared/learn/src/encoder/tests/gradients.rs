//! The whole model, written down a second time in `f64` with plain loops, and its finite differences.

use std::ops::Range;

use super::super::block::Dropout;
use super::super::layout::KINDS;
use super::super::products::IdDropout;
use super::super::sequences::Batch;
use super::super::train::Trainer;
use super::*;

/// What the plain model is a function of, beside the weights.
struct Plain<'a> {
    catalogue: Catalogue<'a>,
    layout: Layout,
    batch: Batch,
    sample: Vec<u32>,
    corrections: Vec<f32>,
    dropout: Dropout,
    id_dropout: IdDropout,
}

/// Weights in `f64`: identifiers, attributes, dense.
type Numbers = [Vec<f64>; 3];

fn product(x: &[f64], matrix: &[f64], columns: usize) -> Vec<f64> {
    (0..columns).map(|j| x.iter().enumerate().map(|(i, x)| x * matrix[i * columns + j]).sum()).collect()
}

fn norm(x: &[f64], scale_shift: &[f64]) -> Vec<f64> {
    let d = x.len();
    let mean = x.iter().sum::<f64>() / d as f64;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / d as f64;
    (0..d).map(|i| (x[i] - mean) / (variance + 1e-6).sqrt() * scale_shift[i] + scale_shift[d + i]).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Plain<'_> {
    fn mask(&self, site: u64, size: usize) -> Vec<f64> {
        let mut ones = vec![1.0; size];
        self.dropout.apply(site, &mut ones);
        ones.into_iter().map(f64::from).collect()
    }

    fn vector(&self, row: u32, [identifiers, attributes, dense]: &Numbers) -> Vec<f64> {
        let d = self.layout.dims;
        let content: Vec<f64> = self.catalogue.content_of(row as usize).iter().copied().map(f64::from).collect();
        let mut vector = product(&content, &dense[self.layout.ranges().content], d);
        if self.id_dropout.keeps(&self.catalogue, row) {
            vector.iter_mut().zip(&identifiers[row as usize * d..]).for_each(|(x, e)| *x += e);
        }
        let own = self.catalogue.attributes_of(row as usize);
        for attribute in own {
            let from = &attributes[*attribute as usize * d..];
            vector.iter_mut().zip(from).for_each(|(x, u)| *x += u / own.len() as f64);
        }
        vector
    }

    /// Mean loss of the positions that count.
    fn loss(&self, numbers: &Numbers) -> f64 {
        let outputs = self.outputs(numbers);
        let (mut total, mut count) = (0.0, 0);
        for (position, output) in outputs.iter().enumerate() {
            if !self.batch.counts[position] {
                continue;
            }
            count += 1;
            let target = self.batch.targets[position];
            let own = dot(output, &self.vector(target, numbers));
            let mut sum = own.exp();
            for (row, correction) in self.sample.iter().zip(&self.corrections).filter(|(row, _)| **row != target) {
                sum += (dot(output, &self.vector(*row, numbers)) - f64::from(*correction)).exp();
            }
            total += sum.ln() - own;
        }
        total / f64::from(count)
    }

    fn outputs(&self, numbers: &Numbers) -> Vec<Vec<f64>> {
        let (d, f) = (self.layout.dims, self.layout.inner);
        let at = self.layout.ranges();
        let dense = |range: &Range<usize>| &numbers[2][range.clone()];
        let positions = self.batch.rows.len();
        let masks: Vec<Vec<f64>> =
            [(1, d), (3, d), (4, f), (5, d)].map(|(site, size)| self.mask(site, size * positions)).to_vec();
        let mut outputs = Vec::new();
        for bounds in self.batch.starts.windows(2) {
            let mut inputs = Vec::new();
            let mut triples = Vec::new();
            for position in bounds[0]..bounds[1] {
                let mut x = self.vector(self.batch.rows[position], numbers);
                for i in 0..d {
                    x[i] += dense(&at.positions)[(position - bounds[0]) * d + i];
                    x[i] += dense(&at.kinds)[usize::from(self.batch.kinds[position]) * d + i];
                    x[i] += dense(&at.gaps)[usize::from(self.batch.gaps[position]) * d + i];
                    x[i] *= masks[0][position * d + i];
                }
                triples.push(product(&norm(&x, dense(&at.attention_norm)), dense(&at.query_key_value), 3 * d));
                inputs.push(x);
            }
            for position in bounds[0]..bounds[1] {
                let i = position - bounds[0];
                let score = |j: usize| {
                    dot(&triples[i][..d], &triples[j][d..2 * d]) / (d as f64).sqrt() + dense(&at.distances)[i - j]
                };
                let scores: Vec<f64> = (0..=i).map(|j| score(j).exp()).collect();
                let sum: f64 = scores.iter().sum();
                let kept = self.mask(2 + ((position as u64) << 8), i + 1);
                let mut attended = vec![0.0; d];
                for j in 0..=i {
                    for (k, attended) in attended.iter_mut().enumerate() {
                        *attended += scores[j] / sum * kept[j] * triples[j][2 * d + k];
                    }
                }
                let branch = product(&attended, dense(&at.attention_out), d);
                let y: Vec<f64> = (0..d).map(|k| inputs[i][k] + branch[k] * masks[1][position * d + k]).collect();
                let inner = product(&norm(&y, dense(&at.forward_norm)), dense(&at.inner), f);
                let unit = |k: usize| (inner[k] + dense(&at.inner_shift)[k]).max(0.0) * masks[2][position * f + k];
                let inner: Vec<f64> = (0..f).map(unit).collect();
                let branch = product(&inner, dense(&at.outer), d);
                let z: Vec<f64> = (0..d)
                    .map(|k| y[k] + (branch[k] + dense(&at.outer_shift)[k]) * masks[3][position * d + k])
                    .collect();
                outputs.push(norm(&z, dense(&at.final_norm)));
            }
        }
        outputs
    }
}

fn numbers(weights: &Weights) -> Numbers {
    [&weights.identifiers, &weights.attributes, &weights.dense]
        .map(|values| values.iter().copied().map(f64::from).collect())
}

fn check(settings: &settings::Encoder) {
    let facts = Facts::of(20);
    let catalogue = facts.catalogue();
    let sequences = people(&[2, 9, 1, 14, 5, 12], 20);
    let weights = any_weights(&catalogue, settings);
    let (seed, d) = (4, settings.dims);
    let mut trainer = Trainer::new(&sequences, &catalogue, settings, weights.clone(), seed, 2);
    sequences.epoch(seed).fill(0..5, &mut trainer.space.batch);
    let total = trainer.gradients();

    let space = &trainer.space;
    let key = mix(seed ^ mix(0));
    let plain = Plain {
        catalogue,
        layout: weights.layout,
        batch: space.batch.clone(),
        sample: space.sample.rows[..space.sample.corrections.len()].to_vec(),
        corrections: space.sample.corrections.clone(),
        dropout: Dropout { rate: settings.dropout, key: key ^ 2 },
        id_dropout: IdDropout { rate: settings.id_dropout, key: key ^ 1 },
    };
    let mut at = numbers(&weights);
    let count = space.batch.counts.iter().filter(|counts| **counts).count();
    assert!(count > 10 && count < space.batch.counts.len());
    assert!((total / count as f64 - plain.loss(&at)).abs() < 1e-5, "{} {}", total / count as f64, plain.loss(&at));

    // Spread what is known of some rows over whole tables.
    let mut gradient: Numbers = at.clone().map(|values| vec![0.0; values.len()]);
    for (row, from) in space.sample.rows.iter().zip(space.d_vectors.chunks(d)) {
        (0..d).for_each(|i| gradient[0][*row as usize * d + i] = f64::from(from[i]));
    }
    for (row, from) in space.touched_attributes.iter().zip(space.d_attributes.chunks(d)) {
        (0..d).for_each(|i| gradient[1][*row as usize * d + i] = f64::from(from[i]));
    }
    gradient[2] = space.d_dense.iter().copied().map(f64::from).collect();

    let ranges = weights.layout.ranges();
    let kind = KINDS * d;
    assert_eq!(ranges.kinds.len(), kind);
    let mut moved = 0;
    for part in 0..3 {
        for place in (0..at[part].len()).filter(|place| part < 2 || drawn(*place as u64, 4) == 0) {
            let value = at[part][place];
            let step = 1e-4;
            at[part][place] = value + step;
            let above = plain.loss(&at);
            at[part][place] = value - step;
            let below = plain.loss(&at);
            at[part][place] = value;
            let (expected, found) = ((above - below) / (2.0 * step), gradient[part][place]);
            moved += usize::from(expected.abs() > 1e-4);
            assert!((expected - found).abs() < 2e-5 + 1e-3 * expected.abs(), "{part} {place}: {expected} {found}");
        }
    }
    assert!(moved > 300, "{moved}");
}

#[test]
fn sampled_softmax_with_dropout_everywhere() {
    check(&settings::Encoder { dropout: 0.3, id_dropout: 0.5, ..small() });
}

#[test]
fn full_softmax_without_dropout() {
    check(&settings::Encoder { dropout: 0.0, id_dropout: 0.0, full_softmax: 100, ..small() });
}
