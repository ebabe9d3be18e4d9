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

/// Vectors as long as trained ones.
fn long_vectors(rows: usize, d: usize, seed: u64) -> Vec<Vector<1>> {
    let mut vectors = start(rows, d, seed);
    vectors.iter_mut().flatten().for_each(|block| block.0.iter_mut().for_each(|x| *x *= 20.0));
    vectors
}

/// Every row of one side by its exact solution, as serving computes it.
fn exact_step(interest: &Interest, other: &[f32], settings: &settings::Factors) -> Vec<f32> {
    let d = settings.dims;
    let gram = regularised_gram(other, d, settings.regularisation);
    let mut rows = vec![0.0; interest.rows() * d];
    for (row, x) in rows.chunks_exact_mut(d).enumerate() {
        let seen = interest.row(row).iter().map(|(column, r)| (&other[*column as usize * d..][..d], *r));
        fold_in(&gram, settings.confidence(), seen, x);
    }
    rows
}

/// People with tastes of their own: groups that overlap, some products nobody likes, some returned.
fn shop(people: u64, products: u64) -> Interest {
    let mut interest = Interest { starts: vec![0], entries: Vec::new() };
    for person in 0..people {
        let bits = |product| mix(person * products + product);
        let likely = |product| if (product + person) % 5 < 2 { 3 } else { 1 };
        let seen = (0..products).filter(|product| bits(*product) % 10 < likely(*product));
        interest
            .entries
            .extend(seen.map(|i| (i as u32, if bits(i) % 11 == 0 { -1.0 } else { (bits(i) % 4 + 1) as f32 })));
        interest.starts.push(interest.entries.len());
    }
    interest
}

proptest! {
    #[test]
    fn both_solvers_find_the_minimum_over_all_products((interest, products) in matrix(), d in 1_usize..6, seed in any::<u64>()) {
        let settings = settings(d);
        let y = long_vectors(products, d, seed);
        let exact = exact_step(&interest, &packed(&y, d), &settings);
        let mut x = vec![kernel::zero(); interest.rows()];
        // Conjugate gradients end after as many steps as there are dimensions, in exact arithmetic.
        half_step::<1>(&interest.clone().certainty(settings.confidence()), &y, &mut x, &settings, d + 3, 1);
        let (y, near) = (packed(&y, d), packed(&x, d));
        for (u, (exact, near)) in exact.chunks_exact(d).zip(near.chunks_exact(d)).enumerate() {
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
            for ((exact, near), expected) in exact.iter().zip(near).zip(oracle::solve(a, b)) {
                prop_assert!((f64::from(*exact) - expected).abs() < 1e-3, "{exact} {expected}");
                prop_assert!((f64::from(*near) - expected).abs() < 1e-3, "{near} {expected}");
            }
        }
    }

    #[test]
    fn the_loss_is_its_definition_and_never_rises((interest, products) in matrix(), d in 1_usize..20, seed in any::<u64>()) {
        let settings = settings(d);
        let certainty = interest.clone().certainty(settings.confidence());
        let columns = certainty.transposed(products);
        let mut products = start::<2>(products, d, seed);
        let mut people = vec![kernel::zero(); interest.rows()];
        let factors = |people: &[_], products: &[_]| Factors { people: packed(people, d), products: packed(products, d) };
        let mut last = f64::INFINITY;
        for _ in 0..settings.iterations {
            half_step(&certainty, &products, &mut people, &settings, STEPS, 1);
            let halfway = factors(&people, &products).loss(&interest, &settings);
            half_step(&columns, &people, &mut products, &settings, STEPS, 1);
            let loss = factors(&people, &products).loss(&interest, &settings);
            prop_assert!(halfway <= last + 1e-3 && loss <= halfway + 1e-3, "{last} {halfway} {loss}");
            last = loss;
        }
        let factors = factors(&people, &products);
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
    let factors = train(interest.clone(), 20, &settings, 7, 1, &mut |_| ());
    assert_eq!(factors, train(interest, 20, &settings, 7, 3, &mut |_| ()));
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

#[test]
fn ten_iterations_end_within_a_hundredth_of_what_exact_solves_reach() {
    let (products, settings) = (60, settings::Factors { iterations: 10, ..settings(8) });
    let interest = shop(200, products as u64);
    let columns = interest.transposed(products);
    for seed in 0..3 {
        let mut exact = Factors { products: packed(&start::<1>(products, 8, seed), 8), people: Vec::new() };
        for _ in 0..settings.iterations {
            exact.people = exact_step(&interest, &exact.products, &settings);
            exact.products = exact_step(&columns, &exact.people, &settings);
        }
        let trained = train(interest.clone(), products, &settings, seed, 2, &mut |_| ());
        let (exact, trained) = (exact.loss(&interest, &settings), trained.loss(&interest, &settings));
        assert!((trained / exact - 1.0).abs() < 0.01, "{trained} {exact}");
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    // More rows than a chunk has, and dimensions that need padding in each number of blocks.
    let interest = shop(300, 90);
    for dims in [5, 17, 40, 64] {
        let settings = settings::Factors { iterations: 2, ..settings(dims) };
        let one = train(interest.clone(), 90, &settings, 1, 1, &mut |_| ());
        assert_eq!(one.people.len(), 300 * dims);
        assert!(one.people.iter().chain(&one.products).all(|x| x.is_finite()));
        assert_eq!(one, train(interest.clone(), 90, &settings, 1, 3, &mut |_| ()));
    }
}

#[test]
fn a_matrix_whose_parts_do_not_fit_is_refused() {
    assert!(Interest::new(3, vec![0, 1, 2], vec![(0, 1.0), (2, -1.0)]).is_some());
    assert!(Interest::new(2, vec![0, 1, 2], vec![(0, 1.0), (2, -1.0)]).is_none());
    assert!(Interest::new(3, vec![0, 1], vec![(0, 1.0), (2, -1.0)]).is_none());
    assert!(Interest::new(3, vec![0, 2, 1, 2], vec![(0, 1.0), (2, -1.0)]).is_none());
    assert!(Interest::new(3, vec![], vec![]).is_none());
    assert!(Interest::new(3, vec![0, 1], vec![(0, f32::NAN)]).is_none());
}
