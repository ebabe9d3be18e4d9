//! A stack that is stopped and started again has lost nothing.

use anyhow::Result;
use serde_json::json;
use vitrine_local::Options;
use vitrine_tests::{Ground, catalogue, ids};

#[tokio::test(flavor = "multi_thread")]
async fn events_taken_while_nobody_read_the_stream_are_folded_after_a_restart() -> Result<()> {
    let ground = Ground::start_with(|options| Options { poll: false, ..options }).await?;
    let shop = ground.shop("restart").await?;
    shop.stock(&catalogue(&["tea"], 10)).await?;
    shop.retrain().await?;
    for n in 0..10 {
        shop.view("visitor", &format!("tea-{n}")).await?;
    }
    let before = shop.recommend("recently-viewed", json!({"anonymous_id": "visitor"})).await?;
    let ground = ground.restart().await?;
    let shop = shop.moved_to(&ground.stack.url());
    let after = shop.recommend("recently-viewed", json!({"anonymous_id": "visitor"})).await?;
    assert_eq!(ids(&after), ids(&before));
    assert_eq!(after["model"], before["model"]);
    assert!(after["model"].is_string());
    let folded = |v: &serde_json::Value| v["profile"]["state"]["counts"]["view"] == 10 && v["profile"]["version"] != 0;
    shop.eventually("/v1/visitors/a:visitor", folded).await?;
    ground.stop().await;
    Ok(())
}
