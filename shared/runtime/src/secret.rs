//! Where the secret comes from: the environment on one machine, the parameter store in the cloud.

use crate::StartError;
use crate::config::{LEAST, SECRET};

/// Names the SecureString that holds the secret.
const PARAMETER: &str = "VITRINE_SECRET_PARAMETER";

/// The secret, if there is one. `VITRINE_SECRET` wins, so that a stack on one machine never asks the cloud.
///
/// # Errors
/// If the parameter cannot be read, or what it holds is too short; the error has its name and not what it holds.
pub(crate) async fn of(get: &(dyn Fn(&str) -> Option<String> + Sync)) -> Result<Option<String>, StartError> {
    if let Some(secret) = get(SECRET) {
        return Ok(Some(secret));
    }
    let Some(name) = get(PARAMETER) else { return Ok(None) };
    let endpoint = get("AWS_ENDPOINT_URL_SSM").or_else(|| get("AWS_ENDPOINT_URL"));
    let secret = vitrine_store::parameters::secret(&name, endpoint.as_deref()).await?;
    if secret.len() < LEAST {
        let why = "it needs at least 32 characters".to_owned();
        return Err(vitrine_store::Error::Parameter { name, why }.into());
    }
    Ok(Some(secret))
}

#[cfg(test)]
mod tests {
    use axum::Json;
    use axum::routing::post;
    use serde_json::json;

    use super::*;
    use crate::Context;

    /// A parameter store with one parameter of this value.
    async fn holding(value: &'static str) -> String {
        let answer = move || async move { Json(json!({"Parameter": {"Type": "SecureString", "Value": value}})) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().route("/", post(answer))).await });
        address
    }

    fn variables(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + Sync {
        let pairs: Vec<(String, String)> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        move |name| pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone())
    }

    const LONG: &str = "0123456789abcdef0123456789abcdef";

    #[tokio::test]
    async fn a_secret_comes_from_its_parameter_unless_the_environment_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().to_str().unwrap();
        let address = holding(LONG).await;
        let of_parameter = [
            ("VITRINE_TABLE", "t"),
            ("VITRINE_FOLDER", folder),
            ("VITRINE_SECRET_PARAMETER", "/vitrine/secret"),
            ("AWS_ENDPOINT_URL_SSM", &address),
            ("AWS_ENDPOINT_URL_DYNAMODB", &address),
        ];
        let context = Context::from_variables(&variables(&of_parameter)).await.unwrap();
        assert_eq!(context.config.secret, LONG);
        let own = "of the environment, also 32 characters";
        let nowhere = ("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1");
        let both = [&of_parameter[..3], &[("VITRINE_SECRET", own), nowhere, of_parameter[4]]].concat();
        let context = Context::from_variables(&variables(&both)).await.unwrap();
        assert_eq!(context.config.secret, own, "the parameter is not asked for");
    }

    #[tokio::test]
    async fn a_secret_that_is_too_short_is_named_and_not_told() {
        assert_eq!(of(&variables(&[])).await.unwrap(), None);
        let address = holding("short").await;
        let asked = [("VITRINE_SECRET_PARAMETER", "/vitrine/secret"), ("AWS_ENDPOINT_URL", address.as_str())];
        let error = of(&variables(&asked)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the secret in the parameter /vitrine/secret cannot be read: it needs at least 32 characters"
        );
        assert!(!format!("{error:?}").contains("short"), "{error:?}");
    }
}
