//! Versions on a vector server: the double, or a stock one where `QDRANT_URL` is set and nothing has to go wrong.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Handle;
use tokio::task::block_in_place;
use vitrine_index::testing::Double;
use vitrine_index::{Condition, Remote, RemoteSettings};
use vitrine_retrain::{Error, Invocation, invoke};
use vitrine_store::erasures::Until;

use super::*;

/// Names that no other test or run uses.
fn server(url: String, api_key: Option<String>) -> VectorServer {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let prefix = format!("vitrine-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
    VectorServer { url, api_key, prefix, visitors: 50 }
}

async fn doubled() -> (Double, VectorServer, Stack) {
    let double = Double::default();
    let names = server(double.serve().await.unwrap(), None);
    let stack = Stack::with_server(Some(names.clone())).await;
    (double, names, stack)
}

/// The stock server, or a double.
#[allow(clippy::disallowed_methods, reason = "which server to test against is no configuration of the product")]
async fn any() -> (VectorServer, Remote) {
    let names = match std::env::var("QDRANT_URL") {
        Ok(url) => server(url, std::env::var("QDRANT_API_KEY").ok()),
        Err(_) => server(Double::default().serve().await.unwrap(), None),
    };
    let settings = RemoteSettings { api_key: names.api_key.clone(), ..RemoteSettings::at(&names.url) };
    (names, Remote::new(settings).unwrap())
}

/// The collections of a stack.
async fn collections(remote: &Remote, names: &VectorServer) -> Vec<String> {
    let all = remote.collections().await.unwrap().into_iter();
    let mut own: Vec<String> = all.filter(|name| name.starts_with(&format!("{}-", names.prefix))).collect();
    own.sort();
    own
}

#[tokio::test]
async fn a_version_is_carried_whole_with_what_filters_need_and_goes_with_the_version() {
    let (names, remote) = any().await;
    let stack = Stack::with_server(Some(names.clone())).await;
    let (demo, other) = (shop("demo"), shop("demo-2"));
    let (products, events) = sample();
    // It is trained six times: a small part will do.
    let (products, events) = (&products[..120], &events[..events.len().min(2_500)]);
    stack.sell(&demo, products).await;
    stack.archive(&demo, "a", events).await;
    let mut versions = vec![stack.publish(&demo).await];
    let collection = names.collection(&demo, &versions[0]);
    assert_eq!(remote.count(&collection, None).await.unwrap(), products.len());
    assert_eq!(remote.live(&names.alias(&demo)).await.unwrap().as_ref(), Some(&collection));
    let artifact = stack.artifact(&demo).await;
    let category = artifact.category_name(0).to_owned();
    let rows = (0..artifact.len() as u32).filter(|row| artifact.categories(*row).contains(&0)).count();
    let condition = Condition::equals("category", category);
    assert_eq!(remote.count(&collection, Some(&condition)).await.unwrap(), rows);
    let dear = Condition::Range { field: "price".to_owned(), from: Some(5.0), to: None };
    let rows = (0..artifact.len() as u32).filter(|row| artifact.price(*row).is_some_and(|price| price >= 5.0)).count();
    assert_eq!(remote.count(&collection, Some(&dear)).await.unwrap(), rows);

    // Fifty visitors, by a hash and nothing else; those of the live version only.
    let visitors = names.visitors_of(&demo, &versions[0]);
    assert_eq!(remote.count(&visitors, None).await.unwrap(), 50);
    assert_eq!(remote.live(&names.visitors_alias(&demo)).await.unwrap().as_ref(), Some(&visitors));

    // A shop whose name begins alike is nobody else's concern.
    stack.sell(&other, &products[..3]).await;
    let others = names.collection(&other, &stack.publish(&other).await);
    for price in 1..5 {
        stack.advance(60);
        stack.sell(&demo, &[Product { price: Some(f64::from(price)), ..products[0].clone() }]).await;
        versions.push(stack.publish(&demo).await);
    }
    let mut kept: Vec<String> = versions[2..].iter().map(|version| names.collection(&demo, version)).collect();
    kept.extend([others, names.visitors_of(&demo, &versions[4])]);
    kept.sort();
    assert_eq!(collections(&remote, &names).await, kept);
    assert_eq!(remote.live(&names.alias(&demo)).await.unwrap(), Some(names.collection(&demo, &versions[4])));
    // Once something was erased they go, until the next version is published, and so do the versions before it.
    stack.context.table.note_erasure(&demo).await.unwrap();
    assert!(matches!(stack.train(&demo).await, Outcome::Unchanged { .. }));
    let older = [names.collection(&demo, &versions[2]), names.collection(&demo, &versions[3])];
    kept.retain(|name| *name != names.visitors_of(&demo, &versions[4]) && !older.contains(name));
    assert_eq!(collections(&remote, &names).await, kept);
    for collection in kept {
        remote.remove(&collection).await.unwrap();
    }
}

#[tokio::test]
async fn of_the_erased_the_server_holds_nothing_once_the_next_version_is_live() {
    let (double, names, stack) = doubled().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a", "b", "c", "d", "e"])).await;
    let people: Vec<Visitor> = (0..12).map(|n| device(&format!("d{n}"))).collect();
    let history = |(n, visitor): (usize, &Visitor)| {
        let view = |step: usize| {
            event(visitor, step as i64 * 7 + n as i64, Action::View, &[["a", "b", "c", "d", "e"][(n + step) % 5]])
        };
        (0..5).map(view).collect::<Vec<_>>()
    };
    let events: Vec<Event> = people.iter().enumerate().flat_map(history).collect();
    stack.archive(&demo, "a", &events).await;
    let key = |visitor: &Visitor| format!("{:016x}", vitrine_learn::Scratch::visitor_key(visitor));
    let held = |version: &str| double.keywords(&names.visitors_of(&demo, version), "visitor");
    let before = stack.publish(&demo).await;
    assert_eq!(held(&before), people.iter().map(key).collect());

    let (erased, kept) = people.split_at(2);
    for visitor in erased {
        let (tombstones, now) = (stack.context.tombstone_key(), stack.context.clock.now());
        stack.context.table.erase(&tombstones, &demo, visitor, Until::Ever, now).await.unwrap();
    }
    stack.advance(60);
    let after = stack.publish(&demo).await;
    assert_eq!(held(&after), kept.iter().map(key).collect());
    let mut all = vec![names.collection(&demo, &after), names.visitors_of(&demo, &after)];
    all.sort();
    assert_eq!(double.names(), all, "what was carried of the version before is gone");
    assert_eq!(double.alias(&names.visitors_alias(&demo)), Some(names.visitors_of(&demo, &after)));
    assert!(stack.context.table.waiting_erasures(&demo).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_does_not_find_what_it_holds_publishes_nothing() {
    let (double, names, stack) = doubled().await;
    let demo = shop("demo");
    let (products, _) = sample();
    stack.sell(&demo, products).await;
    double.wrong.store(true, Ordering::SeqCst);
    let error = retrain_with(&stack.context, &demo, &quick(), &quiet).await.unwrap_err();
    assert!(matches!(error, Error::Recall { found, .. } if found < 0.95), "{error:?}");
    assert!(error.to_string().contains("95 % are needed"), "{error}");
    assert!(stack.context.table.live_model(&demo).await.unwrap().is_none());
    assert!(double.names().is_empty() && stack.files(&demo, "models").await.is_empty());
    // A server that is slow to index is waited for.
    double.wrong.store(false, Ordering::SeqCst);
    double.indexing.store(3, Ordering::SeqCst);
    stack.advance(60);
    let version = stack.publish(&demo).await;
    assert_eq!(double.indexing.load(Ordering::SeqCst), 0);
    assert_eq!(double.alias(&names.alias(&demo)), Some(names.collection(&demo, &version)));
}

#[tokio::test]
async fn a_killed_training_leaves_a_collection_that_nobody_names_and_that_goes_after_a_day() {
    let (double, names, stack) = doubled().await;
    let demo = shop("demo");
    stack.sell(&demo, &sample().0).await;
    let live = stack.publish(&demo).await;
    stack.advance(60);
    stack.sell(&demo, &products(&["new"])).await;
    let half_written = async {
        while double.names().len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        double.silent.store(usize::MAX, Ordering::SeqCst);
    };
    let settings = quick();
    tokio::select! {
        outcome = retrain_with(&stack.context, &demo, &settings, &quiet) => panic!("it was not killed: {outcome:?}"),
        () = half_written => {}
    }
    double.silent.store(0, Ordering::SeqCst);
    let left = double.names().into_iter().find(|name| *name != names.collection(&demo, &live)).unwrap();
    assert!(double.points(&left) < 301, "{left}");
    assert_eq!(stack.live(&demo).await.version, live);
    assert_eq!(double.alias(&names.alias(&demo)), Some(names.collection(&demo, &live)));
    stack.advance(60);
    let next = stack.publish(&demo).await;
    assert!(double.names().contains(&left), "it may be of a training under way");
    stack.advance(86_400);
    stack.train(&demo).await;
    assert!(!double.names().contains(&left), "{left}");
    assert_eq!(double.points(&names.collection(&demo, &next)), 301);
}

#[tokio::test]
async fn what_the_server_lost_or_never_had_is_written_again() {
    let (double, names, stack) = doubled().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a", "b", "c"])).await;
    let mut embedded = stack.context.clone();
    embedded.config.vectors = None;
    retrain_with(&embedded, &demo, &quick(), &quiet).await.unwrap();
    let live = names.collection(&demo, &stack.live(&demo).await.version);
    assert!(double.names().is_empty());
    let schedule = || invoke(&stack.context, &Invocation::Schedule, &quiet);
    for round in 0..2 {
        stack.advance(60);
        let reports = schedule().await.unwrap();
        assert!(matches!(reports[0].result, Ok(Outcome::Unchanged { .. })), "{round}: {:?}", reports[0].result);
        assert_eq!((double.points(&live), double.alias(&names.alias(&demo))), (3, Some(live.clone())), "{round}");
        assert!(matches!(schedule().await.unwrap()[0].result, Ok(Outcome::Idle)), "{round}");
        double.drop_collection(&live);
    }
    schedule().await.unwrap();
    double.lose(&live, 1);
    stack.train(&demo).await;
    assert_eq!(double.points(&live), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_trainings_at_once_the_alias_follows_the_pointer() {
    let (double, names, stack) = doubled().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a", "b"])).await;
    let calls = AtomicUsize::new(0);
    let overtake = |stage, _, _| {
        if matches!(stage, Stage::Learning(_)) && calls.fetch_add(1, Ordering::SeqCst) == 0 {
            let other = block_in_place(|| Handle::current().block_on(stack.train(&demo)));
            assert!(matches!(other, Outcome::Published { .. }));
            stack.advance(1);
        }
    };
    assert_eq!(retrain(&stack.context, &demo, &overtake).await.unwrap(), Outcome::Superseded);
    let live = names.collection(&demo, &stack.live(&demo).await.version);
    assert_eq!((double.names(), double.alias(&names.alias(&demo))), (vec![live.clone()], Some(live)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_whole_is_not_read_again() {
    let (double, names, stack) = doubled().await;
    let (demo, other) = (shop("demo"), shop("other"));
    stack.sell(&demo, &products(&["a", "b"])).await;
    stack.sell(&other, &products(&["c"])).await;
    stack.publish(&other).await;
    let foreign = stack.context.objects.get(&stack.live(&other).await.artifact).await.unwrap().unwrap();
    // Between publishing and tidying up, another artifact is put where the new one lies.
    let exchange = |stage, done, _| {
        let live = || Handle::current().block_on(stack.live(&demo));
        if (stage, done) == (Stage::Publishing, 1) {
            let key = block_in_place(live).artifact;
            block_in_place(|| Handle::current().block_on(stack.context.objects.put(&key, foreign.clone()))).unwrap();
        }
    };
    retrain_with(&stack.context, &demo, &quick(), &exchange).await.unwrap();
    assert_eq!(double.points(&names.collection(&demo, &stack.live(&demo).await.version)), 2);
}

#[tokio::test]
async fn without_its_key_or_without_the_server_a_version_is_published_and_carried_later() {
    let double = Double::with_key("open sesame");
    let url = double.serve().await.unwrap();
    let nowhere = "http://127.0.0.1:9".to_owned();
    let demo = shop("demo");
    let carried = server(url.clone(), Some("open sesame".to_owned()));
    for (url, key) in [(url.clone(), None), (url, Some("wrong".to_owned())), (nowhere, None)] {
        let away = VectorServer { url, api_key: key, ..carried.clone() };
        let mut stack = Stack::with_server(Some(away)).await;
        stack.sell(&demo, &products(&["a"])).await;
        let (key, now) = (stack.context.tombstone_key(), stack.context.clock.now());
        let anna = Visitor::anonymous("anna").unwrap();
        stack.context.table.erase(&key, &demo, &anna, Until::Ever, now).await.unwrap();
        let outcome = stack.train(&demo).await;
        let Outcome::Published { version, uncarried: Some(cause), .. } = &outcome else { panic!("{outcome:?}") };
        assert!(!cause.contains("sesame") && outcome.to_string().ends_with(cause), "{outcome}");
        assert_eq!(stack.card(&demo).await.uncarried.as_ref(), Some(cause));
        assert_eq!((&stack.live(&demo).await.version, double.names().len()), (version, 0));
        // What the server may still hold of somebody is not gone.
        assert_eq!(stack.context.table.waiting_erasures(&demo).await.unwrap().len(), 1);

        // Once it answers, the next schedule writes what it lacks.
        stack.context.config.vectors = Some(carried.clone());
        stack.advance(60);
        let schedule = || invoke(&stack.context, &Invocation::Schedule, &quiet);
        assert!(matches!(schedule().await.unwrap()[0].result, Ok(Outcome::Unchanged { .. })));
        let collection = carried.collection(&demo, version);
        assert_eq!((double.points(&collection), double.alias(&carried.alias(&demo))), (1, Some(collection.clone())));
        assert_eq!(stack.card(&demo).await.uncarried, None);
        assert!(stack.context.table.waiting_erasures(&demo).await.unwrap().is_empty());
        assert!(matches!(schedule().await.unwrap()[0].result, Ok(Outcome::Idle)));
        double.drop_collection(&collection);
    }
}

#[tokio::test]
async fn what_was_written_by_a_training_that_could_not_check_it_is_written_again() {
    let (double, names, stack) = doubled().await;
    let demo = shop("demo");
    let (products, _) = sample();
    stack.sell(&demo, products).await;
    let version = stack.publish(&demo).await;
    // As it is left by a server that went away between the last product and the check.
    let key = format!("shops/demo/models/{version}/card.json");
    let card = Published { uncarried: Some("gone".to_owned()), ..stack.card(&demo).await };
    stack.context.objects.put(&key, serde_json::to_vec(&card).unwrap()).await.unwrap();
    double.wrong.store(true, Ordering::SeqCst);
    stack.train(&demo).await;
    assert!(!double.names().contains(&names.collection(&demo, &version)), "it finds nothing, so it is not kept");
    assert!(stack.card(&demo).await.uncarried.is_some());
    double.wrong.store(false, Ordering::SeqCst);
    stack.train(&demo).await;
    let points = double.points(&names.collection(&demo, &version));
    assert_eq!((points, stack.card(&demo).await.uncarried), (products.len(), None));
}
