//! The kinds that run in process.

use anyhow::Result;
use half::f16;
use vitrine_index::{
    Bitmap, Built, Error, Flat, Found, Graph, GraphSettings, Index, Kind, Layered, Level, Scratch, Settings, Stored,
    build,
};

use crate::data::Data;
use crate::suite::{Promise, run};

const ROWS: usize = 4000;
const EXACT: Promise = Promise { recall: 1.0, rounding: 0.0, rows: ROWS };
const CODES: Promise = Promise { recall: 0.999, rounding: 0.0, rows: ROWS };
const LISTS: Promise = Promise { recall: 0.99, rounding: 0.0, rows: 8000 };

/// A stored index in memory: opened anew for each search, as a reader of a file may.
pub(crate) struct InMemory {
    pub(crate) built: Built,
    pub(crate) halves: Vec<f16>,
    pub(crate) dims: usize,
    pub(crate) level: Option<Level>,
}

impl InMemory {
    pub(crate) fn of(data: &Data, kind: Option<Kind>) -> Result<Self> {
        Self::built_with(data, Settings { kind, ..Settings::default() })
    }

    /// With the codes of rows far from where they would lie.
    pub(crate) fn laid(data: &Data, kind: Kind) -> Result<Self> {
        let rows = (data.halves.len() / data.dims) as u32;
        let mut order: Vec<u32> = (0..rows).collect();
        order.sort_by_key(|row| row.wrapping_mul(0x9e37_79b9));
        Self::built_with(data, Settings { kind: Some(kind), order: Some(order), ..Settings::default() })
    }

    fn built_with(data: &Data, settings: Settings) -> Result<Self> {
        let built = build(&data.halves, data.dims, &data.queries, &settings, 2)?;
        Ok(Self { built, halves: data.halves.clone(), dims: data.dims, level: None })
    }

    pub(crate) fn open(&self) -> Result<Stored<'_>, Error> {
        Stored::open(|name| self.built.section(name), &self.halves, self.dims)
    }
}

impl Index for InMemory {
    fn len(&self) -> usize {
        self.halves.len() / self.dims
    }

    fn dims(&self) -> usize {
        self.dims
    }

