//! Damage of any kind is found and never fatal.

use proptest::prelude::*;

use super::*;

/// Calls everything, with rows that exist and rows that do not.
pub(super) fn exercise(artifact: &Artifact) {
    for row in (0..artifact.len().min(50) as u32).chain([u32::MAX - 1, u32::MAX]) {
        let _ = (artifact.id(row), artifact.product_json(row), artifact.vector(row), artifact.categories(row));
        let _ = (artifact.brand(row), artifact.price(row), artifact.sellable(row), artifact.is_content(row));
        let _ = (artifact.category_name(row), artifact.popular_in(row), artifact.margin(row));
        for pair in Pair::ALL {
            let (rows, weights) = artifact.neighbours(pair, row);
            assert!(rows.len() == weights.len() || rows.is_empty() || weights.is_empty());
        }
    }
    let _ = (artifact.popularity(), artifact.trending(), artifact.people(), artifact.popular(), artifact.section("x"));
    let _ = (artifact.category_names().count(), artifact.brand_names().count(), artifact.position("c"));
    let _ = (artifact.conversion(), artifact.column("x"));
    for column in artifact.column_names().into_iter().filter_map(|name| artifact.column(name)) {
        for row in [0, 4, 5, u32::MAX - 1, u32::MAX] {
            match column {
                Column::Texts(texts) => {
                    let _ = texts.codes(row).iter().filter_map(|code| texts.code_of(texts.text(*code))).count();
                    let _ = (texts.text(row), texts.all_codes(), texts.names().take(100).count());
                }
                Column::NumberLists(lists) => assert!(lists.of(row).len() <= lists.all().1.len()),
                Column::Numbers(_) | Column::Flags(_) => (),
            }
        }
    }
    let history: Vec<Interaction> = (0..9)
        .map(|row| Interaction { row, action: Action::View, age_days: (9 - row) as f32 / 1_000.0 })
        .chain([past(u32::MAX)])
        .collect();
    let mut out = vec![0.0; artifact.dims().min(10_000)];
    let mut scratch = Scratch::default();
    artifact.visitor_vector(&history, Question::New, &mut scratch, &mut out);
    let mut tally = crate::Tally::new(artifact.len().min(10_000));
    for part in 0..artifact.parts().len() {
        artifact.part_tally(part, &history, &mut scratch, &mut tally);
        artifact.part_evidence(part, &history, &[0, 4, u32::MAX], &mut scratch, &mut |_, _, _| ());
    }
    // Vectors given for a visitor, and anybody's.
    for visitor in ["x", "stranger"] {
        scratch.visitor = Some(Scratch::visitor_key(&Visitor::known(visitor).unwrap()));
        artifact.visitor_vector(&history, Question::Any, &mut scratch, &mut out);
    }
}

#[test]
fn what_is_no_artifact_or_too_new_says_so() {
    assert!(matches!(Artifact::from_bytes(Vec::new(), &Lineup::default()), Err(Error::Magic)));
    assert!(matches!(Artifact::from_bytes(b"{\"products\": []}".to_vec(), &Lineup::default()), Err(Error::Magic)));
    let mut newer = bytes();
    newer[8] = 9;
    let error = Artifact::from_bytes(newer, &Lineup::default()).unwrap_err();
    assert_eq!(error.to_string(), "the artifact has format 9, this program reads 3");
    let mut longer = bytes();
    longer.push(0);
    assert!(matches!(Artifact::from_bytes(longer, &Lineup::default()), Err(Error::Length { .. })));
}

/// The same file with other sections: `change` may leave a section out or write other bytes.
fn rewritten(change: impl Fn(&str, Vec<u8>) -> Option<Vec<u8>>, more: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut writer, bytes) = (Writer::default(), bytes());
    for section in container::read(&bytes).unwrap() {
        let Some(content) = change(&section.name, bytes[section.bytes].to_vec()) else { continue };
        match section.width {
            1 => writer.text(section.name, content),
            2 => writer.f16s(
                section.name,
                &content.chunks(2).map(|x| f16::from_le_bytes(x.try_into().unwrap())).collect::<Vec<_>>(),
            ),
            4 => writer.u32s(section.name, content.chunks(4).map(|x| u32::from_le_bytes(x.try_into().unwrap()))),
            _ => writer.u64s(section.name, content.chunks(8).map(|x| u64::from_le_bytes(x.try_into().unwrap()))),
        }
    }
    more.iter().for_each(|(name, content)| writer.text(*name, content.to_vec()));
    writer.finish()
}

