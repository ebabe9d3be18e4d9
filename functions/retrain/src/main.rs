//! The function `retrain` in the cloud: invoked by the state machine of training, or by hand; and the same program as a task
//! of AWS Batch, which does what `VITRINE_PAYLOAD` says, once, and ends with 0 if it is done.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use vitrine_retrain::handle;
use vitrine_runtime::telemetry::causes;
use vitrine_runtime::{Context, telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::start_in_cloud();
    let context = &Context::from_env().await?;
    if let Some(payload) = vitrine_runtime::task() {
        let done = handle(context, serde_json::from_str(&payload)?).await?;
        tracing::info!(%done, "the task is done");
        return Ok(());
    }
    let serve = service_fn(move |event: LambdaEvent<Value>| async move {
        handle(context, event.payload).await.map_err(|error| causes(&error))
    });
    lambda_runtime::run(serve).await.map_err(|error| anyhow::anyhow!(error))
}
