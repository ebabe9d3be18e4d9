//! The payloads: schedules, single shops, jobs.

use serde_json::{Value, json};
use vitrine_retrain::{Invocation, Report, handle, invoke};
use vitrine_store::jobs::{Job, JobKind, JobState};

use super::*;

async fn reports(stack: &Stack, payload: &Value) -> Vec<Report> {
    let invocation = Invocation::from_payload(payload).unwrap();
    invoke(&stack.context, &invocation, &quiet).await.unwrap()
}

/// What a schedule did, by shop.
async fn scheduled(stack: &Stack) -> Vec<(String, String)> {
    let payload = json!({"source": "aws.events", "detail-type": "Scheduled Event"});
    let said = handle(&stack.context, payload).await.unwrap();
    let told = |report: &Value| {
        (report["shop"].as_str().unwrap().to_owned(), report["result"]["outcome"].as_str().unwrap().to_owned())
    };
    let mut told: Vec<(String, String)> = said.as_array().unwrap().iter().map(told).collect();
    told.sort();
    told
}

fn outcomes(pairs: [(&str, &str); 2]) -> Vec<(String, String)> {
    pairs.map(|(shop, outcome)| (shop.to_owned(), outcome.to_owned())).to_vec()
}

#[tokio::test]
async fn a_schedule_trains_where_something_happened() {
    let stack = Stack::start().await;
    let (one, two) = (shop("one"), shop("two"));
    for shop in [&one, &two] {
        stack.sell(shop, &products(&["a", "b"])).await;
        stack.archive(shop, "1", &[event(&device("d"), 60, Action::View, &["a"])]).await;
    }
    assert_eq!(scheduled(&stack).await, outcomes([("one", "published"), ("two", "published")]));
    stack.advance(3_600);
    assert_eq!(scheduled(&stack).await, outcomes([("one", "idle"), ("two", "idle")]));
    stack.archive(&one, "2", &[event(&device("d"), 50, Action::View, &["b"])]).await;
    assert_eq!(scheduled(&stack).await, outcomes([("one", "published"), ("two", "idle")]));
    stack.advance(3_600);
    stack.sell(&two, &products(&["c"])).await;
    assert_eq!(scheduled(&stack).await, outcomes([("one", "idle"), ("two", "published")]));
    assert_eq!(scheduled(&stack).await, outcomes([("one", "idle"), ("two", "idle")]));
    // Other files with the same events: looked at once, and found to change nothing.
    let again = [event(&device("d"), 60, Action::View, &["a"])];
    stack.archive(&two, "merged", &again).await;
    assert_eq!(scheduled(&stack).await, outcomes([("one", "idle"), ("two", "unchanged")]));
    assert_eq!(scheduled(&stack).await, outcomes([("one", "idle"), ("two", "idle")]));
}

#[tokio::test]
async fn one_shop_that_fails_does_not_keep_others_from_being_trained() {
    let stack = Stack::start().await;
    let (bad, good) = (shop("bad"), shop("good"));
    for shop in [&bad, &good] {
        stack.sell(shop, &products(&["a"])).await;
        stack.archive(shop, "1", &[event(&device("d"), 60, Action::View, &["a"])]).await;
    }
    stack.context.objects.put("shops/bad/events/2026-11-22/x.ndjson.zst", "no zstd".to_owned()).await.unwrap();
    let error = handle(&stack.context, json!({})).await.unwrap_err().to_string();
    assert!(error.starts_with("1 of 2 shops could not be trained: bad: a store failed: "), "{error}");
    assert_eq!(stack.artifact(&good).await.len(), 1);
    assert!(stack.context.table.live_model(&bad).await.unwrap().is_none());
}

#[tokio::test]
async fn a_shop_is_trained_by_name() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a"])).await;
    let reports = reports(&stack, &json!({"shop": "demo"})).await;
    assert!(matches!(reports[0].result, Ok(Outcome::Published { .. })));
    assert_eq!(stack.artifact(&demo).await.len(), 1);
}

/// A job whose object is there, and the event that says so.
async fn ask(stack: &Stack, demo: &Shop, kind: JobKind) -> (Job, Value) {
    let job = Job::new(kind, json!({}), END).unwrap();
    stack.context.table.put_job(demo, &job).await.unwrap();
    stack.context.objects.put(&job.object(demo), "{}".to_owned()).await.unwrap();
    let key = job.object(demo);
    (job, json!({"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": key}}}]}))
}

#[tokio::test]
async fn a_job_is_done_once_and_says_so() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a"])).await;
    let (job, bell) = ask(&stack, &demo, JobKind::Retrain).await;
    stack.advance(5);
    assert_eq!(reports(&stack, &bell).await.len(), 1);
    let done = stack.context.table.job(&demo, &job.id).await.unwrap().unwrap();
    assert_eq!((done.state, done.created, done.changed), (JobState::Done, END, END.plus(5_000)));
    assert_eq!(done.result["outcome"], "published");
    assert_eq!(done.result["version"], stack.live(&demo).await.version.as_str());
    assert_eq!(stack.files(&demo, "jobs").await.len(), 0);
    stack.archive(&demo, "1", &[event(&device("d"), 60, Action::View, &["a"])]).await;
    assert_eq!(reports(&stack, &bell).await.len(), 0, "the second bell rings for nobody");
    assert_eq!(stack.context.table.model_versions(&demo).await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_training_serves_all_that_were_asked_for_before_it_began() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a"])).await;
    let asked = [ask(&stack, &demo, JobKind::Retrain).await, ask(&stack, &demo, JobKind::Retrain).await];
    stack.advance(20);
    let mut outcomes = Vec::new();
    for (job, bell) in &asked {
        reports(&stack, bell).await;
        outcomes.push(stack.context.table.job(&demo, &job.id).await.unwrap().unwrap().result["outcome"].clone());
    }
    assert_eq!(outcomes, ["published", "idle"]);
    assert_eq!(stack.files(&demo, "jobs").await.len(), 0);
}

