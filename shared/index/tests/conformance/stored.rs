//! The stored form: the same bytes every time, opened without reading, safe whatever the bytes.

use anyhow::Result;
use vitrine_index::{Bitmap, Error, Found, Index, Kind, Report, Scratch, Settings, Stored, build, sections};

use crate::data::{Chance, Data, Shape};
use crate::kinds::InMemory;

#[test]
fn any_number_of_threads_gives_the_same_bytes() -> Result<()> {
    let data = Data::new(21_000, 32, 64, Shape::Crowded, 5);
    let settings = Settings::default();
    let one = build(&data.halves, 32, &data.queries, &settings, 1)?;
    let three = build(&data.halves, 32, &data.queries, &settings, 3)?;
    assert_eq!(one, three);
    // So that lists are compared too.
    assert_eq!(one.report.candidates.len(), 3);
    let kind = Some(Kind::Lists);
    let lists = |threads| build(&data.halves, 32, &data.queries, &Settings { kind, ..Settings::default() }, threads);
    assert_eq!(lists(1)?, lists(3)?);
    Ok(())
}

#[test]
fn the_builder_chooses_by_size_and_says_why() -> Result<()> {
    for (rows, dims, shape, kind) in [
        (300, 32, Shape::Crowded, Kind::ExactF16),
        (5_000, 32, Shape::Crowded, Kind::Int8),
        (40_000, 32, Shape::Crowded, Kind::Lists),
        (21_000, 128, Shape::Loose, Kind::Int8),
    ] {
        let data = Data::new(rows, dims, 128, shape, 5);
        let built = build(&data.halves, dims, &data.queries, &Settings::default(), 2)?;
        assert_eq!(built.kind, kind, "{rows} rows: {:#?}", built.report);
        let json = built.section(sections::REPORT).unwrap();
        let report: Report = serde_json::from_slice(json)?;
        assert_eq!(report, built.report);
        assert!(report.why.contains("graph") && report.why.starts_with(kind.name()), "{}", report.why);
        let chosen = report.candidates.iter().find(|candidate| candidate.kind == kind).unwrap();
        assert!(chosen.reaches && chosen.unfiltered.recall >= 0.99, "{chosen:#?}");
        // Lists touch a part; everything else touches all.
        let all = kind != Kind::Lists;
        assert_eq!(chosen.unfiltered.touched == rows as f64, all, "{chosen:#?}");
    }
    Ok(())
}

#[test]
fn without_queries_rows_stand_in() -> Result<()> {
    let data = Data::new(5_000, 20, 0, Shape::Crowded, 5);
    let built = build(&data.halves, 20, &[], &Settings::default(), 2)?;
    assert!(!built.report.held_out && built.report.queries > 0);
    let empty = build(&[], 20, &[], &Settings::default(), 2)?;
    assert_eq!((empty.kind, empty.report.rows), (Kind::ExactF16, 0));
    let index = Stored::open(|name| empty.section(name), &[], 20)?;
    assert!(index.is_empty() && index.find(&[1.0; 20], 5, None)?.hits.is_empty());
    Ok(())
}

#[test]
fn what_is_no_number_is_refused() {
    let mut data = Data::new(100, 8, 1, Shape::Crowded, 5);
    data.halves[8 * 42 + 3] = half::f16::NAN;
    let refused = build(&data.halves, 8, &data.queries, &Settings::default(), 1);
    assert!(matches!(refused, Err(Error::NotFinite { row: 42 })));
    let refused = build(&data.halves[1..], 8, &data.queries, &Settings::default(), 1);
    assert!(matches!(refused, Err(Error::Vectors { .. })));
    let refused = build(&data.halves, 8, &data.queries[1..], &Settings::default(), 1);
    assert!(matches!(refused, Err(Error::Query { .. })));
}

