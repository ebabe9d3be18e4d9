//! Products and the delta.

use std::sync::atomic::{AtomicI64, Ordering};

use vitrine_domain::{Change, Millis, Product, ProductId};
use vitrine_store::products::Upserted;

use crate::support::{NOW, Stack, other_shop, shop};

fn product(n: usize, title: &str) -> Product {
    Product { price: Some(n as f64), ..Product::new(ProductId::new(format!("p{n:03}")).unwrap(), title) }
}

async fn changes(stack: &Stack, from: Millis) -> Vec<Change> {
    stack.table.changes_since(&shop(), from).await.unwrap().into_iter().map(|(_, change)| change).collect()
}

/// What the delta amounts to: the titles of what is there at its end.
async fn replayed(stack: &Stack) -> Vec<String> {
    let mut products = std::collections::BTreeMap::new();
    for change in changes(stack, Millis(0)).await {
        products.insert(change.id, change.product.map(|product| product.title));
    }
    products.into_values().flatten().collect()
}

#[tokio::test]
async fn only_what_is_new_or_different_is_written_and_told() {
    let stack = Stack::start().await;
    let first: Vec<Product> = (0..100).map(|n| product(n, "one")).collect();
    let upserted = stack.table.upsert_products(&shop(), &first, &|| NOW).await.unwrap();
    assert_eq!(upserted, Upserted { written: 100, unchanged: 0 });
    let again = stack.table.upsert_products(&shop(), &first, &|| NOW.plus(1)).await.unwrap();
    assert_eq!(again, Upserted { written: 0, unchanged: 100 });
    assert_eq!(changes(&stack, NOW).await.len(), 100);
    assert_eq!(changes(&stack, NOW.plus(1)).await, []);

    // Named twice: the last one counts, and only once.
    let second = [product(1, "two"), product(2, "one"), product(3, "x"), product(3, "three"), product(200, "new")];
    let upserted = stack.table.upsert_products(&shop(), &second, &|| NOW.plus(5)).await.unwrap();
    assert_eq!(upserted, Upserted { written: 3, unchanged: 1 });
    let told = changes(&stack, NOW.plus(5)).await;
    assert_eq!(told.iter().map(|c| c.product.clone().unwrap().title).collect::<Vec<_>>(), ["two", "three", "new"]);
    assert!(told.iter().all(|change| change.time == NOW.plus(5)));

    let ids: Vec<ProductId> = [1, 3, 200, 999, 1].iter().map(|n| product(*n, "").id).collect();
    let found = stack.table.products(&shop(), &ids).await.unwrap();
    assert_eq!(found.into_values().collect::<Vec<_>>(), [product(1, "two"), product(3, "three"), product(200, "new")]);
    assert_eq!(stack.table.product(&shop(), &ids[0]).await.unwrap(), Some(product(1, "two")));
    assert_eq!(stack.table.product(&other_shop(), &ids[0]).await.unwrap(), None);
}

#[tokio::test]
async fn a_withdrawn_product_is_gone_and_can_come_back_the_same() {
    let stack = Stack::start().await;
    let all: Vec<Product> = (0..90).map(|n| product(n, "here")).collect();
    stack.table.upsert_products(&shop(), &all, &|| NOW).await.unwrap();
    let mut gone: Vec<ProductId> = all[10..70].iter().map(|p| p.id.clone()).collect();
    gone.push(gone[0].clone());
    stack.table.withdraw_products(&shop(), &gone, &|| NOW).await.unwrap();
    let ids: Vec<ProductId> = all.iter().map(|p| p.id.clone()).collect();
    assert_eq!(stack.table.products(&shop(), &ids).await.unwrap().len(), 30);
    assert_eq!(replayed(&stack).await.len(), 30);
    stack.table.withdraw_products(&shop(), &gone, &|| NOW).await.unwrap();
    let back = stack.table.upsert_products(&shop(), &all, &|| NOW).await.unwrap();
    assert_eq!(back, Upserted { written: 60, unchanged: 30 });
    assert_eq!(replayed(&stack).await.len(), 90, "although all was written in one millisecond");
}

async fn changed(
    stack: &Stack,
    id: &ProductId,
    how: impl Fn(Product) -> Option<Product> + Send + Sync,
) -> Option<Product> {
    stack.table.change_product(&shop(), id, how, &|| NOW).await.unwrap()
}

