//! What is learned, that it does not depend on threads, and that serving computes what training did.

use std::ops::ControlFlow;

use super::super::loss::Candidates;
use super::super::part::{Part, Shared, cut};
use super::super::sequences::Batch;
use super::*;

/// The history of `steps` as it comes in a request.
fn past(steps: &[Step]) -> Vec<Past> {
    let mut before: Option<&Step> = None;
    let one = |step| {
        let gap_days = before.map_or(0.0, |before: &Step| crate::dataset::days(Step::clone(step).at, before.at));
        before = Some(step);
        Past { row: step.row, kind: kind_of(step.action), gap_days }
    };
    steps.iter().map(one).collect()
}

#[test]
fn serving_computes_what_training_did() {
    let facts = Facts::of(30);
    let (catalogue, settings) = (facts.catalogue(), small());
    let weights = any_weights(&catalogue, &settings);
    let table = weights.products_table(&catalogue);
    let d = settings.dims;
    let view = View::new(weights.layout(), weights.dense()).unwrap();
    let mut scratch = Scratch::new(&weights.layout());
    for length in [1, 2, 13, 50, 51, 75] {
        let steps = person(length as u64, length, 30);
        let mut sequences = Sequences::default();
        // Training looks at all but the last action, in windows of at most LENGTH; so this is one window.
        let window = &steps[length.saturating_sub(LENGTH)..];
        sequences.push(&[window, &window[..1]].concat());
        let mut batch = Batch::default();
        sequences.epoch(0).fill(0..1, &mut batch);
        // The order of the lines of an event is the epoch's own.
        batch.rows = window.iter().map(|step| step.row).collect();
        let places: Vec<u32> = (0..30).collect();
        let shared = Shared {
            layout: &weights.layout,
            dense: &weights.dense,
            batch: &batch,
            places: &places,
            candidates: Candidates { vectors: &table, corrections: &[], dims: d },
            dropout: 0.0,
            key: 0,
            weight: 1.0,
        };
        let mut parts: Vec<Part> = Vec::new();
        assert_eq!(cut(&batch, 1_000, &mut parts), 1);
        parts[0].forward(&shared);
        let output = parts[0].work.output();

        let mut past = past(&steps);
        // What was before the window is not seen, nor is the time since then.
        past[length.saturating_sub(LENGTH)].gap_days = 0.0;
        let mut served = vec![0.0; d];
        let copy = |row: u32, to: &mut [f32]| to.copy_from_slice(&table[row as usize * d..][..d]);
        view.encode(&past, copy, &mut scratch, &mut served);
        for (served, trained) in served.iter().zip(&output[output.len() - d..]) {
            assert!((served - trained).abs() < 1e-4, "{length}: {served} {trained}");
        }
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let facts = Facts::of(50);
    let catalogue = facts.catalogue();
    let sequences = people(&[60, 40, 3, 90, 120, 55, 200], 50);
    // Several parts a batch, several batches an epoch.
    let settings = settings::Encoder { batch: 280, epochs: 2, ..small() };
    let run =
        |threads| train(&sequences, &catalogue, &settings, 3, threads, None, &mut |_, _| ControlFlow::Continue(()));
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
    let other = train(&sequences, &catalogue, &settings, 4, 1, None, &mut |_, _| ControlFlow::Continue(()));
    assert_ne!(one, other);
}

/// People who go round in a circle of products, from any place and a step at a time.
fn circle(products: u32) -> Vec<Vec<u32>> {
    (0..60).map(|start| (start..start + 6).map(|place| place % products).collect()).collect()
}

fn ranked(weights: &Weights, catalogue: &Catalogue<'_>, history: &[u32]) -> Vec<u32> {
    let table = weights.products_table(catalogue);
    let d = weights.layout().dims;
    let past: Vec<Past> = history.iter().map(|row| Past { row: *row, kind: 0, gap_days: 0.0 }).collect();
    let mut query = vec![0.0; d];
    let copy = |row: u32, to: &mut [f32]| to.copy_from_slice(&table[row as usize * d..][..d]);
    let view = View::new(weights.layout(), weights.dense()).unwrap();
    view.encode(&past, copy, &mut Scratch::new(&weights.layout()), &mut query);
    let score = |row: u32| plain_dot(&query, &table[row as usize * d..][..d]);
    let mut rows: Vec<u32> = (0..catalogue.products as u32).collect();
    rows.sort_by(|a, b| score(*b).total_cmp(&score(*a)));
    rows
}

fn plain_dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn the_next_in_the_circle_comes_first() {
    let histories = circle(12);
    let sequences = Sequences::of_views(histories.iter().map(|history| &history[..]));
    let catalogue = Catalogue { products: 12, ..Catalogue::default() };
    for full_softmax in [0, 100] {
        let settings =
            settings::Encoder { dims: 16, inner: 16, epochs: 25, learning_rate: 1e-2, full_softmax, ..small() };
        let mut losses = Vec::new();
        let weights = train(&sequences, &catalogue, &settings, 1, 1, None, &mut |epoch, _| {
            losses.push(epoch.loss);
            ControlFlow::Continue(())
        });
        assert!(losses.len() == 25 && losses[24] < losses[0] / 2.0, "{losses:?}");
        for last in 0..12 {
            assert_eq!(ranked(&weights, &catalogue, &[(last + 11) % 12, last])[0], (last + 1) % 12);
        }
        // Who goes on from there starts better.
        let mut first = 0.0;
        train(&sequences, &catalogue, &settings, 2, 1, Some(&weights), &mut |epoch, _| {
            first = epoch.loss;
            ControlFlow::Break(())
        });
        assert!(first < losses[0] / 2.0, "{first} {losses:?}");
    }
}

#[test]
fn a_product_that_nobody_met_is_where_its_content_is() {
    let histories = circle(12);
    let sequences = Sequences::of_views(histories.iter().map(|history| &history[..]));
    // Product 12 was never met and reads like product 5.
    let mut content = vec![0.0; 13 * 12];
    (0..12).for_each(|row| content[row * 12 + row] = 1.0);
    content[12 * 12 + 5] = 1.0;
    let catalogue = Catalogue { products: 13, content: &content, content_dims: 12, ..Catalogue::default() };
    let settings = settings::Encoder {
        dims: 16,
        inner: 16,
        epochs: 40,
        learning_rate: 1e-2,
        id_dropout: 0.5,
        full_softmax: 100,
        ..small()
    };
    let weights = train(&sequences, &catalogue, &settings, 1, 1, None, &mut |_, _| ControlFlow::Continue(()));
    let table = weights.products_table(&catalogue);
    let vector = |row: usize| &table[row * 16..(row + 1) * 16];
    let cosine = |a, b| plain_dot(a, b) / (plain_dot(a, a) * plain_dot(b, b)).sqrt();
    let nearest = (0..12).max_by(|a, b| cosine(vector(12), vector(*a)).total_cmp(&cosine(vector(12), vector(*b))));
    assert_eq!(nearest, Some(5));
    assert!(cosine(vector(12), vector(5)) > 0.5);
}

#[test]
fn a_product_has_the_vector_it_had_in_an_earlier_model() {
    let facts = Facts::of(8);
    let (catalogue, settings) = (facts.catalogue(), small());
    let old = any_weights(&catalogue, &settings);
    let (table, d) = (old.products_table(&catalogue), settings.dims);
    // The same products the other way round, and row 0 is new.
    let start = Weights::start(&catalogue, &settings, 1);
    let mut moved = start.clone();
    assert!(!moved.adopt_dense(&old.dense()[1..]) && moved == start);
    assert!(moved.adopt_dense(old.dense()));
    let mut untouched = start.clone();
    assert!(untouched.adopt_dense(old.dense()));
    (1..8).for_each(|row| moved.adopt(&catalogue, row, &table[(7 - row as usize) * d..][..d]));
    assert_eq!(moved.dense, old.dense);
    assert_eq!(moved.products_table(&catalogue)[..d], untouched.products_table(&catalogue)[..d]);
    for row in 1..8 {
        let (now, before) = (&moved.products_table(&catalogue)[row * d..], &table[(7 - row) * d..]);
        assert!(now[..d].iter().zip(&before[..d]).all(|(a, b)| (a - b).abs() < 1e-5), "{row}");
    }
}

#[test]
fn nothing_to_learn_from_is_no_error() {
    let settings = small();
    let go_on = &mut |_: Epoch, _: &Weights| ControlFlow::Continue(());
    let empty = train(&Sequences::default(), &Catalogue::default(), &settings, 1, 2, None, go_on);
    assert!(empty.products_table(&Catalogue::default()).is_empty());
    let catalogue = Catalogue { products: 3, ..Catalogue::default() };
    let weights = train(&people(&[0, 1, 1], 3), &catalogue, &settings, 1, 2, None, go_on);
    let view = View::new(weights.layout(), weights.dense()).unwrap();
    let mut out = [1.0; 10];
    view.encode(&[], |_, _| (), &mut Scratch::new(&weights.layout()), &mut out);
    assert_eq!(out, [0.0; 10]);
    assert!(View::new(weights.layout(), &weights.dense()[1..]).is_none());
}
