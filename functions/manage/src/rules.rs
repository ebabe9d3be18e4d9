//! Merchandising rules: what the shop wants shown, whatever the model says. A rule is saved even if it gets into others;
//! the answer says which and what will happen.

mod check;
mod context;
mod shape;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use vitrine_domain::rule::{MAX_ID, MAX_RULES};
use vitrine_domain::{Fault, Rule};
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::settings::RULE;

use crate::keep::{self, Change, Kept, Standing};
use crate::lock::{Expected, etag};
use context::Surroundings;
use shape::Rules;
pub(crate) use shape::{View, Wanted};

impl Kept for Rule {
    const KIND: &'static str = RULE;
    const MOST: usize = MAX_RULES;

    fn show(self, standing: Standing) -> impl Serialize {
        View::of(self, standing)
    }

    fn faults_over(&self, _now: Option<&Self>) -> Vec<Fault> {
        self.faults()
    }
}

fn unknown() -> Problem {
    Problem::not_found("the shop has no rule of this id; GET /v1/rules lists those it has")
}

/// The shop's rules
///
/// In the order in which they act, each with the rules it gets into and with what it names and the shop does not have.
#[utoipa::path(get, path = "/v1/rules", tag = "manage", operation_id = "get_rules",
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = Rules, description = "All rules"),
        keep::Reading,
    ))]
pub(crate) async fn list(State(app): State<App>, access: ServerAccess<Look>) -> Result<Json<Rules>, Problem> {
    let mut around = Surroundings::read(&app, &access.shop, None).await?;
    around.rules.sort_by(|a, b| b.value.priority.cmp(&a.value.priority).then_with(|| a.id.cmp(&b.id)));
    let all = around.all();
    let rules = around.rules.iter().map(|setting| around.view(&setting.value, Standing::of(setting), &all));
    let rules = rules.collect();
    Ok(Json(Rules { rules, revision: around.revision }))
}

/// A rule
#[utoipa::path(get, path = "/v1/rules/{id}", tag = "manage", operation_id = "get_rule",
    security(("basic" = ["view"])),
    params(("id" = String, Path, description = "Id of the rule")),
    responses(
        (status = 200, body = View, description = "The rule as it is now",
            headers(("ETag" = String, description = "The version, in quotes"))),
        keep::Finding,
    ))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess<Look>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let around = Surroundings::read(&app, &access.shop, None).await?;
    let setting = around.rule(&id).ok_or_else(unknown)?;
    let mut view = around.view(&setting.value, Standing::of(setting), &around.all());
    view.revision = Some(around.revision);
    Ok((etag(setting.version), Json(view)).into_response())
}

/// Make or change a rule
///
/// It acts within seconds. It is saved even if it gets into other rules: `conflicts` says into which, and what will
/// happen; `warnings` says what it names and the shop does not have.
#[utoipa::path(put, path = "/v1/rules/{id}", tag = "manage", operation_id = "put_rule", request_body = Wanted,
    security(("basic" = ["manage"])),
    params(
        ("id" = String, Path, description = "Id of the rule: lower-case letters, digits and hyphens"),
        ("If-Match" = Option<String>, Header, description = "The version it was made from, in quotes"),
    ),
    responses(
        (status = 200, body = View, description = "The rule as it is now",
            headers(("ETag" = String, description = "The new version, in quotes"))),
        keep::Writing,
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(id): Path<String>,
    Change { wanted, expected }: Change<Wanted>,
) -> Result<Response, Problem> {
    let rule = wanted.check(id)?;
    let around = Surroundings::read(&app, &access.shop, Some(&rule)).await?;
    let current = around.rule(&rule.id).map(|setting| setting.version);
    if current.is_none() && around.rules.len() >= MAX_RULES {
        return Err(Problem::unprocessable("too-many-rules", format!("a shop has at most {MAX_RULES} rules")));
    }
    let from = expected.over(current)?;
    let (standing, revision) = keep::put(&app, &access, &rule.id, &rule, (from, expected)).await?;
    let mut view = around.view(&rule, standing, &around.all());
    view.revision = Some(revision);
    Ok((etag(from + 1), Json(view)).into_response())
}

/// Remove a rule
///
/// It acts no more within seconds. To only pause it, put it with `enabled` false.
#[utoipa::path(delete, path = "/v1/rules/{id}", tag = "manage", operation_id = "delete_rule",
    security(("basic" = ["manage"])),
    params(
        ("id" = String, Path, description = "Id of the rule"),
        ("If-Match" = Option<String>, Header, description = "The version to remove, in quotes; any if it is not said"),
    ),
    responses(
        (status = 204, description = "The rule is gone"),
        keep::Removing,
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
    let removed = keep::remove::<Rule>(&app, &access, &id, Expected::of(&headers, None)).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}
