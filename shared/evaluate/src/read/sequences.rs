//! Sequences: one person a line, `person product product ...`, oldest first.
//!
//! The last product of each person is the question, everything before it is training and what the question is asked
//! with. Products of the person's own history are not ranked, so one that comes again can not be found and counts as
//! missed; `repeats` keeps them as candidates. Products stand a minute apart, and all histories end at the same time.
//!
//! Beside `NAME.txt` there may be `NAME_item2attributes.json`, `{product: [attribute, ...]}`, most telling first: read as
//! each product's path of categories.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde_json::Value;
use vitrine_domain::{Action, Product, Visitor, time::MINUTE};

use super::names::{Names, clip, place};
use super::{NOW, evenly, kept, lines};
use crate::data::{Case, Split, Training, rows};
use crate::error::{Error, Result};

/// Attributes of a product that are read; those further back repeat or say little.
const MAX_ATTRIBUTES: usize = 64;

/// What can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether the file of attributes is read, if there is one.
    pub attributes: bool,
    /// Whether products of the person's history are ranked too.
    pub repeats: bool,
}

/// Reads a file.
///
/// # Errors
/// If it cannot be read, a line is not of the format, or a person has two lines.
pub fn read(path: &Path, options: Options) -> Result<Split> {
    let mut names = Names::default();
    let mut seen: HashMap<Visitor, usize> = HashMap::new();
    let mut people = Vec::new();
    lines::each(path, |number, line| {
        let (person, products) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let visitor = Visitor::known(person).map_err(|error| format!("person `{}`: {error}", clip(person)))?;
        let products = names.all(products)?;
        if products.is_empty() {
            return Err(format!("person `{}` has no products; expected `person product product ...`", clip(person)));
        }
        if let Some(earlier) = seen.insert(visitor.clone(), number) {
            return Err(format!("person `{}` stands on line {earlier} too", clip(person)));
        }
        people.push((visitor, products));
        Ok(())
    })?;
    if people.is_empty() {
        return Err(Error::format(path, "there is no line; expected `person product product ...`"));
    }
    drop(seen);
    let (mut catalogue, numbers) = names.catalogue();
    let attributes = options.attributes.then(|| beside(path)).filter(|file| file.is_file());
    let described = attributes.as_deref().map(|file| describe(file, &mut catalogue)).transpose()?;

    let total = people.len();
    let (mut histories, mut cases) = (Vec::with_capacity(total), Vec::with_capacity(total));
    let mut again = 0;
    for (cluster, (visitor, mut products)) in (0..).zip(people) {
        place(&mut products, &numbers);
        // Somebody with a single product gives nothing to ask with.
        let question = if products.len() > 1 { products.pop() } else { None };
        let history = evenly(&products, NOW, MINUTE, Action::View);
        if let Some(truth) = question {
            let met = rows(&history);
            again += usize::from(met.binary_search(&truth).is_ok());
            let excluded = if options.repeats { Vec::new() } else { met };
            cases.push(Case { cluster, kind: 0, at: NOW, history: history.clone(), truth: vec![truth], excluded });
        }
        histories.extend(kept(visitor, history));
    }
    let judged = cases.len();
    let mut split = Split::new(Training::new(catalogue, histories), cases)
        .fact("people", total)
        .fact("people_without_a_question", total - judged)
        .fact("truths_in_own_history", again)
        .fact("own_history_is_ranked", options.repeats);
    match (&attributes, described) {
        (Some(file), Some(described)) => {
            split.notes.push(format!("attributes of {described} products from {}", file.display()));
            split = split.fact("attributes", file.display().to_string());
        }
        _ => split = split.fact("attributes", Value::Null),
    }
    if again > 0 && !options.repeats {
        let share = 100.0 * again as f64 / judged.max(1) as f64;
        split.notes.push(format!(
            "{again} questions ({share:.1} %) ask for a product of the person's own history, which is not ranked: they \
             count as missed (`--repeats` ranks it)"
        ));
    }
    Ok(split)
}