    fn search(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&Bitmap>,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Error> {
        match self.level {
            None => self.open()?.search(query, k, allowed, scratch, found),
            Some(level) => self.open()?.search(query, k, allowed, &mut Scratch::on(level), found),
        }
    }
}

#[test]
fn exact_f32() -> Result<()> {
    run(EXACT, |data| Ok(Box::new(Flat::new(&data.vectors, data.dims)?)))
}

#[test]
fn exact_f16() -> Result<()> {
    run(EXACT, |data| Ok(Box::new(Flat::new(&data.halves, data.dims)?)))
}

#[test]
fn without_sections() -> Result<()> {
    run(EXACT, |data| Ok(Box::new(Stored::open(|_| None, &data.halves, data.dims)?)))
}

#[test]
fn int8() -> Result<()> {
    run(CODES, |data| {
        let index = InMemory::of(data, Some(Kind::Int8))?;
        index.open()?.verify()?;
        assert_eq!(index.open()?.kind(), Kind::Int8);
        Ok(Box::new(index))
    })
}

#[test]
fn lists() -> Result<()> {
    run(LISTS, |data| {
        let index = InMemory::of(data, Some(Kind::Lists))?;
        index.open()?.verify()?;
        assert_eq!(index.open()?.kind(), Kind::Lists);
        Ok(Box::new(index))
    })
}

#[test]
fn int8_in_another_order() -> Result<()> {
    run(CODES, |data| {
        let index = InMemory::laid(data, Kind::Int8)?;
        index.open()?.verify()?;
        Ok(Box::new(index))
    })
}

#[test]
fn where_codes_lie_changes_nothing_that_is_found() -> Result<()> {
    let data = Data::new(9_000, 40, 20, crate::data::Shape::Crowded, 4);
    for kind in [Kind::Int8, Kind::Lists] {
        let (plain, laid) = (InMemory::of(&data, Some(kind))?, InMemory::laid(&data, kind)?);
        laid.open()?.verify()?;
        for allowed in [None, Some(data.by_chance(0.3, 4)), Some(data.by_chance(0.01, 5)), Some(data.of_category(1))] {
            for query in data.queries() {
                let (plain, laid) = (plain.find(query, 10, allowed.as_ref())?, laid.find(query, 10, allowed.as_ref())?);
                assert_eq!(plain.hits, laid.hits, "{kind:?}");
            }
        }
    }
    let settings = Settings { order: Some(vec![0; 9_000]), ..Settings::default() };
    let refused = build(&data.halves, data.dims, &data.queries, &settings, 1);
    assert!(matches!(refused, Err(Error::Order { rows: 9_000 })));
    Ok(())
}

#[test]
fn graph() -> Result<()> {
    run(Promise { recall: 0.99, rounding: 0.0, rows: 2500 }, |data| {
        let settings = GraphSettings { search_width: 256, ..GraphSettings::default() };
        Ok(Box::new(Graph::build(&data.halves, data.dims, settings)?))
    })
}

/// The last tenth of the rows came after the base was built.
#[test]
fn layered() -> Result<()> {
    run(LISTS, |data| {
        let before = data.rows() * 9 / 10 * data.dims;
        let settings = Settings { kind: Some(Kind::Lists), ..Settings::default() };
        let halves = data.halves[..before].to_vec();
        let built = build(&halves, data.dims, &data.queries, &settings, 2)?;
        let mut index = Layered::new(InMemory { built, halves, dims: data.dims, level: None });
        for vector in data.halves[before..].chunks_exact(data.dims) {
            index.add(vector)?;
        }
        Ok(Box::new(index))
    })
}

/// Every level of instructions gives the same answer to the bit.
#[test]
fn levels_agree() -> Result<()> {
    for kind in [Kind::ExactF16, Kind::Int8, Kind::Lists] {
        let data = Data::new(5000, 83, 20, crate::data::Shape::Crowded, 3);
        let mut index = InMemory::of(&data, Some(kind))?;
        for allowed in [None, Some(data.by_chance(0.3, 4)), Some(data.of_category(0))] {
            for query in data.queries() {
                index.level = Some(Level::Portable);
                let expected = index.find(query, 10, allowed.as_ref())?;
                for level in Level::all() {
                    index.level = Some(level);
                    assert_eq!(index.find(query, 10, allowed.as_ref())?, expected, "{kind:?} {level:?}");
                }
            }
        }
    }
    Ok(())
}

/// What the graph's own search leaves out is what its guards are for: equal rows by the thousand.
#[test]
fn a_graph_of_many_equal_rows_is_whole_or_refused() -> Result<()> {
    let mut data = Data::new(3000, 24, 20, crate::data::Shape::Loose, 9);
    let same = data.halves[..24].to_vec();
    for row in data.halves.chunks_exact_mut(24).take(1500) {
        row.copy_from_slice(&same);
    }
    match Graph::build(&data.halves, 24, GraphSettings::default()) {
        Err(Error::Unreachable { rows, of }) => assert!(rows * 50 > of),
        Err(other) => return Err(other.into()),
        Ok(graph) => {
            let exact = Flat::new(&data.halves, 24)?;
            for row in (1500..3000).step_by(50) {
                let vector: Vec<f32> = exact.vector(row).unwrap().iter().map(|x| x.to_f32()).collect();
                let (found, expected) = (graph.find(&vector, 1, None)?, exact.find(&vector, 1, None)?);
                assert_eq!(found.hits, expected.hits);
            }
        }
    }
    Ok(())
}

/// Between two versions: some rows go, some come, some change.
#[test]
fn changes_between_two_versions_are_seen_at_once() -> Result<()> {
    let data = Data::new(6000, 40, 30, crate::data::Shape::Crowded, 21);
    let base = 5000 * data.dims;
    for (kind, removed) in [(Kind::ExactF16, 30), (Kind::Int8, 900), (Kind::Lists, 2000)] {
        let settings = Settings { kind: Some(kind), ..Settings::default() };
        let halves = data.halves[..base].to_vec();
        let built = build(&halves, data.dims, &data.queries, &settings, 1)?;
        let mut index = Layered::new(InMemory { built, halves, dims: data.dims, level: None });
        for (expected, vector) in (5000..).zip(data.halves[base..].chunks_exact(data.dims)) {
            assert_eq!(index.add(vector)?, expected);
        }
        let gone = Bitmap::from_rows(6000, (0..removed).map(|at| at * 7 % 6000));
        for row in gone.iter() {
            index.remove(row);
            index.remove(row);
        }
        let exact = Flat::new(&data.halves, data.dims)?;
        for filter in [None, Some(data.by_chance(0.2, 8)), Some(data.of_category(0))] {
            let mut left = filter.clone().unwrap_or_else(|| Bitmap::full(6000));
            left.and_not(&gone);
            let (mut right, mut all) = (0, 0);
            for query in data.queries() {
                let (found, expected) = (index.find(query, 10, filter.as_ref())?, exact.find(query, 10, Some(&left))?);
                assert_eq!(found.hits.len(), expected.hits.len());
                assert!(found.rows().all(|row| left.contains(row)));
                right += found.hits.iter().filter(|hit| expected.hits.contains(hit)).count();
                all += expected.hits.len();
            }
            assert!(right as f64 >= all as f64 * 0.99, "{kind:?}: {right} of {all}");
        }
    }
    Ok(())
}
