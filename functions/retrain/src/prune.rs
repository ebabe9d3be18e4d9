//! What is no longer needed: old versions, and those that remember somebody who was erased before the live one was trained;
//! leftovers of trainings that were killed; old entries of the delta.

use std::collections::BTreeSet;

use vitrine_domain::Shop;
use vitrine_domain::time::DAY;
use vitrine_runtime::Context;
use vitrine_runtime::telemetry::causes;
use vitrine_store::models::Live;

use crate::Error;
use crate::card::erasures;
use crate::publish::{delete, models, published};
use crate::server::Server;

/// How long a folder without a version may belong to a training under way.
const LEFTOVER: i64 = DAY;
/// How long entries stay in the delta after the oldest catalogue that is kept took them in, for readers that have not
/// seen it yet.
const DELTA: i64 = DAY;

/// Tidies up after a training: of the versions, the newest `keep` stay and the live one. Killed at any moment, the next
/// one finishes. `server` says whether the vector server, if there is one, is to be tidied too.
pub(crate) async fn prune(context: &Context, shop: &Shop, keep: usize, server: bool) -> Result<(), Error> {
    let server = if server { Server::of(context)? } else { None };
    // Versions are read before folders: a folder whose version was published in between is too young to go.
    let Some((live, flips)) = context.table.live_model(shop).await? else {
        sweep(context, shop, &BTreeSet::new()).await?;
        return tidy_server(context, server, shop, None, &BTreeSet::new(), &BTreeSet::new()).await;
    };
    let mut versions = context.table.model_versions(shop).await?;
    versions.sort_by(|a, b| (b.published, &b.version).cmp(&(a.published, &a.version)));
    let clean = erasures(context, shop, &live.version).await?.unwrap_or_default();
    let (mut kept, mut gone): (Vec<&Live>, BTreeSet<&str>) = (vec![&live], BTreeSet::new());
    for (place, version) in versions.iter().enumerate() {
        let is_live = version.version == live.version;
        let remembers = !is_live && erasures(context, shop, &version.version).await?.unwrap_or_default() < clean;
        if is_live || place < keep && !remembers {
            kept.push(version);
            continue;
        }
        // The name goes first, and only while nobody can have gone back to it. Its files are swept up if this ends here.
        match context.table.forget_model(shop, &version.version, flips).await {
            Ok(()) => {
                delete(context, shop, &version.version).await?;
                gone.insert(version.version.as_str());
            }
            // Whoever flipped the pointer may need what is here; the next training tidies up.
            Err(vitrine_store::Error::Conflict { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    let known: BTreeSet<&str> = kept.iter().map(|version| version.version.as_str()).collect();
    sweep(context, shop, &known).await?;
    // Whoever goes back to a version needs every change since its catalogue.
    let needed = kept.iter().map(|version| version.delta_from).min().unwrap_or(live.delta_from);
    context.table.forget_changes_before(shop, needed.plus(-DELTA)).await?;
    tidy_server(context, server, shop, Some(&live), &known, &gone).await
}

/// Takes a version's vectors from the server, if there is one. What stays goes with other leftovers.
pub(crate) async fn forget_on_server(context: &Context, shop: &Shop, version: &str) {
    let forgotten = match Server::of(context) {
        Ok(Some(server)) => server.forget(shop, version).await,
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = forgotten {
        tracing::warn!(%shop, version, cause = causes(&error), "vectors that are not used stay for now");
    }
}

/// Makes the vector server hold what it should, if there is one. It comes last: what it fails at keeps nothing else.
async fn tidy_server(
    context: &Context,
    server: Option<Server<'_>>,
    shop: &Shop,
    live: Option<&Live>,
    known: &BTreeSet<&str>,
    gone: &BTreeSet<&str>,
) -> Result<(), Error> {
    let now = context.clock.now();
    // One that is not known may be of a training under way.
    let is_left = |version: &str| {
        gone.contains(version)
            || !known.contains(version) && published(version).is_none_or(|at| now.since(at) > LEFTOVER)
    };
    match server {
        Some(server) => Box::pin(server.tidy(shop, live, known, &is_left)).await,
        None => Ok(()),
    }
}

/// Deletes what trainings that were killed left behind, where there is nothing to train.
pub(crate) async fn leftovers(context: &Context, shop: &Shop) -> Result<(), Error> {
    let versions = context.table.model_versions(shop).await?;
    let live = context.table.live_model(shop).await?.map(|(live, _)| live.version);
    let known = versions.iter().map(|version| version.version.as_str()).chain(live.as_deref()).collect();
    sweep(context, shop, &known).await
}

/// Deletes the folders of versions that nobody knows.
async fn sweep(context: &Context, shop: &Shop, known: &BTreeSet<&str>) -> Result<(), Error> {
    let now = context.clock.now();
    for folder in context.objects.folders(&models(shop)).await? {
        let old = published(&folder).is_some_and(|at| now.since(at) > LEFTOVER);
        if old && !known.contains(folder.as_str()) {
            delete(context, shop, &folder).await?;
        }
    }
    Ok(())
}
