//! Reading the lake: every event once, whatever happens to its files meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vitrine_domain::{Product, Shop};
use vitrine_runtime::Context;
use vitrine_store::api_keys::hex;
use vitrine_store::lake::Kind;
use vitrine_store::objects::Entry;

use crate::{Error, Progress, Stage};
use vitrine_learn::log::{Log, Window};

/// Readings that files may be merged under before this is given up.
const ATTEMPTS: usize = 4;
/// Events between two words on how far it is.
const STEP: usize = 2_000;

/// What the lake looked like. Two equal marks are the same files, so nothing has come or gone between them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// How many files.
    pub(crate) files: usize,
    /// Their size together.
    pub(crate) bytes: u64,
    /// A hash of their names and sizes.
    pub(crate) digest: String,
}

impl Mark {
    fn of(entries: &[Entry]) -> Self {
        let mut hash = Sha256::new();
        for entry in entries {
            hash.update(format!("{} {}\n", entry.key, entry.size));
        }
        let bytes = entries.iter().map(|entry| entry.size).sum();
        let digest = hex(&hash.finalize()).chars().take(32).collect();
        Self { files: entries.len(), bytes, digest }
    }
}

/// What the lake looks like now.
pub(crate) async fn mark(context: &Context, shop: &Shop) -> Result<Mark, Error> {
    Ok(Mark::of(&context.objects.lake_files(shop, Kind::Events).await?))
}

/// Reads all events of a shop and says what the lake looked like before. What is in the mark was read; more may have
/// been.
pub(crate) async fn read(
    context: &Context,
    shop: &Shop,
    products: &Arc<[Product]>,
    limit: usize,
    progress: &Progress<'_>,
) -> Result<(Log, Mark), Error> {
    let window = Window::ending(context.clock.now(), context.config.retention);
    for _ in 0..ATTEMPTS {
        let before = context.objects.lake_files(shop, Kind::Events).await?;
        let mut log = Log::new(products.clone(), window);
        progress(Stage::Events, 0, 0);
        let each = &mut |event| {
            // What is too much is not held.
            if log.actions() <= limit {
                log.push(&event);
            }
            if log.seen().is_multiple_of(STEP) {
                progress(Stage::Events, log.seen() as u64, 0);
            }
        };
        context.objects.read_events(shop, each).await?;
        // A file that was listed and then merged into another was not read: its events would be missing.
        let after = context.objects.lake_files(shop, Kind::Events).await?;
        let after: BTreeSet<&str> = after.iter().map(|entry| entry.key.as_str()).collect();
        if before.iter().all(|entry| after.contains(entry.key.as_str())) {
            let found = log.actions();
            if found > limit {
                return Err(vitrine_learn::Error::Limit { what: "actions", found, limit }.into());
            }
            progress(Stage::Events, log.seen() as u64, log.seen() as u64);
            return Ok((log, Mark::of(&before)));
        }
        tracing::info!(%shop, "files of the lake were merged while they were read; reading again");
    }
    Err(Error::LakeMoved)
}
