//! From lake and catalogue to a live model.

use vitrine_domain::time::SECOND;
use vitrine_learn::Pair;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_is_trained_and_published_once() {
    let stack = Stack::start().await;
    let (demo, (products, events)) = (shop("demo"), sample());
    stack.sell(&demo, products).await;
    for (n, part) in events.chunks(events.len() / 3).enumerate() {
        stack.archive(&demo, &format!("{n}"), part).await;
    }
    // At least once is what the archive promises.
    stack.archive(&demo, "again", &events[..500]).await;

    let outcome = stack.train(&demo).await;
    let Outcome::Published { version, counts, read, .. } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(read.events, events.len());
    assert_eq!((read.out_of_time, read.without_consent, read.robots), (0, 0, 0));
    assert!(read.joined_devices > 10, "{read:?}");
    assert_eq!(counts.products, 300);
    let orders = events.iter().filter(|event| event.action == Action::Order);
    let of_ours = |event: &&Event| event.lines.iter().any(|line| products.iter().any(|p| p.id == line.product));
    assert_eq!(counts.orders, orders.filter(of_ours).count());

    let live = stack.live(&demo).await;
    assert_eq!(&live.version, version);
    assert!(version.starts_with("20261122T144000-"), "{version}");
    assert_eq!((live.published, live.delta_from), (END, END.plus(-10 * SECOND)));
    assert_eq!(
        stack.files(&demo, &format!("models/{version}")).await,
        ["artifact.bin", "card.json", "catalogue.ndjson.zst", "seen.json"]
    );
    let artifact = stack.artifact(&demo).await;
    assert_eq!(artifact.len(), 300);
    let together = |row| !artifact.neighbours(Pair::OrderTogether, row).0.is_empty();
    assert!((0..300).filter(|row| together(*row)).count() > 250);
    let card = stack.card(&demo).await;
    assert_eq!((&card.version, card.replaces.as_ref(), &card.read), (version, None, read));
    assert_eq!(card.model.counts, *counts);
    assert!(counts.unknown_products > 0, "orders name products beyond the 300");
    // The index that was chosen, and why.
    let stored = vitrine_index::Stored::open(|name| artifact.section(name), artifact.vectors(), artifact.dims());
    assert_eq!(stored.unwrap().kind().name(), card.model.index["chosen"].as_str().unwrap());
    assert!(card.model.index["why"].as_str().is_some_and(|why| !why.is_empty()), "{}", card.model.index);

    stack.advance(60);
    assert_eq!(stack.train(&demo).await, Outcome::Unchanged { version: version.clone() });
    assert_eq!(stack.live(&demo).await, live);
    assert_eq!(stack.files(&demo, "models").await.len(), 4);
}

#[tokio::test]
async fn new_events_and_changed_products_make_a_new_model() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a", "b", "c"])).await;
    stack.archive(&demo, "1", &[event(&device("d"), 60, Action::View, &["a"])]).await;
    let first = stack.publish(&demo).await;
    stack.advance(1);
    stack.archive(&demo, "2", &[event(&device("d"), 50, Action::View, &["b"])]).await;
    let second = stack.publish(&demo).await;
    assert_ne!(first[..15], second[..15]);
    stack.advance(1);
    stack.sell(&demo, &[Product { price: Some(2.5), ..product("c") }]).await;
    stack.publish(&demo).await;
    let artifact = stack.artifact(&demo).await;
    assert_eq!(artifact.price(artifact.position("c").unwrap()), Some(2.5));
    assert_eq!(stack.card(&demo).await.replaces, Some(second));
}

