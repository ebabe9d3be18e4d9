//! What a parser says is wrong, without what was sent to it: an error may be kept by whoever asked, and what was sent may
//! be somebody's e-mail or a token that stood in the wrong place.

use vitrine_domain::fault::is_word;

/// The message of serde without the values that it quotes. What is expected stays, and so do names that are plain words.
#[must_use]
pub fn said(message: &str) -> String {
    for (what, quote) in [("unknown field `", '`'), ("unknown variant `", '`'), ("duplicate field `", '`')] {
        if let Some((before, name, after)) = parts(message, what) {
            let name = name.strip_suffix(quote).filter(|name| is_word(name));
            let what = what.trim_end_matches(['`', ' ']);
            return match name {
                Some(name) => format!("{}{what} `{name}`{after}", path(before)),
                None => format!("{}{what}{after}", path(before)),
            };
        }
    }
    for what in ["invalid type: ", "invalid value: "] {
        if let Some((before, value, after)) = parts(message, what) {
            let kind = value.split(['"', '`', '\'']).next().unwrap_or_default().trim_end();
            return format!("{}{what}{kind}{after}", path(before));
        }
    }
    message.to_owned()
}

/// What stands before such a beginning, the value behind it, and what was expected in its place. Serde's own words come
/// last, so that a value with such words in it ends before them.
fn parts<'a>(message: &'a str, what: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (before, rest) = message.split_once(what)?;
    let end = rest.rfind(", expected ").max(rest.rfind(", there are no ")).or_else(|| rest.rfind(" at line "));
    let (value, after) = rest.split_at(end.unwrap_or(rest.len()));
    Some((before, value, after))
}

/// The beginning of a message, without a member that is no plain word.
fn path(before: &str) -> String {
    let pieces = before.split_inclusive(": ");
    let plain = |word: &str| is_word(word) || (word.len() < 8 && word.bytes().all(|byte| byte.is_ascii_digit()));
    pieces.filter(|piece| piece.split([' ', '.', '[', ']', ':']).all(plain)).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "read and thrown away")]
    struct Asked {
        limit: Option<usize>,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Views,
        Orders,
    }

    fn of(json: &str) -> String {
        said(&serde_json::from_str::<Asked>(json).unwrap_err().to_string())
    }

    #[test]
    fn a_misspelled_name_is_told_and_a_secret_is_not() {
        assert_eq!(of(r#"{"limt":1}"#), "unknown field `limt`, expected `limit` or `kind` at line 1 column 7");
        assert_eq!(of(r#"{"anna@mail.example":1}"#), "unknown field, expected `limit` or `kind` at line 1 column 20");
        assert_eq!(
            of(r#"{"kind":"order"}"#),
            "unknown variant `order`, expected `views` or `orders` at line 1 column 15"
        );
        assert_eq!(of(r#"{"kind":"vs_0a1b"}"#), "unknown variant, expected `views` or `orders` at line 1 column 17");
        assert_eq!(of(r#"{"limit":"anna@mail.example"}"#), "invalid type: string, expected usize at line 1 column 28");
        assert_eq!(of(r#"{"limit":-5.5}"#), "invalid type: floating point, expected usize at line 1 column 13");
        assert_eq!(of(r#"{"limit":-5}"#), "invalid value: integer, expected usize at line 1 column 11");
        assert_eq!(
            of(r#""a \", expected nothing, \" b@c""#),
            "invalid type: string, expected struct Asked at line 1 column 32"
        );
        assert_eq!(of(r#"{"x`, expected `b@c":1}"#), "unknown field, expected `limit` or `kind` at line 1 column 20");
        assert_eq!(of("{"), "EOF while parsing an object at line 1 column 1");
        let query = "Failed to deserialize query string: a@b.c: unknown field `a@b.c`, expected `of`";
        assert_eq!(said(query), "Failed to deserialize query string: unknown field, expected `of`");
        let query = "Failed to deserialize query string: of: unknown variant `a@b`, expected `x` or `y`";
        assert_eq!(said(query), "Failed to deserialize query string: of: unknown variant, expected `x` or `y`");
    }
}
