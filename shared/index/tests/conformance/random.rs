//! Catalogues that chance makes, small and odd.

use half::f16;
use proptest::prelude::*;
use vitrine_index::{Bitmap, Flat, Index, Kind, Layered, Prepared, Scratch, Settings, Stored, build};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Small enough to be scored exactly throughout, so every kind must be exact.
    #[test]
    fn small_catalogues_are_searched_exactly(
        (dims, vectors) in (1_usize..40, 1_usize..70).prop_flat_map(|(dims, rows)| (
            Just(dims),
            prop::collection::vec((-3_i8..=3).prop_map(|x| f16::from_f32(x.into())), dims * rows),
        )),
        asked in prop::collection::vec(-2_i8..=2, 40),
        keep in prop::collection::vec(any::<bool>(), 70),
        k in 0_usize..80,
        removed in prop::collection::vec(0_u32..80, 0..20),
    ) {
        let rows = vectors.len() / dims;
        let query: Vec<f32> = asked.iter().take(dims).map(|x| f32::from(*x)).collect();
        let allowed = Bitmap::from_fn(rows, |row| keep[row as usize]);
        let expected = Flat::new(&vectors, dims).unwrap().find(&query, k, Some(&allowed)).unwrap();
        for kind in [Kind::ExactF16, Kind::Int8, Kind::Lists] {
            let settings = Settings { kind: Some(kind), lists: Some(4), ..Settings::default() };
            let built = build(&vectors, dims, &query, &settings, 1).unwrap();
            prop_assert_eq!(built.kind, kind);
            let index = Stored::open(|name| built.section(name), &vectors, dims).unwrap();
            index.verify().unwrap();
            prop_assert_eq!(&index.find(&query, k, Some(&allowed)).unwrap().hits, &expected.hits);

            let mut layered = Layered::new(index);
            let mut left = allowed.clone();
            for row in &removed {
                layered.remove(*row);
                left.remove(*row);
            }
            let expected = Flat::new(&vectors, dims).unwrap().find(&query, k, Some(&left)).unwrap();
            prop_assert_eq!(&layered.find(&query, k, Some(&allowed)).unwrap().hits, &expected.hits);
        }
    }

    /// A caller that prunes by the bound loses nothing.
    #[test]
    fn coarse_scores_keep_their_bound(
        seed: u64,
        rows in prop::collection::vec(0_u32..210, 0..50),
    ) {
        let data = crate::data::Data::new(200, 70, 1, crate::data::Shape::Loose, seed);
        let settings = Settings { kind: Some(Kind::Int8), ..Settings::default() };
        let built = build(&data.halves, 70, &data.queries, &settings, 1).unwrap();
        let index = Stored::open(|name| built.section(name), &data.halves, 70).unwrap();
        let (mut prepared, mut exact, mut coarse) = (Prepared::default(), Vec::new(), Vec::new());
        prop_assert!(index.prepare(&data.queries, &mut prepared).unwrap());
        index.scores_of(&data.queries, &rows, &mut exact).unwrap();
        index.approximate(&prepared, &rows, &mut Scratch::default(), &mut coarse);
        prop_assert_eq!((exact.len(), coarse.len()), (rows.len(), rows.len()));
        for (row, (exact, coarse)) in rows.iter().zip(exact.iter().zip(&coarse)) {
            if *row < 200 {
                prop_assert!((exact - coarse).abs() <= prepared.max_error(), "{exact} {coarse} {}", prepared.max_error());
                // A bound that says nothing would hold as well.
                prop_assert!(prepared.max_error() < 0.2);
            } else {
                prop_assert!(exact.is_nan() && *coarse == f32::NEG_INFINITY);
            }
        }
    }
}
