//! What the browser SDKs ask for before they send anything: where to send it. Answered for the address the question
//! came to, so that an SDK that was pointed here stays here.

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use vitrine_domain::Shop;
use vitrine_http::Problem;
use vitrine_store::api_keys::{KeyKind, Scope};

use crate::Error;
use crate::intake::{Collect, key_of};

/// Where the client reached us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `http` or `https`.
    pub protocol: &'static str,
    /// Host, with its port where it is not the usual one.
    pub host: String,
}

/// The first of a header's values: the one that the outermost proxy wrote.
fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()?.split(',').next().map(str::trim).filter(|value| !value.is_empty())
}

impl Origin {
    /// Reads where a request was sent, through proxies that say so.
    #[must_use]
    pub fn of(parts: &Parts) -> Option<Self> {
        let headers = &parts.headers;
        let authority = || parts.uri.authority().map(http::uri::Authority::as_str);
        let host = first(headers, "x-forwarded-host").or_else(|| first(headers, HOST.as_str())).or_else(authority)?;
        let harmless = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']' | b'_');
        if host.len() > 255 || !host.bytes().all(harmless) {
            return None;
        }
        let scheme = first(headers, "x-forwarded-proto").or_else(|| parts.uri.scheme_str());
        let secure = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        Some(Self { protocol: if secure { "https" } else { "http" }, host: host.to_owned() })
    }
}

fn answer(settings: &Value) -> Response {
    let headers = [(CACHE_CONTROL, HeaderValue::from_static("private, max-age=300"))];
    (headers, axum::Json(settings)).into_response()
}

/// The shop of a key that may stand in a page.
async fn browser_shop(state: &Collect, key: &str) -> Result<Shop, Problem> {
    let known = state.app.auth.admit(key, Scope::Events).await?;
    if known.kind != KeyKind::Browser {
        return Err(Problem::forbidden("a server key must not stand in a page; take the shop's browser key"));
    }
    Ok(known.shop)
}

/// What analytics.js asks for before it sends anything
///
/// Set `cdnURL` of the SDK to this address. A server key is refused: it would stand in a page.
#[utoipa::path(get, path = "/v1/projects/{key}/settings", tag = "collect", security(()),
    params(("key" = String, Path, description = "The shop's browser key", example = "demo")),
    responses((status = 200, body = Object), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn settings(
    State(state): State<Collect>,
    Path(key): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    browser_shop(&state, &key).await?;
    let (parts, _) = request.into_parts();
    let origin = Origin::of(&parts)
        .ok_or_else(|| Problem::bad_request("no-host", "the request does not say which host it was sent to"))?;
    let destination = json!({"apiKey": key, "apiHost": format!("{}/v1", origin.host), "protocol": origin.protocol});
    Ok(answer(&json!({
        "integrations": {"Segment.io": destination},
        "plan": {"track": {"__default": {"enabled": true, "integrations": {}}}},
    })))
}

/// What RudderStack's browser SDK asks for before it sends anything
///
/// Set `configUrl` and the data plane of the SDK to this address, and take its bundled build: the other one loads its
/// parts from elsewhere.
#[utoipa::path(get, path = "/sourceConfig/", tag = "collect", security(("query" = ["events"])),
    params(("writeKey" = Option<String>, Query, description = "The shop's browser key, if no header has it")),
    responses((status = 200, body = Object), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn source_config(State(state): State<Collect>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let key = key_of(&parts).ok_or(Error::NoKey)?;
    let shop = browser_shop(&state, &key).await?;
    Ok(answer(&json!({
        "source": {
            "id": shop.as_str(), "name": shop.as_str(), "writeKey": key, "enabled": true,
            "config": {}, "destinations": [], "dataplanes": {},
        },
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(uri: &str, headers: &[(&str, &str)]) -> Option<(&'static str, String)> {
        let mut request = http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Origin::of(&parts).map(|origin| (origin.protocol, origin.host))
    }

    #[test]
    fn the_answer_names_the_address_that_was_asked() {
        let found = |protocol, host: &str| Some((protocol, host.to_owned()));
        let host = ("host", "127.0.0.1:8080");
        assert_eq!(origin("/", &[host]), found("http", "127.0.0.1:8080"));
        let proxy = [host, ("x-forwarded-host", "shop.example, inner"), ("x-forwarded-proto", "https, http")];
        assert_eq!(origin("/", &proxy), found("https", "shop.example"));
        assert_eq!(origin("https://a.example/x", &[]), found("https", "a.example"));
        assert_eq!(origin("/", &[("host", "[::1]:80"), ("x-forwarded-proto", "HTTPS")]), found("https", "[::1]:80"));
        assert_eq!(origin("/", &[]), None);
        assert_eq!(origin("/", &[("host", "a/../b?c")]), None);
        assert_eq!(origin("/", &[("host", "\"x\"")]), None);
    }
}
