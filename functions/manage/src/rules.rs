//! Merchandising rules: what the shop wants shown, whatever the model says. A rule is saved even if it gets into others;
//! the answer says which and what will happen.

mod check;
mod context;
mod shape;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use vitrine_domain::rule::{MAX_ID, MAX_RULES};
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Body, Problem, ServerAccess};
use vitrine_store::settings::RULE;

use crate::keep;
use crate::lock::{Expected, etag};
use context::Surroundings;
pub(crate) use shape::View;
use shape::{Rules, Wanted};

fn unknown() -> Problem {
    Problem::not_found("the shop has no rule of this id; GET /v1/rules lists those it has")
}

/// The shop's rules
///
/// In the order in which they act, each with the rules it gets into and with what it names and the shop does not have.
#[utoipa::path(get, path = "/v1/rules", tag = "manage", operation_id = "get_rules",
    responses(
        (status = 200, body = Rules, description = "All rules"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn list(State(app): State<App>, access: ServerAccess<Look>) -> Result<Json<Rules>, Problem> {
    let mut around = Surroundings::read(&app, &access.shop, None).await?;
    around.rules.sort_by(|a, b| b.value.priority.cmp(&a.value.priority).then_with(|| a.id.cmp(&b.id)));
    let all = around.all();
    let rules = around.rules.iter().map(|setting| {
        let view = around.view(&setting.value, setting.version, &all);
        view.written_by(setting.author.clone(), setting.written)
    });
    let rules = rules.collect();
    Ok(Json(Rules { rules, revision: around.revision }))
}

/// A rule
#[utoipa::path(get, path = "/v1/rules/{id}", tag = "manage", operation_id = "get_rule",
    params(("id" = String, Path, description = "Id of the rule")),
    responses(
        (status = 200, body = View, description = "The rule as it is now",
            headers(("ETag" = String, description = "The version, in quotes"))),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "There is no such rule"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess<Look>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let around = Surroundings::read(&app, &access.shop, None).await?;
    let setting = around.rule(&id).ok_or_else(unknown)?;
    let view = around.view(&setting.value, setting.version, &around.all());
    let mut view = view.written_by(setting.author.clone(), setting.written);
    view.revision = Some(around.revision);
    Ok((etag(setting.version), Json(view)).into_response())
}

/// Make or change a rule
///
/// It acts within seconds. It is saved even if it gets into other rules: `conflicts` says into which, and what will
/// happen; `warnings` says what it names and the shop does not have.
#[utoipa::path(put, path = "/v1/rules/{id}", tag = "manage", operation_id = "put_rule", request_body = Wanted,
    params(
        ("id" = String, Path, description = "Id of the rule: lower-case letters, digits and hyphens"),
        ("If-Match" = Option<String>, Header, description = "The version it was made from, in quotes"),
    ),
    responses(
        (status = 200, body = View, description = "The rule as it is now",
            headers(("ETag" = String, description = "The new version, in quotes"))),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 409, body = Problem, description = "The body names another version than the stored one"),
        (status = 412, body = Problem, description = "`If-Match` names another version than the stored one"),
        (status = 422, body = Problem, description = "The body is no rule, or the shop has too many"),
        (status = 428, body = Problem, description = "A stored rule is changed only over a named version"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(wanted): Body<Wanted>,
) -> Result<Response, Problem> {
    let expected = Expected::of(&headers, wanted.version);
    let rule = wanted.check(id)?;
    let around = Surroundings::read(&app, &access.shop, Some(&rule)).await?;
    let current = around.rule(&rule.id).map_or(0, |setting| setting.version);
    if current == 0 && around.rules.len() >= MAX_RULES {
        return Err(Problem::unprocessable("too-many-rules", format!("a shop has at most {MAX_RULES} rules")));
    }
    let from = expected.over(current)?;
    let revision = keep::put(&app, &access, (RULE, &rule.id), &rule, (from, expected)).await?;
    let view = around.view(&rule, from + 1, &around.all());
    let mut view = view.written_by(Some(access.author.clone()), Some(app.context.clock.now()));
    view.revision = Some(revision);
    Ok((etag(from + 1), Json(view)).into_response())
}

/// Remove a rule
///
/// It acts no more within seconds. To only pause it, put it with `enabled` false.
#[utoipa::path(delete, path = "/v1/rules/{id}", tag = "manage", operation_id = "delete_rule",
    params(
        ("id" = String, Path, description = "Id of the rule"),
        ("If-Match" = Option<String>, Header, description = "The version to remove, in quotes; any if it is not said"),
    ),
    responses(
        (status = 204, description = "The rule is gone"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "There is no such rule"),
        (status = 412, body = Problem, description = "`If-Match` names another version than the stored one"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn delete(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    // The table takes no key of any length.
    if id.len() > MAX_ID {
        return Err(unknown());
    }
    let removed = keep::remove(&app, &access, (RULE, &id), Expected::of(&headers, None)).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}
