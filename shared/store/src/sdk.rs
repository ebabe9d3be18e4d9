//! What the AWS clients share: TLS, credentials and region of the environment, and where a local endpoint is.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::Credentials;

/// The settings of every client, with the credentials and region of the environment; a local endpoint needs neither.
pub(crate) async fn load(endpoint: Option<&str>) -> SdkConfig {
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    crate::choose_tls();
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let mut loader = aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(http);
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
        if is_loopback(endpoint) {
            let credentials = Credentials::new("local", "local", None, None, "local endpoint");
            loader = loader.credentials_provider(credentials).region(aws_config::Region::new("local"));
        }
    }
    loader.load().await
}

fn is_loopback(endpoint: &str) -> bool {
    ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|host| endpoint.starts_with(host))
}
