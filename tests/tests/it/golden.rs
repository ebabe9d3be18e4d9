//! What older versions stored is read by this one. `tests/golden` has a file for every place, in a shape that an older version
//! wrote: items of the table, and files of the data folder.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use vitrine_domain::time::DAY;
use vitrine_engine::{Durability, Engine};
use vitrine_http::auth::sign_user_token;
use vitrine_local::{Options, Stack, erase_again, stores};
use vitrine_store::Objects;
use vitrine_store::lake::Kind;
use vitrine_store::places::Place;
use vitrine_store::settings::OF_DECISIONS;
use vitrine_tests::{Shop, ids};

use crate::unreadable::put;

/// Places that have no shape of ours.
const NONE: &[(Place, &str)] = &[
    (Place::Log, "lines for people, which nothing reads back"),
    (Place::OldVersion, "a bucket lists them in its own form"),
    (Place::TableFile, "the engine's own format, which holds the items of the other places"),
    (Place::Scratch, "copies of artifacts"),
];
/// What can be put over HTTP: its address, and how the keys of the item that is written begin behind the shop.
const WRITTEN: &[(&str, &str, &str)] = &[
    ("/v1/experiments/{id}", "#C", "experiment#"),
    ("/v1/placements/{name}", "#C", "placement#"),
    ("/v1/products", "#P#", "PRODUCT"),
    ("/v1/rules/{id}", "#C", "rule#"),
    ("/v1/segments/{id}", "#C", "segment#"),
    ("/v1/settings/attribution", "#C", "attribution#"),
    ("/v1/settings/cloud-prices", "#C", "cloud-prices#"),
    ("/v1/settings/hold-out", "#C", "hold-out#"),
    ("/v1/settings/privacy", "#C", "shop#privacy"),
    ("/v1/settings/training", "#C", "shop#training"),
    ("/v1/staff/{name}", "#K", "staff#"),
    ("/v1/vectors/{name}", "#C", "vectors#"),
    ("/v1/vectors/{name}/ids", "#C", "vectors#"),
];
/// Objects of one folder that are of different forms, by how their paths in the data folder begin.
const OBJECTS: &[&str] = &[
    "objects/shops/demo/events/",
    "objects/shops/demo/decisions/",
    "objects/shops/demo/models/20260921T144000-ab12cd34/artifact",
    "objects/shops/demo/models/20260921T144000-ab12cd34/card.json",
    "objects/shops/demo/models/20260921T144000-ab12cd34/catalogue",
    "objects/shops/demo/results/audiences.json.zst",
    "objects/shops/demo/results/clusters.json.zst",
    "objects/shops/demo/results/results.ndjson.zst",
    "objects/shops/demo/segments/",
    "objects/shops/demo/vectors/",
];
/// The model of the files.
const VERSION: &str = "20260921T144000-ab12cd34";
/// When they were written.
const THEN: i64 = 1_790_000_000_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// What is kept of a place; none if there is no file.
fn golden(place: Place) -> Result<Option<Value>> {
    let Ok(text) = std::fs::read_to_string(folder().join(format!("{}.json", place.name()))) else { return Ok(None) };
    Ok(Some(serde_json::from_str(&text).with_context(|| place.name())?))
}

fn items(golden: &Value) -> &[Value] {
    golden["items"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The files of a data folder with their bytes.
fn files(golden: &Value) -> Result<Vec<(String, Vec<u8>)>> {
    let files = golden["files"].as_object().into_iter().flatten();
    files.map(|(path, content)| Ok((path.clone(), bytes(content).with_context(|| path.clone())?))).collect()
}

fn bytes(content: &Value) -> Result<Vec<u8>> {
    let (form, value) = content.as_object().and_then(|form| form.iter().next()).context("no content")?;
    let text = value.as_str().unwrap_or_default();
    Ok(match form.as_str() {
        "text" => text.into(),
        "json" => value.to_string().into(),
        "hex" => {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16)).collect::<Result<_, _>>()?
        }
        "copy" => zstd::decode_all(std::fs::File::open(folder().join(text))?)?,
        "lines" => {
            let lines: Vec<String> = value.as_array().into_iter().flatten().map(|line| format!("{line}\n")).collect();
            zstd::encode_all(lines.concat().as_bytes(), 1)?
        }
        _ => anyhow::bail!("{form} is no form"),
    })
}

