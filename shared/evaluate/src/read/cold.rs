//! Products never seen: texts and behaviour, a fifth of the products held out of training.
//!
//! A folder, or the file of texts in it: `NAME.item.json`, `{id: {title, description, brand, categories}}`, and beside it
//! `NAME.train.csv`, `NAME.valid.csv`, `NAME.test.csv` (any of them), with the columns `user_id`, `history_item_id`, a list
//! like `[3, 17]`, and `item_id`, what came next. Lines of one person are windows over the same sequence and are joined.
//!
//! The products held out are drawn by a hash of seed and identifier. All that was ever done to them is taken out of
//! training; their texts stay, as a shop knows them. A question is the first time a person meets such a product, asked
//! with the other products they met before; only the products held out are ranked. Without any knowledge the figures are
//! those of `chance`: a list of `k` out of `n` finds `k/n`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use vitrine_domain::{Action, Product, ProductId, Visitor, time::MINUTE};

use super::names::clip;
use super::{NOW, evenly, kept, lines};
use crate::data::{Case, Split, Training, rows};
use crate::error::{Error, Result};

const ITEMS: &str = ".item.json";
/// One product in so many is held out.
const SHARE: usize = 5;

/// The texts of a product.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Text {
    title: String,
    description: String,
    brand: String,
    categories: String,
}

/// A line of behaviour.
#[derive(Debug, Deserialize)]
struct Row {
    user_id: String,
    history_item_id: String,
    item_id: String,
}

/// Reads a folder or a file of texts.
///
/// # Errors
/// If files are missing or cannot be read, or are not of the format.
pub fn read(path: &Path, seed: u64) -> Result<Split> {
    let items = match path.is_dir() {
        true => lines::only(path, "file *.item.json", |name| name.ends_with(ITEMS) || name == "item.json")?,
        false => path.to_owned(),
    };
    let catalogue = catalogue(&items)?;
    let sequences = sequences(&items, &catalogue)?;
    let cold = draw(&catalogue, seed);
    let is_cold = |row: &u32| cold.binary_search(row).is_ok();

    let (mut histories, mut cases) = (Vec::new(), Vec::new());
    for (cluster, (person, sequence)) in (0..).zip(&sequences) {
        let visitor = Visitor::known(person.clone()).map_err(|e| Error::format(&items, e.to_string()))?;
        let warm: Vec<u32> = sequence.iter().copied().filter(|row| !is_cold(row)).collect();
        histories.extend(kept(visitor, evenly(&warm, NOW, MINUTE, Action::View)));
        let (mut before, mut asked) = (Vec::new(), BTreeSet::new());
        for row in sequence {
            if !is_cold(row) {
                before.push(*row);
            } else if !before.is_empty() && asked.insert(*row) {
                let history = evenly(&before, NOW, MINUTE, Action::View);
                let excluded = Vec::new();
                cases.push(Case { cluster, kind: 0, at: NOW, history, truth: vec![*row], excluded });
            }
        }
    }
    let met = rows(&histories.iter().flat_map(|history| history.acts.clone()).collect::<Vec<_>>()).len();
    let chance = |k: usize| serde_json::json!(k.min(cold.len()) as f64 / cold.len().max(1) as f64);
    let mut split = Split::new(Training::new(catalogue, histories), cases)
        .fact("people", sequences.len())
        .fact("products_held_out", cold.len())
        .fact("products_trained_on", met)
        .fact("chance_recall@10", chance(10))
        .fact("chance_recall@50", chance(50));
    split.notes.push(format!(
        "only the {} products held out are ranked; a random order finds {:.4} of them among the first 50",
        cold.len(),
        50.0 / cold.len().max(50) as f64
    ));
    split.cuts = vec![5, 10, 20, 50];
    split.candidates = Some(cold);
    Ok(split)
}

/// Products with their texts, in the order of identifiers.
fn catalogue(path: &Path) -> Result<Vec<Product>> {
    let texts: BTreeMap<String, Text> = lines::json(path)?;
    let product = |(id, text): (String, Text)| {
        let id = ProductId::new(id).map_err(|error| Error::format(path, error.to_string()))?;
        let mut product = Product::new(id, text.title);
        product.description = text.description;
        product.brand = Some(text.brand).filter(|brand| !brand.trim().is_empty());
        let path = text.categories.split([',', '>', '|']).map(|name| name.trim_matches(['[', ']', '\'', '"', ' ']));
        product.category = path.filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Ok(product)
    };
    let products = texts.into_iter().map(product).collect::<Result<Vec<_>>>()?;
    if products.len() < 2 * SHARE {
        return Err(Error::format(path, format!("{} products are too few to hold a fifth out", products.len())));
    }
    Ok(products)
}

