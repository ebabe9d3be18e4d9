//! Nothing of the erased is left anywhere, and the next model is the one that never knew them.
//!
//! `VITRINE_ERASED` sets how many are erased, 12 unless set; as many stay.
#![allow(clippy::print_stdout, reason = "figures for --nocapture")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vitrine_domain::Millis;
use vitrine_domain::time::{DAY, MINUTE};
use vitrine_local::Running;
use vitrine_store::places::Place;
use vitrine_tests::{Ground, Shop, catalogue, ids};

use crate::scan::{files, traces};
use crate::unreadable::plant;

/// What the identifiers of the erased begin with: no part of one may be found.
pub(crate) const MARK: &str = "zq7erased";
/// Events of a request.
const BATCH: usize = 200;
/// Erasures that are asked for at once.
const AT_ONCE: usize = 8;

fn number() -> usize {
    #[allow(clippy::disallowed_methods, reason = "a test's size is set from outside")]
    std::env::var("VITRINE_ERASED").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

/// Somebody with a history: every third is known from the start, every third logs in on a device of their own, and of the
/// others every second uses a device that somebody who stays uses too.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) n: usize,
}

impl Person {
    pub(crate) fn device(&self) -> Option<String> {
        (!self.n.is_multiple_of(3)).then(|| format!("{}-phone", self.name))
    }

    pub(crate) fn user(&self) -> Option<String> {
        (self.n % 3 != 2).then(|| format!("{}-user", self.name))
    }

    /// As the API of erasure names them.
    pub(crate) fn visitor(&self) -> String {
        match self.user() {
            Some(user) => format!("u:{user}"),
            None => format!("a:{}", self.device().unwrap_or_default()),
        }
    }

    /// What they did, at times that are the same in every run of one start.
    pub(crate) fn events(&self, start: Millis, round: usize) -> Vec<Value> {
        let at = |step: usize| start.plus((step as i64 + 1) * MINUTE + self.n as i64 * 37 - DAY).to_rfc3339();
        let product =
            |step: usize| format!("{}-{}", ["tea", "coffee", "cocoa"][(self.n + step / 3) % 3], (self.n + step) % 8);
        let event = |step: usize| {
            let (name, more) = match step % 5 {
                4 => (
                    "Order Completed",
                    json!({"order_id": format!("{}-o{step}-{round}", self.name), "total": 5.0,
                    "products": [{"product_id": product(step), "price": 5.0}]}),
                ),
                3 => ("Product Added", json!({"product_id": product(step)})),
                _ => ("Product Viewed", json!({"product_id": product(step)})),
            };
            let mut event = json!({"type": "track", "event": name, "properties": more, "timestamp": at(step),
                "messageId": format!("{}-{round}-{step}", self.name)});
            // The first half of a visit is before the log-in.
            match (self.device(), self.user()) {
                (Some(device), Some(user)) if step >= 3 => {
                    (event["anonymousId"], event["userId"]) = (json!(device), json!(user));
                }
                (Some(device), _) => event["anonymousId"] = json!(device),
                (None, user) => event["userId"] = json!(user),
            }
            event
        };
        (0..7).map(event).collect()
    }
}

/// Everything that somebody is called.
pub(crate) fn names(people: &[Person]) -> Vec<String> {
    people.iter().flat_map(|person| person.device().into_iter().chain(person.user())).collect()
}

pub(crate) fn people(mark: &str, count: usize) -> Vec<Person> {
    (0..count).map(|n| Person { name: format!("{mark}{n:05}x"), n }).collect()
}

pub(crate) async fn send(shop: &Shop, events: &[Value]) -> Result<()> {
    for batch in events.chunks(BATCH) {
        let body = json!({"batch": batch});
        let answer = shop.ok(&shop.browser, Method::POST, "/v1/b", Some(body)).await?;
        ensure!(answer == json!({"success": true}), "not accepted: {answer}");
    }
    Ok(())
}

/// Events on a device of the family: first of one who stays, then of one who is erased, then of the first again.
fn shared(start: Millis, erased: Option<&str>) -> Vec<Value> {
    let event = |step: i64, user: Option<&str>| {
        let mut event = json!({"type": "track", "event": "Product Viewed", "anonymousId": "family-tablet",
            "messageId": format!("tablet-{step}"), "timestamp": start.plus(step * MINUTE - DAY).to_rfc3339(),
            "properties": {"product_id": format!("tea-{}", step % 8)}});
        if let Some(user) = user {
            event["userId"] = json!(user);
        }
        event
    };
    let mut events = vec![event(1, None), event(2, Some("mother"))];
    if let Some(erased) = erased {
        events.extend([event(3, None), event(4, None), event(5, Some(erased))]);
    }
    events.push(event(7, Some("mother")));
    events
}

