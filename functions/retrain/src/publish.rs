//! The files of a version, and the flip of the pointer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vitrine_domain::{Millis, Shop};
use vitrine_learn::{Artifact, Lineup};
use vitrine_runtime::Context;
use vitrine_runtime::telemetry::causes;
use vitrine_store::api_keys::hex;
use vitrine_store::models::Live;

use crate::Error;
use crate::card::{self, Published};
use crate::prune::forget_on_server;
use crate::server::Server;
use crate::start::Start;
use crate::training::Trained;
use vitrine_store::lake::Mark;

/// Name of a version: when it was published, in UTC, and the first digits of the artifact's SHA-256.
pub(crate) fn version(now: Millis, artifact: &[u8]) -> String {
    let time: String = now.to_rfc3339().chars().take(19).filter(|c| *c != '-' && *c != ':').collect();
    format!("{time}-{}", digest(artifact))
}

fn digest(artifact: &[u8]) -> String {
    hex(&Sha256::digest(artifact)).chars().take(8).collect()
}

/// When a version was published, read from its name.
pub(crate) fn published(version: &str) -> Option<Millis> {
    let (time, digest) = version.split_once('-')?;
    let plain = time.len() == 15 && time.is_ascii() && digest.len() == 8;
    let (day, hour) = time.split_once('T').filter(|_| plain)?;
    let part = |text: &str, from: usize| text.get(from..from + 2).map(str::to_owned);
    let day = format!("{}-{}-{}", day.get(..4)?, part(day, 4)?, part(day, 6)?);
    Millis::parse(&format!("{day}T{}:{}:{}Z", part(hour, 0)?, part(hour, 2)?, part(hour, 4)?))
}

/// Folder of all versions of a shop.
pub(crate) fn models(shop: &Shop) -> String {
    format!("shops/{shop}/models")
}

/// Where a file of a version is.
pub(crate) fn file(shop: &Shop, version: &str, name: &str) -> String {
    format!("{}/{version}/{name}", models(shop))
}

/// The artifact.
const ARTIFACT: &str = "artifact.bin";
/// The catalogue it was built from.
const CATALOGUE: &str = "catalogue.ndjson.zst";
/// What this version has seen of lake and delta.
const SEEN: &str = "seen.json";

/// Up to where a version knows the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The lake.
    pub(crate) lake: Mark,
    /// Key of the last change of the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_change: Option<String>,
    /// Keys of the shop's own vectors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) vectors: Vec<String>,
}

/// What the live version has seen; none if that cannot be told.
pub(crate) async fn seen(context: &Context, shop: &Shop, version: &str) -> Result<Option<Seen>, Error> {
    let bytes = context.objects.get(&file(shop, version, SEEN)).await?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Notes what a version has seen.
pub(crate) async fn note_seen(context: &Context, shop: &Shop, version: &str, seen: &Seen) -> Result<(), Error> {
    let bytes = serde_json::to_vec(seen).map_err(|error| Error::Pack { what: "the mark", source: error.into() })?;
    Ok(context.objects.put(&file(shop, version, SEEN), bytes).await?)
}

/// Whether a model is byte for byte the one of a version.
pub(crate) async fn is_version(context: &Context, version: &Live, artifact: &[u8]) -> Result<bool, Error> {
    if !version.version.ends_with(&digest(artifact)) {
        return Ok(false);
    }
    Ok(context.objects.get(&version.artifact).await?.is_some_and(|bytes| bytes == artifact))
}

/// The version that a model is byte for byte, if the shop went back from that one to the live one. `kept` are the versions
/// that were kept when the live one was read: what came since was not taken back.
pub(crate) async fn taken_back(
    context: &Context,
    kept: &[Live],
    live: &Live,
    artifact: &[u8],
) -> Result<Option<String>, Error> {
    // Only by going back is an older version live.
    for newer in kept.iter().filter(|kept| kept.published > live.published) {
        if is_version(context, newer, artifact).await? {
            return Ok(Some(newer.version.clone()));
        }
    }
    Ok(None)
}

/// What is to be published, and over what.
pub(crate) struct Candidate<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) trained: Trained,
    pub(crate) seen: Seen,
    /// The live model as it was read at the start, and how often the pointer had been flipped.
    pub(crate) live: Option<&'a Live>,
    pub(crate) flips: u64,
    /// When the training began.
    pub(crate) started: Millis,
    /// Changes from here on may be missing in the catalogue.
    pub(crate) watermark: Millis,
    /// Where the training started from.
    pub(crate) start: Start,
    /// How often something had been erased before the events were read.
    pub(crate) erasures: u64,
}

