//! An index that never changes, and what has changed since: rows added and rows taken out.

use half::f16;

use crate::found::rank_of;
use crate::search::{Scratch, check_query, offer};
use crate::{Bitmap, Error, Flat, Found, Index};

/// Up to so many rows taken out, an unfiltered search of the base asks for as many more instead of filtering.
const SIEVED: usize = 64;

/// A base and a small delta, searched as one.
///
/// Added rows are numbered on from the base's last and scored exactly, so the delta should stay small against the base: it
/// goes into the next base when that is built. A product that changes its vector is taken out and added anew.
#[derive(Debug, Clone)]
pub struct Layered<B> {
    base: B,
    /// Row-major, `dims` numbers a row.
    added: Vec<f16>,
    /// Rows of the base and of the delta that are no longer there.
    gone: Bitmap,
    /// The other rows of the base.
    left: Bitmap,
    gone_from_base: usize,
}

impl<B: Index> Layered<B> {
    /// The base as it is.
    #[must_use]
    pub fn new(base: B) -> Self {
        let rows = base.len();
        Self { base, added: Vec::new(), gone: Bitmap::empty(rows), left: Bitmap::full(rows), gone_from_base: 0 }
    }

    /// The index underneath.
    #[must_use]
    pub const fn base(&self) -> &B {
        &self.base
    }

    /// Adds a row and returns its number.
    ///
    /// # Errors
    /// [`Error::Query`] if it has another number of dimensions, [`Error::Vectors`] if rows can no longer be numbered.
    pub fn add(&mut self, vector: &[f16]) -> Result<u32, Error> {
        if vector.len() != self.base.dims() {
            return Err(Error::Query { query: vector.len(), vectors: self.base.dims() });
        }
        let row = u32::try_from(self.len()).ok().filter(|row| *row < u32::MAX);
        let row = row.ok_or(Error::Vectors { len: self.len(), dims: self.base.dims() })?;
        self.added.extend_from_slice(vector);
        self.gone.grow(self.len());
        Ok(row)
    }

    /// Takes a row out; nothing happens if there is no such row.
    pub fn remove(&mut self, row: u32) {
        self.gone.insert(row);
        if self.left.contains(row) {
            self.left.remove(row);
            self.gone_from_base += 1;
        }
    }

    /// Searches the base among what is allowed and left; the hits may name rows that are gone.
    fn search_base(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&Bitmap>,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Error> {
        match allowed {
            _ if self.gone_from_base == 0 => self.base.search(query, k, allowed, scratch, found),
            None if self.gone_from_base <= SIEVED => {
                self.base.search(query, k.saturating_add(self.gone_from_base), None, scratch, found)
            }
            None => self.base.search(query, k, Some(&self.left), scratch, found),
            Some(allowed) => {
                // Out of the scratch while the base uses it.
                let mut filter = std::mem::take(&mut scratch.filter);
                filter.copy_from(allowed);
                filter.and_not(&self.gone);
                let searched = self.base.search(query, k, Some(&filter), scratch, found);
                scratch.filter = filter;
                searched
            }
        }
    }
}

impl<B: Index> Index for Layered<B> {
    /// Numbered rows, those taken out included.
    fn len(&self) -> usize {
        self.base.len() + self.added.len() / self.base.dims().max(1)
    }

    fn dims(&self) -> usize {
        self.base.dims()
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
        check_query(query, self.dims())?;
        if k == 0 {
            return Ok(());
        }
        self.search_base(query, k, allowed, scratch, found)?;
        let first = self.base.len() as u32;
        let Scratch { level, rows, scores, top, .. } = scratch;
        top.start(k, self.len());
        for hit in found.hits.iter().filter(|hit| !self.gone.contains(hit.row)) {
            top.offer(rank_of(hit.score), hit.row);
        }
        rows.clear();
        let may = |row: &u32| !self.gone.contains(first + row) && allowed.is_none_or(|set| set.contains(first + row));
        rows.extend((0..self.len() as u32 - first).filter(may));
        let flat = Flat::new(&self.added, self.dims())?;
        flat.scores_on(*level, query, rows, scores)?;
        offer(top, rows.iter().map(|row| first + row), scores);
        top.write(&mut found.hits);
        found.touched += rows.len();
        found.bytes += rows.len() * self.dims() * size_of::<f16>();
        Ok(())
    }
}
