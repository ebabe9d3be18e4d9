//! What is no longer needed: old versions, leftovers of trainings that were killed, old entries of the delta.

use std::collections::BTreeSet;

use vitrine_domain::Shop;
use vitrine_domain::time::DAY;
use vitrine_runtime::Context;

use crate::Error;
use crate::publish::{delete, models, published};

/// Newest versions that are kept, to go back to.
const KEEP: usize = 3;
/// How long a folder without a version may belong to a training under way.
const LEFTOVER: i64 = DAY;
/// How long entries stay in the delta after the live catalogue took them in, for readers that have not seen it yet.
const DELTA: i64 = DAY;

/// Tidies up after a training. Killed at any moment, the next one finishes.
pub(crate) async fn prune(context: &Context, shop: &Shop) -> Result<(), Error> {
    // Versions are read before folders: a folder whose version was published in between is too young to go.
    let live = context.table.live_model(shop).await?.map(|(live, _)| live);
    let mut versions = context.table.model_versions(shop).await?;
    versions.sort_by(|a, b| (b.published, &b.version).cmp(&(a.published, &a.version)));
    let mut known: BTreeSet<&str> = versions.iter().map(|version| version.version.as_str()).collect();
    for old in versions.iter().skip(KEEP) {
        if live.as_ref().is_some_and(|live| live.version == old.version) {
            continue;
        }
        // The files first: what is still listed is deleted again.
        delete(context, shop, &old.version).await?;
        context.table.forget_model(shop, &old.version).await?;
    }
    known.extend(live.as_ref().map(|live| live.version.as_str()));
    let now = context.clock.now();
    for folder in context.objects.folders(&models(shop)).await? {
        let old = published(&folder).is_some_and(|at| now.since(at) > LEFTOVER);
        if old && !known.contains(folder.as_str()) {
            delete(context, shop, &folder).await?;
        }
    }
    if let Some(live) = live {
        context.table.forget_changes_before(shop, live.delta_from.plus(-DELTA)).await?;
    }
    Ok(())
}
