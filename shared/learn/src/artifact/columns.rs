//! Columns: what filters ask of products, as numbers that are read where they lie.
//!
//! The values are those that `Attributes for Product` of the domain gives, which is the meaning of filters; a property test
//! compares the two. Every attribute has one form in the whole catalogue, chosen from all its values by [`write`].

use super::memory::Memory;
use super::sections::{self, COLUMN_TYPES, COLUMNS, Place, Places, Texts};
use crate::Error;

mod write;

#[cfg(test)]
mod tests;

pub(super) use write::write;

/// Most attributes with a column; of more those are kept that most products have.
pub const MOST_COLUMNS: usize = 256;
/// Longest name of an attribute with a column, in bytes.
pub const LONGEST_NAME: usize = 200;
/// How much of a text is kept, in bytes: texts that are equal so far are equal to filters.
pub const LONGEST_TEXT: usize = 256;
/// Most values of a product in one column: the first.
pub const MOST_VALUES: usize = 256;

/// Attributes whose sections have other names.
const CATEGORY: &str = "category";
const BRAND: &str = "brand";

/// The values of an attribute, row by row.
#[derive(Debug, Clone, Copy)]
pub enum Column<'a> {
    /// A number for each product; NaN where it is missing.
    Numbers(&'a [f64]),
    /// Several numbers for some products.
    NumberLists(NumberLists<'a>),
    /// [`NO`](Self::NO), [`YES`](Self::YES) or [`NEITHER`](Self::NEITHER) for each product.
    Flags(&'a [u32]),
    /// Texts, as codes of a dictionary; also attributes with values of several types, which are texts then: `true`, `4.5`.
    Texts(TextColumn<'a>),
}

impl Column<'_> {
    /// False.
    pub const NO: u32 = 0;
    /// True.
    pub const YES: u32 = 1;
    /// Missing.
    pub const NEITHER: u32 = 2;
}

/// Numbers of which a product may have several.
#[derive(Debug, Clone, Copy)]
pub struct NumberLists<'a> {
    starts: &'a [u32],
    numbers: &'a [f64],
}

impl<'a> NumberLists<'a> {
    /// The numbers of a product; empty where they are missing.
    #[must_use]
    pub fn of(&self, row: u32) -> &'a [f64] {
        bounds(self.starts, row).and_then(|(start, end)| self.numbers.get(start..end)).unwrap_or(&[])
    }

    /// Where each product's numbers start, and one more for the end; then all numbers.
    #[must_use]
    pub const fn all(&self) -> (&'a [u32], &'a [f64]) {
        (self.starts, self.numbers)
    }
}

/// Texts of which a product may have several.
#[derive(Debug, Clone, Copy)]
pub struct TextColumn<'a> {
    starts: Option<&'a [u32]>,
    codes: &'a [u32],
    at: &'a [u64],
    texts: &'a [u8],
}

impl<'a> TextColumn<'a> {
    /// The code of products without a value, in columns without starts.
    pub const MISSING: u32 = u32::MAX;

    /// The codes of a product's texts; empty where they are missing.
    #[must_use]
    pub fn codes(&self, row: u32) -> &'a [u32] {
        match self.starts {
            Some(starts) => bounds(starts, row).and_then(|(start, end)| self.codes.get(start..end)).unwrap_or(&[]),
            None => {
                let code = self.codes.get(row as usize).filter(|code| **code != Self::MISSING);
                code.map_or(&[], std::slice::from_ref)
            }
        }
    }

    /// All codes, for scans. With starts (one for each product and one more for the end) a product has a list of them,
    /// without it has one, which may be [`MISSING`](Self::MISSING).
    #[must_use]
    pub const fn all_codes(&self) -> (Option<&'a [u32]>, &'a [u32]) {
        (self.starts, self.codes)
    }

    /// The code of a text, if a product has it.
    #[must_use]
    pub fn code_of(&self, text: &str) -> Option<u32> {
        self.search(text).ok()
    }

    /// The code of a text or, if no product has it, of the next greater one: codes stand in the order of their texts, so a
    /// comparison of texts is one of codes.
    ///
    /// # Errors
    /// With the code of the next greater text, which may be the number of all texts, if there is none.
    pub fn search(&self, text: &str) -> Result<u32, u32> {
        let text = cut(text);
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.text(middle).cmp(text) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    /// The text of a code; empty for one that does not exist.
    #[must_use]
    pub fn text(&self, code: u32) -> &'a str {
        let code = code as usize;
        let (Some(start), Some(end)) = (self.at.get(code), self.at.get(code.wrapping_add(1))) else { return "" };
        let (Ok(start), Ok(end)) = (usize::try_from(*start), usize::try_from(*end)) else { return "" };
        std::str::from_utf8(self.texts.get(start..end).unwrap_or(&[])).unwrap_or("")
    }

    /// How many different texts there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.at.len().saturating_sub(1)).unwrap_or(Self::MISSING)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The different texts in ascending order; their places are their codes.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let column = *self;
        (0..column.len()).map(move |code| column.text(code))
    }
}

