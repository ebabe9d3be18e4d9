//! `GET /v1/visitors/{id}/export`: everything that is held on a visitor, also what was inferred.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use vitrine_domain::{Event, Millis, Visitor};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::decisions::{DecisionKey, seal_id};

use crate::fresh;
use crate::visitor::{Answer, answer, candidates};

/// Events of one page.
const PAGE: usize = 1000;
/// Decisions of an answer: those of 90 days are kept, and nobody is shown more lists.
const DECISIONS: usize = 10_000;

/// Everything that is held on a visitor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VisitorExport)]
pub(crate) struct Export {
    /// What was inferred and counted: the profile, affinities, links, and what they were built from.
    held: Answer,
    /// All of their events, oldest first, as they are stored: what they did, and what audiences they were put in.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Event>,
    /// What they were shown, newest first.
    decisions: Vec<Shown>,
    /// Vectors that the shop gave for them.
    vectors: Vec<Given>,
    /// The same of every device that is linked to the user.
    devices: Vec<OfDevice>,
    /// For what else may be asked: the vector that recommendations use is computed from the last actions of the profile when
    /// they are asked for, and kept nowhere.
    note: &'static str,
}

/// What is held under the name of a device.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeviceExport)]
pub(crate) struct OfDevice {
    /// Which one.
    #[schema(value_type = String)]
    visitor: Visitor,
    /// Everything that was done on it, oldest first.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Event>,
    /// What was shown on it, newest first.
    decisions: Vec<Shown>,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportedDecision)]
pub(crate) struct Shown {
    /// Its id: `POST /v1/decisions/{id}/replay` tells the reasons of every product.
    decision_id: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    time: String,
    /// As it is stored.
    #[schema(value_type = Object)]
    stored: Box<RawValue>,
}

/// A vector of the shop's own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportedVector)]
pub(crate) struct Given {
    /// Name of the set.
    set: String,
    /// The numbers.
    vector: Vec<f32>,
}

/// Everything that is held on a visitor
///
/// In one answer, as JSON: what they did, what was inferred from it, what they were shown, and what the shop gave for them.
#[utoipa::path(get, path = "/v1/visitors/{id}/export", tag = "privacy", operation_id = "export_visitor",
    params(("id" = String, Path, description = "As for what is held")),
    responses(
        (status = 200, description = "Everything", body = Export),
        (status = 401, description = "The key is missing or unknown", body = Problem),
        (status = 403, description = "The key is not a server key", body = Problem),
        (status = 404, description = "Nothing is held on this visitor", body = Problem),
        (status = 422, description = "This cannot be a visitor's identifier", body = Problem),
        (status = 503, description = "A store is not available", body = Problem)))]
pub(crate) async fn get(
    State(app): State<App>,
    access: ServerAccess,
    Path(id): Path<String>,
) -> Result<Json<Export>, Problem> {
    let now = app.context.clock.now();
    for visitor in candidates(id)? {
        let Some(fresh) = fresh::read(&app.context.table, &access.shop, &visitor, now).await? else { continue };
        let mut devices = Vec::new();
        if visitor.is_known() {
            for link in &fresh.links {
                devices.push(OfDevice {
                    visitor: link.other.clone(),
                    events: events(&app, &access, &link.other).await?,
                    decisions: decisions(&app, &access, &link.other).await?,
                });
            }
        }
        return Ok(Json(Export {
            events: events(&app, &access, &visitor).await?,
            decisions: decisions(&app, &access, &visitor).await?,
            vectors: vectors(&app, &access, &visitor).await?,
            devices,
            held: answer(visitor, fresh, now),
            note: "The vector that recommendations use is computed from the last actions of the profile when they are \
                   asked for, and kept nowhere.",
        }));
    }
    Err(Problem::not_found("nothing is held on a visitor of this name"))
}

async fn events(app: &App, access: &ServerAccess, visitor: &Visitor) -> Result<Vec<Event>, Problem> {
    let (mut events, mut after) = (Vec::new(), None);
    loop {
        let table = &app.context.table;
        let page = table.events_page(&access.shop, visitor, Millis(0), after, PAGE).await?;
        events.extend(page.events);
        after = page.next;
        if after.is_none() {
            return Ok(events);
        }
    }
}

async fn decisions(app: &App, access: &ServerAccess, visitor: &Visitor) -> Result<Vec<Shown>, Problem> {
    let table = &app.context.table;
    let found = table.visitor_decisions(&access.shop, visitor, DECISIONS).await?;
    let shown = |(key, stored): (DecisionKey, Box<RawValue>)| Shown {
        decision_id: seal_id(&access.shop, &key, |purpose, clear| app.sealer.seal(purpose, clear)),
        time: key.time.to_rfc3339(),
        stored,
    };
    Ok(found.into_iter().map(shown).collect())
}

/// What is stored of a set before its numbers: see `vitrine_learn::OwnVectors`.
async fn vectors(app: &App, access: &ServerAccess, visitor: &Visitor) -> Result<Vec<Given>, Problem> {
    let (table, objects) = (&app.context.table, &app.context.objects);
    let mut given = Vec::new();
    for set in table.vector_sets(&access.shop).await?.into_iter().filter(|set| set.value.visitors > 0) {
        let Some(bytes) = objects.get(&set.value.object).await? else { continue };
        if let Some(vector) = vector_of(&bytes, visitor) {
            given.push(Given { set: set.id, vector });
        }
    }
    Ok(given)
}

/// The vector of a visitor in the stored form of a set: a line of JSON that says whose the rows are, then the rows.
fn vector_of(bytes: &[u8], visitor: &Visitor) -> Option<Vec<f32>> {
    let (header, numbers) = bytes.split_at_checked(bytes.iter().position(|byte| *byte == b'\n')?)?;
    let header: Value = serde_json::from_slice(header).ok()?;
    let dims = usize::try_from(header.get("dims")?.as_u64()?).ok()?;
    let (products, visitors) = (header.get("products")?.as_array()?, header.get("visitors")?.as_array()?);
    let name = visitor.to_string();
    let row = products.len() + visitors.iter().position(|other| other.as_str() == Some(name.as_str()))?;
    let from = row.checked_mul(dims)?.checked_mul(4)?.checked_add(1)?;
    let row = numbers.get(from..from + dims.checked_mul(4)?)?;
    Some(row.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
