//! The contract of every kind, the memory a search reuses, and the scan that all kinds fall back to.

use crate::found::{Found, Top, rank_of};
use crate::kernel::{Level, Number};
use crate::list::Lists;
use crate::{Bitmap, Error, Prepared};

/// Rows that one call of an inner loop scores: their scores stay in the first cache.
pub(crate) const BLOCK: usize = 1024;

/// An index: the largest dot products with a query among the allowed rows. The crate's documentation has the contract.
pub trait Index: Send + Sync {
    /// How many rows there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many dimensions a query has.
    fn dims(&self) -> usize;

    /// Finds the best `k` rows among the allowed ones, or among all; rows of the set beyond the index are ignored.
    /// `found` is overwritten. After a few searches neither it nor `scratch` allocates any more.
    ///
    /// # Errors
    /// [`Error::Query`] if the query does not have [`dims`](Self::dims) numbers.
    fn search(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&Bitmap>,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Error>;

    /// [`search`](Self::search) with memory of its own: for tests and tools.
    ///
    /// # Errors
    /// As there.
    fn find(&self, query: &[f32], k: usize, allowed: Option<&Bitmap>) -> Result<Found, Error> {
        let mut found = Found::default();
        self.search(query, k, allowed, &mut Scratch::default(), &mut found)?;
        Ok(found)
    }
}

/// Memory that searches reuse; one for each thread that searches.
#[derive(Debug, Clone)]
pub struct Scratch {
    pub(crate) level: Level,
    pub(crate) rows: Vec<u32>,
    pub(crate) scores: Vec<f32>,
    pub(crate) sums: Vec<i32>,
    pub(crate) top: Top,
    pub(crate) wider: Top,
    pub(crate) prepared: Prepared,
    pub(crate) lists: Lists,
    pub(crate) filter: Bitmap,
    /// Allowed rows as places.
    pub(crate) laid_out: Bitmap,
    pub(crate) places: Vec<u32>,
    pub(crate) kept: Kept,
}

/// Coarse scores of one search, for later searches among the same rows by the same query.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    /// Whether the next scan is to be kept.
    pub(crate) wanted: bool,
    /// Whether a scan was.
    pub(crate) full: bool,
    /// Every allowed row and its sum.
    pub(crate) sums: Vec<(u32, i32)>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self::on(Level::best())
    }
}

impl Scratch {
    /// Memory for searches on some instructions instead of the best ones; the results are the same.
    #[must_use]
    pub fn on(level: Level) -> Self {
        Self {
            level,
            rows: Vec::new(),
            scores: Vec::new(),
            sums: Vec::new(),
            top: Top::default(),
            wider: Top::default(),
            prepared: Prepared::default(),
            lists: Lists::default(),
            filter: Bitmap::default(),
            laid_out: Bitmap::default(),
            places: Vec::new(),
            kept: Kept::default(),
        }
    }
}

/// How many rows of `dims` numbers the vectors are.
pub(crate) fn rows_in<T>(vectors: &[T], dims: usize) -> Result<usize, Error> {
    let rows = vectors.len().checked_div(dims).unwrap_or(0);
    if dims == 0 || rows * dims != vectors.len() || u32::try_from(rows).is_err() {
        return Err(Error::Vectors { len: vectors.len(), dims });
    }
    Ok(rows)
}

pub(crate) const fn check_query(query: &[f32], dims: usize) -> Result<(), Error> {
    if query.len() == dims { Ok(()) } else { Err(Error::Query { query: query.len(), vectors: dims }) }
}

/// Vectors in a slice, row-major: the exact scan, without build and right by construction. `f32` or [`half::f16`].
#[derive(Debug, Clone, Copy)]
pub struct Flat<'a, T> {
    vectors: &'a [T],
    dims: usize,
    rows: usize,
}

impl<'a, T: Number> Flat<'a, T> {
    /// The scan of row-major vectors, `dims` numbers a row.
    ///
    /// # Errors
    /// [`Error::Vectors`] if they are not whole rows.
    pub fn new(vectors: &'a [T], dims: usize) -> Result<Self, Error> {
        Ok(Self { vectors, dims, rows: rows_in(vectors, dims)? })
    }

    /// The vector of a row.
    #[must_use]
    pub fn vector(&self, row: u32) -> Option<&'a [T]> {
        let start = (row as usize).checked_mul(self.dims)?;
        self.vectors.get(start..start.checked_add(self.dims)?)
    }

    /// Writes the exact scores of the given rows, in their order, over `out`; a row that does not exist scores NaN.
    ///
    /// # Errors
    /// [`Error::Query`] if the query has another number of dimensions.
    pub fn scores_of(&self, query: &[f32], rows: &[u32], out: &mut Vec<f32>) -> Result<(), Error> {
        self.scores_on(Level::best(), query, rows, out)
    }

    pub(crate) fn scores_on(&self, level: Level, query: &[f32], rows: &[u32], out: &mut Vec<f32>) -> Result<(), Error> {
        check_query(query, self.dims)?;
        out.clear();
        out.resize(rows.len(), 0.0);
        T::gather(level, query, self.vectors, rows, out);
        Ok(())
    }

    /// A search that adds its work to what has been counted.
    pub(crate) fn search_more(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&Bitmap>,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Error> {
        check_query(query, self.dims)?;
        if k == 0 {
            return Ok(());
        }
        scratch.top.start(k, self.rows);
        self.scan(query, allowed, scratch, found);
        scratch.top.write(&mut found.hits);
        Ok(())
    }

    /// Offers every allowed row to the best.
    fn scan(&self, query: &[f32], allowed: Option<&Bitmap>, scratch: &mut Scratch, found: &mut Found) {
        let Scratch { level, rows, scores, top, .. } = scratch;
        scores.resize(BLOCK, 0.0);
        let before = found.touched;
        if let Some(allowed) = allowed {
            let mut blocks = allowed.blocks(self.rows);
            while blocks.next(rows, BLOCK) {
                T::gather(*level, query, self.vectors, rows, &mut scores[..rows.len()]);
                offer(top, rows.iter().copied(), scores);
                found.touched += rows.len();
            }
        } else {
            for first in (0..self.rows).step_by(BLOCK) {
                let scores = &mut scores[..BLOCK.min(self.rows - first)];
                T::range(*level, query, self.vectors, first, scores);
                offer(top, first as u32.., scores);
                found.touched += scores.len();
            }
        }
        found.bytes += (found.touched - before) * self.dims * size_of::<T>();
    }
}

/// Offers rows with their scores.
pub(crate) fn offer(top: &mut Top, rows: impl Iterator<Item = u32>, scores: &[f32]) {
    for (row, score) in rows.zip(scores) {
        top.offer(rank_of(*score), row);
    }
}

impl<T: Number> Index for Flat<'_, T> {
    fn len(&self) -> usize {
        self.rows
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
        found.clear();
        self.search_more(query, k, allowed, scratch, found)
    }
}
