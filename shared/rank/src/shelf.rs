//! What a shop has to show right now: the model's products and every change since it was built.
//!
//! A shelf never changes. A change makes a new shelf that shares the artifact; rows of the artifact keep their numbers
//! and products that are newer than it get the rows after them. A new product stands where its category stands: its
//! vector is the mean of the vectors of its narrowest known category, until the next training gives it its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use half::f16;
use serde::Deserialize;
use serde_json::Value;
use vitrine_domain::filter::{Attributes, MAX_JSON};
use vitrine_domain::{Change, Filter, FilterError, Product};
use vitrine_index::{Bitmap, Hit, Index as _, Stored, dot_f16};
use vitrine_learn::artifact::{Column, TextColumn};
use vitrine_learn::{Artifact, halves};

use crate::catalogue::Catalogue;
use crate::workspace::Searches;
use crate::{Workspace, compile};

/// Filters whose rows are kept.
const KEPT: usize = 128;
/// Set in the number of a kind that the artifact does not know.
const FOREIGN: u64 = 1 << 63;

/// A product that is newer than the artifact, or different from it.
#[derive(Debug, Clone)]
struct Entry {
    product: Arc<Product>,
    json: Arc<str>,
    /// Of products that the artifact does not hold.
    vector: Vec<f16>,
}

/// The products that can be shown.
#[derive(Debug)]
pub struct Shelf {
    catalogue: Option<Arc<Catalogue>>,
    /// Rows of the artifact that changed since.
    changed: HashMap<u32, Entry>,
    /// Rows after the artifact's.
    added: Vec<Entry>,
    /// Their row by identifier.
    added_rows: HashMap<String, u32>,
    sellable: Bitmap,
    /// The rows of filters that were asked lately.
    filters: Mutex<HashMap<String, Arc<Bitmap>>>,
}

impl Shelf {
    /// The shelf of an artifact and the changes since it was built, oldest first. Without an artifact, the shelf of a
    /// shop that was never trained.
    #[must_use]
    pub fn new(artifact: Option<Arc<Artifact>>, changes: &[Change]) -> Self {
        Self::over(artifact.map(|artifact| Arc::new(Catalogue::new(artifact))), changes)
    }

    /// The same artifact with other changes. What was learned of its columns is kept.
    #[must_use]
    pub fn with_changes(&self, changes: &[Change]) -> Self {
        Self::over(self.catalogue.clone(), changes)
    }

    fn over(catalogue: Option<Arc<Catalogue>>, changes: &[Change]) -> Self {
        let base = catalogue.as_ref().map_or(0, |c| c.artifact.len());
        // The last word on each product counts.
        let last: BTreeMap<&str, &Change> = changes.iter().map(|change| (change.id.as_str(), change)).collect();
        let mut shelf = Self {
            sellable: catalogue.as_ref().map_or_else(Bitmap::default, |c| c.sellable.clone()),
            catalogue,
            changed: HashMap::new(),
            added: Vec::new(),
            added_rows: HashMap::new(),
            filters: Mutex::default(),
        };
        let mut withdrawn = Vec::new();
        for (id, change) in last {
            let row = shelf.artifact().and_then(|a| a.position(id));
            match (&change.product, row) {
                (None, Some(row)) => withdrawn.push(row),
                (None, None) => {}
                (Some(product), Some(row)) => {
                    shelf.changed.insert(row, entry(product, Vec::new()));
                }
                (Some(product), None) => {
                    let vector = shelf.likely_vector(product);
                    let row = u32::try_from(base + shelf.added.len()).unwrap_or(u32::MAX);
                    shelf.added_rows.insert(id.to_owned(), row);
                    shelf.added.push(entry(product, vector));
                }
            }
        }
        shelf.sellable.grow(shelf.len());
        for (row, entry) in overlay(base, &shelf.changed, &shelf.added) {
            if entry.product.is_sellable() { shelf.sellable.insert(row) } else { shelf.sellable.remove(row) }
        }
        withdrawn.into_iter().for_each(|row| shelf.sellable.remove(row));
        shelf
    }

