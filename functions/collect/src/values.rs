//! Values as clients write them: numbers as text, names in any spelling, texts of any length.
//!
//! A value that is understood is taken out of its object; what is left in the end are the properties nobody knew.

use serde_json::{Map, Value};
use vitrine_domain::event::{MAX_DWELL_MS, MIN_DWELL_MS};
pub use vitrine_domain::id::of_value as identifier;

/// Longest text of a field.
pub const TEXT: usize = 200;
/// Amounts and quantities beyond this are mistakes.
const LARGEST: f64 = 1e12;

/// Cuts a text to a number of bytes, between characters.
#[must_use]
pub fn clip(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

fn letters(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}

/// Whether two names are the same but for case and separators: `product_id`, `productId`, `Product ID`.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    letters(a).eq(letters(b))
}

/// A name without case and separators.
#[must_use]
pub fn squash(name: &str) -> String {
    letters(name).collect()
}

/// Takes the first of some members that can be read. A member that is there and cannot be read stays where it is.
pub fn take<T>(object: &mut Map<String, Value>, names: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
    for name in names {
        let exact = object.contains_key(*name).then(|| (*name).to_owned());
        let key = exact.or_else(|| object.keys().find(|key| same_name(key, name)).cloned());
        let Some(key) = key else { continue };
        if let Some(value) = object.get(&key).and_then(&read) {
            object.remove(&key);
            return Some(value);
        }
    }
    None
}

/// A text of bounded length; numbers are texts too.
#[must_use]
pub fn text(value: &Value) -> Option<String> {
    let text = identifier(value)?;
    Some(clip(text.trim(), TEXT).to_owned())
}

/// A category: a text, or a path of texts.
#[must_use]
pub fn category(value: &Value) -> Option<String> {
    let Value::Array(path) = value else { return text(value) };
    let steps: Vec<String> = path.iter().filter_map(text).collect();
    (!steps.is_empty()).then(|| clip(&steps.join(" > "), TEXT).to_owned())
}

/// A number, or a text that is one.
#[must_use]
pub fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (number.is_finite() && number.abs() <= LARGEST).then_some(number)
}

/// An amount of money: a number, or a text such as `19.99`, `1,299.00`, `19,99 €`.
#[must_use]
pub fn money(value: &Value) -> Option<f64> {
    if let Some(number) = number(value) {
        return Some(number);
    }
    let text = value.as_str()?;
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-');
    let bare = text.trim_matches(|c: char| !is_part(c)).trim_end_matches(['.', ',']);
    let negative = bare.starts_with('-');
    let bare = bare.trim_start_matches(|c: char| !c.is_ascii_digit());
    // The last separator stands before the decimals, unless it groups thousands: three digits follow, and either it
    // stands there more than once or it is a comma.
    let decimals = bare.rfind(['.', ',']).filter(|at| {
        let separator = &bare[*at..=*at];
        let groups = bare.len() - at == 4 && (bare.matches(separator).count() > 1 || separator == ",");
        !groups
    });
    let mut plain = String::with_capacity(bare.len() + 1);
    for (at, c) in bare.char_indices() {
        match c {
            _ if Some(at) == decimals => plain.push('.'),
            '0'..='9' => plain.push(c),
            '.' | ',' | ' ' | '\u{a0}' | '\u{202f}' | '\'' => {}
            _ => return None,
        }
    }
    let amount = number(&Value::String(plain))?;
    Some(if negative { -amount } else { amount })
}

/// How long a product was looked at, in milliseconds, if that is long enough to mean something.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between the shortest and the longest")]
pub fn dwell(value: &Value) -> Option<u32> {
    let long = number(value).filter(|millis| *millis >= f64::from(MIN_DWELL_MS));
    long.map(|millis| millis.min(f64::from(MAX_DWELL_MS)) as u32)
}

/// A position in a list.
#[must_use]
pub fn position(value: &Value) -> Option<u32> {
    let number = number(value)?;
    // The bounds make the conversion exact.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (number.fract() == 0.0 && (0.0..=1e6).contains(&number)).then_some(number as u32)
}

/// The code of a currency, three letters.
#[must_use]
pub fn currency(value: &Value) -> Option<String> {
    let code = value.as_str()?.trim();
    (code.len() == 3 && code.bytes().all(|b| b.is_ascii_alphabetic())).then(|| code.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn money_in_every_spelling() {
        for (written, amount) in [
            (json!(19.99), Some(19.99)),
            (json!("19.99"), Some(19.99)),
            (json!(" 19,99 € "), Some(19.99)),
            (json!("$1,299.00"), Some(1299.0)),
            (json!("1.299,50 EUR"), Some(1299.5)),
            (json!("1 299,50"), Some(1299.5)),
            (json!("1,299"), Some(1299.0)),
            (json!("1.299"), Some(1.299)),
            (json!("1.299.000"), Some(1_299_000.0)),
            (json!("-5,00"), Some(-5.0)),
            (json!("USD -5.00"), Some(-5.0)),
            (json!("5."), Some(5.0)),
            (json!("2e3"), Some(2000.0)),
            (json!(""), None),
            (json!("free"), None),
            (json!("1-2"), None),
            (json!("3 for 2"), None),
            (json!("NaN"), None),
            (json!("inf"), None),
            (json!(1e13), None),
            (json!(null), None),
            (json!(true), None),
        ] {
            assert_eq!(money(&written), amount, "{written}");
        }
    }

    #[test]
    fn identifiers_and_texts() {
        assert_eq!(identifier(&json!(42)), Some("42".to_owned()));
        assert_eq!(identifier(&json!(" a ")), Some(" a ".to_owned()));
        for nothing in [json!(""), json!("  "), json!(null), json!(true), json!([]), json!({})] {
            assert_eq!(identifier(&nothing), None, "{nothing}");
        }
        assert_eq!(text(&json!(" a ")), Some("a".to_owned()));
        assert_eq!(text(&json!("é".repeat(300))).unwrap().len(), TEXT);
        assert_eq!(category(&json!(["Grocery", "Pasta"])), Some("Grocery > Pasta".to_owned()));
        assert_eq!(category(&json!([{}])), None);
    }

    #[test]
    fn positions_and_currencies() {
        assert_eq!(position(&json!("3")), Some(3));
        for odd in [json!(-1), json!(1.5), json!(1e7), json!("x")] {
            assert_eq!(position(&odd), None, "{odd}");
        }
        assert_eq!(currency(&json!(" eur")), Some("EUR".to_owned()));
        assert_eq!(currency(&json!("€")), None);
    }

    #[test]
    fn what_is_understood_is_taken_and_the_rest_stays() {
        let mut object = json!({"productId": 7, "price": "free", "Price": 2}).as_object().unwrap().clone();
        assert_eq!(take(&mut object, &["sku", "product_id"], identifier), Some("7".to_owned()));
        assert_eq!(take(&mut object, &["price"], money), None);
        assert_eq!(object, *json!({"price": "free", "Price": 2}).as_object().unwrap());
    }
}
