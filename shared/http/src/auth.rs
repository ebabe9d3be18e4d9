//! Who is asking: API keys of a shop, and user tokens signed by the shop's own server.
//!
//! A browser key is public. It writes events, reads the catalogue and asks for recommendations for the anonymous id it
//! names: such ids are random, and only that partition is used. Whatever comes from a known user's profile needs a user
//! token or a server key.
//!
//! A server key has scopes, and every address that needs one says which: [`ServerAccess`] has it in its type. A key that was
//! rotated works until it ends, and so do the user tokens that were signed with it.
//!
//! A user token is `v1.<key id>.<user id, base64url>.<expiry, seconds>.<HMAC-SHA-256, base64url>`, signed over
//! everything before the last dot with the key that [`derive_token_key`] makes of a server key. Two server keys are two
//! signing keys, so they can be rotated.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::header::AUTHORIZATION;
use http::request::Parts;
use sha2::Sha256;
use vitrine_domain::time::SECOND;
use vitrine_domain::{Millis, Shop, Visitor};
use vitrine_runtime::Clock;
use vitrine_store::Table;
use vitrine_store::api_keys::{ApiKey, KeyKind, Scope, Scopes, TokenKey, derive_token_key, hash};

use crate::{App, Limiter, Problem};

pub mod scope;

/// Header with a user token.
pub const USER_TOKEN: &str = "x-vitrine-user";
/// How long a function trusts what it read of a key: the time a revocation takes.
const TRUST: i64 = 30 * SECOND;
/// How long a look-up is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest key that is looked at.
const MAX_KEY: usize = 200;
/// Longest user token that is looked at.
const MAX_TOKEN: usize = 1024;
/// Keys remembered at once.
const MEMORY: usize = 4096;

type Cache<T> = Mutex<HashMap<String, (Millis, Option<T>)>>;

/// Looks keys up and remembers them for half a minute, those too that nobody has: who tries one again and again costs one read. Ever
/// other ones cost a read each, without a bound of their own: it would shut out a key that this process has not read yet. What bounds
/// them is the gateway.
#[derive(Debug)]
pub struct Authenticator {
    table: Table,
    clock: Clock,
    limits: Arc<Limiter>,
    keys: Cache<ApiKey>,
    token_keys: Cache<TokenKey>,
}

fn remembered<T: Clone>(cache: &Cache<T>, id: &str, now: Millis) -> Option<Option<T>> {
    let cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    cache.get(id).filter(|(at, _)| now.since(*at) < TRUST).map(|(_, value)| value.clone())
}

fn remember<T>(cache: &Cache<T>, id: String, now: Millis, value: Option<T>) {
    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    if cache.len() >= MEMORY {
        // Keys that somebody made up go first, so that they cannot push out the ones that are in use.
        cache.retain(|_, (at, value)| value.is_some() && now.since(*at) < TRUST);
    }
    if cache.len() >= MEMORY {
        cache.clear();
    }
    cache.insert(id, (now, value));
}

/// A look-up that ends: a table that hangs must not hold requests.
async fn in_time<T>(read: impl Future<Output = vitrine_store::Result<T>>) -> Result<T, Problem> {
    let Ok(read) = tokio::time::timeout(PATIENCE, read).await else {
        let problem = Problem::new(
            http::StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "a store is not available; try again shortly",
        );
        return Err(Problem { retry_after: Some(1), ..problem });
    };
    Ok(read?)
}

impl Authenticator {
    /// Keys are in the table; what they ask is counted in `limits`.
    #[must_use]
    pub fn new(table: Table, clock: Clock, limits: Arc<Limiter>) -> Self {
        Self { table, clock, limits, keys: Cache::default(), token_keys: Cache::default() }
    }

    /// Admits a request: what its key may do, if it is known, may do this and does not ask too much.
    ///
    /// # Errors
    /// 401 if it is unknown or over, 403 if it may not, 429 if it asks too much, 503 if the table cannot say.
    pub async fn admit(&self, presented: &str, scope: Scope) -> Result<ApiKey, Problem> {
        let key = self.key(presented).await?;
        self.limits.key(presented, self.clock.now())?;
        if !key.may(scope) {
            return Err(lacks(scope, key.kind));
        }
        Ok(key)
    }

    /// Forgets what was read of keys: one of them was taken back, or given an end.
    pub fn forget(&self) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.token_keys.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What a presented key may do.
    ///
    /// # Errors
    /// 401 if it is unknown or over, 503 if the table cannot say.
    pub async fn key(&self, presented: &str) -> Result<ApiKey, Problem> {
        let unknown = || Problem::unauthorized("this key is not known; a shop's keys are shown when they are made");
        if presented.is_empty() || presented.len() > MAX_KEY {
            return Err(unknown());
        }
        let now = self.clock.now();
        let id = hash(presented);
        let found = match remembered(&self.keys, &id, now) {
            Some(known) => known,
            None => {
                let found = in_time(self.table.api_key(presented)).await?;
                remember(&self.keys, id, now, found.clone());
                found
            }
        };
        found.filter(|key| lasts(key.expires, now)).ok_or_else(unknown)
    }

