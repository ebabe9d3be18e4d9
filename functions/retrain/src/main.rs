//! The function `retrain` in the cloud: invoked by a schedule, by hand, or by the object of a job.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use vitrine_retrain::handle;
use vitrine_runtime::telemetry::causes;
use vitrine_runtime::{Context, telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::start_in_cloud();
    let context = &Context::from_env().await?;
    let serve = service_fn(move |event: LambdaEvent<Value>| async move {
        Box::pin(handle(context, event.payload)).await.map_err(|error| causes(&error))
    });
    lambda_runtime::run(serve).await.map_err(|error| anyhow::anyhow!(error))
}
