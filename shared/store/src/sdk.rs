//! What the AWS clients share: TLS, credentials and region of the environment, and where a local endpoint is.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::{credentials::CredentialsProviderChain, region::RegionProviderChain};
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::Credentials;

use crate::Boxed;

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(2);
/// How long one try may take. The services answer in milliseconds; a connection that has gone silent would be waited for
/// without end, and a reader of the stream would stand still with it.
const TRY: Duration = Duration::from_secs(3);
/// How long a call may take with all its tries: less than the ten seconds of the functions that have least time.
const CALL: Duration = Duration::from_secs(9);

/// The settings of every client, with the credentials and region of the environment. A local endpoint needs neither, and
/// takes them if they are there: an emulator of AWS tells functions and accounts apart by them.
pub(crate) fn load(endpoint: Option<&str>) -> Boxed<'_, SdkConfig> {
    Box::pin(read(endpoint))
}

async fn read(endpoint: Option<&str>) -> SdkConfig {
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    crate::choose_tls();
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let patience = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(TRY)
        .operation_timeout(CALL)
        .build();
    let mut loader =
        aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(http).timeout_config(patience);
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
        if is_loopback(endpoint) {
            let credentials =
                CredentialsProviderChain::first_try("environment", EnvironmentVariableCredentialsProvider::new())
                    .or_else("local endpoint", Credentials::new("local", "local", None, None, "local endpoint"));
            let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
                .or_else(aws_config::Region::new("local"));
            loader = loader.credentials_provider(credentials).region(region);
        }
    }
    loader.load().await
}

/// Whether an endpoint is on this machine, where nothing asks for credentials.
pub(crate) fn is_loopback(endpoint: &str) -> bool {
    ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|host| endpoint.starts_with(host))
}
