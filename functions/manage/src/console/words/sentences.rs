//! What the API says, in the language of a page. The API speaks English, and each of its sentences is its own name: a catalogue
//! holds them with gaps where something is filled in, and the same in French.

use std::sync::OnceLock;

use super::{Language, filled};

/// A sentence with gaps, and its translation.
struct Template {
    /// What stands before, between and after the gaps.
    parts: Vec<&'static str>,
    gaps: Vec<&'static str>,
    translation: &'static str,
}

/// Sentences that say most come first: `above {n}, at most {m}` before `above {n}`.
fn catalogue() -> &'static [Template] {
    static FRENCH: OnceLock<Vec<Template>> = OnceLock::new();
    FRENCH.get_or_init(|| {
        let mut all: Vec<Template> = pairs().map(|(sentence, french)| Template::new(sentence, french)).collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.parts.iter().map(|part| part.len()).sum::<usize>()));
        all
    })
}

/// The lines of the file, two by two.
fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("api.fr.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (sentences, french): (Vec<_>, Vec<_>) = lines.partition(|line| !line.starts_with("    "));
    sentences.into_iter().zip(french.into_iter().map(str::trim))
}

impl Template {
    fn new(sentence: &'static str, translation: &'static str) -> Self {
        let (mut parts, mut gaps, mut rest) = (Vec::new(), Vec::new(), sentence);
        while let Some((before, (gap, after))) = rest.split_once('{').and_then(|(b, r)| Some((b, r.split_once('}')?))) {
            parts.push(before);
            gaps.push(gap);
            rest = after;
        }
        parts.push(rest);
        Self { parts, gaps, translation }
    }

    /// What stands in the gaps, if the sentence is this one.
    fn read<'s>(&self, sentence: &'s str) -> Option<Vec<(&'static str, &'s str)>> {
        let (first, others) = self.parts.split_first()?;
        let mut rest = sentence.strip_prefix(first)?;
        let mut read = Vec::new();
        for (place, (gap, part)) in self.gaps.iter().zip(others).enumerate() {
            let is_last = place + 1 == others.len();
            let (value, after) = if is_last { (rest.strip_suffix(part)?, "") } else { rest.split_once(part)? };
            let numeric = gap.len() > 1 || value.bytes().all(|b| b.is_ascii_digit() || b",.-".contains(&b));
            if value.is_empty() || !numeric {
                return None;
            }
            read.push((*gap, value));
            rest = after;
        }
        rest.is_empty().then_some(read)
    }
}

/// A number as the API writes it, `1,000` or `.5`, as French does.
fn number(value: &str) -> String {
    let value = value.replace(',', "\u{202f}").replace('.', ",");
    if value.starts_with(',') { format!("0{value}") } else { value }
}

impl Language {
    /// A sentence of the API; as it is where there is none for it.
    pub(in crate::console) fn told(self, sentence: &str) -> String {
        match self {
            Self::English => sentence.to_owned(),
            Self::French => french(sentence).unwrap_or_else(|| sentence.to_owned()),
        }
    }
}

fn french(sentence: &str) -> Option<String> {
    let (template, gaps) = catalogue().iter().find_map(|one| Some((one, one.read(sentence)?)))?;
    let gaps: Vec<(&str, String)> = gaps
        .into_iter()
        .map(|(gap, value)| {
            // What is in a gap is shorter than the sentence it is in.
            let told = if gap.len() == 1 { number(value) } else { Language::French.told(value) };
            (gap, told)
        })
        .collect();
    let gaps: Vec<(&str, &str)> = gaps.iter().map(|(gap, told)| (*gap, told.as_str())).collect();
    Some(filled(template.translation, &gaps))
}

#[cfg(test)]
mod tests;
