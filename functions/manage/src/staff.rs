//! The shop's staff: who may sign in, and as what. Whoever decides about keys decides about them, and gives nobody more than
//! they have themselves.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;
use vitrine_http::{App, Body, Problem, passwords};
use vitrine_store::staff::{MAX_STAFF, Role, Staff, is_name};

use crate::keys::{Access, within};
use crate::placements::words;

/// One of the staff.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffMember)]
pub(crate) struct View {
    /// Signs in with it, and stands beside every change.
    #[schema(example = "anna")]
    name: String,
    /// What they may do: `viewer` looks, `marketer` changes, `admin` sees visitors and decides about keys and staff.
    #[schema(schema_with = roles)]
    role: Role,
    /// When they were taken in.
    #[schema(format = DateTime)]
    created: String,
    /// When role or password were last changed.
    #[schema(format = DateTime)]
    changed: String,
}

/// All of a shop's staff.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffMembers)]
pub(crate) struct All {
    /// In the order of their names.
    staff: Vec<View>,
}

/// What one of the staff shall be.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewStaffMember)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `viewer`, `marketer` or `admin`.
    #[schema(example = "marketer")]
    role: String,
    /// From 12 characters to 200 bytes; who is known already keeps theirs unless it is said. It is never shown.
    #[schema(min_length = 12, max_length = 200)]
    password: Option<String>,
}

fn roles() -> Schema {
    words(&Role::ALL)
}

impl View {
    fn of(staff: &Staff) -> Self {
        let (created, changed) = (staff.created.to_rfc3339(), staff.changed.to_rfc3339());
        Self { name: staff.name.clone(), role: staff.role, created, changed }
    }
}

impl Wanted {
    /// The role, if there can be somebody like this.
    ///
    /// # Errors
    /// 422 with everything that is wrong.
    pub(crate) fn check(&self, name: &str, new: bool) -> Result<Role, Problem> {
        let mut wrong = Problem::unprocessable("invalid-staff", "there can be nobody like this; `errors` says why");
        if !is_name(name) {
            wrong = wrong.at("name", "up to 40 lower-case letters, digits, `.`, `-` and `_`, a letter first");
        }
        let role = Role::parse(&self.role);
        if role.is_none() {
            wrong = wrong.at("/role", "viewer, marketer or admin");
        }
        let fault = match &self.password {
            Some(password) => passwords::fault(password),
            None => new.then_some("somebody new needs one"),
        };
        if let Some(fault) = fault {
            wrong = wrong.at("/password", fault);
        }
        role.filter(|_| wrong.errors.is_empty()).ok_or(wrong)
    }
}

fn unknown() -> Problem {
    Problem::not_found("the shop has nobody of this name; GET /v1/staff lists those it has")
}

/// The shop's staff
///
/// Their names and roles; never their passwords, of which only hashes are stored.
#[utoipa::path(get, path = "/v1/staff", tag = "manage", operation_id = "get_staff",
    security(("basic" = ["keys"])),
    responses(
        (status = 200, body = All, description = "Everybody, in the order of their names"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is no server key with the scope `keys`"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn list(State(app): State<App>, access: Access) -> Result<Json<All>, Problem> {
    let all = app.context.table.staff_of(&access.shop).await?;
    Ok(Json(All { staff: all.iter().map(View::of).collect() }))
}

/// One of the staff
#[utoipa::path(get, path = "/v1/staff/{name}", tag = "manage", operation_id = "get_staff_member",
    security(("basic" = ["keys"])),
    params(("name" = String, Path, description = "Their name")),
    responses(
        (status = 200, body = View, description = "Name and role"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is no server key with the scope `keys`"),
        (status = 404, body = Problem, description = "There is nobody of this name"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn get(
    State(app): State<App>,
    access: Access,
    Path(name): Path<String>,
) -> Result<Json<View>, Problem> {
    let staff = app.context.table.staff(&access.shop, &name).await?.ok_or_else(unknown)?;
    Ok(Json(View::of(&staff)))
}

/// Take somebody in, or change their role or password
///
/// Their sessions end: they sign in again.
#[utoipa::path(put, path = "/v1/staff/{name}", tag = "manage", operation_id = "put_staff_member", request_body = Wanted,
    security(("basic" = ["keys"])),
    params(("name" = String, Path, description = "Their name: lower-case letters, digits, `.`, `-` and `_`, a letter first")),
    responses(
        (status = 200, body = View, description = "Name and role as they are now"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is no server key with the scope `keys`, or may do less than they may or would"),
        (status = 409, body = Problem, description = "Nobody changes their own role"),
        (status = 422, body = Problem, description = "There can be nobody like this, or no more people"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: Access,
    Path(name): Path<String>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<View>, Problem> {
    let (table, now) = (&app.context.table, app.context.clock.now());
    // A name that nobody can have is not looked up.
    let before = if is_name(&name) { table.staff(&access.shop, &name).await? } else { None };
    let role = wanted.check(&name, before.is_none())?;
    within(&access, &role.scopes())?;
    if let Some(before) = &before {
        within(&access, &before.role.scopes())?;
        if before.role != role && access.is_session && access.author == name {
            return Err(own("nobody changes their own role; somebody else has to"));
        }
    } else if table.staff_of(&access.shop).await?.len() >= MAX_STAFF {
        return Err(Problem::unprocessable("too-many", format!("a shop has at most {MAX_STAFF} people")));
    }
    let password = match (wanted.password, &before) {
        (Some(password), _) => passwords::hash(password).await?,
        (None, before) => before.as_ref().map(|before| before.password.clone()).unwrap_or_default(),
    };
    let created = before.map_or(now, |before| before.created);
    let staff = Staff { name, role, password, created, changed: now };
    table.put_staff(&access.shop, &staff).await?;
    // After the change, so that no session that began with the old one outlives it.
    table.end_sessions(&access.shop, &staff.name, now).await?;
    app.auth.forget();
    Ok(Json(View::of(&staff)))
}

/// Let somebody go
///
/// Their sessions end at once on one machine; in the cloud every copy of a function goes by what it read within the last 30
/// seconds.
#[utoipa::path(delete, path = "/v1/staff/{name}", tag = "manage", operation_id = "delete_staff_member",
    security(("basic" = ["keys"])),
    params(("name" = String, Path, description = "Their name")),
    responses(
        (status = 204, description = "They can sign in no more"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is no server key with the scope `keys`, or may do less than they may"),
        (status = 404, body = Problem, description = "There is nobody of this name"),
        (status = 409, body = Problem, description = "Nobody removes themselves"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn delete(
    State(app): State<App>,
    access: Access,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let table = &app.context.table;
    let staff = table.staff(&access.shop, &name).await?.ok_or_else(unknown)?;
    within(&access, &staff.role.scopes())?;
    if access.is_session && access.author == name {
        return Err(own("nobody removes themselves; somebody else has to"));
    }
    table.delete_staff(&access.shop, &name).await?;
    table.end_sessions(&access.shop, &name, app.context.clock.now()).await?;
    app.auth.forget();
    Ok(StatusCode::NO_CONTENT)
}

fn own(why: &'static str) -> Problem {
    Problem::new(StatusCode::CONFLICT, "own-staff", why)
}
