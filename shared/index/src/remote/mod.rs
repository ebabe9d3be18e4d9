//! A Qdrant server as index: when the catalogue outgrows a function's memory, or many writers share it.
//!
//! Each version of the model is a collection; readers ask an alias, and [`Remote::switch`] moves the alias in one step, so
//! that no reader sees half of a version. Every call has a deadline and is repeated with growing pauses while the server is
//! unavailable; all calls may be repeated, because points and collections are named by the caller.
//!
//! A graph with a filter misses neighbours when the filter has nothing to do with the query (recall .82 at a tenth of
//! 100,000 rows, measured on a stock server). So a search first counts what its filter allows, or is told, and asks for an
//! exact scan of that where it is little.

mod call;
mod payload;
mod search;
mod state;
mod write;

use std::time::Duration;

use qdrant_client::Qdrant;

pub(crate) use call::is_missing;
pub use state::State;

use crate::Error;

/// Where the server is, and how patiently it is asked.
#[derive(Clone, PartialEq)]
pub struct RemoteSettings {
    /// Address of the gRPC port, `http://host:6334`.
    pub url: String,
    /// Key that the server asks for.
    pub api_key: Option<String>,
    /// Deadline of one try.
    pub timeout: Duration,
    /// Deadline of one try of a write, which waits until it is applied.
    pub write_timeout: Duration,
    /// Tries in all, at least one.
    pub tries: u32,
    /// Pause before the second try; it doubles with each one after.
    pub pause: Duration,
    /// Points in one write.
    pub batch: usize,
    /// Up to so many allowed points a search asks for an exact scan.
    pub exact_matches: usize,
    /// Points looked at in a search of the graph; the server decides without.
    pub search_width: Option<u64>,
}

impl std::fmt::Debug for RemoteSettings {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteSettings").field("url", &self.url).field("tries", &self.tries).finish_non_exhaustive()
    }
}

impl RemoteSettings {
    /// The usual settings for a server at an address.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            api_key: None,
            timeout: Duration::from_secs(2),
            write_timeout: Duration::from_secs(60),
            tries: 4,
            pause: Duration::from_millis(50),
            batch: 256,
            exact_matches: 100_000,
            search_width: Some(128),
        }
    }
}

/// A client of one server; cheap to clone, it connects with the first call.
#[derive(Clone)]
pub struct Remote {
    client: Qdrant,
    settings: RemoteSettings,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Remote").field(&self.settings).finish()
    }
}

impl Remote {
    /// Makes the client; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Remote`] if the address is none.
    pub fn new(settings: RemoteSettings) -> Result<Self, Error> {
        // The check of versions would open a second connection from a thread of its own and wait for it.
        let client = Qdrant::from_url(&settings.url)
            .api_key(settings.api_key.clone())
            .timeout(settings.write_timeout.max(settings.timeout))
            .connect_timeout(settings.timeout)
            .skip_compatibility_check()
            .build()
            .map_err(|source| Error::Remote { call: "connect", source: Box::new(source) })?;
        Ok(Self { client, settings })
    }
}
