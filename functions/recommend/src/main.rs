//! The function as it is deployed.

use vitrine_http::{App, layers};
use vitrine_runtime::{Context, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start_in_cloud();
    let app = App::new(Context::from_env().await?);
    lambda_http::run(layers::surround(vitrine_recommend::opened(app).await)).await
}