    /// The user that a token of this shop names.
    ///
    /// # Errors
    /// 401 if the token is malformed, forged, expired or of another shop.
    pub async fn user(&self, shop: &Shop, token: &str) -> Result<Visitor, Problem> {
        let bad = || Problem::unauthorized("the user token is not valid; sign a new one on the shop's server");
        let claims = Claims::parse(token).ok_or_else(bad)?;
        let now = self.clock.now();
        let key = match remembered(&self.token_keys, claims.key_id, now) {
            Some(known) => known,
            None => {
                let found = in_time(self.table.token_key(claims.key_id)).await?;
                remember(&self.token_keys, claims.key_id.to_owned(), now, found.clone());
                found
            }
        };
        let key = key.filter(|key| key.shop == *shop && lasts(key.expires, now)).ok_or_else(bad)?;
        let secret = unhex(&key.secret).ok_or_else(bad)?;
        let user = claims.user(&secret, now).ok_or_else(bad)?;
        Visitor::known(user).map_err(|_| bad())
    }
}

/// Whether something that may have an end is not over.
fn lasts(expires: Option<Millis>, now: Millis) -> bool {
    expires.is_none_or(|at| now < at)
}

fn lacks(scope: Scope, kind: KeyKind) -> Problem {
    Problem::forbidden(match kind {
        KeyKind::Browser => "this needs a server key; a browser key is public".to_owned(),
        KeyKind::Server => format!("this needs a server key with the scope `{}`", scope.as_str()),
    })
}

struct Claims<'a> {
    signed: &'a str,
    key_id: &'a str,
    user: String,
    expiry: i64,
    signature: Vec<u8>,
}

impl<'a> Claims<'a> {
    fn parse(token: &'a str) -> Option<Self> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let mut parts = signed.split('.');
        let (version, key_id, user, expiry) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version != "v1" || parts.next().is_some() || key_id.is_empty() {
            return None;
        }
        Some(Self {
            signed,
            key_id,
            user: String::from_utf8(URL_SAFE_NO_PAD.decode(user).ok()?).ok()?,
            expiry: expiry.parse().ok()?,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Who it names, if it is signed with this secret and not over.
    fn user(self, secret: &[u8], now: Millis) -> Option<String> {
        let lasts = self.expiry.saturating_mul(SECOND) > now.0;
        (self.is_signed_by(secret) && lasts).then_some(self.user)
    }

    fn is_signed_by(&self, secret: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return false };
        mac.update(self.signed.as_bytes());
        mac.verify_slice(&self.signature).is_ok()
    }
}

/// The user that a token names, if it is signed with the secret of [`derive_token_key`] and not over. Which secret that is, and of
/// which shop, [`Authenticator::user`] finds by the token's key id.
#[must_use]
pub fn read_user_token(token: &str, secret: &[u8], now: Millis) -> Option<String> {
    Claims::parse(token)?.user(secret, now)
}

/// Signs a user token, as a shop's own server does.
#[must_use]
pub fn sign_user_token(server_key: &str, user: &str, expiry: Millis) -> Option<String> {
    let (key_id, secret) = derive_token_key(server_key);
    let signed = format!("v1.{key_id}.{}.{}", URL_SAFE_NO_PAD.encode(user), expiry.0 / SECOND);
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).ok()?;
    mac.update(signed.as_bytes());
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect()
}

/// The key of a request: `Authorization: Basic` (key as user name), `Bearer`, or `?key=` where a browser cannot set a
/// header.
#[must_use]
pub fn presented_key(parts: &Parts) -> Option<String> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some((scheme, credentials)) = header.and_then(|h| h.split_once(' ')) {
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(credentials.trim().to_owned());
        }
        if scheme.eq_ignore_ascii_case("basic") {
            let clear = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
            return Some(clear.split(':').next().unwrap_or_default().to_owned());
        }
    }
    let query = parts.uri.query()?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix("key="))?;
    Some(value.to_owned())
}

fn no_key() -> Problem {
    Problem::unauthorized("a key is needed: `Authorization: Basic base64(KEY:)`, `Bearer KEY`, or `?key=KEY`")
}

/// A request of a shop: a key of it that may read was presented.
#[derive(Debug, Clone)]
pub struct Access {
    /// Which shop.
    pub shop: Shop,
    /// What kind of key.
    pub kind: KeyKind,
    /// The user that a valid token names.
    pub user: Option<Visitor>,
    /// Whether customers may be asked about: sessions of staff need the scope `privacy` for it.
    pub personal: bool,
}

