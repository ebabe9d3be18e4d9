//! An index where it lies in a file: opened in about a microsecond, without reading what it has.

use half::f16;

use crate::about::{self, About, Kind};
use crate::codes::{MOST_DIMS, stride_of};
use crate::found::{Found, rank_of_sum};
use crate::list::{Inverted, Wanted};
use crate::scan::{Codes, Laid, score_again};
use crate::search::{Scratch, check_query};
use crate::{Bitmap, Error, Flat, Index, Prepared};

/// Kept scores that are looked through in less time than a vector is compared.
const KEPT: usize = 16;

/// A stored index: the exact scan of the file's vectors, with codes and lists over them if the file has such sections.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    pub(crate) flat: Flat<'a, f16>,
    pub(crate) about: About,
    pub(crate) codes: Option<Codes<'a>>,
    pub(crate) inverted: Option<Inverted<'a>>,
}

/// How a search uses the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As a reader should: scans where that is less work.
    Planned,
    /// Lists whatever the filter, to calibrate them.
    ListsOnly,
    /// As if there were no lists.
    NoLists,
}

impl<'a> Stored<'a> {
    /// Opens the index of row-major vectors. `section` finds a section of the file by name; without
    /// [`about`](crate::sections::ABOUT) the index is the exact scan. Sections may lie anywhere, aligned or not.
    ///
    /// It reads the header and compares lengths, nothing more: [`verify`](Self::verify) reads the rest. Damaged sections
    /// can make answers wrong, never a search panic.
    ///
    /// # Errors
    /// [`Error::Vectors`] if the vectors are not whole rows, [`Error::Stored`] if a section is missing or does not fit.
    pub fn open(section: impl Fn(&str) -> Option<&'a [u8]>, vectors: &'a [f16], dims: usize) -> Result<Self, Error> {
        match section(about::ABOUT) {
            Some(header) => Self::open_as(About::read(header)?, section, vectors, dims),
            None => Ok(Self::exact(Flat::new(vectors, dims)?)),
        }
    }

    /// Opens what a header says.
    pub(crate) fn open_as(
        about: About,
        section: impl Fn(&str) -> Option<&'a [u8]>,
        vectors: &'a [f16],
        dims: usize,
    ) -> Result<Self, Error> {
        let flat = Flat::new(vectors, dims)?;
        if about.rows as usize != flat.len() || about.dims as usize != dims {
            return Err(Error::stored(about::ABOUT, "is of other vectors"));
        }
        if about.kind == Kind::ExactF16 {
            return Ok(Self { about, ..Self::exact(flat) });
        }
        if dims > MOST_DIMS {
            return Err(Error::stored(about::ABOUT, "has more dimensions than can be coded"));
        }
        let bytes = |name, width: usize, count: usize| {
            let bytes: &'a [u8] = section(name).ok_or_else(|| Error::stored(name, "is missing"))?;
            let fits = width.checked_mul(count) == Some(bytes.len());
            if fits { Ok(bytes) } else { Err(Error::stored(name, "has another length")) }
        };
        let numbers = |name, count| bytes(name, 4, count).map(|bytes| bytes.as_chunks::<4>().0);
        let stride = stride_of(dims);
        let codes = Codes {
            codes: bytes(about::CODES, stride, flat.len())?,
            stride,
            scales: numbers(about::SCALES, dims)?,
            middles: numbers(about::MIDDLES, dims)?,
            laid: match section(about::PLACES) {
                None => None,
                Some(_) => {
                    let (places, order) = (numbers(about::PLACES, flat.len())?, numbers(about::ORDER, flat.len())?);
                    Some(Laid { places, order })
                }
            },
        };
        let inverted = if about.kind == Kind::Lists {
            let lists = about.lists as usize;
            Some(Inverted {
                centres: bytes(about::CENTRES, stride, lists)?,
                spread: numbers(about::SPREAD, dims)?,
                reach: numbers(about::REACH, lists)?,
                starts: numbers(about::STARTS, lists.saturating_add(1))?,
                rows: numbers(about::ROWS, flat.len())?,
                margin: about.margin,
            })
        } else {
            None
        };
        Ok(Self { flat, about, codes: Some(codes), inverted })
    }

    fn exact(flat: Flat<'a, f16>) -> Self {
        let (rows, dims) = (flat.len() as u32, flat.dims() as u32);
        let about = About { kind: Kind::ExactF16, rows, dims, lists: 0, times: 0, plus: 0, exact: 0, margin: 0.0 };
        Self { flat, about, codes: None, inverted: None }
    }

