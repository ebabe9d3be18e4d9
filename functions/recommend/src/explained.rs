//! `GET /v1/visitors/{id}/decisions`: what a visitor was shown, each decision with the reasons of every product.
//!
//! Reasons are not stored: every decision of the page is made again. One whose ground is no longer kept is told without them,
//! and why.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use vitrine_domain::experiment::Part;
use vitrine_domain::{Shop, Visitor};
use vitrine_http::auth::scope::Privacy;
use vitrine_http::{Parameters, Problem, ServerAccess};
use vitrine_rank::Reason;
use vitrine_store::decisions::DecisionKey;

use crate::decisions::Decision;
use crate::finish::{open_id, seal_id};
use crate::record::Record;
use crate::replay::{Replayed, Tell, replay};

/// Decisions of a page unless it is said how many.
const USUAL: usize = 20;
/// Most decisions of a page.
const MOST: usize = 50;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Most decisions in the page, 1 to 50; 20 unless said otherwise.
    limit: Option<usize>,
    /// The `next` of the page before.
    before: Option<String>,
}

/// What a visitor was shown, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedDecisions)]
pub(crate) struct Page {
    /// The decisions, newest first.
    decisions: Vec<Explained>,
    /// What to ask for `before` to get the next page; null if there is none.
    #[schema(required = true)]
    next: Option<String>,
}

/// A decision with its reasons.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedDecision)]
pub(crate) struct Explained {
    /// Its id.
    #[schema(required = true)]
    decision_id: Option<String>,
    /// What was decided; null if it was logged in a form that this version cannot read.
    #[schema(required = true)]
    decision: Option<Decision>,
    /// In place of a decision that cannot be read: what is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    stored: Option<Box<RawValue>>,
    /// Why each product stood there: one list for each of the decision's products, in their order, the strongest reason first.
    /// Null if the decision cannot be made again.
    #[schema(required = true, value_type = Option<Vec<Vec<Object>>>)]
    reasons: Option<Vec<Vec<Reason>>>,
    /// The experiments that could change the list, each with the visitor's variant; null with the reasons.
    #[schema(required = true)]
    variants: Option<Vec<Variant>>,
    /// What keeps the decision from being made again, or what is different from what was answered then; null where every byte is
    /// the same.
    #[schema(required = true)]
    different: Option<String>,
}

/// A variant that a visitor met.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VariantMet)]
pub(crate) struct Variant {
    /// The experiment.
    experiment: String,
    /// The variant.
    variant: String,
}

/// What a visitor was shown, and why
///
/// Of the last 90 days, newest first, page by page. Every decision is made again, so that each product carries its reasons; of
/// what can no longer be made again it is said why. Of a customer, ask for each of their devices too: the export names them.
#[utoipa::path(get, path = "/v1/visitors/{id}/decisions", tag = "recommend", operation_id = "explain_visitor",
    security(("basic" = ["privacy"])),
    params(("id" = String, Path, description = "`u:<user id>` or `a:<anonymous id>`"), Wanted),
    responses(
        (status = 200, description = "A page of decisions; an empty one if there are none", body = Page),
        (status = 400, description = "The parameters cannot be read", body = Problem),
        (status = 401, description = "The key is missing or unknown", body = Problem),
        (status = 403, description = "The key is not a server key, or may not see customers", body = Problem),
        (status = 422, description = "This cannot be a visitor's identifier, a limit or a page", body = Problem),
        (status = 503, description = "A store is not available", body = Problem)))]
pub(crate) async fn get(
    State(state): State<crate::State>,
    access: ServerAccess<Privacy>,
    Path(id): Path<String>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Page>, Problem> {
    let visitor = Visitor::parse(&id)?;
    let limit = wanted.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::unprocessable("invalid-limit", format!("{limit} is not between 1 and {MOST}"))
            .at("limit", "ask for less, and for the next page with `before`"));
    }
    let before = wanted.before.map(|id| {
        let key = open_id(&state.app.sealer, &access.shop, &id).filter(|key| key.visitor.as_ref() == Some(&visitor));
        key.ok_or_else(|| {
            Problem::unprocessable("invalid-page", "this is no decision of the visitor's")
                .at("before", "take it from `next` of the page before, unchanged")
        })
    });
    let table = &state.app.context.table;
    let (found, more) = table.visitor_decisions(&access.shop, &visitor, before.transpose()?.as_ref(), limit).await?;
    let mut decisions = Vec::with_capacity(found.len());
    for (key, stored) in found {
        decisions.push(explain(&state, &access.shop, &key, stored).await?);
    }
    let next = decisions.last().filter(|_| more).and_then(|last| last.decision_id.clone());
    Ok(Json(Page { decisions, next }))
}

async fn explain(
    state: &crate::State,
    shop: &Shop,
    key: &DecisionKey,
    stored: Box<RawValue>,
) -> Result<Explained, Problem> {
    let record: Option<Record> = serde_json::from_str(stored.get()).ok();
    let drawn = record.iter().flat_map(|record| &record.arms).filter_map(Part::drawn);
    let id = seal_id(&state.app.sealer, shop, key, drawn);
    let decision = record.map(|record| Decision::of(id.clone().unwrap_or_default(), key, record));
    let stored = Some(stored).filter(|_| decision.is_none());
    let (reasons, variants, different) = match replay(state, shop, key, Tell::Everybody).await {
        Ok(Replayed { reasons, variants, different, .. }) => {
            let variants = variants.into_iter().map(|(experiment, variant)| Variant { experiment, variant });
            (Some(reasons), Some(variants.collect()), different.map(str::to_owned))
        }
        Err(problem) if problem.status.is_server_error() => return Err(problem),
        Err(problem) => (None, None, Some(problem.detail)),
    };
    Ok(Explained { decision_id: id, decision, stored, reasons, variants, different })
}
