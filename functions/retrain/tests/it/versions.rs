//! What is kept of old versions, and what is swept up.

use super::*;

/// Publishes a version after another, each from a change of its own.
async fn publish_many(stack: &Stack, demo: &Shop, many: u32) -> Vec<String> {
    let mut versions = Vec::new();
    for n in 0..many {
        stack.sell(demo, &[Product { price: Some(f64::from(n + 1)), ..product("a") }]).await;
        versions.push(stack.publish(demo).await);
        stack.advance(60);
    }
    versions
}

async fn kept(stack: &Stack, demo: &Shop) -> (Vec<String>, Vec<String>) {
    let versions = stack.context.table.model_versions(demo).await.unwrap();
    let mut folders = stack.context.objects.folders(&format!("shops/{demo}/models")).await.unwrap();
    folders.sort();
    (versions.into_iter().map(|version| version.version).collect(), folders)
}

#[tokio::test]
async fn the_newest_three_versions_are_kept() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    let versions = publish_many(&stack, &demo, 5).await;
    let (listed, folders) = kept(&stack, &demo).await;
    assert_eq!((listed.as_slice(), folders.as_slice()), (&versions[2..], &versions[2..]));
    assert_eq!(stack.files(&demo, "models").await.len(), 12);
}

#[tokio::test]
async fn a_live_version_is_kept_however_old_it_is() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    let versions = publish_many(&stack, &demo, 3).await;
    let table = &stack.context.table;
    let first = table.model_versions(&demo).await.unwrap().remove(0);
    // Two more were published, and then the shop went back to the first, in catalogue and pointer.
    for (flips, n) in [(3, 1), (4, 2)] {
        let published = stack.context.clock.now().plus(n);
        let newer = Live { version: format!("20261122T15000{n}-00000000"), published, ..first.clone() };
        table.publish_model(&demo, &newer, flips).await.unwrap();
    }
    table.publish_model(&demo, &first, 5).await.unwrap();
    stack.sell(&demo, &[Product { price: Some(1.0), ..product("a") }]).await;
    assert_eq!(stack.train(&demo).await, Outcome::Unchanged { version: versions[0].clone() });
    let (listed, folders) = kept(&stack, &demo).await;
    let newest = ["20261122T150001-00000000", "20261122T150002-00000000"];
    assert_eq!(listed, [&versions[0], &versions[2], newest[0], newest[1]]);
    assert_eq!(folders, [versions[0].as_str(), &versions[2]]);
    assert_eq!(stack.artifact(&demo).await.len(), 1);
}

#[tokio::test]
async fn leftovers_of_killed_trainings_are_swept_up_after_a_day() {
    let stack = Stack::start().await;
    let demo = shop("demo");
    stack.sell(&demo, &products(&["a"])).await;
    let live = stack.publish(&demo).await;
    let put = async |folder: &str| {
        let key = format!("shops/{demo}/models/{folder}/artifact.bin");
        stack.context.objects.put(&key, "half".to_owned()).await.unwrap();
    };
    put("20261121T143959-01234567").await;
    put("20261121T144001-01234567").await;
    put("by-hand").await;
    assert_eq!(stack.train(&demo).await, Outcome::Unchanged { version: live.clone() });
    let (listed, folders) = kept(&stack, &demo).await;
    assert_eq!(listed, [live.as_str()]);
    assert_eq!(folders, ["20261121T144001-01234567", &live, "by-hand"]);
}