/// What each person did, from all files of behaviour beside the texts.
fn sequences(items: &Path, catalogue: &[Product]) -> Result<BTreeMap<String, Vec<u32>>> {
    let name = items.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = name.strip_suffix("item.json").unwrap_or(&name);
    let files: Vec<PathBuf> =
        ["train", "valid", "test"].map(|part| items.with_file_name(format!("{stem}{part}.csv"))).into();
    let files: Vec<&PathBuf> = files.iter().filter(|file| file.is_file()).collect();
    if files.is_empty() {
        return Err(Error::format(
            items,
            format!("there is no {stem}train.csv, {stem}valid.csv or {stem}test.csv beside it"),
        ));
    }
    let mut sequences: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for file in files {
        let mut reader = csv::Reader::from_path(file).map_err(|error| wrong(file, error))?;
        for record in reader.deserialize::<Row>() {
            let row = record.map_err(|error| wrong(file, error))?;
            let window = window(&row, catalogue)
                .map_err(|what| Error::format(file, format!("person `{}`: {what}", clip(&row.user_id))))?;
            join(sequences.entry(row.user_id).or_default(), &window);
        }
    }
    Ok(sequences)
}

fn wrong(path: &Path, error: csv::Error) -> Error {
    match error.position().map(csv::Position::line) {
        Some(line) => Error::line(path, line as usize, error.to_string()),
        None => Error::format(path, error.to_string()),
    }
}

/// The products of a line: its history and what came next.
fn window(row: &Row, catalogue: &[Product]) -> std::result::Result<Vec<u32>, String> {
    let list = row.history_item_id.trim();
    let list = list.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
    let list = list.ok_or_else(|| format!("history_item_id `{}` is no list", clip(&row.history_item_id)))?;
    let names = list.split(',').map(|name| name.trim_matches(['\'', '"', ' '])).filter(|name| !name.is_empty());
    let find = |name: &str| {
        let row = catalogue.binary_search_by(|product| product.id.as_str().cmp(name));
        row.map(|row| row as u32).map_err(|_| format!("product `{}` has no text", clip(name)))
    };
    names.chain([row.item_id.trim()]).map(find).collect()
}

/// Appends what a window adds to a sequence: what follows its longest beginning that the sequence ends with.
fn join(sequence: &mut Vec<u32>, window: &[u32]) {
    let overlap = (0..=window.len().min(sequence.len())).rev().find(|len| sequence.ends_with(&window[..*len]));
    sequence.extend_from_slice(&window[overlap.unwrap_or(0)..]);
}

/// The rows that are held out, ascending.
fn draw(catalogue: &[Product], seed: u64) -> Vec<u32> {
    let key = |product: &Product| {
        let bytes = seed.to_le_bytes().into_iter().chain(product.id.as_str().bytes());
        vitrine_learn::dataset::stable_hash(bytes)
    };
    let mut order: Vec<(u64, u32)> = catalogue.iter().map(key).zip(0..).collect();
    order.sort_unstable();
    order.truncate(catalogue.len() / SHARE);
    let mut rows: Vec<u32> = order.into_iter().map(|(_, row)| row).collect();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(products: usize, lines: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let items: Vec<String> = (0..products)
            .map(|id| format!(r#""{id}": {{"title": "thing {id}", "categories": "['A', 'B']"}}"#))
            .collect();
        std::fs::write(folder.path().join("shop.item.json"), format!("{{{}}}", items.join(", "))).unwrap();
        std::fs::write(folder.path().join("shop.test.csv"), format!("user_id,history_item_id,item_id\n{lines}"))
            .unwrap();
        folder
    }

    #[test]
    fn windows_of_one_sequence_are_joined() {
        let mut sequence = Vec::new();
        for window in [[1, 2].as_slice(), &[1, 2, 3], &[2, 3, 3], &[3, 3, 1], &[9]] {
            join(&mut sequence, window);
        }
        assert_eq!(sequence, [1, 2, 3, 3, 1, 9]);
    }

    #[test]
    fn what_is_held_out_is_asked_for_and_never_trained_on() {
        let line = |user: usize| {
            let list: Vec<String> = (0..19).map(|i| ((i * 7 + user) % 20).to_string()).collect();
            format!("u{user},\"[{}]\",{}\n", list.join(", "), (19 * 7 + user) % 20)
        };
        let folder = folder(20, &(0..5).map(line).collect::<String>());
        let split = read(folder.path(), 0).unwrap();
        let cold = split.candidates.clone().unwrap();
        assert_eq!(cold.len(), 4);
        let trained = split.training.histories().iter().flat_map(|history| &history.acts);
        assert!(trained.clone().all(|act| !cold.contains(&act.row)));
        assert_eq!(trained.count(), 5 * 16);
        assert!(split.cases.len() > 15, "{}", split.cases.len());
        for case in &split.cases {
            assert!(cold.contains(&case.truth[0]) && !case.history.is_empty());
            assert!(case.history.iter().all(|act| !cold.contains(&act.row)));
        }
        assert_eq!(split.training.catalogue()[0].category, ["A", "B"]);
        assert_eq!(read(&folder.path().join("shop.item.json"), 0).unwrap(), split);
        assert_ne!(read(folder.path(), 1).unwrap().candidates, split.candidates);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let table = [
            (20, "u,3,1\n", "person `u`: history_item_id `3` is no list"),
            (20, "u,[3],99\n", "person `u`: product `99` has no text"),
            (20, "u,[3],1\nv,[3]\n", "line 3: "),
            (9, "", "9 products are too few"),
        ];
        for (products, lines, expected) in table {
            let error = read(folder(products, lines).path(), 0).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let folder = folder(20, "");
        std::fs::remove_file(folder.path().join("shop.test.csv")).unwrap();
        assert!(read(folder.path(), 0).unwrap_err().to_string().contains("there is no shop.train.csv"));
    }
}
