//! Settings from the environment, each with its name, meaning and default in one place.

use std::path::PathBuf;

use vitrine_domain::time::DAY;

/// Where objects are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder on this machine.
    Folder(PathBuf),
    /// A bucket.
    Bucket(String),
}

/// The settings of a function.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// `VITRINE_TABLE`: name of the table.
    pub table: String,
    /// `VITRINE_BUCKET`, or `VITRINE_FOLDER` on one machine: where artifacts and the event lake are.
    pub objects: Place,
    /// `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL`: address of the table, if it is not AWS itself.
    pub dynamodb_endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`: address of the bucket, if it is not AWS itself.
    pub s3_endpoint: Option<String>,
    /// `VITRINE_SECRET`, or the SecureString that `VITRINE_SECRET_PARAMETER` names: at least 32 characters; seals decision
    /// ids and cursors.
    pub secret: String,
    /// `VITRINE_RETENTION_DAYS`: how long events are kept and how old a client's timestamp may be. 760 unless set.
    pub retention: i64,
    /// `VITRINE_SCRATCH`: folder for downloaded artifacts. The system's own unless set.
    pub scratch: PathBuf,
    /// `VITRINE_TEXT_WEIGHTS`: file with the weights of the text embedding. Without it products' texts are compared by their
    /// words and letters.
    pub text_weights: Option<PathBuf>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").field("table", &self.table).field("objects", &self.objects).finish_non_exhaustive()
    }
}

/// A setting that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not set and has no default.
    #[error("{name} is not set: {meaning}")]
    Missing {
        /// Name of the variable.
        name: &'static str,
        /// What it is for.
        meaning: &'static str,
    },
    /// It is set to something it cannot be.
    #[error("{name} is wrong: {why}")]
    Wrong {
        /// Name of the variable.
        name: &'static str,
        /// What it has to be.
        why: &'static str,
    },
}

/// Names the secret itself.
pub(crate) const SECRET: &str = "VITRINE_SECRET";
/// Fewest characters of a secret.
pub(crate) const LEAST: usize = 32;

/// Default of `VITRINE_RETENTION_DAYS`: 25 months.
pub(crate) const RETENTION_DAYS: i64 = 760;

/// A variable of the environment; an empty one is none.
#[allow(clippy::disallowed_methods, reason = "the one place where the environment is read")]
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the first variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&environment)
    }

    /// Reads settings from any source of named values.
    ///
    /// # Errors
    /// Names the first variable that is missing or wrong.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let missing = |name, meaning| ConfigError::Missing { name, meaning };
        let objects = match (get("VITRINE_FOLDER"), get("VITRINE_BUCKET")) {
            (Some(folder), _) => Place::Folder(folder.into()),
            (None, Some(bucket)) => Place::Bucket(bucket),
            (None, None) => return Err(missing("VITRINE_BUCKET", "where artifacts and the event lake are kept")),
        };
        let secret = get(SECRET).ok_or(missing(SECRET, "seals decision ids and cursors"))?;
        if secret.len() < LEAST {
            return Err(ConfigError::Wrong { name: SECRET, why: "it needs at least 32 characters" });
        }
        let days = match get("VITRINE_RETENTION_DAYS") {
            None => RETENTION_DAYS,
            Some(text) => text.parse().ok().filter(|days| (1..=3650).contains(days)).ok_or(ConfigError::Wrong {
                name: "VITRINE_RETENTION_DAYS",
                why: "it is a number of days from 1 to 3650",
            })?,
        };
        let endpoint = |service: &str| get(service).or_else(|| get("AWS_ENDPOINT_URL"));
        Ok(Self {
            table: get("VITRINE_TABLE").ok_or(missing("VITRINE_TABLE", "the name of the table"))?,
            objects,
            dynamodb_endpoint: endpoint("AWS_ENDPOINT_URL_DYNAMODB"),
            s3_endpoint: endpoint("AWS_ENDPOINT_URL_S3"),
            secret,
            retention: days * DAY,
            scratch: get("VITRINE_SCRATCH").map_or_else(std::env::temp_dir, PathBuf::from),
            text_weights: get("VITRINE_TEXT_WEIGHTS").map(PathBuf::from),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(&|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    const KEY: (&str, &str) = (SECRET, "0123456789abcdef0123456789abcdef");

    #[test]
    fn a_wrong_setting_is_named() {
        let name = |result: Result<Config, ConfigError>| match result {
            Err(ConfigError::Missing { name, .. } | ConfigError::Wrong { name, .. }) => name,
            Ok(_) => "none",
        };
        assert_eq!(name(read(&[])), "VITRINE_BUCKET");
        let bucket = ("VITRINE_BUCKET", "b");
        assert_eq!(name(read(&[bucket])), "VITRINE_SECRET");
        assert_eq!(name(read(&[bucket, ("VITRINE_SECRET", "short")])), "VITRINE_SECRET");
        assert_eq!(name(read(&[bucket, KEY])), "VITRINE_TABLE");
        let table = ("VITRINE_TABLE", "t");
        assert_eq!(name(read(&[bucket, KEY, table, ("VITRINE_RETENTION_DAYS", "x")])), "VITRINE_RETENTION_DAYS");
        assert_eq!(name(read(&[bucket, KEY, table])), "none");
    }

    #[test]
    fn the_secret_is_not_printed() {
        let config = read(&[("VITRINE_FOLDER", "f"), KEY, ("VITRINE_TABLE", "t")]).unwrap();
        assert!(!format!("{config:?}").contains(KEY.1));
    }
}
