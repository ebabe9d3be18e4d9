//! What every function builds once, at cold start: typed configuration from the environment, clients, a clock,
//! telemetry. A missing or wrong setting fails here, with the variable's name.

mod clock;
mod config;
mod deadlines;
mod limits;
pub mod metrics;
pub mod seal;
mod secret;
mod task;
pub mod telemetry;

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

pub use clock::Clock;
pub use config::{Config, ConfigError, Place, VectorServer, environment};
pub use deadlines::Deadlines;
pub use limits::{Limits, Rate};
pub use task::task;
use vitrine_store::api_keys::KeyKind;
use vitrine_store::tombstones::TombstoneKey;
use vitrine_store::{Connection, Objects, Table};

/// Everything a function works with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// The table.
    pub table: Table,
    /// The object store.
    pub objects: Objects,
    /// The time.
    pub clock: Clock,
    /// The settings it was built from.
    pub config: Config,
    /// How long an answer waits for what it is made from.
    pub deadlines: Deadlines,
    /// How much one key and one visitor may ask.
    pub limits: Limits,
    /// What a program adds for the functions that it runs: [`with`](Self::with).
    added: Option<Arc<dyn Any + Send + Sync>>,
}

/// Why a function could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A store could not be opened, or the secret not be read.
    #[error(transparent)]
    Store(#[from] vitrine_store::Error),
}

impl Context {
    /// Reads the environment and connects.
    ///
    /// # Errors
    /// If a setting is missing or wrong, the secret cannot be read, or a folder cannot be created.
    pub async fn from_env() -> Result<Self, StartError> {
        Self::from_variables(&environment).await
    }

    /// As [`from_env`](Self::from_env), for functions that seal nothing: they neither need the secret nor can they have it.
    ///
    /// # Errors
    /// If a setting is missing or wrong, or a folder cannot be created.
    pub async fn from_env_without_secret() -> Result<Self, StartError> {
        let own = vitrine_store::api_keys::generate(KeyKind::Server)?;
        Self::from_variables(&|name| if name == config::SECRET { Some(own.clone()) } else { environment(name) }).await
    }

    /// Reads settings from any source of named values and connects.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub async fn from_variables(get: &(dyn Fn(&str) -> Option<String> + Sync)) -> Result<Self, StartError> {
        let deadlines = Deadlines::read(get)?;
        let limits = Limits::read(get)?;
        let secret = secret::of(get).await?;
        let vectors = secret::of_vectors(get).await?;
        let config = Config::read(&|name| match name {
            config::SECRET => secret.clone(),
            config::QDRANT_KEY => vectors.clone(),
            _ => get(name),
        })?;
        Ok(Self { deadlines, limits, ..Self::connect(config, Clock::system()).await? })
    }

    /// Connects with the given settings.
    ///
    /// # Errors
    /// If the object store cannot be opened.
    pub async fn connect(config: Config, clock: Clock) -> Result<Self, StartError> {
        let connection = Connection { table: config.table.clone(), endpoint: config.dynamodb_endpoint.clone() };
        let objects = match &config.objects {
            Place::Folder(path) => Objects::folder(path)?,
            Place::Bucket(name) => Objects::bucket(name, config.s3_endpoint.as_deref())?,
        };
        let (deadlines, limits) = (Deadlines::default(), Limits::default());
        let time = clock.clone();
        let table = Table::connect(&connection).await.keeping(config.retention, move || time.now());
        Ok(Self { table, objects, clock, config, deadlines, limits, added: None })
    }

    /// Hands something to the functions that they find by its type: the algorithms of a program that brings its own.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(self, added: T) -> Self {
        Self { added: Some(Arc::new(added)), ..self }
    }

    /// What was added, if it is of this type.
    #[must_use]
    pub fn added<T: Any>(&self) -> Option<&T> {
        self.added.as_deref()?.downcast_ref()
    }

    /// Makes the keyed hashes under which the erased are remembered.
    #[must_use]
    pub fn tombstone_key(&self) -> TombstoneKey {
        TombstoneKey::new(&self.config.secret)
    }

    /// A folder for files that may go at any time: downloaded artifacts.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.config.scratch.clone()
    }
}
