//! Values as feeds write them: amounts of money, numbers, times, and attributes whose type nobody states.

use serde_json::{Number, Value};
use vitrine_domain::Millis;

use super::options::DateOrder;

/// An amount, with the currency if it named one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Money {
    pub(super) amount: f64,
    pub(super) currency: Option<String>,
}

/// Reads `15.00 USD`, `15,00 EUR`, `€ 1.299,00`, `CHF 1'299.-` and plain numbers. No sign is read: a price has none.
pub(super) fn money(text: &str) -> Option<Money> {
    let text = text.trim();
    let start = text.find(|c: char| c.is_ascii_digit() || c == '.' || c == ',')?;
    let end = text.rfind(|c: char| c.is_ascii_digit())?;
    let digits = text.get(start..=end)?;
    let before = text.get(..start)?.trim();
    let after = text.get(end + 1..)?.trim().trim_start_matches(['.', ',', '-', '–']).trim();
    let currency = match (before, after) {
        ("", "") => None,
        (name, "") | ("", name) => Some(currency(name)?),
        _ => return None,
    };
    Some(Money { amount: decimal(digits)?, currency: currency.filter(|code| !code.is_empty()) })
}

/// A currency by code or sign; an ambiguous sign such as `$` is empty, anything else nothing.
fn currency(name: &str) -> Option<String> {
    let code = match name {
        "€" => "EUR",
        "£" => "GBP",
        "¥" | "$" => "",
        "US$" => "USD",
        "kr" | "kr." | "Kč" => "",
        "zł" => "PLN",
        "₹" => "INR",
        _ if is_code(name) => return Some(name.to_ascii_uppercase()),
        _ => return None,
    };
    Some(code.to_owned())
}

/// Whether a text has the form of an ISO 4217 code.
pub(super) fn is_code(name: &str) -> bool {
    name.len() == 3 && name.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Reads an unsigned number with a decimal point or comma, and with or without marks between thousands. One comma with
/// exactly three digits behind it parts thousands; one point never does.
fn decimal(text: &str) -> Option<f64> {
    let marks = |mark: char| text.matches(mark).count();
    let (points, commas) = (marks('.'), marks(','));
    let decimal_mark = match (points, commas) {
        (0, 0) => None,
        (1, 0) => Some('.'),
        (_, 0) | (0, 2..) => None,
        (0, 1) => Some(',').filter(|_| !thousands_comma(text)),
        _ if text.rfind('.') > text.rfind(',') => Some('.').filter(|_| points == 1),
        _ => Some(',').filter(|_| commas == 1),
    };
    let (whole, fraction) = match decimal_mark {
        Some(mark) => text.rsplit_once(mark)?,
        None => (text, ""),
    };
    let groups: Vec<_> = whole.split(['.', ',', '\'', '’', ' ', '\u{a0}', '\u{202f}']).collect();
    if !well_grouped(&groups) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{}.{fraction}", groups.concat()).parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether digits between marks stand as people write them: `1,299,000`, and `12,99,000` in India.
fn well_grouped(groups: &[&str]) -> bool {
    let digits = |group: &&str| group.bytes().all(|byte| byte.is_ascii_digit());
    let middle = groups.get(1..groups.len().saturating_sub(1)).unwrap_or_default();
    groups.iter().all(digits)
        && (groups.len() < 2
            || (groups.first().is_some_and(|first| (1..=3).contains(&first.len()))
                && groups.last().is_some_and(|last| last.len() == 3)
                && middle.iter().all(|group| (2..=3).contains(&group.len()))))
}

fn thousands_comma(text: &str) -> bool {
    text.split_once(',').is_some_and(|(whole, rest)| rest.len() == 3 && (1..=3).contains(&whole.len()) && whole != "0")
}

/// Reads a number with an optional sign, as [`money`] does without a currency.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return Some(number).filter(|number| number.is_finite());
    }
    let (sign, rest) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let rest = rest.trim();
    if !rest.starts_with(|c: char| c.is_ascii_digit()) || !rest.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    decimal(rest).map(|number| sign * number)
}

/// A whole number of pieces, as a number that may be written with decimals.
#[allow(clippy::cast_possible_truncation, reason = "bounded before the cast")]
pub(super) fn pieces(text: &str) -> Option<i64> {
    number(text).filter(|number| number.abs() < 1e15).map(|number| number.floor() as i64)
}

