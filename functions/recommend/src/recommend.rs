//! `GET|POST /v1/recommendations/{placement}`.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use vitrine_domain::placement::MAX_LIMIT;
use vitrine_domain::{Placement, ProductId, Shop, Visitor};
use vitrine_http::{Access, Body, Problem};
use vitrine_rank::{Answer, Filter, FilterError, Request, decide};
use vitrine_store::api_keys::KeyKind;
use vitrine_store::decisions::DecisionKey;

use crate::answer::{Logged, Recommendation, items};
use crate::cursor::Cursor;
use crate::shops::Display;
use crate::visit::{self, Visit};

/// Most products of a basket that are looked at.
const MAX_BASKET: usize = 100;

/// What can be asked in an address.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// A known customer's id; needs a server key or the customer's user token.
    visitor_id: Option<String>,
    /// The random id that the storefront keeps in the browser.
    anonymous_id: Option<String>,
    /// The product on the page.
    product_id: Option<String>,
    /// Products in the basket, joined by commas.
    basket: Option<String>,
    /// Most products in the answer, 1 to 100.
    limit: Option<usize>,
    /// Which products may be shown, such as `category = "Pasta" and price < 5`.
    filter: Option<String>,
    /// The `cursor` of the answer before, for its next page.
    cursor: Option<String>,
}

/// What can be asked in a body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// A known customer's id; needs a server key or the customer's user token.
    visitor_id: Option<String>,
    /// The random id that the storefront keeps in the browser.
    anonymous_id: Option<String>,
    /// The product on the page.
    product_id: Option<String>,
    /// Products in the basket.
    #[serde(default)]
    basket: Vec<String>,
    /// Most products in the answer, 1 to 100.
    limit: Option<usize>,
    /// Which products may be shown, as text or as JSON.
    filter: Option<Value>,
    /// The `cursor` of the answer before, for its next page.
    cursor: Option<String>,
}

impl From<Asked> for Question {
    fn from(asked: Asked) -> Self {
        let basket = asked.basket.unwrap_or_default();
        Self {
            visitor_id: asked.visitor_id,
            anonymous_id: asked.anonymous_id,
            product_id: asked.product_id,
            basket: basket.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect(),
            limit: asked.limit,
            filter: asked.filter.map(Value::String),
            cursor: asked.cursor,
        }
    }
}