/// What opening and verifying say of a file.
fn verdict(bytes: Vec<u8>) -> Result<(), Error> {
    let artifact = Artifact::from_bytes(bytes, &Lineup::default())?;
    exercise(&artifact);
    artifact.verify()
}

/// Whether an error is about a section of the same part.
fn speaks_of(error: &Error, name: &str) -> bool {
    let part = |name: &str| name.split('.').next().map(str::to_owned);
    matches!(error, Error::Damaged { section, .. } if part(section) == part(name))
}

#[test]
fn sections_that_others_add_are_carried_along() {
    let bytes = rewritten(|_, content| Some(content), &[("index", b"lists")]);
    let artifact = Artifact::from_bytes(bytes, &Lineup::default()).unwrap();
    artifact.verify().unwrap();
    assert_eq!((artifact.section("index"), artifact.section("none")), (Some(&b"lists"[..]), None));
}

#[test]
fn every_section_is_missed_and_must_be_whole() {
    let original = bytes();
    for section in container::read(&original).unwrap() {
        let name = section.name.as_str();
        let without = rewritten(|other, content| (other != name).then_some(content), &[]);
        let error = verdict(without).expect_err(name);
        assert!(speaks_of(&error, name), "{name}: {error}");
        // The most popular products may be any number.
        if section.bytes.is_empty() || name == "popular" {
            continue;
        }
        let less = section.bytes.len() - section.width as usize;
        let shorter = |other: &str, content: Vec<u8>| {
            let len = if other == name { less } else { content.len() };
            Some(content[..len].to_vec())
        };
        let error = verdict(rewritten(shorter, &[])).expect_err(name);
        assert!(speaks_of(&error, name), "{name}: {error}");
    }
}

/// Writes checksums that fit, as a wrong writer would.
fn sign(bytes: &mut [u8], section: usize, range: Range<usize>) {
    let entry = 64 + section * 64 + 56;
    let checksum = crc32fast::hash(&bytes[range]).to_le_bytes();
    bytes[entry..entry + 4].copy_from_slice(&checksum);
    bytes[24..28].fill(0);
    let table = 64 + container_count(bytes) * 64;
    let checksum = crc32fast::hash(&bytes[..table]).to_le_bytes();
    bytes[24..28].copy_from_slice(&checksum);
}

fn container_count(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize
}

