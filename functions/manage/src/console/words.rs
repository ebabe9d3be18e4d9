//! The words of the pages: one catalogue for each language, a line for each sentence.

mod sentences;

use std::collections::HashMap;
use std::sync::OnceLock;

use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;

use super::session::cookie_named;

const COOKIE: &str = "vitrine-language";

/// A language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    French,
}

type Catalogue = HashMap<&'static str, &'static str>;

fn read(text: &'static str) -> Catalogue {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(" = ")).collect()
}

impl Language {
    pub(super) const ALL: [Self; 2] = [Self::English, Self::French];

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// Its own name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
        }
    }

    fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The one that an address asks for: it is remembered.
    pub(super) fn of_query(query: &str) -> Option<Self> {
        query.split('&').find_map(|pair| Self::parse(pair.strip_prefix("lang=")?))
    }

    /// What was chosen, or else what the browser prefers.
    pub(super) fn of(parts: &Parts) -> Self {
        let chosen = parts.uri.query().and_then(Self::of_query);
        let chosen = chosen.or_else(|| Self::parse(&cookie_named(parts, COOKIE)?));
        let accepted = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        chosen.or_else(|| Self::preferred(accepted?)).unwrap_or(Self::English)
    }

    /// The language of a header that is wanted most: `fr-CH, fr;q=0.9, en;q=0.8`.
    fn preferred(header: &str) -> Option<Self> {
        let mut wanted: Vec<(f32, Self)> = Vec::new();
        for part in header.split(',') {
            let (tag, weight) = part.split_once(";q=").unwrap_or((part, "1"));
            let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
            if let (Some(language), Ok(weight)) = (Self::parse(&primary), weight.trim().parse()) {
                wanted.push((weight, language));
            }
        }
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
        wanted.first().map(|(_, language)| *language)
    }

    pub(super) fn cookie(self) -> String {
        format!("{COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly", self.code())
    }

    fn catalogue(self) -> &'static Catalogue {
        static ENGLISH: OnceLock<Catalogue> = OnceLock::new();
        static FRENCH: OnceLock<Catalogue> = OnceLock::new();
        match self {
            Self::English => ENGLISH.get_or_init(|| read(include_str!("words/en.txt"))),
            Self::French => FRENCH.get_or_init(|| read(include_str!("words/fr.txt"))),
        }
    }

    /// A sentence, if there is one of this name.
    pub(super) fn find(self, key: &str) -> Option<&'static str> {
        self.catalogue().get(key).copied()
    }

    /// A sentence; empty if there is none of this name, which a test rules out.
    pub(super) fn word(self, key: &str) -> &'static str {
        self.find(key).unwrap_or_default()
    }
}

/// A sentence with its gaps filled: `{n} rules`.
pub(super) fn filled(sentence: &str, gaps: &[(&str, &str)]) -> String {
    gaps.iter().fold(sentence.to_owned(), |text, (gap, with)| text.replace(&format!("{{{gap}}}"), with))
}

#[cfg(test)]
mod tests;
