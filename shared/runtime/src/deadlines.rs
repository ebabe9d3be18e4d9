//! How long an answer waits for what it is made from, before it is given without it.

use std::time::Duration;

use crate::ConfigError;
use crate::config::environment;

/// Longest deadline: what a gateway waits for a function.
const MOST: u64 = 29_000;

/// How long an answer waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// `VITRINE_DEADLINE_VISITOR_MS`: for what is known of the visitor. 250 unless set.
    pub visitor: Duration,
    /// `VITRINE_DEADLINE_CATALOGUE_MS`: for what changed in the catalogue and in the settings. 400 unless set.
    pub catalogue: Duration,
    /// `VITRINE_DEADLINE_LOG_MS`: for a decision to be written. 300 unless set.
    pub log: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let millis = Duration::from_millis;
        Self { visitor: millis(250), catalogue: millis(400), log: millis(300) }
    }
}

impl Deadlines {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the first variable that is wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&environment)
    }

    /// Reads deadlines from any source of named values.
    ///
    /// # Errors
    /// Names the first variable that is wrong.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let one = |name: &'static str, default: Duration| {
            let Some(text) = get(name) else { return Ok(default) };
            let millis = text.parse().ok().filter(|millis| (1..=MOST).contains(millis));
            let why = "it is a number of milliseconds from 1 to 29000";
            millis.map(Duration::from_millis).ok_or(ConfigError::Wrong { name, why })
        };
        let default = Self::default();
        Ok(Self {
            visitor: one("VITRINE_DEADLINE_VISITOR_MS", default.visitor)?,
            catalogue: one("VITRINE_DEADLINE_CATALOGUE_MS", default.catalogue)?,
            log: one("VITRINE_DEADLINE_LOG_MS", default.log)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_has_its_default_and_what_is_wrong_is_named() {
        let read = |value: &'static str| {
            Deadlines::read(&|name| (name == "VITRINE_DEADLINE_LOG_MS").then(|| value.to_owned()))
        };
        assert_eq!(read("50"), Ok(Deadlines { log: Duration::from_millis(50), ..Deadlines::default() }));
        for wrong in ["0", "soon", "-1", "29001"] {
            assert!(read(wrong).is_err_and(|error| error.to_string().contains("VITRINE_DEADLINE_LOG_MS")), "{wrong}");
        }
    }
}