/// What a customer who stays did on a device that is erased: a log-in, and an alias by which they say that it was them before.
/// Without the device, what is left of it.
pub(crate) fn lent(start: Millis, device: Option<&str>) -> Vec<Value> {
    let event = |step: i64, more: Value| {
        let mut event = json!({"type": "track", "event": "Product Viewed", "userId": "aunt",
            "messageId": format!("aunt-{step}"), "timestamp": start.plus(step * MINUTE - DAY).to_rfc3339(),
            "properties": {"product_id": format!("coffee-{}", step % 8)}});
        event.as_object_mut().into_iter().for_each(|event| event.extend(more.as_object().cloned().unwrap_or_default()));
        event
    };
    let Some(device) = device else { return vec![event(1, json!({})), event(2, json!({})), event(4, json!({}))] };
    let on = json!({"anonymousId": device});
    let alias = json!({"type": "alias", "userId": "aunt", "previousId": device, "messageId": "aunt-3",
        "timestamp": start.plus(3 * MINUTE - DAY).to_rfc3339()});
    vec![event(1, on.clone()), event(2, on), alias, event(4, json!({}))]
}

/// A file of customers that cannot be read, about somebody: its report stays with its job.
pub(crate) async fn refused(shop: &Shop, name: &str) -> Result<()> {
    let asked = shop.ok(&shop.server, Method::POST, "/v1/imports/customers", None).await?;
    let address = asked["upload"]["url"].as_str().context("no address")?;
    let file = format!("id,updated\n7,{name}\n8,,{name}\n");
    let sent = reqwest::Client::new().put(address).body(file).send().await?;
    ensure!(sent.status().is_success(), "{}", sent.status());
    let job = shop.eventually(asked["location"].as_str().context("no job")?, |job| job["state"] == "done").await?;
    ensure!(job["result"]["refused"] == 2 && job["result"]["rows"][1]["row"] == 2, "{job}");
    Ok(())
}

pub(crate) async fn stocked(ground: &Ground) -> Result<Shop> {
    let shop = ground.shop("forgets").await?;
    shop.stock(&catalogue(&["tea", "coffee", "cocoa"], 8)).await?;
    Ok(shop)
}

/// Trains until nothing is newer than the live model; its version.
pub(crate) async fn train(ground: &Ground, shop: &Shop) -> Result<String> {
    ground.stack.poller.caught_up().await;
    shop.retrain().await?;
    let models = shop.ok(&shop.server, Method::GET, "/v1/models", None).await?;
    models["live"].as_str().map(str::to_owned).context("no model")
}

