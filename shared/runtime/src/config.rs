//! Settings from the environment, each with its name, meaning and default in one place.

use std::path::PathBuf;

use vitrine_domain::Shop;
use vitrine_domain::time::DAY;

/// Where objects are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder on this machine.
    Folder(PathBuf),
    /// A bucket.
    Bucket(String),
}

/// A Qdrant server that carries the vectors, in place of the index in the function.
#[derive(Clone, PartialEq, Eq)]
pub struct VectorServer {
    /// `QDRANT_URL`: address of its gRPC port, `https://vectors.example:6334`.
    pub url: String,
    /// `QDRANT_API_KEY`, or the SecureString that `QDRANT_KEY_PARAMETER` names: the key that it asks for, if it asks for one.
    pub api_key: Option<String>,
    /// `QDRANT_PREFIX`: how the names of this stack's collections begin, for servers that several stacks share. `vitrine`
    /// unless set.
    pub prefix: String,
    /// `QDRANT_VISITORS`: most visitors of a shop whose vectors are on the server too, those with the newest actions. 20,000
    /// unless set; 0 for none.
    pub visitors: usize,
}

/// The end of the names of collections of visitors; no name of a shop or version has its first letter.
const VISITORS: &str = "_visitors";

impl VectorServer {
    /// Reads the environment; none where vectors are searched in the function.
    ///
    /// # Errors
    /// Names the first variable that is missing or wrong.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        vectors(&environment)
    }

    /// The alias that names the live version's products.
    #[must_use]
    pub fn alias(&self, shop: &Shop) -> String {
        format!("{}-{shop}", self.prefix)
    }

    /// The collection with the products of a version.
    #[must_use]
    pub fn collection(&self, shop: &Shop, version: &str) -> String {
        format!("{}-{shop}-{version}", self.prefix)
    }

    /// The collection with the visitors of a version.
    #[must_use]
    pub fn visitors_of(&self, shop: &Shop, version: &str) -> String {
        format!("{}{VISITORS}", self.collection(shop, version))
    }

    /// The alias that names the live version's visitors.
    #[must_use]
    pub fn visitors_alias(&self, shop: &Shop) -> String {
        format!("{}{VISITORS}", self.alias(shop))
    }

    /// The version that a collection belongs to, and whether it holds visitors, if it is one of a shop. No other shop's collection looks like
    /// it: a version has a capital letter, and the name of a shop has none.
    #[must_use]
    pub fn version<'a>(&self, shop: &Shop, collection: &'a str) -> Option<(&'a str, bool)> {
        let rest = collection.strip_prefix(&self.alias(shop))?.strip_prefix('-')?;
        let (version, visitors) = rest.strip_suffix(VISITORS).map_or((rest, false), |version| (version, true));
        let other = version.split_once('T').is_none_or(|(day, _)| !day.bytes().all(|byte| byte.is_ascii_digit()));
        if other { None } else { Some((version, visitors)) }
    }
}

impl std::fmt::Debug for VectorServer {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VectorServer").field("url", &self.url).field("prefix", &self.prefix).finish_non_exhaustive()
    }
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
    /// `VITRINE_BACKUP_DAYS`: how long backups of the table and old versions of objects are kept, in milliseconds. 35 days
    /// unless set, the longest that the table's own backups can be kept; 0 for none.
    pub backups: i64,
    /// `VITRINE_SCRATCH`: folder for downloaded artifacts. The system's own unless set.
    pub scratch: PathBuf,
    /// `VITRINE_TEXT_WEIGHTS`: file with the weights of the text embedding. Without it products' texts are compared by their
    /// words and letters.
    pub text_weights: Option<PathBuf>,
    /// `VECTOR_BACKEND`: `embedded` searches vectors in the function and is the default; `qdrant` asks this server.
    pub vectors: Option<VectorServer>,
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

/// Says where vectors are searched.
pub(crate) const BACKEND: &str = "VECTOR_BACKEND";
/// The value of it that asks a server.
pub(crate) const QDRANT: &str = "qdrant";
/// Names the key of the vector server itself.
pub(crate) const QDRANT_KEY: &str = "QDRANT_API_KEY";

/// Default of `VITRINE_BACKUP_DAYS`.
const BACKUP_DAYS: i64 = 35;
/// Default of `VITRINE_RETENTION_DAYS`: 25 months.
pub(crate) const RETENTION_DAYS: i64 = 760;

/// A variable of the environment; an empty one is none.
#[allow(clippy::disallowed_methods, reason = "the one place where the environment is read")]
#[must_use]
pub fn environment(name: &str) -> Option<String> {
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
        let backups = match get("VITRINE_BACKUP_DAYS") {
            None => BACKUP_DAYS,
            Some(text) => text.parse().ok().filter(|days| (0..=3650).contains(days)).ok_or(ConfigError::Wrong {
                name: "VITRINE_BACKUP_DAYS",
                why: "it is a number of days from 0 to 3650",
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
            backups: backups * DAY,
            scratch: get("VITRINE_SCRATCH").map_or_else(std::env::temp_dir, PathBuf::from),
            text_weights: get("VITRINE_TEXT_WEIGHTS").map(PathBuf::from),
            vectors: vectors(get)?,
        })
    }
}