/// An item as the table's API takes it: documents are text.
fn attributes(item: &Value) -> Value {
    let attribute = |(name, value): (&String, &Value)| {
        let stored = match value {
            Value::String(text) => json!({"S": text}),
            document if name == "d" => json!({"S": document.to_string()}),
            number => number.clone(),
        };
        (name.clone(), stored)
    };
    Value::Object(item.as_object().into_iter().flatten().map(attribute).collect())
}

#[test]
fn every_place_has_a_file_of_an_older_shape() -> Result<()> {
    for place in Place::ALL {
        let golden = golden(*place)?;
        let none = NONE.iter().any(|(other, _)| other == place);
        ensure!(
            golden.is_some() != none,
            "{place:?}: keep in tests/golden/{}.json what it looks like now",
            place.name()
        );
        let Some(golden) = golden else { continue };
        let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let of_item =
            items(&golden).iter().any(|item| Place::of_item(&text(item, "PK"), &text(item, "SK")) == Some(*place));
        let of_file = files(&golden)?.iter().any(|(path, _)| Place::of_file(path) == Some(*place));
        ensure!(of_item || of_file, "{place:?}: nothing in its file lies there");
    }
    Ok(())
}

#[test]
fn every_form_of_an_object_has_a_file() -> Result<()> {
    let all: Vec<Value> = Place::ALL.iter().filter_map(|place| golden(*place).transpose()).collect::<Result<_>>()?;
    let paths: Vec<String> =
        all.iter().map(files).collect::<Result<Vec<_>>>()?.into_iter().flatten().map(|(path, _)| path).collect();
    for begins in OBJECTS {
        ensure!(paths.iter().any(|path| path.starts_with(begins)), "keep in tests/golden what {begins} looks like now");
    }
    Ok(())
}

#[test]
fn every_kind_of_setting_has_an_item() -> Result<()> {
    let description: Value = serde_json::from_str(vitrine_manage::OPENAPI)?;
    let paths = description["paths"].as_object().context("no paths")?;
    let put = paths.iter().filter(|(_, operations)| operations.get("put").is_some()).map(|(path, _)| path.as_str());
    assert_eq!(put.collect::<Vec<_>>(), WRITTEN.iter().map(|(path, ..)| *path).collect::<Vec<_>>());
    // What no address writes, and decisions are made from nevertheless, and jobs.
    let kinds: Vec<String> = OF_DECISIONS.iter().chain(&["~J"]).map(|kind| format!("{kind}#")).collect();
    let wanted = WRITTEN.iter().map(|(_, partition, begins)| (*partition, *begins));
    let all: Vec<Value> = Place::ALL.iter().filter_map(|place| golden(*place).transpose()).collect::<Result<_>>()?;
    for (partition, begins) in wanted.chain(kinds.iter().map(|kind| ("#C", kind.as_str()))) {
        let is = |item: &Value| {
            let of = |name: &str, begins: &str| item[name].as_str().is_some_and(|key| key.starts_with(begins));
            of("PK", &format!("S#demo{partition}")) && of("SK", begins)
        };
        ensure!(all.iter().flat_map(items).any(is), "keep in tests/golden what {partition} {begins} looks like now");
    }
    Ok(())
}