#[test]
fn later_searches_find_the_same_in_what_the_first_one_kept() -> Result<()> {
    let (rows, dims) = (6_000, 32);
    let data = Data::new(rows, dims, 20, Shape::Crowded, 5);
    let kinds = [
        InMemory::of(&data, Some(Kind::ExactF16))?,
        InMemory::of(&data, Some(Kind::Int8))?,
        InMemory::laid(&data, Kind::Int8)?,
    ];
    for index in &kinds {
        let stored = index.open()?;
        let (mut scratch, mut found, mut chance, mut compared) = (Scratch::default(), Found::default(), Chance(7), 0);
        for query in data.queries.chunks_exact(dims) {
            let allowed = Bitmap::from_fn(rows, |_| chance.below(3) == 0);
            stored.search_keeping(query, 60, &allowed, &mut scratch, &mut found)?;
            assert_eq!(found.hits, stored.find(query, 60, Some(&allowed))?.hits);
            for share in [1, 2, 5, 40, 400, 4_000] {
                let mut some = Bitmap::from_fn(rows, |_| chance.below(share) == 0);
                some.and(&allowed);
                for k in [0, 1, 20, 100] {
                    stored.search_kept(query, k, &some, &mut scratch, &mut found)?;
                    assert_eq!(found.hits, stored.find(query, k, Some(&some))?.hits, "{k} of {}", some.count());
                    compared += found.touched;
                }
            }
        }
        assert!(compared > 0, "few rows are compared again");
    }
    Ok(())
}

#[test]
fn sections_may_lie_anywhere() -> Result<()> {
    let data = Data::new(5_000, 30, 20, Shape::Crowded, 5);
    for kind in [Kind::Int8, Kind::Lists] {
        let index = InMemory::of(&data, Some(kind))?;
        for shift in 1..4 {
            let moved: Vec<(&str, Vec<u8>)> = index
                .built
                .sections
                .iter()
                .map(|section| (section.name, [&vec![7; shift], section.bytes.as_slice()].concat()))
                .collect();
            let find = |name: &str| moved.iter().find(|(known, _)| *known == name).map(|(_, bytes)| &bytes[shift..]);
            let opened = Stored::open(find, &data.halves, 30)?;
            opened.verify()?;
            for query in data.queries() {
                assert_eq!(opened.find(query, 10, None)?, index.find(query, 10, None)?);
            }
        }
    }
    Ok(())
}

/// Bits flip, sections are cut or lost: a search ends, and a full check tells.
#[test]
fn damaged_sections_never_panic() -> Result<()> {
    let data = Data::new(5_000, 20, 6, Shape::Crowded, 5);
    let index = InMemory::laid(&data, Kind::Lists)?;
    let filter = data.by_chance(0.4, 3);
    let mut chance = Chance(1);
    let (mut refused, mut caught) = (0, 0);
    for round in 0..400 {
        let mut damaged = index.built.clone();
        let at = chance.below(damaged.sections.len());
        let bytes = &mut damaged.sections[at].bytes;
        match round % 4 {
            0 => bytes.truncate(chance.below(bytes.len())),
            1 => bytes.clear(),
            2 => (0..8).for_each(|_| {
                let place = chance.below(bytes.len());
                bytes[place] = chance.next() as u8;
            }),
            _ => bytes.fill(chance.next() as u8),
        }
        match Stored::open(|name| damaged.section(name), &data.halves, 20) {
            Err(_) => refused += 1,
            Ok(opened) => {
                caught += usize::from(opened.verify().is_err());
                for query in data.queries() {
                    for allowed in [None, Some(&filter)] {
                        let found = opened.find(query, 10, allowed)?;
                        assert!(found.rows().all(|row| (row as usize) < data.rows()));
                    }
                }
            }
        }
    }
    assert!(refused > 100 && caught > 50, "{refused} refused, {caught} caught");
    Ok(())
}

#[test]
fn a_header_of_other_vectors_is_refused() -> Result<()> {
    let data = Data::new(5_000, 20, 6, Shape::Crowded, 5);
    let index = InMemory::of(&data, Some(Kind::Int8))?;
    let open = |vectors, dims| Stored::open(|name| index.built.section(name), vectors, dims);
    assert!(matches!(open(&data.halves[20..], 20), Err(Error::Stored { section: sections::ABOUT, .. })));
    assert!(matches!(open(&data.halves, 10), Err(Error::Stored { section: sections::ABOUT, .. })));
    let lost = Stored::open(|name| index.built.section(name).filter(|_| name != sections::CODES), &data.halves, 20);
    assert!(matches!(lost, Err(Error::Stored { section: sections::CODES, problem: "is missing" })));
    Ok(())
}

#[test]
fn every_section_is_documented() -> Result<()> {
    let data = Data::new(5_000, 20, 6, Shape::Crowded, 5);
    let document = include_str!("../../../learn/ARTIFACT.md");
    for section in InMemory::laid(&data, Kind::Lists)?.built.sections {
        assert!(document.contains(&format!("`{}`", section.name)), "{} is not in ARTIFACT.md", section.name);
    }
    Ok(())
}