#[tokio::test]
async fn a_withdrawn_product_is_gone_and_one_that_came_back_is_there() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a", "b", "c"])).await;
    stack.archive(&demo, "1", &[event(&device("d"), 60, Action::Order, &["a", "b", "c"])]).await;
    stack.publish(&demo).await;
    stack.advance(60);
    stack.withdraw(&demo, "b").await;
    stack.withdraw(&demo, "c").await;
    stack.advance(1);
    stack.sell(&demo, &products(&["c"])).await;
    stack.publish(&demo).await;
    let artifact = stack.artifact(&demo).await;
    assert_eq!((artifact.len(), artifact.position("b")), (2, None));
    assert!(artifact.position("c").is_some());
    assert_eq!(stack.card(&demo).await.model.counts.unknown_products, 1);
    // And it stays gone when the delta no longer says so.
    stack.advance(2 * 86_400);
    stack.sell(&demo, &products(&["d"])).await;
    stack.publish(&demo).await;
    stack.advance(2 * 86_400);
    stack.sell(&demo, &products(&["e"])).await;
    stack.publish(&demo).await;
    let artifact = stack.artifact(&demo).await;
    let ids: Vec<&str> = (0..4).map(|row| artifact.id(row)).collect();
    assert_eq!(ids, ["a", "c", "d", "e"]);
}

#[tokio::test]
async fn changes_that_every_kept_catalogue_holds_since_a_day_are_forgotten() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.configure(&demo, &Training { keep: 1, ..Training::default() }).await;
    let delta = async || stack.context.table.changes_since(&demo, Millis(0)).await.unwrap().len();
    stack.sell(&demo, &products(&["a", "b"])).await;
    stack.publish(&demo).await;
    assert_eq!(delta().await, 2);
    stack.advance(86_400);
    stack.sell(&demo, &products(&["c"])).await;
    stack.publish(&demo).await;
    assert_eq!(delta().await, 3, "readers of the time before may still need them");
    stack.advance(11);
    stack.sell(&demo, &[Product { price: Some(1.0), ..product("c") }]).await;
    stack.publish(&demo).await;
    let left = stack.context.table.changes_since(&demo, Millis(0)).await.unwrap();
    let left: Vec<&str> = left.iter().map(|(_, change)| change.id.as_str()).collect();
    assert_eq!(left, ["c", "c"]);
    // What a reader puts together is still everything.
    assert_eq!(stack.artifact(&demo).await.len(), 3);
}

#[tokio::test]
async fn shops_with_little_in_them() {
    let stack = Stack::start().await;
    let seen = [event(&device("d"), 60, Action::View, &["a"]), event(&device("d"), 59, Action::View, &["b"])];

    let empty = shop("empty");
    assert_eq!(stack.train(&empty).await, Outcome::NothingToLearn);
    assert_eq!(stack.files(&empty, "models").await.len(), 0);

    let events_only = shop("events-only");
    stack.archive(&events_only, "1", &seen).await;
    assert_eq!(stack.train(&events_only).await, Outcome::NothingToLearn);

    let products_only = shop("products-only");
    stack.sell(&products_only, &products(&["a", "b"])).await;
    stack.publish(&products_only).await;
    let artifact = stack.artifact(&products_only).await;
    assert_eq!((artifact.len(), artifact.popular().len()), (2, 2));

    // All products gone: the model must not go on showing them.
    stack.advance(60);
    stack.withdraw(&products_only, "a").await;
    stack.withdraw(&products_only, "b").await;
    stack.publish(&products_only).await;
    assert!(stack.artifact(&products_only).await.is_empty());
}

#[tokio::test]
async fn two_shops_do_not_mix() {
    let stack = Stack::start().await;
    let (one, two) = (shop("one"), shop("one-more"));
    stack.sell(&one, &products(&["a", "b"])).await;
    stack.sell(&two, &products(&["b", "c", "d"])).await;
    let visitor = device("same");
    stack.archive(&one, "1", &[event(&visitor, 60, Action::View, &["b"])]).await;
    let theirs = [event(&visitor, 50, Action::View, &["b"]), event(&visitor, 40, Action::View, &["c"])];
    stack.archive(&two, "1", &theirs).await;
    stack.publish(&one).await;
    stack.publish(&two).await;
    let (first, second) = (stack.artifact(&one).await, stack.artifact(&two).await);
    let ids =
        |artifact: &Artifact| (0..artifact.len() as u32).map(|row| artifact.id(row).to_owned()).collect::<Vec<_>>();
    assert_eq!((ids(&first), ids(&second)), (vec!["a".into(), "b".into()], vec!["b".into(), "c".into(), "d".into()]));
    assert_eq!(stack.card(&one).await.read.events, 1);
    assert_eq!(stack.card(&two).await.read.events, 2);
    assert_eq!(stack.files(&one, "models").await.len(), 4);
}

