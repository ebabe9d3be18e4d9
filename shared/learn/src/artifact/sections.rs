//! The names of the sections, and what each must look like for the accessors to be right.

use std::ops::Range;

use super::container::{self, Section};
use super::memory::{Memory, Number, numbers};
use crate::Error;
use crate::blend::Part;
use crate::dataset::mix;

pub(crate) const ABOUT: &str = "about";
pub(crate) const PRODUCTS: Texts<'static> = Texts { at: "ids.at", text: "ids" };
pub(crate) const JSON: Texts<'static> = Texts { at: "json.at", text: "json" };
pub(crate) const CATEGORIES: Texts<'static> = Texts { at: "categories.at", text: "categories" };
pub(crate) const BRANDS: Texts<'static> = Texts { at: "brands.at", text: "brands" };
pub(crate) const CATEGORY_AT: &str = "category.at";
pub(crate) const CATEGORY: &str = "category";
pub(crate) const BRAND: &str = "brand";
pub(crate) const PRICE: &str = "price";
pub(crate) const FLAGS: &str = "flags";
pub(crate) const PEOPLE: &str = "people";
pub(crate) const VECTORS: &str = "vectors";
pub(crate) const POPULARITY: &str = "wanted";
pub(crate) const TRENDING: &str = "trending";
pub(crate) const POPULAR: &str = "popular";
pub(crate) const LEADERS_AT: &str = "leaders.at";
pub(crate) const LEADERS: &str = "leaders";
pub(crate) const COLUMNS: Texts<'static> = Texts { at: "columns.at", text: "columns" };
pub(crate) const COLUMN_TYPES: &str = "columns.types";
pub(crate) const MARGIN: &str = "margin";
pub(crate) const CONVERSION: &str = "conversion";

/// A table of texts: where each starts (and the last one ends), and the bytes.
#[derive(Clone, Copy)]
pub(crate) struct Texts<'n> {
    pub(crate) at: &'n str,
    pub(crate) text: &'n str,
}

/// What is small enough to be written as JSON.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct About {
    pub(crate) products: u32,
    pub(crate) dims: u32,
    pub(crate) parts: Vec<Part>,
}

/// Where each section lies, checked for what the accessors rely on.
pub(crate) struct Places {
    /// In the order of the file.
    sections: Vec<Section>,
    /// Their places by their names: a hash table of a power of two, half empty, as parts ask for sections in every request.
    by_name: Vec<Option<usize>>,
}

/// A hash of a name, by its length, its first eight bytes and its last eight: those tell the names of one file apart.
fn hash(name: &str) -> usize {
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let bytes = name.as_bytes();
    let (first, last) = (&bytes[..bytes.len().min(8)], &bytes[bytes.len().saturating_sub(8)..]);
    mix(number(first) ^ number(last).rotate_left(29) ^ bytes.len() as u64) as usize
}

/// A section found by name, once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place(Range<usize>);

impl Place {
    pub(crate) fn bytes<'m>(&self, memory: &'m Memory) -> &'m [u8] {
        memory.get(self.0.clone()).unwrap_or(&[])
    }

    pub(crate) fn numbers<'m, T: Number>(&self, memory: &'m Memory) -> &'m [T] {
        numbers(self.bytes(memory)).unwrap_or(&[])
    }
}

impl Places {
    pub(crate) fn read(memory: &Memory) -> Result<Self, Error> {
        let sections = container::read(memory)?;
        let mut by_name = vec![None; (2 * sections.len() + 1).next_power_of_two()];
        for (at, section) in sections.iter().enumerate() {
            let mut slot = hash(&section.name) % by_name.len();
            while by_name[slot].is_some() {
                slot = (slot + 1) % by_name.len();
            }
            by_name[slot] = Some(at);
        }
        Ok(Self { sections, by_name })
    }

    pub(crate) fn verify(&self, memory: &Memory) -> Result<(), Error> {
        container::verify(memory, &self.sections)
    }

    fn section(&self, name: &str) -> Option<&Section> {
        let mut slot = hash(name) % self.by_name.len();
        // There are more slots than sections.
        while let Some(section) = self.by_name[slot].and_then(|at| self.sections.get(at)) {
            if section.name == name {
                return Some(section);
            }
            slot = (slot + 1) % self.by_name.len();
        }
        None
    }

