//! The inner loops: dot products of one query with many rows, for the instructions that the machine has.
//!
//! Every level gives the same bits. Sums of codes are integers, so their order does not matter; sums of numbers run in
//! sixteen lanes and are folded in halves at every level, without fused multiplication. Levels can be forced, so that one
//! test compares them all. On arm64 the portable loops are what runs: their lanes are those of the NEON registers, which
//! every such machine has, so the compiler uses them.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use half::f16;

/// The instructions a search runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every machine of the target has.
    Portable,
    /// AVX2 and F16C: every x86-64 machine of AWS Lambda.
    Avx2,
    /// AVX-512 with VNNI: integer dot products in one instruction.
    Avx512,
}

impl Level {
    /// The best level of this machine.
    #[must_use]
    #[inline]
    pub fn best() -> Self {
        if Self::Avx512.runs() {
            Self::Avx512
        } else if Self::Avx2.runs() {
            Self::Avx2
        } else {
            Self::Portable
        }
    }

    /// Every level of this machine, the plainest first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        [Self::Portable, Self::Avx2, Self::Avx512].into_iter().filter(|level| level.runs()).collect()
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn runs(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c"),
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vnni")
                    && is_x86_feature_detected!("f16c")
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    #[inline]
    fn runs(self) -> bool {
        self == Self::Portable
    }
}

/// The rows that a loop visits.
pub(crate) trait Rows: Copy {
    /// Whether the rows lie apart, so that they are to be fetched ahead.
    const APART: bool;
    /// The row at a place, if it has one.
    fn at(self, place: usize) -> Option<usize>;
}

/// Rows that follow one another from a first.
#[derive(Clone, Copy)]
pub(crate) struct From(pub(crate) usize);

impl Rows for From {
    const APART: bool = false;
    #[inline]
    fn at(self, place: usize) -> Option<usize> {
        self.0.checked_add(place)
    }
}

impl Rows for &[u32] {
    const APART: bool = true;
    #[inline]
    fn at(self, place: usize) -> Option<usize> {
        self.get(place).map(|row| *row as usize)
    }
}

/// A query in whole numbers: what [`codes`] multiplies codes with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Whole {
    /// A number a dimension and zeros up to the stride.
    pub(crate) wide: Vec<i16>,
    /// `wide = 128 high + low`, with zeros up to a multiple of 64.
    pub(crate) high: Vec<i8>,
    /// The other half.
    pub(crate) low: Vec<i8>,
}

impl Whole {
    /// Takes new numbers, a multiple of sixteen of them, each from -16,256 to 16,256.
    pub(crate) fn set(&mut self, numbers: impl Iterator<Item = i16>) {
        self.wide.clear();
        self.wide.extend(numbers);
        let padded = self.wide.len().next_multiple_of(64);
        self.high.clear();
        self.low.clear();
        for number in &self.wide {
            let high = (number + 64) >> 7;
            self.high.push(high as i8);
            self.low.push((number - (high << 7)) as i8);
        }
        self.high.resize(padded, 0);
        self.low.resize(padded, 0);
    }
}

/// What a row that does not exist scores: less than any that does.
pub(crate) const NO_ROW: i32 = i32::MIN;

/// The sums of code times query for as many rows as `out` has places; codes are unsigned, `stride` bytes a row.
/// A row beyond the codes scores [`NO_ROW`].
pub(crate) fn codes<R: Rows>(level: Level, query: &Whole, codes: &[u8], stride: usize, rows: R, out: &mut [i32]) {
    // What the loops below rely on; a query that was prepared for this stride always passes.
    if stride == 0 || query.wide.len() != stride || query.high.len() != stride.next_multiple_of(64) {
        out.fill(NO_ROW);
        return;
    }
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 if level.runs() => x86::codes_avx512(query, codes, stride, rows, out),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 if level.runs() => x86::codes_avx2(query, codes, stride, rows, out),
        _ => portable::codes(query, codes, stride, rows, out),
    }
}

/// A number that vectors are stored in.
pub trait Number: Copy + Send + Sync + 'static {
    /// The dot product of a query with one vector; the longer one's rest is ignored.
    #[doc(hidden)]
    fn dot(level: Level, query: &[f32], vector: &[Self]) -> f32;
    /// The dot products with rows that follow one another, as many as `out` has places.
    #[doc(hidden)]
    fn range(level: Level, query: &[f32], vectors: &[Self], first: usize, out: &mut [f32]);
    /// The dot products with rows that lie apart; a row that does not exist scores NaN.
    #[doc(hidden)]
    fn gather(level: Level, query: &[f32], vectors: &[Self], rows: &[u32], out: &mut [f32]);
}

macro_rules! number {
    ($number:ty, $portable:ident, $avx2:ident, $avx2_one:ident, $avx512:ident, $avx512_one:ident) => {
        impl Number for $number {
            #[inline]
            fn dot(level: Level, query: &[f32], vector: &[Self]) -> f32 {
                match level {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 if level.runs() => x86::$avx512_one(query, vector),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 if level.runs() => x86::$avx2_one(query, vector),
                    _ => portable::$portable(query, vector),
                }
            }

            fn range(level: Level, query: &[f32], vectors: &[Self], first: usize, out: &mut [f32]) {
                match level {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 if level.runs() => x86::$avx512(query, vectors, From(first), out),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 if level.runs() => x86::$avx2(query, vectors, From(first), out),
                    _ => portable::rows(query, vectors, From(first), out, portable::$portable),
                }
            }

            fn gather(level: Level, query: &[f32], vectors: &[Self], rows: &[u32], out: &mut [f32]) {
                match level {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 if level.runs() => x86::$avx512(query, vectors, rows, out),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 if level.runs() => x86::$avx2(query, vectors, rows, out),
                    _ => portable::rows(query, vectors, rows, out, portable::$portable),
                }
            }
        }
    };
}

number!(f32, dot, dots_avx2, dot_avx2, dots_avx512, dot_avx512);
number!(f16, dot_f16, dots_f16_avx2, dot_f16_avx2, dots_f16_avx512, dot_f16_avx512);

#[cfg(test)]
mod tests;
