//! The sections of an index in a file, and the header that says what they are.

use crate::Error;

/// Sixteen numbers of 32 bits that describe the index.
pub const ABOUT: &str = "index.about";
/// `n × stride` bytes: a code a number, 128 for the middle; a row is padded to a multiple of 16 bytes.
pub const CODES: &str = "index.codes";
/// `n` numbers `u32`, if there are any: where the codes of each row lie, so that rows that are asked for together lie
/// together. Without it they lie in the order of rows.
pub const PLACES: &str = "index.places";
/// `n` numbers `u32` beside [`PLACES`]: the row of each place.
pub const ORDER: &str = "index.order";
/// `dims` numbers `f32`: the size of one unit of code in each dimension.
pub const SCALES: &str = "index.scales";
/// `dims` numbers `f32`: what a code of 128 stands for in each dimension.
pub const MIDDLES: &str = "index.middles";
/// `lists × stride` bytes: the centre of each list, in codes.
pub const CENTRES: &str = "index.centres";
/// `dims` numbers `f32`: how far rows lie from their centres in each dimension (root of the mean square).
pub const SPREAD: &str = "index.spread";
/// `lists` numbers `f32`: how far the rows of a list lie from its centre, relative to all rows.
pub const REACH: &str = "index.reach";
/// `lists + 1` numbers `u32`: where each list starts in [`ROWS`], and the end.
pub const STARTS: &str = "index.starts";
/// `n` numbers `u32`: the rows list by list, ascending in each.
pub const ROWS: &str = "index.rows";
/// JSON: the [`Report`](crate::Report) of the builder.
pub const REPORT: &str = "index.report";

/// How a stored index searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Every allowed row by its numbers in half precision.
    ExactF16,
    /// Every allowed row by its codes, the best of them by their numbers.
    Int8,
    /// The codes of the lists that promise most, the best rows by their numbers.
    Lists,
}

impl Kind {
    const ALL: [Self; 3] = [Self::ExactF16, Self::Int8, Self::Lists];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExactF16 => "exact_f16",
            Self::Int8 => "int8",
            Self::Lists => "lists",
        }
    }

    const fn number(self) -> u32 {
        match self {
            Self::ExactF16 => 1,
            Self::Int8 => 2,
            Self::Lists => 3,
        }
    }
}

/// Magic, version, kind, rows, dims, lists, oversampling (times, plus), exact matches, margin (`f32`); the rest is zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct About {
    pub(crate) kind: Kind,
    pub(crate) rows: u32,
    pub(crate) dims: u32,
    pub(crate) lists: u32,
    /// A search for `k` scores `max(times k, k + plus)` rows exactly.
    pub(crate) times: u32,
    pub(crate) plus: u32,
    /// Up to so many allowed rows a scan of them is the cheaper search.
    pub(crate) exact: u32,
    pub(crate) margin: f32,
}

const MAGIC: u32 = u32::from_le_bytes(*b"VIDX");
const VERSION: u32 = 1;
const NUMBERS: usize = 16;

impl About {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut numbers = [0; NUMBERS];
        numbers[..10].copy_from_slice(&[
            MAGIC,
            VERSION,
            self.kind.number(),
            self.rows,
            self.dims,
            self.lists,
            self.times,
            self.plus,
            self.exact,
            self.margin.to_bits(),
        ]);
        numbers.into_iter().flat_map(u32::to_le_bytes).collect()
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Error> {
        let (numbers, rest) = bytes.as_chunks::<4>();
        let numbers: &[[u8; 4]; NUMBERS] =
            numbers.try_into().map_err(|_| Error::stored(ABOUT, "has another length"))?;
        let [magic, version, kind, rows, dims, lists, times, plus, exact, margin, ..] = numbers.map(u32::from_le_bytes);
        if magic != MAGIC || !rest.is_empty() {
            return Err(Error::stored(ABOUT, "is no header of an index"));
        }
        if version != VERSION {
            return Err(Error::stored(ABOUT, "has a version that this program does not know"));
        }
        let kind = Kind::ALL.into_iter().find(|known| known.number() == kind);
        let kind = kind.ok_or_else(|| Error::stored(ABOUT, "names an unknown kind"))?;
        let margin = f32::from_bits(margin);
        if !margin.is_finite() {
            return Err(Error::stored(ABOUT, "has a margin that is no number"));
        }
        Ok(Self { kind, rows, dims, lists, times, plus, exact, margin })
    }

    /// How many rows are scored exactly for `k`.
    pub(crate) fn wider(&self, k: usize) -> usize {
        k.saturating_mul(self.times as usize).max(k.saturating_add(self.plus as usize))
    }
}
