//! The artifact: everything learned, in one immutable file that is mapped into memory and used where it lies.
//!
//! `ARTIFACT.md` beside this crate documents the layout. Opening checks the header, the sizes of all sections and that
//! they fit each other: microseconds for any size. [`Artifact::verify`] reads every byte once and belongs after a
//! download, before the file is used.
//!
//! No accessor panics, whatever the bytes: what is out of bounds is empty or none. Only a verified artifact is promised to
//! hold rows that exist and numbers that are finite.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use half::f16;

use crate::Error;
use crate::algorithm::Algorithm;
use crate::blend::Part;
use crate::covisitation::{self, Pair};
use crate::lineup::Lineup;

mod check;
pub mod columns;
pub(crate) mod container;
pub(crate) mod memory;
mod pack;
pub(crate) mod sections;
mod visitor;

pub use columns::{Column, NumberLists, TextColumn};
pub use container::{VERSION, with_sections};
pub(crate) use pack::{Model, Packed, pack};

pub use memory::Number;

use columns::Columns;
use memory::Memory;
use sections::{About, Place, Places};

/// How many artifacts this process has opened.
static OPENED: AtomicU64 = AtomicU64::new(0);
/// Whether a product can be bought, as flag bits.
const SELLABLE: u32 = 1;
/// Whether it is content, not for sale.
const CONTENT: u32 = 2;
/// The brand number of products without one.
const NO_BRAND: u32 = u32::MAX;

/// An opened artifact. Cheap to share behind an `Arc`; reading needs no lock.
pub struct Artifact {
    memory: Memory,
    serial: u64,
    places: Places,
    about: About,
    ids: (Place, Place),
    json: (Place, Place),
    categories: (Place, Place),
    brands: (Place, Place),
    paths: (Place, Place),
    brand: Place,
    price: Place,
    flags: Place,
    people: Place,
    vectors: Place,
    popularity: Place,
    margin: Place,
    conversion: Place,
    trending: Place,
    popular: Place,
    leaders: (Place, Place),
    columns: Columns,
    /// Who answers for each part.
    algorithms: Vec<Arc<dyn Algorithm>>,
}

impl std::fmt::Debug for Artifact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Artifact")
            .field("bytes", &self.memory.len())
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

impl Artifact {
    /// Maps a file. It must not be changed while the artifact lives: publish another version under another name.
    ///
    /// # Errors
    /// If the file cannot be read, is no artifact, is of another format, is cut short, its sections do not fit, or one of
    /// its parts is of an algorithm that the line-up does not have.
    pub fn open(path: impl AsRef<Path>, lineup: &Lineup) -> Result<Self, Error> {
        Self::over(Memory::map(path.as_ref())?, lineup)
    }

