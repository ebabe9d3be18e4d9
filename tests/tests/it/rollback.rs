//! Going back to an older model is one command, and every answer is from it without a restart.

use anyhow::{Context as _, Result};
use serde_json::json;
use vitrine_local::client;
use vitrine_tests::{Ground, catalogue, ids};

#[tokio::test(flavor = "multi_thread")]
async fn a_running_stack_answers_with_the_model_it_went_back_to() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("back").await?;
    shop.stock(&catalogue(&["tea"], 3)).await?;
    let first = shop.retrain().await?;
    shop.stock(&catalogue(&["coffee"], 2)).await?;
    let second = shop.retrain().await?;
    let model = async || Ok::<_, anyhow::Error>(shop.recommend("trending", json!({"limit": 10})).await?);
    tokio::time::sleep(std::time::Duration::from_millis(1050)).await;
    assert_eq!(model().await?["model"], second["version"]);

    let wrong = client::rollback(&ground.stack.url(), &shop.server, "other", None).await;
    assert!(wrong.is_err_and(|error| error.to_string().contains("of the shop `back`")));
    let went = client::rollback(&ground.stack.url(), &shop.server, "back", None).await?;
    assert_eq!(went, json!({"live": first["version"], "before": second["version"]}));
    // A second is how long a function trusts what it has read.
    tokio::time::sleep(std::time::Duration::from_millis(1050)).await;
    let answer = model().await?;
    assert_eq!(answer["model"], first["version"]);
    // What came to the catalogue since is still shown.
    assert_eq!(ids(&answer).len(), 5, "{answer}");
    let none = client::rollback(&ground.stack.url(), &shop.server, "back", None).await;
    assert!(none.is_err_and(|error| error.to_string().contains("no version is kept that is older")));
    let newest = second["version"].as_str().context("no version")?;
    client::rollback(&ground.stack.url(), &shop.server, "back", Some(newest)).await?;
    tokio::time::sleep(std::time::Duration::from_millis(1050)).await;
    assert_eq!(model().await?["model"], second["version"]);
    ground.stop().await;
    Ok(())
}
