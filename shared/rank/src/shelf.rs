//! What a shop has to show right now: the model's products and every change since it was built.
//!
//! A shelf never changes. A change makes a new shelf that shares the artifact; rows of the artifact keep their numbers
//! and products that are newer than it get the rows after them. A new product stands where its category stands: its
//! vector is the mean of the vectors of its narrowest known category, until the next training gives it its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use half::f16;
use serde_json::Value;
use vitrine_domain::{Change, Product};
use vitrine_index::Bitmap;
use vitrine_learn::Artifact;

/// A product that is newer than the artifact, or different from it.
#[derive(Debug, Clone)]
struct Entry {
    product: Arc<Product>,
    json: Arc<str>,
    /// Of products that the artifact does not hold.
    vector: Vec<f16>,
}

/// A column of attribute values, one a row.
type Column = Arc<Vec<Option<Value>>>;

/// The products that can be shown.
#[derive(Debug)]
pub struct Shelf {
    artifact: Option<Arc<Artifact>>,
    /// Rows of the artifact that changed since.
    changed: HashMap<u32, Entry>,
    /// Rows after the artifact's.
    added: Vec<Entry>,
    /// Their row by identifier.
    added_rows: HashMap<String, u32>,
    sellable: Bitmap,
    columns: Mutex<BTreeMap<String, Option<Column>>>,
}

impl Shelf {
    /// The shelf of an artifact and the changes since it was built, oldest first. Without an artifact, the shelf of a
    /// shop that was never trained.
    #[must_use]
    pub fn new(artifact: Option<Arc<Artifact>>, changes: &[Change]) -> Self {
        let base = artifact.as_ref().map_or(0, |a| a.len());
        // The last word on each product counts.
        let last: BTreeMap<&str, &Change> = changes.iter().map(|change| (change.id.as_str(), change)).collect();
        let mut shelf = Self {
            artifact,
            changed: HashMap::new(),
            added: Vec::new(),
            added_rows: HashMap::new(),
            sellable: Bitmap::empty(0),
            columns: Mutex::default(),
        };
        let mut withdrawn = Vec::new();
        for (id, change) in last {
            let row = shelf.artifact.as_ref().and_then(|a| a.position(id));
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
        let mut sellable = Bitmap::from_fn(shelf.len(), |row| match shelf.entry(row) {
            Some(entry) => entry.product.is_sellable(),
            None => shelf.artifact.as_ref().is_some_and(|a| a.sellable(row)),
        });
        for row in withdrawn {
            sellable.remove(row);
        }
        shelf.sellable = sellable;
        shelf
    }

    /// The mean vector of the narrowest category that the artifact knows; zeros if it knows none.
    fn likely_vector(&self, product: &Product) -> Vec<f16> {
        let Some(artifact) = &self.artifact else { return Vec::new() };
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
        let base = self.artifact.as_ref().map_or(0, |a| a.len());
        match (row as usize).checked_sub(base) {
            Some(added) => self.added.get(added),
            None => self.changed.get(&row),
        }
    }

    /// The model behind the shelf.
    #[must_use]
    pub fn artifact(&self) -> Option<&Artifact> {
        self.artifact.as_deref()
    }

    /// Number of rows, those of withdrawn products included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.artifact.as_ref().map_or(0, |a| a.len()) + self.added.len()
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
        row as usize >= self.artifact.as_ref().map_or(0, |a| a.len())
    }

    /// The row of a product.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<u32> {
        let known = self.artifact.as_ref().and_then(|a| a.position(id));
        known.or_else(|| self.added_rows.get(id).copied())
    }

    /// The identifier of a row.
    #[must_use]
    pub fn id(&self, row: u32) -> &str {
        match (self.entry(row), &self.artifact) {
            (Some(entry), _) => entry.product.id.as_str(),
            (None, Some(artifact)) => artifact.id(row),
            (None, None) => "",
        }
    }

    /// The product of a row, as JSON.
    #[must_use]
    pub fn json(&self, row: u32) -> &str {
        match (self.entry(row), &self.artifact) {
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
        let Some(artifact) = &self.artifact else { return &[] };
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
        match (self.entry(row), &self.artifact) {
            (Some(entry), _) => entry.product.category.iter().map(String::as_str).collect(),
            (None, Some(artifact)) => artifact.categories(row).iter().map(|c| artifact.category_name(*c)).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// The name of a product, for sentences.
    #[must_use]
    pub fn title(&self, row: u32) -> String {
        self.product(row).map(|p| p.title).unwrap_or_default()
    }

    /// What a row costs now.
    #[must_use]
    pub fn price(&self, row: u32) -> Option<f32> {
        #[allow(clippy::cast_possible_truncation, reason = "prices are kept in single precision for ranking")]
        match (self.entry(row), &self.artifact) {
            (Some(entry), _) => entry.product.current_price().map(|p| p as f32),
            (None, Some(artifact)) => artifact.price(row),
            (None, None) => None,
        }
    }

    /// The value of an attribute in every row; none if no product has it. Read once and kept.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<Column> {
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(column) = columns.get(name) {
            return column.clone();
        }
        let rows = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let values: Vec<Option<Value>> = (0..rows).map(|row| self.attribute(row, name)).collect();
        let column = values.iter().any(Option::is_some).then(|| Arc::new(values));
        // A bound, should somebody ask for every name there is.
        if columns.len() >= 256 {
            columns.clear();
        }
        columns.insert(name.to_owned(), column.clone());
        column
    }

    fn attribute(&self, row: u32, name: &str) -> Option<Value> {
        let mut product: serde_json::Map<String, Value> = serde_json::from_str(self.json(row)).ok()?;
        match product.remove(name) {
            Some(value) if !value.is_object() => Some(value),
            _ => product.get_mut("attributes")?.as_object_mut()?.remove(name),
        }
    }
}

fn entry(product: &Product, vector: Vec<f16>) -> Entry {
    let json = serde_json::to_string(&product.shown()).unwrap_or_else(|_| "null".to_owned());
    Entry { product: Arc::new(product.clone()), json: json.into(), vector }
}
