//! Browsing what there is: category pages, search and the category tree, from the shelf in memory.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vitrine_http::{Access, Parameters, Problem};
use vitrine_rank::{Filter, Shelf};

use crate::answer::{Page, products as render};
use crate::ask::filter_problem;
use crate::facets::Facets;

/// Most products in a page.
const MAX_LIMIT: usize = 100;

/// Which products.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Only of this category, at any level.
    category: Option<String>,
    /// Only those whose name, brand or category holds every word.
    q: Option<String>,
    /// Only those that pass a filter, such as `category = "Pasta" and price < 5`.
    filter: Option<String>,
    /// Whether to tell what can be chosen among them: the commonest brands and categories, and the range of prices.
    #[serde(default)]
    facets: bool,
    /// Most products in the page, 1 to 100; 24 unless said otherwise.
    limit: Option<usize>,
    /// The `cursor` of the page before.
    cursor: Option<String>,
}

/// Products of the shop, the most wanted first
#[utoipa::path(get, path = "/v1/products", tag = "recommend",
    security(("query" = ["read"])),
    params(Wanted),
    responses((status = 200, body = Page<'_>), (status = 401, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn products(
    State(state): State<crate::State>,
    access: Access,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let shelf = state.shops.display(&access.shop).await?.value.shelf;
    let limit = wanted.limit.unwrap_or(24);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::unprocessable("invalid-limit", format!("{limit} is not between 1 and {MAX_LIMIT}"))
            .at("limit", "ask for less, and for the next page with the cursor"));
    }
    let start: usize = match &wanted.cursor {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            Problem::unprocessable("invalid-cursor", "this cursor is not one of ours").at("cursor", "a number")
        })?,
    };
    let rows = matching(&shelf, &wanted)?;
    let page: Vec<u32> = rows.iter().skip(start).take(limit).copied().collect();
    let next = start + page.len();
    let cursor = (next < rows.len() && !page.is_empty()).then(|| next.to_string());
    let facets = wanted.facets.then(|| Facets::of(&shelf, &rows));
    Ok(axum::Json(Page { products: render(&shelf, &page), total: rows.len(), facets, cursor }).into_response())
}

fn matching(shelf: &Shelf, wanted: &Wanted) -> Result<Vec<u32>, Problem> {
    let mut allowed = shelf.sellable().clone();
    if let Some(text) = &wanted.filter {
        let rows = Filter::parse(text).and_then(|filter| {
            let scope = vitrine_domain::filter::Scope::default();
            shelf.rows(&filter.resolve(&scope)?)
        });
        allowed.and(&*rows.map_err(|error| filter_problem(&error, "filter".to_owned()))?);
    }
    let words: Vec<String> =
        wanted.q.iter().flat_map(|q| q.split_whitespace()).take(8).map(str::to_lowercase).collect();
    let mut rows: Vec<u32> =
        allowed.iter().filter(|row| fits(shelf, *row, wanted.category.as_deref(), &words)).collect();
    let popularity = shelf.artifact().map_or(&[][..], |artifact| artifact.popularity());
    let wanted_by = |row: &u32| popularity.get(*row as usize).copied().unwrap_or_default();
    rows.sort_by(|a, b| wanted_by(b).total_cmp(&wanted_by(a)).then(a.cmp(b)));
    Ok(rows)
}

fn fits(shelf: &Shelf, row: u32, category: Option<&str>, words: &[String]) -> bool {
    if category.is_some_and(|wanted| !shelf.category_path(row).contains(&wanted)) {
        return false;
    }
    if words.is_empty() {
        return true;
    }
    let Some(product) = shelf.product(row) else { return false };
    let text = format!("{} {} {}", product.title, product.brand.unwrap_or_default(), product.category.join(" "));
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

/// The categories of a shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Categories {
    /// Every path and how many products stand below it, in the order of the paths.
    categories: Vec<Category>,
}

/// A category.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Category {
    /// Its path, widest first.
    path: Vec<String>,
    /// Products that can be shown, those of narrower categories included.
    products: usize,
}

/// The category tree
#[utoipa::path(get, path = "/v1/categories", tag = "recommend",
    security(("query" = ["read"])),
    responses((status = 200, body = Categories), (status = 401, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn categories(State(state): State<crate::State>, access: Access) -> Result<Response, Problem> {
    let shelf = state.shops.display(&access.shop).await?.value.shelf;
    let mut counts: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    for row in shelf.sellable().iter() {
        let path = shelf.category_path(row);
        for depth in 1..=path.len() {
            *counts.entry(path.iter().take(depth).copied().collect()).or_default() += 1;
        }
    }
    let named = |(path, products): (Vec<&str>, usize)| Category {
        path: path.into_iter().map(str::to_owned).collect(),
        products,
    };
    Ok(axum::Json(Categories { categories: counts.into_iter().map(named).collect() }).into_response())
}
