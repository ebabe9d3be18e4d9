//! Vectors that the shop computed itself: sent, listed, withdrawn. The next training takes them in.

use axum::Json;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vitrine_domain::Shop;
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Body, Parameters, Problem, ServerAccess, body, said};
use vitrine_learn::OwnVectors;
use vitrine_learn::vectors::{Invalid, Of, is_npy, parse_ndjson, parse_npy};
use vitrine_store::vectors::{VectorSet, folder, is_ids, new_ids};

/// Largest body. In the cloud a request is bounded at 6 MB before.
const MAX_BODY: usize = 256 << 20;
/// Longest name: it is part of the names of an artifact's sections, which are short.
const MAX_NAME: usize = 24;
/// Most sets of a shop: each is a part of its own in every model.
const MAX_SETS: usize = 8;

/// A set of vectors.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VectorSet)]
pub(crate) struct View {
    /// Its name in the address.
    name: String,
    /// Numbers of a vector.
    dims: usize,
    /// Products that have one.
    products: usize,
    /// Visitors that have one.
    visitors: usize,
    /// Size of what is stored, in bytes.
    bytes: usize,
    /// When it was sent, RFC 3339.
    uploaded: String,
    /// Grows with every upload.
    version: u64,
}

/// All sets of a shop.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VectorSets)]
pub(crate) struct Sets {
    /// In the order of their names.
    vectors: Vec<View>,
}

/// What stands beside a matrix.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wishes {
    /// Identifiers of the rows of a `.npy` matrix, separated by commas. A longer list, or one with commas in it, is sent
    /// to `/v1/vectors/{name}/ids` before.
    ids: Option<String>,
    /// Whose vectors the rows of a matrix are: `products`, unless said otherwise, or `visitors`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    of: Of,
}

impl View {
    fn of(name: String, set: &VectorSet, version: u64) -> Self {
        let VectorSet { dims, products, visitors, bytes, uploaded, .. } = *set;
        Self { name, dims, products, visitors, bytes, uploaded: uploaded.to_rfc3339(), version }
    }
}

fn checked(name: String) -> Result<String, Problem> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('-') {
        return Ok(name);
    }
    let rule = "1 to 24 lower-case letters, digits and hyphens, no hyphen first";
    Err(Problem::unprocessable("invalid-vectors", format!("the name of a set must be {rule}")).at("name", rule))
}

fn refused(error: &Invalid) -> Problem {
    let place = match error {
        Invalid::Line { line, .. } => format!("line {line}"),
        Invalid::Row { row, .. } => format!("row {row}"),
        Invalid::Ids(_) => "ids".to_owned(),
        _ => "body".to_owned(),
    };
    let detail = said(&error.to_string());
    Problem::unprocessable("invalid-vectors", format!("these vectors cannot be used: {detail}")).at(place, detail)
}

/// Identifiers that wait for a matrix of a set, the newest last.
async fn waiting_ids(app: &App, shop: &Shop, name: &str) -> Result<Vec<String>, Problem> {
    let stored = app.context.objects.list(&format!("{}/{name}", folder(shop))).await?;
    let mut keys: Vec<String> = stored.into_iter().map(|entry| entry.key).filter(|key| is_ids(key)).collect();
    keys.sort_unstable();
    Ok(keys)
}

/// Leaves out visitors who were erased or who refuse, and refuses vectors of nobody else.
async fn admit(app: &App, shop: &Shop, own: &mut OwnVectors) -> Result<(), Problem> {
    let named = own.visitors.iter().map(|(visitor, _)| visitor.clone());
    let barred = app.context.table.barred_now(&app.context.tombstone_key(), shop, named).await?;
    let now = app.context.clock.now();
    own.visitors.retain(|(visitor, _)| !barred.holds(visitor, now) && !barred.refused(visitor));
    if own.visitors.is_empty() && own.products.is_empty() {
        let why = "all of these visitors were erased or refuse; nothing of them is kept";
        return Err(Problem::unprocessable("invalid-vectors", why));
    }
    Ok(())
}

/// The shop's own vectors
#[utoipa::path(get, path = "/v1/vectors", tag = "manage", operation_id = "get_vectors",
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = Sets, description = "All sets"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn list(State(app): State<App>, access: ServerAccess<Look>) -> Result<Json<Sets>, Problem> {
    let sets = app.context.table.vector_sets(&access.shop).await?;
    Ok(Json(Sets { vectors: sets.into_iter().map(|set| View::of(set.id, &set.value, set.version)).collect() }))
}