#[tokio::test]
async fn of_changes_at_once_none_is_lost() {
    let stack = Stack::start().await;
    let (start, id) = (product(1, "here"), product(1, "").id);
    stack.table.upsert_products(&shop(), std::slice::from_ref(&start), &|| NOW).await.unwrap();
    for n in 0..50_i64 {
        let price = Some(n as f64 + 0.5);
        let (cheaper, fewer) = tokio::join!(
            changed(&stack, &id, |product| Some(Product { price, ..product })),
            changed(&stack, &id, |product| Some(Product { stock: Some(n), ..product })),
        );
        assert_eq!((cheaper.unwrap().price, fewer.unwrap().stock), (price, Some(n)));
        let both = Product { price, stock: Some(n), ..start.clone() };
        assert_eq!(stack.table.product(&shop(), &id).await.unwrap().as_ref(), Some(&both));
        assert_eq!(changes(&stack, NOW).await.pop().unwrap().product, Some(both), "the delta tells the same");
    }
    let told = changes(&stack, NOW).await.len();
    changed(&stack, &id, Some).await.unwrap();
    assert_eq!(changes(&stack, NOW).await.len(), told, "nothing was changed");
}

#[tokio::test]
async fn a_change_brings_back_nothing_that_is_withdrawn_meanwhile() {
    let stack = Stack::start().await;
    let (start, id) = (product(1, "here"), product(1, "").id);
    for n in 0..50_i64 {
        stack.table.upsert_products(&shop(), std::slice::from_ref(&start), &|| NOW).await.unwrap();
        let fewer = changed(&stack, &id, |product| Some(Product { stock: Some(n), ..product }));
        if n % 2 == 0 {
            let (_, withdrawn) = tokio::join!(fewer, changed(&stack, &id, |_| None));
            assert_eq!(withdrawn.map(|product| product.title), Some(start.title.clone()));
            assert_eq!(replayed(&stack).await, Vec::<String>::new(), "the delta tells the same");
        } else {
            // Those that a complete feed no longer names go whatever is stored of them.
            let gone = async { stack.table.withdraw_products(&shop(), std::slice::from_ref(&id), &|| NOW).await };
            let (_, gone) = tokio::join!(fewer, gone);
            gone.unwrap();
        }
        assert_eq!(stack.table.product(&shop(), &id).await.unwrap(), None);
    }
    assert_eq!(changed(&stack, &id, Some).await, None);
}

#[tokio::test]
async fn each_entry_of_a_long_import_is_dated_when_it_is_written() {
    let stack = Stack::start().await;
    let clock = AtomicI64::new(0);
    let now = || NOW.plus(clock.fetch_add(1, Ordering::SeqCst));
    let all: Vec<Product> = (0..100).map(|n| product(n, "one")).collect();
    stack.table.upsert_products(&shop(), &all, &now).await.unwrap();
    let entries = stack.table.changes_since(&shop(), Millis(0)).await.unwrap();
    let mut times: Vec<&str> = entries.iter().map(|(key, _)| key.split_once('#').unwrap().0).collect();
    times.dedup();
    assert_eq!(times.len(), 3, "a hundred products are three entries: {times:?}");
    assert!(times.is_sorted());
}

#[tokio::test]
async fn a_large_change_is_told_in_parts() {
    let stack = Stack::start().await;
    let large = |n| Product { description: "x".repeat(60_000), ..product(n, "large") };
    let all: Vec<Product> = (0..12).map(large).collect();
    stack.table.upsert_products(&shop(), &all, &|| NOW).await.unwrap();
    let told: Vec<Product> = changes(&stack, NOW).await.into_iter().filter_map(|change| change.product).collect();
    assert_eq!(told, all);
}

#[tokio::test]
async fn old_changes_are_forgotten_up_to_a_time() {
    let stack = Stack::start().await;
    for n in 0..5 {
        stack.table.upsert_products(&shop(), &[product(n, "x")], &|| NOW.plus(n as i64 * 10)).await.unwrap();
    }
    assert_eq!(stack.table.forget_changes_before(&shop(), NOW.plus(20)).await.unwrap(), 2);
    let left = changes(&stack, Millis(0)).await;
    assert_eq!(left.iter().map(|change| change.id.as_str()).collect::<Vec<_>>(), ["p002", "p003", "p004"]);
    assert!(stack.table.product(&shop(), &product(0, "x").id).await.unwrap().is_some(), "the product itself stays");
}
