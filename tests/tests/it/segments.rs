//! Segments in the hands of marketing: the shipped example, as it would be tried by hand.

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde_json::{Value, json};
use vitrine_domain::Millis;
use vitrine_domain::time::{DAY, MINUTE};
use vitrine_tests::{Ground, Shop, catalogue, ids};

/// The rules of the samples: what is sold off leads for deal hunters, what is new and exclusive for the brand loyal.
const RULES: &str = include_str!("../../../samples/rules/deals-and-novelties.ndjson");

/// A catalogue in which few products are any of that.
fn products() -> Value {
    let mut products = catalogue(&["tea", "coffee", "cups", "plates"], 12);
    for (at, product) in products.as_array_mut().into_iter().flatten().enumerate() {
        product["stock"] = json!(if at % 16 == 5 { 4 } else { 400 });
        if at % 16 == 1 {
            product["sale_price"] = json!(product["price"].as_f64().unwrap_or(1.0) / 2.0);
        }
        product["attributes"]["novelty"] = json!(at % 16 == 9);
        product["attributes"]["private_label"] = json!(at % 16 == 13);
    }
    products
}

/// An event of the past.
async fn past(shop: &Shop, at: Millis, id: &str, event: &str, properties: Value) -> Result<()> {
    let body = json!({"type": "track", "event": event, "anonymousId": "loyal", "messageId": id,
        "timestamp": at.to_rfc3339(), "properties": properties});
    shop.ok(&shop.browser, Method::POST, "/v1/t", Some(body)).await?;
    Ok(())
}

/// The rules that put a product into its slot.
fn rules_of(item: &Value) -> Vec<&str> {
    item["reasons"].as_array().into_iter().flatten().filter_map(|reason| reason["rule"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn end_of_stock_and_discounts_lead_for_deal_hunters_novelties_and_exclusives_for_the_brand_loyal() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("segments").await?;
    shop.stock(&products()).await?;
    for visitor in 0..24 {
        let category = ["tea", "coffee", "cups", "plates"][visitor % 4];
        for step in 0..6 {
            shop.view(&format!("learner-{visitor}"), &format!("{category}-{}", (visitor + step * 5) % 12)).await?;
        }
    }
    ground.stack.poller.caught_up().await;
    shop.retrain().await?;
    for line in RULES.lines() {
        let rule: Value = serde_json::from_str(line)?;
        let id = rule["id"].as_str().context("a rule without an id")?;
        let saved = shop.ok(&shop.server, Method::PUT, &format!("/v1/rules/{id}"), Some(rule.clone())).await?;
        assert_eq!((&saved["conflicts"], &saved["warnings"]), (&json!([]), &json!([])), "{saved}");
    }
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let home = |visitor: &'static str| {
        let shop = shop.clone();
        async move { shop.recommend("home", json!({"anonymous_id": visitor, "limit": 8})).await }
    };
    assert_eq!(home("hunter").await?["rules"], json!([]), "of a stranger nothing is known");

    // The next answer knows the third coupon.
    for coupon in ["spring", "summer", "autumn"] {
        assert_eq!(home("hunter").await?["rules"], json!([]));
        shop.track("hunter", "Coupon Applied", json!({"coupon_id": coupon})).await?;
    }
    let hunter = home("hunter").await?;
    assert_eq!(hunter["rules"], json!(["discounts-for-deal-hunters", "end-of-stock-for-deal-hunters"]));

    // Three orders over four months, all of one brand.
    let now = ground.stack.context.clock.now();
    for (n, days) in [120, 70, 9].into_iter().enumerate() {
        let day = now.plus(-days * DAY);
        for (minute, product) in [(0, "tea-0"), (1, "tea-3")] {
            let (at, id) = (day.plus(minute * MINUTE), format!("v{n}{product}"));
            past(&shop, at, &id, "Product Viewed", json!({"product_id": product})).await?;
        }
        let order =
            json!({"order_id": n.to_string(), "products": [{"product_id": "tea-6", "quantity": 1, "price": 7.0}]});
        past(&shop, day.plus(2 * MINUTE), &format!("o{n}"), "Order Completed", order).await?;
    }
    let loyal = home("loyal").await?;
    assert_eq!(loyal["rules"], json!(["exclusives-for-the-brand-loyal", "novelties-for-the-brand-loyal"]));

    for (answer, of) in [(&hunter, [1, 5]), (&loyal, [9, 13])] {
        let place = |id: &String| products().as_array().and_then(|all| all.iter().position(|p| p["id"] == id.as_str()));
        let kinds: Vec<usize> = ids(answer).iter().filter_map(place).map(|at| at % 16).collect();
        let led = kinds.iter().filter(|kind| of.contains(kind)).count();
        assert!(led >= 4, "half of the list at least: {kinds:?}");
        assert!(of.contains(&kinds[0]) && of.iter().all(|kind| kinds.contains(kind)), "it leads: {kinds:?}");
        let items = answer["items"].as_array().context("no items")?;
        assert!(!rules_of(&items[0]).is_empty(), "and says why: {}", items[0]);
    }

    // The profiles know it too, once they are folded, and the daily sweep tells how many there are.
    ground.stack.poller.caught_up().await;
    for (visitor, segment) in [("a:hunter", "deal-hunters"), ("a:loyal", "brand-loyal")] {
        let held = shop.ok(&shop.server, Method::GET, &format!("/v1/visitors/{visitor}"), None).await?;
        let of = held["profile"]["segments"]["of"].as_array().context("no segments")?;
        assert!(of.contains(&json!(segment)), "{}", held["profile"]["segments"]);
    }
    vitrine_fold::sweep(&ground.stack.context).await?;
    let all = shop.ok(&shop.server, Method::GET, "/v1/segments", None).await?;
    let members = |id: &str| all["segments"].as_array()?.iter().find(|one| one["id"] == id)?["members"].as_u64();
    assert_eq!(
        (members("deal-hunters"), members("brand-loyal"), all["visitors"].as_u64()),
        (Some(1), Some(1), Some(26))
    );
    let question = json!({"filter": "coupons >= 3 and orders = 0"});
    let size = shop.ok(&shop.server, Method::POST, "/v1/segments/size", Some(question)).await?;
    assert_eq!((&size["visitors"], &size["sample"], &size["of"]), (&json!(1), &json!(26), &json!(26)));
    ground.stop().await;
    Ok(())
}
