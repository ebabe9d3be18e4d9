//! Nothing of the erased is left anywhere, and the next model is the one that never knew them.
//!
//! `VITRINE_ERASED` sets how many are erased, 12 unless set; ten times as many stay.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vitrine_domain::Millis;
use vitrine_domain::time::{DAY, MINUTE};
use vitrine_local::Running;
use vitrine_store::places::Place;
use vitrine_tests::{Ground, Shop, catalogue, ids};

/// What the identifiers of the erased begin with: no part of one may be found.
const MARK: &str = "zq7erased";
/// Events of a request.
const BATCH: usize = 200;

fn number() -> usize {
    #[allow(clippy::disallowed_methods, reason = "a test's size is set from outside")]
    std::env::var("VITRINE_ERASED").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

/// Somebody with a history: every third is known from the start, every third logs in on a device of their own, and of the
/// others every second uses a device that somebody who stays uses too.
#[derive(Debug, Clone)]
struct Person {
    name: String,
    n: usize,
}

impl Person {
    fn device(&self) -> Option<String> {
        (!self.n.is_multiple_of(3)).then(|| format!("{}-phone", self.name))
    }

    fn user(&self) -> Option<String> {
        (self.n % 3 != 2).then(|| format!("{}-user", self.name))
    }

    /// As the API of erasure names them.
    fn visitor(&self) -> String {
        match self.user() {
            Some(user) => format!("u:{user}"),
            None => format!("a:{}", self.device().unwrap_or_default()),
        }
    }

    /// What they did, at times that are the same in every run of one start.
    fn events(&self, start: Millis, round: usize) -> Vec<Value> {
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

fn people(mark: &str, count: usize) -> Vec<Person> {
    (0..count).map(|n| Person { name: format!("{mark}{n:05}x"), n }).collect()
}

async fn send(shop: &Shop, events: &[Value]) -> Result<()> {
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

async fn stocked(ground: &Ground) -> Result<Shop> {
    let shop = ground.shop("forgets").await?;
    shop.stock(&catalogue(&["tea", "coffee", "cocoa"], 8)).await?;
    Ok(shop)
}

/// Trains until nothing is newer than the live model; its version.
async fn train(ground: &Ground, shop: &Shop) -> Result<String> {
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
    let (gone, kept) = (people(MARK, number()), people("stays", 10 * number()));
    let tablet = format!("{MARK}-on-the-tablet");
    let ground = Ground::start().await?;
    let start = ground.stack.context.clock.now();
    let shop = stocked(&ground).await?;
    let all: Vec<Value> = kept.iter().chain(&gone).flat_map(|person| person.events(start, 0)).collect();
    send(&shop, &all).await?;
    send(&shop, &shared(start, Some(&tablet))).await?;
    let vectors: String = gone
        .iter()
        .chain(&kept[..3])
        .map(|person| format!("{}\n", json!({"visitor_id": person.visitor(), "vector": [1.0, 0.5]})))
        .chain((0..8).map(|n| format!("{}\n", json!({"product_id": format!("tea-{n}"), "vector": [0.5, 1.0]}))))
        .collect();
    shop.send(Method::PUT, "/v1/vectors/looks", vectors).await?;
    for person in gone.iter().chain(&kept[..10]) {
        let who = match person.user() {
            Some(user) => json!({"visitor_id": user, "anonymous_id": person.device()}),
            None => json!({"anonymous_id": person.device()}),
        };
        shop.ok(&shop.server, Method::POST, "/v1/recommendations/home", Some(who)).await?;
    }
    let knows = train(&ground, &shop).await?;
    let folder = ground.folder().to_owned();
    ensure!(!traces(&folder, &gone)?.is_empty(), "the scan finds nobody while everybody is there");

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
    for visitor in gone.iter().map(Person::visitor).chain([format!("u:{tablet}")]) {
        let (status, receipt) =
            shop.call(&shop.server, Method::DELETE, &format!("/v1/visitors/{visitor}"), None).await?;
        ensure!(status == StatusCode::ACCEPTED && receipt["completed"].is_null(), "{receipt}");
        receipts.push(receipt["erasure_id"].as_str().context("no id")?.to_owned());
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

    let clean = train(&ground, &shop).await?;
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
    let mother = shop.ok(&shop.server, Method::GET, "/v1/visitors/u:mother", None).await?;
    assert_eq!(mother["profile"]["state"]["counts"]["view"], 3, "{mother}");

    ensure!(ground.stack.poller.passed().is_some(), "nobody knows which records of the stream were read");
    ground.stack.scrub().await?;
    places(&folder).await?;
    let made = artifact(&ground, &clean).await?;
    let kept_folder = ground.stop_and_keep().await;
    let mut everybody = gone.clone();
    everybody.push(Person { name: tablet, n: 0 });
    let left = traces(&folder, &everybody)?;
    assert!(left.is_empty(), "{} events came late; {left:#?}", sent.load(Ordering::SeqCst));
    drop(kept_folder);

    let never = Ground::start().await?;
    let shop = stocked(&never).await?;
    let events: Vec<Value> = kept.iter().flat_map(|person| person.events(start, 0)).collect();
    send(&shop, &events).await?;
    send(&shop, &shared(start, None)).await?;
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

/// Every file below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { files.extend(self::files(&entry.path())?) } else { files.push(entry.path()) }
    }
    Ok(files)
}

/// How many bytes of a hash are looked for.
const PART: usize = 16;

/// Hashes of everybody's names that somebody could have stored in their place, without a key: as bytes and as digits.
fn hashes(people: &[Person]) -> HashSet<[u8; PART]> {
    let names = people.iter().flat_map(|person| person.device().into_iter().chain(person.user()));
    let names = names.flat_map(|name| [format!("a:{name}"), format!("u:{name}"), name]);
    let parts = names.flat_map(|name| {
        let digest = Sha256::digest(name.as_bytes());
        let digits = vitrine_store::api_keys::hex(&digest);
        [digest.first_chunk().copied(), digits.as_bytes().first_chunk().copied()]
    });
    parts.flatten().collect()
}

/// Where there is a trace of somebody: their names, or hashes of them, in the bytes of a file or in what it unpacks to.
fn traces(folder: &Path, people: &[Person]) -> Result<Vec<String>> {
    let hashes = hashes(people);
    // Most bytes begin no hash: only those that do are looked up.
    let mut begins = [false; 65536];
    hashes.iter().for_each(|hash| begins[usize::from(u16::from_le_bytes([hash[0], hash[1]]))] = true);
    let mut found = Vec::new();
    for file in files(folder)? {
        let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
        let packed = file.extension().is_some_and(|end| end == "zst");
        let unpacked = if packed { zstd::decode_all(&bytes[..])? } else { Vec::new() };
        for bytes in [&bytes, &unpacked] {
            let hit = (0..bytes.len().saturating_sub(PART)).find(|at| {
                let (first, second) = (bytes[*at], bytes[at + 1]);
                first == MARK.as_bytes()[0] && bytes[*at..].starts_with(MARK.as_bytes())
                    || begins[usize::from(u16::from_le_bytes([first, second]))]
                        && bytes[*at..].first_chunk().is_some_and(|part| hashes.contains(part))
            });
            if let Some(at) = hit {
                let around = &bytes[at.saturating_sub(100)..(at + 100).min(bytes.len())];
                found.push(format!("{}: {}", file.display(), String::from_utf8_lossy(around)));
            }
        }
    }
    Ok(found)
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