    pub(crate) fn find(&self, name: &str) -> Option<Place> {
        self.section(name).map(|section| Place(section.bytes.clone()))
    }

    /// A section of numbers (or text) of a certain size.
    pub(crate) fn get(&self, name: &str, width: u32, count: Option<usize>) -> Result<Place, Error> {
        let section = self.section(name).ok_or_else(|| Error::damaged(name, "is missing"))?;
        let found = section.bytes.len() / width as usize;
        if section.width != width || count.is_some_and(|count| count != found) {
            return Err(Error::damaged(name, "has the wrong size"));
        }
        Ok(Place(section.bytes.clone()))
    }

    /// A table of texts. Its last offset must be the end of the text.
    pub(crate) fn texts(
        &self,
        memory: &Memory,
        texts: Texts<'_>,
        count: Option<usize>,
    ) -> Result<(Place, Place), Error> {
        let at = self.get(texts.at, 8, count.map(|count| count + 1))?;
        let text = self.get(texts.text, 1, None)?;
        let end = at.numbers::<u64>(memory).last().copied();
        if end != Some(text.bytes(memory).len() as u64) {
            return Err(Error::damaged(texts.at, "does not fit the text"));
        }
        Ok((at, text))
    }

    /// Lists of rows: starts for each of `count`, then entries. The last start must be the number of entries.
    pub(crate) fn lists(&self, memory: &Memory, at: &str, rows: &str, count: usize) -> Result<(Place, Place), Error> {
        self.lists_of(memory, at, rows, count, 4)
    }

    /// The same for entries of any width.
    pub(crate) fn lists_of(
        &self,
        memory: &Memory,
        at: &str,
        entries: &str,
        count: usize,
        width: u32,
    ) -> Result<(Place, Place), Error> {
        let starts = self.get(at, 4, Some(count + 1))?;
        let entries = self.get(entries, width, None)?;
        let end = starts.numbers::<u32>(memory).last().map(|end| *end as usize);
        if end != Some(entries.bytes(memory).len() / width as usize) {
            return Err(Error::damaged(at, "does not fit the lists"));
        }
        Ok((starts, entries))
    }
}

/// The text of an entry; empty if there is none, or if its bytes are no text.
pub(crate) fn text<'m>(memory: &'m Memory, texts: &(Place, Place), entry: usize) -> &'m str {
    std::str::from_utf8(bytes(memory, texts, entry)).unwrap_or("")
}

/// The bytes of an entry; empty if there is none.
pub(crate) fn bytes<'m>(memory: &'m Memory, (at, text): &(Place, Place), entry: usize) -> &'m [u8] {
    let at: &[u64] = at.numbers(memory);
    let (Some(start), Some(end)) = (at.get(entry), at.get(entry.wrapping_add(1))) else { return &[] };
    let (Ok(start), Ok(end)) = (usize::try_from(*start), usize::try_from(*end)) else { return &[] };
    text.bytes(memory).get(start..end).unwrap_or(&[])
}

/// Checks that a table of texts is one.
pub(crate) fn check_texts(memory: &Memory, names: Texts<'_>, (at, text): &(Place, Place)) -> Result<(), Error> {
    let at: &[u64] = at.numbers(memory);
    let Ok(text) = std::str::from_utf8(text.bytes(memory)) else {
        return Err(Error::damaged(names.text, "is no text"));
    };
    let bounded = at.first() == Some(&0) && at.is_sorted();
    if !bounded || !at.iter().all(|at| usize::try_from(*at).is_ok_and(|at| text.is_char_boundary(at))) {
        return Err(Error::damaged(names.at, "does not fit the text"));
    }
    Ok(())
}

/// The bounds of a list within its entries; empty if there is none.
pub(crate) fn bounds(memory: &Memory, starts: &Place, entry: u32) -> Range<usize> {
    let starts: &[u32] = starts.numbers(memory);
    match (starts.get(entry as usize), starts.get(entry as usize + 1)) {
        (Some(start), Some(end)) => *start as usize..*end as usize,
        _ => 0..0,
    }
}
