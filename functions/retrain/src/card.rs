//! The model card of a version, and what is noted on it later.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vitrine_domain::{Millis, Shop};
use vitrine_learn::Card;
use vitrine_learn::log::Read;
use vitrine_runtime::Context;

use crate::Error;
use crate::gate::Gate;
use crate::publish::file;
use crate::start::Start;

/// Its file.
const CARD: &str = "card.json";
/// Its member that says why the vector server does not carry the version.
const UNCARRIED: &str = "uncarried";

/// The model card as it stands beside an artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// Name of the version.
    pub version: String,
    /// When it was published, RFC 3339.
    pub published: String,
    /// The version that was live before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// Seconds from the first read to publishing.
    pub seconds: f64,
    /// What was found in the lake.
    pub read: Read,
    /// A hash of catalogue and actions, 16 hexadecimal digits: equal for equal data, however it was stored.
    #[serde(default)]
    pub fingerprint: String,
    /// How it was compared with the model that was live before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// Where the training started from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// How often something had been erased from the shop's events before they were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasures: Option<u64>,
    /// Why the vector server does not carry it, where there is one that should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncarried: Option<String>,
    /// What was learned, and how well.
    pub model: Card,
}

/// The card of a version as JSON; none if it is gone or damaged, for a model works without it. Members are read one by
/// one: a card of another release may have other settings.
async fn of(context: &Context, shop: &Shop, version: &str) -> Result<Option<Value>, Error> {
    let bytes = context.objects.get(&file(shop, version, CARD)).await?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Up to when a version has seen events; none if that cannot be told.
pub(crate) async fn newest(context: &Context, shop: &Shop, version: &str) -> Result<Option<Millis>, Error> {
    let card = of(context, shop, version).await?;
    let newest = card.and_then(|mut card| Some(card.pointer_mut("/model/newest")?.take()));
    Ok(newest.and_then(|newest| serde_json::from_value(newest).ok()))
}

/// How often something had been erased before a version's events were read; none if that cannot be told.
pub(crate) async fn erasures(context: &Context, shop: &Shop, version: &str) -> Result<Option<u64>, Error> {
    Ok(of(context, shop, version).await?.and_then(|card| card.get("erasures")?.as_u64()))
}

/// How many products a version has, and whether a vector server that was there when it was published carries them; none if
/// that cannot be told.
pub(crate) async fn carried(context: &Context, shop: &Shop, version: &str) -> Result<Option<(usize, bool)>, Error> {
    let card = of(context, shop, version).await?;
    Ok(card.and_then(|card| {
        let products = card.pointer("/model/counts/products")?.as_u64()?;
        Some((usize::try_from(products).ok()?, card.get(UNCARRIED).is_none()))
    }))
}

/// Notes that the vector server carries a version.
pub(crate) async fn note_carried(context: &Context, shop: &Shop, version: &str) -> Result<(), Error> {
    let Some(Value::Object(mut card)) = of(context, shop, version).await? else { return Ok(()) };
    if card.remove(UNCARRIED).is_none() {
        return Ok(());
    }
    put(context, shop, version, &card).await
}

/// Writes a card.
pub(crate) async fn put(context: &Context, shop: &Shop, version: &str, card: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_vec_pretty(card).map_err(|e| Error::Pack { what: "the card", source: e.into() })?;
    Ok(context.objects.put(&file(shop, version, CARD), text).await?)
}

/// Notes that a version knows nothing of what was erased up to a count.
pub(crate) async fn note_erasures(context: &Context, shop: &Shop, version: &str, count: u64) -> Result<(), Error> {
    let Some(mut card) = of(context, shop, version).await? else { return Ok(()) };
    card["erasures"] = count.into();
    put(context, shop, version, &card).await
}