    /// The mean vector of the narrowest category that the artifact knows; zeros if it knows none.
    fn likely_vector(&self, product: &Product) -> Vec<f16> {
        let Some(artifact) = self.artifact() else { return Vec::new() };
        let mut mean = vec![0.0_f32; artifact.dims()];
        for name in product.category.iter().rev() {
            let Some(category) = artifact.category_names().position(|known| known == name) else { continue };
            let category = u32::try_from(category).unwrap_or(u32::MAX);
            let like = artifact.popular_in(category);
            for row in like {
                for (sum, x) in mean.iter_mut().zip(artifact.vector(*row)) {
                    *sum += x.to_f32();
                }
            }
            if !like.is_empty() {
                #[allow(clippy::cast_precision_loss, reason = "a list of leaders is short")]
                mean.iter_mut().for_each(|sum| *sum /= like.len() as f32);
                break;
            }
        }
        mean.into_iter().map(f16::from_f32).collect()
    }

    fn entry(&self, row: u32) -> Option<&Entry> {
        let base = self.base();
        match (row as usize).checked_sub(base) {
            Some(added) => self.added.get(added),
            None => self.changed.get(&row),
        }
    }

    /// The model behind the shelf.
    #[must_use]
    pub fn artifact(&self) -> Option<&Artifact> {
        self.catalogue.as_ref().map(|catalogue| catalogue.artifact.as_ref())
    }

    /// Rows of the artifact.
    fn base(&self) -> usize {
        self.artifact().map_or(0, Artifact::len)
    }

    /// Number of rows, those of withdrawn products included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.base() + self.added.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows that may be shown: neither withdrawn nor sold out.
    #[must_use]
    pub const fn sellable(&self) -> &Bitmap {
        &self.sellable
    }

    /// Whether a row is newer than the artifact.
    #[must_use]
    pub fn is_new(&self, row: u32) -> bool {
        row as usize >= self.base()
    }

