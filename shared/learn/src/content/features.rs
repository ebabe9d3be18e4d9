//! What a product's feed entry says, as a sparse row of hashed features.
//!
//! Whole words of title and description, character 3- to 5-grams of the title's words, category path, brand, attributes and
//! price band. A feature weighs `ln((N + 1) / n)` if `n` of `N` products have it (inverse document frequency): what everything
//! has says nothing, and a feature that only one product has is left out, since it cannot say what two have in common;
//! it still counts in the length of the row.
//!
//! **Numbers** and what they count (*16 oz*, *500 ml*, *pack of 3*) are alike in the most different products, and rare enough
//! to look important. A word with a digit in it, and the word right after a number, weigh [`NUMBER`] of what they would and
//! have no letters to share.
//!
//! **Shares.** Each field of a product is brought to length one times its share, so that a long description does not drown the
//! brand; then the whole row is. A share says how far two products that agree in this field alone are alike. They are set by
//! reason, once for all shops: what a title and a category say counts most; a brand says something of taste, attributes of
//! use; a description repeats the title among many idle words; a price band is a hint. What of it matters in a shop
//! is for the map of [`crate::cold`] to learn.

use serde_json::Value;
use vitrine_domain::{Product, product::price_band};

use crate::dataset::stable_hash;
use crate::parallel;

/// Number of feature buckets; two features that share one look the same, which is rare enough.
const BUCKETS: usize = 1 << 20;
/// How many words of a description are read.
const DESCRIPTION_WORDS: usize = 60;
/// What a number weighs, relative to a word as rare.
const NUMBER: f32 = 0.5;
/// Products a thread works on at a time.
const CHUNK: usize = 256;

/// A part of a product's entry.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    Words,
    Grams,
    Category,
    Brand,
    Price,
    Description,
    Attributes,
}

impl Field {
    /// Every field and its share of a product's row.
    pub(super) const SHARES: [(Self, f32); 7] = [
        (Self::Words, 0.50),
        (Self::Grams, 0.45),
        (Self::Category, 0.50),
        (Self::Brand, 0.30),
        (Self::Price, 0.15),
        (Self::Description, 0.25),
        (Self::Attributes, 0.30),
    ];
}

/// Sparse rows of numbers: those of row `i` are `starts[i]..starts[i + 1]`, by ascending column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sparse {
    /// Where each row starts, and one more for the end.
    pub starts: Vec<usize>,
    /// The column of each number.
    pub columns: Vec<u32>,
    /// The numbers.
    pub values: Vec<f32>,
    /// How many columns there are.
    pub width: usize,
}

impl Sparse {
    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is no number at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The columns and numbers of a row; empty if there is none.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let range = match (self.starts.get(row), self.starts.get(row + 1)) {
            (Some(start), Some(end)) => *start..*end,
            _ => 0..0,
        };
        self.columns[range.clone()].iter().zip(&self.values[range]).map(|(column, value)| (*column as usize, *value))
    }

    /// Rows and columns exchanged.
    #[must_use]
    pub(crate) fn transposed(&self) -> Self {
        let mut starts = vec![0; self.width + 1];
        self.columns.iter().for_each(|column| starts[*column as usize + 1] += 1);
        for column in 0..self.width {
            starts[column + 1] += starts[column];
        }
        let mut free = starts.clone();
        let (mut columns, mut values) = (vec![0; self.columns.len()], vec![0.0; self.columns.len()]);
        for row in 0..self.rows() {
            for (column, value) in self.row(row) {
                columns[free[column]] = row as u32;
                values[free[column]] = value;
                free[column] += 1;
            }
        }
        Self { starts, columns, values, width: self.rows() }
    }

    /// The product with a dense matrix of `dims` columns; rows are shared among threads.
    pub(crate) fn times(&self, dense: &[f32], dims: usize, threads: usize) -> Vec<f32> {
        let pieces = parallel::chunks(
            self.rows(),
            CHUNK,
            threads,
            &mut |_| (),
            || (),
            |(), rows| {
                let mut piece = vec![0.0; rows.len() * dims];
                for (row, to) in rows.zip(piece.chunks_exact_mut(dims.max(1))) {
                    for (column, value) in self.row(row) {
                        crate::linear::add_scaled(to, value, &dense[column * dims..(column + 1) * dims]);
                    }
                }
                piece
            },
        );
        pieces.concat()
    }
}

/// Lower-case words of letters and digits, and whether each is a number or stands right after one.
pub(super) fn words(text: &str) -> impl Iterator<Item = (String, bool)> + '_ {
    let mut after_number = false;
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(move |word| {
        let number = word.contains(char::is_numeric);
        let counts = number || after_number;
        after_number = word.chars().all(char::is_numeric);
        (word.to_lowercase(), counts)
    })
}

pub(super) fn bucket(field: Field, text: &str) -> u32 {
    (stable_hash(std::iter::once(field as u8).chain(text.bytes())) % BUCKETS as u64) as u32
}

