//! Vectors that a shop computed itself: of images, of texts, by a model of its own. A set of them is another block of
//! coordinates beside what is learned here; the blend finds out what it is worth.
//!
//! Two forms can be read. **NDJSON**, a vector a line, products and visitors in any order:
//!
//! ```text
//! {"product_id": "penne", "vector": [0.25, -1.5]}
//! {"user_id": "853", "vector": [0.5, 0.125]}
//! {"visitor_id": "a:2f6f9c1e", "vector": [0, 1]}
//! ```
//!
//! `visitor_id` is `u:<user id>` or `a:<anonymous id>`; without a prefix it is an anonymous id. **`.npy`**
//! ([format](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1 to 3), a matrix of
//! little-endian `float32` or `float64` in C order, a row for each of a list of identifiers.
//!
//! Reading is strict: all vectors have the same number of dimensions, 1 to [`MAX_DIMS`], all numbers are finite as
//! `f32`, nobody comes twice. What is read is in canonical order.
//!
//! In the score, a product's vector meets that of the visitor: the one that was given for them, else the mean of the vectors
//! of the products in their history, the later ones louder.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vitrine_domain::{ProductId, Visitor};

mod npy;
mod part;

pub use part::Own;

/// Most dimensions of a vector.
pub const MAX_DIMS: usize = 256;
/// Longest name of a set: with what stands before and after it, it is the name of a section of the artifact.
pub const MAX_NAME: usize = 27;
/// Most vectors of a set.
pub const MAX_VECTORS: usize = 2_000_000;

/// Why vectors were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A line of NDJSON cannot be used.
    #[error("line {line}: {what}")]
    Line {
        /// Which line, from one.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A row of a matrix cannot be used.
    #[error("row {row}: {what}")]
    Row {
        /// Which row, from zero.
        row: usize,
        /// What is wrong with it.
        what: String,
    },
    /// The matrix as a whole cannot be used.
    #[error("the .npy file {0}")]
    Matrix(String),
    /// The identifiers do not fit the matrix.
    #[error("{0}")]
    Ids(String),
    /// There is nothing.
    #[error("there is no vector")]
    Empty,
    /// There are too many.
    #[error("there are more than {MAX_VECTORS} vectors")]
    TooMany,
    /// Stored bytes are not as they were written.
    #[error("the stored vectors are damaged")]
    Damaged,
}

/// Whose vectors the rows of a matrix are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// Products'.
    #[default]
    Products,
    /// Visitors'.
    Visitors,
}

/// A set of vectors, each of which has [`dims`](Self::dims) finite numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnVectors {
    /// Name of the set.
    pub name: String,
    /// Numbers of a vector.
    pub dims: usize,
    /// Of products, in the order of their identifiers.
    pub products: Vec<(ProductId, Vec<f32>)>,
    /// Of visitors, in their order.
    pub visitors: Vec<(Visitor, Vec<f32>)>,
}

/// A line as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    product_id: Option<String>,
    visitor_id: Option<String>,
    user_id: Option<String>,
    vector: Vec<f64>,
}

/// Whose a vector is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Product(ProductId),
    Visitor(Visitor),
}

impl Owner {
    fn of(of: Of, id: &str) -> Result<Self, String> {
        let wrong = |error: vitrine_domain::InvalidId| error.to_string();
        match of {
            Of::Products => ProductId::new(id).map(Self::Product).map_err(wrong),
            Of::Visitors if id.starts_with("u:") || id.starts_with("a:") => {
                Visitor::parse(id).map(Self::Visitor).map_err(wrong)
            }
            Of::Visitors => Visitor::anonymous(id).map(Self::Visitor).map_err(wrong),
        }
    }

    fn of_line(line: &Line) -> Result<Self, String> {
        match (&line.product_id, &line.visitor_id, &line.user_id) {
            (Some(id), None, None) => Self::of(Of::Products, id),
            (None, Some(id), None) => Self::of(Of::Visitors, id),
            (None, None, Some(id)) => Visitor::known(id.as_str()).map(Self::Visitor).map_err(|error| error.to_string()),
            _ => Err("one of `product_id`, `visitor_id` and `user_id` says whose the vector is".to_owned()),
        }
    }
}

/// What was read so far, and where: by owner, so that the order is canonical and nobody comes twice.
#[derive(Default)]
struct Set {
    dims: Option<usize>,
    vectors: BTreeMap<Owner, (usize, Vec<f32>)>,
}

impl Set {
    fn add(&mut self, at: usize, owner: Owner, vector: Vec<f32>) -> Result<(), String> {
        if !(1..=MAX_DIMS).contains(&vector.len()) {
            return Err(format!("the vector has {} numbers instead of 1 to {MAX_DIMS}", vector.len()));
        }
        let dims = *self.dims.get_or_insert(vector.len());
        if vector.len() != dims {
            return Err(format!("the vector has {} numbers, those before have {dims}", vector.len()));
        }
        if let Some(place) = vector.iter().position(|x| !x.is_finite()) {
            return Err(format!("number {place} of the vector is not finite"));
        }
        match self.vectors.insert(owner, (at, vector)) {
            Some((before, _)) => Err(format!("the same identifier as in {before}")),
            None => Ok(()),
        }
    }

