//! Who asks for a training: a schedule, a person, or a job's object; and who only asks how large it would be.

use serde_json::{Value, json};
use vitrine_domain::Shop;
use vitrine_runtime::Context;
use vitrine_store::Boxed;
use vitrine_store::jobs::{Job, JobKind, JobState, parse_object};

use vitrine_runtime::telemetry::causes;

use crate::server::Server;
use crate::{Error, Outcome, Progress, audiences, erase, measure, prune, publish, retrain, vectors};

/// Trainings that a job tries while others are faster.
const ATTEMPTS: usize = 3;

/// What the function is invoked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// A schedule: every shop in which something happened since its live model was trained.
    Schedule,
    /// One shop, whether or not something happened.
    Shop(Shop),
    /// Objects were created, by their keys: those that start a training are jobs, others are no concern of this function.
    Objects(Vec<String>),
}

impl Invocation {
    /// Reads a payload: nothing or `{}` or a schedule's event, `{"shop": "name"}`, or an object-created event.
    ///
    /// # Errors
    /// [`Error::Payload`] for anything else: a misspelt request must not train every shop.
    pub fn from_payload(payload: &Value) -> Result<Self, Error> {
        let unknown = || {
            let expected =
                "expected a schedule's event, {\"shop\": \"name\"}, an S3 event, or {\"measure\": one of them}";
            Error::Payload(expected.to_owned())
        };
        let members = match payload {
            Value::Null => return Ok(Self::Schedule),
            Value::Object(members) => members,
            _ => return Err(unknown()),
        };
        if let Some(shop) = members.get("shop") {
            let name = shop.as_str().ok_or_else(unknown)?;
            return Shop::new(name).map(Self::Shop).map_err(|error| Error::Payload(error.to_string()));
        }
        if let Some(records) = members.get("Records").and_then(Value::as_array) {
            let key = |record: &Value| record.pointer("/s3/object/key").and_then(Value::as_str).map(str::to_owned);
            return records.iter().map(key).collect::<Option<_>>().map(Self::Objects).ok_or_else(unknown);
        }
        let source = members.get("source").and_then(Value::as_str);
        if members.is_empty() || matches!(source, Some("aws.events" | "aws.scheduler")) {
            return Ok(Self::Schedule);
        }
        Err(unknown())
    }
}

/// What an invocation did for a shop.
#[derive(Debug)]
pub struct Report {
    /// Which shop.
    pub shop: Shop,
    /// The job that asked for it.
    pub job: Option<String>,
    /// What came of it.
    pub result: Result<Outcome, Error>,
}

/// The function: reads a payload, does what it asks for, and answers with a report for each shop. Of `{"measure": payload}`
/// it answers what that payload would train, and how large each log is: [`measure`].
///
/// # Errors
/// If the payload cannot be understood, a store fails, or a shop could not be trained; being invoked again is right for
/// all but the first.
pub fn handle(context: &Context, payload: Value) -> Boxed<'_, Result<Value, Error>> {
    Box::pin(answer(context, payload))
}

async fn answer(context: &Context, payload: Value) -> Result<Value, Error> {
    if let Some(asked) = payload.get("measure") {
        return measure::measure(context, asked, payload.get("limit")).await;
    }
    let invocation = Invocation::from_payload(&payload)?;
    conclude(&invoke(context, &invocation, &|_, _, _| ()).await?)
}

/// What the function answers: each report as JSON, or the first failure that no job tells of, so that the invocation is
/// tried again. Shops that were trained meanwhile are idle then.
///
/// # Errors
/// [`Error::Shops`] if a shop could not be trained.
fn conclude(reports: &[Report]) -> Result<Value, Error> {
    let failure = |report: &&Report| report.job.is_none() && report.result.is_err();
    if let Some(Report { shop, result: Err(error), .. }) = reports.iter().find(failure) {
        let (failed, all) = (reports.iter().filter(failure).count(), reports.len());
        return Err(Error::Shops { failed, all, first: format!("{shop}: {}", causes(error)) });
    }
    let told = |report: &Report| {
        let result = match &report.result {
            Ok(outcome) => json!(outcome),
            Err(error) => json!({ "error": causes(error) }),
        };
        json!({ "shop": report.shop, "job": report.job, "result": result })
    };
    Ok(reports.iter().map(told).collect())
}

/// Does what an invocation asks for, shop by shop: one that cannot be trained does not keep others from it. A job knows
/// its own end; whatever else failed is in the reports.
///
/// # Errors
/// If a store fails before or after the training itself; being invoked again is right.
pub fn invoke<'a>(
    context: &'a Context,
    invocation: &'a Invocation,
    progress: &'a Progress<'a>,
) -> Boxed<'a, Result<Vec<Report>, Error>> {
    Box::pin(train_asked(context, invocation, progress))
}

