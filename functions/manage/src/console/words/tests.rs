use std::collections::BTreeSet;

use super::*;

fn sources() -> String {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/console"))];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|of| of == "rs") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    text
}

#[test]
fn both_languages_say_the_same_things() {
    let keys = |language: Language| language.catalogue().keys().copied().collect::<BTreeSet<_>>();
    let (english, french) = (keys(Language::English), keys(Language::French));
    assert_eq!(english.symmetric_difference(&french).collect::<Vec<_>>(), Vec::<&&str>::new());
    for key in english {
        let gaps = |language: Language| {
            let text = language.word(key);
            text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(gap, _)| gap).collect::<BTreeSet<_>>()
        };
        assert_eq!(gaps(Language::English), gaps(Language::French), "{key}");
    }
    for (text, language) in [(include_str!("en.txt"), Language::English), (include_str!("fr.txt"), Language::French)] {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        assert_eq!(language.catalogue().len(), lines, "a line that is none, or a key twice");
    }
}

#[test]
fn every_sentence_that_a_page_asks_for_is_there() {
    let sources = sources();
    let asked = sources.split(".t(\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(key, _)| key);
    let missing: BTreeSet<&str> = asked.filter(|key| Language::English.find(key).is_none()).collect();
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn the_browser_is_asked_which_language() {
    for (header, expected) in [
        ("fr-CH, fr;q=0.9, en;q=0.8", Some(Language::French)),
        ("de, en;q=0.5, fr;q=0.9", Some(Language::French)),
        ("en-GB,en", Some(Language::English)),
        ("de", None),
        (";q=,,fr;q=x", None),
    ] {
        assert_eq!(Language::preferred(header), expected, "{header}");
    }
    assert_eq!(Language::of_query("a=b&lang=fr"), Some(Language::French));
    assert_eq!(Language::of_query("lang=de"), None);
}