/// Calls `add` with every 3- to 5-gram of a word between its boundaries.
pub(super) fn grams(word: &str, mut add: impl FnMut(u32)) {
    let bounded = format!("<{word}>");
    let ends: Vec<usize> = bounded.char_indices().map(|(at, _)| at).chain([bounded.len()]).collect();
    for size in 3..=5 {
        for bounds in ends.windows(size + 1) {
            add(bucket(Field::Grams, &bounded[bounds[0]..bounds[size]]));
        }
    }
}

/// An attribute's values as texts; what is nested deeper is left alone.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.to_lowercase()],
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(truth) => vec![truth.to_string()],
        Value::Array(values) => values.iter().filter(|value| !value.is_array()).flat_map(texts).collect(),
        Value::Object(_) | Value::Null => Vec::new(),
    }
}

/// The buckets of one field of a product and what each weighs beside its rarity, each bucket once, ascending.
fn of_field(product: &Product, field: Field, buckets: &mut Vec<(u32, f32)>) {
    let weight = |number: bool| if number { NUMBER } else { 1.0 };
    buckets.clear();
    match field {
        Field::Words => {
            buckets.extend(words(&product.title).map(|(word, number)| (bucket(field, &word), weight(number))));
        }
        Field::Grams => {
            for (word, _) in words(&product.title).filter(|(_, number)| !number) {
                grams(&word, |gram| buckets.push((gram, 1.0)));
            }
        }
        Field::Category => {
            // Each level of the path, and the words in it, which other paths may share.
            let path = &product.category;
            buckets.extend((0..path.len()).map(|i| (bucket(field, &path[..=i].join("\u{1f}")), 1.0)));
            let words = path.iter().flat_map(|name| words(name));
            buckets.extend(words.map(|(word, number)| (bucket(field, &word), weight(number))));
        }
        Field::Brand => buckets.extend(product.brand.iter().map(|brand| (bucket(field, &brand.to_lowercase()), 1.0))),
        Field::Price => {
            buckets.extend(product.current_price().and_then(price_band).map(|band| (bucket(field, &band), 1.0)));
        }
        Field::Description => {
            let words = words(&product.description).take(DESCRIPTION_WORDS);
            buckets.extend(words.map(|(word, number)| (bucket(field, &word), weight(number))));
        }
        Field::Attributes => {
            for (key, value) in &product.attributes {
                for text in texts(value) {
                    let number = text.contains(char::is_numeric);
                    buckets.push((bucket(field, &format!("{key}\u{1f}{text}")), weight(number)));
                    buckets.extend(words(&text).map(|(word, number)| (bucket(field, &word), weight(number))));
                }
            }
        }
    }
    // The heavier of two equal ones first, so that it is kept.
    buckets.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    buckets.dedup_by_key(|(bucket, _)| *bucket);
}

/// The features of products: rows of length one less what no other product has, empty where there is nothing to read. Columns are the features that at
/// least two products have. `report` hears of products, twice.
#[must_use]
pub fn features(products: &[&Product], threads: usize, report: &mut dyn FnMut(usize)) -> Sparse {
    let mut common = vec![0_u32; BUCKETS];
    let mut buckets = Vec::new();
    for (done, product) in (1..).zip(products) {
        for (field, _) in Field::SHARES {
            of_field(product, field, &mut buckets);
            buckets.iter().for_each(|(bucket, _)| common[*bucket as usize] += 1);
        }
        if done % CHUNK == 0 {
            report(done);
        }
    }
    let mut width = 0;
    let columns: Vec<u32> = common
        .iter()
        .map(|n| {
            let column = width;
            width += u32::from(*n > 1);
            column
        })
        .collect();
    let count = products.len() as f32 + 1.0;
    let report = &mut |done| report(products.len() + done);
    let pieces = parallel::chunks(products.len(), CHUNK, threads, report, Vec::new, |buckets, rows| {
        let mut piece: Vec<Vec<(u32, f32)>> = Vec::with_capacity(rows.len());
        for product in &products[rows] {
            let mut row = Vec::new();
            for (field, share) in Field::SHARES {
                of_field(product, field, buckets);
                for (bucket, weight) in buckets.iter_mut() {
                    *weight *= (count / common[*bucket as usize] as f32).ln();
                }
                append(&mut row, buckets, share);
            }
            let mut unit = Vec::new();
            append(&mut unit, &row, 1.0);
            // What nobody shares counts in the length: a product of which little is shared is like no other.
            unit.retain(|(bucket, _)| common[*bucket as usize] > 1);
            unit.iter_mut().for_each(|(bucket, _)| *bucket = columns[*bucket as usize]);
            unit.sort_unstable_by_key(|(column, _)| *column);
            piece.push(unit);
        }
        piece
    });
    let mut sparse = Sparse { starts: vec![0], width: width as usize, ..Sparse::default() };
    for row in pieces.into_iter().flatten() {
        sparse.columns.extend(row.iter().map(|(column, _)| column));
        sparse.values.extend(row.iter().map(|(_, value)| value));
        sparse.starts.push(sparse.columns.len());
    }
    sparse
}