/// The server of the vectors, if it is a server that carries them.
fn vectors(get: &dyn Fn(&str) -> Option<String>) -> Result<Option<VectorServer>, ConfigError> {
    match get(BACKEND).as_deref() {
        None | Some("embedded") => return Ok(None),
        Some(QDRANT) => {}
        Some(_) => return Err(ConfigError::Wrong { name: BACKEND, why: "it is `embedded` or `qdrant`" }),
    }
    let meaning = "the address of the Qdrant server's gRPC port, http://host:6334 or https://host:6334";
    let url = get("QDRANT_URL").ok_or(ConfigError::Missing { name: "QDRANT_URL", meaning })?;
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(ConfigError::Wrong { name: "QDRANT_URL", why: "it begins with http:// or https://" });
    }
    let prefix = get("QDRANT_PREFIX").unwrap_or_else(|| "vitrine".to_owned());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if prefix.len() > 64 || !prefix.bytes().all(plain) {
        return Err(ConfigError::Wrong { name: "QDRANT_PREFIX", why: "it has at most 64 of a-z, A-Z, 0-9, - and _" });
    }
    let visitors = match get("QDRANT_VISITORS") {
        None => 20_000,
        Some(text) => text.parse().ok().filter(|most| *most <= 1_000_000).ok_or(ConfigError::Wrong {
            name: "QDRANT_VISITORS",
            why: "it is a number of visitors from 0 to 1000000",
        })?,
    };
    Ok(Some(VectorServer { url, api_key: get(QDRANT_KEY), prefix, visitors }))
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
    fn a_vector_server_needs_an_address_and_its_key_is_not_printed() {
        let with = |more: &[(&str, &str)]| {
            let base = [("VITRINE_FOLDER", "f"), KEY, ("VITRINE_TABLE", "t")];
            read(&[&base, more].concat()).map(|config| config.vectors)
        };
        assert_eq!(with(&[("QDRANT_URL", "http://here:6334")]), Ok(None), "embedded unless said otherwise");
        assert_eq!(with(&[(BACKEND, "embedded")]), Ok(None));
        let qdrant = (BACKEND, QDRANT);
        let wrong = [
            (with(&[(BACKEND, "faiss")]), BACKEND),
            (with(&[qdrant]), "QDRANT_URL"),
            (with(&[qdrant, ("QDRANT_URL", "here:6334")]), "QDRANT_URL"),
            (with(&[qdrant, ("QDRANT_URL", "http://here:6334"), ("QDRANT_PREFIX", "a/b")]), "QDRANT_PREFIX"),
            (with(&[qdrant, ("QDRANT_URL", "http://here:6334"), ("QDRANT_VISITORS", "all")]), "QDRANT_VISITORS"),
        ];
        for (result, name) in wrong {
            assert!(result.is_err_and(|error| error.to_string().contains(name)), "{name}");
        }
        let all = [qdrant, ("QDRANT_URL", "https://here:6334"), (QDRANT_KEY, "open sesame")];
        let server = with(&all).unwrap().unwrap();
        assert_eq!(server.api_key.as_deref(), Some("open sesame"));
        assert!(!format!("{server:?}").contains("sesame"), "{server:?}");
    }

    #[test]
    fn no_collection_of_a_shop_looks_like_one_of_another() {
        let server = VectorServer { url: String::new(), api_key: None, prefix: "vitrine".to_owned(), visitors: 0 };
        let shop = |name| Shop::new(name).unwrap();
        let (a, ab) = (shop("a"), shop("a-2026"));
        let version = "20261122T144007-ba7816bf";
        assert_eq!(server.collection(&ab, version), "vitrine-a-2026-20261122T144007-ba7816bf");
        for (shop, other) in [(&a, &ab), (&ab, &a)] {
            let collection = server.collection(shop, version);
            assert_eq!(server.version(shop, &collection), Some((version, false)));
            assert_eq!(server.version(other, &collection), None);
            let visitors = server.visitors_of(shop, version);
            assert_eq!(server.version(shop, &visitors), Some((version, true)));
            assert_eq!(server.version(other, &visitors), None);
        }
        assert_eq!(server.version(&a, "vitrine-a"), None);
        assert_eq!(server.version(&a, "vitrine-another-thing"), None);
    }

    #[test]
    fn the_secret_is_not_printed() {
        let config = read(&[("VITRINE_FOLDER", "f"), KEY, ("VITRINE_TABLE", "t")]).unwrap();
        assert!(!format!("{config:?}").contains(KEY.1));
    }
}
