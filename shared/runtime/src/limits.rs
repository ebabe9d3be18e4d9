//! How much one key and one visitor may ask: token buckets that `vitrine_http` keeps.
//!
//! A bucket holds `burst` tokens and gets `rate` back each second. On one machine all functions share the buckets, so the
//! limits hold exactly. In the cloud every running copy of a function has buckets of its own: a limit there is one of a copy, and what
//! bounds all copies together is the throttling of the gateway (`ApiRate` and `ApiBurst` of the template).

use crate::ConfigError;
use crate::config::environment;

/// Most tokens a second, and most tokens of a bucket.
const MOST: u32 = 1_000_000;

/// A token bucket's two figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that a bucket gets back each second.
    pub per_second: u32,
    /// Tokens of a full bucket.
    pub burst: u32,
}

/// What one key and one visitor may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests of one API key. `VITRINE_KEY_RATE`: 5,000 a second unless set; `VITRINE_KEY_BURST`: 10,000 at once.
    pub key: Rate,
    /// Events and lists of one visitor, as far as they come with a browser key: the shop's own servers speak for many.
    /// `VITRINE_VISITOR_RATE`: 50 a second unless set; `VITRINE_VISITOR_BURST`: 1,000 at once.
    pub visitor: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self { key: Rate { per_second: 5_000, burst: 10_000 }, visitor: Rate { per_second: 50, burst: 1_000 } }
    }
}

impl Limits {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the first variable that is wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&environment)
    }

    /// Reads limits from any source of named values.
    ///
    /// # Errors
    /// Names the first variable that is wrong.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let one = |name: &'static str, default: u32| {
            let Some(text) = get(name) else { return Ok(default) };
            let why = "it is a whole number from 1 to 1000000";
            text.parse().ok().filter(|value| (1..=MOST).contains(value)).ok_or(ConfigError::Wrong { name, why })
        };
        let Self { key, visitor } = Self::default();
        Ok(Self {
            key: Rate {
                per_second: one("VITRINE_KEY_RATE", key.per_second)?,
                burst: one("VITRINE_KEY_BURST", key.burst)?,
            },
            visitor: Rate {
                per_second: one("VITRINE_VISITOR_RATE", visitor.per_second)?,
                burst: one("VITRINE_VISITOR_BURST", visitor.burst)?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_has_its_default_and_what_is_wrong_is_named() {
        let read = |name: &'static str, value: &'static str| {
            Limits::read(&move |asked| (asked == name).then(|| value.to_owned()))
        };
        let shipped = Limits::default();
        let visitor = Rate { burst: 7, ..shipped.visitor };
        assert_eq!(read("VITRINE_VISITOR_BURST", "7"), Ok(Limits { visitor, ..shipped }));
        for name in ["VITRINE_KEY_RATE", "VITRINE_KEY_BURST", "VITRINE_VISITOR_RATE", "VITRINE_VISITOR_BURST"] {
            for wrong in ["0", "-1", "many", "1000001"] {
                assert!(read(name, wrong).is_err_and(|error| error.to_string().contains(name)), "{name} {wrong}");
            }
        }
    }
}