    /// The row of a product.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<u32> {
        let known = self.artifact().and_then(|a| a.position(id));
        known.or_else(|| self.added_rows.get(id).copied())
    }

    /// The identifier of a row.
    #[must_use]
    pub fn id(&self, row: u32) -> &str {
        match (self.entry(row), self.artifact()) {
            (Some(entry), _) => entry.product.id.as_str(),
            (None, Some(artifact)) => artifact.id(row),
            (None, None) => "",
        }
    }

    /// The product of a row, as JSON.
    #[must_use]
    pub fn json(&self, row: u32) -> &str {
        match (self.entry(row), self.artifact()) {
            (Some(entry), _) => &entry.json,
            (None, Some(artifact)) => artifact.product_json(row),
            (None, None) => "null",
        }
    }

    /// The product of a row.
    #[must_use]
    pub fn product(&self, row: u32) -> Option<Product> {
        match self.entry(row) {
            Some(entry) => Some((*entry.product).clone()),
            None => serde_json::from_str(self.json(row)).ok(),
        }
    }

    /// The vector of a row; empty without a model.
    #[must_use]
    pub fn vector(&self, row: u32) -> &[f16] {
        let Some(artifact) = self.artifact() else { return &[] };
        match (row as usize).checked_sub(artifact.len()) {
            Some(added) => self.added.get(added).map_or(&[], |entry| &entry.vector),
            None => artifact.vector(row),
        }
    }

    /// The narrowest category of a row.
    #[must_use]
    pub fn leaf_category(&self, row: u32) -> Option<&str> {
        self.category_path(row).pop()
    }

    /// The category path of a row, widest first.
    #[must_use]
    pub fn category_path(&self, row: u32) -> Vec<&str> {
        match (self.entry(row), self.artifact()) {
            (Some(entry), _) => entry.product.category.iter().map(String::as_str).collect(),
            (None, Some(artifact)) => artifact.categories(row).iter().map(|c| artifact.category_name(*c)).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// The brand of a row.
    #[must_use]
    pub fn brand(&self, row: u32) -> Option<&str> {
        if let Some(entry) = self.entry(row) {
            return entry.product.brand.as_deref();
        }
        match self.catalogue.as_ref()?.column("brand")? {
            Column::Texts(brands) => brands.codes(row).first().map(|code| brands.text(*code)),
            _ => None,
        }
    }

    /// The name of a product, for sentences.
    #[must_use]
    pub fn title(&self, row: u32) -> String {
        /// The one member that is read.
        #[derive(Deserialize)]
        struct Titled {
            title: String,
        }
        match self.entry(row) {
            Some(entry) => entry.product.title.clone(),
            None => serde_json::from_str::<Titled>(self.json(row)).map(|titled| titled.title).unwrap_or_default(),
        }
    }

    /// What a row costs now.
    #[must_use]
    pub fn price(&self, row: u32) -> Option<f32> {
        #[allow(clippy::cast_possible_truncation, reason = "prices are kept in single precision for ranking")]
        match (self.entry(row), self.artifact()) {
            (Some(entry), _) => entry.product.current_price().map(|p| p as f32),
            (None, Some(artifact)) => artifact.price(row),
            (None, None) => None,
        }
    }

    /// What the shop earns with one, if that is known.
    #[must_use]
    pub(crate) fn margin(&self, row: u32) -> Option<f32> {
        #[allow(clippy::cast_possible_truncation, reason = "amounts are kept in single precision for ranking")]
        match self.entry(row) {
            Some(entry) => entry.product.margin().map(|margin| margin as f32),
            None => self.artifact()?.margin(row),
        }
    }

    /// The share of those who were interested in a product that ordered it; none of new ones.
    pub(crate) fn conversion(&self, row: u32) -> Option<f32> {
        self.artifact()?.conversion().get(row as usize).copied()
    }

    /// How many people ever showed interest in a product.
    #[allow(clippy::cast_precision_loss, reason = "a number of people")]
    pub(crate) fn people(&self, row: u32) -> f32 {
        self.artifact().and_then(|a| a.people().get(row as usize)).copied().unwrap_or_default() as f32
    }

    /// Writes the direction of a product's vector, for how like products are. What all have in common, as how popular they
    /// are, has one dimension each and is left out.
    pub(crate) fn direction(&self, row: u32, out: &mut [f32]) {
        let vector = self.vector(row);
        if vector.len() != out.len() {
            out.fill(0.0);
            return;
        }
        halves::to_f32(vector, out);
        let common = self.artifact().into_iter().flat_map(|artifact| artifact.parts()).filter(|p| p.range.len() == 1);
        common.for_each(|part| out.get_mut(part.range.clone()).into_iter().flatten().for_each(|x| *x = 0.0));
        let length = vitrine_index::dot(out, out).sqrt();
        if length > 0.0 {
            out.iter_mut().for_each(|x| *x /= length);
        }
    }

    /// The index that training chose for the artifact; the exact scan where it cannot be read.
    pub(crate) fn index(&self) -> Option<Stored<'_>> {
        let artifact = self.artifact()?;
        let stored = Stored::open(|name| artifact.section(name), artifact.vectors(), artifact.dims());
        stored.or_else(|_| Stored::open(|_| None, artifact.vectors(), artifact.dims())).ok()
    }

    /// Writes the best of the allowed rows by their vectors alone over `work.found`. If enough of what is proposed is allowed,
    /// they are among it; otherwise the index is searched.
    pub(crate) fn nearest(
        &self,
        query: &[f32],
        allowed: &Bitmap,
        most: usize,
        near: Option<&[u32]>,
        work: &mut Workspace,
    ) {
        if near.is_some_and(|near| self.nearest_of(query, near, allowed, most, work)) {
            if work.searches == Searches::First {
                work.searches = Searches::Apart;
            }
        } else {
            let Workspace { index, found, searches, .. } = work;
            let searched = self.index().map(|stored| match searches {
                Searches::First => stored.search_keeping(query, most, allowed, index, found),
                Searches::Later => stored.search_kept(query, most, allowed, index, found),
                Searches::Apart => stored.search(query, most, Some(allowed), index, found),
            });
            if *searches == Searches::First {
                *searches = Searches::Later;
            }
            if !matches!(searched, Some(Ok(()))) {
                found.hits.clear();
            }
        }
        let found = &mut work.found;
        let first = u32::try_from(self.base()).unwrap_or(u32::MAX);
        for (row, entry) in (first..).zip(&self.added).filter(|(row, _)| allowed.contains(*row)) {
            let score = dot_f16(query, &entry.vector);
            if !score.is_nan() {
                found.hits.push(Hit { row, score });
            }
        }
        if !self.added.is_empty() {
            found.touched += self.added.len();
            found.hits.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
            found.hits.truncate(most);
        }
    }

    /// Takes what another index proposes for a search of the artifact, and scores it here. False if too little of it is
    /// allowed. Products that changed since the artifact was built may be filtered by what they were there, so they are
    /// looked at whether they are proposed or not.
    fn nearest_of(&self, query: &[f32], near: &[u32], allowed: &Bitmap, most: usize, work: &mut Workspace) -> bool {
        let (Some(stored), base) = (self.index(), self.base()) else { return false };
        let Workspace { found, rows, scores, .. } = work;
        let unchanged = |row: &u32| (*row as usize) < base && !self.changed.contains_key(row);
        rows.clear();
        rows.extend(near.iter().filter(|row| unchanged(row) && allowed.contains(**row)));
        rows.sort_unstable();
        rows.dedup();
        let changed = || self.changed.keys().copied().filter(|row| allowed.contains(*row));
        let could = allowed.count_below(base) - changed().count();
        if rows.len() < most.min(could) {
            return false;
        }
        rows.extend(changed());
        if stored.scores_of(query, rows, scores).is_err() {
            return false;
        }
        let hits = rows.iter().zip(scores.iter()).map(|(row, score)| Hit { row: *row, score: *score });
        found.hits.clear();
        found.hits.extend(hits.filter(|hit| !hit.score.is_nan()));
        found.hits.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        found.hits.truncate(most);
        found.touched = rows.len();
        true
    }

    /// Rows of the artifact that are another product now than it holds.
    pub(crate) fn changed(&self) -> impl Iterator<Item = u32> + '_ {
        self.changed.keys().copied()
    }

    /// How many rows the artifact has.
    pub(crate) fn known(&self) -> usize {
        self.base()
    }

    /// What the artifact says of its products.
    pub(crate) fn catalogue(&self) -> Option<&Catalogue> {
        self.catalogue.as_deref()
    }

    /// The rows for which a filter without references holds.
    ///
    /// # Errors
    /// If an attribute is unknown, or is of another type than what it is compared with.
    pub fn rows(&self, filter: &Filter) -> Result<Arc<Bitmap>, FilterError> {
        let key = filter.to_string();
        if let Some(rows) = self.kept().get(&key) {
            return Ok(rows.clone());
        }
        let products: Vec<&Product> = self.overlay().map(|(_, entry)| &*entry.product).collect();
        compile::check(self.catalogue.as_deref(), &products, filter)?;
        let mut rows = Bitmap::full(self.base());
        if let Some(catalogue) = &self.catalogue {
            compile::narrow(catalogue, filter, &mut rows);
        }
        rows.grow(self.len());
        for (row, entry) in self.overlay() {
            if filter.holds(&*entry.product)? { rows.insert(row) } else { rows.remove(row) }
        }
        let rows = Arc::new(rows);
        // What references lend has no bound of its own: many long descriptions, say.
        if key.len() > MAX_JSON {
            return Ok(rows);
        }
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, rows.clone());
        Ok(rows)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Bitmap>>> {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Products that are not as the artifact has them.
    fn overlay(&self) -> impl Iterator<Item = (u32, &Entry)> {
        overlay(self.base(), &self.changed, &self.added)
    }

    /// Tells what kind a product is by an attribute.
    pub(crate) fn kinds<'s>(&'s self, attribute: &str) -> Kinds<'s> {
        let column = self.catalogue.as_ref().and_then(|catalogue| catalogue.column(attribute));
        Kinds { shelf: self, column, attribute: attribute.to_owned() }
    }
}

