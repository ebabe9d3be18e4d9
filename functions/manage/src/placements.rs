//! Placements: the ones every shop starts with, and the shop's own.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use vitrine_domain::Placement;
use vitrine_domain::placement::{MAX_LIMIT, Seen, Strategy};
use vitrine_http::{App, Body, Problem, ServerAccess};

use crate::lock::{Expected, etag};

/// Kind of the setting.
const KIND: &str = "placement";
/// Longest name.
const MAX_NAME: usize = 40;
/// Most placements of a shop: all are read together.
const MAX_PLACEMENTS: usize = 200;

/// A placement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Placement)]
pub(crate) struct View {
    /// Its name in the address of a request for recommendations.
    name: String,
    /// What fills it.
    #[schema(schema_with = strategies)]
    strategy: Strategy,
    /// How many products it shows unless the request says otherwise.
    limit: usize,
    /// What happens to products that the visitor looked at in this visit.
    #[schema(schema_with = seen)]
    viewed: Seen,
    /// What happens to products that the visitor has bought.
    #[schema(schema_with = seen)]
    bought: Seen,
    /// At most this many products of one narrowest category in a page; zero is no bound.
    per_category: usize,
    /// Grows with every change; zero is a placement as it was shipped.
    version: u64,
}

/// All placements of a shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Placements {
    /// In the order of their names.
    placements: Vec<View>,
}

/// A placement as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewPlacement)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The name in the address, if it is said again.
    #[serde(default)]
    name: Option<String>,
    /// What fills it.
    #[schema(schema_with = strategies)]
    strategy: Strategy,
    /// How many products it shows unless the request says otherwise, 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    limit: usize,
    /// What happens to products that the visitor looked at in this visit: `allow` unless said otherwise.
    #[serde(default)]
    #[schema(schema_with = seen, required = false)]
    viewed: Seen,
    /// What happens to products that the visitor has bought: `allow` unless said otherwise.
    #[serde(default)]
    #[schema(schema_with = seen, required = false)]
    bought: Seen,
    /// At most this many products of one narrowest category in a page; zero, the default, is no bound.
    #[serde(default)]
    #[schema(maximum = 100)]
    per_category: usize,
    /// The version it was made from, unless `If-Match` says it; zero for a new one and for one as shipped.
    #[serde(default)]
    version: Option<u64>,
}

fn words<T: Serialize>(values: &[T]) -> Schema {
    let words = values.iter().filter_map(|value| serde_json::to_value(value).ok());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build().into()
}

fn strategies() -> Schema {
    words(&[
        Strategy::Personal,
        Strategy::Similar,
        Strategy::BoughtTogether,
        Strategy::Basket,
        Strategy::RecentlyViewed,
        Strategy::Trending,
    ])
}

fn seen() -> Schema {
    words(&[Seen::Allow, Seen::Hide])
}

impl View {
    fn of(placement: Placement, version: u64) -> Self {
        let Placement { name, strategy, limit, viewed, bought, per_category, .. } = placement;
        Self { name, strategy, limit, viewed, bought, per_category, version }
    }
}

impl Wanted {
    /// # Errors
    /// 422 with every member that is wrong.
    fn check(self, name: String) -> Result<Placement, Problem> {
        let mut wrong = Problem::unprocessable("invalid-placement", "this is no placement; `errors` says where");
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(plain) || name.starts_with('-') {
            wrong = wrong.at("name", "1 to 40 lower-case letters, digits and hyphens, no hyphen first");
        }
        if self.name.is_some_and(|said| said != name) {
            wrong = wrong.at("/name", "another name than in the address");
        }
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            wrong = wrong.at("/limit", "1 to 100");
        }
        if self.per_category > MAX_LIMIT {
            wrong = wrong.at("/per_category", "0 to 100");
        }
        if !wrong.errors.is_empty() {
            return Err(wrong);
        }
        let Self { strategy, limit, viewed, bought, per_category, .. } = self;
        Ok(Placement { viewed, bought, per_category, ..Placement::new(&name, strategy, limit) })
    }
}

/// The shop's placements
///
/// Those that every shop starts with, as the shop has changed them, and its own.
#[utoipa::path(get, path = "/v1/placements", tag = "manage", operation_id = "get_placements",
    responses(
        (status = 200, body = Placements, description = "All placements"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn list(State(app): State<App>, access: ServerAccess) -> Result<Json<Placements>, Problem> {
    let own = app.context.table.settings::<Placement>(&access.shop, KIND).await?;
    let shipped = Placement::shipped().into_iter().map(|placement| (placement.name.clone(), View::of(placement, 0)));
    let mut all: BTreeMap<String, View> = shipped.collect();
    all.extend(own.into_iter().map(|setting| (setting.id, View::of(setting.value, setting.version))));
    Ok(Json(Placements { placements: all.into_values().collect() }))
}

/// Make or change a placement
#[utoipa::path(put, path = "/v1/placements/{name}", tag = "manage", operation_id = "put_placement", request_body = Wanted,
    params(
        ("name" = String, Path, description = "Name of the placement: lower-case letters, digits and hyphens"),
        ("If-Match" = Option<String>, Header, description = "The version it was made from, in quotes"),
    ),
    responses(
        (status = 200, body = View, description = "The setting as it is now",
            headers(("ETag" = String, description = "The new version, in quotes"))),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 409, body = Problem, description = "The body names another version than the stored one"),
        (status = 412, body = Problem, description = "`If-Match` names another version than the stored one"),
        (status = 422, body = Problem, description = "The body is no such setting"),
        (status = 428, body = Problem, description = "A stored setting is changed only over a named version"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(wanted): Body<Wanted>,
) -> Result<Response, Problem> {
    let expected = Expected::of(&headers, wanted.version);
    let placement = wanted.check(name)?;
    let own = app.context.table.settings::<Placement>(&access.shop, KIND).await?;
    let current = own.iter().find(|setting| setting.id == placement.name).map_or(0, |setting| setting.version);
    if current == 0 && own.len() >= MAX_PLACEMENTS {
        return Err(Problem::unprocessable("too-many-placements", "a shop has at most 200 placements of its own"));
    }
    let from = expected.over(current)?;
    let written = app.context.table.put_setting(&access.shop, KIND, &placement.name, &placement, from).await;
    match written {
        Ok(()) => {
            let version = from + 1;
            Ok((etag(version), Json(View::of(placement, version))).into_response())
        }
        Err(vitrine_store::Error::Conflict { .. }) => {
            Err(expected.refusal("somebody else changed it just now; read it again"))
        }
        Err(error) => Err(error.into()),
    }
}
