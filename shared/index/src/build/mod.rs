//! The builder: measures the kinds on held-out queries and writes the one that reads least.

mod cluster;
mod lists;
mod measure;
mod product;
mod report;

use std::sync::{Mutex, PoisonError};

use half::f16;

use crate::about::{self, About, Kind};
use crate::codes::{Coder, MOST_DIMS, stride_of};
use crate::search::rows_in;
use crate::{Bitmap, Error, Stored};

pub use report::{Candidate, Filtered, Measured, Report};

/// What the builder may do.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The recall that a kind must reach to be chosen.
    pub recall: f64,
    /// How many results recall is measured at.
    pub k: usize,
    /// From so many rows on, codes are considered: below, a scan of the numbers takes some microseconds anyway.
    pub codes_from: usize,
    /// From so many rows on, lists are considered: below, a scan of the codes does.
    pub lists_from: usize,
    /// How many lists; without a number, the root of the number of rows.
    pub lists: Option<usize>,
    /// The order in which the codes of rows lie: each row once. Rows that a filter takes together should lie together, as
    /// those of a category. Without one, they lie in the order of their numbers.
    pub order: Option<Vec<u32>>,
    /// The kind to write whatever the measurements; without one, they decide.
    pub kind: Option<Kind>,
    /// Queries measured, at most; they are taken evenly from the given ones.
    pub queries: usize,
    /// Where chance starts.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            recall: 0.99,
            k: 10,
            codes_from: 4_096,
            lists_from: 20_000,
            lists: None,
            order: None,
            kind: None,
            queries: 256,
            seed: 1,
        }
    }
}

/// A part of the index, to be written into the file under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name, one of [`sections`](crate::sections).
    pub name: &'static str,
    /// Bytes of one number: 1, 2, 4 or 8.
    pub width: u32,
    /// Little-endian numbers.
    pub bytes: Vec<u8>,
}

/// An index, ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    /// How it will search.
    pub kind: Kind,
    /// What is to be written beside the vectors.
    pub sections: Vec<Section>,
    /// Why this kind.
    pub report: Report,
}

impl Built {
    /// A section's bytes, for [`Stored::open`].
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&[u8]> {
        self.sections.iter().find(|section| section.name == name).map(|section| section.bytes.as_slice())
    }
}

/// Oversampling of codes: a search for `k` scores `max(TIMES k, k + PLUS)` rows exactly.
const TIMES: u32 = 4;
const PLUS: u32 = 64;

/// Builds the index of row-major vectors, `dims` numbers a row, for queries like the given ones (row-major too; visitor
/// vectors that the model was not fitted to).
///
/// The kinds are compared by recall and by bytes read, never by time, so the same input gives the same bytes, with any
/// number of threads. (Sums of a matrix product depend on the CPU's instructions, as in training.)
///
/// # Errors
/// [`Error::Vectors`] and [`Error::Query`] for shapes that do not fit, [`Error::NotFinite`] for vectors with NaN or
/// infinity.
pub fn build(
    vectors: &[f16],
    dims: usize,
    queries: &[f32],
    settings: &Settings,
    threads: usize,
) -> Result<Built, Error> {
    let rows = rows_in(vectors, dims)?;
    if !queries.len().is_multiple_of(dims) {
        return Err(Error::Query { query: queries.len(), vectors: dims });
    }
    if let Some(at) = vectors.iter().position(|number| !number.is_finite()) {
        return Err(Error::NotFinite { row: (at / dims) as u32 });
    }
    let order = settings.order.as_deref();
    if order.is_some_and(|order| !is_order(order, rows)) {
        return Err(Error::Order { rows });
    }
    let codable = rows > 0 && dims <= MOST_DIMS;
    let wants = |kind, from| settings.kind.map_or(rows >= from, |wanted| wanted == kind || wanted == Kind::Lists);
    let mut parts = Vec::new();
    let coder = (codable && wants(Kind::Int8, settings.codes_from.min(settings.lists_from))).then(|| {
        let coder = Coder::fit(vectors, dims);
        parts.extend(coded(&coder, vectors, dims, order, threads));
        coder
    });
    if let Some(coder) =
        coder.as_ref().filter(|_| settings.kind.map_or(rows >= settings.lists_from, |k| k == Kind::Lists))
    {
        parts.extend(lists::build(coder, vectors, dims, queries, settings, threads));
    }
    let measured = measure::candidates(&parts, vectors, dims, queries, settings, threads)?;
    let report = measure::choose(measured, settings);
    let about = measure::about_of(&report, rows, dims);
    let mut sections = vec![Section { name: about::ABOUT, width: 4, bytes: about.write() }];
    sections.extend(parts.into_iter().filter(|part| belongs(part.name, report.chosen)));
    let json = serde_json::to_vec_pretty(&report).map_err(Error::Report)?;
    sections.push(Section { name: about::REPORT, width: 1, bytes: json });
    Ok(Built { kind: report.chosen, sections, report })
}

