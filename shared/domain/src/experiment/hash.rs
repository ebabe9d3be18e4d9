//! The public hash of GrowthBook, by which visitors are divided (docs.growthbook.io/lib/build-your-own, "Hash
//! Function",
//! `getBucketRanges`, `chooseVariation`, `inNamespace`). Its published cases are the tests.

/// FNV-1a, 32 bits, over UTF-16 code units as in the reference implementation.
#[must_use]
pub fn fnv1a32(text: &str) -> u32 {
    text.encode_utf16().fold(0x811c_9dc5, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193))
}

/// A visitor's place, 0 to .9999 in steps of a ten-thousandth: version 2 of the hash, which hashes twice so that the
/// places of one visitor under different seeds are independent.
#[must_use]
pub fn bucket(seed: &str, visitor: &str) -> f64 {
    let first = fnv1a32(&format!("{seed}{visitor}"));
    f64::from(fnv1a32(&first.to_string()) % 10_000) / 10_000.0
}

/// A visitor's place in an exclusive group, 0 to .999 in steps of a thousandth: version 1 of the hash, as published for
/// namespaces.
#[must_use]
pub fn group_place(group: &str, visitor: &str) -> f64 {
    old_bucket(&format!("__{group}"), visitor)
}

/// Version 1 of the hash.
pub(super) fn old_bucket(seed: &str, visitor: &str) -> f64 {
    f64::from(fnv1a32(&format!("{visitor}{seed}")) % 1_000) / 1_000.0
}

/// The shares of variants: those that are wanted, or equal ones where there are none, another number of them, or their
/// sum is more than a hundredth away from one.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "few variants")]
pub fn weights(variants: usize, wanted: Option<&[f64]>) -> Vec<f64> {
    let fits = |weights: &&[f64]| weights.len() == variants && (0.99..=1.01).contains(&weights.iter().sum::<f64>());
    wanted.filter(fits).map_or_else(|| vec![1.0 / variants as f64; variants], <[f64]>::to_vec)
}

/// The places that belong to each variant, from and to before. With a coverage below one each keeps its beginning, so
/// that nobody changes variant when the coverage grows.
#[must_use]
pub fn ranges(variants: usize, coverage: f64, wanted: Option<&[f64]>) -> Vec<(f64, f64)> {
    let coverage = coverage.clamp(0.0, 1.0);
    let mut from = 0.0;
    let range = |weight: f64| {
        let range = (from, from + coverage * weight);
        from += weight;
        range
    };
    weights(variants, wanted).into_iter().map(range).collect()
}

/// The variant whose places hold this one.
#[must_use]
pub fn choose(place: f64, ranges: &[(f64, f64)]) -> Option<usize> {
    ranges.iter().position(|(from, to)| place >= *from && place < *to)
}
