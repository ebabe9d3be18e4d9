//! `DELETE /v1/visitors/{id}` and the receipts of erasures.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitrine_domain::Millis;
use vitrine_domain::time::{DAY, HOUR};
use vitrine_http::{App, Body, Problem, ServerAccess};
use vitrine_store::erasures::{Record, Until};
use vitrine_store::places::{Erasure, Place, Rewriting};

use crate::visitor::candidates;

/// Within which time a stack on one machine takes the erased out of its files: it does so hourly, and what was under way once more.
const SCRUBBED: i64 = 2 * HOUR;
/// Within which time it goes what nobody comes for: a file to be imported, identifiers that wait for their matrix, the model of a
/// training that was killed. They have a day, and then the next training looks.
const LEFT: i64 = 2 * DAY;
/// Tells receipts from whatever else is signed.
const PURPOSE: &str = "erasure receipt";

/// What an erasure reached. It names nobody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ErasureReceipt)]
pub(crate) struct Receipt {
    /// The erasure's identifier.
    #[schema(example = "1763822400123-5b8a0c1e9f6e4a53")]
    erasure_id: String,
    /// The shop.
    shop: String,
    /// When it was asked for.
    #[schema(format = DateTime)]
    requested: String,
    /// When nothing was left but what ends by itself: backups, and what a place names a time `until` for. Null while the lake and
    /// the models wait for the next training.
    #[schema(format = DateTime)]
    completed: Option<String>,
    /// Identifiers that are barred from now on, by keyed hash: the visitor's and those of devices that were theirs.
    barred: usize,
    /// Every place in which the stack keeps something.
    places: Vec<Touched>,
    /// The live model since: trained without the visitor, and no older one can be gone back to.
    model: Option<String>,
    /// Up to when backups may hold the visitor; null if it is not completed or the stack has none. When one is restored,
    /// whoever runs the stack has `vitrine-local erase-again` erase once more.
    #[schema(format = DateTime)]
    backups_until: Option<String>,
    /// HMAC-SHA-256 over the receipt without this member, under a key of the stack's; null while it is not completed.
    signature: Option<String>,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ErasedPlace)]
pub(crate) struct Touched {
    /// Its name.
    #[schema(example = "event_lake")]
    place: String,
    /// How what is held on a visitor leaves it: `deleted`, `rewritten`, `retrained`, `passing`, `scrubbed`, `expires`, or `holds
    /// nobody`.
    #[schema(example = "rewritten")]
    how: String,
    /// Items or lines that were touched. Lines of erasures that were swept together are told by the first of them.
    count: u64,
    /// Why nothing is held there on a visitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Up to when something may lie there still, of a completed erasure; on one machine, while the stack runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    until: Option<String>,
}

/// Whether a receipt is one of this stack's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReceiptChecked)]
pub(crate) struct Checked {
    /// Whether the signature is right.
    genuine: bool,
}

impl Receipt {
    fn of(app: &App, shop: &str, record: &Record) -> Self {
        let one_machine = matches!(app.context.config.objects, vitrine_runtime::Place::Folder(_));
        let place = |place: &Place| {
            let erasure = place.erasure();
            let (how, lasts) = match erasure {
                Erasure::Scrubbed(_) if one_machine => (erasure.as_str(), Some(SCRUBBED)),
                Erasure::Scrubbed(days) => ("expires", Some(days * DAY)),
                Erasure::Passing | Erasure::Retrained | Erasure::Rewritten(Rewriting::OwnVectors) => {
                    (erasure.as_str(), Some(LEFT))
                }
                _ => (erasure.as_str(), None),
            };
            Touched {
                place: place.name(),
                how: how.to_owned(),
                count: record.touched.get(place).copied().unwrap_or_default(),
                why: match erasure {
                    Erasure::HoldsNobody(why) => Some(why.to_owned()),
                    _ => None,
                },
                until: record.completed.zip(lasts).map(|(done, lasts)| done.plus(lasts).to_rfc3339()),
            }
        };
        let backups = app.context.config.backups;
        let until = record.completed.filter(|_| backups > 0).map(|done| done.plus(backups));
        let mut receipt = Self {
            erasure_id: record.id.clone(),
            shop: shop.to_owned(),
            requested: record.requested.to_rfc3339(),
            completed: record.completed.map(Millis::to_rfc3339),
            barred: record.reach.len(),
            places: Place::ALL.iter().map(place).collect(),
            model: record.model.clone(),
            backups_until: until.map(Millis::to_rfc3339),
            signature: None,
        };
        if record.completed.is_some() {
            receipt.signature = receipt.signed(app);
        }
        receipt
    }