#[tokio::test]
async fn a_job_that_fails_says_why() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a"])).await;
    stack.publish(&demo).await;
    stack.context.objects.delete(&stack.live(&demo).await.catalogue).await.unwrap();
    let (job, bell) = ask(&stack, &demo, JobKind::Retrain).await;
    assert!(handle(&stack.context, bell).await.is_ok(), "the job tells, the invocation need not be tried again");
    let failed = stack.context.table.job(&demo, &job.id).await.unwrap().unwrap();
    assert_eq!(failed.state, JobState::Failed);
    assert!(failed.result["error"].as_str().unwrap().contains("is gone"), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_seen_running() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a"])).await;
    let (job, bell) = ask(&stack, &demo, JobKind::Retrain).await;
    let seen = std::sync::Mutex::new(None);
    let look = |stage, _, _| {
        if matches!(stage, Stage::Learning(_)) {
            let look = async || stack.context.table.job(&demo, &job.id).await.unwrap().unwrap().state;
            let state = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(look()));
            seen.lock().unwrap().get_or_insert(state);
        }
    };
    let invocation = Invocation::from_payload(&bell).unwrap();
    invoke(&stack.context, &invocation, &look).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), Some(JobState::Running));
}

#[tokio::test]
async fn objects_of_other_functions_are_left_alone() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    let (job, bell) = ask(&stack, &demo, JobKind::Products).await;
    assert_eq!(reports(&stack, &bell).await.len(), 0);
    let key = json!({"Records": [{"s3": {"object": {"key": "shops/demo/models/x/artifact.bin"}}}]});
    assert_eq!(reports(&stack, &key).await.len(), 0);
    assert_eq!(stack.context.table.job(&demo, &job.id).await.unwrap().unwrap().state, JobState::Waiting);
    assert_eq!(stack.files(&demo, "jobs").await.len(), 1);
}

/// What a payload would train: shop, payload and whether its log is large.
async fn measured(stack: &Stack, asked: &Value) -> Vec<(String, Value, bool)> {
    let said = handle(&stack.context, asked.clone()).await.unwrap();
    let told = |training: &Value| {
        let shop = training["shop"].as_str().unwrap().to_owned();
        (shop, training["payload"].clone(), training["large"].as_bool().unwrap())
    };
    said["trainings"].as_array().unwrap().iter().map(told).collect()
}

#[tokio::test]
async fn a_measure_names_what_a_schedule_would_train_and_trains_nothing() {
    let stack = Stack::start().await;
    let (one, two) = (shop("one"), shop("two"));
    for shop in [&one, &two] {
        stack.sell(shop, &products(&["a", "b"])).await;
        stack.archive(shop, "1", &[event(&device("d"), 60, Action::View, &["a"])]).await;
    }
    let asked = json!({"measure": {"source": "aws.scheduler"}});
    let of = |shop: &str, large| (shop.to_owned(), json!({"shop": shop}), large);
    assert_eq!(measured(&stack, &asked).await, [of("one", false), of("two", false)]);
    assert!(stack.context.table.live_model(&one).await.unwrap().is_none(), "it only looked");
    for (_, payload, _) in measured(&stack, &asked).await {
        handle(&stack.context, payload).await.unwrap();
    }
    assert!(measured(&stack, &asked).await.is_empty(), "nothing happened since");
    stack.archive(&two, "2", &[event(&device("d"), 50, Action::View, &["b"])]).await;
    assert_eq!(measured(&stack, &asked).await, [of("two", false)]);
    assert_eq!(measured(&stack, &json!({"measure": {"shop": "one"}})).await, [of("one", false)], "asked for by name");
}

#[tokio::test]
async fn a_measure_tells_the_bytes_of_a_log_and_whether_they_are_many() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a"])).await;
    stack.archive(&demo, "1", &[event(&device("d"), 60, Action::View, &["a"])]).await;
    stack.archive(&demo, "2", &[event(&device("d"), 50, Action::View, &["a"])]).await;
    let files = stack.context.objects.lake_files(&demo, Kind::Events).await.unwrap();
    let bytes: u64 = files.iter().map(|file| file.size).sum();
    let (_, job) = ask(&stack, &demo, JobKind::Retrain).await;
    let key = job["Records"][0]["s3"]["object"]["key"].clone();
    for (limit, large) in [(json!(bytes), false), (json!(bytes - 1), true), (json!((bytes - 1).to_string()), true)] {
        let said = handle(&stack.context, json!({"measure": job, "limit": limit})).await.unwrap();
        let payload = json!({"Records": [{"s3": {"object": {"key": key}}}]});
        let training = json!({"shop": "demo", "payload": payload, "files": 2, "bytes": bytes, "large": large});
        assert_eq!(said, json!({ "trainings": [training] }), "limit {limit}");
    }
    let (_, import) = ask(&stack, &demo, JobKind::Orders).await;
    assert!(measured(&stack, &json!({ "measure": import })).await.is_empty(), "an import is no training");
    for wrong in [
        json!({"measure": {"shp": "demo"}}),
        json!({"measure": {}, "limit": "many"}),
        json!({"measure": {}, "limit": -1}),
    ] {
        let error = handle(&stack.context, wrong.clone()).await.unwrap_err();
        assert!(matches!(error, vitrine_retrain::Error::Payload(_)), "{wrong}: {error}");
    }
}