#[test]
fn wrong_numbers_with_right_checksums_are_found() {
    let original = bytes();
    let sections = container::read(&original).unwrap();
    let f64_infinity = (f64::INFINITY.to_bits() >> 32) as u32;
    let (infinite, nan) = (f32::INFINITY.to_bits(), f32::NAN.to_bits());
    for (name, value) in [
        ("view_view.rows", 99_u32),
        ("view_view.at", 7),
        ("view_view.weights", u32::MAX),
        ("view_view.decay", 1.5_f32.to_bits()),
        ("order_next.decay", nan),
        ("category", 99),
        ("leaders", 5),
        ("popular", 5),
        ("brand", 2),
        ("ids", u32::MAX),
        ("ids.at", 3),
        ("columns", u32::MAX),
        ("columns.at", 3),
        ("columns.types", 9),
        // availability: one text each; colour: lists of texts; organic: flags; price: numbers; sizes: lists of numbers.
        ("column.0", 99),
        ("column.0.texts", u32::MAX),
        ("column.0.texts.at", 3),
        ("column.1", u32::MAX),
        ("column.1.at", 7),
        ("column.4", 3),
        ("column.5", f64_infinity),
        ("column.9", f64_infinity),
        ("column.9.at", 7),
        ("margin", infinite),
        ("conversion", nan),
        ("conversion", 1.5_f32.to_bits()),
        ("vectors", u32::MAX),
        ("wanted", nan),
        ("trending", infinite),
        ("encoder.shape", 16),
        ("encoder.shape", u32::MAX),
        ("encoder.weights", nan),
        ("factors.gram", infinite),
        ("factors.confidence", nan),
        ("paths.decay", (-0.5_f32).to_bits()),
        ("content.decay", infinite),
        ("sessions.starts", 7),
        ("sessions.rows", 99),
        ("sessions.posting_starts", 7),
        ("sessions.postings", 99),
        ("sessions.gains", nan),
        ("sessions.idf", infinite),
        ("sessions.penalties", nan),
        ("sessions.parameters", infinite),
        ("repurchase.rates", nan),
        ("repurchase.intervals", infinite),
        ("repurchase.globals", nan),
        ("own:images.decay", nan),
        ("own:images.visitors", u32::MAX),
        ("own:images.given", u32::MAX),
    ] {
        let at = sections.iter().position(|section| section.name == name).unwrap();
        let range = sections[at].bytes.clone();
        let mut wrong = original.clone();
        // Of wide numbers the half that counts for their order.
        let start = range.start + if ["own:images.visitors", "column.5", "column.9"].contains(&name) { 4 } else { 0 };
        wrong[start..start + 4].copy_from_slice(&value.to_le_bytes());
        sign(&mut wrong, at, range);
        let error = verdict(wrong).expect_err(name);
        assert!(speaks_of(&error, name), "{name}: {error}");
    }
}

/// Opens, uses and verifies bytes that are not as they were written.
fn damage_is_found(bytes: Vec<u8>) -> Result<(), TestCaseError> {
    if let Ok(artifact) = Artifact::from_bytes(bytes, &Lineup::default()) {
        exercise(&artifact);
        prop_assert!(artifact.verify().is_err());
    }
    Ok(())
}

proptest! {
    #[test]
    fn cut_files_are_refused(cut in any::<prop::sample::Index>()) {
        let mut bytes = bytes();
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(Artifact::from_bytes(bytes, &Lineup::default()).is_err());
    }

    #[test]
    fn flipped_bits_are_found(flips in prop::collection::vec(any::<prop::sample::Index>(), 1..5)) {
        let mut bytes = bytes();
        let bits: std::collections::BTreeSet<usize> = flips.iter().map(|flip| flip.index(bytes.len() * 8)).collect();
        bits.iter().for_each(|bit| bytes[bit / 8] ^= 1 << (bit % 8));
        damage_is_found(bytes)?;
    }

    #[test]
    fn nonsense_with_right_checksums_never_panics(
        at in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        values in prop::collection::vec(prop_oneof![any::<u8>(), Just(0_u8), Just(255_u8)], 1..9),
    ) {
        let mut bytes = bytes();
        let sections = container::read(&bytes).unwrap();
        let at = at.index(sections.len());
        let range = sections[at].bytes.clone();
        if range.is_empty() {
            return Ok(());
        }
        let start = range.start + place.index(range.len());
        bytes[start..range.end].iter_mut().zip(values).for_each(|(byte, value)| *byte = value);
        sign(&mut bytes, at, range);
        if let Ok(artifact) = Artifact::from_bytes(bytes, &Lineup::default()) {
            let _ = artifact.verify();
            exercise(&artifact);
        }
    }

    #[test]
    fn nonsense_in_the_table_never_panics(
        place in any::<prop::sample::Index>(),
        values in prop::collection::vec(prop_oneof![any::<u8>(), Just(0_u8), Just(255_u8)], 1..9),
    ) {
        let mut bytes = bytes();
        let sections = container::read(&bytes).unwrap();
        let table = 8 + place.index(56 + sections.len() * 64);
        bytes[table..].iter_mut().zip(values).for_each(|(byte, value)| *byte = value);
        if container_count(&bytes) <= 4_096 && 64 + container_count(&bytes) * 64 < bytes.len() {
            let range = sections[0].bytes.clone();
            sign(&mut bytes, 0, range);
        }
        if let Ok(artifact) = Artifact::from_bytes(bytes, &Lineup::default()) {
            let _ = artifact.verify();
            exercise(&artifact);
        }
    }
}
