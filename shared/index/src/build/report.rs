//! What the builder found out, and what it chose.

use serde::{Deserialize, Serialize};

use crate::Kind;

/// Why an index is what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How many rows.
    pub rows: usize,
    /// How many numbers a row.
    pub dims: usize,
    /// How many queries the candidates were measured on.
    pub queries: usize,
    /// Whether these are the given held-out visitor vectors; without any, rows of the catalogue stand in.
    pub held_out: bool,
    /// The recall at [`k`](Self::k) that a candidate must reach.
    pub recall_wanted: f64,
    /// How many results recall is measured at.
    pub k: usize,
    /// The kinds that were measured.
    pub candidates: Vec<Candidate>,
    /// The kind that was written.
    pub chosen: Kind,
    /// Why, in a sentence.
    pub why: String,
}

/// A kind as measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which.
    pub kind: Kind,
    /// Bytes of its own sections; the vectors are in the file anyway.
    pub stored_bytes: usize,
    /// How many lists, for lists.
    pub lists: usize,
    /// The calibrated margin, for lists.
    pub margin: f32,
    /// Up to how many allowed rows are scanned, for lists.
    pub exact_matches: usize,
    /// Without a filter.
    pub unfiltered: Measured,
    /// With filters, by chance and of one neighbourhood, neither having to do with the query.
    pub filtered: Vec<Filtered>,
    /// Whether every recall is as wanted.
    pub reaches: bool,
}

/// What searches found and touched, on average.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Measured {
    /// Share of the exact answer that was found.
    pub recall: f64,
    /// Vectors scored.
    pub touched: f64,
    /// Bytes read.
    pub bytes: f64,
}

/// A filter and what searches under it found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Filtered {
    /// What kind of filter.
    pub filter: String,
    /// Share of the rows that it allows.
    pub allowed: f64,
    /// What was measured.
    #[serde(flatten)]
    pub measured: Measured,
}
