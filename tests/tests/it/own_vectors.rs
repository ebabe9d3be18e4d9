//! Vectors of the shop's own: sent, trained with, and followed where nothing else speaks.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use vitrine_tests::{Ground, Shop, ids};

/// Products that have nothing in common but their vectors: those of even places look one way, the others another.
const PRODUCTS: [&str; 10] = ["anvil", "broom", "chess", "drums", "easel", "fiord", "gourd", "hinge", "igloo", "joker"];

/// Vectors of all products, and of two visitors who look the other way.
fn vectors() -> String {
    let way = |n: usize| if n.is_multiple_of(2) { [1.0, 0.1] } else { [0.1, 1.0] };
    let products = PRODUCTS.iter().enumerate().map(|(n, id)| json!({"product_id": id, "vector": way(n)}));
    let visitors = [json!({"user_id": "ada", "vector": way(1)}), json!({"visitor_id": "a:phone", "vector": way(1)})];
    products.chain(visitors).map(|line| format!("{line}\n")).collect()
}

/// The places in [`PRODUCTS`] of the first products of an answer.
fn first(answer: &Value, most: usize) -> Vec<usize> {
    ids(answer).iter().take(most).filter_map(|id| PRODUCTS.iter().position(|known| known == id)).collect()
}

async fn parts(shop: &Shop) -> Result<Vec<String>> {
    let models = shop.ok(&shop.server, Method::GET, "/v1/models", None).await?;
    let parts = models["card"]["model"]["parts"].as_array().cloned().unwrap_or_default();
    Ok(parts.iter().filter_map(|part| part["name"].as_str().map(str::to_owned)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn recommendations_follow_the_shops_own_vectors_where_nothing_else_speaks() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("own").await?;
    shop.stock(&PRODUCTS.iter().map(|id| json!({"id": id, "title": id, "price": 1.0})).collect()).await?;
    let sent = shop.send(Method::PUT, "/v1/vectors/looks", vectors()).await?;
    assert_eq!((&sent["products"], &sent["visitors"]), (&json!(10), &json!(2)));
    shop.retrain().await?;
    assert!(parts(&shop).await?.contains(&"own:looks".to_owned()));

    let home = async |key: &str, who: Value| {
        let mut question = who;
        question["limit"] = json!(10);
        shop.ok(key, Method::POST, "/v1/recommendations/home", Some(question)).await
    };
    for (at, id) in [(0, "anvil"), (3, "drums")] {
        // Of each a visitor of their own: who looks both ways is told little by either.
        let visitor = format!("looks-at-{id}");
        shop.view(&visitor, id).await?;
        let answer = home(&shop.browser, json!({"anonymous_id": visitor})).await?;
        let like_it = first(&answer, 4);
        assert!(like_it.len() == 4 && like_it.iter().all(|place| place % 2 == at % 2), "after {id}: {answer}");
    }
    // Whom the shop has a vector for needs no history.
    for (key, who) in [(&shop.server, json!({"visitor_id": "ada"})), (&shop.browser, json!({"anonymous_id": "phone"}))]
    {
        let answer = home(key, who).await?;
        let theirs = first(&answer, 5);
        assert!(theirs.len() == 5 && theirs.iter().all(|place| place % 2 == 1), "{answer}");
        assert_eq!(answer["items"][0]["reasons"][0]["kind"], "taste", "{answer}");
    }

    shop.ok(&shop.server, Method::DELETE, "/v1/vectors/looks", None).await?;
    shop.retrain().await?;
    assert!(!parts(&shop).await?.contains(&"own:looks".to_owned()));
    ground.stop().await;
    Ok(())
}
