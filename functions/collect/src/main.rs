//! The function as it is deployed: the router of the library behind the Lambda runtime.

use vitrine_http::{App, layers};
use vitrine_runtime::{Context, telemetry};

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start_in_cloud();
    let app = App::new(Context::from_env().await?);
    lambda_http::run(layers::surround(vitrine_collect::router(app))).await
}