/// Where the attributes of a file of sequences are.
fn beside(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}_item2attributes.json"))
}

/// Writes attributes into products; says how many have any.
fn describe(path: &Path, catalogue: &mut [Product]) -> Result<usize> {
    let read: BTreeMap<String, Vec<Value>> = lines::json(path)?;
    let mut described = 0;
    for (name, values) in read {
        let Ok(row) = catalogue.binary_search_by(|product| product.id.as_str().cmp(&name)) else { continue };
        let mut category: Vec<String> = Vec::new();
        for value in values {
            let name = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                other => {
                    let what = format!("attribute {} of product `{}` is neither text nor number", other, clip(&name));
                    return Err(Error::format(path, what));
                }
            };
            if category.len() < MAX_ATTRIBUTES && !category.contains(&name) {
                category.push(name);
            }
        }
        described += usize::from(!category.is_empty());
        catalogue[row].category = category;
    }
    Ok(described)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: Options = Options { attributes: true, repeats: false };

    fn file(text: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.txt");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn the_last_product_is_asked_for_and_nothing_else_is_held_out() {
        let (_folder, path) = file(b"7 b a c\r\n\n 9\tc b\n8 a\n");
        let split = read(&path, OPTIONS).unwrap();
        let ids: Vec<&str> = split.training.catalogue().iter().map(|product| product.id.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c"]);
        let trained: Vec<Vec<u32>> =
            split.training.histories().iter().map(|h| h.acts.iter().map(|act| act.row).collect()).collect();
        assert_eq!(trained, [vec![1, 0], vec![0], vec![2]]);
        assert_eq!(split.cases.len(), 2);
        let case = &split.cases[0];
        assert_eq!((case.truth.as_slice(), case.excluded.as_slice()), ([2].as_slice(), [0, 1].as_slice()));
        assert_eq!(case.history, split.training.histories()[0].acts);
        assert!(case.history.is_sorted_by(|a, b| a.at < b.at) && case.history[1].at < case.at);
        assert_eq!(split.facts["people_without_a_question"], 1);
    }

    #[test]
    fn attributes_beside_the_file_are_read() {
        let (folder, path) = file(b"1 10 11\n");
        std::fs::write(folder.path().join("shop_item2attributes.json"), r#"{"10": [3, "x", 3], "99": [1]}"#).unwrap();
        let split = read(&path, OPTIONS).unwrap();
        assert_eq!(split.training.catalogue()[0].category, ["3", "x"]);
        assert!(split.notes[0].starts_with("attributes of 1 products"));
        let plain = read(&path, Options { attributes: false, ..OPTIONS }).unwrap();
        assert!(plain.training.catalogue()[0].category.is_empty());
    }

    #[test]
    fn a_product_that_comes_again_is_missed_unless_it_is_ranked() {
        let (_folder, path) = file(b"1 a b a\n");
        let split = read(&path, OPTIONS).unwrap();
        assert_eq!(split.cases[0].excluded, [0, 1]);
        assert_eq!(split.facts["truths_in_own_history"], 1);
        assert!(read(&path, Options { repeats: true, ..OPTIONS }).unwrap().cases[0].excluded.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let long = [b"1 a\n2 ".as_slice(), "x".repeat(129).as_bytes()].concat();
        let table: [(&[u8], &str); 6] = [
            (b"", "there is no line"),
            (b"1 a b\n2\n", "line 2: person `2` has no products"),
            (b"1 a b\n\n1 c\n", "line 3: person `1` stands on line 1 too"),
            (b"1 a \xff\n", "line 1: byte 5 is no UTF-8"),
            (b"1 a\n2 b\x07c\n", "line 2: product `b?c`"),
            (&long, "line 2: product `xxxx"),
        ];
        for (text, expected) in table {
            let (_folder, path) = file(text);
            let error = read(&path, OPTIONS).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(matches!(read(Path::new("/no/such"), OPTIONS), Err(Error::Read { .. })));
    }
}
