//! The closed form against a dense solver, and the loss against its definition.

use proptest::prelude::*;

use super::*;
use crate::linear::oracle;

fn settings(dims: usize) -> settings::Factors {
    settings::Factors { dims, iterations: 6, regularisation: 0.3, confidence: 4.0, ..Default::default() }
}

/// A matrix of people and products: interest, positive, negative or none.
fn matrix() -> impl Strategy<Value = (Interest, usize)> {
    let entry = prop_oneof![3 => Just(0.0_f32), 2 => 0.1_f32..8.0, 1 => -4.0_f32..-0.1];
    (1_usize..9, 1_usize..9).prop_flat_map(move |(people, products)| {
        prop::collection::vec(prop::collection::vec(entry.clone(), products), people).prop_map(move |rows| {
            let mut interest = Interest { starts: vec![0], entries: Vec::new() };
            for row in rows {
                interest.entries.extend((0..).zip(row).filter(|(_, r)| *r != 0.0));
                interest.starts.push(interest.entries.len());
            }
            (interest, products)
        })
    })
}

fn confidence(r: f32, settings: &settings::Factors) -> f64 {
    1.0 + f64::from(settings.confidence) * f64::from(r.abs()).ln_1p()
}

proptest! {
    #[test]
    fn a_solve_is_the_minimum_over_all_products((interest, products) in matrix(), d in 1_usize..6, seed in any::<u64>()) {
        let settings = settings(d);
        let y: Vec<f32> = start(products, d, seed).into_iter().map(|x| x * 20.0).collect();
        let x = half_step(&interest, &y, &settings, 1);
        for (u, found) in x.chunks_exact(d).enumerate() {
            // (Yᵀ C Y + λ I) x = Yᵀ C p, every product written out, seen or not.
            let mut a = vec![vec![0.0; d]; d];
            let mut b = vec![0.0; d];
            for (i, row) in a.iter_mut().enumerate() {
                row[i] = f64::from(settings.regularisation);
            }
            for (i, y) in y.chunks_exact(d).enumerate() {
                let r = interest.row(u).iter().find(|(column, _)| *column as usize == i).map_or(0.0, |(_, r)| *r);
                let c = confidence(r, &settings);
                for k in 0..d {
                    for l in 0..d {
                        a[k][l] += c * f64::from(y[k]) * f64::from(y[l]);
                    }
                    b[k] += if r > 0.0 { c * f64::from(y[k]) } else { 0.0 };
                }
            }
            for (found, expected) in found.iter().zip(oracle::solve(a, b)) {
                prop_assert!((f64::from(*found) - expected).abs() < 1e-3, "{found} {expected}");
            }
        }
    }

    #[test]
    fn the_loss_is_its_definition_and_never_rises((interest, products) in matrix(), d in 1_usize..5, seed in any::<u64>()) {
        let settings = settings(d);
        let columns = interest.transposed(products);
        let mut factors = Factors { products: start(products, d, seed), people: Vec::new() };
        let mut last = f64::INFINITY;
        for _ in 0..settings.iterations {
            factors.people = half_step(&interest, &factors.products, &settings, 1);
            let halfway = factors.loss(&interest, &settings);
            factors.products = half_step(&columns, &factors.people, &settings, 1);
            let loss = factors.loss(&interest, &settings);
            prop_assert!(halfway <= last + 1e-3 && loss <= halfway + 1e-3, "{last} {halfway} {loss}");
            last = loss;
        }
        let mut plain = 0.0;
        for (u, x) in factors.people.chunks_exact(d).enumerate() {
            for (i, y) in factors.products.chunks_exact(d).enumerate() {
                let r = interest.row(u).iter().find(|(column, _)| *column as usize == i).map_or(0.0, |(_, r)| *r);
                let error = f64::from(dot(x, y)) - if r > 0.0 { 1.0 } else { 0.0 };
                plain += confidence(r, &settings) * error * error;
            }
        }
        let squares: f64 = factors.people.iter().chain(&factors.products).map(|x| f64::from(x * x)).sum();
        plain += f64::from(settings.regularisation) * squares;
        prop_assert!((plain - last).abs() < 1e-3 * plain.max(1.0), "{plain} {last}");
    }

    #[test]
    fn transposing_twice_changes_nothing((interest, products) in matrix()) {
        let people = interest.rows();
        prop_assert_eq!(interest.transposed(products).transposed(people), interest);
    }
}

#[test]
fn two_groups_of_taste_are_told_apart() {
    // People like the products of their group, but for one that they have not met yet.
    let mut interest = Interest { starts: vec![0], entries: Vec::new() };
    for person in 0..40_u32 {
        let group = person % 2;
        let unmet = person / 2 % 10;
        interest.entries.extend((0..10).filter(|i| *i != unmet).map(|i| (group * 10 + i, 1.0)));
        interest.starts.push(interest.entries.len());
    }
    let settings = settings(2);
    let factors = train(&interest, 20, &settings, 7, 1, &mut |_| ());
    assert_eq!(factors, train(&interest, 20, &settings, 7, 3, &mut |_| ()));
    for (person, x) in factors.people.chunks_exact(2).enumerate() {
        let score = |i: usize| dot(x, &factors.products[i * 2..][..2]);
        let unmet = person % 2 * 10 + person / 2 % 10;
        let other = (person + 1) % 2 * 10;
        let best_other = (other..other + 10).map(score).fold(f32::MIN, f32::max);
        assert!(score(unmet) > best_other + 0.3, "{} {best_other}", score(unmet));
    }
}

#[test]
fn nothing_liked_is_no_taste_and_shapes_that_do_not_fit_neither() {
    let confidence = Confidence { scale: 1.0, half_life_days: 1.0 };
    let gram = [1.0, 0.0, 0.0, 1.0];
    let y = [1.0, 2.0];
    let mut x = [9.0; 2];
    fold_in(&gram, confidence, std::iter::empty(), &mut x);
    assert_eq!(x, [0.0; 2]);
    fold_in(&gram, confidence, [(&y[..], -1.0)].into_iter(), &mut x);
    assert_eq!(x, [0.0; 2]);
    fold_in(&gram, confidence, [(&y[..1], 1.0)].into_iter(), &mut x);
    assert_eq!(x, [0.0; 2]);
    let mut long = [9.0; 100];
    fold_in(&gram, confidence, [(&y[..], 1.0)].into_iter(), &mut long);
    assert_eq!(long, [0.0; 100]);
}