/// A data folder as older versions left it.
async fn old_folder() -> Result<tempfile::TempDir> {
    let data = tempfile::tempdir()?;
    let all: Vec<Value> = Place::ALL.iter().filter_map(|place| golden(*place).transpose()).collect::<Result<_>>()?;
    for (path, bytes) in all.iter().map(files).collect::<Result<Vec<_>>>()?.into_iter().flatten() {
        let file = data.path().join(path);
        std::fs::create_dir_all(file.parent().context("no folder")?)?;
        std::fs::write(file, bytes)?;
    }
    let engine = Engine::file(&data.path().join("table.db"), Durability::Process).await?;
    stores(data.path(), &engine.endpoint()).await?.table.create_if_missing().await?;
    for item in all.iter().flat_map(items) {
        put(&engine.endpoint(), attributes(item)).await?;
    }
    engine.shutdown().await;
    Ok(data)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_older_versions_stored_is_read() -> Result<()> {
    let data = old_folder().await?;
    sums_are_read(data.path()).await?;
    let stack = Stack::start(Options { poll: false, ..Options::bare(data.path()) }).await?;
    let shop = Shop::at(&stack.url(), "vb_0123", "vs_0123");
    let get = async |path: &str| shop.ok(&shop.server, Method::GET, path, None).await;
    assert_eq!(stack.poller.passed(), Some(1), "the readers' places");

    // Keys, products, settings, models.
    let keys = get("/v1/keys").await?;
    // Of a session it is told by its person.
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(4), "{keys}");
    ensure!(keys["keys"].as_array().into_iter().flatten().any(|key| key["label"] == "feed"), "{keys}");
    people_are_known(&stack, &shop).await?;
    settings_are_read(&shop).await?;
    assert_eq!(get("/v1/products/8739%2302").await?["title"], "Penne");
    assert_eq!(get("/v1/jobs/1790000000000-00000000000000aa").await?["result"]["written"], 2);
    let placements = get("/v1/placements").await?.to_string();
    ensure!(placements.contains("corner"), "{placements}");
    let rules = get("/v1/rules").await?.to_string();
    ensure!(rules.contains("Grano"), "{rules}");
    assert_eq!(get("/v1/settings/privacy").await?["default_purposes"], json!(["measure", "personalise"]));
    let models = get("/v1/models").await?;
    assert_eq!((&models["live"], &models["card"]["fingerprint"]), (&json!(VERSION), &json!("00000000000000aa")));
    let list = shop.recommend("trending", json!({"anonymous_id": "somebody"})).await?;
    ensure!(list["model"] == VERSION && ids(&list).len() >= 10, "{list}");
    // What changed since the model's catalogue.
    assert_eq!(get("/v1/products?q=penne").await?["total"], 1);
    let token = sign_user_token("vs_0123", "anna", stack.context.clock.now().plus(DAY)).context("no token")?;
    ensure!(shop.with_token(&token, "home").await?.is_success(), "the key that checks tokens is not read");

    // Of visitors: profile, links, events, decisions, own vectors, tombstones.
    let anna = get("/v1/visitors/u:anna/export").await?;
    let profile = &anna["held"]["profile"];
    // Seven views behind the compacted state, and the one on her phone that no fold has seen yet.
    assert_eq!(profile["state"]["counts"], json!({"order": 1, "view": 8}), "{anna}");
    assert_eq!((&anna["held"]["links"][0]["visitor"], &anna["events"][0]["k"]), (&json!("a:phone"), &json!("order")));
    assert_eq!(anna["vectors"], json!([{"set": "looks", "vector": [1.0, 0.5]}]));
    let explained = get("/v1/visitors/a:phone/decisions").await?;
    let [newer, older] = explained["decisions"].as_array().context("none")?.as_slice() else {
        anyhow::bail!("{explained}")
    };
    ensure!(ids(&newer["decision"]) == ["8739#02", "p06"] && older["stored"]["placement"] == "home", "{explained}");
    let tablet = get("/v1/visitors/a:tablet/decisions").await?;
    let [newer, older] = tablet["decisions"].as_array().context("none")?.as_slice() else { anyhow::bail!("{tablet}") };
    let took = json!([["many", 1, 0.7], ["two", 1, 0.25]]);
    assert_eq!(parts(&newer["decision"]["experiments"]), took, "{newer}");
    assert_eq!((&newer["decision"]["held_out"], &older["decision"]["held_out"]), (&json!(false), &json!(true)));
    let tablet = &get("/v1/visitors/a:tablet/export").await?["held"]["profile"];
    assert_eq!(tablet["segments"]["passages"][0], json!(["new-visitors", true, 1_795_989_908_433_i64]), "{tablet}");
    assert_eq!((&tablet["state"]["counts"]["view"], &tablet["state"]["memory"][1][1]), (&json!(3), &json!(1)));
    for device in ["erased", "refuses"] {
        shop.view(device, "8739#02").await?;
        let (status, _) = shop.call(&shop.server, Method::GET, &format!("/v1/visitors/a:{device}"), None).await?;
        assert_eq!(status, 404, "{device}");
    }
    // An event that is sent again and has no time is known by its mark.
    let again = json!({"type": "track", "event": "Product Viewed", "anonymousId": "phone", "messageId": "m2",
        "properties": {"product_id": "8739#02"}});
    shop.ok(&shop.browser, Method::POST, "/v1/t", Some(again)).await?;
    assert_eq!(get("/v1/visitors/a:phone/export").await?["events"].as_array().map(Vec::len), Some(1));
    let receipt = get("/v1/erasures/1790000000000-5b8a0c1e9f6e4a53").await?;
    ensure!(receipt["completed"].is_string() && receipt["model"] == VERSION, "{receipt}");
    assert_eq!(get("/v1/counts?from=2026-09-21&to=2026-09-21").await?["days"]["2026-09-21"]["view"], 5);

    let anna = vitrine_domain::Visitor::known("anna").context("no name")?;
    let base =
        stack.context.table.base(&vitrine_domain::Shop::new("demo")?, &anna).await?.context("no compacted state")?;
    assert_eq!(base.state.counts.values().sum::<u32>(), 7);

    // Beside the table.
    let (objects, demo) = (&stack.context.objects, &vitrine_domain::Shop::new("demo")?);
    let mut events = Vec::new();
    let different = objects.read_events(demo, &mut |event| events.push(event)).await?;
    assert_eq!((events.len(), different), (2, 2));
    let mut lines = 0;
    objects.read_decisions(demo, &mut |_| lines += 1).await?;
    assert_eq!((lines, objects.lake_files(demo, Kind::Decisions).await?.len()), (3, 1));
    shop.eventually("/v1/products?q=waited", |page| page["total"] == 1).await.context("the upload that waited")?;
    let known = erase_again(&stack.context).await?;
    assert_eq!((known.len(), known[0].erasures, known[0].deleted), (1, 1, 0), "{known:?}");
    stack.stop().await;

    let stack = Stack::start(Options::bare(data.path())).await?;
    let shop = Shop::at(&stack.url(), "vb_0123", "vs_0123");
    // Somebody else is erased: dead letters, decisions and the model of then are looked through.
    shop.ok(&shop.server, Method::DELETE, "/v1/visitors/a:phone", None).await?;
    stack.poller.caught_up().await;
    shop.retrain().await?;
    stack.scrub().await?;
    let letters = std::fs::read_dir(data.path().join("dead-letters"))?;
    let letters: Vec<String> = letters.map(|file| std::fs::read_to_string(file?.path())).collect::<Result<_, _>>()?;
    assert_eq!(letters, Vec::<String>::new());
    let mut lines = Vec::new();
    stack.context.objects.read_decisions(demo, &mut |line| lines.push(line.to_owned())).await?;
    ensure!(lines.iter().all(|line| !line.contains("phone")), "{lines:?}");
    let models = shop.ok(&shop.server, Method::GET, "/v1/models", None).await?;
    ensure!(models["live"] != VERSION, "{models}");
    ensure!(stack.context.clock.now().0 > THEN, "the files are older than now");
    stack.stop().await;
    Ok(())
}