    fn signed(&self, app: &App) -> Option<String> {
        let unsigned = Self { signature: None, ..self.clone() };
        app.sealer.sign(PURPOSE, &serde_json::to_vec(&unsigned).ok()?)
    }
}

/// Erase a visitor
///
/// At once: everything under the visitor's name in the table, and under the names of devices that were theirs alone; of a
/// device that others use too, what was the visitor's. What comes later under a name that was erased is dropped. With the
/// next training: the lake, the shop's own vectors and the models, after which no older model can be gone back to. The
/// receipt is complete then. Asking again is harmless and finishes what was interrupted.
#[utoipa::path(delete, path = "/v1/visitors/{id}", tag = "privacy", operation_id = "erase_visitor",
    security(("basic" = ["events", "read", "catalogue", "view", "manage", "privacy", "keys"])),
    params(("id" = String, Path, description = "`u:<user id>` or `a:<anonymous id>`")),
    responses(
        (status = 202, body = Receipt, description = "Erased from the table; the rest follows with the next training"),
        (status = 401, body = Problem, description = "The key is missing or unknown"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 422, body = Problem, description = "This cannot be a visitor's identifier, or it lacks its prefix"),
        (status = 503, body = Problem, description = "The table is not available; ask again")))]
pub(crate) async fn delete(
    State(app): State<App>,
    access: ServerAccess,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Receipt>), Problem> {
    let [visitor] = candidates(id)?.try_into().map_err(|_: Vec<_>| {
        Problem::unprocessable(
            "ambiguous-visitor",
            "who is to be erased is named with `u:` or `a:` before the identifier",
        )
    })?;
    let now = app.context.clock.now();
    let table = &app.context.table;
    let erased = table.erase(app.guard.key(), &access.shop, &visitor, Until::Ever, now).await;
    app.guard.forget();
    let record = erased?;
    tracing::info!(shop = %access.shop, erasure = record.id, "a visitor was erased from the table");
    Ok((StatusCode::ACCEPTED, Json(Receipt::of(&app, access.shop.as_str(), &record))))
}

/// The receipt of an erasure
#[utoipa::path(get, path = "/v1/erasures/{id}", tag = "privacy", operation_id = "get_erasure",
    security(("basic" = ["events", "read", "catalogue", "view", "manage", "privacy", "keys"])),
    params(("id" = String, Path, description = "The `erasure_id` of an answer")),
    responses(
        (status = 200, body = Receipt, description = "What was touched; signed once it is complete"),
        (status = 401, body = Problem, description = "The key is missing or unknown"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "There was no such erasure"),
        (status = 503, body = Problem, description = "The table is not available")))]
pub(crate) async fn receipt(
    State(app): State<App>,
    access: ServerAccess,
    Path(id): Path<String>,
) -> Result<Json<Receipt>, Problem> {
    let table = &app.context.table;
    let record = table.erasure(&access.shop, &id).await?;
    let record = record.ok_or_else(|| Problem::not_found("there was no such erasure in this shop"))?;
    Ok(Json(Receipt::of(&app, access.shop.as_str(), &record)))
}

/// Whether a receipt is genuine
#[utoipa::path(post, path = "/v1/erasures/check", tag = "privacy", operation_id = "check_receipt", request_body = Receipt,
    security(("basic" = ["events", "read", "catalogue", "view", "manage", "privacy", "keys"])),
    responses(
        (status = 200, body = Checked, description = "Whether this stack signed it for this shop, as it stands"),
        (status = 401, body = Problem, description = "The key is missing or unknown"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 422, body = Problem, description = "This is no receipt")))]
pub(crate) async fn check(State(app): State<App>, access: ServerAccess, Body(receipt): Body<Receipt>) -> Json<Checked> {
    let genuine = receipt.signature.as_ref().is_some_and(|signature| {
        let expected = receipt.signed(&app);
        // The signature is public where the receipt is; what it is compared with is told in no other way.
        expected.as_ref() == Some(signature) && receipt.shop == access.shop.as_str()
    });
    Json(Checked { genuine })
}
