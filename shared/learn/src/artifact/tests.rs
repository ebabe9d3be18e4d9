//! What is packed is what is read, and damage of any kind is found and never fatal.

use proptest::prelude::*;
use vitrine_domain::{Action, Availability, Kind, Product};

use super::container::Writer;
use super::*;
use crate::Interaction;
use crate::dataset::tests::{letters, person, product};
use crate::{Dataset, Question, Scratch, Settings, train};

fn shop() -> Vec<Product> {
    let mut products = letters(5);
    products[0].category = vec!["Grocery".into(), "Pasta".into()];
    products[1].category = vec!["Grocery".into(), "Sauce".into()];
    products[2].category = Vec::new();
    products[0].brand = Some("Zita".into());
    products[1].brand = Some("Anna".into());
    products[0].price = Some(2.5);
    products[0].sale_price = Some(1.5);
    products[1].availability = Availability::OutOfStock;
    products[3].kind = Kind::Content;
    products
}

fn bytes() -> Vec<u8> {
    static ONCE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    ONCE.get_or_init(trained).clone()
}

fn trained() -> Vec<u8> {
    let products = shop();
    let people = [
        person("x", &[(0, Action::View, &["a"]), (1, Action::View, &["b"]), (2, Action::Order, &["a", "b"])]),
        person("y", &[(0, Action::View, &["a"]), (1, Action::View, &["b"]), (2, Action::Order, &["c"])]),
        person("z", &[(0, Action::Order, &["e"]), (1, Action::Order, &["c"])]),
    ];
    let data = Dataset::new(&products, &people, &Default::default()).unwrap();
    let mut settings = Settings::default();
    settings.factors.dims = 4;
    settings.content.dims = 8;
    train(&data, &settings, &mut |_, _, _| ()).unwrap().0
}

fn artifact() -> Artifact {
    let artifact = Artifact::from_bytes(bytes(), &Lineup::default()).unwrap();
    artifact.verify().unwrap();
    artifact
}

#[test]
fn what_is_packed_is_what_is_read() {
    let (artifact, products) = (artifact(), shop());
    assert_eq!((artifact.len(), artifact.is_empty(), artifact.dims()), (5, false, artifact.dims()));
    for (row, product) in (0..).zip(&products) {
        assert_eq!(artifact.id(row), product.id.as_str());
        assert_eq!(artifact.position(product.id.as_str()), Some(row));
        assert_eq!(&serde_json::from_str::<Product>(artifact.product_json(row)).unwrap(), product);
        assert_eq!(artifact.sellable(row), product.is_sellable());
        assert_eq!(artifact.is_content(row), product.kind == Kind::Content);
        assert_eq!(artifact.price(row), product.current_price().map(|price| price as f32));
        assert_eq!(artifact.vector(row), &artifact.vectors()[row as usize * artifact.dims()..][..artifact.dims()]);
        let path: Vec<_> = artifact.categories(row).iter().map(|c| artifact.category_name(*c)).collect();
        assert_eq!(path, product.category);
        let brands: Vec<_> = artifact.brand_names().collect();
        assert_eq!(artifact.brand(row).map(|brand| brands[brand as usize]), product.brand.as_deref());
    }
    assert_eq!(artifact.category_names().collect::<Vec<_>>(), ["Grocery", "Pasta", "Sauce", "Things"]);
    assert_eq!((artifact.position("aa"), artifact.position(""), artifact.position("z")), (None, None, None));
    let parts: Vec<_> = artifact.parts().iter().map(|part| (part.name.as_str(), part.range.clone())).collect();
    assert_eq!(parts[..4], [("factors", 0..4), ("content", 4..12), ("popularity", 12..13), ("view_view", 13..13)]);

    assert_eq!(artifact.neighbours(Pair::ViewView, 0).0, [1]);
    assert_eq!(artifact.neighbours(Pair::OrderTogether, 1).0, [0]);
    assert_eq!(artifact.people(), [2, 2, 2, 0, 1]);
    // c: two orders; a, b and e behind it by what was last looked at and ordered; d: nobody.
    assert_eq!((artifact.popular()[0], artifact.popular()[4]), (2, 3));
    assert_eq!(artifact.popular_in(0).len(), 2);
    assert_eq!(artifact.popular_in(3), [4, 3]);
}