/// What kind products are by one attribute.
pub(crate) struct Kinds<'s> {
    shelf: &'s Shelf,
    column: Option<Column<'s>>,
    attribute: String,
}

impl Kinds<'_> {
    /// A number for the value of the attribute that a product has, the same for the same value; of several values the last,
    /// as the narrowest category is.
    pub(crate) fn of(&self, row: u32) -> Option<u64> {
        if let Some(entry) = self.shelf.entry(row) {
            let value = entry.product.values(&self.attribute).pop()?;
            return Some(match (&self.column, &value) {
                (Some(Column::Texts(texts)), Value::String(text)) => {
                    texts.code_of(text).map_or_else(|| FOREIGN | hash(text), u64::from)
                }
                (_, Value::String(text)) => FOREIGN | hash(text),
                (_, Value::Bool(flag)) => FOREIGN | u64::from(*flag),
                (_, value) => number(value.as_f64().unwrap_or_default()),
            });
        }
        match self.column? {
            Column::Texts(texts) => texts.codes(row).last().map(|code| u64::from(*code)),
            Column::Flags(flags) => {
                flags.get(row as usize).filter(|flag| **flag != Column::NEITHER).map(|flag| FOREIGN | u64::from(*flag))
            }
            Column::Numbers(numbers) => numbers.get(row as usize).filter(|x| !x.is_nan()).map(|x| number(*x)),
            Column::NumberLists(lists) => lists.of(row).last().map(|x| number(*x)),
        }
    }

    /// Takes out all rows of some kinds.
    pub(crate) fn remove(&self, rows: &mut Bitmap, kinds: &[u64]) {
        if kinds.is_empty() {
            return;
        }
        match (&self.shelf.catalogue, self.column) {
            (Some(catalogue), Some(Column::Texts(texts))) => {
                let postings = catalogue.postings(&self.attribute, texts);
                let codes = kinds.iter().filter(|kind| **kind & FOREIGN == 0);
                for code in codes.filter_map(|kind| u32::try_from(*kind).ok()) {
                    let of_kind = postings.rows(code).iter().filter(|row| is_last(texts, **row, code));
                    of_kind.for_each(|row| rows.remove(*row));
                }
                // What changed since may be of another kind now.
                let of_kind = |row: u32| self.of(row).is_some_and(|kind| kinds.contains(&kind));
                self.shelf.overlay().filter(|(row, _)| of_kind(*row)).for_each(|(row, _)| rows.remove(row));
            }
            _ => rows.retain(|row| !self.of(row).is_some_and(|kind| kinds.contains(&kind))),
        }
    }
}

fn is_last(texts: TextColumn<'_>, row: u32, code: u32) -> bool {
    texts.codes(row).last() == Some(&code)
}

/// The kind of a number.
fn number(value: f64) -> u64 {
    FOREIGN | value.to_bits() >> 1
}

/// FNV-1a, 63 bits.
fn hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    hash & !FOREIGN
}

fn overlay<'e>(
    base: usize,
    changed: &'e HashMap<u32, Entry>,
    added: &'e [Entry],
) -> impl Iterator<Item = (u32, &'e Entry)> {
    let first = u32::try_from(base).unwrap_or(u32::MAX);
    changed.iter().map(|(row, entry)| (*row, entry)).chain((first..).zip(added))
}

fn entry(product: &Product, vector: Vec<f16>) -> Entry {
    let json = serde_json::to_string(&product.shown()).unwrap_or_else(|_| "null".to_owned());
    Entry { product: Arc::new(product.clone()), json: json.into(), vector }
}
