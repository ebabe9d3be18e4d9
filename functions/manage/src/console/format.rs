//! Numbers and times as people write them in their language. Times are in UTC, as they are everywhere in Vitrine, and say so.

use serde_json::Value;

use super::words::Language;

const MONTHS: [[&str; 12]; 2] = [
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
];

/// A number with so many decimals.
pub(super) fn number(language: Language, value: f64, decimals: usize) -> String {
    let (point, group) = match language {
        Language::English => (".", ","),
        Language::French => (",", "\u{202f}"),
    };
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    if value < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        out.push('−');
    }
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push_str(group);
        }
        out.push(digit);
    }
    if !rest.is_empty() {
        out.push_str(point);
        out.push_str(rest);
    }
    out
}

/// A count that an answer tells; 0 where it tells none.
pub(super) fn counted(language: Language, count: &Value) -> String {
    number(language, count.as_f64().unwrap_or_default(), 0)
}

/// A share, 0 to 1, in per cent.
pub(super) fn percent(language: Language, share: f64, decimals: usize) -> String {
    let space = if language == Language::French { "\u{202f}" } else { "" };
    format!("{}{space}%", number(language, share * 100.0, decimals))
}

/// A difference of two shares, in percentage points, with its sign.
pub(super) fn points(language: Language, difference: f64, decimals: usize) -> String {
    let (sign, unit) =
        (if difference > 0.0 { "+" } else { "" }, if language == Language::French { "pt" } else { "pp" });
    format!("{sign}{}\u{a0}{unit}", number(language, difference * 100.0, decimals))
}

/// A share in per cent as a field of a form has it: of 0.07 it is 7, not what a product of binary fractions is.
pub(super) fn hundredfold(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

/// A change in per cent, with its sign.
pub(super) fn change(language: Language, share: f64) -> String {
    let sign = if share > 0.0 { "+" } else { "" };
    format!("{sign}{}", percent(language, share, 1))
}

/// `22 Nov 2026`, of an RFC 3339 time; what is none is shown as it is.
pub(super) fn day(language: Language, time: &str) -> String {
    let part = |from, to| time.get(from..to).and_then(|part: &str| part.parse::<usize>().ok());
    let (Some(year), Some(month), Some(day)) = (part(0, 4), part(5, 7), part(8, 10)) else { return time.to_owned() };
    let months = &MONTHS[usize::from(language == Language::French)];
    match months.get(month.wrapping_sub(1)) {
        Some(name) => format!("{day} {name} {year}"),
        None => time.to_owned(),
    }
}

/// `22 Nov 2026, 14:40 UTC`.
pub(super) fn day_and_time(language: Language, time: &str) -> String {
    match time.get(11..16) {
        Some(clock) => format!("{}, {clock} UTC", day(language, time)),
        None => day(language, time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_written_as_each_language_does() {
        use Language::{English, French};
        assert_eq!(number(English, 1_234_567.891, 2), "1,234,567.89");
        assert_eq!(number(French, 1_234_567.891, 2), "1\u{202f}234\u{202f}567,89");
        assert_eq!((number(English, -0.001, 2), number(English, -12.0, 0)), ("0.00".to_owned(), "−12".to_owned()));
        assert_eq!(
            (percent(English, 0.125, 1), percent(French, 0.125, 1)),
            ("12.5%".to_owned(), "12,5\u{202f}%".to_owned())
        );
        assert_eq!((change(English, 0.03), change(English, -0.03)), ("+3.0%".to_owned(), "−3.0%".to_owned()));
        assert_eq!(
            (points(English, 0.0125, 2), points(French, -0.0125, 2)),
            ("+1.25\u{a0}pp".to_owned(), "−1,25\u{a0}pt".to_owned())
        );
        let time = "2026-11-22T14:40:00.123Z";
        assert_eq!(day_and_time(English, time), "22 Nov 2026, 14:40 UTC");
        assert_eq!(day_and_time(French, time), "22 nov. 2026, 14:40 UTC");
        assert_eq!((day(English, "soon"), day(English, "2026-99-01")), ("soon".to_owned(), "2026-99-01".to_owned()));
    }
}
