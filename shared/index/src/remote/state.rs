//! What there is on a server, and how far it is.

use std::time::{Duration, Instant};

use qdrant_client::qdrant as wire;
use wire::vectors_config::Config;

use super::Remote;
use super::call::is_missing;
use crate::Error;

/// Pause between two looks at whether a collection is indexed.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How a collection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Dimensions of its vectors; none if it has vectors of another kind.
    pub dims: Option<usize>,
    /// Whether the server has nothing left to index.
    pub indexed: bool,
}

impl Remote {
    /// How a collection stands; none if there is none of this name.
    ///
    /// # Errors
    /// [`Error::Remote`] and [`Error::RemoteTimeout`], as of every call.
    pub async fn state(&self, collection: &str) -> Result<Option<State>, Error> {
        let timeout = self.settings.timeout;
        let answer = match self.call("read a collection", timeout, || self.client.collection_info(collection)).await {
            Err(error) if is_missing(&error) => return Ok(None),
            other => other?,
        };
        let Some(info) = answer.result else { return Ok(None) };
        let vectors = info.config.and_then(|config| config.params?.vectors_config?.config);
        let dims = match vectors {
            Some(Config::Params(params)) if params.distance == wire::Distance::Dot as i32 => {
                usize::try_from(params.size).ok()
            }
            _ => None,
        };
        Ok(Some(State { dims, indexed: info.status == wire::CollectionStatus::Green as i32 }))
    }

    /// Waits until a collection is indexed, but not longer than `most`. It has to be so twice in a row: right after a write a
    /// server may not know yet that there is something to index.
    ///
    /// # Errors
    /// [`Error::NotIndexed`] if it is not by then, or there is no such collection; as [`state`](Self::state).
    pub async fn wait_until_indexed(&self, collection: &str, most: Duration) -> Result<(), Error> {
        let (began, mut before) = (Instant::now(), false);
        loop {
            let indexed = self.state(collection).await?.is_some_and(|state| state.indexed);
            if indexed && before {
                return Ok(());
            }
            before = indexed;
            if began.elapsed() >= most {
                return Err(Error::NotIndexed { collection: collection.to_owned(), after: most });
            }
            tokio::time::sleep(LOOK_AGAIN.min(most)).await;
        }
    }

    /// The names of all collections.
    ///
    /// # Errors
    /// As [`state`](Self::state).
    pub async fn collections(&self) -> Result<Vec<String>, Error> {
        let timeout = self.settings.timeout;
        let answer = self.call("list collections", timeout, || self.client.list_collections()).await?;
        Ok(answer.collections.into_iter().map(|collection| collection.name).collect())
    }
}
