//! The function `archive` in the cloud: invoked with batches of the table's stream, and by a schedule to compact.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};
use vitrine_archive::{compact, handle};
use vitrine_runtime::{Context, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start_in_cloud();
    let context = Context::from_env().await?;
    let serve = service_fn(move |event: LambdaEvent<Value>| {
        let context = context.clone();
        async move { serve(&context, event.payload).await }
    });
    lambda_runtime::run(serve).await
}

/// A stream batch has records; whatever has none comes from the schedule.
async fn serve(context: &Context, payload: Value) -> Result<Value, lambda_runtime::Error> {
    if payload.get("Records").is_none() {
        return Ok(json!({ "merged": compact(context).await? }));
    }
    let batch = serde_json::from_value(payload)?;
    Ok(serde_json::to_value(handle(context, batch).await)?)
}
