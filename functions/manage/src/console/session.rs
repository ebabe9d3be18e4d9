//! Who has signed in: a sealed cookie that holds the session's key and what a page says of its owner.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use cookie::{Cookie, SameSite};
use http::header::{self, HeaderValue};
use http::request::Parts;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use vitrine_domain::Millis;
use vitrine_store::staff::Role;

use super::Console;
use super::client::Api;
use super::guard::see;
use super::words::Language;
use crate::address::endpoint;
use crate::sessions::{LASTS, Session};

const SEALED: &str = "console session";
const SIGNED: &str = "console form";

/// What the cookie holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ticket {
    pub(super) key: String,
    pub(super) shop: String,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) ends: Millis,
}

impl Ticket {
    pub(super) fn of(session: Session, now: Millis) -> Self {
        let Session { key, shop, name, role, .. } = session;
        Self { key, shop: shop.to_string(), name, role, ends: now.plus(LASTS) }
    }
}

/// How a page is made, and for whom.
#[derive(Debug)]
pub(super) struct Face {
    pub(super) language: Language,
    /// The page's own address.
    pub(super) path: String,
    pub(super) ticket: Option<Ticket>,
    /// What every form of the page carries.
    pub(super) token: String,
    /// What was just done: a key of the words.
    pub(super) said: Option<String>,
    /// Whether only a part of the page is asked for.
    pub(super) part: bool,
}

impl Face {
    /// Of somebody who has not signed in.
    #[cfg(test)]
    pub(super) fn plain(language: Language) -> Self {
        let (path, token) = (String::new(), String::new());
        Self { language, path, ticket: None, token, said: None, part: false }
    }

    /// A sentence of the page's language.
    pub(super) fn t(&self, key: &str) -> &'static str {
        self.language.word(key)
    }

    pub(super) fn is(&self, role: Role) -> bool {
        self.ticket.as_ref().is_some_and(|ticket| ticket.role >= role)
    }

    /// Whether things can be changed.
    pub(super) fn edits(&self) -> bool {
        self.is(Role::Marketer)
    }
}

/// A page of somebody who has signed in; whoever has not is asked to.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub(super) face: Arc<Face>,
    pub(super) api: Api,
}

/// A page that needs nobody.
#[derive(Debug, Clone)]
pub(super) struct Guest(pub(super) Arc<Face>);

/// Whether the request came by TLS, as far as the function knows: in the cloud always.
pub(super) fn is_secure(parts: &Parts) -> bool {
    let said = parts.headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    endpoint(&parts.extensions).is_some() || said == Some("https")
}

const fn name(secure: bool) -> &'static str {
    if secure { "__Host-vitrine-console" } else { "vitrine-console" }
}

/// The cookie of a session; without one, the cookie that ends it.
pub(super) fn cookie(console: &Console, ticket: Option<&Ticket>, secure: bool) -> Option<HeaderValue> {
    let sealed = match ticket {
        Some(ticket) => console.app.sealer.seal(SEALED, &serde_json::to_vec(ticket).ok()?)?,
        None => String::new(),
    };
    let cookie = Cookie::build((name(secure), sealed)).path("/").http_only(true).same_site(SameSite::Strict);
    let age = if ticket.is_some() { LASTS / 1000 } else { 0 };
    HeaderValue::from_str(&format!("{}; Max-Age={age}", cookie.secure(secure).build())).ok()
}

/// A cookie of the request.
pub(super) fn cookie_named(parts: &Parts, wanted: &str) -> Option<String> {
    let all = parts.headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut each = all.flat_map(Cookie::split_parse).filter_map(Result::ok);
    each.find(|cookie| cookie.name() == wanted).map(|cookie| cookie.value().to_owned())
}

fn ticket(parts: &Parts, console: &Console) -> Option<Ticket> {
    let sealed = cookie_named(parts, name(is_secure(parts)))?;
    let ticket: Ticket = serde_json::from_slice(&console.app.sealer.open(SEALED, &sealed)?).ok()?;
    (console.app.context.clock.now() < ticket.ends).then_some(ticket)
}

fn face(parts: &Parts, console: &Console) -> Face {
    let ticket = ticket(parts, console);
    let key = ticket.as_ref().map_or("", |ticket| ticket.key.as_str());
    let token = console.app.sealer.sign(SIGNED, key.as_bytes()).unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let said = query.split('&').find_map(|pair| pair.strip_prefix("said="));
    let said = said.filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())).map(str::to_owned);
    Face {
        language: Language::of(parts),
        path: parts.uri.path().to_owned(),
        ticket,
        token,
        said,
        part: parts.headers.contains_key("hx-request"),
    }
}

impl FromRequestParts<Console> for Guest {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Self::Rejection> {
        Ok(Self(Arc::new(face(parts, console))))
    }
}

impl FromRequestParts<Console> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        let face = Arc::new(face(parts, console));
        let Some(ticket) = &face.ticket else { return Err(outside(&face, false)) };
        let base = endpoint(&parts.extensions).or_else(|| console.app.endpoint.as_deref().map(str::to_owned));
        let api = Api::new(console.http.clone(), base, ticket.key.clone(), face.clone());
        Ok(Self { face, api })
    }
}

/// To the sign-in page, which says whether a session has ended.
pub(super) fn outside(face: &Face, over: bool) -> Response {
    let to = if over { "/console/sign-in?said=over" } else { "/console/sign-in" };
    if face.part {
        return ([("hx-redirect", to)], ()).into_response();
    }
    see(to)
}
