//! In which language, and for whom, reasons are told.

use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use vitrine_http::Problem;
use vitrine_rank::{Language, Words};

/// # Errors
/// 422 for a language or audience that there is none of.
pub(super) fn read(language: Option<&str>, audience: Option<&str>, headers: &HeaderMap) -> Result<Words, Problem> {
    let language = match language {
        Some(word) => one(word, "language", "`en` or `fr`")?,
        None => accepted(headers),
    };
    let audience = audience.map(|word| one(word, "audience", "`shopper`, `merchandiser` or `nobody`")).transpose()?;
    Ok(Words { language, audience: audience.unwrap_or_default() })
}

fn one<T: DeserializeOwned>(word: &str, member: &str, how: &str) -> Result<T, Problem> {
    serde_json::from_value(word.into()).map_err(|_| {
        let code = if member == "language" { "invalid-language" } else { "invalid-audience" };
        Problem::unprocessable(code, format!("there is no such {member}")).at(member, how)
    })
}

/// The language that a browser likes best of those there are (RFC 9110, section 12.5.4).
fn accepted(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut best = (0.0, Language::En);
    for part in accepted.split(',').take(32) {
        let (tag, quality) = part.split_once(';').unwrap_or((part, "q=1"));
        let quality: f32 = quality.trim().strip_prefix("q=").and_then(|q| q.trim().parse().ok()).unwrap_or(0.0);
        let language = match tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "fr" => Language::Fr,
            "en" => Language::En,
            _ => continue,
        };
        if quality > best.0 {
            best = (quality, language);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_liked_best_wins() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, text.parse().unwrap());
            accepted(&headers)
        };
        assert_eq!(accepted(&HeaderMap::new()), Language::En);
        assert_eq!(of("fr-CH, fr;q=0.9, en;q=0.8, *;q=0.5"), Language::Fr);
        assert_eq!(of("de, en;q=0.3, fr;q=0.7"), Language::Fr);
        assert_eq!(of("en-GB,fr"), Language::En);
        assert_eq!(of("de"), Language::En);
        assert_eq!(of("fr;q=x, ;;,,"), Language::En);
    }
}
