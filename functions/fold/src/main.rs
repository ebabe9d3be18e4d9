//! The function `fold` in the cloud: invoked with batches of the table's stream, and once a day by a schedule to sweep.

use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};
use vitrine_fold::{Fold, handle, scheduled};
use vitrine_runtime::{Context, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start_in_cloud();
    let context = Context::from_env_without_secret().await?;
    let fold = Arc::new(Fold::new(context.clone()));
    let serve = service_fn(move |event: LambdaEvent<Value>| {
        let (context, fold) = (context.clone(), fold.clone());
        async move { serve(&context, &fold, event.payload).await }
    });
    lambda_runtime::run(serve).await
}

/// A stream batch has records; whatever has none comes from the schedule.
async fn serve(context: &Context, fold: &Fold, payload: Value) -> Result<Value, lambda_runtime::Error> {
    if payload.get("Records").is_none() {
        let swept = scheduled(context).await?.unwrap_or_default();
        return Ok(json!({ "profiles": swept.profiles, "changed": swept.changed }));
    }
    let batch = serde_json::from_value(payload)?;
    Ok(serde_json::to_value(handle(fold, batch).await)?)
}
