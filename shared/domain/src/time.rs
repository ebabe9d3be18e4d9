//! Points in time as milliseconds since 1970-01-01T00:00:00Z, the resolution that every client sends.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One second.
pub const SECOND: i64 = 1_000;
/// One minute.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour.
pub const HOUR: i64 = 60 * MINUTE;
/// One day.
pub const DAY: i64 = 24 * HOUR;

/// Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// Largest time that fits the thirteen digits of a sort key: the year 2286.
    pub const MAX: Self = Self(9_999_999_999_999);

    /// Reads RFC 3339 (`2026-11-22T14:40:00.123Z`), a plain date, or a date and time without offset, taken as UTC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Some(Self(instant.as_millisecond()));
        }
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_millisecond()))
    }

    /// RFC 3339 in UTC with milliseconds, the form of every answer.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => format!("{instant:.3}"),
            Err(_) => self.0.to_string(),
        }
    }

    /// Thirteen digits, so that text order is time order; times before 1970 count as 1970.
    #[must_use]
    pub fn sort_key(self) -> String {
        format!("{:013}", self.0.clamp(0, Self::MAX.0))
    }

    /// The UTC day, `2026-11-22`.
    #[must_use]
    pub fn day(self) -> String {
        self.to_rfc3339().chars().take(10).collect()
    }

    /// This time moved by some milliseconds, forwards or back.
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this time; negative if it is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_clients_send() {
        let expected = Some(Millis(1_763_822_400_123));
        assert_eq!(Millis::parse("2025-11-22T14:40:00.123Z"), expected);
        assert_eq!(Millis::parse("2025-11-22T15:40:00.123+01:00"), expected);
        assert_eq!(Millis::parse("2025-11-22 14:40:00.123"), expected);
        assert_eq!(Millis::parse("yesterday"), None);
    }

    #[test]
    fn text_order_of_sort_keys_is_time_order() {
        assert!(Millis(999).sort_key() < Millis(1_763_822_400_123).sort_key());
        assert_eq!(Millis(-5).sort_key().len(), 13);
        assert_eq!(Millis(1_763_822_400_123).to_rfc3339(), "2025-11-22T14:40:00.123Z");
        assert_eq!(Millis(1_763_822_400_123).day(), "2025-11-22");
    }
}