/// Whether a kind reads a section.
fn belongs(section: &str, kind: Kind) -> bool {
    match kind {
        Kind::ExactF16 => false,
        Kind::Int8 => [about::CODES, about::SCALES, about::MIDDLES, about::PLACES, about::ORDER].contains(&section),
        Kind::Lists => true,
    }
}

/// The index of some parts as a kind.
fn open<'a>(kind: Kind, parts: &'a [Section], vectors: &'a [f16], dims: usize) -> Result<Stored<'a>, Error> {
    let find = |name: &str| parts.iter().find(|part| part.name == name).map(|part| part.bytes.as_slice());
    let lists = find(about::REACH).map_or(0, |reach| reach.len() / 4) as u32;
    let about = About {
        kind,
        rows: (vectors.len() / dims) as u32,
        dims: dims as u32,
        lists,
        times: TIMES,
        plus: PLUS,
        exact: 0,
        margin: 0.0,
    };
    Stored::open_as(about, find, vectors, dims)
}

fn numbers(name: &'static str, numbers: &[f32]) -> Section {
    Section { name, width: 4, bytes: numbers.iter().flat_map(|number| number.to_le_bytes()).collect() }
}

fn whole_numbers(name: &'static str, numbers: &[u32]) -> Section {
    Section { name, width: 4, bytes: numbers.iter().flat_map(|number| number.to_le_bytes()).collect() }
}

/// Whether an order names every row once.
fn is_order(order: &[u32], rows: usize) -> bool {
    let mut seen = Bitmap::empty(rows);
    order.iter().for_each(|row| seen.insert(*row));
    order.len() == rows && seen.count() == rows
}

fn coded(coder: &Coder, vectors: &[f16], dims: usize, order: Option<&[u32]>, threads: usize) -> Vec<Section> {
    const ROWS: usize = 1024;
    let stride = stride_of(dims);
    let mut codes = vec![0; vectors.len() / dims * stride];
    let blocks = codes.chunks_mut(stride * ROWS).zip((0..).step_by(ROWS));
    share(
        threads,
        blocks,
        || (),
        |_, (codes, first): (&mut [u8], usize), ()| {
            for (codes, place) in codes.chunks_exact_mut(stride).zip(first..) {
                let row = order.and_then(|order| order.get(place)).map_or(place, |row| *row as usize);
                let vector = vectors.get(row * dims..(row + 1) * dims).unwrap_or_default();
                coder.write(vector.iter().map(|number| number.to_f32()), codes);
            }
        },
    );
    let mut sections = vec![
        Section { name: about::CODES, width: 1, bytes: codes },
        numbers(about::SCALES, &coder.scales),
        numbers(about::MIDDLES, &coder.middles),
    ];
    if let Some(order) = order {
        let mut places = vec![0; order.len()];
        for (place, row) in (0..).zip(order) {
            places[*row as usize] = place;
        }
        sections.extend([whole_numbers(about::PLACES, &places), whole_numbers(about::ORDER, order)]);
    }
    sections
}

/// Works through items on some threads, each with memory of its own. What comes out must not depend on who does what.
fn share<T: Send, M>(
    threads: usize,
    items: impl Iterator<Item = T> + Send,
    memory: impl Fn() -> M + Sync,
    work: impl Fn(usize, T, &mut M) + Sync,
) {
    let items = Mutex::new(items.enumerate());
    let run = || {
        let mut memory = memory();
        loop {
            let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((at, item)) = next else { return };
            work(at, item, &mut memory);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.max(1) {
            scope.spawn(run);
        }
        run();
    });
}
