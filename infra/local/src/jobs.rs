//! Watches the folder for new jobs and calls the function of each, in place of the bucket's notifications.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use vitrine_runtime::Context;
use vitrine_store::jobs::{JobKind, parse_object};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// Runs until it is told to stop.
pub(crate) async fn watch(context: Context, mut stop: watch::Receiver<bool>) {
    // A job whose function failed to remove its object is not begun again before the next start.
    let mut begun = HashSet::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        match waiting(&context).await {
            Ok(keys) => {
                for key in keys {
                    if begun.insert(key.clone()) {
                        tokio::spawn(run(context.clone(), key));
                    }
                }
            }
            Err(error) => tracing::warn!(cause = %error, "the jobs could not be listed"),
        }
    }
}

async fn waiting(context: &Context) -> vitrine_store::Result<Vec<String>> {
    let mut keys = Vec::new();
    for shop in context.objects.shops().await? {
        keys.extend(context.objects.list(&format!("shops/{shop}/jobs")).await?.into_iter().map(|entry| entry.key));
    }
    Ok(keys)
}

async fn run(context: Context, key: String) {
    let Some((_, kind, _)) = parse_object(&key) else { return };
    let event = json!({"Records": [{
        "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "local"}, "object": {"key": key}},
    }]});
    let done = match kind {
        JobKind::Retrain => vitrine_retrain::handle(&context, event).await.map(|_| ()).map_err(|e| e.to_string()),
        _ => vitrine_catalog::handle(&context, event).await.map(|_| ()).map_err(|e| e.to_string()),
    };
    if let Err(cause) = done {
        tracing::error!(key, cause, "a job failed");
    }
    if let Err(error) = context.objects.delete(&key).await {
        tracing::warn!(key, cause = %error, "the object of a job could not be removed");
    }
}
