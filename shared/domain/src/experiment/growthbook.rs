//! The cases that GrowthBook publishes for those who build an SDK: `packages/sdk-js/test/cases.json` of
//! growthbook/growthbook, as carried by growthbook/growthbook-python in `tests/cases.json` (commit 076eab84). Those of
//! the parts that are used here: `hash`,
//! `getBucketRange`, `chooseVariation`, `inNamespace`, `getEqualWeights`, and of `run` those with version 2 of the hash.

use super::hash::{bucket, choose, fnv1a32, group_place, old_bucket, ranges, weights};

/// The values in the cases are rounded to a few digits.
fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-8
}

/// draft-eastlake-fnv, appendix C: test vectors of FNV-1a, 32 bits.
#[test]
fn fnv_is_as_published() {
    for (text, hash) in [("", 0x811c_9dc5), ("a", 0xe40c_292c), ("foobar", 0xbf9c_f968)] {
        assert_eq!(fnv1a32(text), hash, "{text}");
    }
}

#[test]
fn hash() {
    for (seed, value, expected) in [
        ("seed", "a", 0.0505),
        ("seed", "b", 0.2696),
        ("foo", "ab", 0.2575),
        ("foo", "def", 0.2019),
        ("89123klj", "8952klfjas09ujkasdf", 0.124),
        ("90850943850283058242805", "123", 0.7516),
        ("()**(%$##$%#$#", "___)((*\":&", 0.0128),
    ] {
        assert!(near(bucket(seed, value), expected), "{seed} {value}: {}", bucket(seed, value));
    }
    for (seed, value, expected) in [
        ("", "a", 0.22),
        ("", "b", 0.077),
        ("b", "a", 0.946),
        ("ef", "d", 0.652),
        ("asdf", "8952klfjas09ujk", 0.549),
        ("", "123", 0.011),
        ("", "___)((*\":&", 0.563),
    ] {
        assert!(near(old_bucket(seed, value), expected), "{seed} {value}: {}", old_bucket(seed, value));
    }
}

#[test]
fn get_bucket_range() {
    type Case<'a> = (&'a str, usize, f64, Option<&'a [f64]>, &'a [(f64, f64)]);
    let quarters = [(0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)];
    let halves = [(0.0, 0.5), (0.5, 1.0)];
    let cases: [Case<'_>; 13] = [
        ("normal 50/50", 2, 1.0, None, &halves),
        ("reduced coverage", 2, 0.5, None, &[(0.0, 0.25), (0.5, 0.75)]),
        ("zero coverage", 2, 0.0, None, &[(0.0, 0.0), (0.5, 0.5)]),
        ("4 variations", 4, 1.0, None, &quarters),
        ("uneven weights", 2, 1.0, Some(&[0.4, 0.6]), &[(0.0, 0.4), (0.4, 1.0)]),
        ("uneven weights, 3 variations", 3, 1.0, Some(&[0.2, 0.3, 0.5]), &[(0.0, 0.2), (0.2, 0.5), (0.5, 1.0)]),
        (
            "uneven weights, reduced coverage, 3 variations",
            3,
            0.2,
            Some(&[0.2, 0.3, 0.5]),
            &[(0.0, 0.04), (0.2, 0.26), (0.5, 0.6)],
        ),
        ("negative coverage", 2, -0.2, None, &[(0.0, 0.0), (0.5, 0.5)]),
        ("coverage above 1", 2, 1.5, None, &halves),
        ("weights sum below 1", 2, 1.0, Some(&[0.4, 0.1]), &halves),
        ("weights sum above 1", 2, 1.0, Some(&[0.7, 0.6]), &halves),
        ("weights.length not equal to num variations", 4, 1.0, Some(&[0.4, 0.4, 0.2]), &quarters),
        ("weights sum almost equals 1", 2, 1.0, Some(&[0.4, 0.5999]), &[(0.0, 0.4), (0.4, 0.9999)]),
    ];
    for (name, variants, coverage, wanted, expected) in cases {
        let found = ranges(variants, coverage, wanted);
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(near(found.0, expected.0) && near(found.1, expected.1), "{name}: {found:?} {expected:?}");
        }
    }
}

#[test]
fn choose_variation() {
    let (even, reduced) = ([(0.0, 0.5), (0.5, 1.0)], [(0.0, 0.25), (0.5, 0.75)]);
    for (place, expected) in [(0.2, 0), (0.4, 0), (0.6, 1), (0.8, 1), (0.0, 0), (0.5, 1)] {
        assert_eq!(choose(place, &even), Some(expected), "even range, {place}");
    }
    for (place, expected) in [(0.2, Some(0)), (0.4, None), (0.6, Some(1)), (0.8, None), (0.25, None), (0.5, Some(1))] {
        assert_eq!(choose(place, &reduced), expected, "reduced range, {place}");
    }
    assert_eq!(choose(0.5, &[(0.0, 0.5), (0.5, 0.5), (0.5, 1.0)]), Some(2), "zero range");
}

#[test]
fn in_namespace() {
    for (user, group, lower, upper) in [
        ("1", "namespace1", false, true),
        ("1", "namespace2", false, true),
        ("2", "namespace1", false, true),
        ("2", "namespace2", false, true),
        ("3", "namespace1", false, true),
        ("3", "namespace2", true, false),
        ("4", "namespace1", false, true),
        ("4", "namespace2", true, false),
    ] {
        let place = group_place(group, user);
        assert_eq!(((0.0..0.4).contains(&place), (0.4..1.0).contains(&place)), (lower, upper), "{user} {group}");
    }
}

#[test]
fn get_equal_weights() {
    for (count, expected) in [(1, 1.0), (2, 0.5), (3, 0.333_333_33), (4, 0.25)] {
        let found = weights(count, None);
        assert!(found.len() == count && found.iter().all(|weight| near(*weight, expected)), "{found:?}");
    }
    assert!(weights(0, None).is_empty());
}

/// `run`, "Uses seed ..."; and of `feature` "creates experiments properly", of `stickyBucket` the buckets of version 2.
#[test]
fn run() {
    let uses_seed = bucket("foo", "1");
    assert_eq!(choose(uses_seed, &ranges(2, 1.0, None)), Some(1));
    assert_eq!(choose(uses_seed, &ranges(2, 0.99, Some(&[0.5, 0.5]))), Some(1));
    assert!(near(bucket("feature", "123"), 0.5231));
    assert_eq!(choose(0.5231, &[(0.0, 0.1), (0.1, 1.0)]), Some(1));
    let three = ranges(3, 1.0, Some(&[0.3334, 0.3333, 0.3333]));
    assert!(near(bucket("feature-exp", "d123"), 0.6468));
    assert_eq!(choose(bucket("feature-exp", "d123"), &three), Some(1));
    assert!(near(bucket("feature-exp", "i123"), 0.9943));
}