/// As much of a text as is kept.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST_TEXT)).unwrap_or(text)
}

fn bounds(starts: &[u32], row: u32) -> Option<(usize, usize)> {
    Some((*starts.get(row as usize)? as usize, *starts.get((row as usize).checked_add(1)?)? as usize))
}

/// How the values of a column are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Numbers,
    NumberLists,
    Flags,
    Texts,
    TextLists,
}

impl Form {
    const ALL: [Self; 5] = [Self::Numbers, Self::NumberLists, Self::Flags, Self::Texts, Self::TextLists];

    /// Its number in the file.
    fn code(self) -> u32 {
        self as u32
    }

    fn from_code(code: u32) -> Option<Self> {
        Self::ALL.get(code as usize).copied()
    }
}

/// The sections of a column by its number.
struct Names {
    values: String,
    starts: String,
    texts_at: String,
    texts: String,
}

impl Names {
    fn of(number: usize) -> Self {
        let values = format!("column.{number}");
        let [starts, texts_at, texts] = ["at", "texts.at", "texts"].map(|name| format!("{values}.{name}"));
        Self { values, starts, texts_at, texts }
    }

    fn texts(&self) -> Texts<'_> {
        Texts { at: &self.texts_at, text: &self.texts }
    }
}

/// Where a column lies.
#[derive(Debug, Clone)]
enum Stored {
    Numbers(Place),
    NumberLists(Place, Place),
    Flags(Place),
    Texts { starts: Option<Place>, codes: Place, at: Place, texts: Place },
}

/// Where the columns lie, in the order of their names.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    names: (Place, Place),
    stored: Vec<Stored>,
    category: Stored,
    brand: Stored,
}

impl Columns {
    /// Finds the columns of `n` products and checks their sizes.
    pub(super) fn open(
        places: &Places,
        memory: &Memory,
        n: usize,
        (paths, categories): (&(Place, Place), &(Place, Place)),
        (brand, brands): (&Place, &(Place, Place)),
    ) -> Result<Self, Error> {
        let names = places.texts(memory, COLUMNS, None)?;
        let count = names.0.numbers::<u64>(memory).len() - 1;
        let types = places.get(COLUMN_TYPES, 4, Some(count))?;
        let types: &[u32] = types.numbers(memory);
        let stored = types.iter().enumerate().map(|(number, code)| {
            let form =
                Form::from_code(*code).ok_or_else(|| Error::damaged(COLUMN_TYPES, "names what does not exist"))?;
            let names = Names::of(number);
            Ok(match form {
                Form::Numbers => Stored::Numbers(places.get(&names.values, 8, Some(n))?),
                Form::NumberLists => {
                    let (starts, numbers) = places.lists_of(memory, &names.starts, &names.values, n, 8)?;
                    Stored::NumberLists(starts, numbers)
                }
                Form::Flags => Stored::Flags(places.get(&names.values, 4, Some(n))?),
                Form::Texts | Form::TextLists => {
                    let (starts, codes) = if form == Form::TextLists {
                        let (starts, codes) = places.lists(memory, &names.starts, &names.values, n)?;
                        (Some(starts), codes)
                    } else {
                        (None, places.get(&names.values, 4, Some(n))?)
                    };
                    let (at, texts) = places.texts(memory, names.texts(), None)?;
                    Stored::Texts { starts, codes, at, texts }
                }
            })
        });
        let stored = stored.collect::<Result<_, Error>>()?;
        let texts = |starts: Option<&Place>, codes: &Place, (at, texts): &(Place, Place)| Stored::Texts {
            starts: starts.cloned(),
            codes: codes.clone(),
            at: at.clone(),
            texts: texts.clone(),
        };
        let (category, brand) = (texts(Some(&paths.0), &paths.1, categories), texts(None, brand, brands));
        Ok(Self { names, stored, category, brand })
    }

