//! Every level gives the bits of the portable loops, and those are the sums that they should be.

use proptest::prelude::*;

use super::*;

fn halves(len: usize) -> impl Strategy<Value = Vec<f16>> {
    prop::collection::vec((-2.0_f32..2.0).prop_map(f16::from_f32), len)
}

fn case() -> impl Strategy<Value = (usize, Vec<f16>, Vec<f32>, Vec<u32>)> {
    (1_usize..150, 1_usize..20).prop_flat_map(|(dims, rows)| {
        (
            Just(dims),
            halves(dims * rows),
            prop::collection::vec(-3.0_f32..3.0, dims),
            prop::collection::vec(0..rows as u32 + 2, 0..40),
        )
    })
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

proptest! {
    #[test]
    fn numbers_sum_to_the_same_bits_at_every_level((dims, vectors, query, rows) in case()) {
        let wide: Vec<f32> = vectors.iter().map(|number| number.to_f32()).collect();
        let count = vectors.len() / dims;
        let mut expected = vec![0.0; count];
        f32::range(Level::Portable, &query, &wide, 0, &mut expected);
        for (sum, vector) in expected.iter().zip(wide.chunks(dims)) {
            let exact: f64 = query.iter().zip(vector).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            prop_assert!((f64::from(*sum) - exact).abs() < 1e-3);
        }
        for level in Level::all() {
            let mut found = vec![9.0; count];
            f32::range(level, &query, &wide, 0, &mut found);
            prop_assert_eq!(bits(&found), bits(&expected));
            f16::range(level, &query, &vectors, 0, &mut found);
            prop_assert_eq!(bits(&found), bits(&expected));
            let mut found = vec![9.0; rows.len()];
            f16::gather(level, &query, &vectors, &rows, &mut found);
            for (row, found) in rows.iter().zip(&found) {
                match expected.get(*row as usize) {
                    Some(expected) => prop_assert_eq!(expected.to_bits(), found.to_bits()),
                    None => prop_assert!(found.is_nan()),
                }
            }
            for (row, expected) in expected.iter().enumerate() {
                let vector = row * dims..(row + 1) * dims;
                prop_assert_eq!(f32::dot(level, &query, &wide[vector.clone()]).to_bits(), expected.to_bits());
                prop_assert_eq!(f16::dot(level, &query, &vectors[vector]).to_bits(), expected.to_bits());
            }
        }
    }

    #[test]
    fn codes_sum_to_the_same_integers_at_every_level(
        (blocks, all, wide, rows) in (1_usize..14, 0_usize..9).prop_flat_map(|(blocks, rows)| (
            Just(blocks),
            prop::collection::vec(any::<u8>(), blocks * 16 * rows),
            prop::collection::vec(-16256_i16..=16256, blocks * 16),
            prop::collection::vec(0..rows as u32 + 2, 0..40),
        )),
        offset in 0_usize..3,
    ) {
        let stride = blocks * 16;
        let query = whole(&wide);
        // Rows that do not start where a register would like them to.
        let mut shifted = vec![0; offset];
        shifted.extend(&all);
        let all = &shifted[offset..];
        let exact = |row: usize| all.chunks(stride).nth(row).map_or(NO_ROW, |codes| {
            codes.iter().zip(&wide).map(|(code, q)| i32::from(*code) * i32::from(*q)).sum()
        });
        for level in Level::all() {
            let mut found = vec![0; all.len() / stride + 3];
            codes(level, &query, all, stride, From(1), &mut found);
            prop_assert_eq!(found, (1..all.len() / stride + 4).map(exact).collect::<Vec<_>>());
            let mut found = vec![0; rows.len()];
            codes(level, &query, all, stride, &rows[..], &mut found);
            prop_assert_eq!(found, rows.iter().map(|row| exact(*row as usize)).collect::<Vec<_>>());
        }
    }
}

/// The halves of whole numbers.
fn whole(wide: &[i16]) -> Whole {
    let mut query = Whole::default();
    query.set(wide.iter().copied());
    query
}

#[test]
fn a_query_of_another_stride_scores_nothing() {
    let mut found = [0; 2];
    codes(Level::best(), &whole(&[1; 16]), &[1; 64], 32, From(0), &mut found);
    assert_eq!(found, [NO_ROW; 2]);
}

#[test]
fn negative_zero_and_infinity_come_out_alike() {
    for (query, vector) in [([-0.0; 17], [1.0; 17]), ([1.0; 17], [f32::INFINITY; 17])] {
        let expected = f32::dot(Level::Portable, &query, &vector).to_bits();
        for level in Level::all() {
            assert_eq!(f32::dot(level, &query, &vector).to_bits(), expected);
        }
    }
}
