//! Baskets: a folder with `NAME_history.json` and `NAME_future.json`, each `{person: [[-1], basket, ..., [-1]]}`, a basket a
//! list of products, oldest first; `[-1]` marks begin and end and may be missing.
//!
//! The history is trained on; the first basket of the future is the question. Everything is ranked, also what the person
//! has bought before. Baskets stand a day apart, everybody's last one a day before the question.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use vitrine_domain::{Action, Millis, Visitor, time::DAY};

use super::names::{Names, clip, place};
use super::{NOW, kept, lines};
use crate::data::{Act, Case, Split, Training};
use crate::error::{Error, Result};

/// Files as they are written: products are numbers, or names.
type File = BTreeMap<String, Vec<Vec<Id>>>;

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Id {
    Number(i64),
    Name(String),
}

const HISTORY: &str = "_history.json";
const FUTURE: &str = "_future.json";

/// Reads a folder.
///
/// # Errors
/// If a file is missing or cannot be read, or a basket is not of the format.
pub fn read(folder: &Path) -> Result<Split> {
    let history = lines::only(folder, "file *_history.json", |name| name.ends_with(HISTORY))?;
    let name = history.file_name().unwrap_or_default().to_string_lossy().replace(HISTORY, FUTURE);
    let future = folder.join(name);
    let past: File = lines::json(&history)?;
    let mut next: File = lines::json(&future)?;

    let mut names = Names::default();
    let mut people = Vec::with_capacity(past.len());
    for (person, baskets) in past {
        let wrong = |what| Error::format(&history, format!("person `{}`: {what}", clip(&person)));
        let visitor = Visitor::known(person.clone()).map_err(|error| wrong(error.to_string()))?;
        people.push((person.clone(), visitor, read_baskets(&baskets, &mut names).map_err(wrong)?));
    }
    if people.is_empty() {
        return Err(Error::format(&history, "there is nobody"));
    }
    let mut truths = Vec::with_capacity(people.len());
    for (person, ..) in &people {
        let baskets = next.remove(person).unwrap_or_default();
        let baskets = read_baskets(&baskets, &mut names);
        let wrong = |what| Error::format(&future, format!("person `{}`: {what}", clip(person)));
        truths.push(baskets.map_err(wrong)?.into_iter().next().unwrap_or_default());
    }
    if truths.iter().all(Vec::is_empty) {
        return Err(Error::format(&future, "nobody of the history has a basket"));
    }

    let (catalogue, rows) = names.catalogue();
    let total = people.len();
    let (mut histories, mut cases) = (Vec::with_capacity(total), Vec::with_capacity(total));
    let (mut again, mut asked) = (0, 0);
    for (cluster, ((_, visitor, mut baskets), mut truth)) in (0..).zip(people.into_iter().zip(truths)) {
        baskets.iter_mut().for_each(|basket| place(basket, &rows));
        place(&mut truth, &rows);
        truth.sort_unstable();
        let history = orders(&baskets, NOW);
        if !truth.is_empty() && !history.is_empty() {
            asked += truth.len();
            again += truth.iter().filter(|row| history.iter().any(|act| act.row == **row)).count();
            let history = history.clone();
            cases.push(Case { cluster, kind: 0, at: NOW, history, truth, excluded: Vec::new() });
        }
        histories.extend(kept(visitor, history));
    }
    let judged = cases.len();
    Ok(Split::new(Training::new(catalogue, histories), cases)
        .fact("people", total)
        .fact("people_without_a_question", total - judged)
        .fact("people_without_a_history", next.len())
        .fact("truths", asked)
        .fact("truths_in_own_history", again))
}