/// Calls everything, with rows that exist and rows that do not.
fn exercise(artifact: &Artifact) {
    for row in (0..artifact.len().min(50) as u32).chain([u32::MAX - 1, u32::MAX]) {
        let _ = (artifact.id(row), artifact.product_json(row), artifact.vector(row), artifact.categories(row));
        let _ = (artifact.brand(row), artifact.price(row), artifact.sellable(row), artifact.is_content(row));
        let _ = (artifact.category_name(row), artifact.popular_in(row));
        for pair in Pair::ALL {
            let (rows, weights) = artifact.neighbours(pair, row);
            assert!(rows.len() == weights.len() || rows.is_empty() || weights.is_empty());
        }
    }
    let _ = (artifact.popularity(), artifact.trending(), artifact.people(), artifact.popular(), artifact.section("x"));
    let _ = (artifact.category_names().count(), artifact.brand_names().count(), artifact.position("c"));
    let history: Vec<Interaction> = (0..9)
        .map(|row| Interaction { row, action: Action::View, age_days: row as f32 })
        .chain([past(u32::MAX)])
        .collect();
    let mut out = vec![0.0; artifact.dims().min(10_000)];
    let mut scratch = Scratch::default();
    artifact.visitor_vector(&history, Question::New, &mut scratch, &mut out);
    let mut tally = crate::Tally::new(artifact.len().min(10_000));
    for part in 0..artifact.parts().len() {
        artifact.part_tally(part, &history, &mut scratch, &mut tally);
        artifact.part_evidence(part, &history, 0, &mut |_, _| ());
    }
}

fn past(row: u32) -> Interaction {
    Interaction { row, action: Action::View, age_days: 0.0 }
}

#[test]
fn rows_that_do_not_exist_are_empty() {
    let artifact = artifact();
    exercise(&artifact);
    for row in [5, u32::MAX] {
        assert_eq!((artifact.id(row), artifact.product_json(row), artifact.vector(row)), ("", "", &[][..]));
        assert_eq!((artifact.brand(row), artifact.price(row), artifact.sellable(row)), (None, None, false));
        assert_eq!(artifact.neighbours(Pair::ViewView, row), (&[][..], &[][..]));
    }
}

#[test]
fn a_mapped_file_is_what_its_bytes_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artifact");
    std::fs::write(&path, bytes()).unwrap();
    let (mapped, owned) = (Artifact::open(&path, &Lineup::default()).unwrap(), artifact());
    mapped.verify().unwrap();
    assert_eq!(mapped.vectors(), owned.vectors());
    assert_eq!(mapped.vectors().as_ptr().align_offset(64), 0, "sections of a mapped file are aligned for wide loads");

    std::fs::write(&path, b"").unwrap();
    assert!(matches!(Artifact::open(&path, &Lineup::default()), Err(Error::Magic)));
    assert!(matches!(Artifact::open(folder.path().join("none"), &Lineup::default()), Err(Error::Read(_))));
}

#[test]
fn threads_may_share_an_artifact() {
    fn shared<T: Send + Sync>() {}
    shared::<Artifact>();
}

#[test]
fn what_is_no_artifact_or_too_new_says_so() {
    assert!(matches!(Artifact::from_bytes(Vec::new(), &Lineup::default()), Err(Error::Magic)));
    assert!(matches!(Artifact::from_bytes(b"{\"products\": []}".to_vec(), &Lineup::default()), Err(Error::Magic)));
    let mut newer = bytes();
    newer[8] = 9;
    let error = Artifact::from_bytes(newer, &Lineup::default()).unwrap_err();
    assert_eq!(error.to_string(), "the artifact has format 9, this program reads 2");
    let mut longer = bytes();
    longer.push(0);
    assert!(matches!(Artifact::from_bytes(longer, &Lineup::default()), Err(Error::Length { .. })));
}

#[test]
fn the_format_stays_what_is_documented() {
    let bytes = bytes();
    let head: Vec<u8> = [&b"VITRINE\x1a"[..], &[1, 0, 0, 0], &[34, 0, 0, 0]].concat();
    assert_eq!(bytes[..16], head);
    assert_eq!(bytes[16..24], (bytes.len() as u64).to_le_bytes());
    let sections = container::read(&bytes).unwrap();
    let names: Vec<String> = sections.iter().map(|s| format!("{} {}", s.name, s.width)).collect();
    let document = include_str!("../../ARTIFACT.md");
    let mut documented = Vec::new();
    for row in document.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let width = match cells[2] {
            "text" => 1,
            "f16" => 2,
            "u32" | "f32" => 4,
            "u64" => 8,
            other => panic!("{other}"),
        };
        documented.push(format!("{} {width}", cells[1].trim_matches('`')));
    }
    assert_eq!(names, documented);
    assert!(sections.iter().all(|section| section.bytes.start % 64 == 0));
}

