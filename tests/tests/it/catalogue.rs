//! The catalogue reaches the answers: at once, without a training.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use vitrine_tests::{Ground, catalogue, ids};

#[tokio::test(flavor = "multi_thread")]
async fn a_product_set_out_of_stock_is_gone_within_a_second() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("stock").await?;
    shop.stock(&catalogue(&["tea"], 5)).await?;
    shop.retrain().await?;
    let all = shop.recommend("trending", json!({"limit": 10})).await?;
    assert_eq!(ids(&all).len(), 5);
    let patch = json!({"availability": "out_of_stock"});
    shop.ok(&shop.server, Method::PATCH, "/v1/products/tea-2", Some(patch)).await?;
    shop.ok(&shop.server, Method::DELETE, "/v1/products/tea-3", None).await?;
    // The promise is one second, so that is what is waited for.
    tokio::time::sleep(std::time::Duration::from_millis(1050)).await;
    for placement in ["trending", "home", "feed", "category"] {
        let left = shop.recommend(placement, json!({"limit": 10})).await?;
        assert!(!ids(&left).iter().any(|id| id == "tea-2" || id == "tea-3"), "{placement} {left}");
        assert_eq!(ids(&left).len(), 3);
    }
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_product_and_a_new_price_are_found_before_any_training() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("fresh").await?;
    shop.stock(&catalogue(&["tea", "coffee"], 4)).await?;
    shop.retrain().await?;
    tokio::time::sleep(std::time::Duration::from_millis(1050)).await;
    let novelty =
        json!({"id": "novelty", "title": "A new tea", "category": ["All", "tea"], "price": 99.0, "currency": "EUR"});
    shop.stock(&novelty).await?;
    shop.ok(&shop.server, Method::PATCH, "/v1/products/coffee-1", Some(json!({"price": 77.5}))).await?;
    tokio::time::sleep(std::time::Duration::from_millis(1050)).await;
    let dear = shop.recommend("home", json!({"filter": "price > 50", "limit": 10})).await?;
    let mut found = ids(&dear);
    found.sort();
    assert_eq!(found, ["coffee-1", "novelty"]);
    let of_colour =
        shop.recommend("home", json!({"filter": "colour = \"red\" and category = \"tea\"", "limit": 10})).await?;
    assert_eq!(ids(&of_colour).len(), 2);
    let (status, problem) = shop
        .call(&shop.browser, Method::POST, "/v1/recommendations/home", Some(json!({"filter": "flavour = \"mint\""})))
        .await?;
    assert_eq!(status, 422);
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains("flavour")), "{problem}");
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_feed_withdraws_what_it_no_longer_names() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("feed").await?;
    shop.stock(&catalogue(&["tea"], 6)).await?;
    let path = "/v1/products/import?format=json&complete=true";
    let report = shop.ok(&shop.server, Method::POST, path, Some(catalogue(&["tea"], 4))).await?;
    assert_eq!(
        (report["read"].as_u64(), report["unchanged"].as_u64(), report["withdrawn"].as_u64()),
        (Some(4), Some(4), Some(2))
    );
    let (status, _) = shop.call(&shop.server, Method::GET, "/v1/products/tea-5", None).await?;
    assert_eq!(status, 404);
    // A feed with a bad row is not taken for the whole truth.
    let mut broken = catalogue(&["tea"], 1);
    broken[0]["title"] = json!(null);
    let report = shop.ok(&shop.server, Method::POST, path, Some(broken)).await?;
    assert_eq!((report["refused"].as_u64(), report["withdrawn"].as_u64()), (Some(1), Some(0)), "{report}");
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_by_upload_and_a_job() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("upload").await?;
    let asked = shop.ok(&shop.server, Method::POST, "/v1/imports/products?format=json", None).await?;
    let address = asked["upload"]["url"].as_str().unwrap_or_default().to_owned();
    let body = catalogue(&["tea", "coffee"], 50).to_string();
    let sent = reqwest::Client::new().put(&address).body(body).send().await?;
    assert!(sent.status().is_success(), "{address} {}", sent.status());
    let location = asked["location"].as_str().unwrap_or_default();
    let job = shop.eventually(location, |job| job["state"] == "done").await?;
    assert_eq!((job["result"]["read"].as_u64(), job["result"]["written"].as_u64()), (Some(100), Some(100)));
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_to_an_address_of_nobodys_is_refused_before_it_is_read() -> Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let ground = Ground::start().await?;
    let mut connection = tokio::net::TcpStream::connect(ground.stack.address).await?;
    let head = "PUT /uploads/made-up HTTP/1.1\r\nhost: shop\r\ncontent-length: 100000000000\r\n\r\nfirst bytes";
    connection.write_all(head.as_bytes()).await?;
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).await?;
    assert_eq!(std::str::from_utf8(&answer)?, "HTTP/1.1 404");
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_and_customers_land_in_the_same_profile() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("offline").await?;
    let orders = "order_id,time,user_id,product_id,quantity,price,currency,channel,return\n\
        o1,2026-01-05T10:00:00Z,anna,tea-1,2,3.50,EUR,store,\n\
        o1,2026-01-05T10:00:00Z,anna,tea-2,1,2.00,EUR,store,\n\
        o2,2026-02-05T10:00:00Z,anna,tea-1,1,3.50,EUR,web,true\n";
    let customers = "user_id,loyalty_tier,age\nanna,gold,41\n";
    for (kind, text) in [("orders", orders), ("customers", customers)] {
        let sent = reqwest::Client::new()
            .post(format!("{}/v1/{kind}/import?format=csv", ground.stack.url()))
            .bearer_auth(&shop.server)
            .body(text)
            .send()
            .await?;
        assert!(sent.status().is_success(), "{kind} {}", sent.text().await?);
    }
    let known = |value: &serde_json::Value| value["profile"]["state"]["traits"]["loyalty_tier"] == "gold";
    let visitor =
        shop.eventually("/v1/visitors/anna", |v| known(v) && v["profile"]["state"]["counts"]["refund"] == 1).await?;
    let state = &visitor["profile"]["state"];
    assert_eq!(state["counts"]["order"], 1);
    assert!((state["value"]["EUR"].as_f64().unwrap_or_default() - 5.5).abs() < 1e-9, "{state}");
    ground.stop().await;
    Ok(())
}
