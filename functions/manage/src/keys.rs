//! The shop's keys: listed, made, rotated, revoked. A key is shown once, when it is made.
//!
//! Nobody gets more by making a key: it can have only scopes that the key which makes it has, and only such a key can be
//! rotated or revoked. A key does not revoke itself, so that no call locks its caller out.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitrine_domain::time::HOUR;
use vitrine_http::auth::scope;
use vitrine_http::{App, Body, Problem, ServerAccess};
use vitrine_store::api_keys::{Entry, Grant, KeyKind, MAX_KEYS, MAX_LABEL, Scope, Scopes, all_of, include};

/// Hours for which a rotated key goes on working, unless said otherwise.
const HOURS: i64 = 168;
/// Most hours of these.
const MOST_HOURS: i64 = 2160;

/// A key of the shop, without the key itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShopKey)]
pub(crate) struct View {
    /// Names the key; no secret.
    #[schema(example = "9f86d081884c7d65")]
    id: String,
    /// `browser` for a storefront's page, `server` for the shop's servers.
    #[schema(value_type = String, example = "server")]
    kind: KeyKind,
    /// What it may do: `events`, `read`, `catalogue`, `view`, `manage`, `privacy`, `keys`.
    #[schema(value_type = Vec<String>)]
    scopes: Scopes,
    /// What people call it; empty if they do not.
    label: String,
    /// When it was made, RFC 3339.
    created: String,
    /// Who signed in, of a session of one of the staff; null for a key.
    staff: Option<String>,
    /// When it ends, RFC 3339; null unless it was rotated or is a session.
    expires: Option<String>,
    /// Whether this request was made with it.
    own: bool,
}

/// All keys of a shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShopKeys {
    /// The newest first.
    keys: Vec<View>,
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKey {
    /// The key. It is stored as its hash and never shown again.
    key: String,
    #[serde(flatten)]
    view: View,
}

/// What a key shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WantedKey)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `browser` or `server`.
    kind: String,
    /// What it may do, at most what the calling key may do; everything that its kind can have, unless said otherwise. A
    /// browser key has `events` and `read`.
    scopes: Option<Vec<String>>,
    /// What people call it.
    #[serde(default)]
    label: String,
}

/// How a key is rotated.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rotation {
    /// Hours for which the old key goes on working, 0 to 2,160; 168 unless said otherwise.
    hours: Option<i64>,
}

impl View {
    fn of(entry: Entry, own: &str) -> Self {
        let Entry { id, grant: Grant { kind, scopes, label, staff }, created, expires, .. } = entry;
        let own = id == own;
        let expires = expires.map(|at| at.to_rfc3339());
        Self { id, kind, scopes, label, created: created.to_rfc3339(), staff, expires, own }
    }
}

impl Wanted {
    /// # Errors
    /// 422 with every member that is wrong.
    pub(crate) fn check(self) -> Result<Grant, Problem> {
        let mut wrong = Problem::unprocessable("invalid-key", "there can be no such key; `errors` says why");
        let kind = match self.kind.as_str() {
            "browser" => KeyKind::Browser,
            "server" => KeyKind::Server,
            _ => return Err(wrong.at("/kind", "browser or server")),
        };
        let all = all_of(kind);
        let mut scopes = Scopes::new();
        match self.scopes {
            None => scopes.clone_from(&all),
            Some(names) if names.is_empty() => wrong = wrong.at("/scopes", "name at least one"),
            // One name too many is told; the rest of a long list is not.
            Some(names) => {
                for (place, name) in names.iter().enumerate().take(Scope::ALL.len() + 1) {
                    match Scope::parse(name).filter(|scope| all.contains(scope)) {
                        Some(scope) => drop(scopes.insert(scope)),
                        None => {
                            let known: Vec<&str> = all.iter().map(|scope| scope.as_str()).collect();
                            wrong = wrong.at(format!("/scopes/{place}"), format!("one of {}", known.join(", ")));
                        }
                    }
                }
            }
        }
        let plain = self.label.len() <= MAX_LABEL && !self.label.chars().any(char::is_control);
        if !plain {
            wrong = wrong.at("/label", format!("at most {MAX_LABEL} bytes, no control characters"));
        }
        if wrong.errors.is_empty() { Ok(Grant { kind, scopes, label: self.label, staff: None }) } else { Err(wrong) }
    }
}

pub(crate) type Access = ServerAccess<scope::Keys>;

/// # Errors
/// 403 if a key of these scopes is more than the caller's.
pub(crate) fn within(access: &Access, scopes: &Scopes) -> Result<(), Problem> {
    match scopes.iter().find(|scope| !include(&access.scopes, **scope)) {
        None => Ok(()),
        Some(scope) => {
            let scope = scope.as_str();
            Err(Problem::forbidden(format!(
                "that key may do more than the calling one, which lacks the scope `{scope}`"
            )))
        }
    }
}

