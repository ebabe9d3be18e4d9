//! A backup that is put back does not bring back who was erased meanwhile.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vitrine_engine::{Durability, Engine};
use vitrine_local::{Options, Stack, erase_again, stores};
use vitrine_tests::Ground;

use crate::erasure::{MARK, Person, lent, names, people, send, stocked, train};
use crate::scan::traces;

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_since_a_backup_is_erased_again_from_table_lake_and_models() -> Result<()> {
    let (gone, kept) = (people(MARK, 9), people("stays", 20));
    // A device that is erased, and that a customer who stays used too.
    let phone = format!("{MARK}-lent-phone");
    let everybody: Vec<String> = names(&gone).into_iter().chain([phone.clone()]).collect();
    let visitors: Vec<String> = gone.iter().map(Person::visitor).chain([format!("a:{phone}")]).collect();
    let ground = Ground::start().await?;
    let start = ground.stack.context.clock.now();
    let shop = stocked(&ground).await?;
    let all: Vec<Value> = kept.iter().chain(&gone).flat_map(|person| person.events(start, 0)).collect();
    send(&shop, &all).await?;
    send(&shop, &lent(start, Some(&phone))).await?;
    let who = json!({"visitor_id": "aunt", "anonymous_id": phone});
    shop.ok(&shop.server, Method::POST, "/v1/recommendations/home", Some(who)).await?;
    let knows = train(&ground, &shop).await?;
    let data = ground.stop_and_keep().await;
    let backup = tempfile::tempdir()?;
    copy(data.path(), backup.path())?;

    // Erased, wholly, after the backup.
    let stack = Stack::start(Options::bare(data.path())).await?;
    let running = shop.moved_to(&stack.url());
    for visitor in &visitors {
        let path = format!("/v1/visitors/{visitor}");
        let (status, receipt) = running.call(&running.server, Method::DELETE, &path, None).await?;
        ensure!(status == StatusCode::ACCEPTED, "{receipt}");
    }
    stack.poller.caught_up().await;
    running.retrain().await?;
    stack.scrub().await?;
    stack.stop().await;
    assert_eq!(traces(data.path(), MARK, &everybody)?.found, Vec::<String>::new());

    // The backup comes back, but for the records of erasures, which are those of now.
    let erasures = Path::new("objects/shops/forgets/erasures");
    ensure!(!backup.path().join(erasures).exists(), "the backup is of before");
    copy(&data.path().join(erasures), &backup.path().join(erasures))?;
    ensure!(!traces(backup.path(), MARK, &everybody)?.found.is_empty(), "the backup knows everybody");
    let engine = Engine::file(&backup.path().join("table.db"), Durability::Process).await?;
    let context = stores(backup.path(), &engine.endpoint()).await?;
    let again = erase_again(&context).await?;
    ensure!(again.len() == 1 && again[0].erasures == visitors.len(), "{again:?}");
    // Of each of them their events, profiles and links at least.
    ensure!(again[0].deleted >= gone.len() * 8, "{again:?}");
    drop(context);
    engine.shutdown().await;

    let stack = Stack::start(Options::bare(backup.path())).await?;
    let restored = shop.moved_to(&stack.url());
    for visitor in &visitors {
        let (status, _) =
            restored.call(&restored.server, Method::GET, &format!("/v1/visitors/{visitor}"), None).await?;
        assert_eq!(status, StatusCode::NOT_FOUND, "{visitor}");
    }
    // What of them comes late is dropped.
    let late: Vec<Value> = gone.iter().flat_map(|person| person.events(start, 7)).collect();
    send(&restored, &late).await?;
    stack.poller.caught_up().await;
    restored.retrain().await?;
    let models = restored.ok(&restored.server, Method::GET, "/v1/models", None).await?;
    let live = models["live"].as_str().context("no model")?;
    ensure!(live != knows && models["versions"].as_array().is_some_and(|all| all.len() == 1), "{models}");
    let stays = restored.ok(&restored.server, Method::GET, "/v1/visitors/u:stays00000x-user", None).await?;
    assert_eq!(stays["profile"]["state"]["counts"]["order"], 1, "{stays}");
    let aunt = restored.ok(&restored.server, Method::GET, "/v1/visitors/u:aunt", None).await?;
    assert_eq!(aunt["profile"]["state"]["counts"]["view"], 3, "{aunt}");
    stack.scrub().await?;
    stack.stop().await;
    assert_eq!(traces(backup.path(), MARK, &everybody)?.found, Vec::<String>::new());
    Ok(())
}
