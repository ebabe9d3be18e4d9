//! Imports of uploaded files: what the bucket's notification invokes.

use serde::Serialize;
use serde_json::{Value, json};
use vitrine_domain::Shop;
use vitrine_runtime::Context;
use vitrine_store::jobs::{Job, JobKind, JobState, parse_object};

use crate::load::{Origin, Wishes, load};

/// Why a notification could not be dealt with; the platform tries again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stores failed.
    #[error(transparent)]
    Store(#[from] vitrine_store::Error),
    /// The notification names no object.
    #[error("the event names no object")]
    Event,
}

/// What became of the files of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Handled {
    /// Imports that were done.
    pub done: usize,
    /// Imports that could not be done; their jobs say why.
    pub failed: usize,
}

/// Imports the files that a bucket's notification names, and removes them.
///
/// # Errors
/// If a store fails; the notification comes again then.
pub async fn handle(context: &Context, event: Value) -> Result<Handled, Error> {
    let records = event.get("Records").and_then(Value::as_array).ok_or(Error::Event)?;
    let mut handled = Handled::default();
    for record in records {
        let key = record.pointer("/s3/object/key").and_then(Value::as_str).ok_or(Error::Event)?;
        let Some((shop, kind, id)) = parse_object(key) else { continue };
        if kind == JobKind::Retrain {
            continue;
        }
        // Without its job the file was not asked for; without its file the job was done before.
        let Some(job) = context.table.job(&shop, id).await? else { continue };
        let Some(bytes) = context.objects.get(key).await? else { continue };
        let done = run(context, &shop, job, Origin::Bytes(bytes)).await?;
        context.objects.delete(key).await?;
        if done { handled.done += 1 } else { handled.failed += 1 }
    }
    Ok(handled)
}

async fn run(context: &Context, shop: &Shop, mut job: Job, origin: Origin) -> Result<bool, Error> {
    job.state = JobState::Running;
    job.changed = context.clock.now();
    context.table.put_job(shop, &job).await?;
    let wishes: Wishes = serde_json::from_value(job.options.clone()).unwrap_or_default();
    let imported = load(context, shop, job.kind, origin, &wishes).await;
    (job.state, job.result) = match &imported {
        Ok(imported) => (JobState::Done, serde_json::to_value(imported).unwrap_or(Value::Null)),
        Err(error) => (JobState::Failed, json!({ "detail": error.to_string() })),
    };
    job.changed = context.clock.now();
    context.table.put_job(shop, &job).await?;
    Ok(imported.is_ok())
}