#[test]
fn sections_that_others_add_are_carried_along() {
    let mut writer = Writer::default();
    let bytes = bytes();
    for section in container::read(&bytes).unwrap() {
        let content = bytes[section.bytes.clone()].to_vec();
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
    writer.text("index", b"lists".to_vec());
    let artifact = Artifact::from_bytes(writer.finish(), &Lineup::default()).unwrap();
    artifact.verify().unwrap();
    assert_eq!((artifact.section("index"), artifact.section("none")), (Some(&b"lists"[..]), None));
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
    for (name, value) in [
        ("view_view.rows", 99_u32),
        ("view_view.at", 7),
        ("paths", 99),
        ("leaders", 5),
        ("popular", 5),
        ("brand", 2),
        ("vectors", u32::MAX),
        ("factors.gram", f32::INFINITY.to_bits()),
        ("wanted", f32::NAN.to_bits()),
        ("view_view.weights", u32::MAX),
        ("ids", u32::MAX),
        ("ids.at", 3),
    ] {
        let at = sections.iter().position(|section| section.name == name).unwrap();
        let range = sections[at].bytes.clone();
        let mut wrong = original.clone();
        wrong[range.start..range.start + 4].copy_from_slice(&value.to_le_bytes());
        sign(&mut wrong, at, range);
        let artifact = Artifact::from_bytes(wrong, &Lineup::default()).unwrap();
        exercise(&artifact);
        assert!(artifact.verify().is_err(), "{name}");
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
        if container_count(&bytes) <= 1_024 && 64 + container_count(&bytes) * 64 < bytes.len() {
            let range = sections[0].bytes.clone();
            sign(&mut bytes, 0, range);
        }
        if let Ok(artifact) = Artifact::from_bytes(bytes, &Lineup::default()) {
            let _ = artifact.verify();
            exercise(&artifact);
        }
    }
}

#[test]
fn a_product_seen_twice_is_one_product_of_twice_the_interest() {
    let artifact = artifact();
    let range = artifact.range("factors");
    let mut twice = [0.0; 4];
    let place = artifact.parts().iter().position(|part| part.name == "factors").unwrap();
    artifact.part_query(place, &[past(1), past(0), past(1)], &mut Scratch::default(), &mut twice);
    let vector = |row| artifact.vector(row)[range.clone()].iter().map(|x| x.to_f32()).collect::<Vec<_>>();
    let (seen, confidence) = ([(vector(1), 2.0), (vector(0), 1.0)], artifact.numbers::<f32>("factors.confidence"));
    let confidence = crate::factors::Confidence { scale: confidence[0], half_life_days: confidence[1] };
    let mut expected = [0.0; 4];
    let seen = seen.iter().map(|(vector, interest)| (&vector[..], *interest));
    crate::factors::fold_in(artifact.numbers("factors.gram"), confidence, seen, &mut expected);
    assert_eq!(twice, expected);
    assert!(twice.iter().any(|x| *x != 0.0));
}

#[test]
fn without_a_history_only_popularity_is_left() {
    let artifact = artifact();
    let at = artifact.range("popularity").start;
    for question in Question::ALL {
        let ask = |history: &[Interaction], out: &mut [f32]| {
            artifact.visitor_vector(history, question, &mut Scratch::default(), out);
        };
        let weight = artifact.parts()[2].weight(question);
        assert!(weight > 0.0);
        let mut only = vec![0.0; artifact.dims()];
        only[at] = weight;
        for history in [&[][..], &[Interaction { row: 0, action: Action::Refund, age_days: 1.0 }]] {
            let mut out = vec![9.0; artifact.dims()];
            ask(history, &mut out);
            assert_eq!(out, only);
        }
        let mut short = vec![9.0; artifact.dims() - 1];
        ask(&[past(0)], &mut short);
        assert!(short.iter().all(|x| *x == 0.0));
    }
}

#[test]
fn names_of_products_may_be_anything() {
    let products = [product("π", "Törtchen", &["Süßes"]), product("a b/c", "", &[""])];
    let data = Dataset::new(&products, &[], &Default::default()).unwrap();
    let (bytes, _) = train(&data, &Settings::default(), &mut |_, _, _| ()).unwrap();
    let artifact = Artifact::from_bytes(bytes, &Lineup::default()).unwrap();
    artifact.verify().unwrap();
    assert_eq!((artifact.position("π"), artifact.position("a b/c")), (Some(1), Some(0)));
    assert_eq!(artifact.category_names().collect::<Vec<_>>(), ["", "Süßes"]);
}