    fn finish(self, name: &str) -> Result<OwnVectors, Invalid> {
        let dims = self.dims.ok_or(Invalid::Empty)?;
        let mut own = OwnVectors { name: name.to_owned(), dims, products: Vec::new(), visitors: Vec::new() };
        for (owner, (_, vector)) in self.vectors {
            match owner {
                Owner::Product(id) => own.products.push((id, vector)),
                Owner::Visitor(visitor) => own.visitors.push((visitor, vector)),
            }
        }
        Ok(own)
    }
}

/// Reads NDJSON. Empty lines are skipped.
///
/// # Errors
/// Names the first line that cannot be used, and why.
pub fn parse_ndjson(name: &str, bytes: &[u8]) -> Result<OwnVectors, Invalid> {
    let mut set = Set::default();
    for (line, text) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let mut take = || {
            let read: Line = serde_json::from_slice(text).map_err(|error| error.to_string())?;
            let owner = Owner::of_line(&read)?;
            set.add(line, owner, read.vector.iter().map(|x| *x as f32).collect())
        };
        take().map_err(|what| Invalid::Line { line, what })?;
        if set.vectors.len() > MAX_VECTORS {
            return Err(Invalid::TooMany);
        }
    }
    set.finish(name)
}

/// Whether bytes begin like a `.npy` file.
#[must_use]
pub fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(npy::MAGIC)
}

/// Reads a matrix, a row for each identifier.
///
/// # Errors
/// If it is no matrix of a kind that can be read, is cut short, or its rows cannot be used.
pub fn parse_npy(name: &str, bytes: &[u8], of: Of, ids: &[String]) -> Result<OwnVectors, Invalid> {
    let matrix = npy::Matrix::read(bytes)?;
    if ids.len() != matrix.rows {
        return Err(Invalid::Ids(format!("there are {} identifiers for {} rows", ids.len(), matrix.rows)));
    }
    if matrix.rows > MAX_VECTORS {
        return Err(Invalid::TooMany);
    }
    let mut set = Set::default();
    for (row, id) in ids.iter().enumerate() {
        let owner = Owner::of(of, id).and_then(|owner| set.add(row, owner, matrix.row(row)));
        owner.map_err(|what| Invalid::Row { row, what })?;
    }
    set.finish(name)
}

/// What stands before the numbers in the stored form.
#[derive(Serialize, Deserialize)]
struct Header {
    dims: usize,
    products: Vec<ProductId>,
    visitors: Vec<Visitor>,
}

impl OwnVectors {
    /// The form in which vectors are stored: a line of JSON that says whose they are, then the numbers as little-endian
    /// `f32`, row by row.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn pack(&self) -> Result<Vec<u8>, serde_json::Error> {
        let header = Header {
            dims: self.dims,
            products: self.products.iter().map(|(id, _)| id.clone()).collect(),
            visitors: self.visitors.iter().map(|(visitor, _)| visitor.clone()).collect(),
        };
        let mut bytes = serde_json::to_vec(&header)?;
        bytes.push(b'\n');
        let rows = self.products.iter().map(|(_, row)| row).chain(self.visitors.iter().map(|(_, row)| row));
        bytes.extend(rows.flatten().flat_map(|x| x.to_le_bytes()));
        Ok(bytes)
    }

    /// Reads what [`pack`](Self::pack) wrote, as strictly as what was uploaded.
    ///
    /// # Errors
    /// [`Invalid::Damaged`] if it is cut short or changed, or names a vector that could not have been uploaded.
    pub fn unpack(name: &str, bytes: &[u8]) -> Result<Self, Invalid> {
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Invalid::Damaged)?;
        let (header, rest) = bytes.split_at(end);
        let numbers = rest.get(1..).unwrap_or_default();
        let header: Header = serde_json::from_slice(header).map_err(|_| Invalid::Damaged)?;
        let owners = header.products.into_iter().map(Owner::Product);
        let owners: Vec<Owner> = owners.chain(header.visitors.into_iter().map(Owner::Visitor)).collect();
        let size = header.dims.checked_mul(4).filter(|size| *size > 0).ok_or(Invalid::Damaged)?;
        if owners.len().checked_mul(size) != Some(numbers.len()) {
            return Err(Invalid::Damaged);
        }
        let mut set = Set::default();
        for (owner, row) in owners.into_iter().zip(numbers.chunks_exact(size)) {
            let row = row.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            set.add(0, owner, row).map_err(|_| Invalid::Damaged)?;
        }
        set.finish(name)
    }
}

#[cfg(test)]
mod tests;
