//! Text as feeds have it: bytes of uncertain encoding, names of columns in any spelling, markup in descriptions, titles
//! in capitals.

use std::borrow::Cow;

/// Most bytes of a name that is kept.
const NAME: usize = 64;

/// What Windows-1252 puts where Latin-1 has control characters, from 0x80 on.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Reads bytes as UTF-8, or as Windows-1252 if they are none; says whether they were.
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), true),
        Err(_) => (Cow::Owned(bytes.iter().map(|byte| latin(*byte)).collect()), false),
    }
}

fn latin(byte: u8) -> char {
    byte.checked_sub(0x80)
        .and_then(|high| WINDOWS_1252.get(usize::from(high)).copied())
        .unwrap_or_else(|| char::from(byte))
}

/// The first `most` bytes of a text, less where that would cut a character.
pub(super) fn clip(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// What two spellings of a column's name have in common: `g:Image Link`, `image_link` and `imageLink` are `imagelink`.
pub(super) fn key(name: &str) -> String {
    let name = bare(name);
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A column's name as an attribute: `Loyalty Tier` and `loyaltyTier` are `loyalty_tier`.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut lower_before = false;
    for c in bare(name).chars() {
        if !c.is_alphanumeric() {
            lower_before = false;
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            continue;
        }
        if c.is_uppercase() && lower_before {
            out.push('_');
        }
        lower_before = c.is_lowercase();
        out.extend(c.to_lowercase());
    }
    clip(out.trim_end_matches('_'), NAME).to_owned()
}

/// A name without the namespace of Google's feeds, and without what follows in brackets where that is a path and no part
/// of the name: `shipping(country:price)`, `Storage (product.metafields.custom.storage)`.
fn bare(name: &str) -> &str {
    let name = name.trim();
    let name = name.strip_prefix("g:").or_else(|| name.strip_prefix("G:")).unwrap_or(name);
    let Some((head, inside)) = name.split_once('(') else {
        return name;
    };
    let path = inside.contains("metafields") || (!head.is_empty() && !head.ends_with(' '));
    if path { head } else { name }
}

/// Text without markup: tags gone, entities resolved, any run of white space one space.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(4096));
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, after) = rest.split_at(at);
        push_words(&mut out, before);
        rest = if after.starts_with('<') { tag(&mut out, after) } else { entity(&mut out, after) };
    }
    push_words(&mut out, rest);
    out.truncate(out.trim_end().len());
    out
}

/// A text with entities resolved and white space in order, but whatever looks like a tag left alone.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, after) = rest.split_at(at);
        push_words(&mut out, before);
        rest = entity(&mut out, after);
    }
    push_words(&mut out, rest);
    out.truncate(out.trim_end().len());
    out
}

fn push_words(out: &mut String, text: &str) {
    for c in text.chars() {
        if !c.is_whitespace() && !c.is_control() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
}

/// Elements that stand inside a word or line; all others separate words.
const INLINE: [&str; 17] = [
    "a", "abbr", "b", "code", "em", "font", "i", "mark", "s", "small", "span", "strong", "sub", "sup", "tt", "u", "wbr",
];

/// Passes over a tag at the start of `text` and gives what follows it.
fn tag<'a>(out: &mut String, text: &'a str) -> &'a str {
    let inside = text.get(1..).unwrap_or_default();
    if let Some(comment) = inside.strip_prefix("!--") {
        return comment.split_once("-->").map_or("", |(_, after)| after);
    }
    let name_at = inside.strip_prefix('/').unwrap_or(inside);
    let is_tag = name_at.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!' || c == '?');
    let Some((tag, after)) = inside.split_once('>').filter(|_| is_tag) else {
        out.push('<');
        return inside;
    };
    let end = name_at.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name_at.len());
    let name = name_at.get(..end).unwrap_or_default().to_ascii_lowercase();
    if !INLINE.contains(&name.as_str()) {
        push_words(out, " ");
    }
    if (name == "script" || name == "style") && !tag.starts_with('/') {
        return after_closing(after, &name);
    }
    after
}

/// What follows the closing tag of an element whose content is no text.
fn after_closing<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("</") {
        if after.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)) {
            return after.split_once('>').map_or("", |(_, after)| after);
        }
        rest = after;
    }
    ""
}

/// Resolves an entity at the start of `text` and gives what follows it.
fn entity<'a>(out: &mut String, text: &'a str) -> &'a str {
    let inside = text.get(1..).unwrap_or_default();
    let end = inside.bytes().take(12).position(|byte| byte == b';');
    let resolved = end.and_then(|end| Some((entity_char(inside.get(..end)?)?, inside.get(end + 1..)?)));
    let Some((c, after)) = resolved else {
        out.push('&');
        return inside;
    };
    push_words(out, c.encode_utf8(&mut [0; 4]));
    after
}

/// The character that an entity stands for, named without `&` and `;`.
pub(super) fn entity_char(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let hex = number.strip_prefix(['x', 'X']);
        let code = hex.map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok())?;
        return char::from_u32(code);
    }
    if let Some(at) = LATIN_1.iter().position(|entity| *entity == name) {
        return u32::try_from(at).ok().and_then(|at| char::from_u32(0xa0 + at));
    }
    OTHERS.iter().find(|(entity, _)| *entity == name).map(|(_, c)| *c)
}