/// # Errors
/// 422 if the shop has as many keys as it can have.
async fn has_room(app: &App, access: &Access) -> Result<(), Problem> {
    let keys = app.context.table.keys_of(&access.shop, app.context.clock.now()).await?;
    // Sessions come and go, and are bounded by themselves.
    if keys.iter().filter(|entry| entry.grant.staff.is_none()).count() < MAX_KEYS {
        return Ok(());
    }
    let why = format!("a shop has at most {MAX_KEYS} keys; revoke those that nobody uses");
    Err(Problem::unprocessable("too-many-keys", why))
}

async fn found(app: &App, access: &Access, id: &str) -> Result<Entry, Problem> {
    let entry = app.context.table.key_entry(&access.shop, id, app.context.clock.now()).await?;
    let entry = entry.ok_or_else(|| Problem::not_found("there is no such key; `GET /v1/keys` lists them"))?;
    within(access, &entry.grant.scopes)?;
    Ok(entry)
}

/// The answer with a new key, which nobody on the way may keep.
fn shown(access: &Access, key: String, entry: Entry) -> Response {
    let answer = NewKey { key, view: View::of(entry, &access.key) };
    (StatusCode::CREATED, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(answer)).into_response()
}

/// The shop's keys
///
/// What they may do and when they were made; never the keys themselves, of which only hashes are stored.
#[utoipa::path(get, path = "/v1/keys", tag = "manage", operation_id = "get_keys",
    security(("basic" = ["keys"])),
    responses(
        (status = 200, body = ShopKeys, description = "All keys, the newest first"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is no server key with the scope `keys`"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn list(State(app): State<App>, access: Access) -> Result<Json<ShopKeys>, Problem> {
    let keys = app.context.table.keys_of(&access.shop, app.context.clock.now()).await?;
    Ok(Json(ShopKeys { keys: keys.into_iter().map(|entry| View::of(entry, &access.key)).collect() }))
}

/// Make a key
#[utoipa::path(post, path = "/v1/keys", tag = "manage", operation_id = "post_key", request_body = Wanted,
    security(("basic" = ["keys"])),
    responses(
        (status = 201, body = NewKey, description = "The key, shown only now"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is no server key with the scope `keys`, or has less than the new one would"),
        (status = 422, body = Problem, description = "There can be no such key, or no more keys"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn create(
    State(app): State<App>,
    access: Access,
    Body(wanted): Body<Wanted>,
) -> Result<Response, Problem> {
    let grant = wanted.check()?;
    within(&access, &grant.scopes)?;
    has_room(&app, &access).await?;
    let (key, entry) = app.context.table.create_key(&access.shop, grant, app.context.clock.now()).await?;
    Ok(shown(&access, key, entry))
}

/// Rotate a key
///
/// Makes a key like this one. The old one goes on working for some hours, and so do the user tokens that were signed with
/// it, so that pages and servers can be changed one after the other.
#[utoipa::path(post, path = "/v1/keys/{id}/rotate", tag = "manage", operation_id = "rotate_key", request_body = Rotation,
    security(("basic" = ["keys"])),
    params(("id" = String, Path, description = "The `id` of the key")),
    responses(
        (status = 201, body = NewKey, description = "The new key, shown only now"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is no server key with the scope `keys`, or has less than the other one"),
        (status = 404, body = Problem, description = "There is no such key"),
        (status = 409, body = Problem, description = "It is a session of one of the staff"),
        (status = 422, body = Problem, description = "The old key cannot work that long, or there can be no more keys"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn rotate(
    State(app): State<App>,
    access: Access,
    Path(id): Path<String>,
    Body(rotation): Body<Rotation>,
) -> Result<Response, Problem> {
    let hours = rotation.hours.unwrap_or(HOURS);
    if !(0..=MOST_HOURS).contains(&hours) {
        let wrong = Problem::unprocessable("invalid-rotation", "the old key cannot work that long");
        return Err(wrong.at("/hours", format!("0 to {MOST_HOURS}")));
    }
    let old = found(&app, &access, &id).await?;
    if old.grant.staff.is_some() {
        return Err(Problem::new(StatusCode::CONFLICT, "session", "a session is not rotated; sign in again"));
    }
    has_room(&app, &access).await?;
    let now = app.context.clock.now();
    let (key, entry) = app.context.table.rotate_key(&access.shop, &old, now.plus(hours * HOUR), now).await?;
    app.auth.forget();
    Ok(shown(&access, key, entry))
}

/// Revoke a key
///
/// It is refused at once on one machine; in the cloud every copy of a function goes by what it read within the last 30 seconds.
/// User tokens that were signed with it are refused too.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "manage", operation_id = "delete_key",
    security(("basic" = ["keys"])),
    params(("id" = String, Path, description = "The `id` of the key")),
    responses(
        (status = 204, description = "It is no key any more"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is no server key with the scope `keys`, or has less than the other one"),
        (status = 404, body = Problem, description = "There is no such key"),
        (status = 409, body = Problem, description = "A key does not revoke itself"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn revoke(
    State(app): State<App>,
    access: Access,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let entry = found(&app, &access, &id).await?;
    if entry.id == access.key {
        let why = "a key does not revoke itself; make another one and revoke this one with it";
        return Err(Problem::new(StatusCode::CONFLICT, "own-key", why));
    }
    app.context.table.revoke_key(&access.shop, &entry).await?;
    app.auth.forget();
    Ok(StatusCode::NO_CONTENT)
}
