//! The function `manage` in the cloud: behind the HTTP API.

use vitrine_http::{App, layers};
use vitrine_runtime::{Context, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    telemetry::start_in_cloud();
    let app = App::new(Context::from_env().await?);
    let router = layers::surround(vitrine_manage::router(app));
    lambda_http::run(router).await.map_err(|error| anyhow::anyhow!(error))
}