impl Access {
    /// Whether data of this visitor may be used to answer: any anonymous id, and a known user only for a server key or
    /// the user's own token. One of the staff needs to be allowed to see visitors.
    #[must_use]
    pub fn may_use(&self, visitor: &Visitor) -> bool {
        let server = self.kind == KeyKind::Server && self.personal;
        !visitor.is_known() || server || self.user.as_ref() == Some(visitor)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Access
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let auth: Arc<Authenticator> = App::from_ref(state).auth;
        let presented = presented_key(parts).ok_or_else(no_key)?;
        let key = auth.admit(&presented, Scope::Read).await?;
        // A token that is no text is a wrong token, not a missing one.
        let user = match parts.headers.get(USER_TOKEN) {
            Some(token) => Some(auth.user(&key.shop, token.to_str().unwrap_or_default()).await?),
            None => None,
        };
        let personal = key.staff.is_none() || key.may(Scope::Privacy);
        Ok(Self { shop: key.shop, kind: key.kind, user, personal })
    }
}

/// A request with a server key that has a scope: `ServerAccess<scope::Manage>`. Without one it needs all of them.
#[derive(Debug, Clone)]
pub struct ServerAccess<S = scope::All> {
    /// Which shop.
    pub shop: Shop,
    /// The key's name in the shop's list.
    pub key: String,
    /// Who stands beside what is changed: whoever signed in, else the key.
    pub author: String,
    /// Whether the key is a session of one of the staff.
    pub is_session: bool,
    /// What the key may do altogether.
    pub scopes: Scopes,
    needed: PhantomData<fn() -> S>,
}

impl<S: Send + Sync, N: scope::Needed> FromRequestParts<S> for ServerAccess<N>
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let auth: Arc<Authenticator> = App::from_ref(state).auth;
        let presented = presented_key(parts).ok_or_else(no_key)?;
        let key = auth.key(&presented).await?;
        auth.limits.key(&presented, auth.clock.now())?;
        if let Some(lacking) = N::lacking(&key) {
            return Err(lacks(lacking, key.kind));
        }
        let (author, is_session) = (key.author().to_owned(), key.staff.is_some());
        Ok(Self { shop: key.shop, key: key.id, author, is_session, scopes: key.scopes, needed: PhantomData })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_bound_to_its_user_and_expiry() {
        let token = sign_user_token("vs_key", "anna", Millis(2_000_000)).unwrap();
        let secret = derive_token_key("vs_key").1;
        let claims = Claims::parse(&token).unwrap();
        assert!(claims.is_signed_by(&secret) && claims.user == "anna" && claims.expiry == 2000);
        assert!(!claims.is_signed_by(&derive_token_key("vs_other").1));
        let forged = token.replacen(&URL_SAFE_NO_PAD.encode("anna"), &URL_SAFE_NO_PAD.encode("bert"), 1);
        assert!(!Claims::parse(&forged).unwrap().is_signed_by(&secret));
        let longer = token.replacen(".2000.", ".9000.", 1);
        assert!(!Claims::parse(&longer).unwrap().is_signed_by(&secret));
        for malformed in ["", "v1", "v2.a.b.1.c", "v1.a.b.c.d.e", "v1..YQ.1.YQ"] {
            assert!(Claims::parse(malformed).is_none(), "{malformed}");
        }
    }

    #[test]
    fn a_key_that_nobody_has_is_looked_up_once_and_pushes_out_none_that_is_in_use() {
        let cache = Cache::<u8>::default();
        let (now, later) = (Millis(TRUST), Millis(2 * TRUST));
        remember(&cache, "ours".to_owned(), now, Some(1));
        for n in 0..3 * MEMORY {
            remember(&cache, format!("made up {n}"), now, None);
            assert_eq!(remembered(&cache, &format!("made up {n}"), now), Some(None), "it is known to be none");
        }
        assert_eq!(remembered(&cache, "ours", now), Some(Some(1)));
        assert!(cache.lock().unwrap().len() <= MEMORY);
        assert_eq!(remembered(&cache, "ours", later), None, "it may have been taken back");
        assert_eq!(remembered(&cache, &format!("made up {}", 3 * MEMORY - 1), later), None, "it may have been made");
    }

    #[test]
    fn keys_come_three_ways() {
        let parts = |uri: &str, header: Option<&str>| {
            let mut request = http::Request::builder().uri(uri);
            if let Some(value) = header {
                request = request.header(AUTHORIZATION, value);
            }
            request.body(()).unwrap().into_parts().0
        };
        let basic = format!("Basic {}", STANDARD.encode("demo:"));
        assert_eq!(presented_key(&parts("/", Some(&basic))).as_deref(), Some("demo"));
        let no_colon = format!("basic {}", STANDARD.encode("demo"));
        assert_eq!(presented_key(&parts("/", Some(&no_colon))).as_deref(), Some("demo"));
        assert_eq!(presented_key(&parts("/", Some("Bearer demo"))).as_deref(), Some("demo"));
        assert_eq!(presented_key(&parts("/?a=b&key=demo", None)).as_deref(), Some("demo"));
        assert_eq!(presented_key(&parts("/", None)), None);
    }
}
