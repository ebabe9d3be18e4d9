//! `GET|POST /v1/recommendations/{placement}`, `POST /v1/recommendations` for a whole page, and `POST /v1/rank`.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use vitrine_http::{Access, Body, Parameters, Problem};

use crate::answer::{PageOf, Recommendation};
use crate::ask::{Asked, MAX_LISTS, PageQuestion, Question, RankQuestion, Wanted};
use crate::finish::{Answers, nonce};
use crate::ground::Ground;
use crate::list::{List, RANK};
use crate::record::nonce_at;
use crate::timing::Timing;

/// What to show in a placement
#[utoipa::path(get, path = "/v1/recommendations/{placement}", tag = "recommend", operation_id = "get_recommendations",
    security(("query" = ["read"])),
    params(("placement" = String, Path, description = "home, feed, category, product-similar, product-bought-together, basket, recently-viewed, trending, or one of the shop's own"), Asked),
    responses((status = 200, body = Recommendation<'_>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn get(
    State(state): State<crate::State>,
    access: Access,
    headers: HeaderMap,
    Path(placement): Path<String>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Response, Problem> {
    recommend(&state, &access, &headers, placement, asked.into()).await
}

/// What to show in a placement, asked with a body
#[utoipa::path(post, path = "/v1/recommendations/{placement}", tag = "recommend", operation_id = "post_recommendations",
    security(("query" = ["read"])),
    params(("placement" = String, Path, description = "as with GET")), request_body = Question,
    responses((status = 200, body = Recommendation<'_>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn post(
    State(state): State<crate::State>,
    access: Access,
    headers: HeaderMap,
    Path(placement): Path<String>,
    Body(question): Body<Question>,
) -> Result<Response, Problem> {
    recommend(&state, &access, &headers, placement, question).await
}

async fn recommend(
    state: &crate::State,
    access: &Access,
    headers: &HeaderMap,
    placement: String,
    question: Question,
) -> Result<Response, Problem> {
    let mut timing = Timing::start();
    let (asker, entry, cursor) = question.split();
    let who = asker.check(access, headers)?;
    let wanted = Wanted::check(String::new(), placement, entry)?.with_cursor(cursor, &state.app.sealer)?;
    let mut ground = Ground::read(state, &access.shop, who, &[&wanted.placement], &mut timing).await?;
    let mut list = ground.continued(state, wanted, nonce()?)?;
    ground.propose(state, &mut list, &mut timing).await;
    let nonce = list.nonce.clone();
    let filled = vec![ground.fill(&state.workspaces, list, &mut timing)?];
    let answers = Answers { ground: &ground, filled, nonce, page: false };
    let body = answers.finish(state, &mut timing).await?.concat();
    Ok(timing.on(json(body)))
}

/// A whole page: several lists, no product twice
///
/// The visitor is read once. A problem of one list is the page's: its `errors` point at the list.
#[utoipa::path(post, path = "/v1/recommendations", tag = "recommend", operation_id = "post_page", request_body = PageQuestion,
    security(("query" = ["read"])),
    responses((status = 200, body = PageOf<'_>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn page(
    State(state): State<crate::State>,
    access: Access,
    headers: HeaderMap,
    Body(question): Body<PageQuestion>,
) -> Result<Response, Problem> {
    let mut timing = Timing::start();
    let (asker, entries) = question.split();
    if entries.is_empty() || entries.len() > MAX_LISTS {
        return Err(Problem::unprocessable("invalid-page", format!("a page has 1 to {MAX_LISTS} lists"))
            .at("/placements", "ask for further lists in a second call, or continue one with its cursor"));
    }
    let who = asker.check(&access, &headers)?;
    let check = |(at, (placement, entry))| Wanted::check(format!("/placements/{at}/"), placement, entry);
    let wanted: Vec<Wanted> = entries.into_iter().enumerate().map(check).collect::<Result<_, _>>()?;
    let names: Vec<&str> = wanted.iter().map(|wanted| wanted.placement.as_str()).collect();
    let mut ground = Ground::read(&state, &access.shop, who, &names, &mut timing).await?;
    let nonce = nonce()?;
    let (mut filled, mut shown) = (Vec::with_capacity(wanted.len()), Vec::new());
    for (at, wanted) in wanted.into_iter().enumerate() {
        let mut list = List { shown: shown.clone(), ..ground.list(wanted, nonce_at(&nonce, at))? };
        ground.propose(&state, &mut list, &mut timing).await;
        let one = ground.fill(&state.workspaces, list, &mut timing)?;
        shown.extend(one.answer.items.iter().map(|item| item.row));
        filled.push(one);
    }
    let bodies = Answers { ground: &ground, filled, nonce, page: true }.finish(&state, &mut timing).await?;
    let body = [&b"{\"placements\":["[..], &bodies.join(&b','), &b"]}"[..]].concat();
    Ok(timing.on(json(body)))
}

/// A given list, in the best order
///
/// For search results, a category's products or anything else that was chosen already.
#[utoipa::path(post, path = "/v1/rank", tag = "recommend", operation_id = "post_rank", request_body = RankQuestion,
    security(("query" = ["read"])),
    responses((status = 200, body = Recommendation<'_>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn rank(
    State(state): State<crate::State>,
    access: Access,
    headers: HeaderMap,
    Body(question): Body<RankQuestion>,
) -> Result<Response, Problem> {
    let mut timing = Timing::start();
    let (asker, placement, entry, items, limit) = question.split();
    let who = asker.check(&access, &headers)?;
    let placement = placement.unwrap_or_else(|| RANK.to_owned());
    let wanted = Wanted::check("/".to_owned(), placement, entry)?.with_items(items, limit)?;
    let ground = Ground::read(&state, &access.shop, who, &[&wanted.placement], &mut timing).await?;
    let nonce = nonce()?;
    let list = ground.list(wanted, nonce.clone())?;
    let filled = vec![ground.fill(&state.workspaces, list, &mut timing)?];
    let body = Answers { ground: &ground, filled, nonce, page: false }.finish(&state, &mut timing).await?.concat();
    Ok(timing.on(json(body)))
}

/// An answer of bytes that are JSON.
pub(crate) fn json(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl Ground {
    /// The list that is asked for, from where its cursor says. A cursor pins the model, so that rows mean the same.
    fn continued(&mut self, state: &crate::State, wanted: Wanted, nonce: String) -> Result<List, Problem> {
        let list = self.list(wanted, nonce)?;
        let Some(cursor) = &list.wanted.cursor else { return Ok(list) };
        if cursor.placement != list.placement.name {
            return Err(Problem::unprocessable("invalid-cursor", "this cursor belongs to another placement")
                .at("cursor", format!("it was given for {}", cursor.placement)));
        }
        if cursor.version != self.display.version {
            let pinned = state.shops.pinned(&self.shop, cursor.version.as_deref());
            self.display = pinned.ok_or_else(|| {
                let why = "this feed is over; start over without the cursor";
                Problem::new(StatusCode::GONE, "cursor-expired", why)
            })?;
        }
        let (shown, offset) = (cursor.shown.on(&self.display.shelf), cursor.offset);
        let after = cursor.after.as_ref().map(|after| after.time);
        Ok(List { shown, offset, after, ..list })
    }
}
