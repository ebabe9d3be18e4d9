//! The catalogue of an artifact, as filters ask of it: columns where they lie, and which rows have which text, counted once
//! and kept while the artifact is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use vitrine_index::Bitmap;
use vitrine_learn::Artifact;
use vitrine_learn::artifact::{Column, TextColumn};

/// The rows that have each text of a column.
#[derive(Debug)]
pub(crate) struct Postings {
    starts: Vec<u32>,
    rows: Vec<u32>,
    /// The rows of texts that many have, as sets: those are taken in a word at a time.
    sets: HashMap<u32, Bitmap>,
}

/// What one in so many rows has is had by many.
const MANY: usize = 64;

impl Postings {
    fn of(column: TextColumn<'_>, len: usize) -> Self {
        let products = u32::try_from(len).unwrap_or(u32::MAX);
        let codes = || (0..products).flat_map(|row| column.codes(row).iter().map(move |code| (*code, row)));
        let mut starts = vec![0_u32; column.len() as usize + 2];
        for (code, _) in codes() {
            if let Some(count) = starts.get_mut(code as usize + 2) {
                *count += 1;
            }
        }
        for at in 2..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut rows = vec![0; starts.last().copied().unwrap_or_default() as usize];
        for (code, row) in codes() {
            let Some(next) = starts.get_mut(code as usize + 1) else { continue };
            if let Some(place) = rows.get_mut(*next as usize) {
                *place = row;
                *next += 1;
            }
        }
        let mut postings = Self { starts, rows, sets: HashMap::new() };
        let many = (0..column.len()).filter(|code| postings.rows(*code).len() > len / MANY);
        postings.sets = many.map(|code| (code, Bitmap::from_rows(len, postings.rows(code).iter().copied()))).collect();
        postings
    }

    /// Adds the rows with a text to a set.
    pub(crate) fn add_to(&self, set: &mut Bitmap, code: u32) {
        match self.sets.get(&code) {
            Some(rows) => set.or(rows),
            None => self.rows(code).iter().for_each(|row| set.insert(*row)),
        }
    }

    /// The rows with a text, ascending; a row that has it twice may stand there twice.
    pub(crate) fn rows(&self, code: u32) -> &[u32] {
        let (Some(start), Some(end)) = (self.starts.get(code as usize), self.starts.get(code as usize + 1)) else {
            return &[];
        };
        self.rows.get(*start as usize..*end as usize).unwrap_or(&[])
    }
}

/// An artifact and what was learned of its columns. Shelves of one artifact share it.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) artifact: Arc<Artifact>,
    /// Rows that could be bought when the artifact was built.
    pub(crate) sellable: Bitmap,
    postings: Mutex<HashMap<String, Arc<Postings>>>,
}

impl Catalogue {
    pub(crate) fn new(artifact: Arc<Artifact>) -> Self {
        let sellable = Bitmap::from_fn(artifact.len(), |row| artifact.sellable(row));
        Self { artifact, sellable, postings: Mutex::default() }
    }

    pub(crate) fn column(&self, name: &str) -> Option<Column<'_>> {
        self.artifact.column(name)
    }

    /// The rows of each text of a column, counted when they are first asked for.
    pub(crate) fn postings(&self, name: &str, column: TextColumn<'_>) -> Arc<Postings> {
        let mut known = self.postings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(postings) = known.get(name) {
            return postings.clone();
        }
        let postings = Arc::new(Postings::of(column, self.artifact.len()));
        known.insert(name.to_owned(), postings.clone());
        postings
    }
}