    fn name<'m>(&self, memory: &'m Memory, number: usize) -> &'m str {
        sections::text(memory, &self.names, number)
    }

    /// The column of a name, by a binary search.
    pub(super) fn get<'m>(&self, memory: &'m Memory, name: &str) -> Option<Column<'m>> {
        let stored = match name {
            CATEGORY => &self.category,
            BRAND => &self.brand,
            _ => {
                let (mut low, mut high) = (0, self.stored.len());
                loop {
                    if low >= high {
                        return None;
                    }
                    let middle = low + (high - low) / 2;
                    match self.name(memory, middle).cmp(name) {
                        std::cmp::Ordering::Less => low = middle + 1,
                        std::cmp::Ordering::Greater => high = middle,
                        std::cmp::Ordering::Equal => break self.stored.get(middle)?,
                    }
                }
            }
        };
        match stored.read(memory) {
            // Those two have sections even if no product has a value.
            Column::Texts(texts) if texts.is_empty() => None,
            column => Some(column),
        }
    }

    /// The names of all columns, ascending.
    pub(super) fn names<'m>(&self, memory: &'m Memory) -> Vec<&'m str> {
        let stored = (0..self.stored.len()).map(|number| self.name(memory, number));
        let others = [BRAND, CATEGORY].into_iter().filter(|name| self.get(memory, name).is_some());
        let mut names: Vec<&str> = stored.chain(others).collect();
        names.sort_unstable();
        names
    }

    /// Checks what the columns hold.
    pub(super) fn check(&self, memory: &Memory) -> Result<(), Error> {
        sections::check_texts(memory, COLUMNS, &self.names)?;
        let mut names = (0..self.stored.len()).map(|number| self.name(memory, number));
        let ordered = (0..self.stored.len()).map(|number| self.name(memory, number)).is_sorted_by(|a, b| a < b);
        if !ordered || names.any(|name| name == CATEGORY || name == BRAND) {
            return Err(Error::damaged(COLUMNS.text, "is out of order"));
        }
        self.stored.iter().enumerate().try_for_each(|(number, stored)| stored.check(memory, &Names::of(number)))
    }
}

impl Stored {
    fn read<'m>(&self, memory: &'m Memory) -> Column<'m> {
        match self {
            Self::Numbers(numbers) => Column::Numbers(numbers.numbers(memory)),
            Self::NumberLists(starts, numbers) => {
                Column::NumberLists(NumberLists { starts: starts.numbers(memory), numbers: numbers.numbers(memory) })
            }
            Self::Flags(flags) => Column::Flags(flags.numbers(memory)),
            Self::Texts { starts, codes, at, texts } => Column::Texts(TextColumn {
                starts: starts.as_ref().map(|starts| starts.numbers(memory)),
                codes: codes.numbers(memory),
                at: at.numbers(memory),
                texts: texts.bytes(memory),
            }),
        }
    }

    fn check(&self, memory: &Memory, names: &Names) -> Result<(), Error> {
        let exist = |holds: bool| {
            let error = || Error::damaged(&names.values, "names what does not exist");
            if holds { Ok(()) } else { Err(error()) }
        };
        let ordered = |starts: &[u32]| {
            let error = || Error::damaged(&names.starts, "does not fit the lists");
            if starts.first() == Some(&0) && starts.is_sorted() { Ok(()) } else { Err(error()) }
        };
        let finite = |holds: bool| {
            let error = || Error::damaged(&names.values, "holds what is no number");
            if holds { Ok(()) } else { Err(error()) }
        };
        if let Self::Texts { at, texts, .. } = self {
            sections::check_texts(memory, names.texts(), &(at.clone(), texts.clone()))?;
        }
        match self.read(memory) {
            Column::Numbers(numbers) => finite(!numbers.iter().any(|x| x.is_infinite())),
            Column::NumberLists(NumberLists { starts, numbers }) => {
                ordered(starts)?;
                finite(numbers.iter().all(|x| x.is_finite()))
            }
            Column::Flags(flags) => exist(flags.iter().all(|flag| *flag <= Column::NEITHER)),
            Column::Texts(column) => {
                if !column.names().is_sorted_by(|a, b| a < b) {
                    return Err(Error::damaged(&names.texts, "is out of order"));
                }
                column.starts.map_or(Ok(()), ordered)?;
                let missing = column.starts.is_none();
                let known = |code: &u32| *code < column.len() || (missing && *code == TextColumn::MISSING);
                exist(column.codes.iter().all(known))
            }
        }
    }
}