async fn artifact(ground: &Ground, version: &str) -> Result<Vec<u8>> {
    let key = format!("shops/forgets/models/{version}/artifact.bin");
    let bytes = ground.stack.context.objects.get(&key).await?.context("no artifact")?;
    Ok(bytes.to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_erased_nothing_is_left_and_the_next_model_never_knew_them() -> Result<()> {
    let (gone, kept) = (people(MARK, number()), people("stays", number().max(20)));
    let (tablet, phone) = (format!("{MARK}-on-the-tablet"), format!("{MARK}-lent-phone"));
    let ground = Ground::start().await?;
    let (start, begun) = (ground.stack.context.clock.now(), std::time::Instant::now());
    let told = |what: &str| println!("{:>6.0} s  {what}", begun.elapsed().as_secs_f64());
    let shop = stocked(&ground).await?;
    let all: Vec<Value> = kept.iter().chain(&gone).flat_map(|person| person.events(start, 0)).collect();
    send(&shop, &all).await?;
    send(&shop, &shared(start, Some(&tablet))).await?;
    send(&shop, &lent(start, Some(&phone))).await?;
    refused(&shop, &tablet).await?;
    told("events of everybody are sent");
    let all_vectors: String = gone
        .iter()
        .chain(&kept[..3])
        .map(|person| format!("{}\n", json!({"visitor_id": person.visitor(), "vector": [1.0, 0.5]})))
        .chain((0..8).map(|n| format!("{}\n", json!({"product_id": format!("tea-{n}"), "vector": [0.5, 1.0]}))))
        .collect();
    shop.send(Method::PUT, "/v1/vectors/looks", all_vectors.clone()).await?;
    // Identifiers whose matrix never comes.
    let (status, _) = shop.call(&shop.server, Method::PUT, "/v1/vectors/never/ids", Some(json!(names(&gone)))).await?;
    ensure!(status == StatusCode::NO_CONTENT, "{status}");
    for person in gone.iter().chain(&kept[..10]) {
        let who = match person.user() {
            Some(user) => json!({"visitor_id": user, "anonymous_id": person.device()}),
            None => json!({"anonymous_id": person.device()}),
        };
        shop.ok(&shop.server, Method::POST, "/v1/recommendations/home", Some(who)).await?;
    }
    let who = json!({"visitor_id": "aunt", "anonymous_id": phone});
    shop.ok(&shop.server, Method::POST, "/v1/recommendations/home", Some(who)).await?;
    told("recommendations are asked for");
    let knows = train(&ground, &shop).await?;
    told("a model knows everybody");
    let folder = ground.folder().to_owned();
    let everybody: Vec<String> = names(&gone).into_iter().chain([tablet.clone(), phone.clone()]).collect();
    // Records that no reader can read become dead letters: two of somebody who will be erased, two of somebody who stays.
    plant(&folder, "forgets", &format!("{}-phone", gone[1].name), start.0).await?;
    plant(&folder, "forgets", "stays-with-a-letter", start.0).await?;
    while letters(&folder)? < [2, 2] {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    ensure!(!traces(&folder, MARK, &[])?.found.is_empty(), "the scan finds nobody while everybody is there");
    // A model knows visitors by their numbers alone.
    let numbers = traces(&folder.join("objects/shops/forgets/models"), "no name begins so", &everybody)?;
    ensure!(!numbers.found.is_empty(), "the scan finds no number of anybody while everybody is there");

    // Everybody keeps on clicking while they are erased, and for a while after.
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clicking = {
        let (stop, sent, shop, gone) = (stop.clone(), sent.clone(), shop.clone(), gone.clone());
        tokio::spawn(async move {
            for round in 1.. {
                for part in gone.chunks(8) {
                    if stop.load(Ordering::SeqCst) {
                        return Ok(());
                    }
                    let events: Vec<Value> = part.iter().flat_map(|person| person.events(start, round)).collect();
                    send(&shop, &events).await?;
                    sent.fetch_add(events.len(), Ordering::SeqCst);
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
            Ok::<(), anyhow::Error>(())
        })
    };
    let mut receipts = Vec::new();
    let visitors: Vec<String> =
        gone.iter().map(Person::visitor).chain([format!("u:{tablet}"), format!("a:{phone}")]).collect();
    for (n, some) in visitors.chunks(AT_ONCE).enumerate() {
        if n > 0 && n.is_multiple_of(1000 / AT_ONCE) {
            told(&format!("{} erasures are asked for", n * AT_ONCE));
        }
        let mut asked = tokio::task::JoinSet::new();
        for visitor in some {
            let (shop, path) = (shop.clone(), format!("/v1/visitors/{visitor}"));
            asked.spawn(async move {
                let (status, receipt) = shop.call(&shop.server, Method::DELETE, &path, None).await?;
                ensure!(status == StatusCode::ACCEPTED && receipt["completed"].is_null(), "{receipt}");
                receipt["erasure_id"].as_str().map(str::to_owned).context("no id")
            });
        }
        while let Some(id) = asked.join_next().await {
            receipts.push(id??);
        }
    }
    let during = sent.load(Ordering::SeqCst);
    while sent.load(Ordering::SeqCst) < during + 2 * 56 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for device in gone.iter().filter_map(Person::device) {
        let question = json!({"anonymous_id": device});
        let answer = shop.recommend("home", question).await?;
        ensure!(ids(&answer).len() > 3, "the erased see a shop like everybody: {answer}");
    }
    stop.store(true, Ordering::SeqCst);
    clicking.await??;

    told("all erasures are asked for");
    let clean = train(&ground, &shop).await?;
    told("a model knows none of the erased");
    for id in &receipts {
        let receipt = shop.ok(&shop.server, Method::GET, &format!("/v1/erasures/{id}"), None).await?;
        ensure!(receipt["completed"].is_string() && receipt["model"] == clean, "{receipt}");
        let check = |receipt: Value| shop.ok(&shop.server, Method::POST, "/v1/erasures/check", Some(receipt));
        assert_eq!(check(receipt.clone()).await.ok(), Some(json!({"genuine": true})));
        let forged = json!({"completed": "2020-01-01T00:00:00.000Z"});
        let mut forgery = receipt;
        forgery["completed"] = forged["completed"].clone();
        assert_eq!(check(forgery).await.ok(), Some(json!({"genuine": false})));
    }
    let models = shop.ok(&shop.server, Method::GET, "/v1/models", None).await?;
    assert_eq!(models["versions"].as_array().map(Vec::len), Some(1), "{models}");
    let (status, _) = shop.call(&shop.server, Method::POST, &format!("/v1/models/{knows}/activate"), None).await?;
    assert_eq!(status, StatusCode::NOT_FOUND);
    // The shop sends its vectors every night, whoever was erased since.
    shop.send(Method::PUT, "/v1/vectors/looks", all_vectors).await?;
    let mother = shop.ok(&shop.server, Method::GET, "/v1/visitors/u:mother", None).await?;
    assert_eq!(mother["profile"]["state"]["counts"]["view"], 3, "{mother}");
    let aunt = shop.ok(&shop.server, Method::GET, "/v1/visitors/u:aunt", None).await?;
    assert_eq!(aunt["profile"]["state"]["counts"]["view"], 3, "{aunt}");

    ensure!(ground.stack.poller.passed().is_some(), "nobody knows which records of the stream were read");
    assert_eq!(letters(&folder)?, [2, 2], "the letters lie there until the stack looks after its files");
    ground.stack.scrub().await?;
    assert_eq!(letters(&folder)?, [0, 2]);
    places(&folder).await?;
    let made = artifact(&ground, &clean).await?;
    let kept_folder = ground.stop_and_keep().await;
    told("receipts are checked, letters are scrubbed");
    let left = traces(&folder, MARK, &everybody)?;
    assert!(left.found.is_empty(), "{} events came late; {:#?}", sent.load(Ordering::SeqCst), left.found);
    println!(
        "figure: {} erased while everybody kept clicking ({} events came late), {} stay; 0 traces in {:.1} MB of {} files",
        gone.len(),
        sent.load(Ordering::SeqCst),
        kept.len(),
        left.bytes as f64 / 1e6,
        left.files
    );
    drop(kept_folder);
    told("every byte was looked at");

    let never = Ground::start().await?;
    let shop = stocked(&never).await?;
    let events: Vec<Value> = kept.iter().flat_map(|person| person.events(start, 0)).collect();
    send(&shop, &events).await?;
    send(&shop, &shared(start, None)).await?;
    send(&shop, &lent(start, None)).await?;
    let vectors: String = kept[..3]
        .iter()
        .map(|person| format!("{}\n", json!({"visitor_id": person.visitor(), "vector": [1.0, 0.5]})))
        .chain((0..8).map(|n| format!("{}\n", json!({"product_id": format!("tea-{n}"), "vector": [0.5, 1.0]}))))
        .collect();
    shop.send(Method::PUT, "/v1/vectors/looks", vectors).await?;
    let version = train(&never, &shop).await?;
    assert!(made == artifact(&never, &version).await?, "the models differ");
    never.stop().await;
    Ok(())
}

/// How many dead letters name somebody who is to be erased, and how many others there are.
fn letters(folder: &Path) -> Result<[usize; 2]> {
    let mut count = [0, 0];
    for file in files(&folder.join("dead-letters"))? {
        count[usize::from(!std::fs::read_to_string(file)?.contains(MARK))] += 1;
    }
    Ok(count)
}

/// Everything that is kept lies in a place of which is known how somebody is erased from it.
async fn places(folder: &Path) -> Result<()> {
    for file in files(folder)? {
        let path = file.strip_prefix(folder)?.display().to_string();
        ensure!(
            Place::of_file(&path).is_some(),
            "{path} is in no place: say in places.rs how somebody is erased from it"
        );
    }
    let running = Running::find(folder).context("not running")?;
    let mut from = Value::Null;
    let mut met = BTreeSet::new();
    loop {
        let mut body = json!({"TableName": "vitrine", "ProjectionExpression": "PK, SK"});
        if !from.is_null() {
            body["ExclusiveStartKey"] = from;
        }
        let request = reqwest::Client::new().post(&running.dynamodb).header("x-amz-target", "DynamoDB_20120810.Scan");
        let request = request.header("content-type", "application/x-amz-json-1.0").header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        );
        let request = request.header("x-amz-date", "20260101T000000Z").body(body.to_string());
        let answer: Value = serde_json::from_str(&request.send().await?.error_for_status()?.text().await?)?;
        for item in answer["Items"].as_array().context("no items")? {
            let (pk, sk) = (item["PK"]["S"].as_str().unwrap_or_default(), item["SK"]["S"].as_str().unwrap_or_default());
            let place = Place::of_item(pk, sk);
            met.insert(place.with_context(|| format!("{pk} {sk} is in no place: say in places.rs how it is erased"))?);
        }
        from = answer["LastEvaluatedKey"].clone();
        if from.is_null() {
            break;
        }
    }
    for place in [Place::Event, Place::Decision, Place::Profile, Place::Link, Place::Tombstone, Place::ErasureRecord] {
        ensure!(met.contains(&place), "{place:?} was not met");
    }
    Ok(())
}
