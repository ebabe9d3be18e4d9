//! What [`Artifact::verify`] looks at besides checksums: that the numbers mean something. A file with right checksums but
//! wrong content was written by a wrong writer; better found here than in an answer.

use super::{Artifact, Place, sections};
use crate::Error;

impl Artifact {
    pub(super) fn check(&self) -> Result<(), Error> {
        for (names, texts) in [
            (sections::PRODUCTS, &self.ids),
            (sections::JSON, &self.json),
            (sections::CATEGORIES, &self.categories),
            (sections::BRANDS, &self.brands),
        ] {
            sections::check_texts(&self.memory, names, texts)?;
        }
        let n = self.len();
        let ids = (0..self.about.products).map(|row| self.id(row));
        if !ids.is_sorted_by(|a, b| a < b) {
            return Err(Error::damaged(sections::PRODUCTS.text, "is out of order"));
        }
        self.check_starts(sections::CATEGORY_AT, &self.paths.0, &self.paths.1, self.category_names().len())?;
        self.check_starts(sections::LEADERS_AT, &self.leaders.0, &self.leaders.1, n)?;
        self.check_rows(sections::POPULAR, &self.popular, n)?;
        let brands = self.brand_names().len() as u32;
        if (0..self.about.products).filter_map(|row| self.brand(row)).any(|brand| brand >= brands) {
            return Err(Error::damaged(sections::BRAND, "names what does not exist"));
        }
        if !self.vectors().iter().all(|x| x.is_finite()) {
            return Err(Error::damaged(sections::VECTORS, "holds what is no number"));
        }
        self.check_finite(sections::POPULARITY, None)?;
        self.check_finite(sections::TRENDING, None)?;
        self.columns.check(&self.memory)?;
        if self.margin.numbers::<f32>(&self.memory).iter().any(|margin| margin.is_infinite()) {
            return Err(Error::damaged(sections::MARGIN, "holds what is no number"));
        }
        if !self.conversion().iter().all(|share| (0.0..=1.0).contains(share)) {
            return Err(Error::damaged(sections::CONVERSION, "holds what is no share"));
        }
        self.lineup().try_for_each(|(_, algorithm)| algorithm.check(self))
    }

    fn check_starts(&self, name: &str, starts: &Place, rows: &Place, below: usize) -> Result<(), Error> {
        let starts: &[u32] = starts.numbers(&self.memory);
        if starts.first() != Some(&0) || !starts.is_sorted() {
            return Err(Error::damaged(name, "does not fit the lists"));
        }
        self.check_rows(name, rows, below)
    }

    fn check_rows(&self, name: &str, rows: &Place, below: usize) -> Result<(), Error> {
        if rows.numbers::<u32>(&self.memory).iter().any(|row| *row as usize >= below) {
            return Err(Error::damaged(name, "names what does not exist"));
        }
        Ok(())
    }

    /// Checks lists that a part wrote: a start for each of `count` and one more, and rows of products.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a section is missing or the lists do not fit.
    pub fn check_lists(&self, at: &str, rows: &str, count: usize) -> Result<(), Error> {
        self.check_entries(at, rows, count, self.len())
    }

    /// The same for lists whose entries are anything below a bound.
    ///
    /// # Errors
    /// As [`check_lists`](Self::check_lists).
    pub fn check_entries(&self, at: &str, entries: &str, count: usize, below: usize) -> Result<(), Error> {
        let (starts, entries) = self.places.lists(&self.memory, at, entries, count)?;
        self.check_starts(at, &starts, &entries, below)
    }

    /// Checks numbers of single precision that a part wrote: how many there are, and that they are finite.
    ///
    /// # Errors
    /// [`Error::Damaged`] if they are not.
    pub fn check_finite(&self, name: &str, count: Option<usize>) -> Result<(), Error> {
        let numbers = self.places.get(name, 4, count)?;
        if numbers.numbers::<f32>(&self.memory).iter().any(|x| !x.is_finite()) {
            return Err(Error::damaged(name, "holds what is no number"));
        }
        Ok(())
    }

    /// Checks a section of one number from zero to one.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is anything else.
    pub fn check_share(&self, name: &str) -> Result<(), Error> {
        self.check_finite(name, Some(1))?;
        if !self.numbers::<f32>(name).iter().all(|share| (0.0..=1.0).contains(share)) {
            return Err(Error::damaged(name, "holds what is no share"));
        }
        Ok(())
    }
}
