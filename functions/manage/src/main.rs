//! The function `manage` in the cloud: behind the HTTP API.

use axum::extract::Request;
use axum::middleware::map_request;
use lambda_http::request::RequestContext;
use vitrine_http::{App, layers};
use vitrine_manage::Arrival;
use vitrine_runtime::{Context, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    telemetry::start_in_cloud();
    let app = App::new(Context::from_env().await?);
    let router = layers::surround(vitrine_manage::router(app)).layer(map_request(arrived));
    lambda_http::run(router).await.map_err(|error| anyhow::anyhow!(error))
}

/// Notes what the gateway knows of a request.
async fn arrived(mut request: Request) -> Request {
    let Some(RequestContext::ApiGatewayV2(context)) = request.extensions().get::<RequestContext>() else {
        return request;
    };
    let from = context.http.source_ip.clone().unwrap_or_default();
    let arrival = Arrival { from, domain: context.domain_name.clone() };
    request.extensions_mut().insert(arrival);
    request
}