/// Reads a time: RFC 3339, a date with or without a time of day (taken as UTC), seconds or milliseconds since 1970, or,
/// where the order of day and month is known, dates such as `3/4/2026 14:40`.
pub(super) fn time(text: &str, order: DateOrder) -> Option<Millis> {
    let text = text.trim();
    if let Some(time) = Millis::parse(text) {
        return Some(time);
    }
    if let Ok(number) = text.parse::<f64>() {
        return epoch(number);
    }
    let (date, clock) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let mark = date.chars().find(|c| !c.is_ascii_digit())?;
    let mut parts = date.split(mark);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let (day, month) = match (mark, order) {
        // Dates with points are written in countries that put the day first.
        ('.', _) | ('/' | '-', DateOrder::DayFirst) => (first, second),
        ('/' | '-', DateOrder::MonthFirst) => (second, first),
        _ => return None,
    };
    let clock = if clock.is_empty() { "00:00" } else { clock.trim() };
    let clock = if clock.find(':') == Some(1) { format!("0{clock}") } else { clock.to_owned() };
    Millis::parse(&format!("{year}-{month:0>2}-{day:0>2}T{clock}"))
}

/// Seconds or milliseconds since 1970, told apart by size: a second count that large lies beyond the year 5000.
#[allow(clippy::cast_possible_truncation, reason = "bounded before the cast")]
pub(super) fn epoch(number: f64) -> Option<Millis> {
    match number {
        n if (1e8..1e11).contains(&n) => Some(Millis((n * 1_000.0).round() as i64)),
        n if (1e11..1e13).contains(&n) => Some(Millis(n.round() as i64)),
        _ => None,
    }
}

/// Whether a sale is on at `now`, of `START/END` as Google's feeds write it; `None` if it cannot be read.
pub(super) fn is_on(interval: &str, now: Millis) -> Option<bool> {
    let (start, end) = interval.split_once('/').or_else(|| interval.split_once(','))?;
    let (start, end) = (loose_time(start)?, loose_time(end)?);
    Some(start <= now && now < end)
}

/// Times in feeds, often without seconds: `2026-02-24T13:00-0800`.
pub(super) fn loose_time(text: &str) -> Option<Millis> {
    let text = text.trim();
    Millis::parse(text).or_else(|| Millis::parse(&text.replacen(' ', "T", 1)))
}

/// Names of attributes that look like numbers but are identifiers.
fn is_identifier(name: &str) -> bool {
    const WHOLE: [&str; 14] = [
        "asin", "barcode", "ean", "gtin", "gtin8", "gtin12", "gtin13", "gtin14", "isbn", "mpn", "phone", "sku", "upc",
        "zip",
    ];
    const ENDS: [&str; 5] = ["_id", "_code", "_number", "_phone", "_sku"];
    WHOLE.contains(&name) || name == "id" || name.contains("postal") || ENDS.iter().any(|end| name.ends_with(end))
}

/// An attribute that came as text, with the type it plainly has: `true` and `false`, and numbers that are written as a
/// number would be. Leading zeros, more digits than a number holds and exponents stay text, and so do identifiers.
pub(super) fn typed(name: &str, text: &str) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return Value::Bool(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Value::Bool(false);
    }
    if !is_identifier(name) && is_plain_number(text) {
        if let Ok(number) = text.parse::<i64>() {
            return Value::from(number);
        }
        if let Some(number) = text.parse().ok().and_then(Number::from_f64) {
            return Value::Number(number);
        }
    }
    Value::String(text.to_owned())
}

fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole)
        && all_digits(fraction)
        && (whole == "0" || !whole.starts_with('0'))
        && whole.len() + fraction.len() <= 15
        && text != "-0"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn amounts_in_the_spellings_of_many_countries() {
        for (text, amount, currency) in [
            ("15.00 USD", 15.0, Some("USD")),
            ("15,00 EUR", 15.0, Some("EUR")),
            ("USD 15", 15.0, Some("USD")),
            ("15usd", 15.0, Some("USD")),
            ("€1.299,00", 1299.0, Some("EUR")),
            ("1 299,00 €", 1299.0, Some("EUR")),
            ("1\u{202f}299,5 €", 1299.5, Some("EUR")),
            ("1,299.00 USD", 1299.0, Some("USD")),
            ("1,299 USD", 1299.0, Some("USD")),
            ("1,234,567 USD", 1_234_567.0, Some("USD")),
            ("0,125 EUR", 0.125, Some("EUR")),
            ("1.299", 1.299, None),
            ("CHF 1'299.-", 1299.0, Some("CHF")),
            ("$15", 15.0, None),
            (".5", 0.5, None),
            ("12,34,567.50 INR", 1_234_567.5, Some("INR")),
            ("0", 0.0, None),
        ] {
            let money = money(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((money.amount, money.currency.as_deref()), (amount, currency), "{text}");
        }
        for text in [
            "",
            "free",
            "-5",
            "-5 USD",
            "5 to 7",
            "USD",
            "1.2.3,4,5",
            "1.2.3",
            "1 2",
            "1,29.5",
            ".",
            "12 apples",
            "5 USD EUR",
        ] {
            assert_eq!(money(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_with_signs() {
        for (text, expected) in [
            ("12", Some(12.0)),
            ("-12", Some(-12.0)),
            ("-1,5", Some(-1.5)),
            ("1e3", Some(1000.0)),
            ("x", None),
            ("NaN", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
        assert_eq!(pieces("12.0"), Some(12));
        assert_eq!(pieces("1e300"), None);
    }

    #[test]
    fn times_in_many_forms() {
        let expected = Millis::parse("2026-04-03T14:40:00Z");
        for text in
            ["2026-04-03 14:40:00", "2026-04-03T16:40:00+02:00", "1775227200", "1775227200000", "3.4.2026 14:40"]
        {
            assert_eq!(time(text, DateOrder::Unknown), expected, "{text}");
        }
        assert_eq!(time("4/3/2026 14:40", DateOrder::MonthFirst), expected);
        assert_eq!(time("03/04/2026 14:40:00", DateOrder::DayFirst), expected);
        assert_eq!(time("3/4/2026 9:05", DateOrder::DayFirst), Millis::parse("2026-04-03T09:05:00Z"));
        for text in ["3/4/2026", "soon", "12", "2026", "31.2.2026", ""] {
            assert_eq!(time(text, DateOrder::Unknown), None, "{text}");
        }
    }

    #[test]
    fn a_sale_is_on_between_its_ends() {
        let now = Millis::parse("2026-02-25T00:00:00Z").unwrap();
        for (interval, on) in [
            ("2026-02-24T13:00-0800/2026-02-29T15:30-0800", None),
            ("2026-02-24T13:00-0800/2026-02-28T15:30-0800", Some(true)),
            ("2026-02-24T13:00:00+01:00 / 2026-02-24T14:00:00+01:00", Some(false)),
            ("2026-02-25/2026-02-26", Some(true)),
            ("2026-02-26T00:00Z/2026-02-27T00:00Z", Some(false)),
            ("always", None),
        ] {
            assert_eq!(is_on(interval, now), on, "{interval}");
        }
    }

    #[test]
    fn attributes_get_the_type_they_plainly_have() {
        for (name, text, value) in [
            ("minutes", "25", json!(25)),
            ("weight", "2.50", json!(2.5)),
            ("change", "-3", json!(-3)),
            ("vegan", "TRUE", json!(true)),
            ("size", "42 EU", json!("42 EU")),
            ("model", "007", json!("007")),
            ("gtin", "5012345678900", json!("5012345678900")),
            ("item_group_id", "12", json!("12")),
            ("long", "1234567890123456", json!("1234567890123456")),
            ("range", "1e5", json!("1e5")),
            ("version", "1.2.3", json!("1.2.3")),
            ("version", "1.", json!("1.")),
        ] {
            assert_eq!(typed(name, text), value, "{name} {text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".{0,20}", figures in "[0-9.,' €USD-]{0,12}") {
            for text in [&text, &figures] {
                if let Some(money) = money(text) {
                    prop_assert!(money.amount >= 0.0 && money.amount.is_finite());
                }
                number(text);
                time(text, DateOrder::DayFirst);
                is_on(text, Millis(0));
                typed("x", text);
            }
        }

        #[test]
        fn a_written_amount_is_read_back(cents in 0u32..100_000_000) {
            let text = format!("{}.{:02} EUR", cents / 100, cents % 100);
            let amount = money(&text).unwrap().amount;
            prop_assert!((amount - f64::from(cents) / 100.0).abs() < 1e-6);
        }
    }
}