/// What came of it.
pub(crate) enum Verdict {
    /// It is live.
    Live(Box<Published>),
    /// Another training was faster; nothing of this one is left.
    Superseded,
}

/// Writes the files, and the vectors where a server carries them, and flips the pointer. What it names comes first, so whoever
/// sees the pointer finds it.
///
/// A server that is away keeps no version from its shop: every artifact has an index of its own, which answers until a later
/// training finds the server again. One that holds something else than was written does.
pub(crate) async fn publish(context: &Context, candidate: Candidate<'_>) -> Result<Verdict, Error> {
    let Candidate { shop, trained, seen, live, flips, started, watermark, start, erasures } = candidate;
    let now = context.clock.now();
    let version = version(now, &trained.artifact);
    let mut told = Published {
        version: version.clone(),
        published: now.to_rfc3339(),
        replaces: live.map(|live| live.version.clone()),
        seconds: now.since(started) as f64 / 1000.0,
        read: trained.read,
        fingerprint: format!("{:016x}", trained.fingerprint),
        gate: Some(trained.gate),
        start: Some(start),
        erasures: Some(erasures),
        uncarried: None,
        model: trained.card,
    };
    let pointer = Live {
        version: version.clone(),
        artifact: file(shop, &version, ARTIFACT),
        catalogue: file(shop, &version, CATALOGUE),
        delta_from: watermark,
        published: now,
    };
    // What the server will carry is opened before the bytes are given away.
    let artifact = match &context.config.vectors {
        Some(_) => {
            let lineup = context.added::<Lineup>().cloned().unwrap_or_default();
            Some(Arc::new(Artifact::from_bytes(trained.artifact.clone(), &lineup).map_err(Error::Unsound)?))
        }
        None => None,
    };
    context.objects.put(&pointer.artifact, trained.artifact).await?;
    context.objects.put(&pointer.catalogue, trained.catalogue).await?;
    note_seen(context, shop, &version, &seen).await?;
    if let (Some(server), Some(artifact)) = (Server::of(context)?, artifact) {
        match server.carry(shop, &version, artifact, trained.queries, trained.visitors).await {
            Ok(()) => {}
            Err(Error::Server(error)) => {
                let cause = causes(&error);
                tracing::warn!(%shop, version, cause, "published without the vector server: functions search it themselves");
                told.uncarried = Some(cause);
            }
            Err(error) => {
                delete_unless_kept(context, shop, &version).await?;
                return Err(error);
            }
        }
    }
    card::put(context, shop, &version, &told).await?;
    match context.table.publish_model(shop, &pointer, flips).await {
        Ok(()) => Ok(Verdict::Live(Box::new(told))),
        Err(error) => settle(context, shop, &pointer, error).await.map(|won| match won {
            true => Verdict::Live(Box::new(told)),
            false => Verdict::Superseded,
        }),
    }
}

/// After a failed flip: whether ours went through all the same, as an answer that got lost would have said. If another
/// training was faster, our files go.
async fn settle(context: &Context, shop: &Shop, ours: &Live, error: vitrine_store::Error) -> Result<bool, Error> {
    let live = context.table.live_model(shop).await?;
    if live.is_some_and(|(live, _)| live == *ours) {
        return Ok(true);
    }
    if !matches!(error, vitrine_store::Error::Conflict { .. }) {
        // It may still go through: the files stay, and are swept up with other leftovers if nothing names them.
        return Err(error.into());
    }
    delete_unless_kept(context, shop, &ours.version).await?;
    Ok(false)
}

/// Deletes the files of a version that was not published, and its vectors. Equal bytes trained in the same second have the
/// same name, and then they are not only ours.
async fn delete_unless_kept(context: &Context, shop: &Shop, version: &str) -> Result<(), Error> {
    let versions = context.table.model_versions(shop).await?;
    if versions.iter().any(|kept| kept.version == version) {
        return Ok(());
    }
    delete(context, shop, version).await?;
    forget_on_server(context, shop, version).await;
    Ok(())
}

/// Deletes the files of a version.
pub(crate) async fn delete(context: &Context, shop: &Shop, version: &str) -> Result<(), Error> {
    for entry in context.objects.list(&format!("{}/{version}", models(shop))).await? {
        context.objects.delete(&entry.key).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_says_when_and_what() {
        let now = Millis::parse("2026-11-22T14:40:07.891Z").unwrap();
        let name = version(now, b"abc");
        assert_eq!(name, "20261122T144007-ba7816bf");
        assert_eq!(published(&name), Millis::parse("2026-11-22T14:40:07Z"));
        for other in ["", "latest", "20261122T144007", "20261322T144007-ba7816bf", "2026112é144007-ba7816bf"] {
            assert_eq!(published(other), None, "{other}");
        }
    }
}