/// Appends entries scaled to a length, if they have one; equal columns of a row (of features of two fields that share a
/// bucket) stand side by side and add up wherever a row is used.
fn append(row: &mut Vec<(u32, f32)>, entries: &[(u32, f32)], length: f32) {
    let squares: f32 = entries.iter().map(|(_, value)| value * value).sum();
    if squares > 0.0 {
        row.extend(entries.iter().map(|(column, value)| (*column, value / squares.sqrt() * length)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::dataset::tests::product;

    fn likeness(rows: &Sparse, a: usize, b: usize) -> f32 {
        let b: Vec<_> = rows.row(b).collect();
        let of = |column| b.iter().filter(|(other, _)| *other == column).map(|(_, value)| value).sum::<f32>();
        rows.row(a).map(|(column, value)| value * of(column)).sum()
    }

    fn read(products: &[Product]) -> Sparse {
        let rows: Vec<&Product> = products.iter().collect();
        let found = features(&rows, 1, &mut |_| ());
        assert_eq!(found, features(&rows, 3, &mut |_| ()));
        found
    }

    #[test]
    fn every_word_is_a_feature_in_every_script_and_numbers_are_told() {
        let found: Vec<(String, bool)> = words("Crème brûlée 2×100g, 16 ΟΖ ΠΑΝΕ").collect();
        let expected = [
            ("crème", false),
            ("brûlée", false),
            ("2", true),
            ("100g", true),
            ("16", true),
            ("οζ", true),
            ("πανε", false),
        ];
        assert_eq!(found, expected.map(|(word, number)| (word.to_owned(), number)));
        let mut found = Vec::new();
        grams("né", |gram| found.push(gram));
        let expected: Vec<u32> = ["<né", "né>", "<né>"].iter().map(|g| bucket(Field::Grams, g)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn sharing_a_size_is_less_than_sharing_a_word() {
        let titles = ["Tea 16 oz", "Paint 16 oz", "Tea box", "Paint box", "Glue jar", "Glue jar"];
        let products: Vec<Product> = (0..).zip(titles).map(|(i, title)| product(&format!("{i}"), title, &[])).collect();
        let rows = read(&products);
        assert!(likeness(&rows, 0, 2) > 3.0 * likeness(&rows, 0, 1), "{}", likeness(&rows, 0, 1));
        assert!(likeness(&rows, 0, 1) > 0.0);
    }

    #[test]
    fn attributes_are_read_and_rows_have_length_one_less_what_is_their_own() {
        let mut products: Vec<Product> =
            (0..4).map(|i| product(&format!("{i}"), &format!("thing{i} item"), &[])).collect();
        for (i, value) in
            [json!("Walnut"), json!(["walnut", true]), json!({"walnut": 1}), json!(null)].into_iter().enumerate()
        {
            products[i].attributes.insert("wood".to_owned(), value);
        }
        let rows = read(&products);
        assert!(likeness(&rows, 0, 1) > likeness(&rows, 0, 2) + 0.02);
        assert!((0..4).all(|row| (0.1..1.0).contains(&likeness(&rows, row, row))));
        let rows = read(&[product("a", "Soap", &[]), product("b", "Soap", &[])]);
        assert!((0..2).all(|row| (likeness(&rows, row, row) - 1.0).abs() < 1e-5));
    }

    proptest! {
        #[test]
        fn sparse_products_are_dense_products(
            entries in prop::collection::vec(prop::collection::btree_map(0_u32..6, -1.0_f32..1.0, 0..5), 0..9),
            dense in prop::collection::vec(-1.0_f32..1.0, 12),
        ) {
            let mut rows = Sparse { starts: vec![0], width: 6, ..Sparse::default() };
            for row in &entries {
                rows.columns.extend(row.keys());
                rows.values.extend(row.values());
                rows.starts.push(rows.columns.len());
            }
            let expected: Vec<f32> = entries
                .iter()
                .flat_map(|row| [0, 1].map(|d| row.iter().map(|(column, value)| value * dense[*column as usize * 2 + d]).sum()))
                .collect();
            let found = rows.times(&dense, 2, 2);
            prop_assert_eq!(found.len(), expected.len());
            prop_assert!(found.iter().zip(&expected).all(|(a, b): (&f32, &f32)| (a - b).abs() < 1e-5));
            prop_assert_eq!(&rows.transposed().transposed(), &rows);
            for (row, entries) in entries.iter().enumerate() {
                for (column, value) in entries {
                    prop_assert!(rows.transposed().row(*column as usize).any(|entry| entry == (row, *value)));
                }
            }
        }
    }
}
