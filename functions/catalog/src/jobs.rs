//! Imports of uploaded files: what the bucket's notification invokes.

use std::fs::File;

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use serde::Serialize;
use serde_json::{Value, json};
use vitrine_domain::Shop;
use vitrine_runtime::Context;
use vitrine_store::Boxed;
use vitrine_store::jobs::{Job, JobKind, JobState, parse_object};

use crate::load::{Arriving, Imported, LoadError, Origin, Wishes, load};

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
pub fn handle(context: &Context, event: Value) -> Boxed<'_, Result<Handled, Error>> {
    Box::pin(handle_each(context, event))
}

async fn handle_each(context: &Context, event: Value) -> Result<Handled, Error> {
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
        let Some(file) = open(context, key).await? else { continue };
        let done = run(context, &shop, job, file).await?;
        context.objects.delete(key).await?;
        if done { handled.done += 1 } else { handled.failed += 1 }
    }
    Ok(handled)
}

/// Whether the import could be done.
async fn run(context: &Context, shop: &Shop, mut job: Job, file: Uploaded) -> Result<bool, Error> {
    job.state = JobState::Running;
    job.changed = context.clock.now();
    context.table.put_job(shop, &job).await?;
    let wishes: Wishes = serde_json::from_value(job.options.clone()).unwrap_or_default();
    let imported = match file {
        Uploaded::File(file) => load(context, shop, job.kind, Origin::File(file), &wishes).await,
        Uploaded::Stream(chunks) => {
            // If the store fails on the way, the file is whole all the same: the notification comes again.
            let mut lost = None;
            let chunks = chunks.map_err(|error| std::io::Error::other(lost.insert(error).to_string()));
            let (feeding, arriving) = Arriving::of(chunks);
            let ((), imported) =
                tokio::join!(feeding, load(context, shop, job.kind, Origin::Arriving(arriving), &wishes));
            if let Some(error) = lost {
                return Err(error.into());
            }
            imported
        }
    };
    (job.state, job.result) = outcome(imported)?;
    job.changed = context.clock.now();
    context.table.put_job(shop, &job).await?;
    Ok(job.state == JobState::Done)
}

/// What is said of an import that is over. A store that is only busy ends none: an error then, because the file is still there
/// and the notification comes again.
fn outcome(imported: Result<Imported, LoadError>) -> Result<(JobState, Value), Error> {
    match imported {
        Ok(imported) => Ok((JobState::Done, serde_json::to_value(imported).unwrap_or(Value::Null))),
        Err(LoadError::Store(error)) if error.is_transient() => Err(error.into()),
        Err(error) => Ok((JobState::Failed, json!({ "detail": error.to_string() }))),
    }
}

/// An uploaded file, which is never in memory as a whole, but for Parquet from a bucket.
enum Uploaded {
    File(File),
    Stream(BoxStream<'static, vitrine_store::Result<Bytes>>),
}

async fn open(context: &Context, key: &str) -> Result<Option<Uploaded>, Error> {
    match context.objects.file(key).map(File::open) {
        Some(Ok(file)) => Ok(Some(Uploaded::File(file))),
        Some(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Some(Err(error)) => Err(vitrine_store::Error::from(error).into()),
        None => Ok(context.objects.stream(key).await?.map(Uploaded::Stream)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use futures_util::{StreamExt, stream};
    use serde_json::json;
    use vitrine_domain::Millis;
    use vitrine_engine::Engine;
    use vitrine_runtime::{Clock, Config, Place};

    use super::*;

    const FEED: &str = "id,title,price\np1,Tea,2.50 EUR\np2,Pot,19.00 EUR\n";

    async fn start(folder: &Path) -> (Engine, Context, Shop) {
        let engine = Engine::memory().await.unwrap();
        let config = Config {
            table: "vitrine".to_owned(),
            objects: Place::Folder(folder.to_owned()),
            dynamodb_endpoint: Some(engine.endpoint()),
            s3_endpoint: None,
            secret: "0123456789abcdef0123456789abcdef".to_owned(),
            retention: 760 * vitrine_domain::time::DAY,
            backups: 0,
            scratch: folder.to_owned(),
            text_weights: None,
            vectors: None,
        };
        let context = Context::connect(config, Clock::set_to(Millis(1_767_225_600_000))).await.unwrap();
        context.table.create_if_missing().await.unwrap();
        (engine, context, Shop::new("demo").unwrap())
    }

    async fn asked(context: &Context, shop: &Shop) -> Job {
        let job = Job::new(JobKind::Products, json!({"filename": "feed.csv"}), context.clock.now()).unwrap();
        context.table.put_job(shop, &job).await.unwrap();
        job
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_that_was_announced_is_imported_and_goes_and_one_that_is_gone_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let (_engine, context, shop) = start(folder.path()).await;
        let job = asked(&context, &shop).await;
        let key = job.object(&shop);
        context.objects.put(&key, FEED).await.unwrap();
        let event = json!({"Records": [{"s3": {"object": {"key": key}}}]});
        assert_eq!(handle(&context, event.clone()).await.unwrap(), Handled { done: 1, failed: 0 });
        let job = context.table.job(&shop, &job.id).await.unwrap().unwrap();
        assert_eq!((job.state, &job.result["written"]), (JobState::Done, &json!(2)));
        assert_eq!(context.objects.get(&key).await.unwrap(), None);
        assert_eq!(handle(&context, event).await.unwrap(), Handled::default());
    }

    #[test]
    fn an_import_that_a_busy_store_interrupts_is_not_over_and_one_that_cannot_be_done_is() {
        use vitrine_store::Error as Store;
        let busy = Store::Unavailable { operation: "BatchWriteItem", source: "items stayed unprocessed".into() };
        for transient in [busy, Store::Conflict { what: "product" }] {
            let failed = outcome(Err(transient.into())).unwrap_err();
            assert!(matches!(failed, Error::Store(_)), "{failed}");
        }
        let refused = Store::Refused { operation: "PutItem", code: "NoPlace".to_owned(), source: "why".into() };
        for lasting in [refused.into(), LoadError::Wish { name: "dates" }, crate::import::ImportError::Empty.into()] {
            let said = json!({ "detail": lasting.to_string() });
            assert_eq!(outcome(Err(lasting)).unwrap(), (JobState::Failed, said));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_from_a_bucket_is_read_piece_by_piece_and_again_if_the_store_fails_on_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let (_engine, context, shop) = start(folder.path()).await;
        let job = asked(&context, &shop).await;
        let pieces = || FEED.as_bytes().chunks(7).map(|piece| Ok(Bytes::from(piece)));
        let lost = || Err(std::io::Error::other("the connection was lost").into());

        let broken = stream::iter(pieces().take(4).chain([lost()]).collect::<Vec<_>>()).boxed();
        let failed = run(&context, &shop, job.clone(), Uploaded::Stream(broken)).await.unwrap_err();
        let reason = vitrine_runtime::telemetry::reason(&failed);
        assert!(reason.contains("the connection was lost"), "{reason}");
        assert_eq!(context.table.job(&shop, &job.id).await.unwrap().unwrap().state, JobState::Running);

        let whole = stream::iter(pieces().collect::<Vec<_>>()).boxed();
        assert!(run(&context, &shop, job.clone(), Uploaded::Stream(whole)).await.unwrap());
        let job = context.table.job(&shop, &job.id).await.unwrap().unwrap();
        assert_eq!((job.state, &job.result["written"]), (JobState::Done, &json!(2)));
    }
}