/// HTML's names of the characters from U+00A0 to U+00FF.
#[rustfmt::skip]
const LATIN_1: [&str; 96] = [
    "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf", "laquo", "not", "shy",
    "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro", "para", "middot", "cedil", "sup1", "ordm", "raquo",
    "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil",
    "Egrave", "Eacute", "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute", "Ocirc",
    "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute", "THORN", "szlig", "agrave",
    "aacute", "acirc", "atilde", "auml", "aring", "aelig", "ccedil", "egrave", "eacute", "ecirc", "euml", "igrave", "iacute",
    "icirc", "iuml", "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash", "ugrave", "uacute",
    "ucirc", "uuml", "yacute", "thorn", "yuml",
];

/// Other names that descriptions use.
const OTHERS: [(&str, char); 23] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("bull", '•'),
    ("hellip", '…'),
    ("prime", '′'),
    ("euro", '€'),
    ("trade", '™'),
];

/// Words that stay small inside a title.
const SMALL: [&str; 14] = ["a", "an", "and", "as", "at", "by", "for", "from", "in", "of", "on", "or", "the", "with"];

/// A title in capitals (`SET OF 3 T-LIGHT HOLDERS`) as it would be written (`Set of 3 T-Light Holders`). A title that has
/// small letters already is only trimmed.
pub(super) fn tidy(title: &str) -> String {
    let words = title.split_whitespace();
    if title.chars().any(char::is_lowercase) {
        return words.collect::<Vec<_>>().join(" ");
    }
    let tidied = words.enumerate().map(|(at, word)| {
        let lower = word.to_lowercase();
        if at > 0 && SMALL.contains(&lower.as_str()) { lower } else { capitalised(&lower) }
    });
    tidied.collect::<Vec<_>>().join(" ")
}

/// A word with a capital at its start and after anything that is neither letter, digit nor apostrophe. After a digit
/// letters stay small: `15cm`.
fn capitalised(word: &str) -> String {
    let mut start = true;
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        start = !c.is_alphanumeric() && c != '\'' && c != '’';
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn windows_1252_where_utf_8_fails() {
        assert_eq!(decode("Café €".as_bytes()), (Cow::Borrowed("Café €"), true));
        assert_eq!(decode(b"Caf\xe9 \x80 \x93x\x94").0, "Café € “x”");
        assert!(!decode(b"Caf\xe9").1);
    }

    #[test]
    fn one_key_for_all_spellings() {
        for name in ["g:image_link", "Image Link", "image-link", "imageLink", " IMAGE LINK ", "image_link(x:y)"] {
            assert_eq!(key(name), "imagelink", "{name}");
        }
        for (name, expected) in [
            ("Loyalty Tier", "loyalty_tier"),
            ("loyaltyTier", "loyalty_tier"),
            ("SKU", "sku"),
            ("Customer ID", "customer_id"),
            ("g:custom_label_0", "custom_label_0"),
            ("shelf life (days)", "shelf_life_days"),
            ("Storage (product.metafields.custom.storage)", "storage"),
            ("shipping(country:price)", "shipping"),
            ("Größe", "größe"),
            ("--", ""),
        ] {
            assert_eq!(snake(name), expected, "{name}");
        }
    }

    #[test]
    fn markup_becomes_text() {
        for (html, text) in [
            ("<p>Pasta&nbsp;&amp; sauce</p><p>500&#160;g</p>", "Pasta & sauce 500 g"),
            ("one<br/>two <b>bo</b>ld", "one two bold"),
            ("5 < 7 & 8 > 6", "5 < 7 & 8 > 6"),
            ("<style>p{color:red}</style>A<script>if (a<b) x()</script>B", "A B"),
            ("caf&eacute; &#x2013; &euro;5 &unknown;", "café – €5 &unknown;"),
            ("<!-- no -->yes", "yes"),
            ("a <b", "a <b"),
            ("  many\n\n spaces\t", "many spaces"),
            ("<ul><li>A</li><li>B</li></ul>", "A B"),
        ] {
            assert_eq!(plain(html), text, "{html}");
        }
        assert_eq!(unescape("Salt &amp; <Pepper>"), "Salt & <Pepper>");
    }

    #[test]
    fn titles_in_capitals_are_written_out() {
        for (title, tidied) in [
            ("WHITE HANGING HEART T-LIGHT HOLDER", "White Hanging Heart T-Light Holder"),
            ("SET OF 3  CAKE TINS", "Set of 3 Cake Tins"),
            ("15CM CHRISTMAS BALL", "15cm Christmas Ball"),
            ("KID'S EASEL/BOARD", "Kid's Easel/Board"),
            ("Box of 6 assorted", "Box of 6 assorted"),
        ] {
            assert_eq!(tidy(title), tidied);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".{0,60}", html in "[<>&;a-z/!# -]{0,60}", most in 0usize..20) {
            for text in [&text, &html] {
                let plain = plain(text);
                prop_assert!(!plain.contains('\n') && !plain.contains("  "));
                unescape(text);
                snake(text);
                tidy(text);
                prop_assert!(clip(text, most).len() <= most);
            }
        }
    }
}
