//! What stands around every page: nothing is changed by a form of another site, and nothing is loaded from one.
//!
//! A form carries a token besides ([`fields`](super::fields)); what browsers say of where a request comes from is checked here,
//! before anything is read.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use vitrine_http::Problem;

use super::words::Language;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https: http:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

pub(super) async fn guard(request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && !is_own(request.headers()) {
        return Problem::forbidden("this was sent by another site; open the console and do it there").into_response();
    }
    let chosen = request.uri().query().and_then(Language::of_query);
    let is_asset = request.uri().path().starts_with("/console/assets/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !is_asset {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(language) = chosen
        && let Ok(cookie) = HeaderValue::from_str(&language.cookie())
    {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}

/// Whether a browser says that the request was made by a page of this very site. Every browser of the last years says one of
/// the two; whoever says neither is no browser with the console open.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    let host = text(header::HOST).unwrap_or_default();
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, of)| !host.is_empty() && of == host)
}

/// A redirect after something was done, so that going back and reloading do not do it again.
pub(super) fn see(address: &str) -> Response {
    let headers = HeaderValue::from_str(address).map(|to| [(header::LOCATION, to)]);
    headers.map_or_else(|_| StatusCode::NOT_FOUND.into_response(), |to| (StatusCode::SEE_OTHER, to).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_same_site_change_anything() {
        let own = |pairs: &[(&'static str, &'static str)]| {
            is_own(&pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect())
        };
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(own(&[("host", "shop.example"), ("origin", "https://shop.example")]));
        for foreign in [
            &[][..],
            &[("host", "shop.example")],
            &[("sec-fetch-site", "cross-site"), ("host", "a"), ("origin", "http://a")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("host", "shop.example"), ("origin", "https://evil.example")],
            &[("host", "shop.example"), ("origin", "null")],
            &[("origin", "https://")],
        ] {
            assert!(!own(foreign), "{foreign:?}");
        }
    }
}
