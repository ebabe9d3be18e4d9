//! Going back to a version, and what a training does after that.

use vitrine_learn::vectors::parse_ndjson;
use vitrine_store::catalogue::Catalogue;
use vitrine_store::vectors::VectorSet;

use super::*;

/// Three versions, a day and a product apart.
async fn three_versions(stack: &Stack, demo: &Shop) -> Vec<String> {
    let mut versions = Vec::new();
    for (n, id) in ["a", "b", "c"].into_iter().enumerate() {
        stack.sell(demo, &products(&[id])).await;
        stack.archive(demo, id, &[event(&device("d"), 600 - n as i64, Action::View, &[id])]).await;
        versions.push(stack.publish(demo).await);
        stack.advance(2 * 86_400);
    }
    versions
}

/// The catalogue as a reader of the live version puts it together.
async fn catalogue(stack: &Stack, demo: &Shop) -> Vec<String> {
    let live = stack.live(demo).await;
    let catalogue = Catalogue::load(&stack.context.table, &stack.context.objects, demo, Some(&live)).await.unwrap();
    catalogue.products.iter().map(|product| product.id.to_string()).collect()
}

#[tokio::test]
async fn an_older_version_has_every_change_since() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    let versions = three_versions(&stack, &demo).await;
    stack.withdraw(&demo, "b").await;
    stack.go_to(&demo, &versions[0]).await;
    assert_eq!(stack.artifact(&demo).await.len(), 1);
    assert_eq!(catalogue(&stack, &demo).await, ["a", "c"]);
    // The training after that reads its catalogue in the same way, and is published as usual.
    stack.archive(&demo, "new", &[event(&device("d"), 5, Action::View, &["c"])]).await;
    let newest = stack.publish(&demo).await;
    assert!(!versions.contains(&newest));
    assert_eq!(stack.card(&demo).await.replaces.as_ref(), Some(&versions[0]));
    let artifact = stack.artifact(&demo).await;
    assert_eq!((artifact.len(), artifact.position("b")), (2, None));
}

#[tokio::test]
async fn the_model_that_was_taken_back_is_not_published_again() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    let versions = three_versions(&stack, &demo).await;
    stack.go_to(&demo, &versions[1]).await;
    let taken_back = Outcome::TakenBack { version: versions[1].clone(), from: versions[2].clone() };
    assert_eq!(stack.train(&demo).await, taken_back);
    assert!(taken_back.to_string().contains(&versions[2]));
    assert_eq!(stack.live(&demo).await.version, versions[1]);
    assert_eq!(stack.files(&demo, "models").await.len(), 12);
    // Nothing has come since, so a schedule has nothing to do.
    let said = vitrine_retrain::handle(&stack.context, serde_json::json!({})).await.unwrap();
    assert_eq!(said[0]["result"]["outcome"], "idle");
    // Going forth again is no training's doing either.
    stack.go_to(&demo, &versions[2]).await;
    assert_eq!(stack.train(&demo).await, Outcome::Unchanged { version: versions[2].clone() });
}

#[tokio::test]
async fn so_many_versions_are_kept_as_the_setting_says_with_the_changes_they_need() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.configure(&demo, &Training { keep: 2, ..Training::default() }).await;
    let versions = three_versions(&stack, &demo).await;
    let kept = async || {
        let kept = stack.context.table.model_versions(&demo).await.unwrap();
        kept.into_iter().map(|version| version.version).collect::<Vec<_>>()
    };
    assert_eq!(kept().await, versions[1..]);
    assert_eq!(stack.context.objects.folders("shops/demo/models").await.unwrap().len(), 2);
    // The second one took in a and b; a is two days older than it, b came just before.
    let delta = async || {
        let changes = stack.context.table.changes_since(&demo, Millis(0)).await.unwrap();
        changes.into_iter().map(|(_, change)| change.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(delta().await, ["b", "c"]);
    // A version that is live by going back keeps what it needs, however many newer ones there are.
    stack.go_to(&demo, &versions[1]).await;
    for (n, id) in ["d", "e", "f"].into_iter().enumerate() {
        stack.sell(&demo, &products(&[id])).await;
        assert_eq!(catalogue(&stack, &demo).await.len(), 4 + n);
        stack.publish(&demo).await;
        stack.advance(2 * 86_400);
    }
    assert_eq!(kept().await.len(), 2);
    assert_eq!(delta().await, ["e", "f"]);
    assert_eq!(catalogue(&stack, &demo).await.len(), 6);
}

#[tokio::test]
async fn own_vectors_are_something_new_to_a_schedule_and_damaged_ones_are_named() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a", "b"])).await;
    stack.archive(&demo, "1", &[event(&device("d"), 60, Action::View, &["a"])]).await;
    stack.publish(&demo).await;
    let scheduled = async || {
        let said = vitrine_retrain::handle(&stack.context, serde_json::json!({})).await;
        said.map(|said| said[0]["result"]["outcome"].as_str().unwrap().to_owned())
    };
    assert_eq!(scheduled().await.unwrap(), "idle");
    let own = parse_ndjson("images", b"{\"product_id\": \"a\", \"vector\": [1, 2]}").unwrap();
    let bytes = own.pack().unwrap();
    let set = VectorSet {
        object: VectorSet::new_object(&demo, "images", END).unwrap(),
        dims: 2,
        products: 1,
        visitors: 0,
        bytes: bytes.len(),
        uploaded: END,
    };
    let (table, objects) = (&stack.context.table, &stack.context.objects);
    objects.put(&set.object, bytes[..bytes.len() - 1].to_vec()).await.unwrap();
    table.put_vector_set(objects, &demo, "images", &set, None).await.unwrap();
    let error = scheduled().await.unwrap_err().to_string();
    assert!(error.contains("the vectors `images` cannot be read"), "{error}");
    objects.put(&set.object, bytes).await.unwrap();
    assert_ne!(scheduled().await.unwrap(), "idle");
    assert_eq!(scheduled().await.unwrap(), "idle");
    table.remove_vector_set(objects, &demo, "images").await.unwrap();
    assert_ne!(scheduled().await.unwrap(), "idle");
}