async fn train_asked(
    context: &Context,
    invocation: &Invocation,
    progress: &Progress<'_>,
) -> Result<Vec<Report>, Error> {
    match invocation {
        Invocation::Schedule => schedule(context, progress).await,
        Invocation::Shop(shop) => {
            let result = retrain(context, shop, progress).await;
            Ok(vec![Report { shop: shop.clone(), job: None, result }])
        }
        Invocation::Objects(keys) => {
            let mut reports = Vec::new();
            for key in keys {
                if let Some((shop, JobKind::Retrain, id)) = parse_object(key) {
                    reports.extend(job(context, shop, id, key, progress).await?);
                }
            }
            Ok(reports)
        }
    }
}

async fn schedule(context: &Context, progress: &Progress<'_>) -> Result<Vec<Report>, Error> {
    let mut reports = Vec::new();
    for shop in context.objects.shops().await? {
        let result = match is_idle(context, &shop).await {
            Ok(true) => forget(context, &shop).await.map(|()| Outcome::Idle),
            Ok(false) => retrain(context, &shop, progress).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &result {
            tracing::error!(%shop, cause = causes(error), "a shop could not be trained");
        }
        reports.push(Report { shop, job: None, result });
    }
    Ok(reports)
}

/// Of a shop in which nothing happens, what nobody waits for any more.
async fn forget(context: &Context, shop: &Shop) -> Result<(), Error> {
    erase::forget_uploads(context, shop).await?;
    prune::leftovers(context, shop).await
}

/// Whether nobody was erased, the audiences that are asked for are told, lake, catalogue and own vectors are as the live model has seen them, and its vectors are where they are searched.
pub(crate) async fn is_idle(context: &Context, shop: &Shop) -> Result<bool, Error> {
    if !context.table.waiting_erasures(shop).await?.is_empty() {
        return Ok(false);
    }
    let lake = context.objects.lake_mark(shop).await?;
    let Some((live, _)) = context.table.live_model(shop).await? else { return Ok(false) };
    let Some(seen) = publish::seen(context, shop, &live.version).await? else { return Ok(false) };
    if seen.lake != lake || seen.vectors != vectors::keys(context, shop).await? {
        return Ok(false);
    }
    if !audiences::are_told(context, shop).await? {
        return Ok(false);
    }
    if let Some(server) = Server::of(context)?
        && server.lacks(shop, &live).await?
    {
        return Ok(false);
    }
    let changes = context.table.changes_since(shop, live.delta_from).await?;
    Ok(changes.last().map(|(key, _)| key) <= seen.last_change.as_ref())
}

/// Does a job and writes what became of it. None if it was done before: objects are announced at least once.
async fn job(
    context: &Context,
    shop: Shop,
    id: &str,
    object: &str,
    progress: &Progress<'_>,
) -> Result<Option<Report>, Error> {
    let now = context.clock.now();
    let stored = context.table.job(&shop, id).await?;
    let mut job = stored.unwrap_or_else(|| Job {
        id: id.to_owned(),
        kind: JobKind::Retrain,
        state: JobState::Waiting,
        created: now,
        changed: now,
        options: Value::Null,
        result: Value::Null,
    });
    if matches!(job.state, JobState::Done | JobState::Failed) {
        context.objects.delete(object).await?;
        return Ok(None);
    }
    (job.state, job.changed) = (JobState::Running, now);
    context.table.put_job(&shop, &job).await?;
    // Of many that were asked for meanwhile, one training knows what all were asked for.
    let live = context.table.live_model(&shop).await?;
    let mut result = match live {
        Some((live, _)) if live.delta_from >= job.created => Ok(Outcome::Idle),
        _ => retrain(context, &shop, progress).await,
    };
    for _ in 1..ATTEMPTS {
        // What the other training read may be older than what this job was asked for.
        if matches!(result, Ok(Outcome::Superseded)) {
            result = retrain(context, &shop, progress).await;
        }
    }
    (job.state, job.result) = match &result {
        Ok(outcome) => (JobState::Done, json!(outcome)),
        Err(error) => {
            tracing::error!(%shop, job = id, cause = causes(error), "a training that was asked for failed");
            (JobState::Failed, json!({ "error": causes(error) }))
        }
    };
    job.changed = context.clock.now();
    context.table.put_job(&shop, &job).await?;
    // The state is in the table now; the object was only the bell.
    context.objects.delete(object).await?;
    Ok(Some(Report { shop, job: Some(job.id), result }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads() {
        let read = |payload: Value| Invocation::from_payload(&payload);
        for schedule in [
            Value::Null,
            json!({}),
            json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}),
            json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"}),
        ] {
            assert_eq!(read(schedule).unwrap(), Invocation::Schedule);
        }
        assert_eq!(read(json!({"shop": "demo"})).unwrap(), Invocation::Shop(Shop::new("demo").unwrap()));
        let s3 = json!({"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "shops/a/jobs/retrain/1"}}}]});
        assert_eq!(read(s3).unwrap(), Invocation::Objects(vec!["shops/a/jobs/retrain/1".to_owned()]));
        for wrong in [
            json!({"shp": "demo"}),
            json!({"shop": 1}),
            json!({"shop": "NOT A SHOP"}),
            json!([]),
            json!("demo"),
            json!({"Records": [{}]}),
            json!({"source": "aws.s3"}),
        ] {
            assert!(matches!(read(wrong.clone()), Err(Error::Payload(_))), "{wrong}");
        }
    }
}