/// Send vectors of your own
///
/// NDJSON, a vector a line, of products and of visitors:
///
/// `{"product_id": "penne", "vector": [0.25, -1.5]}`, `{"user_id": "853", "vector": [0.5, 0.125]}`,
/// `{"visitor_id": "a:2f6f9c1e", "vector": [0, 1]}`
///
/// or a `.npy` matrix of little-endian float32 or float64 in C order, with the identifiers of its rows in `ids` or sent
/// before to `/v1/vectors/{name}/ids`. All vectors have the same 1 to 256 dimensions, and a set is replaced as a whole.
/// Visitors who were erased or who refuse are left out of it.
/// The next training takes it in as another part of the score and finds out what it is worth. At request time a visitor
/// stands where the products of their history are on average.
#[utoipa::path(put, path = "/v1/vectors/{name}", tag = "manage", operation_id = "put_vectors",
    security(("basic" = ["manage"])),
    params(("name" = String, Path, description = "Name of the set: lower-case letters, digits and hyphens"), Wishes),
    request_body(content = String, description = "NDJSON or .npy"),
    responses(
        (status = 200, body = View, description = "The set as it is now"),
        (status = 400, body = Problem, description = "A parameter is not known"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 409, body = Problem, description = "Somebody else sent the set at the same time"),
        (status = 413, body = Problem, description = "The body is too large"),
        (status = 422, body = Problem, description = "The vectors cannot be used; `errors` says in which line"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(name): Path<String>,
    Parameters(wishes): Parameters<Wishes>,
    mut request: Request,
) -> Result<Json<View>, Problem> {
    let name = checked(name)?;
    let (table, objects) = (&app.context.table, &app.context.objects);
    let sets = table.vector_sets(&access.shop).await?;
    let old = sets.iter().find(|set| set.id == name);
    if old.is_none() && sets.len() >= MAX_SETS {
        return Err(Problem::unprocessable(
            "too-many-vectors",
            format!("a shop has at most {MAX_SETS} sets of vectors"),
        ));
    }
    DefaultBodyLimit::apply(DefaultBodyLimit::max(MAX_BODY), &mut request);
    let bytes = body::read(request, &app).await?;
    let ids = match (&wishes.ids, is_npy(&bytes)) {
        (_, false) => Vec::new(),
        (Some(ids), true) => ids.split(',').map(|id| id.trim().to_owned()).collect(),
        (None, true) => sent_ids(&app, &access, &name).await?,
    };
    let label = name.clone();
    let reading = tokio::task::spawn_blocking(move || match is_npy(&bytes) {
        true => parse_npy(&label, &bytes, wishes.of, &ids),
        false => parse_ndjson(&label, &bytes),
    });
    let mut own = reading.await.map_err(|error| Problem::internal(&error))?.map_err(|error| refused(&error))?;
    admit(&app, &access.shop, &mut own).await?;
    let packing = tokio::task::spawn_blocking(move || own.pack().map(|packed| (own, packed)));
    let (own, packed) = packing.await.map_err(|e| Problem::internal(&e))?.map_err(|_| refused(&Invalid::Damaged))?;
    let OwnVectors { dims, products, visitors, .. } = own;
    let now = app.context.clock.now();
    let set = VectorSet {
        object: VectorSet::new_object(&access.shop, &name, now)?,
        dims,
        products: products.len(),
        visitors: visitors.len(),
        bytes: packed.len(),
        uploaded: now,
    };
    objects.put(&set.object, packed).await?;
    let version = old.map_or(0, |old| old.version) + 1;
    if let Err(error) = table.put_vector_set(objects, &access.shop, &name, &set, old).await {
        objects.delete(&set.object).await?;
        return Err(error.into());
    }
    // Identifiers belong to one matrix: another one must not be read with them by mistake.
    for waiting in waiting_ids(&app, &access.shop, &name).await? {
        objects.delete(&waiting).await?;
    }
    Ok(Json(View::of(name, &set, version)))
}

/// The identifiers that were sent for the rows of a matrix.
async fn sent_ids(app: &App, access: &ServerAccess<Manage>, name: &str) -> Result<Vec<String>, Problem> {
    let bytes = match waiting_ids(app, &access.shop, name).await?.last() {
        Some(key) => app.context.objects.get(key).await?,
        None => None,
    };
    let missing = "a matrix needs the identifiers of its rows: in `ids`, or sent to /v1/vectors/{name}/ids before";
    let bytes = bytes.ok_or_else(|| Problem::unprocessable("invalid-vectors", missing).at("ids", missing))?;
    body::parse(&bytes)
}

/// Send the identifiers of a matrix's rows
///
/// A JSON list of text, in the order of the rows, for the `.npy` matrix that is sent next. It waits for a day at most, and
/// not longer than to the next training if somebody was erased meanwhile.
#[utoipa::path(put, path = "/v1/vectors/{name}/ids", tag = "manage", operation_id = "put_vector_ids", request_body = Vec<String>,
    security(("basic" = ["manage"])),
    params(("name" = String, Path, description = "Name of the set")),
    responses(
        (status = 204, description = "They wait for their matrix"),
        (status = 400, body = Problem, description = "The body is not JSON"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 413, body = Problem, description = "The body is too large"),
        (status = 422, body = Problem, description = "The body is no list of text"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn put_ids(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(name): Path<String>,
    mut request: Request,
) -> Result<StatusCode, Problem> {
    let name = checked(name)?;
    DefaultBodyLimit::apply(DefaultBodyLimit::max(MAX_BODY), &mut request);
    let Body(ids) = Body::<Vec<String>>::from_request(request, &app).await?;
    let bytes = serde_json::to_vec(&ids).map_err(|error| Problem::internal(&error))?;
    let objects = &app.context.objects;
    let before = waiting_ids(&app, &access.shop, &name).await?;
    objects.put(&new_ids(&access.shop, &name, app.context.clock.now())?, bytes).await?;
    for replaced in before {
        objects.delete(&replaced).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Withdraw vectors
///
/// The next training does without them.
#[utoipa::path(delete, path = "/v1/vectors/{name}", tag = "manage", operation_id = "delete_vectors",
    security(("basic" = ["manage"])),
    params(("name" = String, Path, description = "Name of the set")),
    responses(
        (status = 204, description = "The set is gone"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "There is no such set"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn delete(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let context = &app.context;
    let sets = context.table.vector_sets(&access.shop).await?;
    if sets.iter().all(|set| set.id != name) {
        return Err(Problem::not_found("there is no set of vectors of this name"));
    }
    context.table.remove_vector_set(&context.objects, &access.shop, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
