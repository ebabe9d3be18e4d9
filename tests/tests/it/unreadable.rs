//! A record of the stream that no reader can read.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use vitrine_local::Running;
use vitrine_tests::Ground;

/// Writes what no function would write.
pub(crate) async fn plant(folder: &Path, shop: &str, visitor: &str, time: i64) -> Result<()> {
    let table = Running::find(folder).context("no stack runs")?.dynamodb;
    put(
        &table,
        json!({
            "PK": {"S": format!("S#{shop}#V#a:{visitor}")},
            "SK": {"S": format!("E#{time:013}#planted")},
            "d": {"S": "{\"a\":7}"},
        }),
    )
    .await
}

/// Writes an item over the table's own API, which wants a signature and does not check it.
pub(crate) async fn put(table: &str, item: Value) -> Result<()> {
    let signature =
        "AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
    let request = reqwest::Client::new()
        .post(table)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.PutItem")
        .header("x-amz-date", "20260101T000000Z")
        .header("authorization", signature)
        .body(json!({"TableName": "vitrine", "Item": item}).to_string());
    let answer = request.send().await?;
    ensure!(answer.status().is_success(), "{}", answer.text().await?);
    Ok(())
}

fn dead_letters(folder: &Path) -> Result<Vec<Value>> {
    let files = std::fs::read_dir(folder.join("dead-letters"))?;
    files.map(|file| Ok(serde_json::from_slice(&std::fs::read(file?.path())?)?)).collect()
}

/// The reader goes on while it tries the record again, and a restart meanwhile neither loses nor forgets it.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_holds_nobody_up_and_is_a_dead_letter_of_each_reader() -> Result<()> {
    let ground = Ground::start().await?;
    let shop = ground.shop("shop").await?;
    let now = ground.stack.context.clock.now();
    plant(ground.folder(), "shop", "broken", now.0).await?;
    for n in 0..3 {
        shop.view("visitor", &format!("tea-{n}")).await?;
    }
    let folded = |v: &Value| v["profile"]["state"]["counts"]["view"] == 3 && v["built_from"]["unfolded_events"] == 0;
    shop.eventually("/v1/visitors/a:visitor", folded).await?;
    let ground = ground.restart().await?;
    let mut letters = Vec::new();
    for _ in 0..1200 {
        letters = dead_letters(ground.folder())?;
        if letters.len() >= 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut readers: Vec<&str> = letters.iter().filter_map(|letter| letter["function"].as_str()).collect();
    readers.sort_unstable();
    assert_eq!(readers, ["archive", "fold"]);
    for letter in &letters {
        assert!(letter["reason"].as_str().is_some_and(|why| !why.is_empty()), "{letter}");
        assert!(letter["record"].to_string().contains("planted"), "{letter}");
    }
    ground.stack.poller.caught_up().await;
    ground.stop().await;
    Ok(())
}
