//! The part of the `.npy` format that is read: two-dimensional, C order, little-endian `float32` or `float64`.

use super::Invalid;

/// How every file begins.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// A matrix where it lies.
#[derive(Debug)]
pub(super) struct Matrix<'a> {
    pub(super) rows: usize,
    columns: usize,
    /// Bytes of a number.
    width: usize,
    numbers: &'a [u8],
}

fn wrong(what: impl Into<String>) -> Invalid {
    Invalid::Matrix(what.into())
}

/// The value of a key in the header, a Python dictionary literal that NumPy writes in one form.
fn value<'h>(header: &'h str, key: &str) -> Option<&'h str> {
    let (_, rest) = header.split_once(&format!("'{key}':"))?;
    Some(rest.trim_start())
}

fn shape(header: &str) -> Option<(usize, usize)> {
    let (inside, _) = value(header, "shape")?.strip_prefix('(')?.split_once(')')?;
    let (rows, columns) = inside.split_once(',')?;
    Some((rows.trim().parse().ok()?, columns.trim().parse().ok()?))
}

impl<'a> Matrix<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Invalid> {
        let short = || wrong("is cut short");
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| wrong("does not begin like one"))?;
        let ([major, _minor], rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
        let (length, rest) = match major {
            1 => {
                let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
                (usize::from(u16::from_le_bytes(*length)), rest)
            }
            2 | 3 => {
                let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
                (u32::from_le_bytes(*length) as usize, rest)
            }
            other => return Err(wrong(format!("has version {other}; versions 1 to 3 can be read"))),
        };
        let (header, numbers) = rest.split_at_checked(length).ok_or_else(short)?;
        let header = std::str::from_utf8(header).map_err(|_| wrong("has a header that is no text"))?;
        let kind = value(header, "descr").unwrap_or_default();
        let width = match kind.get(..5) {
            Some("'<f4'") => 4,
            Some("'<f8'") => 8,
            _ => return Err(wrong("must hold little-endian float32 or float64: `matrix.astype('<f4')`")),
        };
        if !value(header, "fortran_order").is_some_and(|order| order.starts_with("False")) {
            return Err(wrong("must be in C order: `numpy.ascontiguousarray(matrix)`"));
        }
        let (rows, columns) = shape(header).ok_or_else(|| wrong("must have two dimensions: rows and numbers"))?;
        let size = rows.checked_mul(columns).and_then(|numbers| numbers.checked_mul(width));
        if size != Some(numbers.len()) {
            return Err(wrong(format!("has {} bytes of numbers, {rows} x {columns} were promised", numbers.len())));
        }
        Ok(Self { rows, columns, width, numbers })
    }

    /// A row, as `f32`: what is too large for it becomes infinite.
    pub(super) fn row(&self, row: usize) -> Vec<f32> {
        let size = self.columns * self.width;
        let bytes = self.numbers.get(row * size..(row + 1) * size).unwrap_or_default();
        match self.width {
            4 => bytes.as_chunks::<4>().0.iter().map(|x| f32::from_le_bytes(*x)).collect(),
            _ => bytes.as_chunks::<8>().0.iter().map(|x| f64::from_le_bytes(*x) as f32).collect(),
        }
    }
}
