//! Reading the lake: every event once, whatever happens to its files meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;

use vitrine_domain::{Product, Shop};
use vitrine_runtime::Context;
use vitrine_store::lake::{Kind, Mark};
use vitrine_store::objects::Entry;

use crate::{Error, Progress, Stage};
use vitrine_learn::log::{Log, Window};

/// Readings that files may be merged under before this is given up.
pub(crate) const ATTEMPTS: usize = 4;
/// Events between two words on how far it is.
const STEP: usize = 2_000;

/// Whether all files that were listed before a reading are there after it. One that was listed and then merged into another was
/// not read: its events would be missing.
pub(crate) async fn still_has(context: &Context, shop: &Shop, before: &[Entry]) -> Result<bool, Error> {
    let after = context.objects.lake_files(shop, Kind::Events).await?;
    let after: BTreeSet<&str> = after.iter().map(|entry| entry.key.as_str()).collect();
    Ok(before.iter().all(|entry| after.contains(entry.key.as_str())))
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
        if still_has(context, shop, &before).await? {
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
