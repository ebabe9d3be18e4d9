//! The models of a shop: which one is live, which ones are kept, and what the live one was made of.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::models::Live;

/// The models of a shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Models {
    /// Version of the live model; null in a shop that was never trained.
    #[schema(example = "20261122T144000-ab12cd34")]
    live: Option<String>,
    /// The versions that are kept, the newest first.
    versions: Vec<Version>,
    /// The card of the live model: what it was made of, how, and how good it is.
    #[schema(value_type = Object)]
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
}

/// The shop's models
#[utoipa::path(get, path = "/v1/models", tag = "manage", operation_id = "get_models",
    responses(
        (status = 200, body = Models, description = "The models that are kept"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn models(State(app): State<App>, access: ServerAccess) -> Result<Json<Models>, Problem> {
    let context = &app.context;
    let (live, mut kept) =
        tokio::try_join!(context.table.live_model(&access.shop), context.table.model_versions(&access.shop))?;
    let live = live.map(|(live, _)| live);
    kept.sort_by(|a, b| (b.published, &b.version).cmp(&(a.published, &a.version)));
    let version = |kept: Live| Version {
        live: live.as_ref().is_some_and(|live| live.version == kept.version),
        published: kept.published.to_rfc3339(),
        delta_from: kept.delta_from.to_rfc3339(),
        version: kept.version,
    };
    let versions = kept.into_iter().map(version).collect();
    let card = match &live {
        Some(live) => card(&app, live).await?,
        None => None,
    };
    Ok(Json(Models { live: live.map(|live| live.version), versions, card }))
}

/// The card beside the artifact; none if it is gone or no JSON, for the model works without it.
async fn card(app: &App, live: &Live) -> Result<Option<Value>, Problem> {
    let Some((folder, _)) = live.artifact.rsplit_once('/') else { return Ok(None) };
    let bytes = app.context.objects.get(&format!("{folder}/card.json")).await?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}
