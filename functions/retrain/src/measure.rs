//! What an invocation would train, and how large each shop's log is: whoever schedules trainings decides by it where each
//! is done, and begins none where nothing happened. Nothing is read but the list of files, a pointer and the delta.
//!
//! Asked with `{"measure": payload, "limit": bytes}`, answered with
//! `{"trainings": [{"shop", "payload", "files", "bytes", "large"}]}`: each payload trains one shop when the function is
//! invoked with it; `large` says whether its log has more bytes than the limit.

use serde::Serialize;
use serde_json::{Value, json};
use vitrine_domain::Shop;
use vitrine_runtime::Context;
use vitrine_runtime::telemetry::causes;
use vitrine_store::jobs::{JobKind, parse_object};
use vitrine_store::lake::Mark;

use crate::Error;
use crate::invocation::{Invocation, is_idle};

/// A training that is to be done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Asked {
    /// Of which shop.
    pub shop: Shop,
    /// What to invoke the function with.
    pub payload: Value,
    /// Files of its log.
    pub files: usize,
    /// Their size in bytes, packed as they lie there.
    pub bytes: u64,
    /// Whether that is more than the limit.
    pub large: bool,
}

/// Says what a payload would train. `limit` is a number of bytes, or digits; without it nothing is large.
///
/// # Errors
/// [`Error::Payload`] if payload or limit cannot be understood; if the shops cannot be listed.
pub(crate) async fn measure(context: &Context, payload: &Value, limit: Option<&Value>) -> Result<Value, Error> {
    let limit = match limit {
        None => u64::MAX,
        Some(Value::String(digits)) => digits.parse().map_err(|_| wrong(digits))?,
        Some(number) => number.as_u64().ok_or_else(|| wrong(number))?,
    };
    let mut trainings = Vec::new();
    match Invocation::from_payload(payload)? {
        Invocation::Schedule => {
            for shop in context.objects.shops().await? {
                match is_idle(context, &shop).await {
                    Ok(true) => continue,
                    Ok(false) => {}
                    // Its training will say so where somebody looks, and the other shops are not kept waiting.
                    Err(error) => tracing::warn!(%shop, cause = causes(&error), "a shop could not be looked at"),
                }
                let payload = json!({ "shop": shop });
                trainings.push(asked(context, shop, payload, limit).await);
            }
        }
        Invocation::Shop(shop) => {
            let payload = json!({ "shop": shop });
            trainings.push(asked(context, shop, payload, limit).await);
        }
        Invocation::Objects(keys) => {
            for key in keys {
                if let Some((shop, JobKind::Retrain, _)) = parse_object(&key) {
                    let payload = json!({ "Records": [{ "s3": { "object": { "key": key } } }] });
                    trainings.push(asked(context, shop, payload, limit).await);
                }
            }
        }
    }
    Ok(json!({ "trainings": trainings }))
}

fn wrong(limit: impl std::fmt::Display) -> Error {
    Error::Payload(format!("limit is a number of bytes, not {limit}"))
}

async fn asked(context: &Context, shop: Shop, payload: Value, limit: u64) -> Asked {
    let mark = context.objects.lake_mark(&shop).await.unwrap_or_else(|error| {
        tracing::warn!(%shop, cause = causes(&error), "a shop's log could not be measured");
        Mark::default()
    });
    Asked { shop, payload, files: mark.files, bytes: mark.bytes, large: mark.bytes > limit }
}
