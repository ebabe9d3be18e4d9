//! Watches the folder for new jobs and calls the function of each, in place of the bucket's notifications.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{Semaphore, watch};
use vitrine_domain::Shop;
use vitrine_runtime::Context;
use vitrine_store::jobs::{JobKind, parse_object};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// Trainings at a time, of a shop one: whoever asks for many keeps no other shop waiting.
const TRAININGS: usize = 4;
/// Imports at a time.
const IMPORTS: usize = 4;

/// Whose turn it is; the others wait for theirs.
struct Turns {
    of_shops: HashMap<Shop, Arc<Semaphore>>,
    trainings: Arc<Semaphore>,
    imports: Arc<Semaphore>,
}

impl Turns {
    fn new() -> Self {
        let of = |most| Arc::new(Semaphore::new(most));
        Self { of_shops: HashMap::new(), trainings: of(TRAININGS), imports: of(IMPORTS) }
    }

    /// What a job waits for, one after the other.
    fn of(&mut self, shop: Shop, kind: JobKind) -> Vec<Arc<Semaphore>> {
        if kind != JobKind::Retrain {
            return vec![self.imports.clone()];
        }
        let own = self.of_shops.entry(shop).or_insert_with(|| Arc::new(Semaphore::new(1)));
        vec![own.clone(), self.trainings.clone()]
    }
}

/// Runs until it is told to stop.
pub(crate) async fn watch(context: Context, mut stop: watch::Receiver<bool>) {
    // A job whose function failed to remove its object is not begun again before the next start.
    let mut begun = HashSet::new();
    let mut turns = Turns::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        match waiting(&context).await {
            Ok(keys) => {
                for key in keys {
                    let Some((shop, kind, _)) = parse_object(&key) else { continue };
                    if begun.insert(key.clone()) {
                        tokio::spawn(run(context.clone(), turns.of(shop, kind), kind, key));
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

async fn run(context: Context, turns: Vec<Arc<Semaphore>>, kind: JobKind, key: String) {
    let mut held = Vec::new();
    for turn in &turns {
        held.push(turn.acquire().await);
    }
    let event = json!({"Records": [{
        "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "local"}, "object": {"key": key}},
    }]});
    let done = match kind {
        JobKind::Retrain => vitrine_retrain::handle(&context, event).await.map(|_| ()).map_err(|e| e.to_string()),
        _ => vitrine_catalog::handle(&context, event).await.map(|_| ()).map_err(|e| e.to_string()),
    };
    if let Err(cause) = done {
        // Its object stays, and the next start tries again.
        tracing::error!(key, cause, "a job failed");
        return;
    }
    if let Err(error) = context.objects.delete(&key).await {
        tracing::warn!(key, cause = %error, "the object of a job could not be removed");
    }
}
