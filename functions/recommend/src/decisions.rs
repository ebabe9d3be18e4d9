//! `GET /v1/decisions/{id}` and `POST /v1/decisions/{id}/replay`.

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use vitrine_domain::Visitor;
use vitrine_domain::experiment::Part;
use vitrine_http::auth::scope::Manage;
use vitrine_http::{Access, Problem, ServerAccess};
use vitrine_rank::{Audience, Basis, Language};
use vitrine_store::api_keys::KeyKind;
use vitrine_store::decisions::DecisionKey;

use crate::answer::Recommendation;
use crate::finish::open_id;
use crate::past;
use crate::recommend::json;
use crate::record::{Degraded, Record, seed};
use crate::replay::{Tell, replay};

/// A decision: what was shown, and what it was made from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Decision {
    /// Its id.
    decision_id: String,
    /// When it was made.
    #[schema(format = DateTime)]
    time: String,
    /// For whom: `u:` and a customer's id, or `a:` and a device's; null for nobody in particular.
    visitor: Option<String>,
    /// Where the list stood.
    placement: String,
    /// Which list of a page it was, from zero; null if it was asked for alone.
    list_of_page: Option<usize>,
    /// What it was based on: `history`, `context`, `popularity` or `empty`.
    #[schema(value_type = String)]
    basis: Basis,
    /// What it had to do without.
    degraded: Option<Degraded>,
    /// The products, in order.
    items: Vec<Slot>,
    /// Version of the model.
    model: Option<String>,
    /// Revision of the shop's settings.
    settings_revision: u64,
    /// Changes of the catalogue since the model was built that were known, and the key of the last one.
    changes: usize,
    /// The key of the last of them.
    last_change: Option<String>,
    /// The number from which everything followed that was left to chance.
    seed: String,
    /// What was known of the visitor.
    known: Known,
    /// The experiments that could change the list.
    experiments: Vec<TookPart>,
    /// Whether the visitor was held out of all experiments.
    held_out: bool,
    /// What was asked.
    asked: AskedFor,
    /// Hash of the answer's bytes: the first 64 bits of SHA-256, as base64url.
    body_hash: String,
}

/// A product and its slot.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DecidedProduct)]
struct Slot {
    /// The shop's identifier.
    product_id: String,
    /// Its place, from one.
    position: usize,
    /// Probability that it stood there, given the products above it.
    propensity: f64,
}

/// An experiment that the visitor took part in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DecisionExperiment)]
struct TookPart {
    /// The experiment.
    id: String,
    /// The place of the visitor's variant among its variants, the control being zero.
    place: usize,
    /// Probability with which the variant was drawn for the visitor: by the shares at the time when it was; null for
    /// decisions from before it was noted.
    propensity: Option<f64>,
    /// Whether the visitor had seen the variant before, and kept it.
    remembered: bool,
}

impl From<Part> for TookPart {
    fn from(part: Part) -> Self {
        let propensity = part.probability();
        Self { id: part.experiment, place: part.cell, propensity, remembered: part.remembered }
    }
}

/// What was known of a visitor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DecisionKnown)]
struct Known {
    /// Key of the known visitor's newest event.
    newest_event: Option<String>,
    /// The device.
    device: Option<String>,
    /// Key of the device's newest event.
    newest_event_of_device: Option<String>,
    /// Hash of the history: the first 64 bits of SHA-256, as base64url.
    history_hash: Option<String>,
}

/// What was asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DecisionAsked)]
struct AskedFor {
    /// The product on the page.
    product_id: Option<String>,
    /// The category that the page was about.
    category: Option<String>,
    /// The basket.
    basket: Vec<String>,
    /// Which products might be shown.
    filter: Option<Value>,
    /// How many products, if not the placement's own number.
    limit: Option<usize>,
    /// Products on earlier pages of the list.
    offset: usize,
    /// Language of the reasons.
    #[schema(value_type = String)]
    language: Language,
    /// To whom they were told.
    #[schema(value_type = String)]
    audience: Audience,
}

impl Decision {
    pub(crate) fn of(id: String, key: &DecisionKey, record: Record) -> Self {
        let words = record.options.words();
        let propensities = record.propensities;
        let slot = |(at, product_id)| Slot {
            product_id,
            position: at + 1,
            propensity: propensities.get(at).map_or(1.0, |millionths| f64::from(*millionths) / 1e6),
        };
        Self {
            decision_id: id,
            time: key.time.to_rfc3339(),
            visitor: key.visitor.as_ref().map(Visitor::to_string),
            placement: record.placement,
            list_of_page: record.place.map(|(at, _)| at),
            basis: record.basis,
            degraded: record.degraded,
            items: record.items.into_iter().enumerate().map(slot).collect(),
            model: record.model,
            settings_revision: record.revision,
            changes: record.changes,
            last_change: record.last_change,
            seed: format!("{:016x}", seed(&key.nonce)),
            known: Known {
                newest_event: record.newest_of_user,
                device: record.device,
                newest_event_of_device: record.newest_of_device,
                history_hash: record.history,
            },
            experiments: record.arms.into_iter().map(TookPart::from).collect(),
            held_out: record.held_out,
            asked: AskedFor {
                product_id: record.product,
                category: record.category,
                basket: record.basket,
                filter: record.filter,
                limit: record.limit,
                offset: record.offset,
                language: words.language,
                audience: words.audience,
            },
            body_hash: record.body,
        }
    }
}

fn unknown() -> Problem {
    Problem::not_found("there is no such decision for this key")
}

/// What was decided
///
/// With a server key, or the token of the customer for whom it was.
#[utoipa::path(get, path = "/v1/decisions/{id}", tag = "recommend", operation_id = "get_decision",
    security(("query" = ["read"])),
    params(("id" = String, Path, description = "The `decision_id` of an answer")),
    responses((status = 200, body = Decision), (status = 401, body = Problem), (status = 404, body = Problem), (status = 410, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn get(
    State(state): State<crate::State>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let key = open_id(&state.app.sealer, &access.shop, &id).ok_or_else(unknown)?;
    let own = access.user.is_some() && access.user == key.visitor;
    if access.kind != KeyKind::Server && !own {
        return Err(unknown());
    }
    let record = past::record(&state.app.context.table, &access.shop, &key).await?;
    Ok(axum::Json(Decision::of(id, &key, record)).into_response())
}

/// A decision made again
///
/// From what it was made from: the events, the catalogue, the settings and the model of that time. The body is that of the
/// answer, byte for byte; of a list of a page, that list's part. `Vitrine-Replay` says `identical`, or `different` and why,
/// as far as that can be told.
#[utoipa::path(post, path = "/v1/decisions/{id}/replay", tag = "recommend", operation_id = "replay_decision",
    security(("basic" = ["manage"])),
    params(("id" = String, Path, description = "The `decision_id` of an answer")),
    responses((status = 200, body = Recommendation<'_>, headers(("Vitrine-Replay" = String, description = "`identical`, or `different; why=\"…\"`"))),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 410, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn again(
    State(state): State<crate::State>,
    access: ServerAccess<Manage>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let key = open_id(&state.app.sealer, &access.shop, &id).ok_or_else(unknown)?;
    let replayed = replay(&state, &access.shop, &key, Tell::AsThen).await?;
    let said = replayed.different.map_or_else(|| "identical".to_owned(), |why| format!("different; why=\"{why}\""));
    let mut response = json(replayed.body);
    if let Ok(value) = HeaderValue::from_str(&said) {
        response.headers_mut().insert(HeaderName::from_static("vitrine-replay"), value);
    }
    Ok(response)
}
