//! What one key and one visitor may ask, over HTTP.
#![allow(clippy::print_stdout, reason = "figures for --nocapture")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde_json::{Value, json};
use vitrine_local::Options;
use vitrine_runtime::{Limits, Rate};
use vitrine_tests::{Ground, Shop, catalogue};

async fn ground(key: Rate, visitor: Rate) -> Result<Ground> {
    Ground::start_with(|options| Options { limits: Limits { key, visitor }, ..options }).await
}

/// No bound that a test meets.
const WIDE: Rate = Rate { per_second: 1_000_000, burst: 1_000_000 };

/// Asks for the categories now and then: how long each answer took, all of them good.
async fn asks(shop: &Shop, times: usize) -> Result<Vec<Duration>> {
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let began = Instant::now();
        shop.ok(&shop.browser, Method::GET, "/v1/categories", None).await?;
        took.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    took.sort();
    Ok(took)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_flood_of_one_key_costs_no_other_key_an_answer() -> Result<()> {
    let rate = Rate { per_second: 60, burst: 100 };
    let ground = ground(rate, WIDE).await?;
    let (flooded, other) = (ground.shop("flooded").await?, ground.shop("other").await?);
    for shop in [&flooded, &other] {
        shop.stock(&catalogue(&["tea"], 3)).await?;
        shop.ok(&shop.browser, Method::GET, "/v1/categories", None).await?;
    }
    // 50 requests a second at most, so the other key stays within its own limit.
    let quiet = asks(&other, 50).await?;

    let address = format!("{}/v1/categories", ground.stack.url());
    let (answered, refused) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let began = Instant::now();
    let end = began + Duration::from_secs(3);
    let flood: Vec<_> = (0..8)
        .map(|_| {
            let (answered, refused) = (answered.clone(), refused.clone());
            let (address, key) = (address.clone(), flooded.browser.clone());
            tokio::spawn(async move {
                let http = reqwest::Client::new();
                while Instant::now() < end {
                    // Some 400 a second together, six times what the key may ask: as fast as they can, the senders would
                    // take the processor that they share with the stack.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    let answer = http.get(&address).bearer_auth(&key).send().await?;
                    if answer.status() == 200 {
                        answered.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    let wait =
                        answer.headers().get("retry-after").context("no Retry-After")?.to_str()?.parse::<u32>()?;
                    let kind = answer.headers()["content-type"].to_str()?.to_owned();
                    let problem: Value = answer.json().await?;
                    anyhow::ensure!(problem["status"] == 429 && problem["request_id"].is_string(), "{problem}");
                    anyhow::ensure!(wait == 1 && kind == "application/problem+json", "{wait} {kind}");
                    refused.fetch_add(1, Ordering::Relaxed);
                }
                Ok(began.elapsed())
            })
        })
        .collect();
    let meanwhile = asks(&other, 50).await?;
    let mut lasted = Duration::ZERO;
    for task in flood {
        lasted = lasted.max(task.await??);
    }
    let (answered, refused) = (answered.into_inner_of(), refused.into_inner_of());
    println!(
        "{answered} answered, {refused} refused in {lasted:?}; the other key: median {:?} and slowest {:?} quiet, {:?} and {:?} in the flood",
        quiet[25], quiet[49], meanwhile[25], meanwhile[49]
    );
    assert!(refused > answered, "this was no flood");
    // One of the bucket's tokens went before the flood, and came back.
    let most = rate.burst + (lasted.as_millis() as u32 * rate.per_second).div_ceil(1000);
    let least = rate.burst + 2 * rate.per_second;
    assert!((least..=most).contains(&answered), "{least} <= {answered} <= {most}");
    ground.stop().await;
    Ok(())
}

/// Reads a count that tasks have left.
trait Left {
    fn into_inner_of(self) -> u32;
}

impl Left for Arc<AtomicU32> {
    fn into_inner_of(self) -> u32 {
        self.load(Ordering::Relaxed)
    }
}

fn views(visitor: &str, count: usize) -> impl Iterator<Item = Value> {
    let visitor = visitor.to_owned();
    (0..count).map(move |n| {
        json!({"type": "track", "event": "Product Viewed", "anonymousId": visitor, "properties": {"product_id": format!("tea-{n}")}})
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_visitor_can_send_and_ask_only_so_much_and_others_are_not_limited_by_it() -> Result<()> {
    let ground = ground(WIDE, Rate { per_second: 1, burst: 20 }).await?;
    let shop = ground.shop("visitors").await?;
    shop.stock(&catalogue(&["tea"], 3)).await?;
    let send = async |key: &str, events: Vec<Value>| {
        shop.call(key, Method::POST, "/v1/batch", Some(json!({"batch": events}))).await
    };
    let (status, answer) = send(&shop.browser, views("eager", 20).collect()).await?;
    assert_eq!((status.as_u16(), answer), (200, json!({"success": true})));
    let (status, problem) = send(&shop.browser, views("eager", 20).collect()).await?;
    assert_eq!((status.as_u16(), &problem["code"]), (429, &json!("too-many-requests")));
    // In a batch of several visitors theirs alone are refused, each by its place.
    let mixed = views("calm", 1).chain(views("eager", 20)).chain(views("calm", 1)).collect();
    let (status, answer) = send(&shop.browser, mixed).await?;
    let refused: Vec<u64> =
        answer["rejected"].as_array().unwrap().iter().filter_map(|one| one["index"].as_u64()).collect();
    assert_eq!((status.as_u16(), refused), (200, (1..=20).collect()));
    // The shop's own server speaks for many, and imports what one did in years.
    assert_eq!(send(&shop.server, views("eager", 50).collect()).await?.0, 200);

    let asks = async |key: &str, visitor: &str| {
        let question = Some(json!({"anonymous_id": visitor}));
        shop.call(key, Method::POST, "/v1/recommendations/home", question).await
    };
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(asks(&shop.browser, "eager").await?.0.as_u16());
    }
    assert!(statuses[..20].iter().all(|status| *status == 200), "what was sent does not count: {statuses:?}");
    assert!(statuses.contains(&429) && statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    assert_eq!(asks(&shop.browser, "calm").await?.0, 200);
    assert_eq!(asks(&shop.server, "eager").await?.0, 200);
    ground.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_silences_a_customer_by_sending_in_their_name() -> Result<()> {
    let ground = ground(WIDE, Rate { per_second: 1, burst: 20 }).await?;
    let shop = ground.shop("names").await?;
    let as_anna = |device: Option<&str>| {
        let mut event =
            json!({"type": "track", "event": "Seen", "userId": "anna", "timestamp": "2026-11-01T10:00:00Z"});
        if let Some(device) = device {
            event["anonymousId"] = device.into();
        }
        event
    };
    let mut refused = 0;
    for n in 0..60 {
        let mut event = as_anna(None);
        event["messageId"] = n.to_string().into();
        refused += u32::from(shop.call(&shop.browser, Method::POST, "/v1/t", Some(event)).await?.0 == 429);
    }
    assert!(refused > 0);
    let (status, answer) = shop.call(&shop.browser, Method::POST, "/v1/t", Some(as_anna(Some("her-phone")))).await?;
    assert_eq!(status, 200, "{answer}");
    ground.stop().await;
    Ok(())
}