    /// Takes the bytes of an artifact.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: Vec<u8>, lineup: &Lineup) -> Result<Self, Error> {
        Self::over(Memory::own(bytes), lineup)
    }

    fn over(memory: Memory, lineup: &Lineup) -> Result<Self, Error> {
        let places = Places::read(&memory)?;
        let about = places.get(sections::ABOUT, 1, None)?;
        let about: About = serde_json::from_slice(about.bytes(&memory))
            .map_err(|_| Error::damaged(sections::ABOUT, "cannot be understood"))?;
        let (n, dims) = (about.products as usize, about.dims as usize);
        if about.parts.iter().any(|part| part.range.start > part.range.end || part.range.end > dims) {
            return Err(Error::damaged(sections::ABOUT, "names dimensions that do not exist"));
        }
        let algorithm = |part: &Part| lineup.find(&part.name).ok_or_else(|| Error::Part(part.name.clone()));
        let algorithms = about.parts.iter().map(algorithm).collect::<Result<_, _>>()?;
        let numbers = n.checked_mul(dims).ok_or_else(|| Error::damaged(sections::VECTORS, "has the wrong size"))?;
        let categories = places.texts(&memory, sections::CATEGORIES, None)?;
        let names = categories.0.numbers::<u64>(&memory).len() - 1;
        let brands = places.texts(&memory, sections::BRANDS, None)?;
        let paths = places.lists(&memory, sections::CATEGORY_AT, sections::CATEGORY, n)?;
        let brand = places.get(sections::BRAND, 4, Some(n))?;
        Ok(Self {
            serial: OPENED.fetch_add(1, Ordering::Relaxed),
            columns: Columns::open(&places, &memory, n, (&paths, &categories), (&brand, &brands))?,
            ids: places.texts(&memory, sections::PRODUCTS, Some(n))?,
            json: places.texts(&memory, sections::JSON, Some(n))?,
            price: places.get(sections::PRICE, 4, Some(n))?,
            flags: places.get(sections::FLAGS, 4, Some(n))?,
            people: places.get(sections::PEOPLE, 4, Some(n))?,
            vectors: places.get(sections::VECTORS, 2, Some(numbers))?,
            margin: places.get(sections::MARGIN, 4, Some(n))?,
            conversion: places.get(sections::CONVERSION, 4, Some(n))?,
            popularity: places.get(sections::POPULARITY, 4, Some(n))?,
            trending: places.get(sections::TRENDING, 4, Some(n))?,
            popular: places.get(sections::POPULAR, 4, None)?,
            leaders: places.lists(&memory, sections::LEADERS_AT, sections::LEADERS, names)?,
            algorithms,
            brands,
            paths,
            brand,
            categories,
            about,
            places,
            memory,
        })
    }

    /// A number that no other artifact of this process has, whatever lies in memory where it lay.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// Reads every byte once: checksums, and that lists name rows that exist, texts are texts, numbers are finite.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the first section that is not as it was written.
    pub fn verify(&self) -> Result<(), Error> {
        self.places.verify(&self.memory)?;
        self.check()
    }

    /// The bytes of a section by name, for sections that others add (an index).
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&[u8]> {
        self.places.find(name).map(|place| place.bytes(&self.memory))
    }

    /// The numbers of a section by name, where they lie: `<part>.<name>` is what the part's algorithm wrote. Empty if there
    /// is none, or if it holds other numbers.
    #[must_use]
    pub fn numbers<T: Number>(&self, name: &str) -> &[T] {
        self.places.get(name, size_of::<T>() as u32, None).map_or(&[], |place| place.numbers(&self.memory))
    }

    /// How many products there are; rows are `0..len`.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.about.products as usize
    }

    /// Whether there are no products.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.about.products == 0
    }

    /// The row of a product; a binary search, as rows stand in the order of their identifiers.
    #[must_use]
    pub fn position(&self, id: &str) -> Option<u32> {
        let (mut low, mut high) = (0, self.about.products);
        while low < high {
            let middle = low + (high - low) / 2;
            // As bytes: whether they are text is of no matter to the order.
            match sections::bytes(&self.memory, &self.ids, middle as usize).cmp(id.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    /// The identifier of a product; empty for a row that does not exist.
    #[must_use]
    pub fn id(&self, row: u32) -> &str {
        sections::text(&self.memory, &self.ids, row as usize)
    }

    /// The product as it was when the artifact was built: [`Product::shown`](vitrine_domain::Product::shown) as JSON.
    #[must_use]
    pub fn product_json(&self, row: u32) -> &str {
        sections::text(&self.memory, &self.json, row as usize)
    }

    /// Dimensions of a vector.
    #[must_use]
    pub const fn dims(&self) -> usize {
        self.about.dims as usize
    }

    /// All vectors, row-major.
    #[must_use]
    pub fn vectors(&self) -> &[f16] {
        self.vectors.numbers(&self.memory)
    }

    /// The vector of a product; empty for a row that does not exist.
    #[must_use]
    pub fn vector(&self, row: u32) -> &[f16] {
        let dims = self.dims();
        let start = (row as usize).saturating_mul(dims);
        self.vectors().get(start..start.saturating_add(dims)).unwrap_or(&[])
    }

    /// The parts of the score.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.about.parts
    }

    /// The dimensions of a part among those of a vector; empty for a tally, and for a part that there is not.
    #[must_use]
    pub fn range(&self, part: &str) -> Range<usize> {
        self.parts().iter().find(|known| known.name == part).map_or(0..0, |part| part.range.clone())
    }

    /// The neighbours of a pair of actions.
    #[must_use]
    pub fn lists(&self, pair: Pair) -> covisitation::View<'_> {
        let [at, rows, weights, _] = covisitation::sections(pair);
        covisitation::View { starts: self.numbers(at), rows: self.numbers(rows), weights: self.numbers(weights) }
    }

    /// What goes with a product, and how strongly: weight descending, 1 is a typical strongest neighbour.
    #[must_use]
    pub fn neighbours(&self, pair: Pair, row: u32) -> (&[u32], &[f16]) {
        self.lists(pair).of(row)
    }

    /// Decayed interest in every product.
    #[must_use]
    pub fn popularity(&self) -> &[f32] {
        self.popularity.numbers(&self.memory)
    }

    /// How much more every product is wanted than it was; see [`crate::popularity`].
    #[must_use]
    pub fn trending(&self) -> &[f32] {
        self.trending.numbers(&self.memory)
    }

    /// How many people ever showed interest in every product: zero is a product that nobody has met.
    #[must_use]
    pub fn people(&self) -> &[u32] {
        self.people.numbers(&self.memory)
    }

    /// The most popular products of the shop, best first.
    #[must_use]
    pub fn popular(&self) -> &[u32] {
        self.popular.numbers(&self.memory)
    }

    /// The most popular products of a category (of any level), best first.
    #[must_use]
    pub fn popular_in(&self, category: u32) -> &[u32] {
        let bounds = sections::bounds(&self.memory, &self.leaders.0, category);
        self.leaders.1.numbers(&self.memory).get(bounds).unwrap_or(&[])
    }

    /// The names of all categories of any level, sorted; their places are the numbers that
    /// [`categories`](Self::categories) gives.
    pub fn category_names(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        let count = self.categories.0.numbers::<u64>(&self.memory).len().saturating_sub(1);
        (0..count).map(|entry| sections::text(&self.memory, &self.categories, entry))
    }

    /// The name of a category; empty for one that does not exist.
    #[must_use]
    pub fn category_name(&self, category: u32) -> &str {
        sections::text(&self.memory, &self.categories, category as usize)
    }

    /// The category path of a product, widest first.
    #[must_use]
    pub fn categories(&self, row: u32) -> &[u32] {
        let bounds = sections::bounds(&self.memory, &self.paths.0, row);
        self.paths.1.numbers(&self.memory).get(bounds).unwrap_or(&[])
    }

    /// The names of all brands, sorted; their places are the numbers that [`brand`](Self::brand) gives.
    pub fn brand_names(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        let count = self.brands.0.numbers::<u64>(&self.memory).len().saturating_sub(1);
        (0..count).map(|entry| sections::text(&self.memory, &self.brands, entry))
    }

    /// The brand of a product.
    #[must_use]
    pub fn brand(&self, row: u32) -> Option<u32> {
        let brand = self.brand.numbers::<u32>(&self.memory).get(row as usize)?;
        (*brand != NO_BRAND).then_some(*brand)
    }

    /// What a product costs, as it was when the artifact was built.
    #[must_use]
    pub fn price(&self, row: u32) -> Option<f32> {
        self.price.numbers::<f32>(&self.memory).get(row as usize).copied().filter(|price| price.is_finite())
    }

    /// Whether a product could be bought when the artifact was built.
    #[must_use]
    pub fn sellable(&self, row: u32) -> bool {
        self.flag(row, SELLABLE)
    }

    /// Whether a row is content (an article, a banner) and not for sale.
    #[must_use]
    pub fn is_content(&self, row: u32) -> bool {
        self.flag(row, CONTENT)
    }

    /// The values of an attribute in every row, as filters see them: what `Attributes for Product` of the domain says, as it
    /// was when the artifact was built. None if no product has a value, and for identifier, title, description and
    /// addresses, which are no columns.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<Column<'_>> {
        self.columns.get(&self.memory, name)
    }

    /// The names of all [columns](Self::column), ascending.
    #[must_use]
    pub fn column_names(&self) -> Vec<&str> {
        self.columns.names(&self.memory)
    }

    /// What the shop earns with one, if it is known. For the shop's own goals only: there is no column of it, so no filter
    /// can ask for it.
    #[must_use]
    pub fn margin(&self, row: u32) -> Option<f32> {
        self.margin.numbers::<f32>(&self.memory).get(row as usize).copied().filter(|margin| margin.is_finite())
    }

    /// The share of those who showed interest in every product that went on to order it, see [`crate::conversion`]. No
    /// column either.
    #[must_use]
    pub fn conversion(&self) -> &[f32] {
        self.conversion.numbers(&self.memory)
    }

    fn flag(&self, row: u32, bit: u32) -> bool {
        self.flags.numbers::<u32>(&self.memory).get(row as usize).is_some_and(|flags| flags & bit != 0)
    }
}

#[cfg(test)]
mod tests;
