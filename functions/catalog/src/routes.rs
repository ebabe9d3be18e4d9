//! Imports over HTTP: while the client waits, or by an upload address.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use vitrine_http::auth::scope::Catalogue;
use vitrine_http::{App, Parameters, Problem, ServerAccess};
use vitrine_store::jobs::{Job, JobKind};

use crate::load::{Arriving, Imported, LoadError, Origin, Wishes, load};

/// How long an upload address is valid.
const UPLOAD: Duration = Duration::from_secs(3600);

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Store(error) => error.into(),
            LoadError::Import(error) => Self::unprocessable(error.code(), error.to_string()).at("body", error.mend()),
            LoadError::Wish { name } => {
                Self::unprocessable("invalid-parameters", error.to_string()).at(name, "see /docs for what it can be")
            }
            LoadError::Reader(_) => Self::internal(&error),
        }
    }
}

async fn import(
    app: &App,
    access: &ServerAccess<Catalogue>,
    kind: JobKind,
    wishes: Wishes,
    body: Body,
) -> Result<Response, Problem> {
    let (feeding, arriving) = Arriving::of(body.into_data_stream().map_err(std::io::Error::other));
    let loading = load(&app.context, &access.shop, kind, Origin::Arriving(arriving), &wishes);
    let ((), imported) = tokio::join!(feeding, loading);
    Ok(Json(imported?).into_response())
}

/// Import products: Google Merchant, Shopify, schema.org, JSON
#[utoipa::path(post, path = "/v1/products/import", tag = "catalog",
    security(("basic" = ["catalogue"])),
    params(Wishes),
    request_body(content = String, description = "the file as it is, packed with gzip or not"),
    responses((status = 200, body = Imported), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn import_products(
    State(app): State<App>,
    access: ServerAccess<Catalogue>,
    Parameters(wishes): Parameters<Wishes>,
    request: Request,
) -> Result<Response, Problem> {
    import(&app, &access, JobKind::Products, wishes, request.into_body()).await
}

/// Import orders and returns: CSV, NDJSON, Parquet
#[utoipa::path(post, path = "/v1/orders/import", tag = "catalog",
    security(("basic" = ["catalogue"])),
    params(Wishes),
    request_body(content = String, description = "the file as it is, packed with gzip or not"),
    responses((status = 200, body = Imported), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn import_orders(
    State(app): State<App>,
    access: ServerAccess<Catalogue>,
    Parameters(wishes): Parameters<Wishes>,
    request: Request,
) -> Result<Response, Problem> {
    import(&app, &access, JobKind::Orders, wishes, request.into_body()).await
}

/// Import customers: loyalty tier, CRM attributes
#[utoipa::path(post, path = "/v1/customers/import", tag = "catalog",
    security(("basic" = ["catalogue"])),
    params(Wishes),
    request_body(content = String, description = "the file as it is, packed with gzip or not"),
    responses((status = 200, body = Imported), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn import_customers(
    State(app): State<App>,
    access: ServerAccess<Catalogue>,
    Parameters(wishes): Parameters<Wishes>,
    request: Request,
) -> Result<Response, Problem> {
    import(&app, &access, JobKind::Customers, wishes, request.into_body()).await
}

/// Ask for an address to upload a large file to
///
/// Send the file there with PUT within the hour; that it arrived starts the import, and `/v1/jobs/{id}` says what came
/// of it.
#[utoipa::path(post, path = "/v1/imports/{kind}", tag = "catalog",
    security(("basic" = ["catalogue"])),
    params(("kind" = String, Path, description = "products, orders or customers"), Wishes),
    responses((status = 202, body = Object), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn upload(
    State(app): State<App>,
    access: ServerAccess<Catalogue>,
    Path(kind): Path<String>,
    Parameters(wishes): Parameters<Wishes>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kinds = [JobKind::Products, JobKind::Orders, JobKind::Customers];
    let kind = kinds.into_iter().find(|known| known.as_str() == kind);
    let kind = kind.ok_or_else(|| Problem::not_found("imports are of products, orders or customers"))?;
    let options = serde_json::to_value(wishes).unwrap_or(Value::Null);
    let job = Job::new(kind, options, app.context.clock.now())?;
    let object = job.object(&access.shop);
    app.context.table.put_job(&access.shop, &job).await?;
    let address = match app.context.objects.upload_address(&object, UPLOAD).await? {
        Some(address) => address,
        None => local_address(&app, &headers, &object)?,
    };
    let location = format!("/v1/jobs/{}", job.id);
    let answer = json!({
        "job_id": job.id,
        "state": job.state,
        "location": location,
        "upload": {"method": "PUT", "url": address, "expires_in": UPLOAD.as_secs()},
    });
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(answer)).into_response())
}

/// Where objects are files, the stack itself takes the upload.
fn local_address(app: &App, headers: &HeaderMap, object: &str) -> Result<String, Problem> {
    let token = app.sealer.seal("upload", object.as_bytes());
    let token =
        token.ok_or_else(|| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again shortly"))?;
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("127.0.0.1");
    Ok(format!("http://{host}/uploads/{token}"))
}