#[tokio::test]
async fn damage_leaves_the_live_model_alone_and_says_what_it_is() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a"])).await;
    stack.publish(&demo).await;
    let live = stack.live(&demo).await;
    let failure = async || {
        let error = retrain(&stack.context, &demo, &quiet).await.unwrap_err();
        vitrine_runtime::telemetry::causes(&error)
    };
    let catalogue = stack.context.objects.get(&live.catalogue).await.unwrap().unwrap();
    stack.context.objects.put(&live.catalogue, catalogue.slice(..catalogue.len() - 3)).await.unwrap();
    let text = failure().await;
    assert!(text.starts_with("a store failed: stored catalogue cannot be read: "), "{text}");
    stack.context.objects.delete(&live.catalogue).await.unwrap();
    let text = failure().await;
    assert!(text.ends_with(&format!("{} is gone", live.catalogue)), "{text}");
    stack.context.objects.put(&live.catalogue, catalogue).await.unwrap();
    let damaged = format!("shops/{demo}/events/2026-11-22/damaged.ndjson.zst");
    stack.context.objects.put(&damaged, "no zstd".to_owned()).await.unwrap();
    let text = failure().await;
    assert!(text.starts_with("a store failed: packing failed: "), "{text}");
    assert_eq!(stack.live(&demo).await, live);
    assert_eq!(stack.files(&demo, "models").await.len(), 4);
}

#[tokio::test]
async fn a_lost_artifact_is_published_again() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a"])).await;
    let first = stack.publish(&demo).await;
    stack.context.objects.delete(&stack.live(&demo).await.artifact).await.unwrap();
    stack.advance(1);
    assert_ne!(stack.publish(&demo).await, first);
    assert_eq!(stack.artifact(&demo).await.len(), 1);
}

#[tokio::test]
async fn an_uploaded_file_that_nobody_imported_goes_after_a_day() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a", "b"])).await;
    let (old, young) =
        (END.plus(-25 * 60 * vitrine_domain::time::MINUTE), END.plus(-23 * 60 * vitrine_domain::time::MINUTE));
    let of = |kind: &str, at: Millis| format!("{kind}/{}-0000000000000001", at.sort_key());
    for name in [of("orders", old), of("customers", young), of("retrain", old)] {
        stack.context.objects.put(&format!("shops/demo/jobs/{name}"), "x").await.unwrap();
    }
    stack.publish(&demo).await;
    assert_eq!(stack.files(&demo, "jobs").await, [of("customers", young), of("retrain", old)]);
}

#[tokio::test]
async fn what_nobody_waits_for_goes_also_where_nothing_happens() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a", "b"])).await;
    let live = stack.publish(&demo).await;
    let (old, young) =
        (END.plus(-25 * 60 * vitrine_domain::time::MINUTE), END.plus(-23 * 60 * vitrine_domain::time::MINUTE));
    let ids = |at: Millis| format!("{}-0000000000000001-ids.json", at.sort_key());
    // Of a training that was killed.
    let left = "20260101T000000-00000000";
    for name in
        [format!("vectors/m/{}", ids(old)), format!("vectors/m/{}", ids(young)), format!("models/{left}/card.json")]
    {
        stack.context.objects.put(&format!("shops/demo/{name}"), "[]").await.unwrap();
    }
    let said = vitrine_retrain::handle(&stack.context, serde_json::json!({})).await.unwrap();
    assert_eq!(said[0]["result"]["outcome"], "idle");
    assert_eq!(stack.files(&demo, "vectors/m").await, [ids(young)]);
    let folders = stack.context.objects.folders("shops/demo/models").await.unwrap();
    assert_eq!(folders, [live]);
}