/// The experiments of a decision, with the places of the visitor's variants and how likely they were drawn.
fn parts(experiments: &Value) -> Value {
    experiments
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| json!([one["id"], one["place"], one["propensity"]]))
        .collect()
}

/// What is made of all visitors, which a running stack soon makes anew.
async fn sums_are_read(data: &Path) -> Result<()> {
    let (objects, demo) = (Objects::folder(&data.join("objects"))?, &vitrine_domain::Shop::new("demo")?);
    let census = objects.census(demo).await?.context("no census")?;
    assert_eq!((census.head.visitors, census.sample.len(), census.sample[0].orders()), (1, 1, 1));
    let results = objects.results(demo).await?.context("no results")?;
    assert_eq!((results.head.people, results.results.days["2026-09-21"].all.orders), (2, 1));
    let clusters = objects.clusters(demo).await?.context("no groups")?;
    assert_eq!((clusters.groups[0].id, &*clusters.groups[0].name()[0], clusters.stable), (2, "order often", true));
    let audiences = objects.audiences(demo).await?.context("no look-alikes")?;
    assert_eq!((audiences.asked.len(), audiences.segments["regulars"].sizes[0].percent), (1, 5));
    Ok(())
}

/// Keys, sessions and people of then are let in.
async fn people_are_known(stack: &Stack, shop: &Shop) -> Result<()> {
    shop.ok("vs_feed", Method::GET, "/v1/categories", None).await?;
    assert_eq!(shop.call("vs_feed", Method::GET, "/v1/rules", None).await?.0, 403, "it may what it might");
    let token = sign_user_token("vs_feed", "anna", stack.context.clock.now().plus(DAY)).context("no token")?;
    assert_eq!(shop.with_token(&token, "home").await?, 401, "the key of tokens is another one");
    shop.ok("vs_session", Method::GET, "/v1/rules", None).await?;
    assert_eq!(shop.ok(&shop.server, Method::GET, "/v1/staff/mia", None).await?["role"], "marketer");
    let signs_in = json!({"shop": "demo", "name": "mia", "password": "a long enough password"});
    let session = shop.ok(&shop.browser, Method::POST, "/v1/sessions", Some(signs_in)).await?;
    assert_eq!(session["scopes"], json!(["read", "view", "manage"]));
    let own = shop.ok("vs_session", Method::DELETE, "/v1/sessions", None).await?;
    assert_eq!(own, Value::Null);
    Ok(())
}

