//! The function `fold` in the cloud: invoked with batches of the table's stream.

use std::sync::Arc;

use aws_lambda_events::event::dynamodb::Event;
use lambda_runtime::{LambdaEvent, service_fn};
use vitrine_fold::{Fold, handle};
use vitrine_runtime::{Context, telemetry};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start_in_cloud();
    let fold = Arc::new(Fold::new(Context::from_env_without_secret().await?));
    let serve = service_fn(move |event: LambdaEvent<Event>| {
        let fold = fold.clone();
        async move { Ok::<_, std::convert::Infallible>(handle(&fold, event.payload).await) }
    });
    lambda_runtime::run(serve).await
}