/// What to show in a placement
#[utoipa::path(get, path = "/v1/recommendations/{placement}", tag = "recommend",
    params(("placement" = String, Path, description = "home, feed, category, product-similar, product-bought-together, basket, recently-viewed, trending, or one of the shop's own"), Asked),
    responses((status = 200, body = Recommendation<'_>), (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn get(
    State(state): State<crate::State>,
    access: Access,
    Path(placement): Path<String>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let Query(asked) = asked.map_err(|e| Problem::bad_request("invalid-parameters", e.body_text()))?;
    recommend(&state, &access, &placement, asked.into()).await
}

/// What to show in a placement, asked with a body
#[utoipa::path(post, path = "/v1/recommendations/{placement}", tag = "recommend",
    params(("placement" = String, Path, description = "as with GET")), request_body = Question,
    responses((status = 200, body = Recommendation<'_>), (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn post(
    State(state): State<crate::State>,
    access: Access,
    Path(placement): Path<String>,
    Body(question): Body<Question>,
) -> Result<Response, Problem> {
    recommend(&state, &access, &placement, question).await
}

async fn recommend(
    state: &crate::State,
    access: &Access,
    placement: &str,
    question: Question,
) -> Result<Response, Problem> {
    let context = &state.app.context;
    let asked = Checked::new(state, access, question)?;
    let shop = &access.shop;
    let (display, placement, visit) = tokio::try_join!(
        state.shops.display(shop),
        placement_of(state, shop, placement),
        visit::read(&context.table, shop, asked.user.clone(), asked.device.clone()),
    )?;
    let display = match &asked.cursor {
        Some(cursor) => pinned(state, shop, cursor, &placement, &display).await?,
        None => display,
    };
    let shown = asked.cursor.as_ref().map_or(&[][..], |cursor| &cursor.shown);
    let now = context.clock.now();
    let request = Request {
        placement: &placement,
        visitor: visit.visitor.as_ref(),
        history: &visit.history,
        product: asked.product.as_ref().map(ProductId::as_str),
        basket: &asked.basket,
        limit: asked.limit.unwrap_or(placement.limit),
        filter: asked.filter.as_ref(),
        shown,
        now,
    };
    let answer = decide(&display.shelf, &request).map_err(filter_problem)?;
    let seed = match &asked.cursor {
        Some(cursor) => cursor.seed,
        None => getrandom::u64().unwrap_or_default(),
    };
    let key = DecisionKey { visitor: visit.visitor.clone(), time: now, nonce: nonce() };
    let decision = log(&display, &request, &visit, &answer, seed)?;
    let cursor = next_cursor(state, &display, &request, &answer, seed);
    let recommendation = Recommendation {
        decision_id: decision_id(state, shop, &key)?,
        placement: &placement.name,
        basis: answer.basis,
        model: display.version.as_deref(),
        items: items(&display.shelf, answer),
        cursor,
    };
    // Written before the answer leaves: a function may be frozen right after it. A list without a log is still a list.
    if let Err(error) = context.table.put_decision(shop, &key, &decision).await {
        tracing::warn!(cause = %vitrine_http::problem::causes(&error), "a decision could not be logged");
    }
    Ok(axum::Json(recommendation).into_response())
}

/// A question whose every part is in order.
struct Checked {
    user: Option<Visitor>,
    device: Option<Visitor>,
    product: Option<ProductId>,
    basket: Vec<String>,
    limit: Option<usize>,
    filter: Option<Filter>,
    cursor: Option<Cursor>,
}

impl Checked {
    fn new(state: &crate::State, access: &Access, question: Question) -> Result<Self, Problem> {
        let user = question.visitor_id.map(Visitor::known).transpose()?;
        if user.as_ref().is_some_and(|user| !access.may_use(user)) {
            return Err(Problem::not_found(
                "there is no such visitor for this key; a known visitor needs a user token or a server key",
            ));
        }
        // A token alone names its user.
        let user = user.or_else(|| access.user.clone().filter(|_| access.kind == KeyKind::Browser));
        let device = question.anonymous_id.map(Visitor::anonymous).transpose()?;
        if let Some(limit) = question.limit.filter(|limit| !(1..=MAX_LIMIT).contains(limit)) {
            return Err(Problem::unprocessable("invalid-limit", format!("{limit} is not between 1 and {MAX_LIMIT}"))
                .at("limit", "ask for less, and for the next page with the cursor"));
        }
        if question.basket.len() > MAX_BASKET {
            return Err(Problem::unprocessable(
                "basket-too-large",
                format!("a basket has at most {MAX_BASKET} products"),
            )
            .at("basket", "name the newest ones"));
        }
        let filter = question.filter.as_ref().map(Filter::from_json).transpose().map_err(filter_problem)?;
        let cursor = question.cursor.map(|text| Cursor::open(&state.app.sealer, &text)).transpose()?;
        let product = question.product_id.map(ProductId::new).transpose()?;
        Ok(Self { user, device, product, basket: question.basket, limit: question.limit, filter, cursor })
    }
}

fn filter_problem(error: FilterError) -> Problem {
    Problem::unprocessable("invalid-filter", error.to_string()).at("filter", error.to_string())
}

async fn placement_of(state: &crate::State, shop: &Shop, name: &str) -> Result<Placement, Problem> {
    if let Some(own) = state.placements.get(&state.app.context, shop, name).await? {
        return Ok(own);
    }
    Placement::shipped().into_iter().find(|p| p.name == name).ok_or_else(|| {
        let names: Vec<String> = Placement::shipped().into_iter().map(|p| p.name).collect();
        Problem::not_found(format!("there is no placement of this name; shipped are {}", names.join(", ")))
    })
}

async fn pinned(
    state: &crate::State,
    shop: &Shop,
    cursor: &Cursor,
    placement: &Placement,
    current: &Display,
) -> Result<Display, Problem> {
    if cursor.placement != placement.name {
        return Err(Problem::unprocessable("invalid-cursor", "this cursor belongs to another placement")
            .at("cursor", format!("it was given for {}", cursor.placement)));
    }
    if cursor.version == current.version {
        return Ok(current.clone());
    }
    state.shops.pinned(shop, cursor.version.as_deref()).await.ok_or_else(|| {
        Problem::new(axum::http::StatusCode::GONE, "cursor-expired", "this feed is over; start over without the cursor")
    })
}

fn nonce() -> String {
    format!("{:016x}", getrandom::u64().unwrap_or_default())
}

/// A decision's id says where it is kept, readable to this stack alone.
fn decision_id(state: &crate::State, shop: &Shop, key: &DecisionKey) -> Result<String, Problem> {
    let visitor = key.visitor.as_ref().map(ToString::to_string).unwrap_or_default();
    let clear = format!("{shop}\n{}\n{}\n{visitor}", key.time.0, key.nonce);
    let sealed = state.app.sealer.seal("decision", clear.as_bytes());
    sealed.ok_or_else(|| Problem::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again shortly"))
}

fn log(
    display: &Display,
    request: &Request<'_>,
    visit: &Visit,
    answer: &Answer,
    seed: u64,
) -> Result<Box<serde_json::value::RawValue>, Problem> {
    let logged = Logged {
        placement: &request.placement.name,
        basis: answer.basis,
        model: display.version.as_deref(),
        items: answer.items.iter().map(|item| display.shelf.id(item.row)).collect(),
        // Nothing is left to chance yet: what is shown is shown with certainty.
        propensities: vec![1.0; answer.items.len()],
        seed,
        newest: visit.newest.as_deref(),
        product: request.product,
        basket: request.basket,
        shown: request.shown.len(),
    };
    serde_json::value::to_raw_value(&logged).map_err(|e| Problem::internal(&e))
}

fn next_cursor(
    state: &crate::State,
    display: &Display,
    request: &Request<'_>,
    answer: &Answer,
    seed: u64,
) -> Option<String> {
    if !answer.more {
        return None;
    }
    let mut shown = request.shown.to_vec();
    shown.extend(answer.items.iter().map(|item| item.row));
    let placement = request.placement.name.clone();
    Cursor { placement, version: display.version.clone(), seed, shown }.seal(&state.app.sealer)
}