/// A person's baskets, each product once; without the marks and without empty baskets.
fn read_baskets(baskets: &[Vec<Id>], names: &mut Names) -> std::result::Result<Vec<Vec<u32>>, String> {
    let is_mark = |basket: &Vec<Id>| matches!(basket.as_slice(), [Id::Number(-1)]);
    let mut baskets = baskets;
    if let Some((_, rest)) = baskets.split_first().filter(|(first, _)| is_mark(first)) {
        baskets = rest;
    }
    if let Some((_, rest)) = baskets.split_last().filter(|(last, _)| is_mark(last)) {
        baskets = rest;
    }
    let mut read = Vec::with_capacity(baskets.len());
    for (number, basket) in (1..).zip(baskets) {
        let mut products = Vec::with_capacity(basket.len());
        for id in basket {
            let product = match id {
                Id::Number(id) if *id < 0 => Err(format!("there is no product {id}")),
                Id::Number(id) => names.number(&id.to_string()),
                Id::Name(name) => names.number(name),
            };
            let product = product.map_err(|what| format!("basket {number}: {what}"))?;
            if !products.contains(&product) {
                products.push(product);
            }
        }
        if !products.is_empty() {
            read.push(products);
        }
    }
    Ok(read)
}

/// Orders a day apart, the last one a day before `end`.
fn orders(baskets: &[Vec<u32>], end: Millis) -> Vec<Act> {
    let count = baskets.len() as u32;
    let acts = |(event, basket): (u32, &Vec<u32>)| {
        let at = end.plus(-i64::from(count - event) * DAY);
        basket.iter().map(|row| Act { row: *row, event, at, action: Action::Order }).collect::<Vec<_>>()
    };
    (0..).zip(baskets).flat_map(acts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(history: &str, future: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("grocer_history.json"), history).unwrap();
        std::fs::write(folder.path().join("grocer_future.json"), future).unwrap();
        folder
    }

    #[test]
    fn the_history_trains_and_the_next_basket_is_asked_for() {
        let folder = folder(
            r#"{"1": [[-1], [5, 6, 5], [7], [-1]], "2": [["x"], []], "3": [[-1], [5], [-1]]}"#,
            r#"{"1": [[-1], [8, 6], [9], [-1]], "2": [[5]], "4": [[-1], [5], [-1]]}"#,
        );
        let split = read(folder.path()).unwrap();
        let ids: Vec<&str> = split.training.catalogue().iter().map(|product| product.id.as_str()).collect();
        // What is bought later still is known to the catalogue, and to nobody's history.
        assert_eq!(ids, ["5", "6", "7", "8", "9", "x"]);
        let acts = &split.training.histories()[0].acts;
        assert_eq!(acts.iter().map(|act| (act.row, act.event)).collect::<Vec<_>>(), [(0, 0), (1, 0), (2, 1)]);
        assert_eq!(acts[0].at, acts[1].at);
        assert_eq!(acts[2].at.since(acts[1].at), DAY);
        assert_eq!(split.training.actions(), 5, "the future is not trained on");
        assert_eq!(split.cases.len(), 2);
        assert_eq!((&split.cases[0].truth, &split.cases[1].truth), (&vec![1, 3], &vec![0]));
        assert!(split.cases.iter().all(|case| case.excluded.is_empty()));
        assert_eq!((&split.facts["truths"], &split.facts["truths_in_own_history"]), (&3.into(), &1.into()));
        assert_eq!(split.facts["people_without_a_history"], 1);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let good = r#"{"1": [[-1], [5], [-1]]}"#;
        let table = [
            ("{}", good, "there is nobody"),
            (good, "{}", "nobody of the history has a basket"),
            ("{\n\"1\": [5]}", good, "line 2: invalid type"),
            ("{", good, "line 1: EOF"),
            (r#"{"1": [[-1], [5, -1], [-1]]}"#, good, "person `1`: basket 1: there is no product -1"),
            (good, r#"{"1": [[-1], [""], [-1]]}"#, "person `1`: basket 1: product ``"),
            (r#"{"1": [[1.5]]}"#, good, "line 1: "),
        ];
        for (history, future, expected) in table {
            let error = read(folder(history, future).path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let folder = folder(good, good);
        std::fs::remove_file(folder.path().join("grocer_future.json")).unwrap();
        assert!(matches!(read(folder.path()), Err(Error::Read { .. })));
        std::fs::remove_file(folder.path().join("grocer_history.json")).unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("there is no file *_history.json"));
    }
}
