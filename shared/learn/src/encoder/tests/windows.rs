//! How an epoch is cut, and what is drawn to compare with.

use proptest::prelude::*;

use super::super::loss::{Candidates, Loss};
use super::super::sample::{Sample, Sampler};
use super::super::sequences::Batch;
use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_transition_once_an_epoch(
        lengths in prop::collection::vec(prop::sample::select(vec![0_usize, 1, 2, 7, 50, 51, 52, 180]), 1..8),
        size in 1_usize..200,
        seed in any::<u64>(),
    ) {
        // Every product is met once, so a transition is known by its products.
        let mut next = 0_u32;
        let histories: Vec<Vec<u32>> = lengths
            .iter()
            .map(|length| {
                next += *length as u32;
                (next - *length as u32..next).collect()
            })
            .collect();
        let sequences = Sequences::of_views(histories.iter().map(|history| &history[..]));
        let epoch = sequences.epoch(seed);
        let mut met = Vec::new();
        let mut batch = Batch::default();
        let batches = epoch.batches(size);
        for (place, windows) in batches.iter().enumerate() {
            epoch.fill(windows.clone(), &mut batch);
            prop_assert!(batch.rows.len() >= size || place + 1 == batches.len());
            for bounds in batch.starts.windows(2) {
                prop_assert!((1..=LENGTH).contains(&(bounds[1] - bounds[0])));
                for position in bounds[0]..bounds[1] {
                    prop_assert_eq!(batch.rows[position] + 1, batch.targets[position]);
                    let first = bounds[0] == position;
                    prop_assert!(first || batch.rows[position] == batch.rows[position - 1] + 1);
                    met.push(batch.rows[position]);
                }
            }
        }
        met.sort_unstable();
        let expected: Vec<u32> = histories.iter().flat_map(|history| history.split_last().map_or(&[][..], |x| x.1)).copied().collect();
        prop_assert_eq!(met, expected);
    }

    #[test]
    fn only_the_lines_of_an_event_change_places(length in 2_usize..50, seed in any::<u64>()) {
        let steps = person(seed % 1_000, length, 1_000_000);
        let mut sequences = Sequences::default();
        sequences.push(&steps);
        let mut batch = Batch::default();
        sequences.epoch(seed).fill(0..1, &mut batch);
        let mut rows = batch.rows.clone();
        rows.push(batch.targets[length - 2]);
        prop_assert_eq!(&rows[1..], &batch.targets[..]);
        for lines in steps.chunk_by(|a, b| a.event == b.event) {
            let mut found: Vec<u32> = rows.drain(..lines.len()).collect();
            let mut expected: Vec<u32> = lines.iter().map(|step| step.row).collect();
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
        for (step, counts) in steps[1..].iter().zip(&batch.counts) {
            prop_assert_eq!(*counts, step.weight > 0.0);
        }
    }

    #[test]
    fn the_loss_is_its_definition(
        (sample, n, d) in (1_usize..20, 1_usize..150, 1_usize..5),
        values in prop::collection::vec(-1.0_f32..1.0, 400),
        seed in any::<u64>(),
    ) {
        let value = |place: u64| values[drawn(seed ^ place, 400) as usize];
        let vectors: Vec<f32> = (0..(sample + 5) * d).map(|i| value(i as u64)).collect();
        let output: Vec<f32> = (0..n * d).map(|i| 2.0 * value(1_000 + i as u64)).collect();
        let corrections: Vec<f32> = (0..sample).map(|i| value(2_000 + i as u64)).collect();
        let target = |i: u64| (drawn(i, 7) > 0).then(|| drawn(seed ^ i, sample as u64 + 5) as u32);
        let targets: Vec<_> = (0..n as u64).map(target).collect();
        let mut loss = Loss::default();
        loss.run(&output, &targets, &Candidates { vectors: &vectors, corrections: &corrections, dims: d }, 0.25);
        let (mut total, mut d_vectors) = (0.0, vec![0.0; vectors.len()]);
        for (i, target) in targets.iter().enumerate() {
            let mut expected = vec![0.0; d];
            if let Some(target) = target.map(|target| target as usize) {
                let score = |j: usize| (0..d).map(|k| f64::from(output[i * d + k] * vectors[j * d + k])).sum::<f64>();
                let others: Vec<usize> = (0..sample).filter(|j| *j != target).collect();
                let share = |j: usize| (score(j) - f64::from(corrections[j])).exp();
                let sum = score(target).exp() + others.iter().map(|j| share(*j)).sum::<f64>();
                total += sum.ln() - score(target);
                let mut add = |j: usize, factor: f64| for k in 0..d {
                    expected[k] += 0.25 * factor * f64::from(vectors[j * d + k]);
                    d_vectors[j * d + k] += 0.25 * factor * f64::from(output[i * d + k]);
                };
                add(target, score(target).exp() / sum - 1.0);
                others.iter().for_each(|j| add(*j, share(*j) / sum));
            }
            for (found, expected) in loss.d_output[i * d..].iter().zip(&expected) {
                prop_assert!((f64::from(*found) - expected).abs() < 1e-5);
            }
        }
        let mut found: Vec<f64> = loss.d_sample.iter().copied().map(f64::from).collect();
        found.resize(vectors.len(), 0.0);
        for (i, target) in targets.iter().enumerate().filter_map(|(i, target)| Some((i, (*target)? as usize))) {
            (0..d).for_each(|k| found[target * d + k] += f64::from(loss.d_target[i] * output[i * d + k]));
        }
        for (found, expected) in found.iter().zip(&d_vectors) {
            prop_assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
        prop_assert!((loss.total - total).abs() < 1e-4 * (1.0 + total));
    }
}

#[test]
fn draws_are_corrected_so_that_every_product_counts_once_on_average() {
    let actions: Vec<u32> = (0..200).map(|i| (drawn(i, 6) * drawn(i ^ 99, 6)) as u32).collect();
    let settings = settings::Encoder { negatives: 20, full_softmax: 0, ..small() };
    let sampler = Sampler::new(&actions, 40, &settings);
    let (mut sample, mut counted) = (Sample::default(), [0.0_f64; 40]);
    let batch = Batch { rows: vec![3, 39, 3], targets: vec![39, 3, 0], ..Batch::default() };
    let rounds = 4_000;
    for round in 0..rounds {
        sampler.draw(mix(round), &batch, &mut sample);
        let mut rows = sample.rows.clone();
        for (place, row) in rows.iter().enumerate() {
            assert_eq!(sample.places[*row as usize], place as u32);
        }
        assert!([0, 3, 39].iter().all(|row| rows.contains(row)));
        for (row, correction) in rows.iter().zip(&sample.corrections) {
            counted[*row as usize] += f64::from(-correction).exp() / rounds as f64;
        }
        rows.sort_unstable();
        assert!(rows.windows(2).all(|two| two[0] < two[1]));
    }
    for (row, counted) in counted.iter().enumerate() {
        assert!((counted - 1.0).abs() < 0.15, "{row} {counted}");
    }
}