    /// How it searches.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.about.kind
    }

    /// The numbers of a row.
    #[must_use]
    pub fn vector(&self, row: u32) -> Option<&'a [f16]> {
        self.flat.vector(row)
    }

    /// Writes the exact scores of the given rows, in their order, over `out`; a row that does not exist scores NaN.
    ///
    /// # Errors
    /// [`Error::Query`] if the query has another number of dimensions.
    pub fn scores_of(&self, query: &[f32], rows: &[u32], out: &mut Vec<f32>) -> Result<(), Error> {
        self.flat.scores_of(query, rows, out)
    }

    /// Makes a query ready for [`approximate`](Self::approximate). False if the index has no codes or the query cannot be
    /// told in whole numbers (it is zero, tiny, or not finite): then there are exact scores only.
    ///
    /// # Errors
    /// [`Error::Query`] if the query has another number of dimensions.
    pub fn prepare(&self, query: &[f32], prepared: &mut Prepared) -> Result<bool, Error> {
        check_query(query, self.flat.dims())?;
        Ok(self.codes.is_some_and(|codes| codes.prepare(query, prepared)))
    }

    /// Writes the coarse scores of the given rows, in their order, over `out`: each within
    /// [`Prepared::max_error`] of the exact one, for a quarter of the memory read. A row that does not exist scores minus
    /// infinity, and so does every row if the index has no codes or the query was prepared for another.
    pub fn approximate(&self, prepared: &Prepared, rows: &[u32], scratch: &mut Scratch, out: &mut Vec<f32>) {
        match self.codes {
            Some(codes) => codes.approximate(prepared, rows, scratch, out),
            None => {
                out.clear();
                out.resize(rows.len(), f32::NEG_INFINITY);
            }
        }
    }

    /// [`search`](Index::search), for the first of several searches by one query: if it compares every allowed row, it
    /// keeps their coarse scores for [`search_kept`](Self::search_kept).
    ///
    /// # Errors
    /// [`Error::Query`] if the query has another number of dimensions.
    pub fn search_keeping(
        &self,
        query: &[f32],
        k: usize,
        allowed: &Bitmap,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Error> {
        scratch.kept.sums.clear();
        scratch.kept.full = false;
        scratch.kept.wanted = true;
        let searched = self.search(query, k, Some(allowed), scratch, found);
        scratch.kept.wanted = false;
        searched
    }

    /// [`search`](Index::search) by the query of the last [`search_keeping`](Self::search_keeping) among some of the rows
    /// that were allowed there: the same answer, from the scores that were kept where that is less work.
    ///
    /// # Errors
    /// [`Error::Query`] if the query has another number of dimensions.
    pub fn search_kept(
        &self,
        query: &[f32],
        k: usize,
        among: &Bitmap,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Error> {
        let rows = self.flat.len();
        let (matches, wider) = (among.count_below(rows), self.about.wider(k));
        let kept = &scratch.kept;
        if k == 0 || !kept.full || matches <= wider || kept.sums.len() / KEPT > matches {
            return self.search(query, k, Some(among), scratch, found);
        }
        found.clear();
        check_query(query, self.flat.dims())?;
        scratch.wider.start(wider, rows);
        for (row, sum) in &scratch.kept.sums {
            let rank = rank_of_sum(*sum);
            if scratch.wider.may_take(rank) && among.contains(*row) {
                scratch.wider.offer(rank, *row);
            }
        }
        score_again(&self.flat, query, k, scratch, found)
    }

    pub(crate) fn search_as(
        &self,
        mode: Mode,
        query: &[f32],
        k: usize,
        allowed: Option<&Bitmap>,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Error> {
        found.clear();
        check_query(query, self.flat.dims())?;
        if k == 0 {
            return Ok(());
        }
        let rows = self.flat.len();
        let matches = allowed.map_or(rows, |allowed| allowed.count_below(rows));
        let wider = self.about.wider(k);
        let codes = self.codes.filter(|codes| matches > wider && codes.prepare(query, &mut scratch.prepared));
        let Some(codes) = codes else {
            return self.flat.search(query, k, allowed, scratch, found);
        };
        let lists = self.inverted.filter(|_| match mode {
            Mode::Planned => matches > self.about.exact as usize,
            Mode::ListsOnly => true,
            Mode::NoLists => false,
        });
        let may_stop = mode == Mode::Planned && allowed.is_some();
        let wanted = Wanted { k, wider, allowed, matches, may_stop };
        if !lists.is_some_and(|lists| lists.probe(&codes, query, wanted, scratch, found)) {
            // Rows that were scored before the lists gave up are scored again; `touched` counts a row once.
            found.touched = 0;
            codes.scan(rows, wider, allowed, scratch, found);
        }
        score_again(&self.flat, query, k, scratch, found)
    }
}

impl Index for Stored<'_> {
    fn len(&self) -> usize {
        self.flat.len()
    }

    fn dims(&self) -> usize {
        self.flat.dims()
    }

    fn search(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&Bitmap>,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Error> {
        self.search_as(Mode::Planned, query, k, allowed, scratch, found)
    }
}
