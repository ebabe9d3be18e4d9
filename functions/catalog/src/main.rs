//! The function as it is deployed: HTTP requests, and files that arrived in the bucket.

use lambda_http::lambda_runtime::{self, LambdaEvent};
use serde_json::Value;
use tower::ServiceExt;
use vitrine_http::{App, layers};
use vitrine_runtime::{Context, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start_in_cloud();
    let context = Context::from_env().await?;
    let router = layers::surround(vitrine_catalog::router(App::new(context.clone())));
    let http = lambda_http::Adapter::from(router);
    lambda_runtime::run(lambda_runtime::service_fn(move |event: LambdaEvent<Value>| {
        let (context, http) = (context.clone(), http.clone());
        async move {
            if event.payload.get("Records").is_some() {
                let done = vitrine_catalog::handle(&context, event.payload).await?;
                return Ok::<Value, lambda_http::Error>(serde_json::to_value(done)?);
            }
            let request = LambdaEvent { payload: serde_json::from_value(event.payload)?, context: event.context };
            Ok(serde_json::to_value(http.oneshot(request).await?)?)
        }
    }))
    .await
}
