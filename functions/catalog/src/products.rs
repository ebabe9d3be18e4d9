//! Single products: read, written, patched, withdrawn.

use axum::Json;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use vitrine_domain::{Availability, Product, ProductId};
use vitrine_http::auth::scope::Catalogue;
use vitrine_http::{Access, App, Body, Problem, ServerAccess};
use vitrine_store::api_keys::KeyKind;
use vitrine_store::jobs::JobKind;

use crate::load::{Imported, Origin, Wishes, load};

/// Largest body of products; larger ones are imports.
pub(crate) const MAX_BODY: usize = 6 << 20;

/// A product's identifier does not fit.
fn id(text: String) -> Result<ProductId, Problem> {
    Ok(ProductId::new(text)?)
}

fn unknown() -> Problem {
    Problem::not_found("there is no such product in this shop")
}

/// Write products: one, an array, or one a line
#[utoipa::path(put, path = "/v1/products", tag = "catalog",
    request_body(content = Object, description = "a product, an array of products, or NDJSON; members as in the answer of GET"),
    security(("basic" = ["catalogue"])),
    responses((status = 200, body = Imported), (status = 401, body = Problem), (status = 403, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn put(
    State(app): State<App>,
    access: ServerAccess<Catalogue>,
    mut request: Request,
) -> Result<Response, Problem> {
    DefaultBodyLimit::apply(DefaultBodyLimit::max(MAX_BODY), &mut request);
    let bytes = vitrine_http::body::read(request, &app).await?;
    let lines = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_err();
    let format = Some(if lines { "ndjson" } else { "json" }.to_owned());
    let wishes = Wishes { format, ..Wishes::default() };
    let imported = load(&app.context, &access.shop, JobKind::Products, Origin::Bytes(bytes), &wishes).await?;
    if imported.report.kept == 0 && imported.report.refused > 0 {
        return Err(refused(&imported));
    }
    Ok(Json(imported).into_response())
}

/// Nothing could be kept: the first refused rows say why.
fn refused(imported: &Imported) -> Problem {
    let problem = Problem::unprocessable("products-refused", "no product could be kept; see errors");
    imported.report.rows.iter().take(20).fold(problem, |problem, row| {
        let column = row.column.clone().unwrap_or_default();
        problem.at(format!("/{}/{column}", row.row.saturating_sub(1)), format!("{}: {}", row.what, row.mend))
    })
}

/// A product
#[utoipa::path(get, path = "/v1/products/{id}", tag = "catalog",
    security(("query" = ["read"])),
    params(("id" = String, Path, description = "the shop's identifier")),
    responses((status = 200, body = Object), (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn get(
    State(app): State<App>,
    access: Access,
    Path(product): Path<String>,
) -> Result<Json<Product>, Problem> {
    let product = app.context.table.product(&access.shop, &id(product)?).await?.ok_or_else(unknown)?;
    Ok(Json(if access.kind == KeyKind::Server { product } else { product.shown() }))
}

/// What changes often; a member that is left out stays as it is, null takes it away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    /// Regular price of one.
    #[serde(default, deserialize_with = "given")]
    price: Option<Option<f64>>,
    /// Price now, if it is reduced.
    #[serde(default, deserialize_with = "given")]
    sale_price: Option<Option<f64>>,
    /// Pieces in stock.
    #[serde(default, deserialize_with = "given")]
    stock: Option<Option<i64>>,
    /// `in_stock`, `out_of_stock`, `preorder` or `backorder`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    availability: Option<Availability>,
}

impl Patch {
    fn applied(&self, mut product: Product) -> Product {
        if let Some(price) = self.price {
            product.price = price;
        }
        if let Some(sale_price) = self.sale_price {
            product.sale_price = sale_price;
        }
        if let Some(stock) = self.stock {
            product.stock = stock;
        }
        if let Some(availability) = self.availability {
            product.availability = availability;
        }
        product
    }
}

/// Tells a member that is null from one that is left out.
#[allow(clippy::option_option, reason = "left out, null and a value are three things")]
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(input).map(Some)
}

/// Change price or stock
#[utoipa::path(patch, path = "/v1/products/{id}", tag = "catalog",
    security(("basic" = ["catalogue"])),
    params(("id" = String, Path, description = "the shop's identifier")),
    request_body = Patch,
    responses((status = 200, body = Object), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn patch(
    State(app): State<App>,
    access: ServerAccess<Catalogue>,
    Path(product): Path<String>,
    Body(patch): Body<Patch>,
) -> Result<Json<Product>, Problem> {
    let context = &app.context;
    for (name, amount) in [("price", patch.price), ("sale_price", patch.sale_price)] {
        if amount.flatten().is_some_and(|amount| !(0.0..=1e12).contains(&amount)) {
            return Err(Problem::unprocessable("invalid-price", format!("{name} is no price"))
                .at(format!("/{name}"), "an amount from 0"));
        }
    }
    let patched = |product| Some(patch.applied(product));
    let changed = context.table.change_product(&access.shop, &id(product)?, patched, &|| context.clock.now()).await?;
    Ok(Json(changed.ok_or_else(unknown)?))
}

/// Withdraw a product
#[utoipa::path(delete, path = "/v1/products/{id}", tag = "catalog",
    security(("basic" = ["catalogue"])),
    params(("id" = String, Path, description = "the shop's identifier")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn delete(
    State(app): State<App>,
    access: ServerAccess<Catalogue>,
    Path(product): Path<String>,
) -> Result<StatusCode, Problem> {
    let context = &app.context;
    // Over what is stored, as a patch is: so the delta tells the two in the order in which they came about.
    let was = context.table.change_product(&access.shop, &id(product)?, |_| None, &|| context.clock.now()).await?;
    was.map(|_| StatusCode::NO_CONTENT).ok_or_else(unknown)
}
