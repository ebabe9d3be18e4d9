//! The models of a shop: which one is live, which ones are kept, how good they are, and going back to one of them.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use vitrine_http::auth::scope::{Manage, View as Look};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::models::{Choice, Live};

/// The models of a shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Models {
    /// The shop whose models they are.
    #[schema(example = "demo")]
    shop: String,
    /// Version of the live model; null in a shop that was never trained.
    #[schema(example = "20261122T144000-ab12cd34")]
    live: Option<String>,
    /// Who went back to it, or forth: the name of whoever signed in, or the key's id; null if a training made it live.
    chosen_by: Option<String>,
    /// When they did, RFC 3339.
    chosen: Option<String>,
    /// The versions that are kept, the newest first.
    versions: Vec<Version>,
    /// The card of the live model: what it was made of, how, and how good it is.
    #[schema(value_type = Option<Object>)]
    card: Option<Value>,
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelVersion)]
pub(crate) struct Version {
    /// Its name: when it was published and a part of its hash.
    version: String,
    /// When it was published, RFC 3339.
    published: String,
    /// Changes of the catalogue since this time are answered from the table, RFC 3339.
    delta_from: String,
    /// Whether it is live.
    live: bool,
    /// How good it was on held-out actions of its own time, by question (`new`: what next product new to the person,
    /// `any`: what next product): HR and NDCG at 10 and 20; null if there was too little to hold out. Figures of different
    /// times are not of the same people.
    #[schema(value_type = Object)]
    figures: Option<Value>,
    /// How it was compared with the model that was live before it.
    #[schema(value_type = Object)]
    gate: Option<Value>,
}

/// What came of going back, or forth.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelActivated)]
pub(crate) struct Activated {
    /// The version that is live now.
    live: String,
    /// The version that was live before; null if it is the same.
    before: Option<String>,
}

/// The shop's models
#[utoipa::path(get, path = "/v1/models", tag = "manage", operation_id = "get_models",
    security(("basic" = ["view"])),
    responses(
        (status = 200, body = Models, description = "The models that are kept"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn models(State(app): State<App>, access: ServerAccess<Look>) -> Result<Json<Models>, Problem> {
    let context = &app.context;
    let (live, mut kept) = tokio::try_join!(
        context.table.live_model_and_choice(&access.shop),
        context.table.model_versions(&access.shop)
    )?;
    let (live, choice) = live.unzip();
    let choice = choice.flatten();
    kept.sort_by(|a, b| (b.published, &b.version).cmp(&(a.published, &a.version)));
    let mut shown = None;
    let mut versions = Vec::new();
    for kept in kept {
        let live = live.as_ref().is_some_and(|live| live.version == kept.version);
        let card = card(&app, &kept).await?;
        let member = |pointer: &str| card.as_ref().and_then(|card| card.pointer(pointer)).cloned();
        versions.push(Version {
            live,
            published: kept.published.to_rfc3339(),
            delta_from: kept.delta_from.to_rfc3339(),
            figures: member("/model/validation/figures").and_then(of_blend),
            gate: member("/gate"),
            version: kept.version,
        });
        if live {
            shown = card;
        }
    }
    Ok(Json(Models {
        shop: access.shop.to_string(),
        live: live.map(|live| live.version),
        chosen: choice.as_ref().map(|choice| choice.at.to_rfc3339()),
        chosen_by: choice.map(|choice| choice.author),
        versions,
        card: shown,
    }))
}

/// Of the figures of all parts by question, those of the whole model.
fn of_blend(figures: Value) -> Option<Value> {
    let Value::Object(questions) = figures else { return None };
    let blend = |(question, mut parts): (String, Value)| Some((question, parts.get_mut("blend")?.take()));
    let blends: Map<String, Value> = questions.into_iter().filter_map(blend).collect();
    (!blends.is_empty()).then_some(Value::Object(blends))
}

/// The card beside the artifact; none if it is gone or no JSON, for the model works without it.
async fn card(app: &App, version: &Live) -> Result<Option<Value>, Problem> {
    let Some((folder, _)) = version.artifact.rsplit_once('/') else { return Ok(None) };
    let bytes = app.context.objects.get(&format!("{folder}/card.json")).await?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Go back to a model
///
/// Makes a version live that is kept, older or newer than the live one; every function answers with it within a second
/// or two, and with every change of the catalogue since. A training after that publishes a newer model as usual, if it is
/// not worse than this one; only the very model that was taken back is not published again. Asking for the live version
/// changes nothing.
#[utoipa::path(post, path = "/v1/models/{version}/activate", tag = "manage", operation_id = "activate_model",
    security(("basic" = ["manage"])),
    params(("version" = String, Path, description = "Name of a version that is kept")),
    responses(
        (status = 200, body = Activated, description = "The version is live"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "No such version is kept"),
        (status = 409, body = Problem, description = "Another model became live meanwhile"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn activate(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path(version): Path<String>,
) -> Result<Json<Activated>, Problem> {
    let (table, shop) = (&app.context.table, &access.shop);
    let (live, kept) = tokio::try_join!(table.live_model(shop), table.model_versions(shop))?;
    let unknown = || Problem::not_found("no such version is kept; GET /v1/models lists those that are");
    let (live, flips) = live.ok_or_else(unknown)?;
    if live.version == version {
        return Ok(Json(Activated { live: version, before: None }));
    }
    let wanted = kept.iter().find(|kept| kept.version == version).ok_or_else(unknown)?;
    let by = Choice { author: access.author.clone(), at: app.context.clock.now() };
    match table.activate_model(shop, wanted, flips, by).await {
        Ok(()) => {
            tracing::info!(%shop, version, before = live.version, "a shop went to another version of its model");
            Ok(Json(Activated { live: version, before: Some(live.version) }))
        }
        Err(vitrine_store::Error::Conflict { .. }) => Err(Problem::new(
            StatusCode::CONFLICT,
            "conflict",
            "another model became live just now, or the version is kept no longer; look again and choose",
        )),
        Err(error) => Err(error.into()),
    }
}
