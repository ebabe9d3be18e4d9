use proptest::prelude::*;

use super::*;

fn noise(at: usize, n: usize) -> f32 {
    // SplitMix64.
    let mut mixed = ((at * 131 + n) as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
}

/// A thousand visitors: every tenth likes the first direction, of whom every other one is in the segment.
fn crowd() -> (Crowd, Vec<bool>) {
    let code = |at: usize| {
        let mut vector: Vec<f32> = (0..8).map(|n| noise(at, n)).collect();
        vector[0] += if at.is_multiple_of(10) { 3.0 } else { 0.0 };
        Code::from(&vector[..])
    };
    ((0..1_000).map(code).collect(), (0..1_000).map(|at| at % 20 == 0).collect())
}

#[test]
fn those_of_the_same_kind_who_are_not_in_the_segment_come_first() {
    let (crowd, is_in) = crowd();
    let found = crowd.look_alikes(&is_in).unwrap();
    assert_eq!((found.members, found.nearest.len()), (50, 950));
    assert!(found.nearest[..50].iter().all(|at| at % 20 == 10), "{:?}", &found.nearest[..50]);
    assert!(found.nearest.iter().all(|at| !is_in[*at]));
    let counts: Vec<(u8, u64)> = found.sizes.iter().map(|size| (size.percent, size.visitors)).collect();
    assert_eq!(counts, [(1, 10), (2, 20), (5, 50), (10, 100), (20, 200)]);
    // Half of the others of the segment's kind are as near as the hidden ones: of 75 the first tenth of 975 holds all.
    assert_eq!(found.sizes[3].found, 1.0);
    // The first ten are as likely hidden ones as any ten of these 75.
    assert!((found.sizes[0].found - 10.0 / 75.0).abs() < 0.08, "{:?}", found.sizes[0]);
    assert!(found.own > 0.9 && found.sizes[2].similarity > 0.9 && found.sizes[3].least < 0.8, "{found:?}");
}

#[test]
fn a_segment_that_has_nothing_to_do_with_the_space_finds_as_many_as_chance() {
    let (crowd, _) = crowd();
    let is_in: Vec<bool> = (0..1_000).map(|at| noise(at, 99) > 0.2).collect();
    let found = crowd.look_alikes(&is_in).unwrap();
    for size in &found.sizes {
        let chance = f64::from(size.percent) / 100.0;
        assert!((size.found - chance).abs() < 0.06, "{size:?}");
    }
}

#[test]
fn few_members_no_vectors_and_audiences_have_no_look_alikes() {
    let (crowd, mut is_in) = crowd();
    is_in.iter_mut().skip(20 * (FEWEST - 1)).for_each(|is_in| *is_in = false);
    assert_eq!(crowd.look_alikes(&is_in), None);
    let silent: Crowd = (0..50).map(|_| Code::from(&[0.0; 3][..])).collect();
    assert_eq!(silent.look_alikes(&[true; 50]), None);
    // Of visitors who are nowhere none is anybody's look-alike, also where all others point away.
    let way = |at: usize| Code::from(&[[1.0, 0.1], [-1.0, 0.1], [0.0, 0.0]][at % 3][..]);
    let mixed = (0..300).map(way).collect::<Crowd>().look_alikes(&(0..300).map(|at| at % 3 == 0).collect::<Vec<_>>());
    let mixed = mixed.unwrap();
    assert!(mixed.nearest.iter().all(|at| at % 3 == 1) && mixed.nearest.len() == 100 && mixed.own > 0.99);

    let segment = |id: &str, filter: &str| Segment {
        id: id.to_owned(),
        name: String::new(),
        description: String::new(),
        filter: Filter::parse(filter).unwrap(),
    };
    let segments = [
        segment("a", "orders >= 2"),
        segment("a-1", "visits >= 2"),
        segment("both", r#"orders >= 1 and (alike = "a-5" or not alike in ["a-1-20", "b-5", "a-3"])"#),
    ];
    assert_eq!(
        asked(&segments, segments.iter().map(|segment| &segment.filter)),
        [("a".to_owned(), 5), ("a-1".to_owned(), 20)].into()
    );
    assert_eq!(segments.each_ref().map(is_audience), [false, false, true]);
}

proptest! {
    #[test]
    fn more_visitors_are_less_alike(
        vectors in prop::collection::vec((prop::collection::vec(-1.0_f32..1.0, 5), any::<bool>()), 60..200),
    ) {
        let crowd: Crowd = vectors.iter().map(|(vector, _)| Code::from(&vector[..])).collect();
        let is_in: Vec<bool> = vectors.iter().map(|(_, is_in)| *is_in).collect();
        let Some(found) = crowd.look_alikes(&is_in) else { return Ok(()) };
        let others = is_in.iter().filter(|is_in| !**is_in).count();
        prop_assert_eq!(found.nearest.len(), others);
        for pair in found.sizes.windows(2) {
            prop_assert!(pair[0].similarity >= pair[1].similarity - 1e-6 && pair[0].least >= pair[1].least);
            prop_assert!(pair[0].found <= pair[1].found && pair[1].found <= 1.0);
        }
        for size in &found.sizes {
            prop_assert!(size.least <= size.similarity + 1e-6 && size.similarity <= 1.01);
            // A cosine of the vectors themselves, within what a byte leaves of it.
            let last = found.nearest[usize::try_from(size.visitors).unwrap() - 1];
            let unit = |vector: &[f32]| -> Vec<f32> {
                let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
                vector.iter().map(|x| x / length).collect()
            };
            let mut mean = [0.0_f32; 5];
            for (vector, _) in vectors.iter().filter(|(vector, is_in)| *is_in && vector.iter().any(|x| *x != 0.0)) {
                mean.iter_mut().zip(unit(vector)).for_each(|(sum, x)| *sum += x);
            }
            let exact: f32 = unit(&vectors[last].0).iter().zip(unit(&mean)).map(|(x, y)| x * y).sum();
            let far = mean.iter().map(|x| x * x).sum::<f32>().sqrt() > 3.0;
            prop_assert!(!far || (size.least - f64::from(exact)).abs() < 0.05, "{} {}", size.least, exact);
        }
    }
}