/// Settings of then are shown, each with its author and its past.
async fn settings_are_read(shop: &Shop) -> Result<()> {
    let get = async |path: &str| shop.ok(&shop.server, Method::GET, path, None).await;
    let segment = get("/v1/segments/regulars").await?;
    assert_eq!((&segment["description"], &segment["author"]), (&json!("Who looked around."), &json!("mia")));
    let history = get("/v1/segments/regulars/history").await?;
    assert_eq!(history["states"].as_array().map(Vec::len), Some(3), "{history}");
    ensure!(history.to_string().contains("Who came more than once."), "{history}");
    assert_eq!(shop.call(&shop.server, Method::GET, "/v1/segments/deal-hunters", None).await?.0, 404, "it was removed");
    let placements = get("/v1/placements").await?;
    let shelf = placements["placements"].as_array().into_iter().flatten().find(|one| one["name"] == "shelf");
    let shelf = shelf.context("no shelf")?;
    assert_eq!((&shelf["exploration"]["kind"], &shelf["skips"]["after"]), (&json!("softmax"), &json!(3)), "{shelf}");
    assert_eq!(get("/v1/rules/jam-first").await?["when"]["segments"], json!(["regulars"]));
    let many = get("/v1/experiments/many").await?;
    assert_eq!((&many["status"], &many["design"]["variants"][1]["weight"]), (&json!("running"), &json!(0.7)), "{many}");
    assert_eq!(many["metrics"]["guardrails"][0], json!({"metric": "return_rate", "margin": 0.1}));
    let two = get("/v1/experiments/two").await?;
    assert_eq!((&two["status"], two["cells"].as_array().map(Vec::len)), (&json!("stopped"), Some(4)), "{two}");
    assert_eq!(two["exclusive"]["group"], "home-page");
    let hold_out = get("/v1/settings/hold-out").await?;
    assert_eq!((&hold_out["share"], &hold_out["personalization"]), (&json!(0.2), &json!(true)));
    assert_eq!(get("/v1/settings/attribution").await?["click_days"], 7.25);
    assert_eq!(get("/v1/settings/cloud-prices").await?["prices"]["region"], "eu-west-3");
    assert_eq!(get("/v1/settings/training").await?["keep"], 3);
    assert_eq!(get("/v1/jobs/1795989909342-3daea94239d0abf2").await?["result"]["version"], VERSION);
    Ok(())
}
