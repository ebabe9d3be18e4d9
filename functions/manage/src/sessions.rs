//! Signing in and out. A session is a server key that ends: with it one of the staff does what any client of the API does.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;
use vitrine_domain::Shop;
use vitrine_domain::time::HOUR;
use vitrine_http::auth::scope::View;
use vitrine_http::{App, Body, Problem, ServerAccess, passwords};
use vitrine_store::api_keys::Scopes;
use vitrine_store::staff::Role;

use crate::address::Address;
use crate::placements::words;

/// How long a session lasts.
pub(crate) const LASTS: i64 = 8 * HOUR;

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[schema(as = SignIn)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// Which shop.
    #[schema(example = "demo")]
    pub(crate) shop: String,
    /// Their name in it.
    #[schema(example = "anna")]
    pub(crate) name: String,
    /// Their password.
    pub(crate) password: String,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// The key with which everything is asked until it ends. It is shown only now.
    pub(crate) key: String,
    /// Which shop.
    #[schema(value_type = String)]
    pub(crate) shop: Shop,
    /// Who signed in.
    pub(crate) name: String,
    /// As what.
    #[schema(schema_with = roles)]
    pub(crate) role: Role,
    /// What the key may do.
    #[schema(value_type = Vec<String>)]
    pub(crate) scopes: Scopes,
    /// When it ends.
    #[schema(format = DateTime)]
    pub(crate) expires: String,
}

fn roles() -> Schema {
    words(&Role::ALL)
}

fn refused() -> Problem {
    let why = "there is no such shop, name and password";
    Problem::new(StatusCode::UNAUTHORIZED, "wrong-password", why)
}

/// Signs somebody in. A wrong password, an unknown name and an unknown shop answer the same after the same work.
///
/// # Errors
/// 401 if one of the three is wrong, 429 if it was tried too often.
pub(crate) async fn open(app: &App, sign_in: SignIn, address: &str) -> Result<Session, Problem> {
    let SignIn { shop, name, password } = sign_in;
    let (table, now) = (&app.context.table, app.context.clock.now());
    app.limits.sign_in(&shop, &name, address, now)?;
    let shop = Shop::new(shop).ok();
    let staff = match &shop {
        Some(shop) => table.staff(shop, &name).await?,
        None => None,
    };
    let right = passwords::is(password, staff.as_ref().map(|staff| staff.password.clone())).await?;
    let (Some(shop), Some(staff)) = (shop, staff.filter(|_| right)) else { return Err(refused()) };
    let ends = now.plus(LASTS);
    let (key, entry) = table.create_session(&shop, staff.grant(), ends, now).await?;
    // Who was changed or removed meanwhile may have had their sessions ended before this one was there.
    if table.staff(&shop, &name).await? != Some(staff.clone()) {
        table.revoke_key(&shop, &entry).await?;
        return Err(refused());
    }
    let (role, scopes, expires) = (staff.role, entry.grant.scopes, ends.to_rfc3339());
    Ok(Session { key, shop, name, role, scopes, expires })
}

/// Sign in
///
/// Answers a server key that ends after 8 hours. Tries are limited by name and by address, right ones and wrong ones.
#[utoipa::path(post, path = "/v1/sessions", tag = "manage", operation_id = "post_session", request_body = SignIn, security(()),
    responses(
        (status = 201, body = Session, description = "The session, whose key is shown only now"),
        (status = 401, body = Problem, description = "There is no such shop, name and password"),
        (status = 422, body = Problem, description = "The body is of another shape"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn create(
    State(app): State<App>,
    Address(address): Address,
    Body(sign_in): Body<SignIn>,
) -> Result<Response, Problem> {
    let session = open(&app, sign_in, &address).await?;
    let kept_by_nobody = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, kept_by_nobody, Json(session)).into_response())
}

/// Sign out
///
/// Ends the session whose key the request is made with.
#[utoipa::path(delete, path = "/v1/sessions", tag = "manage", operation_id = "delete_session",
    security(("basic" = ["view"])),
    responses(
        (status = 204, description = "The session is over"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 409, body = Problem, description = "The key is not a session"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn delete(State(app): State<App>, access: ServerAccess<View>) -> Result<StatusCode, Problem> {
    if !access.is_session {
        let why = "this key is no session; it is revoked with DELETE /v1/keys/{id}";
        return Err(Problem::new(StatusCode::CONFLICT, "no-session", why));
    }
    let table = &app.context.table;
    if let Some(entry) = table.key_entry(&access.shop, &access.key, app.context.clock.now()).await? {
        table.revoke_key(&access.shop, &entry).await?;
    }
    app.auth.forget();
    Ok(StatusCode::NO_CONTENT)
}
