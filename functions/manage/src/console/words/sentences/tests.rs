use std::path::Path;

use super::*;

/// Where the sentences are made that a form of the console can meet: what is wrong with what was sent, which rules and experiments
/// get into each other, what a segment can ask.
const SPEAKERS: [&str; 38] = [
    "shared/domain/src/experiment/assign.rs",
    "shared/domain/src/experiment/faults.rs",
    "shared/domain/src/fault.rs",
    "shared/domain/src/filter.rs",
    "shared/domain/src/filter/evaluate.rs",
    "shared/domain/src/filter/parse.rs",
    "shared/domain/src/id.rs",
    "shared/domain/src/placement.rs",
    "shared/domain/src/results.rs",
    "shared/domain/src/rule.rs",
    "shared/domain/src/rule/conflict.rs",
    "shared/domain/src/segment.rs",
    "shared/domain/src/segment/features.rs",
    "shared/domain/src/statistics/plan.rs",
    "shared/http/src/passwords.rs",
    "shared/store/src/training.rs",
    "functions/recommend/src/preview.rs",
    "functions/manage/src/experiments.rs",
    "functions/manage/src/experiments/plan.rs",
    "functions/manage/src/experiments/shape.rs",
    "functions/manage/src/hold_out.rs",
    "functions/manage/src/keep.rs",
    "functions/manage/src/keep/history.rs",
    "functions/manage/src/lock.rs",
    "functions/manage/src/models.rs",
    "functions/manage/src/placements.rs",
    "functions/manage/src/placements/shape.rs",
    "functions/manage/src/privacy.rs",
    "functions/manage/src/results.rs",
    "functions/manage/src/rules.rs",
    "functions/manage/src/rules/check.rs",
    "functions/manage/src/rules/context.rs",
    "functions/manage/src/segments.rs",
    "functions/manage/src/segments/alike.rs",
    "functions/manage/src/segments/shape.rs",
    "functions/manage/src/segments/size.rs",
    "functions/manage/src/segments/unknown.rs",
    "functions/manage/src/staff.rs",
];

/// Texts in these files that are no sentences: JSON, filters as text, what a log says.
const OTHER: [&str; 5] = ["not ({not})", " is missing", " in {}", " {} {}", "{ALIKE} = \"{}\""];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The texts of a source file that are more than a word, without its tests, comments, logs and attributes but those of errors.
fn texts(source: &str) -> Vec<String> {
    let mut rest = source.split("#[cfg(test)]").next().unwrap();
    let (mut found, mut before) = (Vec::new(), ' ');
    while let Some(next) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("#[") && !rest.starts_with("#[error") || rest.starts_with("tracing::") {
            rest = closed(rest);
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\''") {
            rest = rest.split_at(rest.find(['"', '\\']).unwrap()).1.split_once('\'').unwrap().1;
        } else if next == '"' {
            let (text, after) = text(&rest[1..]);
            if text.trim().contains(' ') && before != 'r' {
                found.push(text);
            }
            rest = after;
        } else {
            rest = &rest[next.len_utf8()..];
        }
        before = next;
    }
    found
}

/// A text up to its closing quote, and what follows.
fn text(rest: &str) -> (String, &str) {
    let (mut text, mut chars) = (String::new(), rest.char_indices());
    while let Some((at, next)) = chars.next() {
        match next {
            '"' => return (text, &rest[at + 1..]),
            '\\' => text.push(chars.next().unwrap().1),
            other => text.push(other),
        }
    }
    panic!("a text without an end: {text}");
}

/// What follows an attribute or a call.
fn closed(mut rest: &str) -> &str {
    let mut open = 0;
    loop {
        let at = rest.find(['[', ']', '(', ')', '"']).unwrap();
        let (found, after) = (rest.as_bytes()[at], &rest[at + 1..]);
        rest = if found == b'"' { text(after).1 } else { after };
        open += match found {
            b'[' | b'(' => 1,
            b'"' => 0,
            _ => -1,
        };
        if open == 0 && found != b'"' {
            return rest;
        }
    }
}

/// A sentence with something in its gaps that fits all of them.
fn with_numbers(template: &str) -> String {
    let mut parts = template.split('{');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| format!("{text}7{}", part.split_once('}').unwrap().1))
}

#[test]
fn everything_that_a_form_can_be_told_has_french() {
    let mut missing = Vec::new();
    let mut met = 0;
    for path in SPEAKERS {
        for text in texts(&read(path)).into_iter().filter(|text| !OTHER.contains(&text.as_str())) {
            met += 1;
            if french(&with_numbers(&text)).is_none() {
                missing.push(format!("{path}: {text}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    assert!(met > 150, "only {met} sentences were found");
}

#[test]
fn whatever_refuses_a_change_is_among_those_that_are_looked_through() {
    /// What is asked by machines, or told by the console in its own words.
    const SILENT: [&str; 7] = ["jobs", "keys", "sessions", "vectors", "assets", "guard", "tests"];
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = format!("functions/manage/src/{}", path.strip_prefix(&top).unwrap().display());
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let refuses = name.ends_with(".rs") && std::fs::read_to_string(&path).unwrap().contains("Problem::");
            let known = SPEAKERS.contains(&name.as_str()) || SILENT.contains(&stem);
            assert!(!refuses || known, "{name}: does a form meet what it says?");
        }
    }
}

#[test]
fn every_french_sentence_keeps_what_stands_in_the_gaps() {
    for (sentence, french) in pairs() {
        let gaps = |text: &'static str| {
            let mut gaps = Template::new(text, "").gaps;
            gaps.sort_unstable();
            gaps
        };
        // What only a machine needs to know may be left out.
        assert!(gaps(french).iter().all(|gap| gaps(sentence).contains(gap)), "{sentence}: {french}");
        assert!(gaps(sentence) == gaps(french) || sentence.contains("DELETE "), "{sentence}: {french}");
        assert!(!french.contains("; ") || french.contains(" ; "), "{french}");
    }
}

#[test]
fn sentences_are_told_with_what_they_are_about() {
    for (sentence, expected) in [
        ("0 to .5", "de 0 à 0,5"),
        ("10 to 100,000", "de 10 à 100\u{202f}000"),
        ("above 1, at most 100", "plus de 1, au plus 100"),
        (
            "the filter cannot be read at character 8: expected a list",
            "la condition ne se lit pas au caractère 8 : il faut une liste",
        ),
        (
            "`price` is a number, it cannot be compared with a list",
            "`price` est un nombre, cela ne se compare pas à une liste",
        ),
        (
            "both pin to slot 3; `a` acts first and `b` is left out",
            "les deux épinglent à la place 3 ; `a` agit d’abord et `b` est ignorée",
        ),
        ("what nobody has translated", "what nobody has translated"),
    ] {
        assert_eq!(Language::French.told(sentence), expected);
        assert_eq!(Language::English.told(sentence), sentence);
    }
}
