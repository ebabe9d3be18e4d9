//! Sessions of visitors nobody knows: a folder with `train_sessions.txt`, a session of products a line, oldest first, and
//! `test_cases.txt`, `product product ...<TAB>product`: what came before, and what came next. (Other names will do, if one
//! file has `train` in its name and one `test`.)
//!
//! Only the first file is trained on. Every product of either file is ranked, also those already in the session. Sessions
//! follow each other a minute apart in the order of the lines, their products a second apart; the questions come after
//! all of them.
//!
//! Cases are often made from one session by cutting it ever shorter, on lines that follow each other; such lines are one
//! cluster of the bootstrap.

use std::path::Path;

use vitrine_domain::{Action, Visitor, time::MINUTE, time::SECOND};

use super::names::{Names, place};
use super::{NOW, evenly, kept, lines};
use crate::data::{Case, Split, Training};
use crate::error::{Error, Result};

/// A question as it is read.
struct Asked {
    cluster: u32,
    before: Vec<u32>,
    label: u32,
}

fn find(folder: &Path, name: &str, word: &str) -> Result<std::path::PathBuf> {
    let path = folder.join(name);
    if path.is_file() {
        return Ok(path);
    }
    let what = format!("{name} (nor another .txt file with `{word}` in its name)");
    lines::only(folder, &what, |file| file.ends_with(".txt") && file.contains(word))
}

/// Reads a folder.
///
/// # Errors
/// If a file is missing or cannot be read, or a line is not of the format.
pub fn read(folder: &Path) -> Result<Split> {
    let train = find(folder, "train_sessions.txt", "train")?;
    let test = find(folder, "test_cases.txt", "test")?;
    let mut names = Names::default();
    let mut sessions = Vec::new();
    lines::each(&train, |_, line| {
        sessions.push(names.all(line)?);
        Ok(())
    })?;
    if sessions.is_empty() {
        return Err(Error::format(&train, "there is no session; expected `product product ...`"));
    }
    let trained = names.len();
    let asked = questions(&test, &mut names)?;
    let unseen = asked.iter().filter(|case| case.label as usize >= trained).count();

    let (catalogue, rows) = names.catalogue();
    let count = sessions.len();
    let mut histories = Vec::with_capacity(count);
    for (number, mut products) in sessions.into_iter().enumerate() {
        place(&mut products, &rows);
        let visitor = Visitor::anonymous(format!("{number:09}")).map_err(|e| Error::format(&train, e.to_string()))?;
        let end = NOW.plus(-((count - number) as i64) * MINUTE);
        histories.extend(kept(visitor, evenly(&products, end, SECOND, Action::View)));
    }
    let total = asked.len();
    let mut again = 0;
    let cases = asked.into_iter().map(|mut case| {
        place(&mut case.before, &rows);
        let label = rows[case.label as usize];
        again += usize::from(case.before.contains(&label));
        let history = evenly(&case.before, NOW, SECOND, Action::View);
        let cluster = case.cluster;
        Case { cluster, kind: 0, at: NOW, history, truth: vec![label], excluded: Vec::new() }
    });
    let cases: Vec<Case> = cases.collect();
    let mut split = Split::new(Training::new(catalogue, histories), cases)
        .fact("sessions", count)
        .fact("truths_never_trained_on", unseen)
        .fact("truths_in_own_history", again);
    if unseen > 0 {
        let share = 100.0 * unseen as f64 / total.max(1) as f64;
        split
            .notes
            .push(format!("{unseen} questions ({share:.1} %) ask for a product that no session of training has"));
    }
    Ok(split)
}

fn questions(path: &Path, names: &mut Names) -> Result<Vec<Asked>> {
    let mut asked: Vec<Asked> = Vec::new();
    lines::each(path, |_, line| {
        let (before, label) = line.split_once('\t').ok_or("there is no tab between the session and its label")?;
        let before = names.all(before)?;
        let labels = names.all(label)?;
        let [label] = labels.as_slice() else {
            return Err(format!("{} products after the tab instead of one", labels.len()));
        };
        if before.is_empty() {
            return Err("there is no product before the tab".to_owned());
        }
        // Cut from the session of the line before, or the other way round?
        let cluster = asked.last().map_or(0, |last| last.cluster + u32::from(!is_cut(last, &before, *label)));
        asked.push(Asked { cluster, before, label: *label });
        Ok(())
    })?;
    if asked.is_empty() {
        return Err(Error::format(path, "there is no case; expected `product product ...<TAB>product`"));
    }
    Ok(asked)
}

/// Whether one of two cases is what came before the other's label.
fn is_cut(last: &Asked, before: &[u32], label: u32) -> bool {
    let ends = |whole: &[u32], before: &[u32], label: u32| {
        whole.split_last().is_some_and(|(end, rest)| *end == label && rest == before)
    };
    ends(&last.before, before, label) || ends(before, &last.before, last.label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(train: &str, test: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("train_sessions.txt"), train).unwrap();
        std::fs::write(folder.path().join("test_cases.txt"), test).unwrap();
        folder
    }

    #[test]
    fn sessions_train_and_cases_ask() {
        let folder = folder("a b\nb b c\n", "c a\tb\nc\ta\na b\td\nb\tb\n");
        let split = read(folder.path()).unwrap();
        assert_eq!(split.training.catalogue().len(), 4);
        assert_eq!(split.training.actions(), 5);
        let times: Vec<_> = split.training.histories().iter().flat_map(|h| &h.acts).map(|act| act.at).collect();
        assert!(times.is_sorted_by(|a, b| a < b), "later lines are later");
        let truths: Vec<u32> = split.cases.iter().map(|case| case.truth[0]).collect();
        assert_eq!(truths, [1, 0, 3, 1]);
        assert!(split.cases.iter().all(|case| case.excluded.is_empty() && case.at > times[4]));
        assert_eq!(split.cases.iter().map(|case| case.cluster).collect::<Vec<_>>(), [0, 0, 1, 2]);
        assert_eq!(
            (&split.facts["truths_never_trained_on"], &split.facts["truths_in_own_history"]),
            (&1.into(), &1.into())
        );
    }

    #[test]
    fn files_of_other_names_are_found() {
        let folder = folder("a b\n", "a\tb\n");
        let to = |name: &str| folder.path().join(name);
        std::fs::rename(to("train_sessions.txt"), to("my_train.txt")).unwrap();
        std::fs::rename(to("test_cases.txt"), to("my_test.txt")).unwrap();
        assert_eq!(read(folder.path()).unwrap().cases.len(), 1);
        std::fs::write(to("more_test.txt"), "").unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("more than one"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let table = [
            ("", "a\tb\n", "there is no session"),
            ("a b\n", "", "there is no case"),
            ("a b\n", "a\tb\na b\n", "line 2: there is no tab"),
            ("a b\n", "a\tb c\n", "line 1: 2 products after the tab"),
            ("a b\n", "a\t\n", "line 1: 0 products after the tab"),
            ("a b\n", "\tb\n", "line 1: there is no product before the tab"),
        ];
        for (train, test, expected) in table {
            let error = read(folder(train, test).path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let empty = tempfile::tempdir().unwrap();
        assert!(read(empty.path()).unwrap_err().to_string().contains("there is no train_sessions.txt"));
    }
}
